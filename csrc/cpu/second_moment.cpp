#include "gramstyle/second_moment.h"

#include <algorithm>
#include <vector>

#include <torch/headeronly/util/BFloat16.h>
#include <torch/headeronly/util/Half.h>

namespace gramstyle {
namespace {

constexpr int64_t kRows = 4;     // channels of a tile; 4 x 8 sums stay in eight registers of 16 bytes
constexpr int64_t kColumns = 8;  // the vectorised side of a tile
constexpr int64_t kChunk = 256;  // positions widened at a time: a tile's inputs stay in L1

// Channels [first, first + count) at positions [start, start + length), widened,
// position-major with `Width` channels per position; channels beyond `count` are zero.
template <int64_t Width, class In, class Out>
void load(const SecondMomentArgs<In, Out>& a, const In* image, int64_t first, int64_t count, int64_t start,
          int64_t length, Out* tile) {
  std::fill(tile, tile + length * Width, Out(0));
  for (int64_t c = 0; c < count; ++c) {
    const In* row = image + (first + c) * a.x_channel_stride + start * a.x_position_stride;
    for (int64_t p = 0; p < length; ++p) tile[p * Width + c] = static_cast<Out>(row[p * a.x_position_stride]);
  }
}

// One tile of one image: rows [i, i + kRows), columns [j, j + kColumns). Sums of a chunk are in
// Out, sums of chunks in double: one float sum over 512 x 512 equal activations is 1.4e-3 off.
template <class In, class Out>
void tile_product(const SecondMomentArgs<In, Out>& a, const In* image, Out* gram, int64_t i, int64_t j) {
  const int64_t rows = std::min(kRows, a.channels - i);
  const int64_t columns = std::min(kColumns, a.channels - j);
  Out left[kChunk * kRows];
  Out right[kChunk * kColumns];
  double totals[kRows][kColumns] = {};
  for (int64_t start = 0; start < a.positions; start += kChunk) {
    const int64_t length = std::min(kChunk, a.positions - start);
    load<kRows>(a, image, i, rows, start, length, left);
    load<kColumns>(a, image, j, columns, start, length, right);
    Out sums[kRows][kColumns] = {};
    for (int64_t p = 0; p < length; ++p)
      for (int64_t r = 0; r < kRows; ++r)
        for (int64_t c = 0; c < kColumns; ++c) sums[r][c] += left[p * kRows + r] * right[p * kColumns + c];
    for (int64_t r = 0; r < kRows; ++r)
      for (int64_t c = 0; c < kColumns; ++c) totals[r][c] += sums[r][c];
  }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) {
      const Out total = static_cast<Out>(totals[r][c]);
      gram[(i + r) * a.channels + j + c] = total;
      gram[(j + c) * a.channels + i + r] = total;
    }
}

}  // namespace

template <class In, class Out>
void second_moment_cpu(const SecondMomentArgs<In, Out>& args, ParallelFor parallel_for) {
  // Work items are bands of columns: tile (i, j) is computed where it reaches above the diagonal,
  // by the band that owns j, so no two bands write one element.
  const int64_t bands = (args.channels + kColumns - 1) / kColumns;
  parallel_for(0, args.batch * bands, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t b = item / bands, j = item % bands * kColumns;
      const In* image = args.x + b * args.x_batch_stride;
      Out* gram = args.out + b * args.channels * args.channels;
      const int64_t stop = std::min(j + kColumns, args.channels);
      for (int64_t i = 0; i < stop; i += kRows) tile_product(args, image, gram, i, j);
    }
  });
}

template void second_moment_cpu(const SecondMomentArgs<float, float>&, ParallelFor);
template void second_moment_cpu(const SecondMomentArgs<double, double>&, ParallelFor);
template void second_moment_cpu(const SecondMomentArgs<c10::Half, float>&, ParallelFor);
template void second_moment_cpu(const SecondMomentArgs<c10::BFloat16, float>&, ParallelFor);

}  // namespace gramstyle
