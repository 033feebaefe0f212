// Convolution, bias, activation and the sums of `gram.h`, in one pass over the input.
#pragma once

#include <cstdint>

#include "gramstyle/activation.h"
#include "gramstyle/gram.h"

namespace gramstyle {

struct ConvGramArgs {
  Maps x;              // (B, C, H, W)
  const void* weight;  // (N, C / groups, kernel height, kernel width), contiguous, of the type of x
  const void* bias;    // (N), of the type of x; may be null
  int64_t groups, kernel_height, kernel_width;
  int64_t stride_height, stride_width, padding_height, padding_width, dilation_height, dilation_width;
  Activation activation;
  Maps features;  // (B, N, H', W') of the type of x; data may be null: then they are never in memory
  void* second;   // as in `GramArgs`, of the features as rounded to the type of x: (B, N, N)
  void* sums;     // (B, N); may be null
  bool wide;
};

void conv_gram_cpu(const ConvGramArgs& args, ParallelFor parallel_for);

}  // namespace gramstyle
