// Copies of rows from global to shared memory, whatever their alignment.
#pragma once

#include "gramstyle/cuda/panel.h"
#include "machine.cuh"

namespace gramstyle::cuda {

// Fills the 16 bytes at `offset`: `valid` bytes (at most 16, a multiple of the element) from `source`,
// zeros after them. `copy_bytes` divides the address of `source`, and is less than 16.
__device__ __forceinline__ void copy_chunk(uint32_t offset, const unsigned char* source, int valid,
                                           int copy_bytes) {
  if (copy_bytes == 8) {
#pragma unroll
    for (int i = 0; i < kChunk; i += 8) {
      const int left = valid - i < 0 ? 0 : valid - i < 8 ? valid - i : 8;
      machine::copy_async<8>(offset + i, source + i, left);
    }
  } else if (copy_bytes == 4) {
#pragma unroll
    for (int i = 0; i < kChunk; i += 4) {
      const int left = valid - i < 0 ? 0 : valid - i < 4 ? valid - i : 4;
      machine::copy_async<4>(offset + i, source + i, left);
    }
  } else {  // elements of two bytes at odd multiples of two: no instruction copies these
    uint32_t words[4];
    const uint16_t* elements = reinterpret_cast<const uint16_t*>(source);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const uint32_t low = 4 * i < valid ? elements[2 * i] : 0;
      const uint32_t high = 4 * i + 2 < valid ? elements[2 * i + 1] : 0;
      words[i] = low | high << 16;
    }
    machine::store_shared(offset, uint4{words[0], words[1], words[2], words[3]});
  }
}

}  // namespace gramstyle::cuda
