#include "gramstyle/sparse.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "panels.h"

namespace gramstyle {
namespace {

// One side of a tile, for `span` outputs beside each other in one lane. Where the stride is 1, lines are
// copied as they are, and a tap is a step of `dilation`; else, and where a dilation is large, each tap has
// its own copy of what it reads.
struct Axis {
  int64_t span, lanes, kernel, stride, padding, dilation;

  bool is_whole() const { return stride == 1 && dilation < span; }
  int64_t tap_step() const { return is_whole() ? dilation : span; }
  int64_t extent() const { return is_whole() ? span + dilation * (kernel - 1) : span * kernel; }
  // From the first position that a lane reads to that of index i of the extent.
  int64_t source(int64_t i) const { return is_whole() ? i : i % span * stride + i / span * dilation; }
  int64_t covered() const { return span * lanes; }  // outputs
};

struct Plan {
  Axis down, across;
  int64_t rows_of_tiles, columns_of_tiles;

  int64_t vectors() const { return down.span * across.span; }
  int64_t tile_size() const { return down.extent() * across.extent(); }  // vectors of a channel
  int64_t tiles() const { return rows_of_tiles * columns_of_tiles; }
};

constexpr int64_t kSpans[] = {8, 7, 6, 5, 4, 2, 1};
constexpr int64_t kMostRows = 4;

int64_t env(const char* n, int64_t d) {
  const char* v = std::getenv(n);
  return v ? std::atoll(v) : d;
}
int64_t kNear = env("SP_NEAR", 24 * 1024);  // bytes of channels that stay in the cache nearest

template <class T>
int64_t channels_at_once(const Plan& plan, int64_t channels) {
  const int64_t each = plan.tile_size() * kernels<T>().lanes * int64_t(sizeof(T));
  return std::clamp<int64_t>(kNear / each, 1, channels);
}

// Cycles, about, for all tiles of an image and group.
template <class T>
double cost(const Plan& plan, int64_t channels, int64_t outputs, double terms) {
  const double blocks = double(parts_of(channels, channels_at_once<T>(plan, channels)));
  const double each = terms * (double(plan.vectors()) + 1.5) + blocks * double(outputs) * (2.0 * double(plan.vectors()) + 6);
  const double spread = double(channels * plan.down.extent()) * double(kernels<T>().lanes) * 7;
  return double(plan.tiles()) * (each + spread);
}

template <class T>
Plan plan_of(const SparseConvArgs& a, int64_t channels, int64_t outputs, double terms) {
  const Kernels<T>& kernel = kernels<T>();
  Plan best{};
  double least = -1;
  for (int64_t lanes = 1; lanes <= kernel.lanes; lanes *= 2)
    for (int64_t columns : kSpans)
      for (int64_t rows = 1; rows <= kMostRows && rows * columns <= kernel.sums; ++rows) {
        if (env("SP_C", columns) != columns || env("SP_R", rows) != rows || env("SP_L", lanes) != lanes) continue;
        Plan plan{{rows, kernel.lanes / lanes, a.kernel_height, a.stride_height, a.padding_height, a.dilation_height},
                  {columns, lanes, a.kernel_width, a.stride_width, a.padding_width, a.dilation_width},
                  0,
                  0};
        plan.rows_of_tiles = parts_of(a.out.height, plan.down.covered());
        plan.columns_of_tiles = parts_of(a.out.width, plan.across.covered());
        const double found = cost<T>(plan, channels, outputs, terms);
        if (least < 0 || found < least) least = found, best = plan;
      }
  if (std::getenv("SP_SHOW"))
    fprintf(stderr, "rows %ld columns %ld across %ld\n", best.down.span, best.across.span, best.across.lanes);
  return best;
}

// The kernel in the order in which it is read: by group, block of channels and output.
template <class T>
struct Packed {
  std::vector<SparseTerm<T>> terms;
  std::vector<int64_t> starts;
};

template <class T>
class SparseConv {
 public:
  explicit SparseConv(const SparseConvArgs& a)
      : a_(a),
        channels_(a.x.channels / a.groups),
        outputs_(a.out.channels / a.groups),
        plan_(plan_of<T>(a, channels_, outputs_, double(a.rows[a.out.channels]) / double(a.groups))),
        at_once_(channels_at_once<T>(plan_, channels_)),
        blocks_(parts_of(channels_, at_once_)) {
    pack();
    // Work for many threads also where there are few tiles.
    const int64_t items = a.x.images * a.groups * plan_.tiles();
    parts_ = std::clamp<int64_t>(parts_of(kFewest, items), 1, parts_of(outputs_, kLeast));
    share_ = parts_of(outputs_, parts_);
    parts_ = parts_of(outputs_, share_);
  }

  int64_t items() const { return a_.x.images * a_.groups * plan_.tiles() * parts_; }

  void run(int64_t item) const {
    const int64_t part = item % parts_, tile = item / parts_ % plan_.tiles();
    const int64_t group = item / parts_ / plan_.tiles() % a_.groups;
    const int64_t image = item / parts_ / plan_.tiles() / a_.groups;
    const int64_t first = part * share_, count = std::min(share_, outputs_ - first);
    const int64_t top = tile / plan_.columns_of_tiles * plan_.down.covered();
    const int64_t left = tile % plan_.columns_of_tiles * plan_.across.covered();
    const int64_t size = plan_.tile_size() * kernel_.lanes;
    T* x = scratch<T, 5>(size * at_once_);
    T* sums = scratch<T, 6>(count * plan_.vectors() * kernel_.lanes);
    SparseSums<T> work{};
    work.x = x;
    work.row_step = (plan_.down.is_whole() ? 1 : 1) * plan_.across.extent() * kernel_.lanes;
    work.rows = plan_.down.span;
    work.columns = plan_.across.span;
    work.terms = packed_.terms.data();
    work.outputs = count;
    work.sums = sums;
    for (int64_t block = 0; block < blocks_; ++block) {
      const int64_t channel = block * at_once_, last = std::min(channels_, channel + at_once_);
      for (int64_t c = channel; c < last; ++c)
        read(image, group * channels_ + c, top, left, x + (c - channel) * size);
      work.starts = packed_.starts.data() + (group * blocks_ + block) * outputs_ + first;
      work.bias = block == 0 ? bias_.data() + group * outputs_ + first : nullptr;
      kernel_.sparse_sums(work);
    }
    for (int64_t n = 0; n < count; ++n)
      write(sums + n * plan_.vectors() * kernel_.lanes, image, group * outputs_ + first + n, top, left);
  }

 private:
  static constexpr int64_t kFewest = 16;  // items
  static constexpr int64_t kLeast = 32;   // outputs of one

  void pack() {
    bias_.assign(size_t(a_.out.channels), T(0));
    if (a_.bias != nullptr) std::copy_n(static_cast<const T*>(a_.bias), a_.out.channels, bias_.begin());
    const int64_t taps = a_.kernel_height * a_.kernel_width, lanes = kernel_.lanes;
    std::vector<int32_t> offsets(size_t(at_once_ * taps));
    for (int64_t i = 0; i < at_once_ * taps; ++i) {
      const int64_t v = i % taps / a_.kernel_width, w = i % a_.kernel_width;
      offsets[size_t(i)] = int32_t(((i / taps * plan_.down.extent() + v * plan_.down.tap_step()) * plan_.across.extent() +
                                    w * plan_.across.tap_step()) * lanes);
    }
    const T* values = static_cast<const T*>(a_.values);
    packed_.terms.resize(size_t(a_.rows[a_.out.channels]));
    packed_.starts.resize(size_t(a_.out.channels * blocks_ + 1));
    std::vector<int64_t> at(a_.rows, a_.rows + a_.out.channels);
    int64_t next = 0, start = 0;
    for (int64_t group = 0; group < a_.groups; ++group)
      for (int64_t block = 0; block < blocks_; ++block) {
        const int64_t from = block * at_once_ * taps, end = from + at_once_ * taps;
        for (int64_t n = group * outputs_; n < (group + 1) * outputs_; ++n) {
          packed_.starts[size_t(start++)] = next;
          int64_t& t = at[size_t(n)];
          for (; t < a_.rows[n + 1] && a_.columns[t] < end; ++t)
            packed_.terms[size_t(next++)] = {values[t], offsets[size_t(a_.columns[t] - from)]};
        }
      }
    packed_.starts[size_t(start)] = next;
  }

  // A channel of the input, spread over lanes.
  void read(int64_t image, int64_t channel, int64_t top, int64_t left, T* out) const {
    const Axis &down = plan_.down, &across = plan_.across;
    const int64_t lanes = kernel_.lanes;
    const int64_t length = across.covered() * across.stride + across.dilation * (across.kernel - 1);
    // the positions of each phase of the stride together
    const int64_t phase = parts_of(length, across.stride) + lanes, step = phase * across.stride;
    T* lines = scratch<T, 2>(down.lanes * step);
    const int64_t first = left * across.stride - across.padding;
    for (int64_t a = 0; a < down.extent(); ++a) {
      for (int64_t i = 0; i < down.lanes; ++i) {
        const int64_t row = (top + i * down.span) * down.stride - down.padding + down.source(a);
        line(image, channel, row, first, length, phase, lines + i * step);
      }
      T* place = out + a * across.extent() * lanes;
      if (across.is_whole()) {
        kernel_.sparse_spread({lines, step, across.lanes, across.span, across.extent(), place});
        continue;
      }
      for (int64_t k = 0; k < across.kernel; ++k) {
        const int64_t shift = k * across.dilation;
        const T* from = lines + shift % across.stride * phase + shift / across.stride;
        kernel_.sparse_spread({from, step, across.lanes, across.span, across.span, place + k * across.span * lanes});
      }
    }
  }

  // Positions [first, first + length) of a row, zero where there are none; position i at i / stride of its phase.
  void line(int64_t image, int64_t channel, int64_t row, int64_t first, int64_t length, int64_t phase, T* out) const {
    const Maps& x = a_.x;
    const int64_t stride = a_.stride_width;
    if (row < 0 || row >= x.height) {
      std::fill_n(out, phase * stride, T(0));
      return;
    }
    const int64_t begin = std::clamp<int64_t>(-first, 0, length), end = std::clamp<int64_t>(x.width - first, begin, length);
    const int64_t from = image * x.image_step + channel * x.channel_step + row * x.row_step + (first + begin) * x.column_step;
    if (stride == 1) {
      std::fill_n(out, begin, T(0));
      if (x.column_step == 1 && size_of(x.type) == sizeof(T))
        std::copy_n(static_cast<const T*>(x.data) + from, end - begin, out + begin);
      else
        for (int64_t i = begin; i < end; ++i) out[i] = element_at<T>(x.data, x.type, from + (i - begin) * x.column_step);
      std::fill_n(out + end, phase - end, T(0));
      return;
    }
    std::fill_n(out, phase * stride, T(0));
    for (int64_t i = begin; i < end; ++i)
      out[i % stride * phase + i / stride] = element_at<T>(x.data, x.type, from + (i - begin) * x.column_step);
  }

  void write(const T* sums, int64_t image, int64_t output, int64_t top, int64_t left) const {
    const Maps& map = a_.out;
    const int64_t rows = plan_.down.covered(), columns = plan_.across.covered();
    const int64_t height = std::min(rows, map.height - top), width = std::min(columns, map.width - left);
    const int64_t offset = image * map.image_step + output * map.channel_step + top * map.row_step + left;
    const auto gathered = [&](T* out, int64_t step) {
      kernel_.sparse_gathered(sums, plan_.down.span, plan_.across.span, plan_.across.lanes, out, step);
    };
    const bool same = size_of(map.type) == sizeof(T);
    if (same && height == rows && width == columns) {
      gathered(static_cast<T*>(map.data) + offset, map.row_step);
      return;
    }
    T* room = scratch<T, 2>(rows * columns);
    gathered(room, columns);
    for (int64_t y = 0; y < height; ++y) {
      const int64_t to = offset + y * map.row_step;
      if (same) {
        std::copy_n(room + y * columns, width, static_cast<T*>(map.data) + to);
        continue;
      }
      const Place place{static_cast<char*>(map.data) + to * size_of(map.type), map.type, 1, 1};
      kernel_.scatter(Tile<T>{room + y * columns, width, 1}, 1, place);
    }
  }

  const SparseConvArgs& a_;
  const Kernels<T>& kernel_ = kernels<T>();
  int64_t channels_, outputs_;  // of a group
  Plan plan_;
  int64_t at_once_, blocks_;  // of channels
  int64_t parts_, share_;     // of outputs
  Packed<T> packed_;
  std::vector<T> bias_;
};

template <class T>
void run(const SparseConvArgs& a, ParallelFor parallel_for) {
  const SparseConv<T> conv(a);
  parallel_for(0, conv.items(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) conv.run(item);
  });
}

}  // namespace

void sparse_conv_cpu(const SparseConvArgs& args, ParallelFor parallel_for) {
  if (args.x.type == Element::float64)
    run<double>(args, parallel_for);
  else
    run<float>(args, parallel_for);
}

}  // namespace gramstyle
