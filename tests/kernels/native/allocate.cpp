#include "allocate.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "memory.h"

namespace proofs {
namespace {

thread_local int64_t left = -1;

void* filled(void* place, size_t size) {
  if (place == nullptr) throw std::bad_alloc();
  std::memset(place, kUnset, size);  // what is used before it is set shows in the results
  return place;
}

void count_down() {
  if (left < 0) return;
  if (left-- == 0) throw std::bad_alloc();
}

}  // namespace

void refuse_after(int64_t count) { left = count; }

}  // namespace proofs

void* operator new(size_t size) {
  proofs::count_down();
  return proofs::filled(std::malloc(size > 0 ? size : 1), size);
}

void* operator new(size_t size, std::align_val_t alignment) {
  proofs::count_down();
  void* place = nullptr;
  if (posix_memalign(&place, size_t(alignment), size > 0 ? size : 1) != 0) throw std::bad_alloc();
  return proofs::filled(place, size);
}

void operator delete(void* place) noexcept { std::free(place); }
void operator delete(void* place, size_t) noexcept { std::free(place); }
void operator delete(void* place, std::align_val_t) noexcept { std::free(place); }
void operator delete(void* place, size_t, std::align_val_t) noexcept { std::free(place); }
