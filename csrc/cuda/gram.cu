// Entry points of the second moment, and the reduction of partial sums.
#include "formats.cuh"
#include "gramstyle/cuda/gram.h"
#include "gramstyle/cuda/roles.h"
#include "gramstyle/cuda/turned.h"
#include "machine.cuh"

namespace gramstyle::cuda {

template <class Format>
int launch_gram(const GramArgs& args, void* stream);
extern template int launch_gram<Bfloat16>(const GramArgs&, void*);
extern template int launch_gram<Float16>(const GramArgs&, void*);
extern template int launch_gram<Tf32>(const GramArgs&, void*);
extern template int launch_gram<Ieee>(const GramArgs&, void*);

int gram_partials(const GramArgs& args, void* stream) {
  switch (args.format) {
    case Format::bfloat16: return launch_gram<Bfloat16>(args, stream);
    case Format::float16: return launch_gram<Float16>(args, stream);
    case Format::tf32: return launch_gram<Tf32>(args, stream);
    case Format::ieee: break;
  }
  return launch_gram<Ieee>(args, stream);
}

namespace {

constexpr int kQuad = 4;  // elements of a lane

// Records of 128 partial sums, tiles and then sums of channels: a block of threads adds one of them up.
constexpr int64_t records_of(const Splits& splits) {
  return (splits.floats + kTileElements - 1) / kTileElements;
}

template <class Out>
__device__ __forceinline__ void write_tile(const ReduceArgs& a, int64_t image, const TilePlace& place,
                                           const double (&value)[kQuad]) {
  const int lane = machine::lane();
#pragma unroll
  for (int i = 0; i < kQuad; ++i) {
    const int row = place.row + lane / 4 + 8 * (i / 2);
    const int column = place.column + lane % 4 * 2 + i % 2;
    if (row > column) continue;  // below the diagonal of a block that touches it: its twin is written
    const int64_t one = a.turned ? turned_channel(row) : row;
    const int64_t other = a.turned ? turned_channel(column) : column;
    if (one >= a.channels || other >= a.channels) continue;
    Out* second = static_cast<Out*>(a.second) + image * a.channels * a.channels;
    second[one * a.channels + other] = static_cast<Out>(value[i]);
    second[other * a.channels + one] = static_cast<Out>(value[i]);
  }
}

// Warp w adds parts w, w + 8, ...; warp 0 adds the warps.
template <class Out>
__global__ void __launch_bounds__(kThreads) reduce_kernel(ReduceArgs a) {
  const int64_t records = records_of(a.splits);
  const int64_t record = machine::block() % records;
  const int64_t image = machine::block() / records;
  const int warp = machine::warp();
  const int lane = machine::lane();
  const int tiles = tiles_of(panel_width(a.channels));
  const bool is_tile = record * kTileElements < a.splits.tile_floats;
  const int64_t first_channel = record * kTileElements - a.splits.tile_floats + kQuad * lane;
  TilePlace place = {-1, -1};
  if (is_tile) {
    place = place_of(a.channels, static_cast<int>(record / tiles), static_cast<int>(record % tiles));
    // Tiles of channels that do not exist were not written. The turned order mixes 32 channels.
    const int64_t padded = a.turned ? rounded_up(a.channels, kTurned) : a.channels;
    if (place.row < 0 || place.row >= padded || place.column >= padded) return;
  } else if (!a.sums) {
    return;
  }

  double value[kQuad] = {};
  if (record * kTileElements + kQuad * lane < a.splits.floats) {
    const float* from =
        a.partials + image * a.splits.count * a.splits.floats + record * kTileElements + kQuad * lane;
#pragma unroll 8
    for (int64_t part = warp; part < a.splits.count; part += kWarps) {
      const float4 read = *reinterpret_cast<const float4*>(from + part * a.splits.floats);
      value[0] += read.x;
      value[1] += read.y;
      value[2] += read.z;
      value[3] += read.w;
    }
  }
  for (int i = 0; i < kQuad; ++i)
    machine::store_shared(static_cast<uint32_t>(8 * ((warp * kQuad + i) * machine::kLanes + lane)), value[i]);
  machine::sync_block();
  if (warp != 0) return;
#pragma unroll
  for (int i = 0; i < kQuad; ++i) {
    for (int other = 1; other < kWarps; ++other) {
      const uint32_t at = static_cast<uint32_t>(8 * ((other * kQuad + i) * machine::kLanes + lane));
      value[i] += machine::load_shared<double>(at);
    }
  }
  if (is_tile) return write_tile<Out>(a, image, place, value);
  Out* total = static_cast<Out*>(a.total) + image * a.channels;
#pragma unroll
  for (int i = 0; i < kQuad; ++i) {
    const int64_t channel =
        a.turned ? turned_channel(static_cast<int>(first_channel) + i) : first_channel + i;
    if (first_channel + i < rounded_up(a.channels, kTurned) && channel < a.channels)
      total[channel] = static_cast<Out>(value[i]);
  }
}

}  // namespace

int reduce_partials(const ReduceArgs& args, void* stream) {
  constexpr int kShared = kWarps * kQuad * machine::kLanes * 8;
  const int64_t blocks = args.batch * records_of(args.splits);
  if (args.wide) return machine::launch(reduce_kernel<double>, blocks, kThreads, kShared, stream, args);
  return machine::launch(reduce_kernel<float>, blocks, kThreads, kShared, stream, args);
}

const char* error_name(int error) { return machine::error_name(error); }

}  // namespace gramstyle::cuda
