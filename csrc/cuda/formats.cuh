// Formats of products: what a lane holds of 16 channels at the positions of one step, and how it is
// multiplied.
//
// Of the matrix of all channels times itself transposed, a fragment serves as left factor and, its
// registers picked apart, as right factors of its lower (half 0) and upper (half 1) eight channels.
#pragma once

#include "gramstyle/cuda/gram.h"
#include "machine.cuh"

namespace gramstyle::cuda {

struct Bfloat16 {
  static constexpr int bytes = 2;
  static constexpr bool joined = true;
  struct Fragment {
    uint32_t held[4];
  };

  static __device__ __forceinline__ void prepare(Fragment& to, const uint32_t (&read)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) to.held[i] = read[i];
  }

  static __device__ __forceinline__ void multiply(float (&sum)[4], const Fragment& a, const Fragment& b,
                                                  int half) {
    machine::multiply_bfloat16(sum, a.held, b.held[half], b.held[half + 2]);
  }

  static __device__ __forceinline__ float low(uint32_t pair) { return machine::bits_to_float(pair << 16); }
  static __device__ __forceinline__ float high(uint32_t pair) {
    return machine::bits_to_float(pair & 0xffff0000u);
  }
  static __device__ __forceinline__ uint32_t pack(float low, float high) {
    return machine::pack_bfloat16(low, high);
  }

  // Adds the lane's positions: of its channel in the lower eight to total[0], in the upper to total[1].
  static __device__ __forceinline__ void add(float (&total)[2], const Fragment& x) {
#pragma unroll
    for (int i = 0; i < 2; ++i)
      total[i] += (low(x.held[i]) + high(x.held[i])) + (low(x.held[i + 2]) + high(x.held[i + 2]));
  }
};

struct Float16 {
  static constexpr int bytes = 2;
  static constexpr bool joined = true;
  using Fragment = Bfloat16::Fragment;

  static __device__ __forceinline__ void prepare(Fragment& to, const uint32_t (&read)[4]) {
    Bfloat16::prepare(to, read);
  }

  static __device__ __forceinline__ void multiply(float (&sum)[4], const Fragment& a, const Fragment& b,
                                                  int half) {
    machine::multiply_float16(sum, a.held, b.held[half], b.held[half + 2]);
  }

  static __device__ __forceinline__ float low(uint32_t pair) {
    return machine::float16_to_float(pair & 0xffffu);
  }
  static __device__ __forceinline__ float high(uint32_t pair) {
    return machine::float16_to_float(pair >> 16);
  }
  static __device__ __forceinline__ uint32_t pack(float low, float high) {
    return machine::pack_float16(low, high);
  }

  static __device__ __forceinline__ void add(float (&total)[2], const Fragment& x) {
#pragma unroll
    for (int i = 0; i < 2; ++i)
      total[i] += (low(x.held[i]) + high(x.held[i])) + (low(x.held[i + 2]) + high(x.held[i + 2]));
  }
};

struct Tf32 {
  static constexpr int bytes = 4;
  static constexpr bool joined = true;
  using Fragment = Bfloat16::Fragment;

  static __device__ __forceinline__ void prepare(Fragment& to, const uint32_t (&read)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) to.held[i] = machine::to_tf32(machine::bits_to_float(read[i]));
  }

  static __device__ __forceinline__ void multiply(float (&sum)[4], const Fragment& a, const Fragment& b,
                                                  int half) {
    machine::multiply_tf32(sum, a.held, b.held[half], b.held[half + 2]);
  }

  static __device__ __forceinline__ void add(float (&total)[2], const Fragment& x) {
#pragma unroll
    for (int i = 0; i < 2; ++i)
      total[i] += machine::bits_to_float(x.held[i]) + machine::bits_to_float(x.held[i + 2]);
  }
};

struct Ieee {
  static constexpr int bytes = 4;
  static constexpr bool joined = false;
  struct Fragment {
    uint32_t held[4];  // nearest TF32
    uint32_t rest[4];  // what is left, to TF32
  };

  static __device__ __forceinline__ void prepare(Fragment& to, const uint32_t (&read)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float value = machine::bits_to_float(read[i]);
      to.held[i] = machine::to_tf32(value);
      to.rest[i] = machine::to_tf32(value - machine::bits_to_float(to.held[i]));
    }
  }

  // From zero, small products first, then added in float32, which rounds: a chain of products in the
  // tensor core, which truncates, would lose more than the two parts of each factor keep.
  static __device__ __forceinline__ void multiply(float (&sum)[4], const Fragment& a, const Fragment& b,
                                                  int half) {
    float fresh[4];
    machine::start_tf32(fresh, a.rest, b.held[half], b.held[half + 2]);
    machine::multiply_tf32(fresh, a.held, b.rest[half], b.rest[half + 2]);
    machine::multiply_tf32(fresh, a.held, b.held[half], b.held[half + 2]);
#pragma unroll
    for (int i = 0; i < 4; ++i) sum[i] += fresh[i];
  }

  static __device__ __forceinline__ void add(float (&total)[2], const Fragment& x) {
#pragma unroll
    for (int i = 0; i < 2; ++i) total[i] += value(x, i) + value(x, i + 2);
  }

 private:
  static __device__ __forceinline__ float value(const Fragment& x, int i) {
    return machine::bits_to_float(x.held[i]) + machine::bits_to_float(x.rest[i]);
  }
};

}  // namespace gramstyle::cuda
