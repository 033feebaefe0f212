// Vectors of eight float32 in AVX2 registers. Include <immintrin.h> and set the target first.
#pragma once

#include "exponential.h"

namespace gramstyle {
namespace avx2 {

struct Vector {
  using Value = float;
  static constexpr int64_t lanes = 8;
  static constexpr int64_t rows = 4;  // 4 x 3 sums, 3 columns and a row's value fill the 16 registers
  static constexpr int64_t columns = 3;
  static constexpr int64_t pixels = 4;
  static constexpr int64_t weights = 3;  // vectors of outputs of it, at most
  static constexpr int64_t sums = 14;

  __m256 v;

  static Vector zero() { return {_mm256_setzero_ps()}; }
  static Vector all(float x) { return {_mm256_set1_ps(x)}; }
  static Vector load(const float* x) { return {_mm256_loadu_ps(x)}; }
  static Vector load(const BFloat16* x) {
    const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16))};
  }
  static Vector load(const Half* x) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)))};
  }
  void store(float* x) const { _mm256_storeu_ps(x, v); }
  void stream(float* x) const { _mm256_stream_ps(x, v); }
  static void settle() { _mm_sfence(); }
  void store(BFloat16* x) const {
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    const __m256i high = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
    const __m256i packed = _mm256_packus_epi32(high, high);  // within halves of the register
    const __m128i joined = _mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(x), joined);
  }
  void store(Half* x) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(x), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  static Vector fma(Vector a, Vector b, Vector c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  static Vector add(Vector a, Vector b) { return {_mm256_add_ps(a.v, b.v)}; }
  static Vector sub(Vector a, Vector b) { return {_mm256_sub_ps(a.v, b.v)}; }
  static Vector mul(Vector a, Vector b) { return {_mm256_mul_ps(a.v, b.v)}; }
  static Vector div(Vector a, Vector b) { return {_mm256_div_ps(a.v, b.v)}; }
  static Vector max(Vector a, Vector b) { return {_mm256_max_ps(a.v, b.v)}; }
  static Vector min(Vector a, Vector b) { return {_mm256_min_ps(a.v, b.v)}; }
  static Vector round(Vector a) {
    return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  // a * 2^power in two steps, so that powers down to -252 give 0 and not rubbish.
  static Vector scale(Vector a, Vector power) {
    const __m256i whole = _mm256_cvtps_epi32(power.v), half = _mm256_srai_epi32(whole, 1);
    const __m256i bias = _mm256_set1_epi32(127);
    const __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    const __m256i second = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
    return {_mm256_mul_ps(_mm256_mul_ps(a.v, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second))};
  }
  static Vector exp(Vector a) { return exponential(a); }
  static Vector where_open(Vector y, bool six, Vector x) {
    __m256 open = _mm256_cmp_ps(y.v, _mm256_setzero_ps(), _CMP_GT_OQ);
    if (six) open = _mm256_and_ps(open, _mm256_cmp_ps(y.v, _mm256_set1_ps(6.0f), _CMP_LT_OQ));
    return {_mm256_and_ps(open, x.v)};
  }

  static void transpose(Vector (&a)[8]) {
    __m256 b[8], c[8];
    for (int i = 0; i < 8; i += 2) {
      b[i] = _mm256_unpacklo_ps(a[i].v, a[i + 1].v);
      b[i + 1] = _mm256_unpackhi_ps(a[i].v, a[i + 1].v);
    }
    for (int i = 0; i < 8; i += 4)
      for (int k = 0; k < 2; ++k) {
        c[i + 2 * k] = _mm256_shuffle_ps(b[i + k], b[i + k + 2], 0x44);
        c[i + 2 * k + 1] = _mm256_shuffle_ps(b[i + k], b[i + k + 2], 0xee);
      }
    for (int k = 0; k < 4; ++k) {
      a[k].v = _mm256_permute2f128_ps(c[k], c[k + 4], 0x20);
      a[k + 4].v = _mm256_permute2f128_ps(c[k], c[k + 4], 0x31);
    }
  }
};

}  // namespace avx2
}  // namespace gramstyle
