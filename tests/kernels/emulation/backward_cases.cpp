// The kernels of the gradient of features on the host, against products in float64.
//
// Usage: backward_cases GROUP. Prints what failed; the exit status says whether anything did.
#include "cases.h"
#include "gramstyle/cuda/backward.h"

using namespace gramstyle;
using namespace gramstyle::emulation;
using cuda::Format;
using cuda::Layout;
using gramstyle::Activation;

namespace {

struct Case {
  Format format;
  bool channels_last;
  int64_t batch, channels, positions;
  Activation activation = Activation::relu;
  bool base = true, sums = true, wide = false;
  int copy_bytes = 16;
  int64_t gap = 0, offset = 0;
  double size = 1.0;  // of the matrix's elements
};

Type type_of(Format format) {
  return format == Format::bfloat16  ? Type::bfloat16
         : format == Format::float16 ? Type::float16
                                     : Type::float32;
}

std::string name_of(const Case& c) {
  const char* formats[] = {"bfloat16", "float16", "tf32", "ieee"};
  return std::string(formats[static_cast<int>(c.format)]) +
         (c.channels_last ? " channels-last " : " planar ") + std::to_string(c.batch) + " x " +
         std::to_string(c.channels) + " x " + std::to_string(c.positions) + ", activation " +
         std::to_string(static_cast<int>(c.activation)) + ", copies of " + std::to_string(c.copy_bytes) +
         (c.base ? "" : ", no base") + (c.sums ? "" : ", no sums");
}

bool passes(Activation activation, double x) {
  return activation == Activation::none || (x > 0 && (activation == Activation::relu || x < 6));
}

// A symmetric matrix per image, and one number per channel, as the kernel reads them.
struct Given {
  std::vector<float> narrow, narrow_sums;
  std::vector<double> matrix, sums;
};

Given given(const Case& c) {
  std::mt19937 random(17);
  std::normal_distribution<double> normal(0.0, c.size);
  Given g;
  g.matrix.resize(c.batch * c.channels * c.channels);
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t i = 0; i < c.channels; ++i)
      for (int64_t j = 0; j <= i; ++j) {
        const double value = static_cast<float>(normal(random));
        g.matrix[(b * c.channels + i) * c.channels + j] = value;
        g.matrix[(b * c.channels + j) * c.channels + i] = value;
      }
  for (int64_t i = 0; i < c.batch * c.channels; ++i) g.sums.push_back(static_cast<float>(normal(random)));
  g.narrow.assign(g.matrix.begin(), g.matrix.end());
  g.narrow_sums.assign(g.sums.begin(), g.sums.end());
  return g;
}

cuda::Rows rows_of(Features& x, bool channels_last) {
  return {x.data(), x.batch_stride, channels_last ? x.position_stride : x.channel_stride};
}

std::vector<double> run(const Case& c, Features& x, Features& base, const Given& g, const std::string& name) {
  const Type type = type_of(c.format);
  Features out = drawn(type, c.channels_last, c.batch, c.channels, c.positions, c.gap, c.offset, 0);
  std::memset(out.memory.get(), 0xff, out.offset * bytes_of(type));
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t i = 0; i < c.channels; ++i)
      for (int64_t p = 0; p < c.positions; ++p) store(type, out.at(b, i, p), std::nan(""));
  const int element = bytes_of(type);
  const int64_t rows = cuda::padded_rows(c.channels);
  std::unique_ptr<unsigned char[]> matrix(
      new unsigned char[c.batch * rows * cuda::padded_columns(c.channels, element) * element]);
  std::unique_ptr<float[]> scale(new float[c.batch * rows]), added(new float[c.batch * rows]);
  cuda::BackwardArgs args{};
  args.x = rows_of(x, c.channels_last);
  args.base = rows_of(base, c.channels_last);
  args.out = rows_of(out, c.channels_last);
  if (!c.base) args.base.data = nullptr;
  args.symmetric = c.wide ? static_cast<const void*>(g.matrix.data()) : g.narrow.data();
  args.sums = !c.sums ? nullptr : c.wide ? static_cast<const void*>(g.sums.data()) : g.narrow_sums.data();
  args.wide = c.wide;
  args.batch = c.batch;
  args.channels = c.channels;
  args.positions = c.positions;
  args.layout = c.channels_last ? Layout::channels_last : Layout::planar;
  args.format = c.format;
  args.activation = c.activation;
  args.copy_bytes = c.copy_bytes;
  args.vectors = c.copy_bytes == 16;
  args.matrix = matrix.get();
  args.scale = scale.get();
  args.added = added.get();
  const int error = cuda::gram_backward(args, nullptr);
  expect(error == 0, name + ": " + cuda::error_name(error));
  std::vector<double> found;
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t i = 0; i < c.channels; ++i)
      for (int64_t p = 0; p < c.positions; ++p) found.push_back(load(type, out.at(b, i, p)));
  return found;
}

// Rounding of the matrix, of the result, and of a truncating chain.
double tolerance(const Case& c) {
  if (c.format == Format::ieee) return 1e-6;
  const double chain = c.channels / 16.0 * std::ldexp(1.0, -23);
  return std::ldexp(1.0, c.format == Format::bfloat16 ? -8 : -11) * 2 + chain;
}

void check(const Case& c) {
  const std::string name = name_of(c);
  const Type type = type_of(c.format);
  Features x = drawn(type, c.channels_last, c.batch, c.channels, c.positions, c.gap, c.offset, 1);
  for (double& value : x.values) value *= 4;  // some beyond 6
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t i = 0; i < c.channels; ++i)
      for (int64_t p = 0; p < c.positions; ++p) {
        double& value = x.values[(b * c.channels + i) * c.positions + p];
        value = store(type, x.at(b, i, p), value);
      }
  Features base = drawn(type, c.channels_last, c.batch, c.channels, c.positions, c.gap, c.offset, 2);
  const Given g = given(c);
  settings = Settings{0, true};
  const std::vector<double> found = run(c, x, base, g, name);
  std::vector<double> expected, size;
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t i = 0; i < c.channels; ++i)
      for (int64_t p = 0; p < c.positions; ++p) {
        double sum = c.base ? base.value(b, i, p) : 0.0;
        double most = std::fabs(sum);
        if (c.sums) sum += g.sums[b * c.channels + i];
        if (c.sums) most += std::fabs(g.sums[b * c.channels + i]);
        for (int64_t j = 0; j < c.channels; ++j) {
          const double term = g.matrix[(b * c.channels + i) * c.channels + j] * x.value(b, j, p);
          sum += term;
          most += std::fabs(term);
        }
        const bool through = passes(c.activation, x.value(b, i, p));
        expected.push_back(through ? sum : 0.0);
        size.push_back(through ? most : 0.0);
      }
  const double error = worst(found, expected, size);
  expect(error <= tolerance(c), name + ": error " + std::to_string(error));
  settings = Settings{3, false};
  expect(run(c, x, base, g, name + ", shuffled") == found, name + ": depends on the order of threads");
  settings = Settings();
}

const Activation kActivations[] = {Activation::none, Activation::relu, Activation::relu6};

void shapes(Format format) {
  int turn = 0;
  for (bool channels_last : {false, true})
    for (int64_t channels : {1, 3, 17, 32, 64, 72, 130, 200}) {
      const int64_t positions = channels >= 130 ? 40 : 1 + turn * 37 % 170;
      Case c{format, channels_last, 1 + turn % 2, channels, positions, kActivations[turn % 3]};
      c.base = turn % 4 != 1;
      c.sums = turn % 4 != 2;
      c.wide = turn % 5 == 3;
      const int64_t row = (channels_last ? channels : positions) * bytes_of(type_of(format));
      c.copy_bytes = row % 16 == 0 ? 16 : row % 8 == 0 ? 8 : row % 4 == 0 ? 4 : 2;
      check(c);
      ++turn;
    }
}

void alignment(Format format) {
  const int element = bytes_of(type_of(format));
  for (bool channels_last : {false, true})
    for (int copy : {16, 8, 4, 2}) {
      if (copy < element) continue;
      const int64_t unit = copy / element;
      const int64_t length = channels_last ? 20 : 45;
      const int64_t gap = (16 / element - length % (16 / element)) % (16 / element) + unit;
      Case c{format, channels_last, 2, channels_last ? 20 : 18, channels_last ? 131 : 45};
      c.copy_bytes = copy;
      c.gap = gap;
      c.offset = unit;
      check(c);
    }
}

// Gradients of a mean over 2048 x 2048 positions of 512 channels, as float16 cannot hold them.
void small() {
  for (bool channels_last : {false, true}) {
    Case c{Format::float16, channels_last, 1, 40, 24, Activation::none};
    c.base = c.sums = false;
    c.size = 1e-9;
    for (double power : {0.0, -4.0}) {
      c.size = std::pow(10.0, power);
      check(c);
    }
    c.size = 1e-9;
    Features features = drawn(Type::float16, channels_last, 1, 40, 24, 0, 0, 1);
    for (int64_t i = 0; i < 40; ++i)
      for (int64_t p = 0; p < 24; ++p)
        features.values[i * 24 + p] = store(Type::float16, features.at(0, i, p), 6e4);
    Features base = drawn(Type::float16, channels_last, 1, 40, 24, 0, 0, 2);
    const Given g = given(c);
    const std::vector<double> found = run(c, features, base, g, "small");
    for (int64_t i = 0; i < 40; ++i) {
      double sum = 0, size = 0;
      for (int64_t j = 0; j < 40; ++j) {
        sum += g.matrix[i * 40 + j] * features.value(0, j, 0);
        size += std::fabs(g.matrix[i * 40 + j] * features.value(0, j, 0));
      }
      expect(std::fabs(found[i * 24] - sum) <= size * 2e-3 + 6e-8, "gradients below float16's least number");
    }
  }
}

void plain() {
  const int64_t batch = 2, channels = 5, height = 3, width = 4;
  for (Activation activation : kActivations)
    for (bool extra : {false, true}) {
      Features x = drawn(Type::float64, true, batch, channels, height * width, 2, 1, 4);
      Features base = drawn(Type::float64, false, batch, channels, height * width, 0, 0, 5);
      Features out = drawn(Type::float64, true, batch, channels, height * width, 2, 1, 6);
      Case c{Format::ieee, true, batch, channels, height * width};
      const Given g = given(c);
      const auto strided = [&](Features& f) {
        return cuda::PlainFeatures{reinterpret_cast<const double*>(f.data()), f.batch_stride,
                                   f.channel_stride, width * f.position_stride, f.position_stride};
      };
      cuda::PlainBackwardArgs args{strided(x), strided(base), strided(out), g.matrix.data(), g.sums.data(),
                                   batch,      channels,      height,       width,           activation};
      if (!extra) args.base.data = args.sums = nullptr;
      const int error = cuda::plain_backward(args, nullptr);
      expect(error == 0, std::string("plain: ") + cuda::error_name(error));
      for (int64_t b = 0; b < batch; ++b)
        for (int64_t i = 0; i < channels; ++i)
          for (int64_t p = 0; p < height * width; ++p) {
            double sum = extra ? base.value(b, i, p) + g.sums[b * channels + i] : 0.0;
            for (int64_t j = 0; j < channels; ++j)
              sum += g.matrix[(b * channels + i) * channels + j] * x.value(b, j, p);
            const double exact = passes(activation, x.value(b, i, p)) ? sum : 0.0;
            expect(std::fabs(load(Type::float64, out.at(b, i, p)) - exact) <= 1e-13, "plain backward");
          }
    }
}

}  // namespace

int main(int count, char** names) {
  const std::string group = count > 1 ? names[1] : "";
  const std::pair<Format, std::string> formats[] = {
      {Format::bfloat16, "bfloat16"}, {Format::float16, "float16"}, {Format::ieee, "ieee"}};
  for (const auto& [format, name] : formats) {
    if (group == "shapes-" + name) shapes(format);
    if (group == "alignment-" + name) alignment(format);
  }
  if (group == "small") small();
  if (group == "plain") plain();
  expect(checks > 0, "no such group: " + group);
  return told();
}
