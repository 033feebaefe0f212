// The positions of one image, in order, as tiles.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gramstyle/gram.h"
#include "kernels.h"

namespace gramstyle {

constexpr int64_t kTile = 128;  // positions: a tile of 96 channels fills L1

// Reads and writes positions of one image, row by row where rows do not join.
template <class T>
class Positions {
 public:
  Positions(const Maps& x, int64_t image, int64_t padded)
      : x_(x), padded_(padded), image_(image * x.image_step) {
    joined_ = x.height == 1 || x.row_step == x.width * x.column_step;
    length_ = joined_ ? x.height * x.width : x.width;
    row_step_ = joined_ ? 0 : x.row_step;
  }

  // Elements between positions of a copied tile: a line more than its channels, since rows a power of
  // two apart would share sets of the cache.
  int64_t step() const { return padded_ + 16; }

  // Positions [first, first + count): as they lie, if that is as a tile does, else in `room` (count, step).
  Tile<T> read(int64_t first, int64_t count, T* room) const {
    if (is_tile() && first % length_ + count <= length_)
      return {static_cast<T*>(at(first).data), count, x_.column_step, true};
    return copy(first, count, room);
  }

  // Whether they lie as a tile does, but for padded channels: these may be the next position's.
  bool lies_as_tiles() const {
    return size_of(x_.type) == sizeof(T) && x_.channel_step == 1 && joined_ &&
           x_.column_step >= x_.channels;
  }

  // The same where padded channels may hold anything, as in sums that leave them out, as long as all that is
  // read lies in the image; else in columns.
  Tile<T> read_loosely(int64_t first, int64_t count, T* room) const {
    const int64_t behind = x_.height * x_.width - first - count;
    if (lies_as_tiles() && behind * x_.column_step >= padded_ - x_.channels)
      return {static_cast<T*>(at(first).data), count, x_.column_step, true};
    return copy_columns(first, count, room);
  }

  Tile<T> copy(int64_t first, int64_t count, T* room) const {
    return copy(first, Tile<T>{room, count, step()});
  }

  // The same in columns.
  Tile<T> copy_columns(int64_t first, int64_t count, T* room) const {
    const int64_t lanes = kernels<T>().lanes;
    return copy(first, Tile<T>{room, count, lanes, false, kTile * lanes});
  }

  void write(int64_t first, const Tile<T>& tile) const {
    each_run(first, tile.positions, [&](int64_t done, int64_t part) {
      const Tile<T> rows{tile.data + done * tile.step, part, tile.step};
      kernels<T>().scatter(rows, x_.channels, at(first + done));
    });
  }

 private:
  bool is_tile() const {
    return size_of(x_.type) == sizeof(T) && x_.channel_step == 1 && padded_ == x_.channels;
  }
  Place at(int64_t position) const {
    const int64_t offset = image_ + position / length_ * row_step_ + position % length_ * x_.column_step;
    return {static_cast<char*>(x_.data) + offset * size_of(x_.type), x_.type, x_.channel_step,
            x_.column_step};
  }
  Tile<T> copy(int64_t first, const Tile<T>& tile) const {
    each_run(first, tile.positions, [&](int64_t done, int64_t part) {
      Tile<T> run = tile;
      run.data += done * tile.step;
      run.positions = part;
      kernels<T>().gather(at(first + done), x_.channels, padded_, run);
    });
    return tile;
  }
  template <class Body>
  void each_run(int64_t first, int64_t count, const Body& body) const {
    for (int64_t done = 0; done < count;) {
      const int64_t part = std::min(count - done, length_ - (first + done) % length_);
      body(done, part);
      done += part;
    }
  }

  const Maps& x_;
  int64_t padded_, image_, length_, row_step_;
  bool joined_;  // rows: one after the other
};

}  // namespace gramstyle
