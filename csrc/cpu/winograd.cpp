#include "gramstyle/winograd.h"

#include <vector>

#include "panels.h"
#include "streaming.h"

namespace gramstyle {
namespace {

constexpr int64_t kPoints = 36;  // of a transformed tile or filter: 6 x 6
constexpr int64_t kSide = 4;     // of the outputs of a tile

// G of the points of `winograd_loops.h`: 6 x 3.
constexpr double kFilter[6][3] = {{1.0 / 4, 0, 0},
                                  {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                  {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                  {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                  {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                  {0, 0, 1}};

constexpr int64_t kAtOnce = 64;  // filters: a panel has no more outputs

// points[k] = (G g G')[k / 6, k % 6] of each filter, in double: its rounding is that of one conversion.
void transform(const double (&g)[9][kAtOnce], double (&points)[kPoints][kAtOnce]) {
  double half[6][3][kAtOnce];
  for (int64_t i = 0; i < 6; ++i)
    for (int64_t x = 0; x < 3; ++x)
      for (int64_t n = 0; n < kAtOnce; ++n)
        half[i][x][n] = kFilter[i][0] * g[x][n] + kFilter[i][1] * g[3 + x][n] + kFilter[i][2] * g[6 + x][n];
  for (int64_t i = 0; i < 6; ++i)
    for (int64_t j = 0; j < 6; ++j)
      for (int64_t n = 0; n < kAtOnce; ++n)
        points[i * 6 + j][n] =
            kFilter[j][0] * half[i][0][n] + kFilter[j][1] * half[i][1][n] + kFilter[j][2] * half[i][2][n];
}

// filter[k] holds the panels (see `panels.h`) of point k.
template <class T>
void transform_filter(const WinogradFilterArgs& a, ParallelFor parallel_for) {
  const int64_t padded = round_up(a.outputs, kernels<T>().lanes), width = panel_width<T>(padded);
  const int64_t panels = parts_of(padded, width);
  parallel_for(0, panels * a.channels, 64, [&](int64_t begin, int64_t end) {
    double g[9][kAtOnce] = {}, points[kPoints][kAtOnce];
    for (int64_t item = begin; item < end; ++item) {
      const int64_t first = item / a.channels * width, c = item % a.channels;
      const int64_t across = std::min(width, padded - first);
      for (int64_t n = 0; n < across; ++n)
        for (int64_t i = 0; i < 9; ++i) {
          const int64_t from = ((first + n) * a.channels + c) * 9 + i;
          g[i][n] = first + n < a.outputs ? element_at<double>(a.weight, a.type, from) : 0;
        }
      transform(g, points);
      T* out = static_cast<T*>(a.filter) + first * a.channels + c * across;
      for (int64_t k = 0; k < kPoints; ++k)
        std::transform(points[k], points[k] + across, out + k * padded * a.channels,
                       [](double x) { return T(x); });
    }
  });
}

template <class T>
class Winograd {
 public:
  explicit Winograd(const WinogradArgs& a)
      : a_(a),
        channels_(round_up(a.x.channels, kernel_.lanes)),
        outputs_(round_up(a.out.channels, kernel_.lanes)),
        across_(parts_of(a.out.width, kSide)),
        image_tiles_(parts_of(a.out.height, kSide) * across_) {
    bias_.assign(outputs_, T(0));
    for (int64_t n = 0; a.bias != nullptr && n < a.out.channels; ++n)
      bias_[n] = element_at<T>(a.bias, a.x.type, n);
  }

  int64_t tiles() const { return a_.x.images * image_tiles_; }

  // Tiles that are transformed before they are multiplied: few enough to stay in the cache, many enough for
  // the filter, which each strip reads from further away.
  int64_t strip() const {
    const int64_t filter = kPoints * a_.x.channels * outputs_ * int64_t(sizeof(T));
    const int64_t wanted = std::clamp<int64_t>(filter >> 15, kFewest, kMost);
    return round_up(std::min(wanted, parts_of(tiles(), 2)), kernel_.pixels);
  }

  void run(int64_t first, int64_t count) const {
    const int64_t rows = round_up(count, kernel_.pixels);
    // a line more than a power of two, or all 36 points of a tile would share sets of the cache
    const int64_t in_step = rows * channels_ + 16, out_step = rows * outputs_ + 16;
    T* in = scratch<T, 5>(kPoints * in_step);
    T* out = scratch<T, 6>(kPoints * out_step);
    for (int64_t t = 0; t < count; ++t) read(first + t, in + t * channels_, in_step);
    multiply(in, in_step, count, rows, out, out_step);
    for (int64_t t = 0; t < count; ++t) write(first + t, out + t * outputs_, out_step);
    kernel_.settle();
  }

 private:
  static constexpr int64_t kFewest = 48, kMost = 144;  // measured with 2 MB of second-level cache

  struct Corner {
    int64_t image, top, left;
  };
  Corner corner(int64_t tile) const {
    const int64_t i = tile % image_tiles_;
    return {tile / image_tiles_, i / across_ * kSide, i % across_ * kSide};
  }

  // The six rows and columns that a tile reads, transformed.
  void read(int64_t tile, T* out, int64_t out_step) const {
    const Maps& x = a_.x;
    const Corner at = corner(tile);
    const int64_t top = at.top - a_.padding_height, left = at.left - a_.padding_width;
    const int64_t offset = at.image * x.image_step + top * x.row_step + left * x.column_step;
    const bool inside = top >= 0 && left >= 0 && top + 6 <= x.height && left + 6 <= x.width;
    if (inside && size_of(x.type) == sizeof(T) && x.channel_step == 1 && channels_ == x.channels) {
      const Patch<const T> patch{static_cast<const T*>(x.data) + offset, x.row_step, x.column_step};
      kernel_.winograd_input(patch, channels_, out, out_step);
      return;
    }
    T* room = scratch<T, 2>(kPoints * channels_);
    std::fill_n(room, kPoints * channels_, T(0));
    const int64_t first = std::clamp<int64_t>(-left, 0, 6),
                  last = std::clamp<int64_t>(x.width - left, first, 6);
    for (int64_t y = std::max<int64_t>(0, -top); y < std::min<int64_t>(6, x.height - top); ++y) {
      const int64_t from = offset + y * x.row_step + first * x.column_step;
      const Place place{static_cast<char*>(x.data) + from * size_of(x.type), x.type, x.channel_step,
                        x.column_step};
      kernel_.gather(place, x.channels, channels_,
                     Tile<T>{room + (y * 6 + first) * channels_, last - first, channels_});
    }
    kernel_.winograd_input(Patch<const T>{room, 6 * channels_, channels_}, channels_, out, out_step);
  }

  void multiply(const T* in, int64_t in_step, int64_t count, int64_t rows, T* out, int64_t out_step) const {
    const int64_t start = 0;
    const T** inputs = scratch<const T*, 0>(rows);
    Product<T> product{};
    product.inputs = inputs;
    product.positions = rows;
    product.parts = &start;
    product.part_count = 1;
    product.part_length = a_.x.channels;
    product.width = panel_width<T>(outputs_);
    product.outputs = outputs_;
    product.activation = Activation::none;
    product.out_step = outputs_;
    for (int64_t k = 0; k < kPoints; ++k) {
      for (int64_t t = 0; t < rows; ++t)  // the last one fills up the last block
        inputs[t] = in + k * in_step + std::min(t, count - 1) * channels_;
      product.weights = static_cast<const T*>(a_.filter) + k * outputs_ * a_.x.channels;
      product.out = out + k * out_step;
      kernel_.product(product);
    }
  }

  void write(int64_t tile, const T* in, int64_t in_step) const {
    const Maps& map = a_.out;
    const Corner at = corner(tile);
    const int64_t height = std::min(kSide, map.height - at.top), width = std::min(kSide, map.width - at.left);
    const int64_t offset = at.image * map.image_step + at.top * map.row_step + at.left * map.column_step;
    if (height == kSide && width == kSide && size_of(map.type) == sizeof(T) && map.channel_step == 1 &&
        outputs_ == map.channels) {
      const Patch<T> patch{static_cast<T*>(map.data) + offset, map.row_step, map.column_step,
                           is_streamed(map)};
      kernel_.winograd_output(in, in_step, outputs_, bias_.data(), a_.activation, patch);
      return;
    }
    T* room = scratch<T, 2>(kSide * kSide * outputs_);
    const Patch<T> patch{room, kSide * outputs_, outputs_};
    kernel_.winograd_output(in, in_step, outputs_, bias_.data(), a_.activation, patch);
    for (int64_t y = 0; y < height; ++y) {
      const Place place{static_cast<char*>(map.data) + (offset + y * map.row_step) * size_of(map.type),
                        map.type, map.channel_step, map.column_step};
      kernel_.scatter(Tile<T>{room + y * patch.row_step, width, outputs_}, map.channels, place);
    }
  }

  const WinogradArgs& a_;
  const Kernels<T>& kernel_ = kernels<T>();
  int64_t channels_, outputs_;  // padded
  int64_t across_, image_tiles_;
  std::vector<T> bias_;
};

template <class T>
void run(const WinogradArgs& a, ParallelFor parallel_for) {
  const Winograd<T> winograd(a);
  const int64_t tiles = winograd.tiles(), strip = winograd.strip();
  parallel_for(0, parts_of(tiles, strip), 1, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin * strip; first < std::min(end * strip, tiles); first += strip)
      winograd.run(first, std::min(strip, tiles - first));
  });
}

}  // namespace

int64_t winograd_filter_size(int64_t outputs, int64_t channels) {
  return kPoints * round_up(outputs, 16) * channels;  // at least as long as vectors of any processor need
}

void winograd_filter_cpu(const WinogradFilterArgs& args, ParallelFor parallel_for) {
  if (args.type == Element::float64)
    transform_filter<double>(args, parallel_for);
  else
    transform_filter<float>(args, parallel_for);
}

void winograd_cpu(const WinogradArgs& args, ParallelFor parallel_for) {
  if (args.x.type == Element::float64)
    run<double>(args, parallel_for);
  else
    run<float>(args, parallel_for);
}

}  // namespace gramstyle
