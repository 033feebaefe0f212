// Split-K second moment: a block of threads reads some positions of some channels once, in a pipeline
// of asynchronous copies, and sums the upper triangle of their products in registers.
#pragma once

#include "copies.cuh"
#include "duties.cuh"
#include "gramstyle/cuda/gram.h"

namespace gramstyle::cuda {

// The copies of one thread: one chunk of every `kApart`-th row of each stage.
template <class Panel>
class Loader {
 public:
  __device__ __forceinline__ Loader(const GramArgs& a, const Unit& unit, int64_t image, int64_t begin,
                                    int64_t end)
      : a_(a) {
    const int row = machine::thread() / Panel::chunks;
    const int chunk = machine::thread() % Panel::chunks;
    offset_ = Panel::offset(row, chunk);
    const int64_t first = begin + (Panel::planar ? chunk * kElements : row);
    left_ = static_cast<int>(end - first);
    const int64_t channel = channel_of(unit, Panel::planar ? row : chunk * kElements);
    source_ =
        static_cast<const unsigned char*>(a.x) + image * a.batch_stride * kElement +
        (Panel::planar ? channel * row_bytes() + first * kElement : first * row_bytes() + channel * kElement);
    if (Panel::planar) {
#pragma unroll
      for (int i = 0; i < kEach; ++i) exists_ |= (channel_of(unit, row + i * kApart) < a.channels) << i;
      apart_ = unit.second - unit.first - 1;
    } else {
      const int64_t channels = a.channels - channel;
      exists_ = channels <= 0 ? 0 : channels < kElements ? static_cast<int>(channels) : kElements;
    }
  }

  // Starts the copies of the next stage into the panel at `slot`. Positions beyond the part's become
  // zeros; channels that do not exist are left alone.
  __device__ __forceinline__ void start(uint32_t slot) {
    if (a_.copy_bytes == kChunk) {
#pragma unroll
      for (int i = 0; i < kEach; ++i) start_row<true>(slot, i);
    } else {
#pragma unroll 1
      for (int i = 0; i < kEach; ++i) start_row<false>(slot, i);
    }
    left_ -= Panel::positions;
    source_ += Panel::planar ? Panel::positions * kElement : Panel::positions * row_bytes();
  }

 private:
  static constexpr int kElements = Panel::elements_of_chunk;
  static constexpr int kElement = kChunk / kElements;
  static constexpr int kEach = Panel::bytes / kChunk / kThreads;
  static constexpr int kApart = kThreads / Panel::chunks;
  static_assert(kApart % (Panel::by_element ? 4 : 8) == 0, "the rows of one thread are swizzled alike");

  static __device__ __forceinline__ int64_t channel_of(const Unit& unit, int in_panel) {
    return static_cast<int64_t>(in_panel < kSuperblock ? unit.first : unit.second) * kSuperblock +
           in_panel % kSuperblock;
  }

  __device__ __forceinline__ int64_t row_bytes() const { return a_.row_stride * kElement; }

  template <bool whole>
  __device__ __forceinline__ void start_row(uint32_t slot, int i) {
    int valid;
    int64_t row = i * kApart;
    if (Panel::planar) {
      if (!(exists_ >> i & 1)) return;
      valid = left_ <= 0 ? 0 : left_ < kElements ? left_ : kElements;
      // The panel's second superblock need not be the next one of the features.
      if (Panel::rows > kSuperblock && i * kApart >= kSuperblock)
        row += static_cast<int64_t>(apart_) * kSuperblock;
    } else {
      if (exists_ == 0) return;
      valid = i * kApart < left_ ? exists_ : 0;
    }
    const unsigned char* source = source_ + row * row_bytes();
    const uint32_t to = slot + offset_ + i * kApart * Panel::row_bytes;
    if (whole) {
      machine::copy_async<kChunk>(to, source, valid * kElement);
    } else {
      copy_chunk(to, source, valid * kElement, a_.copy_bytes);
    }
  }

  const GramArgs& a_;
  const unsigned char* source_;  // of the next stage's first row; not read where nothing is valid
  uint32_t offset_;
  int left_;        // positions from the thread's first to the end of the part
  int exists_ = 0;  // planar: one bit per row; channels-last: elements of the chunk
  int apart_ = 0;   // superblocks between the panel's two
};

// A whole part, as one warp sees it. Each kind has a loop of its own: if the sums passed through a
// branch, the compiler would keep them twice.
template <class Format, class Panel, int width, Kind kind>
__device__ __forceinline__ void sum_part(const GramArgs& a, const Duty& duty, Loader<Panel>& loader,
                                         int panels) {
  constexpr int kStages = Panel::stages;
  constexpr int kSteps = Panel::positions / Panel::step;
  SumsOf<width, kind> sums;
  sums.clear();
  int slot = 0;
  int i = 0;
#pragma unroll 1
  do {  // a part has positions: a loop that might not run keeps all sums twice
    machine::wait_copies<kStages - 2>();
    machine::sync_block();  // panel i has arrived for all, and all are done with panel i - 1
    if (i + kStages - 1 < panels) loader.start((slot == 0 ? kStages - 1 : slot - 1) * Panel::bytes);
    machine::commit_copies();
    const uint32_t panel = static_cast<uint32_t>(slot * Panel::bytes);
#pragma unroll 1
    for (int at = duty.slice; at < kSteps; at += duty.slices) {
      add_step<Format, Panel, kind>(sums, duty.role, panel, at, a.sums);
    }
    slot = slot == kStages - 1 ? 0 : slot + 1;
  } while (++i < panels);
  machine::wait_copies<0>();
  sums.combine(duty.slice, duty.slices, duty.place, duty.places, combined_bytes(width));
  if (duty.slice != 0 || kind == Kind::nothing) return;
  float* to = a.partials + machine::block() / a.units * a.splits.floats;
  sums.write_tiles(to + (duty.number * tiles_of(width) + duty.first) * kTileElements);
  if (a.sums && has_totals(kind))
    sums.write_totals(to + a.splits.tile_floats + duty.number / 2 * kSuperblock + duty.number % 2 * 64);
}

template <class Format, Layout layout, int width>
__global__ void __launch_bounds__(kThreads, 1) gram_kernel(GramArgs a) {
  using Panel = gramstyle::cuda::Panel<Format::bytes, layout, width>;
  constexpr int kStages = Panel::stages;
  const int number = static_cast<int>(machine::block() % a.units);
  const int64_t split = machine::block() / a.units % a.splits.count;
  const int64_t image = machine::block() / a.units / a.splits.count;
  const Unit unit =
      width == 256 ? pair_unit_of(a.channels, Format::joined, number) : Unit{number, number, true};
  const int64_t begin = split * a.splits.positions;
  const int64_t stop = begin + a.splits.positions;
  const int64_t end = stop < a.positions ? stop : a.positions;
  const Duty duty = duty_of<width, Format::joined>(a.channels, unit);

  // Channels that do not exist are never copied: they stay these zeros.
  for (int i = machine::thread(); i < kStages * Panel::bytes / kChunk; i += kThreads)
    machine::store_shared(static_cast<uint32_t>(i * kChunk), uint4{0, 0, 0, 0});
  machine::sync_block();

  const int panels = static_cast<int>((end - begin + Panel::positions - 1) / Panel::positions);
  Loader<Panel> loader(a, unit, image, begin, end);
  for (int i = 0; i < kStages - 1; ++i) {
    if (i < panels) loader.start(i * Panel::bytes);
    machine::commit_copies();
  }
  if constexpr (width <= 64) {
    sum_part<Format, Panel, width, Kind::whole>(a, duty, loader, panels);
  } else {
    if (duty.kind == Kind::nothing) sum_part<Format, Panel, width, Kind::nothing>(a, duty, loader, panels);
    if constexpr (Format::joined) {
      if (duty.kind == Kind::both) sum_part<Format, Panel, width, Kind::both>(a, duty, loader, panels);
      if constexpr (width == 256) {
        if (duty.kind == Kind::square) sum_part<Format, Panel, width, Kind::square>(a, duty, loader, panels);
      }
    } else {
      if (duty.kind == Kind::rectangle)
        sum_part<Format, Panel, width, Kind::rectangle>(a, duty, loader, panels);
      if constexpr (width == 128) {
        if (duty.kind == Kind::triangle)
          sum_part<Format, Panel, width, Kind::triangle>(a, duty, loader, panels);
      }
    }
  }
}

template <class Format, Layout layout, int width>
int launch_panels(GramArgs a, int units, void* stream) {
  using Panel = gramstyle::cuda::Panel<Format::bytes, layout, width>;
  static_assert(combining_bytes(width) <= Panel::stages * Panel::bytes,
                "sums are combined where panels were");
  if (units == 0) return 0;
  a.units = units;
  return machine::launch(gram_kernel<Format, layout, width>, a.batch * a.splits.count * units, kThreads,
                         Panel::stages * Panel::bytes, stream, a);
}

template <class Format, Layout layout>
int launch_layout(const GramArgs& a, void* stream) {
  switch (panel_width(a.channels)) {
    case 32: return launch_panels<Format, layout, 32>(a, 1, stream);
    case 64: return launch_panels<Format, layout, 64>(a, 1, stream);
    case 128: return launch_panels<Format, layout, 128>(a, 1, stream);
    default: break;
  }
  if (!Format::joined) {
    const int error = launch_panels<Format, layout, 128>(a, superblocks_of(a.channels), stream);
    if (error != 0) return error;
  }
  return launch_panels<Format, layout, 256>(a, pair_units_of(a.channels, Format::joined), stream);
}

// One file per format instantiates this: they compile side by side.
template <class Format>
int launch_gram(const GramArgs& a, void* stream) {
  return a.layout == Layout::planar ? launch_layout<Format, Layout::planar>(a, stream)
                                    : launch_layout<Format, Layout::channels_last>(a, stream);
}

}  // namespace gramstyle::cuda
