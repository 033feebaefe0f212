// The transforms of F(4 x 4, 3 x 3) with the points 0, 1, -1, 2, -2 and infinity, once over a type of
// vectors. Lavin and Gray 2016, equation 14 and what follows. See `loops.h` for what must not be shared.
#pragma once

#include "kernels.h"

namespace gramstyle {

template <class V>
struct WinogradLoops {
  using T = typename V::Value;
  static constexpr int64_t L = V::lanes;

  // B' d of six values
  static void before(const V (&d)[6], V (&out)[6]) {
    const V even = V::fma(V::all(-4), d[2], d[4]), odd = V::fma(V::all(-4), d[1], d[3]);
    const V far = V::sub(d[4], d[2]), near = V::sub(d[3], d[1]);
    out[0] = V::fma(V::all(4), d[0], V::fma(V::all(-5), d[2], d[4]));
    out[1] = V::add(even, odd);
    out[2] = V::sub(even, odd);
    out[3] = V::fma(V::all(2), near, far);
    out[4] = V::fma(V::all(-2), near, far);
    out[5] = V::fma(V::all(4), d[1], V::fma(V::all(-5), d[3], d[5]));
  }

  // A' m of six values
  static void after(const V (&m)[6], V (&out)[4]) {
    const V one = V::add(m[1], m[2]), minus = V::sub(m[1], m[2]);
    const V two = V::add(m[3], m[4]), twice = V::sub(m[3], m[4]);
    out[0] = V::add(V::add(m[0], one), two);
    out[1] = V::fma(V::all(2), twice, minus);
    out[2] = V::fma(V::all(4), two, one);
    out[3] = V::add(V::fma(V::all(8), twice, minus), m[5]);
  }

  static void input(const Patch<const T>& in, int64_t channels, T* out, int64_t out_step) {
    for (int64_t c = 0; c < channels; c += L) {
      V half[6][6];
      for (int64_t x = 0; x < 6; ++x) {
        V column[6], done[6];
        const T* from = in.data + x * in.column_step + c;
        for (int64_t y = 0; y < 6; ++y) column[y] = V::load(from + y * in.row_step);
        before(column, done);
        for (int64_t y = 0; y < 6; ++y) half[y][x] = done[y];
      }
      for (int64_t y = 0; y < 6; ++y) {
        V done[6];
        before(half[y], done);
        for (int64_t x = 0; x < 6; ++x) done[x].store(out + (y * 6 + x) * out_step + c);
      }
    }
  }

  template <Activation kind>
  static void output_as(const T* in, int64_t in_step, int64_t channels, const T* bias, const Patch<T>& out) {
    for (int64_t c = 0; c < channels; c += L) {
      V half[4][6];
      for (int64_t x = 0; x < 6; ++x) {
        V column[6], done[4];
        for (int64_t y = 0; y < 6; ++y) column[y] = V::load(in + (y * 6 + x) * in_step + c);
        after(column, done);
        for (int64_t y = 0; y < 4; ++y) half[y][x] = done[y];
      }
      const V start = V::load(bias + c);
      for (int64_t y = 0; y < 4; ++y) {
        V done[4];
        after(half[y], done);
        for (int64_t x = 0; x < 4; ++x)
          Loops<V>::template activated<kind>(V::add(done[x], start))
              .store(out.data + y * out.row_step + x * out.column_step + c);
      }
    }
  }

  static void output(const T* in, int64_t in_step, int64_t channels, const T* bias, Activation activation,
                     const Patch<T>& out) {
    switch (activation) {
      case Activation::relu: output_as<Activation::relu>(in, in_step, channels, bias, out); break;
      case Activation::relu6: output_as<Activation::relu6>(in, in_step, channels, bias, out); break;
      case Activation::silu: output_as<Activation::silu>(in, in_step, channels, bias, out); break;
      default: output_as<Activation::none>(in, in_step, channels, bias, out);
    }
  }
};

}  // namespace gramstyle
