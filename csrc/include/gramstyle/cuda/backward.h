// The gradient of features that a Gram matrix and a next layer read: arguments and entry points.
#pragma once

#include <cstdint>

#include "gramstyle/activation.h"
#include "gramstyle/cuda/gram.h"
#include "gramstyle/cuda/panel.h"
#include "gramstyle/cuda/splits.h"

namespace gramstyle::cuda {

// A block of threads computes 128 channels at 128 positions, from 128 bytes of channels at a time.
constexpr int kBackwardSide = 128;
constexpr int kBackwardDepth = 128;  // bytes

// Channels of the prepared matrix: rows to a whole number of blocks, columns to whole steps.
constexpr int64_t padded_rows(int64_t channels) { return rounded_up(channels, kBackwardSide); }
constexpr int64_t padded_columns(int64_t channels, int element_bytes) {
  return rounded_up(channels, kBackwardDepth / element_bytes);
}

// Features (B, C, P), gradient into them, gradient out of them. Strides count elements; the stride that
// is not given is 1.
struct Rows {
  const void* data;
  int64_t batch_stride;
  int64_t row_stride;  // of channels where planar, of positions where channels-last
};

// out = mask(x) * (base + symmetric x + sums); the mask is 1 where the activation's slope is.
struct BackwardArgs {
  Rows x, base, out;      // base.data may be null
  const void* symmetric;  // (B, C, C), float64 where `wide`, else float32
  const void* sums;       // (B, C), likewise; may be null
  bool wide;
  int64_t batch, channels, positions;
  Layout layout;
  Format format;          // bfloat16, float16 or ieee
  Activation activation;  // none, relu or relu6
  int copy_bytes;         // as in GramArgs, for x
  bool vectors;           // rows and batches of x, base and out begin at multiples of 16 bytes
  void* matrix;           // (B, padded_rows, padded_columns) of x's type
  float* scale;           // (B, padded_rows): what the rows of `matrix` were divided by
  float* added;           // (B, padded_rows): sums, or zeros
};

int gram_backward(const BackwardArgs& args, void* stream);

// The same in float64, with any strides.
struct PlainFeatures {
  const double* data;
  int64_t batch_stride, channel_stride, row_stride, column_stride;
};

struct PlainBackwardArgs {
  PlainFeatures x, base, out;  // base.data may be null
  const double* symmetric;     // (B, C, C)
  const double* sums;          // (B, C); may be null
  int64_t batch, channels, height, width;
  Activation activation;
};

int plain_backward(const PlainBackwardArgs& args, void* stream);

}  // namespace gramstyle::cuda
