// The fused convolution's kernels on the host, against sums in float64.
//
// Usage: conv_cases GROUP. Prints what failed; the exit status says whether anything did.
#include "cases.h"
#include "gramstyle/cuda/conv_gram.h"

using namespace gramstyle;
using namespace gramstyle::emulation;
using cuda::Format;
using gramstyle::Activation;

namespace {

struct Case {
  int in, out, height, width;
  int kernel = 3, stride = 1, pad = 1, dilation = 1;
  Activation activation = Activation::relu;
  Format format = Format::bfloat16;
  bool channels_last = true, by_rows = false;
  int64_t batch = 1;
  bool features = true, sums = true, bias = true, wide_bias = false;
  int kernel_width = 0;  // 0: as high as wide
};

std::string name_of(const Case& c) {
  std::string name = std::to_string(c.in) + " -> " + std::to_string(c.out) + " of " +
                     std::to_string(c.height) + " x " + std::to_string(c.width) + ", kernel " +
                     std::to_string(c.kernel) + ", stride " + std::to_string(c.stride) + ", pad " +
                     std::to_string(c.pad) + ", dilation " + std::to_string(c.dilation) + ", activation " +
                     std::to_string(static_cast<int>(c.activation));
  if (c.format == Format::float16) name += ", float16";
  if (c.by_rows) name += ", by rows";
  return name;
}

double activated(Activation activation, double value) {
  if (activation == Activation::relu) return std::max(value, 0.0);
  if (activation == Activation::relu6) return std::min(std::max(value, 0.0), 6.0);
  if (activation == Activation::silu) return value / (1.0 + std::exp(-value));
  return value;
}

struct Found {
  std::vector<double> features, second, total;
  Counts counts;
};

struct Inputs {
  Features x;
  std::vector<unsigned char> weight, bias;
  std::vector<double> weights, biases;
  int out_height, out_width, kernel_width;
};

Inputs inputs(const Case& c, Type type) {
  Inputs in{drawn(type, c.channels_last, c.batch, c.in, static_cast<int64_t>(c.height) * c.width, 0, 0, 1),
            {},
            {},
            {},
            {},
            0,
            0,
            0};
  in.kernel_width = c.kernel_width == 0 ? c.kernel : c.kernel_width;
  in.out_height = (c.height + 2 * c.pad - c.dilation * (c.kernel - 1) - 1) / c.stride + 1;
  in.out_width = (c.width + 2 * c.pad - c.dilation * (in.kernel_width - 1) - 1) / c.stride + 1;
  std::mt19937 random(5);
  std::normal_distribution<double> normal(0.1, 1.0);
  const int products = c.in * c.kernel * in.kernel_width;
  in.weight.resize(2 * c.out * products);
  in.bias.resize((c.wide_bias ? 4 : 2) * c.out);
  for (int i = 0; i < c.out * products; ++i)
    in.weights.push_back(store(type, &in.weight[2 * i], normal(random) / std::sqrt(products)));
  for (int i = 0; i < c.out; ++i) {
    const double value = normal(random);
    in.biases.push_back(c.wide_bias ? store(Type::float32, &in.bias[4 * i], value)
                                    : store(type, &in.bias[2 * i], value));
  }
  return in;
}

Found run(const Case& c, const Inputs& in, Type type, const std::string& name) {
  const int64_t positions = static_cast<int64_t>(in.out_height) * in.out_width;
  cuda::ConvArgs a{};
  a.x = in.x.data();
  a.batch_stride = in.x.batch_stride;
  a.channel_stride = in.x.channel_stride;
  a.row_stride = c.width * in.x.position_stride;
  a.column_stride = in.x.position_stride;
  a.weight = in.weight.data();
  a.bias = c.bias ? in.bias.data() : nullptr;
  a.wide_bias = c.wide_bias;
  std::unique_ptr<unsigned char[]> features(new unsigned char[2 * c.batch * positions * c.out]);
  std::fill_n(features.get(), 2 * c.batch * positions * c.out, static_cast<unsigned char>(0xff));
  a.features = c.features ? features.get() : nullptr;
  a.batch = c.batch;
  a.in_channels = c.in;
  a.out_channels = c.out;
  a.height = c.height;
  a.width = c.width;
  a.out_height = in.out_height;
  a.out_width = in.out_width;
  a.kernel_height = c.kernel;
  a.kernel_width = in.kernel_width;
  a.stride_height = a.stride_width = c.stride;
  a.pad_height = a.pad_width = c.pad;
  a.dilation_height = a.dilation_width = c.dilation;
  a.by_rows = c.by_rows;
  a.weight_vectors = c.in * c.kernel * in.kernel_width % 8 == 0;
  a.format = c.format;
  a.activation = c.activation;
  a.sums = c.sums;
  a.splits = cuda::conv_splits(c.out, positions);
  const int64_t floats = c.batch * a.splits.count * a.splits.floats;
  std::unique_ptr<float[]> partials(new float[floats]);
  std::fill_n(partials.get(), floats, std::nanf(""));
  a.partials = partials.get();
  Found found;
  counts = Counts();
  const int error = cuda::conv_gram(a, nullptr);
  expect(error == 0, name + ": " + cuda::error_name(error));
  found.counts = counts;
  std::vector<float> second(c.batch * c.out * c.out, std::nanf("")), total(c.batch * c.out, std::nanf(""));
  const cuda::ReduceArgs reduce{partials.get(), c.batch,       c.out,
                                a.splits,       c.sums,        c.out <= cuda::kMostInRegisters,
                                false,          second.data(), total.data()};
  const int late = cuda::reduce_partials(reduce, nullptr);
  expect(late == 0, name + ", reduction: " + cuda::error_name(late));
  for (int64_t i = 0; i < c.batch * positions * c.out; ++i)
    found.features.push_back(load(type, &features[2 * i]));
  found.second.assign(second.begin(), second.end());
  found.total.assign(total.begin(), total.end());
  return found;
}

void check(const Case& c) {
  const std::string name = name_of(c);
  const Type type = c.format == Format::bfloat16 ? Type::bfloat16 : Type::float16;
  const Inputs in = inputs(c, type);
  const int64_t positions = static_cast<int64_t>(in.out_height) * in.out_width;
  // Features in float64, rounded as the kernel's are; a sum at the edge of two roundings may take either.
  Features exact = drawn(type, true, c.batch, c.out, positions, 0, 0, 0);
  std::vector<double> before(exact.values.size());
  const int products = c.in * c.kernel * in.kernel_width;
  for (int64_t b = 0; b < c.batch; ++b)
    for (int o = 0; o < c.out; ++o)
      for (int64_t p = 0; p < positions; ++p) {
        double sum = c.bias ? in.biases[o] : 0.0;
        for (int k = 0; k < products; ++k) {
          const int area = c.kernel * in.kernel_width;
          const int64_t y = p / in.out_width * c.stride - c.pad + k % area / in.kernel_width * c.dilation;
          const int64_t z = p % in.out_width * c.stride - c.pad + k % in.kernel_width * c.dilation;
          if (y < 0 || z < 0 || y >= c.height || z >= c.width) continue;
          sum += in.weights[o * products + k] * in.x.value(b, k / area, y * c.width + z);
        }
        before[(b * c.out + o) * positions + p] = activated(c.activation, sum);
      }
  settings = Settings{0, true};
  const Found found = run(c, in, type, name);
  const double unit = std::ldexp(1.0, c.format == Format::bfloat16 ? -8 : -11);
  for (int64_t b = 0; b < c.batch; ++b)
    for (int o = 0; o < c.out; ++o)
      for (int64_t p = 0; p < positions; ++p) {
        const double value = before[(b * c.out + o) * positions + p];
        const double nearest = store(type, exact.at(b, o, p), value);
        double& used = exact.values[(b * c.out + o) * positions + p];
        used = nearest;
        if (!c.features) continue;
        used = found.features[(b * positions + p) * c.out + o];
        if (!(std::fabs(used - value) <= unit * std::fabs(value) + 2e-6))
          return expect(false, name + ": feature " + std::to_string(used) + ", not " + std::to_string(value));
      }
  // The second moment is that of the features as written, exactly but for the order of sums.
  const Moments m = moments_of(exact);
  const double error = worst(found.second, m.second, m.size);
  expect(error <= (c.features ? 1e-5 : unit), name + ": error " + std::to_string(error));
  if (c.sums) {
    const double most = worst(found.total, m.total, m.total_size);
    expect(most <= (c.features ? 1e-6 : unit), name + ": sums " + std::to_string(most));
  }
  settings = Settings{7, false};
  const Found again = run(c, in, type, name + ", shuffled");
  const bool same = (!c.features || again.features == found.features) && again.second == found.second &&
                    (!c.sums || again.total == found.total);
  expect(same, name + ": depends on the order of threads");
  settings = Settings();
}

void stems() {
  check({3, 64, 9, 13});
  check({3, 64, 9, 13, 3, 1, 1, 1, Activation::none, Format::bfloat16, false});
  check({3, 32, 21, 22, 3, 2, 1, 1, Activation::relu6, Format::float16, false});
  check({3, 32, 20, 19, 3, 2, 0, 1, Activation::silu, Format::bfloat16, true, false, 2});
  check({1, 5, 7, 7, 5, 1, 2});
  check({4, 17, 8, 30, 4, 3, 2, 2, Activation::silu});
  Case c{7, 33, 6, 11, 1, 1, 0};
  c.kernel_width = 9;
  c.features = false;
  check(c);
  c = {3, 64, 40, 40};
  c.sums = c.bias = false;
  check(c);
}

void rows() {
  for (int in : {8, 16, 24, 40, 64}) {
    Case c{in, 32, 7, 9, 1, 1, 0};
    c.by_rows = true;
    c.wide_bias = in == 24;
    check(c);
  }
  Case strided{16, 64, 9, 11, 1, 2, 0, 1, Activation::relu6, Format::float16};
  strided.by_rows = true;
  strided.batch = 2;
  check(strided);
  Case padded{16, 48, 5, 6, 1, 1, 1};
  padded.by_rows = true;
  check(padded);
  Case planar{20, 24, 8, 9, 1, 1, 0, 1, Activation::silu, Format::bfloat16, false};
  check(planar);
}

void expansions() {
  Case c{16, 96, 9, 17, 1, 1, 0, 1, Activation::relu6};
  c.by_rows = true;
  check(c);
  c = {24, 144, 5, 14, 1, 1, 0, 1, Activation::silu, Format::float16};
  c.by_rows = true;
  check(c);
  c = {64, 256, 7, 10, 1, 1, 0};
  c.by_rows = true;
  c.batch = 2;
  check(c);
  c = {40, 240, 6, 6, 1, 1, 0, 1, Activation::silu};
  c.by_rows = true;
  c.features = false;
  check(c);
  c = {32, 192, 9, 9, 1, 2, 0};
  c.by_rows = true;
  check(c);
}

void wide_stems() {
  check({3, 96, 11, 13, 4, 2, 1});
  check({3, 65, 9, 9, 3, 1, 1, 1, Activation::relu, Format::float16, false});
  check({2, 130, 8, 8, 5, 1, 2, 1, Activation::none});
  Case c{3, 201, 6, 7};
  c.features = false;
  check(c);
}

// Several parts of one image, the last of them short.
void parts() {
  check({3, 16, 26, 41});
  Case c{8, 72, 29, 20, 1, 1, 0};
  c.by_rows = true;
  check(c);
  c = {8, 160, 13, 41, 1, 1, 0};
  c.by_rows = true;
  check(c);
}

// Inputs are read once, and only the upper triangle is multiplied.
void work() {
  Case c{16, 64, 16, 32, 1, 1, 0};
  c.by_rows = true;
  const Inputs in = inputs(c, Type::bfloat16);
  const Found found = run(c, in, Type::bfloat16, "work");
  // Per 16 positions: 4 x 2 products of one step for the convolution, 20 for the second moment.
  expect(found.counts.products == 512 / 16 * (8 + 20), "products " + std::to_string(found.counts.products));
  expect(found.counts.copied == 512 * 16 * 2, "bytes read " + std::to_string(found.counts.copied));
  expect(found.counts.conflicts == 0, "conflicts " + std::to_string(found.counts.conflicts));
  c.out = 128;
  const Inputs more = inputs(c, Type::bfloat16);
  const Found wide = run(c, more, Type::bfloat16, "work");
  expect(wide.counts.products == 512 / 16 * (16 + 72), "products " + std::to_string(wide.counts.products));
  expect(wide.counts.copied == 512 * 16 * 2, "bytes read " + std::to_string(wide.counts.copied));
  expect(wide.counts.conflicts == 0, "conflicts " + std::to_string(wide.counts.conflicts));
}

}  // namespace

int main(int count, char** names) {
  const std::string group = count > 1 ? names[1] : "";
  if (group == "stems") stems();
  if (group == "rows") rows();
  if (group == "expansions") expansions();
  if (group == "wide-stems") wide_stems();
  if (group == "parts") parts();
  if (group == "work") work();
  expect(checks > 0, "no such group: " + group);
  return told();
}
