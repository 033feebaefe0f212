// The sums that a warp keeps in registers: how they grow by a step, and how warps add theirs up.
#pragma once

#include "formats.cuh"
#include "gramstyle/cuda/roles.h"

namespace gramstyle::cuda {

// `tiles` tiles of 16 x 8 and the sums of `blocks` blocks of 16 channels.
template <int tiles, int blocks>
struct Sums {
  float tile[tiles][4];
  float total[blocks > 0 ? blocks : 1][2];

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int i = 0; i < tiles; ++i)
#pragma unroll
      for (int r = 0; r < 4; ++r) tile[i][r] = 0.0f;
#pragma unroll
    for (int i = 0; i < blocks; ++i) total[i][0] = total[i][1] = 0.0f;
  }

  static constexpr int records = tiles + (blocks + 1) / 2;  // of 16 bytes per lane
  static constexpr int bytes = records * machine::kLanes * kChunk;

  // Record `i`: a tile, or the sums of two blocks.
  __device__ __forceinline__ float4 record(int i) const {
    if (i < tiles) return {tile[i][0], tile[i][1], tile[i][2], tile[i][3]};
    const int at = 2 * (i - tiles);
    return {total[at][0], total[at][1], total[at + 1][0], total[at + 1][1]};
  }

  __device__ __forceinline__ void add_record(int i, const float4& other) {
    const float values[4] = {other.x, other.y, other.z, other.w};
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      if (i < tiles) {
        tile[i][r] += values[r];
      } else {
        total[2 * (i - tiles) + r / 2][r % 2] += values[r];
      }
    }
  }

  // Adds the sums of `slices` slices (a power of two) in pairs, in a fixed order; slice 0 then holds
  // all, and the sums of others mean nothing. `place` tells apart the warps of one slice, `places`
  // counts them; `room` is the most that sums of any of them take. Every thread calls this, and adds:
  // sums behind a branch would be kept twice.
  __device__ __forceinline__ void combine(int slice, int slices, int place, int places, int room) {
    const int lane = machine::lane();
    for (int half = slices / 2; half >= 1; half /= 2) {
      const int pair = slice & (half - 1);
      const uint32_t at = static_cast<uint32_t>((pair * places + place) * room + lane * kChunk);
      machine::sync_block();
      if (slice >= half && slice < 2 * half) {
#pragma unroll
        for (int i = 0; i < records; ++i) machine::store_shared(at + i * machine::kLanes * kChunk, record(i));
      }
      machine::sync_block();
#pragma unroll
      for (int i = 0; i < records; ++i) {
        if (i % 8 == 0)
          machine::sync_warp();  // else all are loaded at once, into registers that are not there
        add_record(i, machine::load_shared<float4>(at + i * machine::kLanes * kChunk));
      }
    }
  }

  // Writes the tiles as the lanes hold them.
  __device__ __forceinline__ void write_tiles(float* to) const {
#pragma unroll
    for (int i = 0; i < tiles; ++i)
      reinterpret_cast<float4*>(to + i * kTileElements)[machine::lane()] = record(i);
  }

  // Writes one sum per channel: the four lanes of a channel hold different positions.
  __device__ __forceinline__ void write_totals(float* to) const {
    const int lane = machine::lane();
#pragma unroll
    for (int i = 0; i < blocks; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float value = total[i][half];
        value += machine::shuffle_xor(value, 1);
        value += machine::shuffle_xor(value, 2);
        if (lane % 4 == 0) to[kBlock * i + 8 * half + lane / 4] = value;
      }
    }
  }
};

// A panel of 16-bit elements, or a planar one, read as matrices; one of 32-bit elements by element.
template <class Format, class Panel>
__device__ __forceinline__ void read_fragment(typename Format::Fragment& to, uint32_t panel, int block,
                                              int at) {
  const int lane = machine::lane();
  uint32_t read[4];
  if constexpr (Panel::by_element) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
      read[i] = machine::load_shared<uint32_t>(panel + Panel::element(lane, block, at, i));
  } else if constexpr (Panel::planar) {
    machine::load_matrices(read, panel + Panel::matrix_row(lane, block, at));
  } else {
    machine::load_matrices_transposed(read, panel + Panel::matrix_row(lane, block, at));
  }
  Format::prepare(to, read);
}

// Adds the triangle of the products of `x`.
template <class Format, int blocks, class Sums>
__device__ __forceinline__ void multiply_triangle(Sums& sums, const typename Format::Fragment (&x)[blocks],
                                                  bool totals) {
  if (totals) {
#pragma unroll
    for (int i = 0; i < blocks; ++i) Format::add(sums.total[i], x[i]);
  }
  int tile = 0;
#pragma unroll
  for (int row = 0; row < blocks; ++row) {
#pragma unroll
    for (int column = 2 * row; column < 2 * blocks; ++column)
      Format::multiply(sums.tile[tile++], x[row], x[column / 2], column % 2);
  }
}

// Adds step `at` of the triangle of the first `blocks` blocks of the panel.
template <class Format, class Panel, int blocks, class Sums>
__device__ __forceinline__ void add_triangle(Sums& sums, uint32_t panel, int at, bool totals) {
  typename Format::Fragment x[blocks];
#pragma unroll
  for (int i = 0; i < blocks; ++i) read_fragment<Format, Panel>(x[i], panel, i, at);
  multiply_triangle<Format, blocks>(sums, x, totals);
}

// Adds step `at` of the products of `rows` blocks from `row` with four others, to the tiles from `offset`.
template <class Format, class LeftPanel, class RightPanel, int rows, int offset, class Sums>
__device__ __forceinline__ void add_rectangle(Sums& sums, uint32_t left_panel, int row, uint32_t right_panel,
                                              int at) {
  typename Format::Fragment left[rows];
#pragma unroll
  for (int i = 0; i < rows; ++i) read_fragment<Format, LeftPanel>(left[i], left_panel, row + i, at);
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    typename Format::Fragment right;
    read_fragment<Format, RightPanel>(right, right_panel, j, at);
#pragma unroll
    for (int i = 0; i < rows; ++i) {
      Format::multiply(sums.tile[offset + 8 * i + 2 * j], left[i], right, 0);
      Format::multiply(sums.tile[offset + 8 * i + 2 * j + 1], left[i], right, 1);
    }
  }
}

}  // namespace gramstyle::cuda
