// Sums of strips of positions, and their sum in a fixed order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

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

// Both triangles of `second`, (C, C), whose upper one `row(i, out)` writes row by row: entries [i, C) of row
// i.
template <class Out, class Row>
void write_symmetric(int64_t channels, Out* second, ParallelFor parallel_for, const Row& row) {
  constexpr int64_t kBand = 16;  // rows: they fill whole lines of the other triangle
  const int64_t bands = parts_of(channels, kBand);
  parallel_for(0, bands, parts_of(1024, bands), [&](int64_t begin, int64_t end) {
    for (int64_t top = begin * kBand; top < std::min(end * kBand, channels); top += kBand) {
      const int64_t bottom = std::min(top + kBand, channels);
      for (int64_t i = top; i < bottom; ++i) row(i, second + i * channels);
      kernels<Out>().mirror(second, channels, Block{top, bottom, top, channels});
    }
  });
}

// Where the sums of every image go: float64 where `wide`, else float32. `sums` may be null.
struct Sums {
  void* second;
  void* sums;
  bool wide;

  // Of image `b`, from upper triangle (padded, padded) and (padded).
  template <class In>
  void write(const In* from, const In* from_sums, int64_t padded, int64_t channels, int64_t b,
             ParallelFor parallel_for) const {
    typed(channels, b, [&](auto* matrix, auto* vector) {
      using Out = std::remove_reference_t<decltype(*matrix)>;
      write_symmetric(channels, matrix, parallel_for, [&](int64_t i, Out* out) {
        std::transform(from + i * padded + i, from + i * padded + channels, out + i,
                       [](In x) { return Out(x); });
      });
      copy(from_sums, channels, vector);
    });
  }
  template <class In>
  void write_sums(const In* from, int64_t channels, int64_t b) const {
    typed(channels, b, [&](auto*, auto* vector) { copy(from, channels, vector); });
  }
  // Calls `body` with the matrix and the sums of image `b`.
  template <class Body>
  void typed(int64_t channels, int64_t b, const Body& body) const {
    if (wide)
      call<double>(channels, b, body);
    else
      call<float>(channels, b, body);
  }
  template <class In, class Out>
  static void copy(const In* from, int64_t channels, Out* vector) {
    if (vector != nullptr) std::transform(from, from + channels, vector, [](In x) { return Out(x); });
  }

 private:
  template <class Out, class Body>
  void call(int64_t channels, int64_t b, const Body& body) const {
    body(static_cast<Out*>(second) + b * channels * channels,
         sums == nullptr ? nullptr : static_cast<Out*>(sums) + b * channels);
  }
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

  // totals += partial sums [first, first + count), one after the other.
  void add_to(const Totals& totals, int64_t first, int64_t count, ParallelFor parallel_for) const {
    parallel_for(0, padded_, parts_of(16384, padded_), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        add_rows(first, count, i, totals.second + i * padded_);
        for (int64_t place = first; place < first + count; ++place) totals.sums[i] += sums(place)[i];
      }
    });
  }

  // The sum of partial sums [first, first + count) as those of image `b`.
  void write(int64_t first, int64_t count, int64_t channels, int64_t b, const Sums& out,
             ParallelFor parallel_for) const {
    if (count == 1) {
      out.write(second(first), sums(first), padded_, channels, b, parallel_for);
      return;
    }
    out.typed(channels, b, [&](auto* matrix, auto* vector) {
      using Out = std::remove_reference_t<decltype(*matrix)>;
      write_symmetric(channels, matrix, parallel_for, [&](int64_t i, Out* row) {
        double* total = scratch<double, 7>(padded_);
        std::fill(total + i, total + channels, 0.0);
        add_rows(first, count, i, total);
        std::transform(total + i, total + channels, row + i, [](double x) { return Out(x); });
      });
      double* total = scratch<double, 7>(padded_);
      std::fill_n(total, channels, 0.0);
      for (int64_t place = first; place < first + count; ++place)
        for (int64_t c = 0; c < channels; ++c) total[c] += sums(place)[c];
      Sums::copy(total, channels, vector);
    });
  }

 private:
  // total[j] += row i of each partial sum, from the diagonal on
  void add_rows(int64_t first, int64_t count, int64_t i, double* total) const {
    for (int64_t place = first; place < first + count; ++place) {
      const T* row = second(place) + i * padded_;
      for (int64_t j = i; j < padded_; ++j) total[j] += row[j];
    }
  }

  static constexpr int64_t kBytes = int64_t(1) << 23;
  int64_t padded_, size_, wave_;
  T* data_;
};

// Adds up strips of every image and writes the sums. `add(image, strip, second, sums)` writes the sums of a
// strip, of `second` only the upper triangle; it is called in parallel.
template <class T, class Add>
void add_strips(int64_t images, int64_t channels, int64_t strips, const Sums& out, ParallelFor parallel_for,
                const Add& add) {
  const int64_t padded = round_up(channels, kernels<T>().lanes);
  const Partials<T> partials(padded, images * strips);
  const auto run = [&](int64_t image, int64_t strip, int64_t count) {
    parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t place = begin; place < end; ++place) {
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
      for (int64_t b = 0; b < count; ++b)
        partials.write(b * strips, strips, channels, first + b, out, parallel_for);
    }
    return;
  }
  const Totals totals(padded);
  for (int64_t b = 0; b < images; ++b) {
    totals.clear();
    for (int64_t wave = 0; wave < strips; wave += partials.wave()) {
      const int64_t count = std::min(partials.wave(), strips - wave);
      run(b, wave, count);
      partials.add_to(totals, 0, count, parallel_for);
    }
    out.write(totals.second, totals.sums, totals.padded, channels, b, parallel_for);
  }
}

}  // namespace gramstyle
