#include "gramstyle/gram.h"

#include <vector>

#include "partials.h"
#include "positions.h"

namespace gramstyle {
namespace {

constexpr int64_t kWide = 256;   // more channels than this share one matrix among threads
constexpr int64_t kPanel = 512;  // positions of a panel that threads share
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
                  const int64_t last = std::min((place + 1) * strip, positions);
                  for (int64_t p = place * strip; p < last; p += kTile) {
                    const Tile<T> tile = reader.read_loosely(p, std::min(kTile, last - p), room);
                    kernel.accumulate(tile, second, padded, Block{0, padded, 0, padded});
                    if (args.sums != nullptr) kernel.add_up(tile, padded, sums);
                  }
                });
}

// The blocks of a symmetric matrix that reach its upper triangle.
std::vector<Block> upper_blocks(int64_t size) {
  std::vector<Block> blocks;
  for (int64_t i = 0; i < size; i += kBlockRows)
    for (int64_t j = i / kBlockColumns * kBlockColumns; j < size; j += kBlockColumns)
      blocks.push_back({i, std::min(i + kBlockRows, size), j, std::min(j + kBlockColumns, size)});
  return blocks;
}

template <class T>
void clear(const Block& block, T* matrix, int64_t step) {
  for (int64_t i = block.top; i < block.bottom; ++i)
    std::fill(matrix + i * step + block.left, matrix + i * step + block.right, T(0));
}

// Many channels: threads take blocks of one matrix, from panels of positions that all have read.
template <class T>
void by_blocks(const GramArgs& args, ParallelFor parallel_for) {
  const Kernels<T>& kernel = kernels<T>();
  const Maps& x = args.x;
  const int64_t positions = x.height * x.width;
  const Totals totals(round_up(x.channels, kernel.lanes));
  const Partials<T> partials(totals.padded, 1);
  // what needs no second sum and no other type is added up where it belongs
  const bool in_place = positions <= kLongestStrip && args.wide == (sizeof(T) == 8) &&
                        x.channels == totals.padded && positions > 0;
  const std::vector<Block> blocks = upper_blocks(totals.padded);
  for (int64_t b = 0; b < x.images; ++b) {
    const Positions<T> reader(x, b, totals.padded);
    T* panel = scratch<T, 2>(kPanel * reader.step());
    const bool once = positions <= kLongestStrip;  // then nothing need be added up in double
    if (!once) totals.clear();
    T* second = in_place ? static_cast<T*>(args.second) + b * x.channels * x.channels : partials.second(0);
    if (positions == 0) partials.clear(0);
    std::fill_n(partials.sums(0), totals.padded, T(0));
    for (int64_t first = 0; first < positions; first += kPanel) {
      const int64_t count = std::min(kPanel, positions - first), tiles = parts_of(count, kTile);
      Tile<T> read[kPanel / kTile];
      parallel_for(0, tiles, 1, [&](int64_t begin, int64_t end) {
        for (int64_t t = begin; t < end; ++t)
          read[t] = reader.copy(first + t * kTile, std::min(kTile, count - t * kTile),
                                panel + t * kTile * reader.step());
      });
      parallel_for(0, int64_t(blocks.size()), 1, [&](int64_t begin, int64_t end) {
        for (int64_t item = begin; item < end; ++item) {
          if (first % kLongestStrip == 0) clear(blocks[item], second, totals.padded);
          for (int64_t t = 0; t < tiles; ++t) kernel.accumulate(read[t], second, totals.padded, blocks[item]);
        }
      });
      if (args.sums != nullptr)
        for (int64_t t = 0; t < tiles; ++t) kernel.add_up(read[t], totals.padded, partials.sums(0));
      if (!once && ((first + count) % kLongestStrip == 0 || first + count == positions)) {
        partials.add_to(totals, 0, 1, parallel_for);
        std::fill_n(partials.sums(0), totals.padded, T(0));
      }
    }
    const Sums out{args.second, args.sums, args.wide};
    if (once)
      out.write(second, partials.sums(0), totals.padded, x.channels, b, parallel_for);
    else
      out.write(totals.second, totals.padded, x.channels, b, parallel_for);
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
