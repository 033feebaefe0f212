#include "gramstyle/gram.h"

#include <vector>

#include "partials.h"
#include "positions.h"

namespace gramstyle {
namespace {

constexpr int64_t kWide = 256;            // more channels than this share one matrix
constexpr int64_t kPanelBytes = 3 << 19;  // of positions that threads share, in the second-level cache
constexpr int64_t kBlockRows = 64, kBlockColumns = 96;  // of a shared matrix, a thread's smallest work

// Few channels: each thread takes strips of positions and a matrix of its own for each.
template <class T>
void by_strips(const GramArgs& args, ParallelFor parallel_for) {
  const Kernels<T>& kernel = kernels<T>();
  const Maps& x = args.x;
  const int64_t positions = x.height * x.width, padded = round_up(x.channels, kernel.lanes);
  const int64_t strip = strip_of(positions), strips = std::max<int64_t>(1, parts_of(positions, strip));
  const Sums out{args.second, args.sums, args.wide};
  add_strips<T>(x.images, x.channels, strips, out, parallel_for,
                [&](int64_t image, int64_t place, T* second, T* sums) {
                  const Positions<T> reader(x, image, padded);
                  T* room = scratch<T, 1>(kTile * reader.step());
                  const int64_t first = place * strip, last = std::min(first + strip, positions);
                  // tiles that lie in memory as they are fit the first-level cache
                  const int64_t step = reader.lies_as_tiles() && padded > 64 ? kTile / 2 : kTile;
                  std::fill_n(sums, padded, T(0));
                  if (first >= last) std::fill_n(second, padded * padded, T(0));
                  for (int64_t p = first; p < last; p += step) {
                    const Tile<T> tile = reader.read_loosely(p, std::min(step, last - p), room);
                    kernel.accumulate(tile, second, padded, Block{0, padded, 0, padded}, p == first);
                    if (args.sums != nullptr) kernel.add_up(tile, padded, sums);
                  }
                });
}

// The blocks of a symmetric matrix that reach its upper triangle, in an order whose halves, thirds and so on
// have about the same work: rows from the top, which are long, take turns with rows from the bottom.
std::vector<Block> upper_blocks(int64_t size) {
  std::vector<Block> blocks, mixed;
  for (int64_t i = 0; i < size; i += kBlockRows)
    for (int64_t j = i / kBlockColumns * kBlockColumns; j < size; j += kBlockColumns)
      blocks.push_back({i, std::min(i + kBlockRows, size), j, std::min(j + kBlockColumns, size)});
  for (size_t first = 0, last = blocks.size(); first < last;) {
    mixed.push_back(blocks[first++]);
    if (first < last) mixed.push_back(blocks[--last]);
  }
  return mixed;
}

// Positions that are read before any block of the matrix is: a part of kLongestStrip.
int64_t panel_of(int64_t position_bytes) {
  int64_t panel = kLongestStrip;
  while (panel > kTile && panel * position_bytes > kPanelBytes) panel /= 2;
  return panel;
}

// Many channels: threads take blocks of one matrix, from panels of positions that all have read.
template <class T>
void by_blocks(const GramArgs& args, ParallelFor parallel_for) {
  const Kernels<T>& kernel = kernels<T>();
  const Maps& x = args.x;
  const int64_t positions = x.height * x.width, padded = round_up(x.channels, kernel.lanes);
  const Partials<T> partials(padded, 1);
  const bool once = positions <= kLongestStrip;  // then nothing need be added up in double
  // what needs no second sum and no other type is added up where it belongs
  const bool in_place = once && args.wide == (sizeof(T) == 8) && x.channels == padded;
  const Totals totals(once ? 0 : padded);
  const Sums out{args.second, args.sums, args.wide};
  const std::vector<Block> blocks = upper_blocks(padded);
  for (int64_t b = 0; b < x.images; ++b) {
    const Positions<T> reader(x, b, padded);
    const int64_t panel = panel_of(padded * int64_t(sizeof(T)));
    T* room = scratch<T, 2>(std::min(panel, round_up(positions, kTile)) * padded);
    T* second = in_place ? static_cast<T*>(args.second) + b * padded * padded : partials.second(0);
    T* sums = partials.sums(0);
    totals.clear();
    std::fill_n(sums, padded, T(0));
    if (positions == 0) std::fill_n(second, padded * padded, T(0));
    for (int64_t first = 0; first < positions; first += panel) {
      const int64_t count = std::min(panel, positions - first), tiles = parts_of(count, kTile);
      const bool starts = first % kLongestStrip == 0;
      const bool ends = (first + count) % kLongestStrip == 0 || first + count == positions;
      Tile<T> read[kLongestStrip / kTile];
      parallel_for(0, tiles, 1, [&](int64_t begin, int64_t end) {
        for (int64_t t = begin; t < end; ++t)
          read[t] = reader.copy_columns(first + t * kTile, std::min(kTile, count - t * kTile),
                                        room + t * kTile * padded);
      });
      parallel_for(0, int64_t(blocks.size()), 1, [&](int64_t begin, int64_t end) {
        for (int64_t item = begin; item < end; ++item) {
          for (int64_t t = 0; t < tiles; ++t)
            kernel.accumulate(read[t], second, padded, blocks[item], starts && t == 0);
          if (in_place && ends) kernel.mirror(second, padded, blocks[item]);
        }
      });
      if (args.sums != nullptr)
        for (int64_t t = 0; t < tiles; ++t) kernel.add_up(read[t], padded, sums);
      if (!once && ends) {
        partials.add_to(totals, 0, 1, parallel_for);
        std::fill_n(sums, padded, T(0));
      }
    }
    if (!once)
      out.write(totals.second, totals.sums, padded, x.channels, b, parallel_for);
    else if (in_place)
      out.write_sums(sums, x.channels, b);
    else
      out.write(second, sums, padded, x.channels, b, parallel_for);
  }
}

template <class T>
void run(const GramArgs& args, ParallelFor parallel_for) {
  if (args.x.channels > kWide)
    by_blocks<T>(args, parallel_for);
  else
    by_strips<T>(args, parallel_for);
}

}  // namespace

void gram_cpu(const GramArgs& args, ParallelFor parallel_for) {
  if (args.x.images * args.x.channels == 0) return;
  if (args.x.type == Element::float64)
    run<double>(args, parallel_for);
  else
    run<float>(args, parallel_for);
}

}  // namespace gramstyle
