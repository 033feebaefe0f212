// One call of gram_cpu, held against its definition.
#pragma once

#include <string>

#include "parallel.h"
#include "sums.h"

namespace proofs {

struct GramCase {
  Layout x;
  bool sums, wide;
  Kind kind;
  uint64_t seed;
};

constexpr Element kElements[] = {Element::float32, Element::float16, Element::bfloat16, Element::float64};
constexpr Kind kKinds[] = {Kind::whole, Kind::whole, Kind::real, Kind::special};

// The way to share out work whose results must be those of one_after_the_other.
inline gramstyle::ParallelFor& other_order() {
  static gramstyle::ParallelFor chosen = &backwards;
  return chosen;
}

inline std::string words_of(const char* name, const Layout& x) {
  std::string words = std::string(name) + " of type " + std::to_string(int64_t(x.type)) + ",";
  for (int64_t d = 0; d < 4; ++d)
    words += " " + std::to_string(x.size[d]) + " (step " + std::to_string(x.step[d]) + ")";
  return words;
}

// A number of channels, and of positions that go with it within a budget of multiplications.
inline int64_t draw_channels(Choices& choose) {
  // around vectors of 2, 4, 8 and 16, blocks of 48 and 96, and the 256 from which threads share a matrix
  constexpr int64_t kUsual[] = {1,  2,  3,  4,  5,  7,  8,  9,  15, 16, 17,
                                24, 31, 32, 33, 47, 48, 49, 50, 63, 64, 65};
  constexpr int64_t kMany[] = {80,  95,  96,  97,  112, 127, 128, 129, 160,
                               192, 200, 255, 256, 257, 271, 272, 300};
  return choose.once_in(6) ? choose.one_of(kMany) : choose.one_of(kUsual);
}

inline void draw_sides(Choices& choose, int64_t most, int64_t& height, int64_t& width) {
  // around vectors, tiles of 128, panels of 1024, strips of 256 to 4096 and four of 1024
  constexpr int64_t kPositions[] = {1,    2,    3,    4,    5,    7,    8,    9,    15,   16,  17,
                                    31,   33,   63,   64,   65,   100,  127,  128,  129,  130, 255,
                                    256,  257,  300,  383,  384,  385,  511,  512,  513,  640, 1023,
                                    1024, 1025, 1100, 2047, 2049, 4095, 4096, 4097, 4224, 5000};
  const int64_t positions = std::min(choose.one_of(kPositions), std::max<int64_t>(most, 1));
  constexpr int64_t kHeights[] = {1, 2, 3, 5, 8, 11, 20};
  height = std::min(choose.one_of(kHeights), positions);
  width = positions / height;
  if (choose.once_in(3)) std::swap(height, width);
  if (choose.once_in(40)) (choose.once_in(2) ? height : width) = 0;
}

inline GramCase draw_gram(Choices& choose) {
  constexpr int64_t kBudget = int64_t(1) << 19;
  int64_t size[4] = {choose.between(1, 3), draw_channels(choose), 0, 0};
  if (choose.once_in(40)) size[choose.below(2)] = 0;
  draw_sides(choose, kBudget / (size[0] * size[1] * size[1] + 1), size[2], size[3]);
  const Element type = choose.one_of(kElements);
  GramCase one{draw_layout(choose, type, size, true), false, false, Kind::whole, 0};
  one.sums = !choose.once_in(3);
  one.wide = type == Element::float64 || choose.once_in(2);
  one.kind = choose.one_of(kKinds);
  one.seed = choose.seed();
  return one;
}

struct GramInputs {
  StoredMaps x;

  explicit GramInputs(const GramCase& one) : x(one.x) {
    Numbers numbers(one.seed);
    x.fill([&] { return draw(numbers, one.kind); });
  }
};

inline GramInputs inputs_of(const GramCase& one) { return GramInputs(one); }

inline StoredSums outputs_of(const GramCase& one) {
  return StoredSums(one.x.size[0], one.x.size[1], one.sums, one.wide);
}

inline void call(const GramCase& one, const GramInputs& in, const StoredSums& out,
                 gramstyle::ParallelFor parallel_for) {
  gramstyle::gram_cpu({in.x.maps(), out.second.data(), one.sums ? out.sums.data() : nullptr, one.wide},
                      parallel_for);
}

inline void check_result(const GramCase& one, const GramInputs& in, const StoredSums& found) {
  check_sums(found, in.x.values(), one.x.size[0], one.x.size[1], one.x.type, one.kind);
}

inline std::string words_of(const GramCase& one) {
  return "gram: " + words_of("x", one.x) + ", sums " + std::to_string(one.sums) + ", wide " +
         std::to_string(one.wide) + ", numbers " + std::to_string(int64_t(one.kind));
}

inline void check_case(const GramCase& one) {
  attempt() = words_of(one);
  const GramInputs in = inputs_of(one);
  const StoredSums found = outputs_of(one), again = outputs_of(one);
  on_a_new_thread([&] { call(one, in, found, &one_after_the_other); });
  check_result(one, in, found);
  on_a_new_thread([&] { call(one, in, again, other_order()); });
  check(found.same_bits(again), "other bits in another order");
}

}  // namespace proofs
