// Large maps in large pages of memory.
#pragma once

#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace gramstyle {

// Asks the system to back memory that is about to be written by pages of 2 MB, where it does so for those who
// ask. Fresh memory is cleared as it is first touched, page by page, and in pages of 4 KB that takes longer
// than a convolution. Memory that begins or ends within a large page is left alone there; none is added.
inline void ask_for_large_pages(void* data, int64_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr uintptr_t kPage = uintptr_t(1) << 21;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(data), end = begin + uintptr_t(bytes);
  const uintptr_t first = (begin + kPage - 1) / kPage * kPage, last = end / kPage * kPage;
  if (first < last) (void)madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);  // or without
#else
  (void)data, (void)bytes;
#endif
}

}  // namespace gramstyle
