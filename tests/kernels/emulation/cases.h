// What the emulated tests share: features in memory of any type and layout, and how failures are told.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "emulated_machine.h"

namespace gramstyle::emulation {

inline int failures = 0;
inline int checks = 0;

inline void expect(bool holds, const std::string& what) {
  ++checks;
  if (holds) return;
  ++failures;
  std::printf("FAILED %s\n", what.c_str());
}

inline int told() {
  std::printf("%d checks, %d failures\n", checks, failures);
  return failures == 0 ? 0 : 1;
}

enum class Type { float32, bfloat16, float16, float64 };

inline int bytes_of(Type type) { return type == Type::float64 ? 8 : type == Type::float32 ? 4 : 2; }

// Stores `value` as `type`; what it became.
inline double store(Type type, unsigned char* to, double value) {
  const float narrow = static_cast<float>(value);
  if (type == Type::float64) {
    std::memcpy(to, &value, 8);
    return value;
  }
  if (type == Type::float32) {
    std::memcpy(to, &narrow, 4);
    return narrow;
  }
  const uint16_t bits = type == Type::bfloat16 ? to_bfloat16(narrow) : to_float16(narrow);
  std::memcpy(to, &bits, 2);
  return type == Type::bfloat16 ? from_bfloat16(bits) : from_float16(bits);
}

inline double load(Type type, const unsigned char* from) {
  if (type == Type::float64) {
    double value;
    std::memcpy(&value, from, 8);
    return value;
  }
  if (type == Type::float32) {
    float value;
    std::memcpy(&value, from, 4);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, from, 2);
  return type == Type::bfloat16 ? from_bfloat16(bits) : from_float16(bits);
}

// Features (B, C, P) with any strides, in a piece of memory that ends where they end.
struct Features {
  Type type;
  int64_t batch, channels, positions;
  int64_t batch_stride, channel_stride, position_stride;
  int64_t offset;              // elements before the first
  std::vector<double> values;  // (B, C, P), as stored
  std::unique_ptr<unsigned char[]> memory;

  const unsigned char* data() const { return memory.get() + offset * bytes_of(type); }
  unsigned char* at(int64_t b, int64_t c, int64_t p) {
    return memory.get() +
           (offset + b * batch_stride + c * channel_stride + p * position_stride) * bytes_of(type);
  }
  double value(int64_t b, int64_t c, int64_t p) const { return values[(b * channels + c) * positions + p]; }
};

// `channels_last`: positions are `gap` + C elements apart; else channels are `gap` + P apart.
inline Features drawn(Type type, bool channels_last, int64_t batch, int64_t channels, int64_t positions,
                      int64_t gap, int64_t offset, uint32_t seed) {
  Features x;
  x.type = type;
  x.batch = batch;
  x.channels = channels;
  x.positions = positions;
  x.channel_stride = channels_last ? 1 : positions + gap;
  x.position_stride = channels_last ? channels + gap : 1;
  x.batch_stride = channels_last ? positions * (channels + gap) : channels * (positions + gap);
  x.offset = offset;
  const int64_t last =
      (batch - 1) * x.batch_stride + (channels - 1) * x.channel_stride + (positions - 1) * x.position_stride;
  const int64_t bytes = (offset + last + 1) * bytes_of(type);
  x.memory.reset(new unsigned char[bytes]);
  std::memset(x.memory.get(), 0xff, bytes);  // NaN wherever nothing of the features is
  x.values.resize(batch * channels * positions);
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0.3, 1.0);
  int64_t i = 0;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t p = 0; p < positions; ++p) x.values[i++] = store(type, x.at(b, c, p), normal(random));
  return x;
}

// Second moments (B, C, C) and sums (B, C) in float64, and the sums of absolute products that bound
// rounding errors.
struct Moments {
  std::vector<double> second, total, size, total_size;
};

inline Moments moments_of(const Features& x) {
  Moments m;
  m.second.assign(x.batch * x.channels * x.channels, 0.0);
  m.size = m.second;
  m.total.assign(x.batch * x.channels, 0.0);
  m.total_size = m.total;
  for (int64_t b = 0; b < x.batch; ++b) {
    for (int64_t i = 0; i < x.channels; ++i) {
      const double* one = &x.values[(b * x.channels + i) * x.positions];
      for (int64_t p = 0; p < x.positions; ++p) {
        m.total[b * x.channels + i] += one[p];
        m.total_size[b * x.channels + i] += std::fabs(one[p]);
      }
      for (int64_t j = 0; j < x.channels; ++j) {
        const double* other = &x.values[(b * x.channels + j) * x.positions];
        double sum = 0.0, size = 0.0;
        for (int64_t p = 0; p < x.positions; ++p) {
          sum += one[p] * other[p];
          size += std::fabs(one[p] * other[p]);
        }
        m.second[(b * x.channels + i) * x.channels + j] = sum;
        m.size[(b * x.channels + i) * x.channels + j] = size;
      }
    }
  }
  return m;
}

// Largest |found - expected| / size; infinite where something is not a number.
inline double worst(const std::vector<double>& found, const std::vector<double>& expected,
                    const std::vector<double>& size) {
  double most = 0.0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double error = std::fabs(found[i] - expected[i]);
    if (std::isnan(error)) return std::numeric_limits<double>::infinity();
    if (error > 0.0) most = std::max(most, error / std::max(size[i], 1e-300));
  }
  return most;
}

}  // namespace gramstyle::emulation
