// How kernels ask for threads, so that they need to know no pool.
#pragma once

#include <cstdint>
#include <functional>

namespace gramstyle {

using Range = std::function<void(int64_t begin, int64_t end)>;

// Calls body on parts of [begin, end) that hold at least `grain` items, in any order and in parallel. What
// body throws (std::bad_alloc) it throws on when every part has ended. A thread within body must not be given
// other work of a kernel: it has one scratch memory.
using ParallelFor = void (*)(int64_t begin, int64_t end, int64_t grain, const Range& body);

}  // namespace gramstyle
