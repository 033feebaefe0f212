// Vectors of sixteen float32 in AVX-512 registers. Include <immintrin.h> and set the target first.
#pragma once

#include "exponential.h"

namespace gramstyle {
namespace avx512 {

struct Vector {
  using Value = float;
  static constexpr int64_t lanes = 16;
  static constexpr int64_t rows = 8;  // 8 x 3 sums, 3 columns and a row's value fill 28 of 32 registers
  static constexpr int64_t columns = 3;
  static constexpr int64_t pixels = 6;   // 6 x 4 sums, 4 weights and a value fill 29
  static constexpr int64_t weights = 4;  // vectors of outputs of it, at most
  static constexpr int64_t sums = 28;

  __m512 v;

  static Vector zero() { return {_mm512_setzero_ps()}; }
  static Vector all(float x) { return {_mm512_set1_ps(x)}; }
  static Vector load(const float* x) { return {_mm512_loadu_ps(x)}; }
  static Vector load(const BFloat16* x) {
    const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16))};
  }
  static Vector load(const Half* x) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)))};
  }
  void store(float* x) const { _mm512_storeu_ps(x, v); }
  void stream(float* x) const { _mm512_stream_ps(x, v); }
  static void settle() { _mm_sfence(); }
  void store(BFloat16* x) const {
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    const __m512i kept = _mm512_mask_mov_epi32(rounded, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), quiet);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(x), _mm512_cvtepi32_epi16(_mm512_srli_epi32(kept, 16)));
  }
  void store(Half* x) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(x),
                        _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  static Vector fma(Vector a, Vector b, Vector c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static Vector add(Vector a, Vector b) { return {_mm512_add_ps(a.v, b.v)}; }
  static Vector sub(Vector a, Vector b) { return {_mm512_sub_ps(a.v, b.v)}; }
  static Vector mul(Vector a, Vector b) { return {_mm512_mul_ps(a.v, b.v)}; }
  static Vector div(Vector a, Vector b) { return {_mm512_div_ps(a.v, b.v)}; }
  static Vector max(Vector a, Vector b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Vector min(Vector a, Vector b) { return {_mm512_min_ps(a.v, b.v)}; }
  static Vector round(Vector a) {
    return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  static Vector scale(Vector a, Vector power) { return {_mm512_scalef_ps(a.v, power.v)}; }
  static Vector exp(Vector a) { return exponential(a); }
  static Vector where_open(Vector y, bool six, Vector x) {
    __mmask16 open = _mm512_cmp_ps_mask(y.v, _mm512_setzero_ps(), _CMP_GT_OQ);
    if (six) open &= _mm512_cmp_ps_mask(y.v, _mm512_set1_ps(6.0f), _CMP_LT_OQ);
    return {_mm512_maskz_mov_ps(open, x.v)};
  }

  // Four rounds: pairs of floats, of doubles, and of quarters twice.
  static void transpose(Vector (&a)[16]) {
    __m512 b[16];
    for (int i = 0; i < 16; i += 2) {
      b[i] = _mm512_unpacklo_ps(a[i].v, a[i + 1].v);
      b[i + 1] = _mm512_unpackhi_ps(a[i].v, a[i + 1].v);
    }
    __m512 c[16];
    for (int i = 0; i < 16; i += 4)
      for (int k = 0; k < 2; ++k) {
        const __m512d low = _mm512_castps_pd(b[i + k]), high = _mm512_castps_pd(b[i + k + 2]);
        c[i + 2 * k] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
        c[i + 2 * k + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
      }
    for (int k = 0; k < 4; ++k) {  // quarters of c[k], c[k + 4], c[k + 8], c[k + 12]
      const __m512 even = _mm512_shuffle_f32x4(c[k], c[k + 4], 0x88);
      const __m512 odd = _mm512_shuffle_f32x4(c[k], c[k + 4], 0xdd);
      const __m512 even_high = _mm512_shuffle_f32x4(c[k + 8], c[k + 12], 0x88);
      const __m512 odd_high = _mm512_shuffle_f32x4(c[k + 8], c[k + 12], 0xdd);
      a[k].v = _mm512_shuffle_f32x4(even, even_high, 0x88);
      a[k + 8].v = _mm512_shuffle_f32x4(even, even_high, 0xdd);
      a[k + 4].v = _mm512_shuffle_f32x4(odd, odd_high, 0x88);
      a[k + 12].v = _mm512_shuffle_f32x4(odd, odd_high, 0xdd);
    }
  }
};

}  // namespace avx512
}  // namespace gramstyle
