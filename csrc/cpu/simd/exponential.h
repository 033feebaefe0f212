// e^x for vectors of float32, by a power of two and a polynomial.
#pragma once

namespace gramstyle {

// Relative error below 2e-7. e^x = 2^k e^r with k the nearest whole number to x / ln 2 and |r| <= ln 2 / 2;
// ln 2 in two parts, so that r is exact, and e^r by its Taylor series to r^7 (remainder 5e-9).
template <class V>
V exponential(V x) {
  x = V::min(V::all(89.0f), V::max(V::all(-104.0f), x));  // beyond, e^x is infinite or 0; NaN stays
  const V k = V::round(V::mul(x, V::all(1.44269504f)));
  const V r = V::fma(k, V::all(2.12194440e-4f), V::fma(k, V::all(-0.693359375f), x));
  V sum = V::all(1.98412698e-4f);
  sum = V::fma(sum, r, V::all(1.38888889e-3f));
  sum = V::fma(sum, r, V::all(8.33333333e-3f));
  sum = V::fma(sum, r, V::all(4.16666667e-2f));
  sum = V::fma(sum, r, V::all(1.66666667e-1f));
  sum = V::fma(sum, r, V::all(0.5f));
  sum = V::fma(sum, r, V::all(1.0f));
  return V::scale(V::fma(sum, r, V::all(1.0f)), k);
}

}  // namespace gramstyle
