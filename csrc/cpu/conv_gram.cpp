#include "gramstyle/conv_gram.h"

#include <vector>

#include "panels.h"
#include "positions.h"
#include "streaming.h"

namespace gramstyle {
namespace {

// Output positions that are computed together.
struct Rectangle {
  int64_t top, left, height, width;
};

// A map cut into rectangles of about kTile positions: parts of a row, or whole rows.
class Rectangles {
 public:
  Rectangles(int64_t height, int64_t width) : height_(height), width_(width) {
    across_ = parts_of(width, kTile);
    columns_ = parts_of(width, across_);
    rows_ = std::min(std::max<int64_t>(1, kTile / columns_), height);
  }
  int64_t count() const { return parts_of(height_, rows_) * across_; }
  int64_t positions() const { return rows_ * columns_; }
  Rectangle operator[](int64_t i) const {
    const int64_t top = i / across_ * rows_, left = i % across_ * columns_;
    return {top, left, std::min(rows_, height_ - top), std::min(columns_, width_ - left)};
  }

 private:
  int64_t height_, width_, across_, columns_, rows_;
};

// What a rectangle reads: where its first position begins, and how far from there others do.
template <class T>
struct Field {
  const T* data;
  int64_t row_step, column_step;
  const std::vector<int64_t>* parts;  // from a position's beginning to each part of the filter
};

template <class T>
class Convolution {
 public:
  explicit Convolution(const ConvGramArgs& a)
      : a_(a),
        channels_(a.x.channels / a.groups),
        outputs_(a.features.channels / a.groups),
        depthwise_(channels_ == 1 && outputs_ == 1),
        padded_(round_up(a.features.channels, kernel_.lanes)),
        group_padded_(depthwise_ ? padded_ : round_up(outputs_, kernel_.lanes)),
        width_(panel_width<T>(group_padded_)),
        joined_(a.groups == 1 && a.dilation_width == 1),
        reach_height_((a.kernel_height - 1) * a.dilation_height + 1),
        reach_width_((a.kernel_width - 1) * a.dilation_width + 1),
        rectangles_(a.features.height, a.features.width) {
    direct_parts_ = parts(a.x.row_step, a.x.column_step);
    pack();
  }

  const Rectangles& rectangles() const { return rectangles_; }

  // The features at rectangle `i` of image `b`, rounded to the type of x.
  Tile<T> compute(int64_t b, int64_t i) const {
    const Rectangle at = rectangles_[i];
    const int64_t count = at.height * at.width, rows = round_up(count, kernel_.pixels);
    const int64_t step = padded_ + kernel_.lanes;  // room for the last group's padding
    const Tile<T> tile{scratch<T, 1>(rows * step), count, step};
    std::vector<int64_t> copied_parts;
    const Field<T> field = inside(at) ? direct(b, at) : copy(b, at, copied_parts);
    const T** inputs = scratch<const T*, 0>(rows);
    int64_t p = 0;
    for (int64_t y = 0; y < at.height; ++y)
      for (int64_t x = 0; x < at.width; ++x)
        inputs[p++] = field.data + y * field.row_step + x * field.column_step;
    for (; p < rows; ++p) inputs[p] = inputs[count - 1];  // fills up the last block
    multiply(field, inputs, rows, tile);
    kernel_.round(tile, padded_, a_.x.type);
    return tile;
  }

  // Adds the Gram matrix of rectangle `i` to `second`, or begins it, and stores the features where that is
  // asked for, some after each few rows of the matrix: memory is written while the next ones are computed.
  void accumulate(int64_t b, int64_t i, const Tile<T>& tile, T* second, bool first) const {
    const Rectangle at = rectangles_[i];
    int64_t stored = 0;
    for (int64_t top = 0; top < padded_; top += kernel_.lanes) {
      kernel_.accumulate(tile, second, padded_, Block{top, top + kernel_.lanes, 0, padded_}, first);
      if (a_.features.data == nullptr) continue;
      const int64_t last = (top + kernel_.lanes) * tile.positions / padded_;
      store(b, at, tile, stored, last);
      stored = last;
    }
  }

 private:
  // Offsets of the parts of a filter: rows where the columns of one lie side by side, else single columns.
  std::vector<int64_t> parts(int64_t row_step, int64_t column_step) const {
    std::vector<int64_t> found;
    for (int64_t r = 0; r < a_.kernel_height; ++r)
      for (int64_t s = 0; s < a_.kernel_width; ++s)
        if (s == 0 || !joined(column_step))
          found.push_back(r * a_.dilation_height * row_step + s * a_.dilation_width * column_step);
    return found;
  }
  bool joined(int64_t column_step) const { return joined_ && column_step == a_.x.channels; }

  // Weights of group g: panels for a product; (kernel height, kernel width, C) for a depthwise one.
  void pack() {
    const int64_t area = a_.kernel_height * a_.kernel_width, depth = area * channels_;
    const int64_t groups = depthwise_ ? 1 : a_.groups;
    weights_ = scratch<T, 4>(groups * group_padded_ * (depth + 1));
    bias_ = weights_ + groups * group_padded_ * depth;
    if (depthwise_) {
      for (int64_t k = 0; k < area; ++k)
        for (int64_t c = 0; c < padded_; ++c)
          weights_[k * padded_ + c] = c < a_.x.channels ? element_at(a_.weight, c * area + k) : T(0);
    } else {
      for (int64_t g = 0; g < groups; ++g)
        fill_panels(weights_ + g * group_padded_ * depth, outputs_, group_padded_, width_, depth,
                    [&](int64_t n, int64_t k) {  // k runs over (r, s, c), memory over (c, r, s)
                      return element_at(
                          a_.weight, ((g * outputs_ + n) * channels_ + k % channels_) * area + k / channels_);
                    });
    }
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t n = 0; n < group_padded_; ++n) {
        const int64_t real = depthwise_ ? a_.features.channels : outputs_;
        const bool there = a_.bias != nullptr && n < real;
        bias_[g * group_padded_ + n] = there ? element_at(a_.bias, g * outputs_ + n) : T(0);
      }
  }
  T element_at(const void* data, int64_t i) const { return gramstyle::element_at<T>(data, a_.x.type, i); }

  // Whether a rectangle's input lies wholly in the map, in a layout that a product can read.
  bool inside(const Rectangle& at) const {
    const int64_t top = at.top * a_.stride_height - a_.padding_height;
    const int64_t left = at.left * a_.stride_width - a_.padding_width;
    const int64_t bottom = top + (at.height - 1) * a_.stride_height + reach_height_;
    const int64_t right = left + (at.width - 1) * a_.stride_width + reach_width_;
    const bool fits = top >= 0 && left >= 0 && bottom <= a_.x.height && right <= a_.x.width;
    // a depthwise product reads whole vectors of channels
    return fits && size_of(a_.x.type) == sizeof(T) && a_.x.channel_step == 1 &&
           (!depthwise_ || padded_ == a_.x.channels);
  }

  Field<T> direct(int64_t b, const Rectangle& at) const {
    const int64_t top = at.top * a_.stride_height - a_.padding_height;
    const int64_t left = at.left * a_.stride_width - a_.padding_width;
    const T* data = static_cast<const T*>(a_.x.data) + b * a_.x.image_step + top * a_.x.row_step;
    return {data + left * a_.x.column_step, a_.stride_height * a_.x.row_step,
            a_.stride_width * a_.x.column_step, &direct_parts_};
  }

  // A copy of the rectangle's input with its padding, position-major.
  Field<T> copy(int64_t b, const Rectangle& at, std::vector<int64_t>& offsets) const {
    const int64_t channels = a_.x.channels, step = depthwise_ ? padded_ : channels;
    const int64_t height = (at.height - 1) * a_.stride_height + reach_height_;
    const int64_t width = (at.width - 1) * a_.stride_width + reach_width_;
    const int64_t top = at.top * a_.stride_height - a_.padding_height;
    const int64_t left = at.left * a_.stride_width - a_.padding_width;
    T* room = scratch<T, 2>(memory_product(memory_product(height, width), step));
    const int64_t first = std::clamp<int64_t>(-left, 0, width);
    const int64_t last = std::clamp<int64_t>(a_.x.width - left, first, width);
    char* image = static_cast<char*>(a_.x.data) + b * a_.x.image_step * size_of(a_.x.type);
    for (int64_t y = 0; y < height; ++y) {
      T* row = room + y * width * step;
      if (top + y < 0 || top + y >= a_.x.height || first == last) {
        std::fill_n(row, width * step, T(0));
        continue;
      }
      std::fill_n(row, first * step, T(0));
      const int64_t offset = (top + y) * a_.x.row_step + (left + first) * a_.x.column_step;
      const Place place{image + offset * size_of(a_.x.type), a_.x.type, a_.x.channel_step, a_.x.column_step};
      kernel_.gather(place, channels, step, Tile<T>{row + first * step, last - first, step});
      std::fill_n(row + last * step, (width - last) * step, T(0));
    }
    offsets = parts(width * step, step);
    return {room, a_.stride_height * width * step, a_.stride_width * step, &offsets};
  }

  void multiply(const Field<T>& field, const T** inputs, int64_t rows, const Tile<T>& tile) const {
    Product<T> product{};
    product.inputs = inputs;
    product.positions = rows;
    product.parts = field.parts->data();
    product.part_count = int64_t(field.parts->size());
    product.part_length = channels_ * (a_.kernel_height * a_.kernel_width / product.part_count);
    product.weights = weights_;
    product.width = width_;
    product.bias = bias_;
    product.outputs = group_padded_;
    product.activation = a_.activation;
    product.out = tile.data;
    product.out_step = tile.step;
    if (depthwise_) {
      product.positions = tile.positions;
      kernel_.depthwise(product);
      return;
    }
    const int64_t depth = product.part_count * product.part_length;
    for (int64_t g = 0; g < a_.groups; ++g) {  // in order: the next group overwrites one's padding
      kernel_.product(product);
      product.weights += group_padded_ * depth;
      product.bias += group_padded_;
      product.out += outputs_;
      for (int64_t p = 0; p < rows; ++p) inputs[p] += channels_;
    }
    const int64_t reached = (a_.groups - 1) * outputs_ + group_padded_;
    for (int64_t p = 0; p < tile.positions; ++p)  // as of any tile, the padding of all channels is zero
      for (int64_t c = reached; c < padded_; ++c) tile.data[p * tile.step + c] = T(0);
  }

  // Positions [first, last) of a rectangle.
  void store(int64_t b, const Rectangle& at, const Tile<T>& tile, int64_t first, int64_t last) const {
    const Maps& out = a_.features;
    while (first < last) {
      const int64_t y = first / at.width, x = first % at.width, count = std::min(at.width - x, last - first);
      const int64_t offset =
          b * out.image_step + (at.top + y) * out.row_step + (at.left + x) * out.column_step;
      const Place place{static_cast<char*>(out.data) + offset * size_of(out.type), out.type, out.channel_step,
                        out.column_step, is_streamed(out)};
      kernel_.scatter(Tile<T>{tile.data + first * tile.step, count, tile.step}, out.channels, place);
      first += count;
    }
  }

  const ConvGramArgs& a_;
  const Kernels<T>& kernel_ = kernels<T>();
  int64_t channels_, outputs_;  // of a group
  bool depthwise_;
  int64_t padded_, group_padded_, width_;
  bool joined_;
  int64_t reach_height_, reach_width_;
  Rectangles rectangles_;
  std::vector<int64_t> direct_parts_;
  T* weights_;
  T* bias_;
};

template <class T>
void run(const ConvGramArgs& a, ParallelFor parallel_for) {
  const Kernels<T>& kernel = kernels<T>();
  const Convolution<T> convolution(a);
  const int64_t images = a.x.images, tiles = convolution.rectangles().count();
  const int64_t padded = round_up(a.features.channels, kernel.lanes);
  const int64_t positions = a.features.height * a.features.width;
  const int64_t strip = parts_of(strip_of(positions), convolution.rectangles().positions());
  const Sums out{a.second, a.sums, a.wide};
  add_strips<T>(images, a.features.channels, parts_of(tiles, strip), out, parallel_for,
                [&](int64_t image, int64_t place, T* second, T* sums) {
                  const int64_t first = place * strip, last = std::min(first + strip, tiles);
                  std::fill_n(sums, padded, T(0));
                  if (first >= last) std::fill_n(second, padded * padded, T(0));
                  for (int64_t i = first; i < last; ++i) {
                    const Tile<T> tile = convolution.compute(image, i);
                    convolution.accumulate(image, i, tile, second, i == first);
                    if (a.sums != nullptr) kernel.add_up(tile, padded, sums);
                  }
                  kernel.settle();
                });
}

}  // namespace

void conv_gram_cpu(const ConvGramArgs& args, ParallelFor parallel_for) {
  if (args.x.type == Element::float64)
    run<double>(args, parallel_for);
  else
    run<float>(args, parallel_for);
}

}  // namespace gramstyle
