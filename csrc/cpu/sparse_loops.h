// The loops of sparse convolutions, once over a type of vectors, whose lanes lie apart: see `sparse_plan.h`.
// See `loops.h` for what must not be shared.
#pragma once

#include "kernels.h"

namespace gramstyle {

template <class V>
struct SparseLoops {
  using T = typename V::Value;
  static constexpr int64_t L = V::lanes;

  // Where segments of a line lie apart by `columns`, vectors of which lane j holds values of segment j.
  static void spread(const SparseLines<T>& a) {
    for (int64_t first = 0; first < a.count; first += L) {
      V square[L];
      for (int64_t l = 0; l < L; ++l)
        square[l] = V::load(a.lines + l / a.across * a.line_step + l % a.across * a.columns + first);
      V::transpose(square);
      const int64_t count = a.count - first < L ? a.count - first : L;
      for (int64_t k = 0; k < count; ++k) square[k].store(a.out + (first + k) * L);
    }
  }

  template <int64_t R, int64_t C>
  static void sums_of(const SparseSums<T>& a) {
    T* place = a.sums;
    for (int64_t n = 0; n < a.outputs; ++n, place += R * C * L) {
      V sums[R][C];
      if (a.bias != nullptr) {
        const V start = V::all(a.bias[n]);
        GRAMSTYLE_EACH (r, R)
          GRAMSTYLE_EACH (c, C) sums[r][c] = start;
      } else {
        GRAMSTYLE_EACH (r, R)
          GRAMSTYLE_EACH (c, C) sums[r][c] = V::load(place + (r * C + c) * L);
      }
      const SparseTerm<T>* const last = a.terms + a.starts[n + 1];
      for (const SparseTerm<T>* term = a.terms + a.starts[n]; term != last; ++term) {
        const V value = V::all(term->value);
        const T* x = a.x + term->offset;
        GRAMSTYLE_EACH (r, R) {
          GRAMSTYLE_EACH (c, C) sums[r][c] = V::fma(value, V::load(x + c * L), sums[r][c]);
          x += a.row_step;
        }
      }
      GRAMSTYLE_EACH (r, R)
        GRAMSTYLE_EACH (c, C) sums[r][c].store(place + (r * C + c) * L);
    }
  }

  template <int64_t R, int64_t C>
  static void gathered_of(const T* sums, int64_t across, T* out, int64_t out_step) {
    constexpr int64_t kGroups = (R * C + L - 1) / L;
    T room[L][kGroups * L];
    for (int64_t g = 0; g < kGroups; ++g) {
      V square[L];
      GRAMSTYLE_EACH (k, L) square[k] = g * L + k < R * C ? V::load(sums + (g * L + k) * L) : V::zero();
      V::transpose(square);
      GRAMSTYLE_EACH (l, L) square[l].store(room[l] + g * L);
    }
    for (int64_t i = 0; i < L / across; ++i)
      for (int64_t r = 0; r < R; ++r)
        for (int64_t j = 0; j < across; ++j)
          __builtin_memcpy(out + (i * R + r) * out_step + j * C, room[i * across + j] + r * C,
                           sizeof(T) * size_t(C));
  }

  static constexpr int64_t kMost = V::sums;  // vectors of a tile

  // Calls `Do` with the shape of a tile as constants.
  template <template <int64_t, int64_t> class Do, class... A>
  static void with_shape(int64_t rows, int64_t columns, A... arguments) {
    switch (columns) {
      case 1: return with_rows<Do, 1>(rows, arguments...);
      case 2: return with_rows<Do, 2>(rows, arguments...);
      case 3: return with_rows<Do, 3>(rows, arguments...);
      case 4: return with_rows<Do, 4>(rows, arguments...);
      case 5: return with_rows<Do, 5>(rows, arguments...);
      case 6: return with_rows<Do, 6>(rows, arguments...);
      case 7: return with_rows<Do, 7>(rows, arguments...);
      default: return with_rows<Do, 8>(rows, arguments...);
    }
  }
  template <template <int64_t, int64_t> class Do, int64_t C, class... A>
  static void with_rows(int64_t rows, A... arguments) {
    if (rows == 1) Do<1, C>::run(arguments...);
    if constexpr (2 * C <= kMost) {
      if (rows == 2) Do<2, C>::run(arguments...);
    }
    if constexpr (3 * C <= kMost) {
      if (rows == 3) Do<3, C>::run(arguments...);
    }
    if constexpr (4 * C <= kMost) {
      if (rows == 4) Do<4, C>::run(arguments...);
    }
  }

  template <int64_t R, int64_t C>
  struct Sums {
    static void run(const SparseSums<T>* a) { sums_of<R, C>(*a); }
  };
  template <int64_t R, int64_t C>
  struct Gathered {
    static void run(const T* sums, int64_t across, T* out, int64_t out_step) {
      gathered_of<R, C>(sums, across, out, out_step);
    }
  };

  static void sums(const SparseSums<T>& a) { with_shape<Sums>(a.rows, a.columns, &a); }
  static void gathered(const T* sums, int64_t rows, int64_t columns, int64_t across, T* out,
                       int64_t out_step) {
    with_shape<Gathered>(rows, columns, sums, across, out, out_step);
  }
};

}  // namespace gramstyle
