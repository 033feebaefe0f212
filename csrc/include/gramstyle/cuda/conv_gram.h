// Convolution, bias, activation and second moment in one pass: arguments and entry points.
#pragma once

#include <cstdint>

#include "gramstyle/activation.h"
#include "gramstyle/cuda/gram.h"
#include "gramstyle/cuda/splits.h"

namespace gramstyle::cuda {

// Products of one output element, Cin x kernel height x kernel width, that the weights in shared memory
// have room for: one row of 128 bytes.
constexpr int kMostProducts = 64;
// Output channels whose sums a warp keeps in registers; beyond, features pass through shared memory.
constexpr int kMostInRegisters = 64;
constexpr int kMostFused = 256;

// Splits of output positions.
constexpr Splits conv_splits(int64_t channels, int64_t positions) {
  const int width = panel_width(channels);
  return split_positions(channels, positions, 1, width <= 64 ? kWarps : width == 128 ? 4 : 1);
}

// Strides count elements. x has any strides; weight (Cout, Cin, kernel height, kernel width) is
// contiguous; features (B, Hout, Wout, Cout) are, too.
struct ConvArgs {
  const void* x;
  int64_t batch_stride, channel_stride, row_stride, column_stride;
  const void* weight;  // of x's type
  const void* bias;    // (Cout), float32 where `wide_bias`, else of x's type; may be null
  bool wide_bias;
  void* features;  // may be null
  int64_t batch;
  int in_channels, out_channels;
  int height, width, out_height, out_width;
  int kernel_height, kernel_width;
  int stride_height, stride_width, pad_height, pad_width, dilation_height, dilation_width;
  // The kernel is 1 x 1 and positions of x are rows of 16-byte pieces: they are copied as they are.
  // Else every element is fetched by itself.
  bool by_rows;
  bool weight_vectors;  // rows of the weight are, too
  Format format;        // bfloat16 or float16
  Activation activation;
  bool sums;
  Splits splits;    // conv_splits(out_channels, out_height * out_width)
  float* partials;  // (B, splits.count, splits.floats); channels turned where they fit in registers
};

// Writes features where asked for, and partial sums for reduce_partials.
int conv_gram(const ConvArgs& args, void* stream);

}  // namespace gramstyle::cuda
