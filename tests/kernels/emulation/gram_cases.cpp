// The second moment's kernels on the host, against sums in float64.
//
// Usage: gram_cases GROUP. Prints what failed; the exit status says whether anything did.
#include "cases.h"
#include "gramstyle/cuda/gram.h"
#include "gramstyle/cuda/turned.h"

using namespace gramstyle;
using namespace gramstyle::emulation;
using cuda::Format;
using cuda::Layout;

namespace {

struct Case {
  Format format;
  bool channels_last;
  int64_t batch, channels, positions;
  int copy_bytes = 16;
  int64_t gap = 0, offset = 0;
  bool sums = true, wide = false;
};

Type type_of(Format format) {
  return format == Format::bfloat16  ? Type::bfloat16
         : format == Format::float16 ? Type::float16
                                     : Type::float32;
}

const char* name_of(Format format) {
  return format == Format::bfloat16  ? "bfloat16"
         : format == Format::float16 ? "float16"
         : format == Format::tf32    ? "tf32"
                                     : "ieee";
}

std::string name_of(const Case& c) {
  return std::string(name_of(c.format)) + (c.channels_last ? " channels-last " : " planar ") +
         std::to_string(c.batch) + " x " + std::to_string(c.channels) + " x " + std::to_string(c.positions) +
         ", copies of " + std::to_string(c.copy_bytes) + ", gap " + std::to_string(c.gap) + ", offset " +
         std::to_string(c.offset);
}

struct Found {
  std::vector<double> second, total;
  Counts counts;
};

template <class Out>
void widen(const std::vector<unsigned char>& from, std::vector<double>& to) {
  const auto* values = reinterpret_cast<const Out*>(from.data());
  to.assign(values, values + from.size() / sizeof(Out));
}

// Runs both kernels on `x`.
Found run(const Case& c, const Features& x, const std::string& name) {
  cuda::GramArgs args{};
  args.x = x.data();
  args.batch = x.batch;
  args.channels = x.channels;
  args.positions = x.positions;
  args.batch_stride = x.batch_stride;
  args.row_stride = c.channels_last ? x.position_stride : x.channel_stride;
  args.copy_bytes = c.copy_bytes;
  args.layout = c.channels_last ? Layout::channels_last : Layout::planar;
  args.format = c.format;
  args.sums = c.sums;
  args.splits = cuda::gram_splits(x.channels, x.positions, cuda::joined(c.format));
  // Exactly what is needed, on the heap: writing beyond it is caught.
  const int64_t floats = x.batch * args.splits.count * args.splits.floats;
  std::unique_ptr<float[]> partials(new float[floats]);
  std::fill_n(partials.get(), floats, std::nanf(""));
  args.partials = partials.get();
  Found found;
  counts = Counts();
  const int error = cuda::gram_partials(args, nullptr);
  expect(error == 0, name + ": " + cuda::error_name(error));
  found.counts = counts;
  const int out = c.wide ? 8 : 4;
  std::vector<unsigned char> second(x.batch * x.channels * x.channels * out, 0xff);
  std::vector<unsigned char> total(c.sums ? x.batch * x.channels * out : 0, 0xff);
  const cuda::ReduceArgs reduce{partials.get(), x.batch, x.channels,    args.splits, c.sums,
                                false,          c.wide,  second.data(), total.data()};
  const int late = cuda::reduce_partials(reduce, nullptr);
  expect(late == 0, name + ", reduction: " + cuda::error_name(late));
  if (c.wide) {
    widen<double>(second, found.second);
    widen<double>(total, found.total);
  } else {
    widen<float>(second, found.second);
    widen<float>(total, found.total);
  }
  return found;
}

// Rounding of one part, as a share of the sum of sizes: products of TF32 lose 2^-11 per factor; a
// truncating chain of n steps loses up to n units in the last place, n being a part's steps here.
double tolerance(const Case& c) {
  const double chain = std::min<int64_t>(c.positions, cuda::kChain) / 8.0 * std::ldexp(1.0, -23);
  if (c.format == Format::tf32) return std::ldexp(1.0, -10) + chain;
  if (c.format == Format::ieee) return std::ldexp(1.0, -20);
  return chain + std::ldexp(1.0, -23);
}

void check(const Case& c, uint32_t seed = 1) {
  const std::string name = name_of(c);
  const Features x =
      drawn(type_of(c.format), c.channels_last, c.batch, c.channels, c.positions, c.gap, c.offset, seed);
  const Moments m = moments_of(x);
  settings = Settings{0, true};
  const Found found = run(c, x, name);
  const double error = worst(found.second, m.second, m.size);
  expect(error <= tolerance(c), name + ": error " + std::to_string(error));
  if (c.sums)
    expect(worst(found.total, m.total, m.total_size) <= (c.format == Format::tf32 ? 1e-3 : 1e-6),
           name + ": sums");
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t i = 0; i < c.channels; ++i)
      for (int64_t j = 0; j < i; ++j) {
        const int64_t base = b * c.channels * c.channels;
        if (found.second[base + i * c.channels + j] != found.second[base + j * c.channels + i])
          return expect(false, name + ": not symmetric");
      }
  // Any order of threads and any arrival of copies gives the same bits.
  settings = Settings{seed + 1, false};
  const Found again = run(c, x, name + ", shuffled");
  expect(again.second == found.second && again.total == found.total,
         name + ": depends on the order of threads");
  settings = Settings();
}

const Format kFormats[] = {Format::bfloat16, Format::float16, Format::tf32, Format::ieee};

void shapes(Format format) {
  const int64_t channels[] = {1, 3, 16, 17, 32, 33, 48, 64, 65, 80, 96, 128, 129, 144, 192, 200, 256};
  int turn = 0;
  for (bool channels_last : {false, true})
    for (int64_t c : channels) {
      const int64_t positions = c >= 200 ? 70 : 1 + (turn * 53) % 300;
      ++turn;
      Case one{format, channels_last, 1, c, positions};
      // 16 bytes where rows allow it
      const int64_t row = (channels_last ? c : positions) * bytes_of(type_of(format));
      one.copy_bytes = row % 16 == 0 ? 16 : row % 8 == 0 ? 8 : row % 4 == 0 ? 4 : 2;
      check(one);
    }
}

// Rows whose padding makes every width of copies possible, and features that begin in the middle.
void alignment(Format format) {
  const int element = bytes_of(type_of(format));
  for (bool channels_last : {false, true})
    for (int copy : {16, 8, 4, 2}) {
      if (copy < element) continue;
      const int64_t unit = copy / element;
      const int64_t length = channels_last ? 20 : 150;  // not a multiple of a chunk
      const int64_t gap = (16 / element - length % (16 / element)) % (16 / element) + unit;
      const int64_t all = length + gap;
      Case one{format, channels_last, 2, channels_last ? 20 : 21, channels_last ? 131 : 150, copy, gap, unit};
      if (all * element % copy != 0) std::abort();
      check(one);
    }
}

// More than one part, whose last is short, and every batch entry by itself.
void parts(Format format) {
  check({format, false, 2, 32, 1040});
  check({format, true, 1, 64, 1100});
  check({format, true, 2, 128, 600});
  Case wide{format, true, 1, 96, 600};
  wide.wide = true;
  check(wide);
  Case bare{format, false, 1, 40, 552};
  bare.sums = false;
  check(bare);
}

// Several units: superblocks in pairs, an odd one, and the products between.
void many_channels(Format format) {
  check({format, true, 1, 264, 24});
  check({format, false, 1, 328, 16});
  if (format == Format::bfloat16) check({format, true, 1, 520, 16});
  if (format == Format::ieee) check({format, false, 1, 400, 8});
}

// Only the upper triangle is multiplied, features are read once, and no two rows of a matrix share banks.
void work() {
  for (bool channels_last : {false, true})
    for (int64_t channels : {16, 32, 64, 128, 192, 256}) {
      const Case c{Format::bfloat16, channels_last, 1, channels, 256};
      const Features x = drawn(Type::bfloat16, channels_last, 1, channels, 256, 0, 0, 3);
      const Found found = run(c, x, name_of(c));
      const int64_t steps = 256 / 16;
      // Tiles of 16 x 8 that touch the upper triangle, of the panel that is multiplied whole or by squares
      // of 64.
      const int64_t each = channels <= 32    ? 6
                           : channels == 64  ? 20
                           : channels == 128 ? 72
                           : channels == 192 ? 172
                                             : 272;
      expect(found.counts.products == steps * each,
             name_of(c) + ": " + std::to_string(found.counts.products) + " products");
      expect(found.counts.copied == 256 * channels * 2,
             name_of(c) + ": bytes read " + std::to_string(found.counts.copied));
      expect(found.counts.conflicts == 0,
             name_of(c) + ": conflicts " + std::to_string(found.counts.conflicts));
    }
}

void nonfinite() {
  for (Format format : kFormats) {
    const Type type = type_of(format);
    Features x = drawn(type, true, 1, 40, 100, 0, 0, 5);
    store(type, x.at(0, 7, 50), std::nan(""));
    store(type, x.at(0, 30, 99), std::numeric_limits<double>::infinity());
    const Case c{format, true, 1, 40, 100, 4};
    const Found found = run(c, x, "not finite");
    for (int64_t i = 0; i < 40; ++i)
      for (int64_t j = 0; j < 40; ++j) {
        const bool touched = i == 7 || j == 7 || i == 30 || j == 30;
        expect(std::isfinite(found.second[i * 40 + j]) != touched,
               "what is not finite stays in its channels");
      }
  }
}

// Strides beyond 2^31 elements: a reservation of addresses, of which few pages exist.
#include <sys/mman.h>
void huge() {
  const int64_t far = (int64_t{1} << 31) + 64;
  for (bool channels_last : {false, true}) {
    const int64_t rows = 3;
    const int64_t bytes = 2 * far * rows + 4096;
    void* place =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED) return expect(false, "no room for addresses");
    auto* memory = static_cast<uint16_t*>(place);
    const int64_t channels = channels_last ? 16 : rows;
    const int64_t positions = channels_last ? rows : 16;
    Features x = drawn(Type::bfloat16, channels_last, 1, channels, positions, 0, 0, 9);
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t p = 0; p < positions; ++p)
        memory[channels_last ? p * far + c : c * far + p] = to_bfloat16(static_cast<float>(x.value(0, c, p)));
    cuda::GramArgs args{};
    args.x = memory;
    args.batch = 1;
    args.channels = channels;
    args.positions = positions;
    args.batch_stride = 0;
    args.row_stride = far;
    args.copy_bytes = 16;
    args.layout = channels_last ? Layout::channels_last : Layout::planar;
    args.format = Format::bfloat16;
    args.splits = cuda::gram_splits(channels, positions, true);
    std::vector<float> partials(args.splits.count * args.splits.floats);
    args.partials = partials.data();
    expect(cuda::gram_partials(args, nullptr) == 0, std::string("huge: ") + cuda::error_name(1));
    std::vector<float> second(channels * channels);
    const cuda::ReduceArgs reduce{partials.data(), 1,     channels,      args.splits, false,
                                  false,           false, second.data(), nullptr};
    expect(cuda::reduce_partials(reduce, nullptr) == 0, "huge: reduction");
    const Moments m = moments_of(x);
    expect(worst({second.begin(), second.end()}, m.second, m.size) < 1e-6, "huge strides");
    munmap(place, bytes);
  }
}

void plain() {
  for (auto [batch, channels, height, width] :
       {std::array<int64_t, 4>{1, 1, 1, 1}, {2, 33, 3, 7}, {1, 70, 2, 9}, {1, 5, 64, 129}}) {
    Features x = drawn(Type::float64, true, batch, channels, height * width, 3, 1, 11);
    cuda::PlainGramArgs args{};
    args.x = reinterpret_cast<const double*>(x.data());
    args.batch = batch;
    args.channels = channels;
    args.height = height;
    args.width = width;
    args.batch_stride = x.batch_stride;
    args.channel_stride = 1;
    args.row_stride = width * x.position_stride;
    args.column_stride = x.position_stride;
    args.sums = true;
    args.parts = cuda::plain_parts(height * width);
    std::vector<double> partials(batch * args.parts * channels * (channels + 1), std::nan(""));
    std::vector<double> second(batch * channels * channels, std::nan("")),
        total(batch * channels, std::nan(""));
    args.partials = partials.data();
    args.second = second.data();
    args.total = total.data();
    expect(cuda::plain_gram(args, nullptr) == 0, std::string("plain: ") + cuda::error_name(1));
    const Moments m = moments_of(x);
    expect(worst(second, m.second, m.size) < 1e-14 && worst(total, m.total, m.total_size) < 1e-14, "plain");
  }
}

}  // namespace

int main(int count, char** names) {
  const std::string group = count > 1 ? names[1] : "";
  for (Format format : kFormats) {
    const std::string name = name_of(format);
    if (group == "shapes-" + name) shapes(format);
    if (group == "alignment-" + name) alignment(format);
    if (group == "parts-" + name) parts(format);
    if (group == "channels-" + name) many_channels(format);
  }
  if (group == "work") work();
  if (group == "nonfinite") nonfinite();
  if (group == "huge") huge();
  if (group == "plain") plain();
  expect(checks > 0, "no such group: " + group);
  return told();
}
