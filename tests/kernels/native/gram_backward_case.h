// One call of gram_backward_cpu, held against its definition.
#pragma once

#include <string>

#include "gram_case.h"

namespace proofs {

using gramstyle::Activation;

struct GramBackwardCase {
  Layout x, base, out;
  bool has_base, sums, wide;
  Activation activation;
  Kind kind;
  uint64_t seed;
};

inline GramBackwardCase draw_gram_backward(Choices& choose) {
  constexpr int64_t kBudget = int64_t(1) << 19;
  constexpr Activation kMasks[] = {Activation::none, Activation::relu, Activation::relu6};
  int64_t size[4] = {choose.between(1, 3), draw_channels(choose), 0, 0};
  if (choose.once_in(40)) size[choose.below(2)] = 0;
  draw_sides(choose, kBudget / (size[0] * size[1] * size[1] + 1), size[2], size[3]);
  const Element type = choose.one_of(kElements);
  GramBackwardCase one{};
  one.x = draw_layout(choose, type, size, true);
  one.base = draw_layout(choose, type, size, true);
  one.out = draw_layout(choose, type, size, false);
  one.has_base = choose.once_in(2);
  one.sums = !choose.once_in(3);
  one.wide = choose.once_in(2);
  one.activation = choose.one_of(kMasks);
  one.kind = choose.one_of(kKinds);
  one.seed = choose.seed();
  return one;
}

// What goes in, apart from strides of `out`.
struct GramBackwardInputs {
  StoredMaps x, base;
  StoredRow symmetric, sums;

  explicit GramBackwardInputs(const GramBackwardCase& one)
      : x(one.x),
        base(one.base),
        symmetric(one.x.size[0] * one.x.size[1] * one.x.size[1], one.wide),
        sums(one.x.size[0] * one.x.size[1], one.wide) {
    Numbers numbers(one.seed);
    const int64_t channels = one.x.size[1];
    x.fill([&] { return draw(numbers, one.kind); });
    base.fill([&] { return draw(numbers, one.kind); });
    sums.fill([&](int64_t) { return draw(numbers, one.kind); });
    symmetric.fill([&](int64_t) { return draw(numbers, one.kind == Kind::real ? Kind::real : Kind::whole); });
    symmetric.fill([&](int64_t at) {
      const int64_t row = at / channels % channels, column = at % channels;
      return symmetric[at - row * channels - column + std::min(row, column) * channels +
                       std::max(row, column)];
    });
  }
};

inline GramBackwardInputs inputs_of(const GramBackwardCase& one) { return GramBackwardInputs(one); }

inline StoredMaps outputs_of(const GramBackwardCase& one) { return StoredMaps(one.out); }

inline void call(const GramBackwardCase& one, const GramBackwardInputs& in, const StoredMaps& out,
                 gramstyle::ParallelFor parallel_for) {
  gramstyle::gram_backward_cpu(
      {in.x.maps(), one.has_base ? in.base.maps() : Maps{}, out.maps(), in.symmetric.data(),
       one.sums ? in.sums.data() : nullptr, one.wide, one.activation},
      parallel_for);
}

inline bool is_open(double output, Activation activation) {
  if (activation == Activation::none) return true;
  return output > 0 && (activation == Activation::relu || output < 6);
}

inline void check_result(const GramBackwardCase& one, const GramBackwardInputs& in, const StoredMaps& out) {
  out.check_gaps();
  const std::vector<double> x = in.x.values(), base = in.base.values(), found = out.values();
  const std::vector<double> symmetric = in.symmetric.values();
  const int64_t channels = one.x.size[1], positions = one.x.positions();
  const Element made_in = sums_of(one.x.type);
  for (int64_t at = 0; at < int64_t(found.size()); ++at) {
    const int64_t p = at % positions, row = at / positions, image = row / channels * channels;
    double sum = one.sums ? in.sums[row] : 0, size = std::fabs(sum);
    for (int64_t k = 0; k < channels; ++k) {
      const double term = symmetric[size_t(row * channels + k)] * x[size_t((image + k) * positions + p)];
      sum += term;
      size += std::fabs(term);
    }
    if (one.has_base) {
      sum += base[size_t(at)];
      size += std::fabs(base[size_t(at)]);
    }
    if (!is_open(x[size_t(at)], one.activation)) sum = size = 0;
    const double off = slack(size, channels + 2, one.kind, made_in);
    check_close(found[size_t(at)], off == 0 ? rounded(sum, one.x.type) : sum,
                off == 0 ? 0 : off + rounding_of(one.x.type) * std::fabs(sum) * 1.01, "out", at);
  }
}

inline std::string words_of(const GramBackwardCase& one) {
  return "gram_backward: " + words_of("x", one.x) + ", " + words_of("out", one.out) + ", " +
         (one.has_base ? words_of("base", one.base) : "no base") + ", sums " + std::to_string(one.sums) +
         ", wide " + std::to_string(one.wide) + ", activation " + std::to_string(int64_t(one.activation)) +
         ", numbers " + std::to_string(int64_t(one.kind));
}

inline void check_case(const GramBackwardCase& one) {
  attempt() = words_of(one);
  const GramBackwardInputs in = inputs_of(one);
  const StoredMaps found = outputs_of(one), again = outputs_of(one);
  on_a_new_thread([&] { call(one, in, found, &one_after_the_other); });
  check_result(one, in, found);
  on_a_new_thread([&] { call(one, in, again, other_order()); });
  check(same_bits(found.values(), again.values()), "other bits in another order");
}

}  // namespace proofs
