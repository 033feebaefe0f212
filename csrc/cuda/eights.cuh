// Eight neighbouring elements in global memory.
#pragma once

#include "formats.cuh"

namespace gramstyle::cuda {

// The first `valid` of eight elements at `from`, others 0. `vector`: `from` is a multiple of 16 bytes.
template <class Format>
__device__ __forceinline__ void read_eight(float (&to)[8], const unsigned char* from, int valid,
                                           bool vector) {
  if (vector && valid >= 8) {
    if constexpr (Format::bytes == 2) {
      const uint4 read = *reinterpret_cast<const uint4*>(from);
      const uint32_t words[4] = {read.x, read.y, read.z, read.w};
#pragma unroll
      for (int i = 0; i < 8; ++i) to[i] = i % 2 == 0 ? Format::low(words[i / 2]) : Format::high(words[i / 2]);
    } else {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const float4 read = reinterpret_cast<const float4*>(from)[half];
        to[4 * half] = read.x;
        to[4 * half + 1] = read.y;
        to[4 * half + 2] = read.z;
        to[4 * half + 3] = read.w;
      }
    }
    return;
  }
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    to[i] = 0.0f;
    if (i >= valid) continue;
    if constexpr (Format::bytes == 2) {
      to[i] = Format::low(reinterpret_cast<const uint16_t*>(from)[i]);
    } else {
      to[i] = reinterpret_cast<const float*>(from)[i];
    }
  }
}

// Writes the first `valid` of `values`, likewise.
template <class Format>
__device__ __forceinline__ void write_eight(unsigned char* to, const float (&values)[8], int valid,
                                            bool vector) {
  if constexpr (Format::bytes == 2) {
    uint32_t words[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) words[i] = Format::pack(values[2 * i], values[2 * i + 1]);
    if (vector && valid >= 8) {
      *reinterpret_cast<uint4*>(to) = {words[0], words[1], words[2], words[3]};
      return;
    }
#pragma unroll
    for (int i = 0; i < 8; ++i)
      if (i < valid) reinterpret_cast<uint16_t*>(to)[i] = static_cast<uint16_t>(words[i / 2] >> 16 * (i % 2));
  } else {
    if (vector && valid >= 8) {
      reinterpret_cast<float4*>(to)[0] = {values[0], values[1], values[2], values[3]};
      reinterpret_cast<float4*>(to)[1] = {values[4], values[5], values[6], values[7]};
      return;
    }
#pragma unroll
    for (int i = 0; i < 8; ++i)
      if (i < valid) reinterpret_cast<float*>(to)[i] = values[i];
  }
}

}  // namespace gramstyle::cuda
