// Convolution and second moment of up to 64 channels, without shared memory between them.
//
// Rows of the convolution's product are channels, columns positions. What a lane holds of it, rounded
// and packed, is what it must hold of both factors of the second product; transposed eight by eight it
// is eight neighbouring channels of one position, which is how features are stored.
#pragma once

#include "duties.cuh"
#include "eights.cuh"
#include "windows.cuh"

namespace gramstyle::cuda {

constexpr int kTile = 16;       // positions of a warp's step
constexpr int kTileStages = 4;  // tiles of inputs, of which three are on their way
constexpr int kTileBytes = kTile * kOperandRow;
constexpr int kFetched = 2;  // chunks of a lane that are fetched a step ahead: 32 products of a position

// Shared memory: weights, biases, the table, then the tiles of each warp.
constexpr int weights_bytes(int channels) { return channels * kOperandRow; }
constexpr int tiles_offset(int channels) { return weights_bytes(channels) + channels * 4 + kTableBytes; }
constexpr int registers_shared_bytes(int channels) {
  return tiles_offset(channels) + kWarps * kTileStages * kTileBytes;
}

// A warp's tiles: every eighth tile of its part.
struct Tiles {
  const Windows& windows;
  uint32_t table, ring;

  static __device__ __forceinline__ int first(int tile) { return (tile * kWarps + machine::warp()) * kTile; }
  __device__ __forceinline__ uint32_t slot(int tile) const { return ring + tile % kTileStages * kTileBytes; }

  __device__ __forceinline__ void copy(int tile) const {
    const int chunk = machine::lane() % Operand::chunks;
#pragma unroll
    for (int row = 0; row < kTile; row += machine::kLanes / Operand::chunks) {
      const int at = row + machine::lane() / Operand::chunks;
      windows.copy(slot(tile) + Operand::offset(at, chunk), first(tile) + at, chunk);
    }
  }

  // A lane fetches every other chunk of one position.
  __device__ __forceinline__ void fetch(uint16_t (&to)[8], int tile, int i) const {
    windows.fetch(to, first(tile) + machine::lane() % kTile, machine::lane() / kTile + 2 * i, table);
  }

  __device__ __forceinline__ void store(const uint16_t (&from)[8], int tile, int i) const {
    const uint32_t at = Operand::offset(machine::lane() % kTile, machine::lane() / kTile + 2 * i);
    machine::store_shared(slot(tile) + at, packed(from));
  }
};

template <class Format, int blocks>
struct Convolved {
  using Fragment = typename Format::Fragment;

  // The convolution of one tile, with bias and activation; positions from `count` on are 0.
  static __device__ __forceinline__ void compute(Fragment (&to)[blocks], uint32_t weights, uint32_t biases,
                                                 uint32_t tile, int steps, int count, Activation activation) {
    Sums<2 * blocks, 0> sums;
    sums.clear();
    int at = 0;
#pragma unroll 1
    do {
      Fragment inputs;
      read_fragment<Format, Operand>(inputs, tile, 0, at);
#pragma unroll
      for (int i = 0; i < blocks; ++i) {
        Fragment left;
        read_fragment<Format, Operand>(left, weights, i, at);
        Format::multiply(sums.tile[2 * i], left, inputs, 0);
        Format::multiply(sums.tile[2 * i + 1], left, inputs, 1);
      }
    } while (++at < steps);
    const int g = machine::lane() / 4;
    const int t = machine::lane() % 4;
    with_activation(activation, [&](auto activate) {
#pragma unroll
      for (int i = 0; i < blocks; ++i) {
#pragma unroll
        for (int upper = 0; upper < 2; ++upper) {
          const float bias = machine::load_shared<float>(biases + 4 * (kBlock * i + 8 * upper + g));
#pragma unroll
          for (int later = 0; later < 2; ++later) {
            const float* sum = &sums.tile[2 * i + later][2 * upper];
            to[i].held[upper + 2 * later] = Format::pack(activate(sum[0] + bias), activate(sum[1] + bias));
          }
        }
      }
    });
    if (count >= kTile) return;
#pragma unroll
    for (int later = 0; later < 2; ++later) {
      const int left = count - (8 * later + 2 * t);  // of the two positions of a register
      const uint32_t keep = left >= 2 ? 0xffffffffu : left == 1 ? 0xffffu : 0u;
#pragma unroll
      for (int i = 0; i < blocks; ++i) {
        to[i].held[2 * later] &= keep;
        to[i].held[2 * later + 1] &= keep;
      }
    }
  }

  // Writes the tile's features: each lane 8 channels of two positions per 32 channels.
  static __device__ __forceinline__ void store(const Fragment (&from)[blocks], const ConvArgs& a,
                                               int64_t position, int count) {
    const int g = machine::lane() / 4;
    const int t = machine::lane() % 4;
    const bool vector = a.out_channels % 8 == 0;
#pragma unroll
    for (int part = 0; part < blocks / 2; ++part) {
#pragma unroll
      for (int later = 0; later < 2; ++later) {
        uint32_t words[4];
#pragma unroll
        for (int group = 0; group < 4; ++group)
          words[group] = machine::transpose_matrix(from[2 * part + group / 2].held[group % 2 + 2 * later]);
        const int channel = kTurned * part + 8 * t;
        const int valid = a.out_channels - channel;
        if (8 * later + g >= count || valid <= 0) continue;
        uint16_t* to =
            static_cast<uint16_t*>(a.features) + (position + 8 * later + g) * a.out_channels + channel;
        if (vector) {
          *reinterpret_cast<uint4*>(to) = {words[0], words[1], words[2], words[3]};
        } else {
#pragma unroll
          for (int i = 0; i < 8; ++i)
            if (i < valid) to[i] = static_cast<uint16_t>(words[i / 2] >> 16 * (i % 2));
        }
      }
    }
  }
};

template <class Format, int blocks>
__global__ void __launch_bounds__(kThreads, 1) conv_registers_kernel(ConvArgs a) {
  constexpr int kChannels = kBlock * blocks;
  const int64_t split = machine::block() % a.splits.count;
  const int64_t image = machine::block() / a.splits.count;
  const int64_t positions = static_cast<int64_t>(a.out_height) * a.out_width;
  const int64_t begin = split * a.splits.positions;
  const int64_t stop = begin + a.splits.positions;
  const Windows windows(a, image, begin, stop < positions ? stop : positions);
  const uint32_t biases = weights_bytes(kChannels);
  const uint32_t table = biases + 4 * kChannels;
  const uint32_t ring = tiles_offset(kChannels) + machine::warp() * (kTileStages * kTileBytes);
  const Tiles tiles{windows, table, ring};

  write_weights<Format>(a, kChannels, 0, biases);
  write_table(a, table);
  // Chunks beyond the last product are never filled: they stay these zeros.
  for (int i = machine::lane(); i < kTileStages * kTileBytes / kChunk; i += machine::kLanes)
    machine::store_shared(ring + i * kChunk, uint4{0, 0, 0, 0});
  machine::sync_block();

  const int steps = (products_of(a) + Operand::step - 1) / Operand::step;
  const int chunks = (products_of(a) + 7) / 8;
  // The same for all warps, so that each has at least one: what lies beyond the part is zeros.
  const int count = (windows.count() + kWarps * kTile - 1) / (kWarps * kTile);
  uint16_t fetched[kFetched][8] = {};
  if (a.by_rows) {
    for (int i = 0; i < kTileStages - 1; ++i) {
      if (i < count) tiles.copy(i);
      machine::commit_copies();
    }
  } else {
    for (int i = 0; 2 * i < chunks; ++i) {
      tiles.fetch(fetched[0], 0, i);
      tiles.store(fetched[0], 0, i);
    }
  }

  Sums<tiles_of(kChannels), blocks> sums;
  sums.clear();
  int tile = 0;
#pragma unroll 1
  do {
    machine::wait_copies<kTileStages - 2>();
    machine::sync_warp();  // the tile is there for all lanes, and all are done with the one before
    if (a.by_rows) {
      if (tile + kTileStages - 1 < count) tiles.copy(tile + kTileStages - 1);
    } else if (tile + 1 < count) {
#pragma unroll
      for (int i = 0; i < kFetched; ++i) tiles.fetch(fetched[i], tile + 1, i);
    }
    machine::commit_copies();

    const int first = Tiles::first(tile);
    const int left = windows.count() - first;
    typename Format::Fragment features[blocks];
    Convolved<Format, blocks>::compute(features, 0, biases, tiles.slot(tile), steps, left, a.activation);
    multiply_triangle<Format, blocks>(sums, features, a.sums);
    if (a.features != nullptr)
      Convolved<Format, blocks>::store(features, a, image * positions + begin + first, left);

    if (!a.by_rows && tile + 1 < count) {
#pragma unroll
      for (int i = 0; i < kFetched; ++i) tiles.store(fetched[i], tile + 1, i);
      for (int i = kFetched; 2 * i < chunks; ++i) {
        tiles.fetch(fetched[0], tile + 1, i);
        tiles.store(fetched[0], tile + 1, i);
      }
    }
  } while (++tile < count);
  machine::wait_copies<0>();
  static_assert(combining_bytes(kChannels) <= registers_shared_bytes(kChannels),
                "sums are combined where tiles were");
  sums.combine(machine::warp(), kWarps, 0, 1, combined_bytes(kChannels));
  if (machine::warp() != 0) return;
  float* to = a.partials + machine::block() * a.splits.floats;
  sums.write_tiles(to);
  if (a.sums) sums.write_totals(to + a.splits.tile_floats);
}

template <class Format, int blocks>
int launch_registers(const ConvArgs& a, void* stream) {
  return machine::launch(conv_registers_kernel<Format, blocks>, a.batch * a.splits.count, kThreads,
                         registers_shared_bytes(kBlock * blocks), stream, a);
}

}  // namespace gramstyle::cuda
