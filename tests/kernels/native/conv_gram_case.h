// One call of conv_gram_cpu, held against its definition.
#pragma once

#include <string>

#include "gram_case.h"
#include "gramstyle/conv_gram.h"

namespace proofs {

using gramstyle::Activation;

// Of a filter, along one side of a map.
struct Side {
  int64_t kernel, stride, padding, dilation;

  int64_t reach() const { return (kernel - 1) * dilation + 1; }
  int64_t outputs(int64_t inputs) const { return (inputs + 2 * padding - reach()) / stride + 1; }
};

struct ConvGramCase {
  Layout x, features;
  int64_t groups;
  Side vertical, horizontal;
  bool bias, stored, sums, wide;  // `stored`: features are asked for
  Activation activation;
  Kind kind;
  uint64_t seed;

  int64_t depth() const { return x.size[1] / groups * vertical.kernel * horizontal.kernel; }
};

inline Side draw_side(Choices& choose) {
  constexpr int64_t kKernels[] = {1, 3, 1, 3, 2, 5, 7};
  Side side{choose.one_of(kKernels), 1, 0, 1};
  if (choose.once_in(3)) side.stride = choose.between(2, 4);
  if (choose.once_in(4)) side.dilation = choose.between(2, 3);
  if (choose.once_in(2))
    side.padding = choose.once_in(5) ? choose.between(0, side.reach() + 3) : side.reach() / 2;
  return side;
}

// Input and output channels, and groups of them.
inline void draw_groups(Choices& choose, int64_t& channels, int64_t& outputs, int64_t& groups) {
  constexpr int64_t kGroups[] = {2, 3, 4, 5, 8};
  groups = 1;
  channels = draw_channels(choose);
  outputs = draw_channels(choose);
  if (choose.once_in(3)) {  // depthwise, some with several outputs for each channel
    groups = channels;
    outputs = channels * (choose.once_in(3) ? choose.between(2, 3) : 1);
  } else if (choose.once_in(4)) {
    groups = choose.one_of(kGroups);
    channels = groups * choose.between(1, 19);
    outputs = groups * choose.between(1, 19);
  }
}

inline ConvGramCase draw_conv_gram(Choices& choose) {
  constexpr int64_t kBudget = int64_t(1) << 19;
  ConvGramCase one{};
  one.vertical = draw_side(choose);
  one.horizontal = draw_side(choose);
  int64_t channels, outputs, height, width;
  draw_groups(choose, channels, outputs, one.groups);
  const int64_t images = choose.between(1, 3);
  const int64_t depth = channels / one.groups * one.vertical.kernel * one.horizontal.kernel;
  draw_sides(choose, kBudget / (images * outputs * (depth + outputs)), height, width);
  // the input for about that output: at least one position
  const auto inputs = [](const Side& side, int64_t size) {
    return std::max((std::max<int64_t>(size, 1) - 1) * side.stride + side.reach() - 2 * side.padding,
                    std::max<int64_t>(1, side.reach() - 2 * side.padding));
  };
  const int64_t size[4] = {images, channels, inputs(one.vertical, height), inputs(one.horizontal, width)};
  const int64_t out[4] = {images, outputs, one.vertical.outputs(size[2]), one.horizontal.outputs(size[3])};
  const Element type = choose.one_of(kElements);
  one.x = draw_layout(choose, type, size, true);
  one.features = draw_layout(choose, type, out, false);
  one.bias = !choose.once_in(3);
  one.stored = !choose.once_in(3);
  one.sums = !choose.once_in(3);
  one.wide = type == Element::float64 || choose.once_in(2);
  one.activation = Activation(choose.below(4));
  one.kind = choose.one_of(kKinds);
  one.seed = choose.seed();
  return one;
}

struct ConvGramInputs {
  StoredMaps x;
  StoredRow weight, bias;

  explicit ConvGramInputs(const ConvGramCase& one)
      : x(one.x),
        weight(one.features.size[1] * one.depth(), one.x.type),
        bias(one.features.size[1], one.x.type) {
    Numbers numbers(one.seed);
    const bool real = one.kind == Kind::real;
    x.fill([&] { return draw(numbers, one.kind); });
    // few of them, for exact sums of squares of features
    weight.fill([&](int64_t) { return real ? draw(numbers, Kind::real) : double(numbers.below(3) - 1); });
    bias.fill([&](int64_t) { return draw(numbers, real ? Kind::real : Kind::whole); });
  }
};

struct ConvGramOutputs {
  StoredMaps features;
  StoredSums sums;
};

inline ConvGramInputs inputs_of(const ConvGramCase& one) { return ConvGramInputs(one); }

inline ConvGramOutputs outputs_of(const ConvGramCase& one) {
  return {StoredMaps(one.features), StoredSums(one.x.size[0], one.features.size[1], one.sums, one.wide)};
}

inline void call(const ConvGramCase& one, const ConvGramInputs& in, const ConvGramOutputs& out,
                 gramstyle::ParallelFor parallel_for) {
  const Side &v = one.vertical, &h = one.horizontal;
  gramstyle::ConvGramArgs args{};
  args.x = in.x.maps();
  args.weight = in.weight.data();
  args.bias = one.bias ? in.bias.data() : nullptr;
  args.groups = one.groups;
  args.kernel_height = v.kernel;
  args.kernel_width = h.kernel;
  args.stride_height = v.stride;
  args.stride_width = h.stride;
  args.padding_height = v.padding;
  args.padding_width = h.padding;
  args.dilation_height = v.dilation;
  args.dilation_width = h.dilation;
  args.activation = one.activation;
  args.features = out.features.maps();
  if (!one.stored) args.features.data = nullptr;
  args.second = out.sums.second.data();
  args.sums = one.sums ? out.sums.sums.data() : nullptr;
  args.wide = one.wide;
  gramstyle::conv_gram_cpu(args, parallel_for);
}

inline double activated(double x, Activation activation) {
  if (std::isnan(x)) return x;
  switch (activation) {
    case Activation::relu: return x > 0 ? x : 0;
    case Activation::relu6: return x > 6 ? 6 : x > 0 ? x : 0;
    case Activation::silu: return x / (1 + std::exp(-x));
    default: return x;
  }
}

inline double largest(const std::vector<double>& numbers) {
  double found = 0;
  for (const double x : numbers) found = std::max(found, std::fabs(x));
  return found;
}

// Holds features against the sums that define them; beyond a budget of multiplications some, evenly. Where
// other products than the definition's are added up, `spread` is how many roundings of the largest sum that
// there could be a feature may be off; else 0.
inline void check_features(const ConvGramCase& one, const ConvGramInputs& in,
                           const std::vector<double>& found, double spread = 0) {
  constexpr int64_t kBudget = int64_t(1) << 20;
  const int64_t every = int64_t(found.size()) * one.depth() / kBudget + 1;
  const std::vector<double> x = in.x.values(), weight = in.weight.values();
  const int64_t channels = one.x.size[1], height = one.x.size[2], width = one.x.size[3];
  const int64_t outputs = one.features.size[1], columns = one.features.size[3];
  const int64_t positions = one.features.positions(), share = channels / one.groups;
  const Side &v = one.vertical, &h = one.horizontal;
  const Element made_in = sums_of(one.x.type);
  const double most = double(one.depth()) * largest(x) * largest(weight) + largest(in.bias.values());
  for (int64_t at = 0; at < int64_t(found.size()); at += every) {
    const int64_t p = at % positions, n = at / positions % outputs, b = at / positions / outputs;
    double sum = one.bias ? in.bias[n] : 0, size = std::fabs(sum);
    for (int64_t c = 0; c < share; ++c)
      for (int64_t r = 0; r < v.kernel; ++r)
        for (int64_t s = 0; s < h.kernel; ++s) {
          const int64_t y = p / columns * v.stride + r * v.dilation - v.padding;
          const int64_t z = p % columns * h.stride + s * h.dilation - h.padding;
          if (y < 0 || y >= height || z < 0 || z >= width) continue;
          const int64_t from = b * channels + n / (outputs / one.groups) * share + c;
          const double term = weight[size_t(((n * share + c) * v.kernel + r) * h.kernel + s)] *
                              x[size_t((from * height + y) * width + z)];
          sum += term;
          size += std::fabs(term);
        }
    const double exact = activated(sum, one.activation);
    double off =
        spread > 0 ? spread * rounding_of(made_in) * most : slack(size, one.depth() + 1, one.kind, made_in);
    // silu's slope is at most 1.1; its exponential is that of this type
    if (one.activation == Activation::silu)
      off = 1.1 * off + 8 * rounding_of(made_in) * std::fabs(exact) + 1e-36;
    check_close(found[size_t(at)], off == 0 ? rounded(exact, one.x.type) : exact,
                off == 0 ? 0 : off + rounding_of(one.x.type) * std::fabs(exact) * 1.01 + smallest(one.x.type),
                "features", at);
  }
}

// For features that were stored; the sums are those of the features as they were rounded.
inline void check_result(const ConvGramCase& one, const ConvGramInputs& in, const ConvGramOutputs& out) {
  out.features.check_gaps();
  const std::vector<double> features = out.features.values();
  check_features(one, in, features);
  check_sums(out.sums, features, one.x.size[0], one.features.size[1], one.x.type,
             one.activation == Activation::silu ? Kind::real : one.kind);
}

inline std::string words_of(const ConvGramCase& one) {
  const auto side = [](const Side& s) {
    return std::to_string(s.kernel) + " by " + std::to_string(s.stride) + " padded " +
           std::to_string(s.padding) + " dilated " + std::to_string(s.dilation) + ", ";
  };
  return "conv_gram: " + words_of("x", one.x) + ", " + words_of("features", one.features) + ", filter " +
         side(one.vertical) + side(one.horizontal) + std::to_string(one.groups) + " groups, bias " +
         std::to_string(one.bias) + ", stored " + std::to_string(one.stored) + ", sums " +
         std::to_string(one.sums) + ", wide " + std::to_string(one.wide) + ", activation " +
         std::to_string(int64_t(one.activation)) + ", numbers " + std::to_string(int64_t(one.kind));
}

inline void check_case(const ConvGramCase& one) {
  attempt() = words_of(one);
  const ConvGramInputs in = inputs_of(one);
  const ConvGramOutputs found = outputs_of(one), again = outputs_of(one);
  ConvGramCase stored = one;
  stored.stored = true;
  on_a_new_thread([&] { call(stored, in, found, &one_after_the_other); });
  check_result(one, in, found);
  on_a_new_thread([&] { call(one, in, again, other_order()); });
  check(found.sums.same_bits(again.sums), "other bits in another order or without features");
  if (one.stored)
    check(same_bits(found.features.values(), again.features.values()), "other features in another order");
}

}  // namespace proofs
