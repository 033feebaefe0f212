// Numbers to compute with, and how exact their sums must be.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "choices.h"
#include "value.h"

namespace proofs {

// Whole numbers, of which sums are exact in any order; some of them not finite; real numbers; whole numbers
// of which sums of 4096 products are exact in float32, and longer ones in double only.
enum class Kind : int64_t { whole, special, real, large };

inline double draw(Numbers& numbers, Kind kind) {
  if (kind == Kind::real) return 8 * numbers.unit() - 4;
  if (kind == Kind::special && numbers.below(60) == 0) {
    const double infinity = std::numeric_limits<double>::infinity();
    const double those[] = {std::numeric_limits<double>::quiet_NaN(), infinity, -infinity};
    return those[numbers.below(3)];
  }
  if (kind == Kind::large) return double(numbers.below(61));
  return double(numbers.below(11) - 3);  // with both sides of relu6's ends, and the ends
}

// By how much a sum of `terms` products, of sizes that add up to `size`, may be off if it is made in `type`.
inline double slack(double size, int64_t terms, Kind kind, Element type) {
  const double rounding = rounding_of(type);
  if (kind == Kind::large) return 0;
  if (kind != Kind::real && size * rounding < 1) return 0;
  return double(terms + 4) * (rounding * size + smallest(type));
}

// The type that sums of maps are made in.
inline Element sums_of(Element type) { return type == Element::float64 ? type : Element::float32; }

}  // namespace proofs
