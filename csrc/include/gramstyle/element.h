// The types of numbers that feature maps hold.
#pragma once

#include <cstdint>
#include <cstring>

namespace gramstyle {

enum class Element : int64_t { float64, float32, float16, bfloat16 };

inline int64_t size_of(Element type) {
  return type == Element::float64 ? 8 : type == Element::float32 ? 4 : 2;
}

// The upper half of a float32.
struct BFloat16 {
  uint16_t bits;
};

// IEEE 754 binary16.
struct Half {
  uint16_t bits;
};

namespace element {

inline float from_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline uint32_t to_bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float widen(BFloat16 x) { return from_bits(uint32_t(x.bits) << 16); }

// No float32 on the way is subnormal: processors can be set to take those for zero.
inline float widen(Half x) {
  const uint32_t sign = uint32_t(x.bits & 0x8000u) << 16, size = x.bits & 0x7fffu;
  if (size >= 0x7c00u) return from_bits(sign | 0x7f800000u | size << 13);  // infinite or not a number
  if (size < 0x400u)  // subnormal: a multiple of 2^-24, which is the step of float32 from 0.5 on
    return from_bits(sign | to_bits(from_bits(0x3f000000u + size) - 0.5f));
  return from_bits(sign | ((size << 13) + 0x38000000u));  // the exponent's bias goes from 15 to 127
}

inline float widen(float x) { return x; }
inline double widen(double x) { return x; }

template <class Out, class In>
Out narrow(In x) {
  return x;
}

// Round to nearest, ties to even; what is not a number stays so.
template <>
inline BFloat16 narrow<BFloat16, float>(float x) {
  const uint32_t bits = to_bits(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {uint16_t(bits >> 16 | 0x40u)};
  return {uint16_t((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}

template <>
inline Half narrow<Half, float>(float x) {
  const uint32_t bits = to_bits(x), size = bits & 0x7fffffffu;
  const uint16_t sign = uint16_t(bits >> 16 & 0x8000u);
  if (size > 0x7f800000u) return {uint16_t(sign | 0x7e00u)};
  if (size >= 0x477ff000u) return {uint16_t(sign | 0x7c00u)};  // rounds to 2^16 or more
  if (size < 0x38800000u)  // below 2^-14: adding 0.5 leaves the fraction in the lowest bits
    return {uint16_t(sign | (to_bits(from_bits(size) + 0.5f) - 0x3f000000u))};
  return {uint16_t(sign | (size - 0x38000000u + 0xfffu + (size >> 13 & 1u)) >> 13)};
}

}  // namespace element
}  // namespace gramstyle
