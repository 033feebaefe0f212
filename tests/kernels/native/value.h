// What the types of elements stand for, by formulas of their definition.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "gramstyle/element.h"

namespace proofs {

using gramstyle::Element;

// Bits of the fraction, and the exponents of the smallest normal number and of the first that is too large.
struct Format {
  int fraction, lowest, highest;
};

inline Format format_of(Element type) {
  switch (type) {
    case Element::float64: return {52, -1022, 1024};
    case Element::float32: return {23, -126, 128};
    case Element::float16: return {10, -14, 16};
    default: return {7, -126, 128};
  }
}

// Half a unit in the last place of 1.
inline double rounding_of(Element type) { return std::ldexp(0.5, -format_of(type).fraction); }

// The smallest number above zero.
inline double smallest(Element type) {
  return std::ldexp(1.0, format_of(type).lowest - format_of(type).fraction);
}

// `x` to the nearest number of the type, the even one of two.
inline double rounded(double x, Element type) {
  const Format format = format_of(type);
  if (type == Element::float64 || x == 0 || !std::isfinite(x)) return x;
  const int exponent = std::max(std::ilogb(x), format.lowest);
  const double whole = std::nearbyint(std::ldexp(x, format.fraction - exponent));
  const double value = std::ldexp(whole, exponent - format.fraction);
  const bool large = std::fabs(value) >= std::ldexp(1.0, format.highest);
  return large ? std::copysign(std::numeric_limits<double>::infinity(), x) : value;
}

// The number that 16 bits say.
inline double meaning(uint16_t bits, Element type) {
  const Format format = format_of(type);
  const int exponents = 15 - format.fraction;
  const int exponent = bits >> format.fraction & ((1 << exponents) - 1);
  const double fraction = bits & ((1 << format.fraction) - 1);
  const double sign = bits >> 15 ? -1 : 1;
  if (exponent == (1 << exponents) - 1)
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  const double whole = exponent == 0 ? fraction : fraction + std::ldexp(1.0, format.fraction);
  return sign * std::ldexp(whole, std::max(exponent, 1) - 1 + format.lowest - format.fraction);
}

// The bits of `x`, which the type must have.
inline uint16_t spelling(double x, Element type) {
  const Format format = format_of(type);
  const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  const int infinite = ((1 << (15 - format.fraction)) - 1) << format.fraction;
  if (std::isnan(x)) return uint16_t(sign | infinite | 1 << (format.fraction - 1));
  if (std::isinf(x)) return uint16_t(sign | infinite);
  if (x == 0) return sign;
  const int exponent = std::max(std::ilogb(x), format.lowest);
  const int whole = int(std::ldexp(std::fabs(x), format.fraction - exponent));
  // a normal number's leading one carries into the exponent
  return uint16_t(sign | (((exponent - format.lowest) << format.fraction) + whole));
}

inline double read(const void* place, Element type) {
  double wide;
  float single;
  uint16_t bits;
  switch (type) {
    case Element::float64: std::memcpy(&wide, place, 8); return wide;
    case Element::float32: std::memcpy(&single, place, 4); return double(single);
    default: std::memcpy(&bits, place, 2); return meaning(bits, type);
  }
}

inline void write(void* place, Element type, double x) {
  const double value = rounded(x, type);
  const float single = float(value);
  const uint16_t bits = type == Element::float16 || type == Element::bfloat16 ? spelling(value, type) : 0;
  switch (type) {
    case Element::float64: std::memcpy(place, &value, 8); break;
    case Element::float32: std::memcpy(place, &single, 4); break;
    default: std::memcpy(place, &bits, 2);
  }
}

}  // namespace proofs
