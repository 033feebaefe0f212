// Sums of strips of positions, and their sum in a fixed order.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gramstyle/parallel.h"
#include "kernels.h"
#include "scratch.h"

namespace gramstyle {

inline int64_t round_up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }
inline int64_t parts_of(int64_t n, int64_t step) { return (n + step - 1) / step; }

constexpr int64_t kLongestStrip = 4096;  // positions added up in T: 32 tiles of 128 lose no bit that shows
constexpr int64_t kMiddleStrip = 1024;   // adding up partial sums costs about 40 / positions of the work
constexpr int64_t kShortestStrip = 256;  // what four threads need to share a map of 32 x 32

// Positions of a strip: a function of shapes only, so that results are too. Up to 64 strips an image.
inline int64_t strip_of(int64_t positions) {
  const int64_t wanted =
      positions < 4 * kMiddleStrip ? parts_of(positions, 4) : std::max(parts_of(positions, 64), kMiddleStrip);
  return std::clamp(round_up(wanted, 128), kShortestStrip, kLongestStrip);
}

// The sums over one image, in double: channels padded to `padded`, upper triangle of `second` only.
struct Totals {
  double* second;
  double* sums;
  int64_t padded;

  explicit Totals(int64_t padded)
      : second(scratch<double, 3>(padded * padded + padded)),
        sums(second + padded * padded),
        padded(padded) {}
  void clear() const { std::fill_n(second, padded * padded + padded, 0.0); }
};

// Partial sums of a wave of strips, each (padded, padded) followed by (padded).
template <class T>
class Partials {
 public:
  Partials(int64_t padded, int64_t strips)
      : padded_(padded),
        size_(padded * padded + padded),
        wave_(std::clamp<int64_t>(kBytes / (size_ * int64_t(sizeof(T))), 4, 64)),
        data_(scratch<T, 0>(size_ * std::min(wave_, strips))) {}

  int64_t wave() const { return wave_; }
  T* second(int64_t place) const { return data_ + place * size_; }
  T* sums(int64_t place) const { return second(place) + padded_ * padded_; }
  void clear(int64_t place) const { std::fill_n(second(place), size_, T(0)); }

  // totals += partial sums [first, first + count), one after the other.
  void add_to(const Totals& totals, int64_t first, int64_t count, ParallelFor parallel_for) const {
    parallel_for(0, padded_, parts_of(16384, padded_), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        for (int64_t place = first; place < first + count; ++place) {
          const T* row = second(place) + i * padded_;
          for (int64_t j = i; j < padded_; ++j) totals.second[i * padded_ + j] += row[j];
          totals.sums[i] += sums(place)[i];
        }
    });
  }

 private:
  static constexpr int64_t kBytes = int64_t(1) << 23;
  int64_t padded_, size_, wave_;
  T* data_;
};

// The upper triangle `from`, (padded, padded), as both triangles of `second`, (C, C), which it may be; and
// sums.
template <class In, class Out>
void write_as(const In* from, const In* from_sums, int64_t padded, int64_t channels, Out* second, Out* sums,
              ParallelFor parallel_for) {
  constexpr int64_t kSide = 16;  // of the squares that are mirrored: whole lines of either triangle
  const int64_t across = parts_of(channels, kSide);
  parallel_for(0, across, parts_of(1024, across), [&](int64_t begin, int64_t end) {
    for (int64_t top = begin * kSide; top < std::min(end * kSide, channels); top += kSide) {
      const int64_t bottom = std::min(top + kSide, channels);
      if (static_cast<const void*>(from) != second)  // else only the other triangle is missing
        for (int64_t i = top; i < bottom; ++i)
          for (int64_t j = i; j < channels; ++j) second[i * channels + j] = Out(from[i * padded + j]);
      for (int64_t j = top + 1; j < channels; ++j)
        for (int64_t i = top; i < std::min(j, bottom); ++i)
          second[j * channels + i] = second[i * channels + j];
    }
  });
  if (sums != nullptr) std::transform(from_sums, from_sums + channels, sums, [](In x) { return Out(x); });
}

// Where the sums of every image go: float64 where `wide`, else float32. `sums` may be null.
struct Sums {
  void* second;
  void* sums;
  bool wide;

  // Of image `b`: from (padded, padded), followed by (padded).
  template <class In>
  void write(const In* from, int64_t padded, int64_t channels, int64_t b, ParallelFor parallel_for) const {
    write(from, from + padded * padded, padded, channels, b, parallel_for);
  }
  template <class In>
  void write(const In* from, const In* from_sums, int64_t padded, int64_t channels, int64_t b,
             ParallelFor parallel_for) const {
    if (wide)
      write_to<double>(from, from_sums, padded, channels, b, parallel_for);
    else
      write_to<float>(from, from_sums, padded, channels, b, parallel_for);
  }

 private:
  template <class Out, class In>
  void write_to(const In* from, const In* from_sums, int64_t padded, int64_t channels, int64_t b,
                ParallelFor parallel_for) const {
    Out* matrix = static_cast<Out*>(second) + b * channels * channels;
    Out* vector = sums == nullptr ? nullptr : static_cast<Out*>(sums) + b * channels;
    write_as(from, from_sums, padded, channels, matrix, vector, parallel_for);
  }
};

// Adds up strips of every image and writes the sums. `add(image, strip, second, sums)` adds a strip's
// share to matrices that begin at zero; it is called in parallel.
template <class T, class Add>
void add_strips(int64_t images, int64_t channels, int64_t strips, const Sums& out, ParallelFor parallel_for,
                const Add& add) {
  const Totals totals(round_up(channels, kernels<T>().lanes));
  const Partials<T> partials(totals.padded, images * strips);
  const auto run = [&](int64_t image, int64_t strip, int64_t count) {
    parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t place = begin; place < end; ++place) {
        partials.clear(place);
        const int64_t at = strip + place;
        add(image + at / strips, at % strips, partials.second(place), partials.sums(place));
      }
    });
  };
  if (strips <= partials.wave()) {  // several images at once
    const int64_t group = partials.wave() / strips;
    for (int64_t first = 0; first < images; first += group) {
      const int64_t count = std::min(group, images - first);
      run(first, 0, count * strips);
      for (int64_t b = 0; b < count; ++b) {
        if (strips == 1) {
          out.write(partials.second(b), totals.padded, channels, first + b, parallel_for);
          continue;
        }
        totals.clear();
        partials.add_to(totals, b * strips, strips, parallel_for);
        out.write(totals.second, totals.padded, channels, first + b, parallel_for);
      }
    }
    return;
  }
  for (int64_t b = 0; b < images; ++b) {
    totals.clear();
    for (int64_t wave = 0; wave < strips; wave += partials.wave()) {
      const int64_t count = std::min(partials.wave(), strips - wave);
      run(b, wave, count);
      partials.add_to(totals, 0, count, parallel_for);
    }
    out.write(totals.second, totals.padded, channels, b, parallel_for);
  }
}

}  // namespace gramstyle
