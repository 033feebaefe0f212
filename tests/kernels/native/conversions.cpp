#include "conversions.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "numbers.h"
#include "tables.h"
#include "value.h"

namespace proofs {
namespace {

using gramstyle::Place;
using gramstyle::Tile;

float from_bits(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// As many channels and positions as there are numbers, in a layout that one of the loops reads.
struct Shape {
  const char* name;
  int64_t channels, positions, channel_step, position_step;
};

std::vector<Shape> shapes(int64_t count) {
  return {
      {"vectors of channels", count, 1, 1, count},  // with a rest of single ones
      {"single channels", count / 2, 2, 2, 1},      // fewer positions than a vector has
      {"vectors of positions", 16, count / 16, count / 16, 1},
  };
}

std::string where(const char* what, const Shape& shape, Element type) {
  return std::string(what) + " type " + std::to_string(int64_t(type)) + " by " + shape.name;
}

bool is_same(double found, double expected) {
  if (std::isnan(expected)) return std::isnan(found);
  return found == expected && std::signbit(found) == std::signbit(expected);
}

void check_widening(Element type) {
  const int64_t count = 65536;
  std::vector<uint16_t> every(size_t(count), 0);
  for (int64_t i = 0; i < count; ++i) every[size_t(i)] = uint16_t(i);
  for (const Shape& shape : shapes(count)) {
    attempt() = where("widening", shape, type);
    const int64_t padded = (shape.channels + 15) / 16 * 16;
    std::vector<float> tile(size_t(padded * shape.positions));
    const Place place{every.data(), type, shape.channel_step, shape.position_step};
    gramstyle::kernels<float>().gather(place, shape.channels, padded,
                                       Tile<float>{tile.data(), shape.positions, padded});
    for (int64_t p = 0; p < shape.positions; ++p)
      for (int64_t c = 0; c < shape.channels; ++c) {
        const int64_t bits = c * shape.channel_step + p * shape.position_step;
        const float found = tile[size_t(p * padded + c)];
        if (!is_same(found, meaning(uint16_t(bits), type))) fail(std::to_string(bits));
      }
  }
}

// Every number of 16 bits, what lies in the middle of two, their neighbours, and any float32.
std::vector<float> to_be_narrowed(Element type) {
  std::vector<float> found;
  const float infinity = std::numeric_limits<float>::infinity();
  for (int64_t bits = 0; bits < 65535; ++bits) {
    const double one = meaning(uint16_t(bits), type), next = meaning(uint16_t(bits + 1), type);
    for (const float x : {float(one), float((one + next) / 2)})
      for (const float y : {std::nextafter(x, -infinity), x, std::nextafter(x, infinity)}) found.push_back(y);
  }
  for (const uint32_t bits : {0x7f800001u, 0x7fc00000u, 0xffffffffu, 0x7fffffffu, 0x7f8fffffu, 0x7f800000u,
                              0xff800000u, 0x80000000u, 0x00000001u, 0x807fffffu, 0x477fefffu, 0x477ff000u})
    found.push_back(from_bits(bits));
  Numbers numbers(1);
  while (found.size() % 64 != 9) found.push_back(from_bits(uint32_t(numbers.next())));
  for (int64_t i = 0; i < 1 << 18; ++i) found.push_back(from_bits(uint32_t(numbers.next())));
  return found;
}

void check_narrowing(Element type) {
  const std::vector<float> all = to_be_narrowed(type);
  for (const Shape& shape : shapes(int64_t(all.size()) / 16 * 16 - 2)) {
    attempt() = where("narrowing", shape, type);
    const int64_t padded = (shape.channels + 15) / 16 * 16, last = shape.positions * shape.channels;
    std::vector<float> tile(size_t(padded * shape.positions), 0.0f);
    for (int64_t i = 0; i < last; ++i)
      tile[size_t(i / shape.channels * padded + i % shape.channels)] = all[size_t(i)];
    std::vector<uint16_t> found(size_t(last), 0);
    const Place place{found.data(), type, shape.channel_step, shape.position_step};
    const Tile<float> whole{tile.data(), shape.positions, padded};
    gramstyle::kernels<float>().scatter(whole, shape.channels, place);
    gramstyle::kernels<float>().round(whole, padded, type);
    for (int64_t i = 0; i < last; ++i) {
      const int64_t p = i / shape.channels, c = i % shape.channels;
      const uint16_t bits = found[size_t(c * shape.channel_step + p * shape.position_step)];
      const double expected = rounded(all[size_t(i)], type);
      if (!is_same(meaning(bits, type), expected)) fail("at " + std::to_string(all[size_t(i)]));
      if (!is_same(tile[size_t(p * padded + c)], expected))
        fail("rounding " + std::to_string(all[size_t(i)]));
    }
  }
}

}  // namespace

void check_conversions() {
  for (const Element type : {Element::float16, Element::bfloat16}) {
    check_widening(type);
    check_narrowing(type);
  }
}

}  // namespace proofs
