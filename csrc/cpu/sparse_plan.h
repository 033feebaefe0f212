// How a sparse convolution is cut into tiles whose outputs stay in registers.
//
// The lanes of a vector lie apart: with a tile of R x C vectors, lane (i, j) of vector (r, c) is the position
// (i R + r, j C + c) of the tile. A tap further along a row is then the next vector, no load crosses a line
// of the cache, and there are as many lanes down and across as leave the least of the last tiles empty. Of a
// kernel one tap wide vectors are positions beside each other.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels.h"
#include "partials.h"

namespace gramstyle {

// One side of a tile: `span` outputs beside each other in each of `lanes`. Where the stride is 1, inputs are
// kept as they lie and a tap is a step of `dilation`; else, and where a dilation is large, each tap has its
// own copy of what it reads.
struct Axis {
  int64_t span, lanes, kernel, stride, padding, dilation;

  bool is_shared() const { return stride == 1 && dilation < span; }
  int64_t tap_step() const { return is_shared() ? dilation : span; }
  int64_t extent() const { return is_shared() ? span + dilation * (kernel - 1) : span * kernel; }
  // From the first input of a lane to the one that is kept at `index` of the extent.
  int64_t source(int64_t index) const {
    return is_shared() ? index : index % span * stride + index / span * dilation;
  }
  int64_t outputs() const { return span * lanes; }
  int64_t inputs() const { return (outputs() - 1) * stride + dilation * (kernel - 1) + 1; }
};

struct SparsePlan {
  Axis down, across;
  int64_t high, wide;  // tiles of a map
  bool in_order;       // lanes are positions beside each other

  int64_t tiles() const { return high * wide; }
  int64_t vectors() const { return down.span * across.span; }
  // Vectors of a channel that a tile reads, as it is kept.
  int64_t size() const { return memory_product(down.extent(), across.extent()); }
  // Channels that stay in the nearest cache together.
  template <class T>
  int64_t at_once(int64_t channels) const {
    constexpr int64_t kNear = 28 << 10;  // bytes, measured with a cache of 32 KB
    return std::clamp<int64_t>(kNear / int64_t(sizeof(T)) / kernels<T>().lanes / size(), 1, channels);
  }
};

// Cycles for a map and group, about: of `terms` weights that are not zero.
template <class T>
double sparse_cost(const SparsePlan& plan, int64_t channels, int64_t outputs, int64_t terms) {
  const auto vectors = double(plan.vectors()), lanes = double(kernels<T>().lanes);
  const auto blocks = double(parts_of(channels, plan.at_once<T>(channels)));
  const double sums = double(terms) * (vectors + 1.5) + blocks * double(outputs) * (3 * vectors + 10);
  const int64_t turns = parts_of(plan.across.extent(), kernels<T>().lanes);
  const double line = plan.in_order ? 2 * double(plan.across.extent()) : 7 * lanes * double(turns);
  const double read = double(channels * plan.down.extent()) * (line + 2 * double(plan.down.lanes));
  const double write = double(outputs) * (plan.in_order ? 2 * vectors : 15 * lanes);
  return double(plan.tiles()) * (sums + read + write);
}

// The cheapest of the shapes for which `sparse_loops.h` has loops. Axes come without `span` and `lanes`.
template <class T>
SparsePlan sparse_plan(Axis down, Axis across, int64_t height, int64_t width, int64_t channels,
                       int64_t outputs, int64_t terms) {
  const Kernels<T>& kernel = kernels<T>();
  SparsePlan best{};
  double least = 0;
  for (across.lanes = kernel.lanes; across.lanes >= 1; across.lanes /= 2)
    for (across.span = 8; across.span >= 1; --across.span)
      for (down.span = 1; down.span <= 4 && down.span * across.span <= kernel.sums; ++down.span) {
        down.lanes = kernel.lanes / across.lanes;
        SparsePlan plan{down, across, parts_of(height, down.outputs()), parts_of(width, across.outputs()),
                        across.kernel == 1 && down.lanes == 1};
        const double found = sparse_cost<T>(plan, channels, outputs, terms);
        if (best.high == 0 || found < least) best = plan, least = found;
      }
  return best;
}

}  // namespace gramstyle
