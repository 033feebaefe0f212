// What a convolution reads: the inputs under each output position, as rows of products in shared memory.
#pragma once

#include "gramstyle/cuda/conv_gram.h"
#include "gramstyle/cuda/turned.h"
#include "sums.cuh"

namespace gramstyle::cuda {

// Rows of 128 bytes: of output positions, and of output channels (weights). Element k of both belongs
// to input channel k / (kernel area) and tap k % (kernel area).
using Operand = Panel<2, Layout::planar, 128>;
constexpr int kOperandRow = Operand::row_bytes;
static_assert(kOperandRow == 2 * kMostProducts, "one row holds all products");

constexpr int products_of(const ConvArgs& a) { return a.in_channels * a.kernel_height * a.kernel_width; }

// Where product k lies: elements from the first input of a window, and rows and columns of the image.
constexpr int kTableBytes = kMostProducts * kChunk;

__device__ __forceinline__ void write_table(const ConvArgs& a, uint32_t table) {
  const int k = machine::thread();
  if (k >= kMostProducts) return;
  const int area = a.kernel_height * a.kernel_width;
  const int down = k % area / a.kernel_width * a.dilation_height;
  const int right = k % a.kernel_width * a.dilation_width;
  const int64_t offset = k / area * a.channel_stride + down * a.row_stride + right * a.column_stride;
  const uint64_t bits = static_cast<uint64_t>(offset);
  machine::store_shared(table + k * kChunk,
                        uint4{static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32),
                              static_cast<uint32_t>(down), static_cast<uint32_t>(right)});
}

// Copies the weights of `channels` output channels to rows in the turned order, zeros where there are
// none, and their biases, in float32 and in the same order.
template <class Format>
__device__ __forceinline__ void write_weights(const ConvArgs& a, int channels, uint32_t weights,
                                              uint32_t biases) {
  const int products = products_of(a);
  const auto* weight = static_cast<const uint16_t*>(a.weight);
  for (int i = machine::thread(); i < channels * Operand::chunks; i += kThreads) {
    const int row = i / Operand::chunks;
    const int chunk = i % Operand::chunks;
    const int channel = turned_channel(row);
    const int left = channel < a.out_channels ? products - 8 * chunk : 0;
    const uint16_t* from = weight + static_cast<int64_t>(channel) * products + 8 * chunk;
    uint4 value = {0, 0, 0, 0};
    if (left >= 8 && a.weight_vectors) {
      value = *reinterpret_cast<const uint4*>(from);
    } else if (left > 0) {
      uint32_t words[4];
#pragma unroll
      for (int w = 0; w < 4; ++w) {
        words[w] = 2 * w < left ? from[2 * w] : 0;
        if (2 * w + 1 < left) words[w] |= static_cast<uint32_t>(from[2 * w + 1]) << 16;
      }
      value = {words[0], words[1], words[2], words[3]};
    }
    machine::store_shared(weights + Operand::offset(row, chunk), value);
  }
  for (int row = machine::thread(); row < channels; row += kThreads) {
    const int channel = turned_channel(row);
    float bias = 0.0f;
    if (a.bias != nullptr && channel < a.out_channels) {
      bias = a.wide_bias ? static_cast<const float*>(a.bias)[channel]
                         : Format::low(static_cast<const uint16_t*>(a.bias)[channel]);
    }
    machine::store_shared(biases + 4 * row, bias);
  }
}

// The output positions of a part of an image, by their distance from the part's first.
class Windows {
 public:
  __device__ __forceinline__ Windows(const ConvArgs& a, int64_t image, int64_t begin, int64_t end)
      : a_(a),
        x_(static_cast<const uint16_t*>(a.x) + image * a.batch_stride),
        first_row_(static_cast<int>(begin / a.out_width)),
        first_column_(static_cast<uint32_t>(begin % a.out_width)),
        count_(static_cast<int>(end - begin)) {}

  __device__ __forceinline__ int count() const { return count_; }

  // The first input of the window of position `at`, which may lie outside the image.
  struct Corner {
    int row, column;
    bool exists;
  };

  __device__ __forceinline__ Corner corner(int at) const {
    const uint32_t along = first_column_ + static_cast<uint32_t>(at);
    const auto width = static_cast<uint32_t>(a_.out_width);
    const int row = first_row_ + static_cast<int>(along / width);
    return {row * a_.stride_height - a_.pad_height,
            static_cast<int>(along % width) * a_.stride_width - a_.pad_width, at < count_};
  }

  // Starts the copy of chunk `chunk` of the row of position `at`, where positions are copied by rows.
  __device__ __forceinline__ void copy(uint32_t to, int at, int chunk) const {
    if (8 * chunk >= a_.in_channels) return;  // stays the zeros it was
    const Corner c = corner(at);
    const bool inside = c.exists && c.row >= 0 && c.row < a_.height && c.column >= 0 && c.column < a_.width;
    const uint16_t* from = x_ + c.row * a_.row_stride + c.column * a_.column_stride + 8 * chunk;
    machine::copy_async<kChunk>(to, inside ? from : x_, inside ? kChunk : 0);
  }

  // Fetches the eight products of that chunk, whatever the window; zeros outside the image.
  __device__ __forceinline__ void fetch(uint16_t (&to)[8], int at, int chunk, uint32_t table) const {
    const Corner c = corner(at);
    const int products = products_of(a_);
    const uint16_t* from = x_ + c.row * a_.row_stride + c.column * a_.column_stride;
    const int down = (a_.kernel_height - 1) * a_.dilation_height;
    const int right = (a_.kernel_width - 1) * a_.dilation_width;
    const bool whole =
        c.exists && c.row >= 0 && c.row + down < a_.height && c.column >= 0 && c.column + right < a_.width;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int k = 8 * chunk + i;
      to[i] = 0;
      if (k >= products || !c.exists) continue;
      const uint4 entry = machine::load_shared<uint4>(table + k * kChunk);
      bool inside = whole;
      if (!whole) {
        const int row = c.row + static_cast<int>(entry.z);
        const int column = c.column + static_cast<int>(entry.w);
        inside = row >= 0 && row < a_.height && column >= 0 && column < a_.width;
      }
      const auto offset = static_cast<int64_t>(entry.x | static_cast<uint64_t>(entry.y) << 32);
      if (inside) to[i] = from[offset];
    }
  }

 private:
  const ConvArgs& a_;
  const uint16_t* x_;
  int first_row_;
  uint32_t first_column_;
  int count_;
};

__device__ __forceinline__ uint4 packed(const uint16_t (&from)[8]) {
  uint32_t words[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) words[i] = from[2 * i] | static_cast<uint32_t>(from[2 * i + 1]) << 16;
  return {words[0], words[1], words[2], words[3]};
}

// No activation, ReLU and ReLU6: bounds that a value is brought within; NaN stays.
struct Bounded {
  float least, most;
  __device__ __forceinline__ float operator()(float value) const {
    return machine::minimum(machine::maximum(value, least), most);
  }
};

struct Silu {
  __device__ __forceinline__ float operator()(float value) const {
    return machine::quotient(value, 1.0f + machine::exponential(-value));
  }
};

// Calls `body` with the activation as a function: chosen once, not for every element, and of two, since
// each makes the kernel's longest part anew.
template <class Body>
__device__ __forceinline__ void with_activation(Activation activation, const Body& body) {
  if (activation == Activation::silu) return body(Silu());
  const float infinity = machine::bits_to_float(0x7f800000u);
  const float least = activation == Activation::none ? -infinity : 0.0f;
  body(Bounded{least, activation == Activation::relu6 ? 6.0f : infinity});
}

}  // namespace gramstyle::cuda
