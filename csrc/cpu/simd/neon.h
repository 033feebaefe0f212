// Vectors of four float32 in NEON registers, which every 64-bit ARM processor has.
#pragma once

#include <arm_neon.h>

#include <cstdint>

#include "exponential.h"
#include "gramstyle/element.h"

namespace gramstyle {
namespace neon {

struct Vector {
  using Value = float;
  static constexpr int64_t lanes = 4;
  static constexpr int64_t rows = 4;  // 4 x 5 sums, 5 columns and 4 values fill 29 of 32 registers
  static constexpr int64_t columns = 5;
  static constexpr int64_t pixels = 5;
  static constexpr int64_t weights = 4;  // vectors of outputs of it, at most
  static constexpr int64_t sums = 16;

  float32x4_t v;

  static Vector zero() { return {vdupq_n_f32(0)}; }
  static Vector all(float x) { return {vdupq_n_f32(x)}; }
  static Vector load(const float* x) { return {vld1q_f32(x)}; }
  static Vector load(const BFloat16* x) {
    return {vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(&x->bits), 16))};
  }
  static Vector load(const Half* x) { return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(&x->bits)))}; }
  void store(float* x) const { vst1q_f32(x, v); }
  void stream(float* x) const { store(x); }  // there is no such store
  static void settle() {}
  void store(BFloat16* x) const {
    const uint32x4_t bits = vreinterpretq_u32_f32(v);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    const uint32x4_t rounded = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd);
    const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
    vst1_u16(&x->bits, vshrn_n_u32(vbslq_u32(vceqq_f32(v, v), rounded, quiet), 16));
  }
  void store(Half* x) const { vst1_u16(&x->bits, vreinterpret_u16_f16(vcvt_f16_f32(v))); }
  static Vector fma(Vector a, Vector b, Vector c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
  static Vector add(Vector a, Vector b) { return {vaddq_f32(a.v, b.v)}; }
  static Vector sub(Vector a, Vector b) { return {vsubq_f32(a.v, b.v)}; }
  static Vector mul(Vector a, Vector b) { return {vmulq_f32(a.v, b.v)}; }
  static Vector div(Vector a, Vector b) { return {vdivq_f32(a.v, b.v)}; }
  // NEON's own maximum propagates every NaN; these give b, as the other processors' do.
  static Vector max(Vector a, Vector b) { return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)}; }
  static Vector min(Vector a, Vector b) { return {vbslq_f32(vcltq_f32(a.v, b.v), a.v, b.v)}; }
  static Vector round(Vector a) { return {vrndnq_f32(a.v)}; }
  static Vector scale(Vector a, Vector power) {
    const int32x4_t whole = vcvtq_s32_f32(power.v), half = vshrq_n_s32(whole, 1);
    const int32x4_t bias = vdupq_n_s32(127);
    const int32x4_t first = vshlq_n_s32(vaddq_s32(half, bias), 23);
    const int32x4_t second = vshlq_n_s32(vaddq_s32(vsubq_s32(whole, half), bias), 23);
    return {vmulq_f32(vmulq_f32(a.v, vreinterpretq_f32_s32(first)), vreinterpretq_f32_s32(second))};
  }
  static Vector exp(Vector a) { return exponential(a); }
  static Vector where_open(Vector y, bool six, Vector x) {
    uint32x4_t open = vcgtq_f32(y.v, vdupq_n_f32(0));
    if (six) open = vandq_u32(open, vcltq_f32(y.v, vdupq_n_f32(6)));
    return {vreinterpretq_f32_u32(vandq_u32(open, vreinterpretq_u32_f32(x.v)))};
  }
  static void transpose(Vector (&a)[4]) {
    const float32x4x2_t low = vtrnq_f32(a[0].v, a[1].v), high = vtrnq_f32(a[2].v, a[3].v);
    a[0].v = vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0]));
    a[1].v = vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1]));
    a[2].v = vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0]));
    a[3].v = vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1]));
  }
};

}  // namespace neon
}  // namespace gramstyle
