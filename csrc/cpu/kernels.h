// The inner loops as one table of pointers, made once for each kind of processor.
#pragma once

#include <cstdint>

#include "gramstyle/activation.h"
#include "gramstyle/element.h"

namespace gramstyle {

// A tile holds the features of some positions of one image, position-major: feature c of position p
// is data[p * step + c]. Channels are padded with zeros to a multiple of `lanes`.
template <class T>
struct Tile {
  T* data;
  int64_t positions;
  int64_t step;
  bool in_place = false;  // in memory, where the next tile follows
  // Of a tile in columns, between those of `lanes` channels: data[c / lanes * column + p * step + c % lanes].
  // Caches, and what fetches ahead, like it where there are many. Only `gather`, `accumulate` and `add_up`
  // know it.
  int64_t column = 0;
};

// Features in memory: feature c of position p is data[c * channel_step + p * position_step].
struct Place {
  void* data;
  Element type;
  int64_t channel_step, position_step;
  bool streamed = false;  // written past the caches, which keep what will be read sooner
};

// Some rows and columns of a map, channels side by side.
template <class T>
struct Patch {
  T* data;
  int64_t row_step, column_step;
  bool streamed = false;
};

// Part of a matrix: rows [top, bottom), columns [left, right).
struct Block {
  int64_t top, bottom, left, right;
};

// out[p, n] = activation(bias[n] + sum over parts s and k of inputs[p][parts[s] + k] * weights[n /
// width][s][k][n % width])
template <class T>
struct Product {
  const T* const* inputs;  // one per position
  int64_t positions;       // a multiple of `pixels`
  const int64_t* parts;
  int64_t part_count, part_length;
  const T* weights;  // panels of `width` outputs, the last one narrower
  int64_t width;
  const T* bias;    // padded, or null
  int64_t outputs;  // padded
  Activation activation;
  T* out;
  int64_t out_step;
};

// A number of a kernel that is not zero, and where it reads: so many values further in a tile.
template <class T>
struct SparseTerm {
  T value;
  int32_t offset;
};

// Of a tile of `rows` x `columns` vectors, which begins at x: see `sparse_loops.h`.
// sums[n][r][c] = start + sum over terms t of output n of t.value * x[t.offset + r * row_step + c * lanes]
template <class T>
struct SparseSums {
  const T* x;
  int64_t row_step, rows, columns;
  const SparseTerm<T>* terms;
  const int64_t* starts;  // of the terms of each output, and the end
  int64_t outputs;
  const T* bias;  // where to start; null: where `sums` are
  T* sums;
};

// `lanes / across` lines, of each `across` segments `columns` apart: out[k][l] is value k of segment l.
template <class T>
struct SparseLines {
  const T* lines;  // there may be read `lanes` values beyond the last
  int64_t line_step, across, columns, count;
  T* out;
};

template <class T>
struct Kernels {
  const char* name;
  int64_t lanes;    // channels are padded to a multiple of it
  int64_t pixels;   // positions of a product are padded to a multiple of it
  int64_t weights;  // vectors of outputs, at most, in a panel of weights

  // gram[i, j] += sum_p tile[p, i] * tile[p, j] for the block's entries on or above the diagonal
  // (and some below it); = where it is the `first` tile. Sides of the block: multiples of `lanes`.
  void (*accumulate)(const Tile<T>& tile, T* gram, int64_t gram_step, const Block& block, bool first);
  // matrix[j, i] = matrix[i, j] for the block's entries above the diagonal.
  void (*mirror)(T* matrix, int64_t step, const Block& block);
  // sums[c] += sum_p tile[p, c]
  void (*add_up)(const Tile<T>& tile, int64_t channels, T* sums);
  // The tile of `place`, whose first position is position 0, with padded channels zero.
  void (*gather)(const Place& place, int64_t channels, int64_t padded, const Tile<T>& tile);
  // The tile to memory, rounded to the type that is there.
  void (*scatter)(const Tile<T>& tile, int64_t channels, const Place& place);
  // Other threads see what was streamed by this one.
  void (*settle)();
  // The tile rounded to `type` and back.
  void (*round)(const Tile<T>& tile, int64_t channels, Element type);
  void (*product)(const Product<T>& product);
  // out[p, c] = activation(bias[c] + sum_s inputs[p][parts[s] + c] * weights[s, c])
  void (*depthwise)(const Product<T>& product);
  // tile *= derivative of the activation (none, relu, relu6), whose outputs are `features`.
  void (*mask)(const Tile<T>& tile, int64_t channels, const Tile<T>& features, Activation activation);
  // tile += other
  void (*add)(const Tile<T>& tile, int64_t channels, const Tile<T>& other);
  // out[k * out_step + c] = (B' patch B)[k / 6, k % 6] of channel c of a patch of 6 x 6: see `winograd.h`.
  void (*winograd_input)(const Patch<const T>& patch, int64_t channels, T* out, int64_t out_step);
  // A patch of 4 x 4: activation(bias + A' in A), where in[k / 6, k % 6] of channel c is in[k * in_step + c].
  void (*winograd_output)(const T* in, int64_t in_step, int64_t channels, const T* bias,
                          Activation activation, const Patch<T>& out);
  int64_t sums;  // vectors of a tile of a sparse convolution, at most
  void (*sparse_spread)(const SparseLines<T>& lines);
  void (*sparse_sums)(const SparseSums<T>& sums);
  // The tile of one output as it lies in a map whose rows are `out_step` apart.
  void (*sparse_gathered)(const T* sums, int64_t rows, int64_t columns, int64_t across, T* out,
                          int64_t out_step);
};

// The table for this processor; for float64 there is one for all.
template <class T>
const Kernels<T>& kernels();

}  // namespace gramstyle
