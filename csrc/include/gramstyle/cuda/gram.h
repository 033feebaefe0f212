// The symmetric second moment on a GPU: arguments and entry points. No torch and no CUDA here.
//
// Every entry point returns 0, or the number of an error that `error_name` explains. `stream` is a
// cudaStream_t. Strides count elements.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gramstyle/cuda/panel.h"
#include "gramstyle/cuda/splits.h"

namespace gramstyle::cuda {

// How products are formed. Sums are float32.
enum class Format {
  bfloat16,
  float16,
  tf32,  // float32, rounded to 11 significant bits
  ieee,  // float32, of which products lose the last 2 or 3 bits: three products of TF32 for one
};

// Whether one block sums triangles and squares: four products of two-part factors leave no registers.
constexpr bool joined(Format format) { return format != Format::ieee; }

struct GramArgs {
  const void* x;  // (B, C, P)
  int64_t batch, channels, positions;
  int64_t batch_stride;
  int64_t row_stride;  // of channels where planar, of positions where channels-last; the other is 1
  int copy_bytes;      // 16, 8 or 4 where rows and batches begin at multiples of it, else 2
  Layout layout;
  Format format;
  bool sums;
  Splits splits;    // gram_splits(channels, positions, joined(format))
  int units;        // set by gram_partials
  float* partials;  // (B, splits.count, splits.floats)
};

// Writes the partial sums of every part of every image.
int gram_partials(const GramArgs& args, void* stream);

struct ReduceArgs {
  const float* partials;
  int64_t batch, channels;
  Splits splits;
  bool sums;
  bool turned;   // channels of partials stand in the order of `turned_channel`
  bool wide;     // results are float64
  void* second;  // (B, C, C)
  void* total;   // (B, C), read where `sums`
};

// Adds partial sums, in float64 and in one order, and writes both halves of the result.
int reduce_partials(const ReduceArgs& args, void* stream);

constexpr int64_t plain_parts(int64_t positions) {
  return std::min<int64_t>(std::max<int64_t>(positions / kChain, 1), 64);
}

// x (B, C, H, W) with any strides, float64.
struct PlainGramArgs {
  const double* x;
  int64_t batch, channels, height, width;
  int64_t batch_stride, channel_stride, row_stride, column_stride;
  bool sums;
  int64_t parts;     // plain_parts(height * width)
  double* partials;  // (B, parts, C, C + 1): row i holds its products with channels from i on, then its sum
  double* second;    // (B, C, C)
  double* total;     // (B, C), written where `sums`
};

int plain_gram(const PlainGramArgs& args, void* stream);

const char* error_name(int error);

}  // namespace gramstyle::cuda
