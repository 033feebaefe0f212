// Sums of products of channels over positions. No torch here: pointers, sizes and strides only.
#pragma once

#include <cstdint>

#include "gramstyle/activation.h"
#include "gramstyle/element.h"
#include "gramstyle/parallel.h"

namespace gramstyle {

// A batch of feature maps (B, C, H, W). Strides count elements.
struct Maps {
  void* data;
  Element type;
  int64_t images, channels, height, width;
  int64_t image_step, channel_step, row_step, column_step;
};

// second[b, i, j] = sum_p x[b, i, p] x[b, j, p], contiguous (B, C, C), and, unless null,
// sums[b, c] = sum_p x[b, c, p]: float64 where `wide`, else float32. Maps of float64 must be wide.
struct GramArgs {
  Maps x;
  void* second;
  void* sums;
  bool wide;
};

// out = mask * (base + symmetric x + sums): the gradient of any function of second moments and sums.
// symmetric (B, C, C) is its gradient by `second` plus the transpose of it; sums (B, C) that by `sums`.
// The mask is the derivative of `activation` (none, relu, relu6), whose outputs x are.
struct GramBackwardArgs {
  Maps x, base, out;      // base.data may be null
  const void* symmetric;  // float64 where `wide`, else float32; contiguous
  const void* sums;       // the same; may be null
  bool wide;
  Activation activation;
};

// The same bits for any number of threads: how positions are split depends on shapes only.
void gram_cpu(const GramArgs& args, ParallelFor parallel_for);
void gram_backward_cpu(const GramBackwardArgs& args, ParallelFor parallel_for);

// Which of a processor's instructions all of these use: avx512, avx2, neon or portable.
const char* instructions();

}  // namespace gramstyle
