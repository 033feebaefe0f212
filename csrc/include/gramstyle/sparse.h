// Convolutions whose weights are mostly zero: what is zero is neither stored nor multiplied.
#pragma once

#include <cstdint>

#include "gramstyle/gram.h"
#include "gramstyle/parallel.h"

namespace gramstyle {

// y[b, n, i, j] = bias[n] + sum over t of values[t] x[b, c, stride i + dilation v - padding, ...] with t from
// rows[n] to rows[n + 1] and columns[t] = (c * kernel_height + v) * kernel_width + w, which ascend: a matrix
// in compressed rows. Channels c count within the group of n.
struct SparseConvArgs {
  Maps x;              // (B, C, H, W)
  const void* values;  // float64 where x is, else float32
  const int32_t* columns;
  const int32_t* rows;  // (N + 1), from 0 up
  const void* bias;     // (N), of the type of values; may be null
  int64_t groups, kernel_height, kernel_width;
  int64_t stride_height, stride_width, padding_height, padding_width, dilation_height, dilation_width;
  Maps out;         // (B, N, H', W'), contiguous, of the type of x
  int64_t threads;  // that there are
};

// The kernel that takes gradients back, whose outputs are the inputs: taps turned round.
struct SparseTurnedArgs {
  const void* values;
  bool doubles;
  const int32_t *columns, *rows;
  int64_t outputs, channels, groups, taps;  // N, C / groups
  void* turned_values;
  int32_t *turned_columns, *turned_rows;  // the latter (C + 1)
};
void sparse_turned_cpu(const SparseTurnedArgs& args);

// The same bits for any number of threads: each output is added up in the order of its columns.
void sparse_conv_cpu(const SparseConvArgs& args, ParallelFor parallel_for);

}  // namespace gramstyle
