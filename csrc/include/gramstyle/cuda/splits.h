// How positions are split among blocks of threads, from shapes alone: never from the device, so that
// one image gives the same bits on every GPU and in every batch.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gramstyle/cuda/roles.h"

namespace gramstyle::cuda {

// Positions that one accumulator of a tensor core may sum. It truncates where it should round, so
// the sum of n products of one sign is too small by up to n / 2 units in the last place.
constexpr int64_t kChain = 4096;

// Where the positions of an image are split, and what each part writes: for every role its tiles, in
// the order of the accumulators, then one sum per channel.
struct Splits {
  int64_t count;      // parts of an image; 0: no positions
  int64_t positions;  // of each part but the last
  int64_t tile_floats;
  int64_t floats;  // of a part, tiles and sums
};

constexpr int64_t rounded_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

// `chains`: warps of a block that sum different positions into different accumulators.
constexpr Splits split_positions(int64_t channels, int64_t positions, int64_t units, int64_t chains) {
  constexpr int64_t kGranule = 256;  // a multiple of every panel's positions
  constexpr int64_t kFewest = 512;   // below, writing the part costs as much as computing it
  constexpr int64_t kWanted = 256;   // blocks that keep the largest devices busy
  const int64_t parts = std::max<int64_t>(kWanted / units, 1);
  const int64_t even = rounded_up((positions + parts - 1) / parts, kGranule);
  const int64_t most = std::max(kFewest, kChain * chains);
  const int64_t each = std::min(std::max(even, kFewest), most);
  const int64_t tile_floats = roles_of(channels) * tiles_of(panel_width(channels)) * kTileElements;
  const int64_t padded = channels <= 64 ? panel_width(channels) : kSuperblock * superblocks_of(channels);
  return {(positions + each - 1) / each, each, tile_floats, tile_floats + padded};
}

// Splits of the stand-alone Gram. `joined` as in pair_units_of.
constexpr Splits gram_splits(int64_t channels, int64_t positions, bool joined) {
  const int width = panel_width(channels);
  if (width < 256) return split_positions(channels, positions, 1, width == 128 ? 2 : kWarps);
  const int units = pair_units_of(channels, joined) + (joined ? 0 : superblocks_of(channels));
  return split_positions(channels, positions, units, 1);
}

}  // namespace gramstyle::cuda
