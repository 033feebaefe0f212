// Memory that a thread keeps from one call to the next: fresh pages cost more than the work on them.
#pragma once

#include <cstdint>
#include <memory>
#include <new>

namespace gramstyle {

// `name` tells buffers apart that one thread uses at one time. They grow and stay; contents are rubbish.
template <class T, int name>
T* scratch(int64_t count) {
  struct Aligned {
    void operator()(T* p) const { ::operator delete(p, std::align_val_t(64)); }
  };
  thread_local std::unique_ptr<T, Aligned> kept;
  thread_local int64_t held = 0;
  if (count > held) {
    kept.reset();
    held = 0;
    kept.reset(static_cast<T*>(::operator new(size_t(count) * sizeof(T), std::align_val_t(64))));
    held = count;
  }
  return kept.get();
}

}  // namespace gramstyle
