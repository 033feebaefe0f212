// Vectors of 16 bytes in the extension that GCC and Clang share, for any processor.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "gramstyle/element.h"

namespace gramstyle {
namespace portable {

template <class T>
struct Vector {
  using Value = T;
  static constexpr int64_t lanes = 16 / sizeof(T);
  static constexpr int64_t rows = lanes;        // channels of a block of the Gram matrix
  static constexpr int64_t columns = 8 / rows;  // vectors of it
  static constexpr int64_t pixels = 4;          // positions of a block of a convolution
  static constexpr int64_t weights = 2;         // vectors of outputs of it, at most
  static constexpr int64_t sums = 8;

  typedef T Lanes __attribute__((vector_size(16)));
  Lanes v;

  static Vector zero() { return {Lanes{}}; }
  static Vector all(T x) { return {Lanes{} + x}; }
  static Vector load(const T* x) {
    Vector out;
    std::memcpy(&out.v, x, sizeof out.v);
    return out;
  }
  template <class In>
  static Vector load(const In* x) {
    Vector out;
    for (int64_t l = 0; l < lanes; ++l) out.v[l] = element::widen(x[l]);
    return out;
  }
  void store(T* x) const { std::memcpy(x, &v, sizeof v); }
  void stream(T* x) const { store(x); }  // there is no such store
  static void settle() {}
  template <class Out>
  void store(Out* x) const {
    for (int64_t l = 0; l < lanes; ++l) x[l] = element::narrow<Out>(v[l]);
  }
  static Vector fma(Vector a, Vector b, Vector c) { return {a.v * b.v + c.v}; }
  static Vector add(Vector a, Vector b) { return {a.v + b.v}; }
  static Vector sub(Vector a, Vector b) { return {a.v - b.v}; }
  static Vector mul(Vector a, Vector b) { return {a.v * b.v}; }
  static Vector div(Vector a, Vector b) { return {a.v / b.v}; }
  // max and min give b where either is not a number.
  static Vector max(Vector a, Vector b) { return {a.v > b.v ? a.v : b.v}; }
  static Vector min(Vector a, Vector b) { return {a.v < b.v ? a.v : b.v}; }
  static Vector exp(Vector a) {
    for (int64_t l = 0; l < lanes; ++l) a.v[l] = std::exp(a.v[l]);
    return a;
  }
  // x where 0 < y, and, if `six`, y < 6; else 0.
  static Vector where_open(Vector y, bool six, Vector x) {
    const Lanes zero = Lanes{}, lower = y.v > zero ? x.v : zero;
    return {six ? (y.v < zero + T(6) ? lower : zero) : lower};
  }
  static void transpose(Vector (&square)[lanes]) {
    for (int64_t i = 0; i < lanes; ++i)
      for (int64_t j = 0; j < i; ++j) {
        const T kept = square[i].v[j];
        square[i].v[j] = square[j].v[i];
        square[j].v[i] = kept;
      }
  }
};

}  // namespace portable
}  // namespace gramstyle
