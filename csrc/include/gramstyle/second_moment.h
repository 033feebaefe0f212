// Sums of products of channels over positions. No torch here: pointers, sizes and strides only.
#pragma once

#include <cstdint>
#include <functional>

namespace gramstyle {

using Range = std::function<void(int64_t, int64_t)>;
using ParallelFor = void (*)(int64_t begin, int64_t end, int64_t grain, const Range& body);

// x (B, C, P), out (B, C, C). Strides count elements; out is contiguous.
template <class In, class Out>
struct SecondMomentArgs {
  const In* x;
  Out* out;
  int64_t batch, channels, positions;
  int64_t x_batch_stride, x_channel_stride, x_position_stride;
};

// out[b, i, j] = sum_p x[b, i, p] * x[b, j, p], with products in Out.
template <class In, class Out>
void second_moment_cpu(const SecondMomentArgs<In, Out>& args, ParallelFor parallel_for);

}  // namespace gramstyle
