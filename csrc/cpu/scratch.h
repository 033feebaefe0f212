// Memory that a thread keeps from one call to the next: fresh pages cost more than the work on them.
//
// How much: a thread that works holds a tile or the input of one, and a thread that calls also weights in
// another order, a panel of positions (1.5 MB or a tile), and partial sums, 8 MB of them or four matrices,
// whichever is more, and one in float64. It is given back when the thread ends.
#pragma once

#include <cstdint>
#include <memory>
#include <new>

namespace gramstyle {

// a * b, or more than any memory holds.
inline int64_t memory_product(int64_t a, int64_t b) {
  int64_t found;
  return __builtin_mul_overflow(a, b, &found) ? INT64_MAX : found;
}

// `name` tells buffers apart that one thread uses at one time. They grow and stay; contents are rubbish.
template <class T, int name>
T* scratch(int64_t count) {
  struct Aligned {
    void operator()(T* p) const { ::operator delete(p, std::align_val_t(64)); }
  };
  thread_local std::unique_ptr<T, Aligned> kept;
  thread_local int64_t held = 0;
  if (count > held) {
    if (count > PTRDIFF_MAX / int64_t(sizeof(T))) throw std::bad_array_new_length();
    kept.reset();
    held = 0;
    kept.reset(static_cast<T*>(::operator new(size_t(count) * sizeof(T), std::align_val_t(64))));
    held = count;
  }
  return kept.get();
}

}  // namespace gramstyle
