// Threads of control that take turns on one thread of the operating system.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

// Defined where kernels are compiled with the address sanitizer: it must hear of every switch.
#if defined(GRAMSTYLE_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace gramstyle::emulation {

// One switch costs two system calls in ucontext. Between fibers that were started already, only the
// registers that a call must preserve need to change, which is what these few instructions do.
#if defined(__x86_64__)
extern "C" void gramstyle_switch(void** save, void* restore);
asm(R"(
.text
.weak gramstyle_switch
.type gramstyle_switch, @function
gramstyle_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size gramstyle_switch, .-gramstyle_switch
)");
#define GRAMSTYLE_FAST_SWITCH 1
#endif

class Fibers {
 public:
  explicit Fibers(int count) : fibers_(count) {
    static std::vector<std::unique_ptr<char[]>> stacks;  // kept: most launches want as many
    while (static_cast<int>(stacks.size()) < count) stacks.emplace_back(new char[kStack]);
    for (int i = 0; i < count; ++i) fibers_[i].stack = stacks[i].get();
  }

  int count() const { return static_cast<int>(fibers_.size()); }

  // Makes every fiber ready to run `body(number)` from its beginning.
  void reset(const std::function<void(int)>& body) {
    body_ = &body;
    for (int i = 0; i < count(); ++i) {
      Fiber& one = fibers_[i];
      one.dirty = !one.done;
      one.done = false;
      prepare(one);
    }
  }

  // Runs fiber `i` until it yields or ends.
  void resume(int i) {
    current_ = i;
    active_ = this;
    Fiber& one = fibers_[i];
#if defined(GRAMSTYLE_ADDRESS_SANITIZER)
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, one.stack, kStack);
#endif
#if defined(GRAMSTYLE_FAST_SWITCH)
    gramstyle_switch(&scheduler_, one.at);
#else
    swapcontext(&scheduler_, &one.at);
#endif
#if defined(GRAMSTYLE_ADDRESS_SANITIZER)
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
  }

  // Called in a fiber: goes back to whoever resumed it.
  void yield() { leave(false); }

  bool done(int i) const { return fibers_[i].done; }

 private:
  static constexpr size_t kStack = 64 * 1024;

  struct Fiber {
    char* stack = nullptr;
    bool done = false;
    bool dirty = true;  // the stack may hold frames of a fiber that did not end
#if defined(GRAMSTYLE_FAST_SWITCH)
    void* at = nullptr;
#else
    ucontext_t at;
#endif
  };

  void prepare(Fiber& one) {
#if defined(GRAMSTYLE_ADDRESS_SANITIZER)
    // Frames that the last fiber on this stack never left: those below its body, if it ended.
    const size_t left = one.dirty ? kStack : kStack / 16;
    __asan_unpoison_memory_region(one.stack + kStack - left, left);
#endif
#if defined(GRAMSTYLE_FAST_SWITCH)
    auto top = reinterpret_cast<uintptr_t>(one.stack + kStack) & ~uintptr_t{15};
    void** frame = reinterpret_cast<void**>(top);
    *--frame = nullptr;  // where `enter` would return to, and what aligns the stack as after a call
    *--frame = reinterpret_cast<void*>(&Fibers::enter);
    for (int i = 0; i < 6; ++i) *--frame = nullptr;
    one.at = frame;
#else
    getcontext(&one.at);
    one.at.uc_stack.ss_sp = one.stack;
    one.at.uc_stack.ss_size = kStack;
    one.at.uc_link = nullptr;
    makecontext(&one.at, &Fibers::enter, 0);
#endif
  }

  static void enter() {
    Fibers* self = active_;
#if defined(GRAMSTYLE_ADDRESS_SANITIZER)
    __sanitizer_finish_switch_fiber(nullptr, &self->bottom_, &self->size_);
#endif
    (*self->body_)(self->current_);
    self->fibers_[self->current_].done = true;
    self->leave(true);
  }

  void leave(bool ends) {
    Fiber& one = fibers_[current_];
    (void)ends;
#if defined(GRAMSTYLE_ADDRESS_SANITIZER)
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(ends ? nullptr : &fake, bottom_, size_);
#endif
#if defined(GRAMSTYLE_FAST_SWITCH)
    gramstyle_switch(&one.at, scheduler_);
#else
    swapcontext(&one.at, &scheduler_);
#endif
#if defined(GRAMSTYLE_ADDRESS_SANITIZER)
    __sanitizer_finish_switch_fiber(fake, &bottom_, &size_);
#endif
  }

  std::vector<Fiber> fibers_;
  const std::function<void(int)>* body_ = nullptr;
  int current_ = 0;
#if defined(GRAMSTYLE_FAST_SWITCH)
  void* scheduler_ = nullptr;
#else
  ucontext_t scheduler_;
#endif
  const void* bottom_ = nullptr;
  size_t size_ = 0;
  static inline Fibers* active_ = nullptr;
};

}  // namespace gramstyle::emulation
