// The instructions that kernels use beyond plain C++, one function each.
//
// Kernels are written against these alone, so that the same source runs on a GPU and, thread by
// thread, on the host (tests/kernels/emulation), where every access to shared memory is checked.
// Shared memory is one window of bytes, addressed by offsets into it.
#pragma once

#include <cstdint>

#ifdef __CUDACC__

#include <cuda_runtime.h>

namespace gramstyle::machine {

constexpr int kLanes = 32;

__device__ __forceinline__ int thread() { return static_cast<int>(threadIdx.x); }
__device__ __forceinline__ int lane() { return static_cast<int>(threadIdx.x) % kLanes; }
__device__ __forceinline__ int warp() { return static_cast<int>(threadIdx.x) / kLanes; }
__device__ __forceinline__ int64_t block() { return blockIdx.x; }

// Not __syncthreads(): warps with different duties meet at different lines, for which only the
// instruction is defined, which counts threads wherever they are.
__device__ __forceinline__ void sync_block() { asm volatile("bar.sync 0;\n" ::: "memory"); }
__device__ __forceinline__ void sync_warp() { __syncwarp(); }

__device__ __forceinline__ unsigned char* window() {
  extern __shared__ __align__(128) unsigned char bytes[];
  return bytes;
}

template <class T>
__device__ __forceinline__ T load_shared(uint32_t offset) {
  return *reinterpret_cast<const T*>(window() + offset);
}

template <class T>
__device__ __forceinline__ void store_shared(uint32_t offset, const T& value) {
  *reinterpret_cast<T*>(window() + offset) = value;
}

__device__ __forceinline__ uint32_t shared_address(uint32_t offset) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(window())) + offset;
}

// Starts a copy of `Bytes` from global to shared memory: the first `valid` come from `source`, the
// others are zero, and `source` is not read where `valid` is 0. Copies of 16 bytes bypass L1.
template <int Bytes>
__device__ __forceinline__ void copy_async(uint32_t offset, const void* source, int valid) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "what cp.async can copy");
  if constexpr (Bytes == 16) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(shared_address(offset)), "l"(source),
                 "r"(valid)
                 : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;\n" ::"r"(shared_address(offset)), "l"(source),
                 "n"(Bytes), "r"(valid)
                 : "memory");
  }
}

// Closes the group of copies that this thread started since the last call.
__device__ __forceinline__ void commit_copies() { asm volatile("cp.async.commit_group;\n" ::: "memory"); }

// Waits until all groups of this thread but the last `Pending` have arrived.
template <int Pending>
__device__ __forceinline__ void wait_copies() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(Pending) : "memory");
}

// Four 8 x 8 matrices of 16-bit elements: lane l names row l % 8 of matrix l / 8; register i of lane
// (g, t) receives elements 2t and 2t + 1 of row g of matrix i, g = lane / 4, t = lane % 4.
__device__ __forceinline__ void load_matrices(uint32_t (&to)[4], uint32_t row_offset) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row_offset))
               : "memory");
}

// The same, each matrix transposed: elements (2t, g) and (2t + 1, g).
__device__ __forceinline__ void load_matrices_transposed(uint32_t (&to)[4], uint32_t row_offset) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row_offset))
               : "memory");
}

// An 8 x 8 matrix of 16-bit elements, held as above, transposed.
__device__ __forceinline__ uint32_t transpose_matrix(uint32_t from) {
  uint32_t to;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;\n" : "=r"(to) : "r"(from));
  return to;
}

__device__ __forceinline__ float shuffle_xor(float value, int mask) {
  return __shfl_xor_sync(0xffffffffu, value, mask);
}

// sum += A B with A (16, 16), B (16, 8) of bfloat16, as mma.m16n8k16 holds them.
__device__ __forceinline__ void multiply_bfloat16(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0,
                                                  uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};\n"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// The same of float16.
__device__ __forceinline__ void multiply_float16(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0,
                                                 uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};\n"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// sum += A B with A (16, 8), B (8, 8) of TF32: float32 of which the last 13 bits are not read.
__device__ __forceinline__ void multiply_tf32(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0,
                                              uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};\n"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// sum = A B, likewise.
__device__ __forceinline__ void start_tf32(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0,
                                           uint32_t b1) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%10, %10, %10, %10};\n"
      : "=f"(sum[0]), "=f"(sum[1]), "=f"(sum[2]), "=f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "f"(0.0f));
}

// Nearest TF32, halves away from zero. The instruction leaves the last 13 bits open; what is left of a
// value, and sums, are taken of the result as a float.
__device__ __forceinline__ uint32_t to_tf32(float value) {
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;\n" : "=r"(bits) : "f"(value));
  return bits & 0xffffe000u;
}

// Two floats, rounded to nearest even; `low` in the lower half.
__device__ __forceinline__ uint32_t pack_bfloat16(float low, float high) {
  uint32_t bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
}

__device__ __forceinline__ uint32_t pack_float16(float low, float high) {
  uint32_t bits;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;\n" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
}

__device__ __forceinline__ float bits_to_float(uint32_t bits) { return __uint_as_float(bits); }
__device__ __forceinline__ uint32_t float_to_bits(float value) { return __float_as_uint(value); }

__device__ __forceinline__ float float16_to_float(uint32_t low_half) {
  float value;
  asm("{.reg .b16 half; cvt.u16.u32 half, %1; cvt.f32.f16 %0, half;}\n" : "=f"(value) : "r"(low_half));
  return value;
}

// NaN where either is.
__device__ __forceinline__ float maximum(float one, float other) {
  float value;
  asm("max.NaN.f32 %0, %1, %2;\n" : "=f"(value) : "f"(one), "f"(other));
  return value;
}

__device__ __forceinline__ float minimum(float one, float other) {
  float value;
  asm("min.NaN.f32 %0, %1, %2;\n" : "=f"(value) : "f"(one), "f"(other));
  return value;
}

// To a few units in the last place.
__device__ __forceinline__ float exponential(float value) { return __expf(value); }

__device__ __forceinline__ float quotient(float one, float other) { return __fdividef(one, other); }

// Runs kernel(args) over `blocks` blocks of `threads` threads; 0, or the number of an error.
template <class Args>
int launch(void (*kernel)(Args), int64_t blocks, int threads, int shared_bytes, void* stream,
           const Args& args) {
  constexpr int64_t kMost = 2147483647;      // blocks of a grid
  constexpr int kWithoutAsking = 48 * 1024;  // bytes of shared memory of a block
  if (blocks > kMost) return cudaErrorInvalidConfiguration;
  if (shared_bytes > kWithoutAsking) {
    const cudaError_t error =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes);
    if (error != cudaSuccess) return cudaGetLastError();  // forgotten: the next launch is not to blame
  }
  kernel<<<static_cast<unsigned>(blocks), threads, shared_bytes, static_cast<cudaStream_t>(stream)>>>(args);
  return cudaGetLastError();
}

inline const char* error_name(int error) { return cudaGetErrorString(static_cast<cudaError_t>(error)); }

}  // namespace gramstyle::machine

#else

#include "emulated_machine.h"

#endif
