// Gradient of features: one product with the prepared matrix, and everything else in its epilogue.
//
// Channels-last: rows of the product are positions, columns channels, and the prepared matrix has its
// rows turned, so that a lane ends with eight neighbouring channels. Planar: rows are channels,
// columns positions, and four lanes exchange theirs until each has eight neighbours.
#pragma once

#include "copies.cuh"
#include "eights.cuh"
#include "gramstyle/cuda/backward.h"
#include "gramstyle/cuda/turned.h"
#include "sums.cuh"

namespace gramstyle::cuda {

// Panels of 128 rows by 128 bytes, of the matrix and of channels-last features; a planar panel of
// features is as many bytes, read like a channels-last one of the Gram kernel: transposed.
template <class Format>
using MatrixPanel = Panel<Format::bytes, Layout::planar, kBackwardSide>;
template <class Format>
using PlanarPanel = Panel<Format::bytes, Layout::channels_last, kBackwardSide>;

// Starts the copies of rows `first_row` on and bytes from `first_column` elements on into the panel at
// `slot`. What lies beyond `rows` and `columns` becomes 0.
template <class Panel>
__device__ __forceinline__ void copy_panel(uint32_t slot, const unsigned char* from, int64_t row_stride,
                                           int64_t first_row, int64_t rows, int64_t first_column,
                                           int64_t columns, int copy_bytes) {
  constexpr int kElements = Panel::elements_of_chunk;
  constexpr int kElement = kChunk / kElements;
  constexpr int kApart = kThreads / Panel::chunks;
  const int chunk = machine::thread() % Panel::chunks;
  const int64_t left = columns - (first_column + chunk * kElements);
  const int valid = left <= 0 ? 0 : left < kElements ? static_cast<int>(left) : kElements;
#pragma unroll 1
  for (int row = machine::thread() / Panel::chunks; row < Panel::rows; row += kApart) {
    const int64_t at = (first_row + row) * row_stride + first_column + chunk * kElements;
    const int bytes = first_row + row < rows ? valid * kElement : 0;
    const uint32_t to = slot + Panel::offset(row, chunk);
    if (copy_bytes == kChunk) {
      machine::copy_async<kChunk>(to, from + at * kElement, bytes);
    } else {
      copy_chunk(to, from + at * kElement, bytes, copy_bytes);
    }
  }
}

// Whether the activation has slope 1 where its result is `x`; where not, its slope is 0.
__device__ __forceinline__ bool passes(Activation activation, float x) {
  if (activation == Activation::none) return true;
  return x > 0.0f && (activation == Activation::relu || x < 6.0f);
}

// Item q of lane t goes to lane q as item t, among the four lanes of a row.
__device__ __forceinline__ void exchange(float (&item)[4][2]) {
  const int t = machine::lane() % 4;
#pragma unroll
  for (int bit = 1; bit < 4; bit *= 2) {
#pragma unroll
    for (int q = 0; q < 4; ++q) {
      if (q & bit) continue;
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const bool upper = (t & bit) != 0;
        const float received = machine::shuffle_xor(upper ? item[q][e] : item[q | bit][e], bit);
        item[q][e] = upper ? received : item[q][e];
        item[q | bit][e] = upper ? item[q | bit][e] : received;
      }
    }
  }
}

template <class Format, Layout layout>
__global__ void __launch_bounds__(kThreads, Format::joined ? 2 : 1) backward_kernel(BackwardArgs a) {
  using Matrix = MatrixPanel<Format>;
  constexpr bool planar = layout == Layout::planar;
  constexpr int kStage = 2 * Matrix::bytes;
  constexpr int kDepth = kBackwardDepth / Format::bytes;  // channels of a step of the pipeline
  constexpr int kSteps = kDepth / Matrix::step;
  const int64_t channel_blocks = padded_rows(a.channels) / kBackwardSide;
  const int64_t position_blocks = (a.positions + kBackwardSide - 1) / kBackwardSide;
  const int64_t first_channel = machine::block() % channel_blocks * kBackwardSide;
  const int64_t first_position = machine::block() / channel_blocks % position_blocks * kBackwardSide;
  const int64_t image = machine::block() / channel_blocks / position_blocks;
  const int64_t width = padded_columns(a.channels, Format::bytes);
  const auto* x = static_cast<const unsigned char*>(a.x.data) + image * a.x.batch_stride * Format::bytes;
  const auto* matrix =
      static_cast<const unsigned char*>(a.matrix) + image * padded_rows(a.channels) * width * Format::bytes;
  const int panels = static_cast<int>(width / kDepth);

  const auto start = [&](int panel) {
    const uint32_t slot = static_cast<uint32_t>(panel % 2 * kStage);
    const int64_t channel = static_cast<int64_t>(panel) * kDepth;
    copy_panel<Matrix>(slot, matrix, width, first_channel, rounded_up(a.channels, kTurned), channel, width,
                       kChunk);
    if constexpr (planar) {
      copy_panel<PlanarPanel<Format>>(slot + Matrix::bytes, x, a.x.row_stride, channel, a.channels,
                                      first_position, a.positions, a.copy_bytes);
    } else {
      copy_panel<Matrix>(slot + Matrix::bytes, x, a.x.row_stride, first_position, a.positions, channel,
                         a.channels, a.copy_bytes);
    }
  };

  // Warps: four times 32 rows, two times 64 columns.
  const int row = machine::warp() % 4 * 32;
  const int column = machine::warp() / 4 * 64;
  const int64_t first_row = (planar ? first_channel : first_position) + row;
  const int64_t first_column = (planar ? first_position : first_channel) + column;
  const int64_t rows = planar ? a.channels : a.positions;
  const int64_t columns = planar ? a.positions : a.channels;
  const bool rests = first_row >= rows || first_column >= columns;
  Sums<16, 0> sums;
  sums.clear();
  start(0);
  machine::commit_copies();
  int panel = 0;
#pragma unroll 1
  do {
    if (panel + 1 < panels) start(panel + 1);
    machine::commit_copies();
    machine::wait_copies<1>();
    machine::sync_block();
    const uint32_t slot = static_cast<uint32_t>(panel % 2 * kStage);
    if (!rests) {
      const uint32_t left = slot + (planar ? 0 : Matrix::bytes) + Matrix::group(row / 64);
#pragma unroll 1
      for (int at = 0; at < kSteps; ++at) {
        if constexpr (planar) {
          using Right = PlanarPanel<Format>;
          const uint32_t right = slot + Matrix::bytes + Right::group(column / 64);
          add_rectangle<Format, Matrix, Right, 2, 0>(sums, left, row / 16 % 4, right, at);
        } else {
          add_rectangle<Format, Matrix, Matrix, 2, 0>(sums, left, row / 16 % 4,
                                                      slot + Matrix::group(column / 64), at);
        }
      }
    }
    machine::sync_block();  // all are done with this panel: the next but one may take its place
  } while (++panel < panels);
  machine::wait_copies<0>();
  if (rests) return;

  const int g = machine::lane() / 4;
  const int t = machine::lane() % 4;
  const float* scale = a.scale + image * padded_rows(a.channels);
  const float* added = a.added + image * padded_rows(a.channels);
  const auto* base =
      static_cast<const unsigned char*>(a.base.data) + image * a.base.batch_stride * Format::bytes;
  auto* out =
      static_cast<unsigned char*>(const_cast<void*>(a.out.data)) + image * a.out.batch_stride * Format::bytes;
#pragma unroll
  for (int part = 0; part < 2; ++part) {
    const int64_t at_column = first_column + kTurned * part + 8 * t;
    const int valid = columns - at_column < 8 ? static_cast<int>(columns - at_column) : 8;
    float factor[8], addend[8];  // of the channels of a lane, which planar are one
#pragma unroll
    for (int k = 0; k < 8 && !planar; ++k) {  // padded: they are there for channels that are not
      factor[k] = scale[at_column + k];
      addend[k] = added[at_column + k];
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      float item[4][2];
#pragma unroll
      for (int q = 0; q < 4; ++q) {
        item[q][0] = sums.tile[8 * (i / 2) + 4 * part + q][2 * (i % 2)];
        item[q][1] = sums.tile[8 * (i / 2) + 4 * part + q][2 * (i % 2) + 1];
      }
      if (planar) exchange(item);
      const int64_t at_row = first_row + 8 * i + g;
      if (at_row >= rows || valid <= 0) continue;
      float features[8], result[8];
      read_eight<Format>(features, x + (at_row * a.x.row_stride + at_column) * Format::bytes, valid,
                         a.vectors);
#pragma unroll
      for (int k = 0; k < 8; ++k) result[k] = 0.0f;
      if (a.base.data != nullptr) {
        const unsigned char* from = base + (at_row * a.base.row_stride + at_column) * Format::bytes;
        read_eight<Format>(result, from, valid, a.vectors);
      }
#pragma unroll
      for (int k = 0; k < 8; ++k) {
        result[k] +=
            item[k / 2][k % 2] * (planar ? scale[at_row] : factor[k]) + (planar ? added[at_row] : addend[k]);
        if (!passes(a.activation, features[k])) result[k] = 0.0f;
      }
      write_eight<Format>(out + (at_row * a.out.row_stride + at_column) * Format::bytes, result, valid,
                          a.vectors);
    }
  }
}

template <class Format>
int launch_backward(const BackwardArgs& a, void* stream) {
  const int64_t blocks = a.batch * (padded_rows(a.channels) / kBackwardSide) *
                         ((a.positions + kBackwardSide - 1) / kBackwardSide);
  constexpr int kStage = 2 * MatrixPanel<Format>::bytes;
  const bool one = padded_columns(a.channels, Format::bytes) * Format::bytes == kBackwardDepth;
  const int shared = one ? kStage : 2 * kStage;
  return a.layout == Layout::planar
             ? machine::launch(backward_kernel<Format, Layout::planar>, blocks, kThreads, shared, stream, a)
             : machine::launch(backward_kernel<Format, Layout::channels_last>, blocks, kThreads, shared,
                               stream, a);
}

}  // namespace gramstyle::cuda
