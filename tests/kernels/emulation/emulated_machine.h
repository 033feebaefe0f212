// The machine of csrc/cuda/machine.cuh on the host: every thread of a block is a fiber.
//
// What a GPU leaves undefined is an error here: two threads that touch one word of shared memory
// without a barrier between them, one of them writing; reading what was never written, or what a
// copy has not delivered; misaligned or foreign addresses; lanes that disagree about the next
// instruction of their warp; threads that end while others wait. Fibers run in an order that a seed
// draws, and copies arrive at once or as late as allowed, so that results which depend on either
// come out different.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>

#include "half.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct uint4 {
  uint32_t x, y, z, w;
};
struct float4 {
  float x, y, z, w;
};

namespace gramstyle::emulation {

// How blocks run. Results must not depend on it.
struct Settings {
  uint32_t seed = 0;  // 0: in order
  bool late = true;   // copies arrive when they are waited for, else when they start
};
extern Settings settings;

// What was executed since the last reset.
struct Counts {
  int64_t blocks = 0;
  int64_t products = 0;   // mma instructions, of a warp
  int64_t matrices = 0;   // ldmatrix instructions, of a warp
  int64_t conflicts = 0;  // of their rows, with earlier rows of the same matrix, over banks
  int64_t copied = 0;     // bytes read by asynchronous copies
};
extern Counts counts;

extern std::string failure;  // of the last launch; empty: none

int thread();
int64_t block();
void read(uint32_t offset, void* to, int bytes);
void write(uint32_t offset, const void* from, int bytes);
void copy_async(uint32_t offset, const void* source, int bytes, int valid);
void wait_copies(int pending);
int launch(const std::function<void()>& kernel, int64_t blocks, int threads, int shared_bytes);

}  // namespace gramstyle::emulation

namespace gramstyle::machine {

constexpr int kLanes = 32;

inline int thread() { return emulation::thread(); }
inline int lane() { return emulation::thread() % kLanes; }
inline int warp() { return emulation::thread() / kLanes; }
inline int64_t block() { return emulation::block(); }
void sync_block();
void sync_warp();

template <class T>
T load_shared(uint32_t offset) {
  T value{};
  emulation::read(offset, &value, sizeof(T));
  return value;
}

template <class T>
void store_shared(uint32_t offset, const T& value) {
  emulation::write(offset, &value, sizeof(T));
}

template <int Bytes>
void copy_async(uint32_t offset, const void* source, int valid) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "what cp.async can copy");
  emulation::copy_async(offset, source, Bytes, valid);
}

void commit_copies();

template <int Pending>
void wait_copies() {
  emulation::wait_copies(Pending);
}

void load_matrices(uint32_t (&to)[4], uint32_t row_offset);
void load_matrices_transposed(uint32_t (&to)[4], uint32_t row_offset);
uint32_t transpose_matrix(uint32_t from);
float shuffle_xor(float value, int mask);
void multiply_bfloat16(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);
void multiply_float16(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);
void multiply_tf32(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);
void start_tf32(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);
uint32_t to_tf32(float value);
uint32_t pack_bfloat16(float low, float high);
uint32_t pack_float16(float low, float high);
inline float bits_to_float(uint32_t bits) { return emulation::float_of(bits); }
inline uint32_t float_to_bits(float value) { return emulation::bits_of(value); }
inline float float16_to_float(uint32_t low_half) {
  return emulation::from_float16(static_cast<uint16_t>(low_half));
}
inline float maximum(float one, float other) {
  return std::isnan(one) || std::isnan(other) ? std::nanf("") : std::fmax(one, other);
}
inline float minimum(float one, float other) { return -maximum(-one, -other); }
inline float exponential(float value) { return std::exp(value); }
inline float quotient(float one, float other) { return one / other; }

template <class Args>
int launch(void (*kernel)(Args), int64_t blocks, int threads, int shared_bytes, void*, const Args& args) {
  return emulation::launch([&] { kernel(args); }, blocks, threads, shared_bytes);
}

inline const char* error_name(int) { return emulation::failure.c_str(); }

}  // namespace gramstyle::machine
