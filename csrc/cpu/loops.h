// The inner loops, written once over a type of vectors; each processor's file makes them its own.
//
// Nothing here may be shared between processors: a function that is not a template over `V` would be
// compiled several times under one name, and the linker keeps any one of them.
#pragma once

#include "kernels.h"

namespace gramstyle {

template <class V>
struct Loops {
  using T = typename V::Value;
  static constexpr int64_t L = V::lanes;

  // ---- the Gram matrix of a tile

  template <int64_t R, int64_t N>
  static void block(const Tile<T>& tile, T* gram, int64_t gram_step, int64_t i, int64_t j) {
    V sums[R][N];
    for (int64_t r = 0; r < R; ++r)
      for (int64_t n = 0; n < N; ++n) sums[r][n] = V::zero();
    const T* row = tile.data;
    for (int64_t p = 0; p < tile.positions; ++p, row += tile.step) {
      V columns[N];
      for (int64_t n = 0; n < N; ++n) columns[n] = V::load(row + j + n * L);
      for (int64_t r = 0; r < R; ++r) {
        const V value = V::all(row[i + r]);
        for (int64_t n = 0; n < N; ++n) sums[r][n] = V::fma(value, columns[n], sums[r][n]);
      }
    }
    for (int64_t r = 0; r < R; ++r)
      for (int64_t n = 0; n < N; ++n) {
        T* place = gram + (i + r) * gram_step + j + n * L;
        V::add(V::load(place), sums[r][n]).store(place);
      }
  }

  template <int64_t N>
  static void blocks(const Tile<T>& tile, T* gram, int64_t gram_step, int64_t i, int64_t rows, int64_t j) {
    for (; rows >= V::rows; i += V::rows, rows -= V::rows) block<V::rows, N>(tile, gram, gram_step, i, j);
    for (; rows > 0; ++i, --rows) block<1, N>(tile, gram, gram_step, i, j);
  }

  // Rows go in steps of V::rows, columns from the diagonal in steps of V::columns vectors.
  static void accumulate(const Tile<T>& tile, T* gram, int64_t gram_step, const Block& part) {
    for (int64_t i = part.top; i < part.bottom; i += V::rows) {
      const int64_t rows = part.bottom - i < V::rows ? part.bottom - i : V::rows;
      const int64_t diagonal = i / L * L;
      int64_t j = part.left > diagonal ? part.left : diagonal;
      while (j < part.right) {
        const int64_t left = (part.right - j) / L;  // vectors
        // a last single vector would wait for its few sums: four are better two and two than three and one
        if (left >= V::columns && left != V::columns + 1) {
          blocks<V::columns>(tile, gram, gram_step, i, rows, j);
          j += V::columns * L;
        } else if (left >= 2) {
          blocks<2>(tile, gram, gram_step, i, rows, j);
          j += 2 * L;
        } else {
          blocks<1>(tile, gram, gram_step, i, rows, j);
          j += L;
        }
      }
    }
  }

  static void add_up(const Tile<T>& tile, int64_t channels, T* sums) {
    for (int64_t c = 0; c < channels; c += L) {
      V sum = V::zero();
      for (int64_t p = 0; p < tile.positions; ++p) sum = V::add(sum, V::load(tile.data + p * tile.step + c));
      V::add(V::load(sums + c), sum).store(sums + c);
    }
  }

  // ---- between memory and a tile

  template <class In>
  static void gather_as(const Place& place, int64_t channels, int64_t padded, const Tile<T>& tile) {
    const In* data = static_cast<const In*>(place.data);
    const int64_t cs = place.channel_step, ps = place.position_step;
    const int64_t whole = channels / L * L;
    int64_t done = 0;  // positions
    if (ps == 1 && cs != 1) {
      done = tile.positions / L * L;
      int64_t c = 0;
      for (; c < padded && c + L <= tile.step; c += L)  // channels outside: whole lines of few rows at a time
        for (int64_t p = 0; p < done; p += L) {
          V square[L];
          for (int64_t l = 0; l < L; ++l)
            square[l] = c + l < channels ? V::load(data + (c + l) * cs + p) : V::zero();
          V::transpose(square);
          for (int64_t l = 0; l < L; ++l) square[l].store(tile.data + (p + l) * tile.step + c);
        }
      for (; c < channels; ++c)  // where a whole vector would reach into the next position
        for (int64_t p = 0; p < done; ++p) tile.data[p * tile.step + c] = element::widen(data[c * cs + p]);
    }
    for (int64_t p = done; p < tile.positions; ++p) {
      T* out = tile.data + p * tile.step;
      const In* in = data + p * ps;
      int64_t c = 0;
      if (cs == 1)
        for (; c < whole; c += L) V::load(in + c).store(out + c);
      for (; c < channels; ++c) out[c] = element::widen(in[c * cs]);
      for (; c < padded; ++c) out[c] = T(0);
    }
  }

  template <class Out>
  static void scatter_as(const Tile<T>& tile, int64_t channels, const Place& place) {
    Out* data = static_cast<Out*>(place.data);
    const int64_t cs = place.channel_step, ps = place.position_step;
    const int64_t whole = channels / L * L;
    int64_t p = 0;
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
    for (int64_t r = 0; r < R; ++r)
      for (int64_t n = 0; n < N; ++n) activated<kind>(sums[r][n]).store(out + r * step + n * L);
  }

  template <int64_t N>
  static void multiply(const Product<T>& a, const T* const* inputs, const T* weights, const T* bias, T* out) {
    constexpr int64_t R = V::pixels;
    V sums[R][N];
    for (int64_t n = 0; n < N; ++n) {
      const V start = bias == nullptr ? V::zero() : V::load(bias + n * L);
      for (int64_t r = 0; r < R; ++r) sums[r][n] = start;
    }
    for (int64_t s = 0; s < a.part_count; ++s) {
      const T* x[R];
      for (int64_t r = 0; r < R; ++r) x[r] = inputs[r] + a.parts[s];
      for (int64_t k = 0; k < a.part_length; ++k, weights += N * L) {
        V w[N];
        for (int64_t n = 0; n < N; ++n) w[n] = V::load(weights + n * L);
        for (int64_t r = 0; r < R; ++r) {
          const V value = V::all(x[r][k]);
          for (int64_t n = 0; n < N; ++n) sums[r][n] = V::fma(value, w[n], sums[r][n]);
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
    return {name,     L,      V::pixels, V::weights, &accumulate, &add_up, &gather,
            &scatter, &round, &product,  &depthwise, &mask,       &add};
  }
};

}  // namespace gramstyle
