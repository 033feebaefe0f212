// Convolution and second moment of 65 to 256 channels: features of a tile pass through shared memory.
//
// Rows of the convolution's product are positions, columns channels in the turned order, so that a
// lane ends with eight neighbouring channels of a position: one store to global memory, and one to the
// panel that the Gram kernel's own steps then read. While warps multiply one tile they convolve the next.
#pragma once

#include <algorithm>

#include "duties.cuh"
#include "eights.cuh"
#include "windows.cuh"

namespace gramstyle::cuda {

constexpr int kInputStages = 3;

// Shared memory: weights, biases, the table, tiles of inputs, then two panels of features.
template <int width>
struct SharedTiles {
  using Panel = gramstyle::cuda::Panel<2, Layout::channels_last, width>;
  static constexpr int positions = Panel::positions;
  static constexpr int biases = width * kOperandRow;
  static constexpr int table = biases + 4 * width;
  static constexpr int inputs = table + kTableBytes;
  static constexpr int input_bytes = positions * kOperandRow;
  static constexpr int features = inputs + kInputStages * input_bytes;
  static constexpr int bytes = std::max(features + 2 * Panel::bytes, combining_bytes(width));
};

template <class Format, int width>
class SharedConvolution {
 public:
  using Shared = SharedTiles<width>;
  static constexpr int kPositions = Shared::positions;

  __device__ __forceinline__ SharedConvolution(const ConvArgs& a, const Windows& windows, int64_t first)
      : a_(a),
        windows_(windows),
        first_(first),
        steps_((products_of(a) + Operand::step - 1) / Operand::step) {}

  // Brings the inputs of tile `tile`: by copies that are under way, or at once.
  __device__ __forceinline__ void bring(int tile) const {
    const uint32_t slot = Shared::inputs + tile % kInputStages * Shared::input_bytes;
    if (a_.by_rows) {
      for (int i = machine::thread(); i < kPositions * Operand::chunks; i += kThreads) {
        const int row = i / Operand::chunks;
        windows_.copy(slot + Operand::offset(row, i % Operand::chunks), tile * kPositions + row,
                      i % Operand::chunks);
      }
      return;
    }
    const int row = machine::thread() % kPositions;
    for (int chunk = machine::thread() / kPositions; 8 * chunk < products_of(a_);
         chunk += kThreads / kPositions) {
      uint16_t fetched[8];
      windows_.fetch(fetched, tile * kPositions + row, chunk, Shared::table);
      machine::store_shared(slot + Operand::offset(row, chunk), packed(fetched));
    }
  }

  // Convolves 32 positions of the tile for 32 channels per warp, into the panel at `panel` and global memory.
  __device__ __forceinline__ void convolve(int tile, uint32_t panel) const {
    const int part = machine::warp() % (width / kTurned);
    const int row = machine::warp() / (width / kTurned) * 32;
    const uint32_t inputs = Shared::inputs + tile % kInputStages * Shared::input_bytes;
    Sums<8, 0> sums;  // two blocks of positions by 32 channels
    sums.clear();
    int at = 0;
#pragma unroll 1
    do {
      typename Format::Fragment left[2];
#pragma unroll
      for (int i = 0; i < 2; ++i) read_fragment<Format, Operand>(left[i], inputs, row / kBlock + i, at);
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        typename Format::Fragment right;
        read_fragment<Format, Operand>(right, 0, kTurned / kBlock * part + j, at);
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          Format::multiply(sums.tile[4 * i + 2 * j], left[i], right, 0);
          Format::multiply(sums.tile[4 * i + 2 * j + 1], left[i], right, 1);
        }
      }
    } while (++at < steps_);
    with_activation(a_.activation, [&](auto activate) { finish(sums, tile, panel, part, row, activate); });
  }

 private:
  template <class Activate>
  __device__ __forceinline__ void finish(const Sums<8, 0>& sums, int tile, uint32_t panel, int part, int row,
                                         const Activate& activate) const {
    const int g = machine::lane() / 4;
    const int t = machine::lane() % 4;
    const int channel = kTurned * part + 8 * t;
    const int valid = a_.out_channels - channel;
    const bool vector = a_.out_channels % 8 == 0;
    float bias[8];
#pragma unroll
    for (int group = 0; group < 4; ++group) {
#pragma unroll
      for (int e = 0; e < 2; ++e)
        bias[2 * group + e] =
            machine::load_shared<float>(Shared::biases + 4 * (kTurned * part + 8 * group + 2 * t + e));
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int at = row + 8 * i + g;
      const bool exists = tile * kPositions + at < windows_.count();
      uint32_t words[4];
#pragma unroll
      for (int group = 0; group < 4; ++group) {
        const float* sum = &sums.tile[4 * (i / 2) + group][2 * (i % 2)];
        const uint32_t word =
            Format::pack(activate(sum[0] + bias[2 * group]), activate(sum[1] + bias[2 * group + 1]));
        words[group] = exists ? word : 0;
      }
      const uint4 eight = {words[0], words[1], words[2], words[3]};
      machine::store_shared(panel + Shared::Panel::offset(at, channel / 8), eight);
      if (a_.features == nullptr || !exists || valid <= 0) continue;
      uint16_t* to =
          static_cast<uint16_t*>(a_.features) + (first_ + tile * kPositions + at) * a_.out_channels + channel;
      if (vector) {
        *reinterpret_cast<uint4*>(to) = eight;
      } else {
#pragma unroll
        for (int k = 0; k < 8; ++k)
          if (k < valid) to[k] = static_cast<uint16_t>(words[k / 2] >> 16 * (k % 2));
      }
    }
  }

  const ConvArgs& a_;
  const Windows& windows_;
  int64_t first_;  // position of the part's first, among all images
  int steps_;
};

// A part, as one warp sees it. See sum_part of the Gram kernel for why each kind has its own.
template <class Format, int width, Kind kind>
__device__ __forceinline__ void convolve_part(const ConvArgs& a, const Duty& duty,
                                              const SharedConvolution<Format, width>& convolution,
                                              int tiles) {
  using Shared = SharedTiles<width>;
  using Panel = typename Shared::Panel;
  SumsOf<width, kind> sums;
  sums.clear();
  int tile = 0;
#pragma unroll 1
  do {
    machine::wait_copies<kInputStages - 2>();
    machine::sync_block();  // inputs of the next tile and features of this one are there for all
    if (tile + kInputStages < tiles) convolution.bring(tile + kInputStages);
    machine::commit_copies();
    if (tile + 1 < tiles) convolution.convolve(tile + 1, Shared::features + (tile + 1) % 2 * Panel::bytes);
    const uint32_t panel = Shared::features + tile % 2 * Panel::bytes;
#pragma unroll 1
    for (int at = duty.slice; at < Panel::positions / Panel::step; at += duty.slices)
      add_step<Format, Panel, kind>(sums, duty.role, panel, at, a.sums);
  } while (++tile < tiles);
  machine::wait_copies<0>();
  sums.combine(duty.slice, duty.slices, duty.place, duty.places, combined_bytes(width));
  if (duty.slice != 0 || kind == Kind::nothing) return;
  float* to = a.partials + machine::block() * a.splits.floats;
  sums.write_tiles(to + duty.number * tiles_of(width) * kTileElements);
  if (a.sums && has_totals(kind))
    sums.write_totals(to + a.splits.tile_floats + duty.number / 2 * kSuperblock + duty.number % 2 * 64);
}

template <class Format, int width>
__global__ void __launch_bounds__(kThreads, 1) conv_shared_kernel(ConvArgs a) {
  using Shared = SharedTiles<width>;
  using Panel = typename Shared::Panel;
  const int64_t split = machine::block() % a.splits.count;
  const int64_t image = machine::block() / a.splits.count;
  const int64_t positions = static_cast<int64_t>(a.out_height) * a.out_width;
  const int64_t begin = split * a.splits.positions;
  const int64_t stop = begin + a.splits.positions;
  const Windows windows(a, image, begin, stop < positions ? stop : positions);
  const int tiles = (windows.count() + Panel::positions - 1) / Panel::positions;
  const Duty duty = duty_of<width, true>(a.out_channels, Unit{0, 1, true});

  write_weights<Format>(a, width, 0, Shared::biases);
  write_table(a, Shared::table);
  // Chunks beyond the last product are never filled: they stay these zeros.
  for (int i = machine::thread(); i < kInputStages * Shared::input_bytes / kChunk; i += kThreads)
    machine::store_shared(static_cast<uint32_t>(Shared::inputs + i * kChunk), uint4{0, 0, 0, 0});
  machine::sync_block();

  const SharedConvolution<Format, width> convolution(a, windows, image * positions + begin);
  for (int i = 0; i < kInputStages; ++i) {
    if (i < tiles) convolution.bring(i);
    machine::commit_copies();
  }
  machine::wait_copies<kInputStages - 1>();
  machine::sync_block();
  convolution.convolve(0, Shared::features);
  if (duty.kind == Kind::both) convolve_part<Format, width, Kind::both>(a, duty, convolution, tiles);
  if constexpr (width == 256) {  // of 128 channels, no warp is without: there are more than 64
    if (duty.kind == Kind::nothing) convolve_part<Format, width, Kind::nothing>(a, duty, convolution, tiles);
    if (duty.kind == Kind::square) convolve_part<Format, width, Kind::square>(a, duty, convolution, tiles);
  }
}

template <class Format, int width>
int launch_shared(const ConvArgs& a, void* stream) {
  return machine::launch(conv_shared_kernel<Format, width>, a.batch * a.splits.count, kThreads,
                         SharedTiles<width>::bytes, stream, a);
}

}  // namespace gramstyle::cuda
