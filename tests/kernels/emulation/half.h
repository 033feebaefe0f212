// Conversions of 16-bit floats, from their definitions.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace gramstyle::emulation {

inline float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

inline float from_bfloat16(uint16_t bits) { return float_of(static_cast<uint32_t>(bits) << 16); }

inline uint16_t to_bfloat16(float value) {
  const uint32_t bits = bits_of(value);
  if (std::isnan(value)) return 0x7fff;
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float from_float16(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  double size = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  if (exponent == 31) size = fraction == 0 ? std::numeric_limits<double>::infinity() : std::nan("");
  return static_cast<float>(bits >> 15 ? -size : size);
}

inline uint16_t to_float16(float value) {
  if (std::isnan(value)) return 0x7fff;
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double size = std::fabs(static_cast<double>(value));
  if (size >= 65520) return sign | 0x7c00;
  int exponent = size == 0 ? -14 : std::ilogb(size);
  if (exponent < -14) exponent = -14;
  const double units = std::nearbyint(std::ldexp(size, 10 - exponent));  // to nearest, ties to even
  // A subnormal has units below 1024 and exponent field 0; 2048 units carry into the exponent.
  return sign | static_cast<uint16_t>(units + (units >= 1024 ? 1024.0 * (exponent + 14) : 0));
}

// Toward zero, as tensor cores leave their sums.
inline float truncated(double value) {
  const float nearest = static_cast<float>(value);
  return std::fabs(static_cast<double>(nearest)) > std::fabs(value) ? std::nextafterf(nearest, 0.0f)
                                                                    : nearest;
}

}  // namespace gramstyle::emulation
