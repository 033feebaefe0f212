#include "gramstyle/sparse.h"

#include <new>
#include <vector>

#include "panels.h"
#include "sparse_plan.h"

namespace gramstyle {
namespace {

// What is not zero in the order in which it is read: by group, block of channels and output.
template <class T>
struct SparseTerms {
  std::vector<SparseTerm<T>> terms;
  std::vector<int64_t> starts;
};

// Offsets into a tile of what the taps of a block's channels read.
template <class T>
std::vector<int32_t> offsets_of(const SparseConvArgs& a, const SparsePlan& plan, int64_t channels) {
  const int64_t taps = a.kernel_height * a.kernel_width, lanes = kernels<T>().lanes;
  if (memory_product(memory_product(plan.size(), channels), lanes) > INT32_MAX)
    throw std::bad_array_new_length();
  std::vector<int32_t> offsets(size_t(channels * taps));
  for (int64_t i = 0; i < channels * taps; ++i) {
    const int64_t v = i % taps / a.kernel_width, w = i % a.kernel_width;
    const int64_t row = i / taps * plan.down.extent() + v * plan.down.tap_step();
    offsets[size_t(i)] = int32_t((row * plan.across.extent() + w * plan.across.tap_step()) * lanes);
  }
  return offsets;
}

template <class T>
SparseTerms<T> terms_of(const SparseConvArgs& a, const SparsePlan& plan, int64_t at_once) {
  const std::vector<int32_t> offsets = offsets_of<T>(a, plan, at_once);
  const int64_t outputs = a.out.channels, channels = a.x.channels / a.groups;
  const auto depth = int64_t(offsets.size());
  const T* values = static_cast<const T*>(a.values);
  SparseTerms<T> found;
  found.terms.reserve(size_t(a.rows[outputs]));
  found.starts.reserve(size_t(outputs * parts_of(channels, at_once) + 1));
  std::vector<int32_t> at(a.rows, a.rows + outputs);
  for (int64_t group = 0; group < a.groups; ++group)
    for (int64_t first = 0; first < channels; first += at_once) {
      const int64_t from = first / at_once * depth;
      for (int64_t n = outputs / a.groups * group; n < outputs / a.groups * (group + 1); ++n) {
        found.starts.push_back(int64_t(found.terms.size()));
        int32_t& t = at[size_t(n)];
        for (; t < a.rows[n + 1] && a.columns[t] < from + depth; ++t)
          found.terms.push_back({values[t], offsets[size_t(a.columns[t] - from)]});
      }
    }
  found.starts.push_back(int64_t(found.terms.size()));
  return found;
}

template <class T>
class SparseConv {
 public:
  explicit SparseConv(const SparseConvArgs& a)
      : a_(a),
        plan_(sparse_plan<T>({0, 0, a.kernel_height, a.stride_height, a.padding_height, a.dilation_height},
                             {0, 0, a.kernel_width, a.stride_width, a.padding_width, a.dilation_width},
                             a.out.height, a.out.width, channels_, outputs_,
                             a.rows[a.out.channels] / a.groups)),
        at_once_(plan_.at_once<T>(channels_)),
        terms_(terms_of<T>(a, plan_, at_once_)),
        bias_(size_t(a.out.channels), T(0)) {
    if (a.bias != nullptr) std::copy_n(static_cast<const T*>(a.bias), a.out.channels, bias_.begin());
    const int64_t tiles = a.x.images * a.groups * plan_.tiles();
    // threads without a tile take some of the outputs of one, and read it once more
    const int64_t wanted = a.threads == 1 ? 1 : parts_of(4 * a.threads, tiles);
    share_ = parts_of(outputs_, std::clamp<int64_t>(wanted, 1, parts_of(outputs_, kFewest)));
    shares_ = parts_of(outputs_, share_);
  }

  int64_t items() const { return a_.x.images * a_.groups * plan_.tiles() * shares_; }

  void run(int64_t item) const {
    const int64_t group = item / shares_ / plan_.tiles() % a_.groups, first = item % shares_ * share_;
    const Corner at = corner(item);
    const int64_t size = plan_.size() * kernel_.lanes, sums_size = plan_.vectors() * kernel_.lanes;
    const int64_t blocks = parts_of(channels_, at_once_);
    T* x = scratch<T, 5>(size * at_once_);
    SparseSums<T> work{};
    work.x = x;
    work.row_step = plan_.across.extent() * kernel_.lanes;
    work.rows = plan_.down.span;
    work.columns = plan_.across.span;
    work.terms = terms_.terms.data();
    work.outputs = std::min(share_, outputs_ - first);
    work.sums = scratch<T, 6>(work.outputs * sums_size);
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t begin = block * at_once_, end = std::min(channels_, begin + at_once_);
      for (int64_t c = begin; c < end; ++c) read(at, group * channels_ + c, x + (c - begin) * size);
      work.starts = terms_.starts.data() + (group * blocks + block) * outputs_ + first;
      work.bias = block == 0 ? bias_.data() + group * outputs_ + first : nullptr;
      kernel_.sparse_sums(work);
    }
    for (int64_t n = 0; n < work.outputs; ++n)
      write(work.sums + n * sums_size, at, group * outputs_ + first + n);
  }

 private:
  static constexpr int64_t kFewest = 32;  // outputs of a share

  struct Corner {
    int64_t image, top, left;  // of outputs
  };
  Corner corner(int64_t item) const {
    const int64_t tile = item / shares_ % plan_.tiles();
    return {item / shares_ / plan_.tiles() / a_.groups, tile / plan_.wide * plan_.down.outputs(),
            tile % plan_.wide * plan_.across.outputs()};
  }

  // What a tile reads of a channel, spread over lanes.
  void read(const Corner& at, int64_t channel, T* out) const {
    const Axis &down = plan_.down, &across = plan_.across;
    const int64_t lanes = kernel_.lanes, first = at.left * across.stride - across.padding;
    // positions of each phase of the stride together, and what is loaded beyond the last
    const int64_t phase = parts_of(across.inputs(), across.stride) + lanes, line_step = phase * across.stride;
    T* lines = scratch<T, 2>(down.lanes * line_step);
    for (int64_t a = 0; a < down.extent(); ++a, out += across.extent() * lanes) {
      for (int64_t i = 0; i < down.lanes; ++i) {
        const int64_t row = (at.top + i * down.span) * down.stride - down.padding + down.source(a);
        read_line(at.image, channel, row, first, phase, lines + i * line_step);
      }
      if (plan_.in_order) {
        std::copy_n(lines, across.extent() * lanes, out);
      } else if (across.is_shared()) {
        kernel_.sparse_spread({lines, line_step, across.lanes, across.span, across.extent(), out});
      } else {
        for (int64_t k = 0; k < across.kernel; ++k) {
          const int64_t shift = k * across.dilation;
          const T* tap = lines + shift % across.stride * phase + shift / across.stride;
          T* place = out + k * across.span * lanes;
          kernel_.sparse_spread({tap, line_step, across.lanes, across.span, across.span, place});
        }
      }
    }
  }

  // A row from position `first` on, zero where it has none; position i is at i / stride of its phase.
  void read_line(int64_t image, int64_t channel, int64_t row, int64_t first, int64_t phase, T* out) const {
    const Maps& x = a_.x;
    const int64_t stride = a_.stride_width, length = plan_.across.inputs(), whole = phase * stride;
    const int64_t begin = std::clamp<int64_t>(-first, 0, length);
    const int64_t end = row < 0 || row >= x.height ? begin : std::clamp(x.width - first, begin, length);
    const int64_t step = x.column_step;
    const int64_t from =
        image * x.image_step + channel * x.channel_step + row * x.row_step + (first + begin) * step;
    if (stride > 1) {
      std::fill_n(out, whole, T(0));
      for (int64_t i = begin; i < end; ++i)
        out[i % stride * phase + i / stride] = element_at<T>(x.data, x.type, from + (i - begin) * step);
      return;
    }
    std::fill_n(out, begin, T(0));
    if (step == 1 && size_of(x.type) == sizeof(T))
      std::copy_n(static_cast<const T*>(x.data) + from, end - begin, out + begin);
    else
      for (int64_t i = begin; i < end; ++i) out[i] = element_at<T>(x.data, x.type, from + (i - begin) * step);
    std::fill_n(out + end, whole - end, T(0));
  }

  void write(const T* sums, const Corner& at, int64_t output) const {
    const Maps& map = a_.out;
    const int64_t rows = plan_.down.outputs(), columns = plan_.across.outputs();
    const int64_t height = std::min(rows, map.height - at.top),
                  width = std::min(columns, map.width - at.left);
    const int64_t offset =
        at.image * map.image_step + output * map.channel_step + at.top * map.row_step + at.left;
    const bool same = size_of(map.type) == sizeof(T);
    if (!plan_.in_order) {
      T* room = scratch<T, 2>(rows * columns);
      const bool whole = same && height == rows && width == columns;
      T* out = whole ? static_cast<T*>(map.data) + offset : room;
      kernel_.sparse_gathered(sums, plan_.down.span, plan_.across.span, plan_.across.lanes, out,
                              whole ? map.row_step : columns);
      if (whole) return;
      sums = room;
    }
    for (int64_t y = 0; y < height; ++y, sums += columns) {
      const int64_t to = offset + y * map.row_step;
      if (same) {
        std::copy_n(sums, width, static_cast<T*>(map.data) + to);
      } else {
        const Place place{static_cast<char*>(map.data) + to * size_of(map.type), map.type, 1, 1};
        kernel_.scatter(Tile<T>{const_cast<T*>(sums), 1, columns}, width, place);
      }
    }
  }

  const SparseConvArgs& a_;
  const Kernels<T>& kernel_ = kernels<T>();
  int64_t channels_ = a_.x.channels / a_.groups, outputs_ = a_.out.channels / a_.groups;  // of a group
  SparsePlan plan_;
  int64_t at_once_;         // channels
  int64_t share_, shares_;  // of outputs
  SparseTerms<T> terms_;
  std::vector<T> bias_;
};

// One line, where the kernel is one tap and nothing lies between rows.
SparseConvArgs flat(SparseConvArgs a) {
  const bool one = a.kernel_height * a.kernel_width * a.stride_height * a.stride_width == 1;
  if (!one || a.padding_height != 0 || a.padding_width != 0 || a.x.row_step != a.x.width * a.x.column_step)
    return a;
  for (Maps* maps : {&a.x, &a.out}) maps->width *= maps->height, maps->height = 1;
  return a;
}

template <class T>
void run(const SparseConvArgs& a, ParallelFor parallel_for) {
  const SparseConv<T> conv(a);
  parallel_for(0, conv.items(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) conv.run(item);
  });
}

// From an output to the next, and back over what it has of each channel, so that columns ascend.
template <class T>
void turn(const SparseTurnedArgs& a) {
  const int64_t each = a.outputs / a.groups, count = a.rows[a.outputs];
  std::fill_n(a.turned_rows, a.groups * a.channels + 1, 0);
  int32_t* next = a.turned_rows + 1;
  for (int64_t n = 0; n < a.outputs; ++n)
    for (int64_t t = a.rows[n]; t < a.rows[n + 1]; ++t) ++next[n / each * a.channels + a.columns[t] / a.taps];
  for (int64_t c = a.groups * a.channels - 1, end = count; c >= 0; --c)
    end -= next[c], next[c] = int32_t(end);
  for (int64_t n = 0; n < a.outputs; ++n)
    for (int64_t t = a.rows[n + 1] - 1; t >= a.rows[n]; --t) {
      const int32_t to = next[n / each * a.channels + a.columns[t] / a.taps]++;
      static_cast<T*>(a.turned_values)[to] = static_cast<const T*>(a.values)[t];
      a.turned_columns[to] = int32_t(n % each * a.taps + a.taps - 1 - a.columns[t] % a.taps);
    }
}

}  // namespace

void sparse_turned_cpu(const SparseTurnedArgs& args) {
  args.doubles ? turn<double>(args) : turn<float>(args);
}

void sparse_conv_cpu(const SparseConvArgs& args, ParallelFor parallel_for) {
  const SparseConvArgs flattened = flat(args);
  if (args.x.type == Element::float64)
    run<double>(flattened, parallel_for);
  else
    run<float>(flattened, parallel_for);
}

}  // namespace gramstyle
