// The inner loops, written once over a type of vectors; each processor's file makes them its own.
//
// Nothing here may be shared between processors: a function that is not a template over `V` would be
// compiled several times under one name, and the linker keeps any one of them.
#pragma once

#include "kernels.h"

// A loop over an array of vectors, unrolled: only then do compilers keep all of them in registers.
#if defined(__clang__)
#define GRAMSTYLE_EACH(i, count) _Pragma("unroll") for (int64_t i = 0; i < (count); ++i)
#else
#define GRAMSTYLE_EACH(i, count) _Pragma("GCC unroll 64") for (int64_t i = 0; i < (count); ++i)
#endif

namespace gramstyle {

template <class V>
struct WinogradLoops;

template <class V>
struct SparseLoops;

template <class V>
struct Loops {
  using T = typename V::Value;
  static constexpr int64_t L = V::lanes;

  // ---- the Gram matrix of a tile

  template <int64_t N>
  static void block(const Tile<T>& tile, T* gram, int64_t gram_step, int64_t i, int64_t j, bool first) {
    constexpr int64_t R = V::rows;
    static_assert(L % R == 0, "rows of a block lie side by side");
    V sums[R][N];
    GRAMSTYLE_EACH (r, R)
      GRAMSTYLE_EACH (n, N) sums[r][n] = V::zero();
    const int64_t column_step = tile.column == 0 ? L : tile.column;
    const T* row = tile.data + i / L * column_step + i % L;
    const T* column = tile.data + j / L * column_step;
    for (int64_t p = 0; p < tile.positions; ++p, row += tile.step, column += tile.step) {
      V columns[N];
      GRAMSTYLE_EACH (n, N) columns[n] = V::load(column + n * column_step);
      GRAMSTYLE_EACH (r, R) {
        const V value = V::all(row[r]);
        GRAMSTYLE_EACH (n, N) sums[r][n] = V::fma(value, columns[n], sums[r][n]);
      }
    }
    GRAMSTYLE_EACH (r, R)
      GRAMSTYLE_EACH (n, N) {
        T* place = gram + (i + r) * gram_step + j + n * L;
        (first ? sums[r][n] : V::add(V::load(place), sums[r][n])).store(place);
      }
  }

  // Rows go in steps of V::rows, columns from the diagonal in steps of V::columns vectors.
  static void accumulate(const Tile<T>& tile, T* gram, int64_t gram_step, const Block& part, bool first) {
    const int64_t steps = (part.bottom - part.top + V::rows - 1) / V::rows;
    const int64_t size = tile.positions * tile.step * int64_t(sizeof(T));
    for (int64_t i = part.top; i < part.bottom; i += V::rows) {
      if (tile.in_place) {  // fetch a share of the next tile
        const int64_t share = size / steps, step = (i - part.top) / V::rows;
        prefetch(tile.data, size + step * share, share);
      }
      const int64_t diagonal = i / L * L;
      int64_t j = part.left > diagonal ? part.left : diagonal;
      while (j < part.right) {
        const int64_t left = (part.right - j) / L;  // vectors
        // a last single vector would wait for its few sums: four are better two and two than three and one
        if (left >= V::columns && left != V::columns + 1) {
          block<V::columns>(tile, gram, gram_step, i, j, first);
          j += V::columns * L;
        } else if (left >= 2) {
          block<2>(tile, gram, gram_step, i, j, first);
          j += 2 * L;
        } else {
          block<1>(tile, gram, gram_step, i, j, first);
          j += L;
        }
      }
    }
  }

  // Memory is read a line here and a line there, which no processor foresees. 15 to 20 % at 64 channels.
  static void prefetch(const void* data, int64_t offset, int64_t bytes) {
    constexpr int64_t kLine = 64;
    const uintptr_t first = reinterpret_cast<uintptr_t>(data) + uintptr_t(offset);  // perhaps beyond the map
    for (int64_t line = 0; line < bytes; line += kLine)
      __builtin_prefetch(reinterpret_cast<const void*>(first + uintptr_t(line)), 0, 2);
  }

  static void mirror(T* matrix, int64_t step, const Block& part) {
    for (int64_t top = part.top; top < part.bottom; top += L) {
      const int64_t bottom = part.bottom - top < L ? part.bottom : top + L;
      int64_t j = part.left;
      for (; j < part.right && j < bottom; ++j)  // columns that the diagonal crosses
        for (int64_t i = top; i < j; ++i) matrix[j * step + i] = matrix[i * step + j];
      if (bottom - top == L)
        for (; j + L <= part.right; j += L) {
          V square[L];
          GRAMSTYLE_EACH (l, L) square[l] = V::load(matrix + (top + l) * step + j);
          V::transpose(square);
          GRAMSTYLE_EACH (l, L) square[l].store(matrix + (j + l) * step + top);
        }
      for (; j < part.right; ++j)
        for (int64_t i = top; i < bottom; ++i) matrix[j * step + i] = matrix[i * step + j];
    }
  }

  static void add_up(const Tile<T>& tile, int64_t channels, T* sums) {
    const int64_t column_step = tile.column == 0 ? L : tile.column;
    for (int64_t c = 0; c < channels; c += L) {
      const T* column = tile.data + c / L * column_step;
      V sum = V::zero();
      for (int64_t p = 0; p < tile.positions; ++p) sum = V::add(sum, V::load(column + p * tile.step));
      V::add(V::load(sums + c), sum).store(sums + c);
    }
  }

  // ---- between memory and a tile

  template <class In>
  static void gather_as(const Place& place, int64_t channels, int64_t padded, const Tile<T>& tile) {
    const In* data = static_cast<const In*>(place.data);
    const int64_t cs = place.channel_step, ps = place.position_step;
    const int64_t whole = channels / L * L;
    if (cs == 1 && ps == channels && tile.step == channels && padded == channels) {  // nothing between rows
      const int64_t size = tile.positions * channels;
      int64_t i = 0;
      for (; i + L <= size; i += L) V::load(data + i).store(tile.data + i);
      for (; i < size; ++i) tile.data[i] = element::widen(data[i]);
      return;
    }
    const int64_t column = tile.column == 0 ? L : tile.column;
    const int64_t room = tile.column == 0 ? tile.step : padded;  // for channels of a position
    int64_t done = 0;                                            // positions
    if (ps == 1 && cs != 1) {
      done = tile.positions / L * L;
      int64_t c = 0;
      for (; c < padded && c + L <= room; c += L)  // channels outside: whole lines of few rows at a time
        for (int64_t p = 0; p < done; p += L) {
          V square[L];
          for (int64_t l = 0; l < L; ++l) {
            if (c + l >= channels) {
              square[l] = V::zero();
              continue;
            }
            const In* from = data + (c + l) * cs + p;
            prefetch(from, tile.positions * int64_t(sizeof(In)), 1);  // of the next tile
            square[l] = V::load(from);
          }
          V::transpose(square);
          T* out = tile.data + c / L * column + p * tile.step;
          for (int64_t l = 0; l < L; ++l) square[l].store(out + l * tile.step);
        }
      for (; c < channels; ++c)  // where a whole vector would reach into the next position
        for (int64_t p = 0; p < done; ++p) tile.data[p * tile.step + c] = element::widen(data[c * cs + p]);
    }
    for (int64_t p = done; p < tile.positions; ++p) {
      T* out = tile.data + p * tile.step;
      const In* in = data + p * ps;
      int64_t c = 0;
      if (cs == 1)
        for (; c < whole; c += L) V::load(in + c).store(out + c / L * column);
      for (; c < padded; ++c)
        out[c / L * column + c % L] = c < channels ? T(element::widen(in[c * cs])) : T(0);
    }
  }

  // Whether rows can be streamed: whole vectors of the tile's own type, each on its boundary.
  static bool is_streamed(const void* data, int64_t channels, int64_t row_step, int64_t column_step) {
    return channels % L == 0 && row_step % L == 0 && column_step % L == 0 &&
           reinterpret_cast<uintptr_t>(data) % (L * sizeof(T)) == 0;
  }

  static void settle() { V::settle(); }

  template <class Out>
  static void scatter_as(const Tile<T>& tile, int64_t channels, const Place& place) {
    Out* data = static_cast<Out*>(place.data);
    const int64_t cs = place.channel_step, ps = place.position_step;
    const int64_t whole = channels / L * L;
    int64_t p = 0;
    if constexpr (sizeof(Out) == sizeof(T))
      if (place.streamed && cs == 1 && is_streamed(data, channels, 0, ps)) {
        for (; p < tile.positions; ++p)
          for (int64_t c = 0; c < channels; c += L)
            V::load(tile.data + p * tile.step + c).stream(data + p * ps + c);
        return;
      }
    if (ps == 1 && cs != 1)
      for (; p + L <= tile.positions; p += L)
        for (int64_t c = 0; c < channels; c += L) {
          V square[L];
          for (int64_t l = 0; l < L; ++l) square[l] = V::load(tile.data + (p + l) * tile.step + c);
          V::transpose(square);
          for (int64_t l = 0; l < L && c + l < channels; ++l) square[l].store(data + (c + l) * cs + p);
        }
    for (; p < tile.positions; ++p) {
      const T* in = tile.data + p * tile.step;
      Out* out = data + p * ps;
      int64_t c = 0;
      if (cs == 1)
        for (; c < whole; c += L) V::load(in + c).store(out + c);
      for (; c < channels; ++c) out[c * cs] = element::narrow<Out>(in[c]);
    }
  }

  template <class Out>
  static void round_as(const Tile<T>& tile, int64_t channels) {
    Out kept[L];
    for (int64_t p = 0; p < tile.positions; ++p)
      for (int64_t c = 0; c < channels; c += L) {
        T* place = tile.data + p * tile.step + c;
        V::load(place).store(kept);
        V::load(kept).store(place);
      }
  }

  // ---- convolution

  template <Activation kind>
  static V activated(V x) {
    if constexpr (kind == Activation::relu) return V::max(V::zero(), x);  // NaN stays: max gives the second
    if constexpr (kind == Activation::relu6) return V::min(V::all(6), V::max(V::zero(), x));
    if constexpr (kind == Activation::silu)
      return V::div(x, V::add(V::all(1), V::exp(V::mul(V::all(-1), x))));
    return x;
  }

  template <Activation kind, int64_t R, int64_t N>
  static void put(const V (&sums)[R][N], T* out, int64_t step) {
    GRAMSTYLE_EACH (r, R)
      GRAMSTYLE_EACH (n, N) activated<kind>(sums[r][n]).store(out + r * step + n * L);
  }

  template <int64_t N>
  static void multiply(const Product<T>& a, const T* const* inputs, const T* weights, const T* bias, T* out) {
    constexpr int64_t R = V::pixels;
    V sums[R][N];
    GRAMSTYLE_EACH (n, N) {
      const V start = bias == nullptr ? V::zero() : V::load(bias + n * L);
      GRAMSTYLE_EACH (r, R) sums[r][n] = start;
    }
    for (int64_t s = 0; s < a.part_count; ++s) {
      const T* x[R];
      GRAMSTYLE_EACH (r, R) x[r] = inputs[r] + a.parts[s];
      for (int64_t k = 0; k < a.part_length; ++k, weights += N * L) {
        V w[N];
        GRAMSTYLE_EACH (n, N) w[n] = V::load(weights + n * L);
        GRAMSTYLE_EACH (r, R) {
          const V value = V::all(x[r][k]);
          GRAMSTYLE_EACH (n, N) sums[r][n] = V::fma(value, w[n], sums[r][n]);
        }
      }
    }
    switch (a.activation) {  // outside the loops, so that they stay in registers
      case Activation::relu: put<Activation::relu>(sums, out, a.out_step); break;
      case Activation::relu6: put<Activation::relu6>(sums, out, a.out_step); break;
      case Activation::silu: put<Activation::silu>(sums, out, a.out_step); break;
      default: put<Activation::none>(sums, out, a.out_step);
    }
  }

  static void product(const Product<T>& a) {
    const int64_t depth = a.part_count * a.part_length;
    for (int64_t c = 0; c < a.outputs; c += a.width) {
      const T* weights = a.weights + c * depth;
      const T* bias = a.bias == nullptr ? nullptr : a.bias + c;
      const int64_t vectors = (a.outputs - c < a.width ? a.outputs - c : a.width) / L;
      for (int64_t p = 0; p < a.positions; p += V::pixels) {
        T* out = a.out + p * a.out_step + c;
        if (vectors == 1) multiply<1>(a, a.inputs + p, weights, bias, out);
        if (vectors == 2) multiply<2>(a, a.inputs + p, weights, bias, out);
        if constexpr (V::weights >= 3) {
          if (vectors == 3) multiply<3>(a, a.inputs + p, weights, bias, out);
        }
        if constexpr (V::weights >= 4) {
          if (vectors == 4) multiply<4>(a, a.inputs + p, weights, bias, out);
        }
      }
    }
  }

  template <Activation kind>
  static void depthwise_as(const Product<T>& a) {
    for (int64_t c = 0; c < a.outputs; c += L) {
      const V start = a.bias == nullptr ? V::zero() : V::load(a.bias + c);
      for (int64_t p = 0; p < a.positions; ++p) {
        V sum = start;
        for (int64_t s = 0; s < a.part_count; ++s)
          sum = V::fma(V::load(a.inputs[p] + a.parts[s] + c), V::load(a.weights + s * a.outputs + c), sum);
        activated<kind>(sum).store(a.out + p * a.out_step + c);
      }
    }
  }

  static void depthwise(const Product<T>& a) {
    switch (a.activation) {
      case Activation::relu: depthwise_as<Activation::relu>(a); break;
      case Activation::relu6: depthwise_as<Activation::relu6>(a); break;
      case Activation::silu: depthwise_as<Activation::silu>(a); break;
      default: depthwise_as<Activation::none>(a);
    }
  }

  // ---- one value at a time

  static void add(const Tile<T>& tile, int64_t channels, const Tile<T>& other) {
    for (int64_t p = 0; p < tile.positions; ++p)
      for (int64_t c = 0; c < channels; c += L) {
        T* place = tile.data + p * tile.step + c;
        V::add(V::load(place), V::load(other.data + p * other.step + c)).store(place);
      }
  }

  static void mask(const Tile<T>& tile, int64_t channels, const Tile<T>& features, Activation activation) {
    const bool six = activation == Activation::relu6;
    for (int64_t p = 0; p < tile.positions; ++p)
      for (int64_t c = 0; c < channels; c += L) {
        T* place = tile.data + p * tile.step + c;
        const V output = V::load(features.data + p * features.step + c);
        V::where_open(output, six, V::load(place)).store(place);
      }
  }

  // ---- the table

  static void gather(const Place& place, int64_t channels, int64_t padded, const Tile<T>& tile) {
    if constexpr (sizeof(T) == 8) {
      gather_as<double>(place, channels, padded, tile);
    } else {
      switch (place.type) {
        case Element::bfloat16: gather_as<BFloat16>(place, channels, padded, tile); break;
        case Element::float16: gather_as<Half>(place, channels, padded, tile); break;
        default: gather_as<float>(place, channels, padded, tile);
      }
    }
  }

  static void scatter(const Tile<T>& tile, int64_t channels, const Place& place) {
    if constexpr (sizeof(T) == 8) {
      scatter_as<double>(tile, channels, place);
    } else {
      switch (place.type) {
        case Element::bfloat16: scatter_as<BFloat16>(tile, channels, place); break;
        case Element::float16: scatter_as<Half>(tile, channels, place); break;
        default: scatter_as<float>(tile, channels, place);
      }
    }
  }

  static void round(const Tile<T>& tile, int64_t channels, Element type) {
    if constexpr (sizeof(T) == 4) {
      if (type == Element::bfloat16) round_as<BFloat16>(tile, channels);
      if (type == Element::float16) round_as<Half>(tile, channels);
    }
  }

  static constexpr Kernels<T> table(const char* name) {
    return {name,
            L,
            V::pixels,
            V::weights,
            &accumulate,
            &mirror,
            &add_up,
            &gather,
            &scatter,
            &settle,
            &round,
            &product,
            &depthwise,
            &mask,
            &add,
            &WinogradLoops<V>::input,
            &WinogradLoops<V>::output,
            V::sums,
            &SparseLoops<V>::spread,
            &SparseLoops<V>::sums,
            &SparseLoops<V>::gathered};
  }
};

}  // namespace gramstyle
