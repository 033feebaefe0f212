// How kernels ask for threads, so that they need to know no pool.
#pragma once

#include <cstdint>
#include <functional>

namespace gramstyle {

using Range = std::function<void(int64_t begin, int64_t end)>;

// Calls body on parts of [begin, end) that hold at least `grain` items, in any order and in parallel.
using ParallelFor = void (*)(int64_t begin, int64_t end, int64_t grain, const Range& body);

}  // namespace gramstyle
