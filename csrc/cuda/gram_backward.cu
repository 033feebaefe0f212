// Entry points of the gradient of features, and the preparation of its matrix.
#include "formats.cuh"
#include "gramstyle/cuda/backward.h"
#include "gramstyle/cuda/turned.h"
#include "machine.cuh"

namespace gramstyle::cuda {

template <class Format>
int launch_backward(const BackwardArgs& args, void* stream);
extern template int launch_backward<Bfloat16>(const BackwardArgs&, void*);
extern template int launch_backward<Float16>(const BackwardArgs&, void*);
extern template int launch_backward<Ieee>(const BackwardArgs&, void*);

namespace {

__device__ __forceinline__ float element_of(const void* from, bool wide, int64_t at) {
  return wide ? static_cast<float>(static_cast<const double*>(from)[at])
              : static_cast<const float*>(from)[at];
}

// The power of two below |value|; 1 where that is 0 or not finite.
__device__ __forceinline__ float scale_of(float value) {
  const uint32_t exponent = machine::float_to_bits(value) & 0x7f800000u;
  return exponent == 0 || exponent == 0x7f800000u ? 1.0f : machine::bits_to_float(exponent);
}

// One row of the prepared matrix per warp: in x's type, padded with zeros, in the order that the layout
// wants. Rows of float16 are divided by a power of two: gradients of Gram matrices of large images are
// smaller than float16's least number.
__global__ void __launch_bounds__(kThreads) prepare_kernel(BackwardArgs a) {
  const int64_t rows = padded_rows(a.channels);
  const int64_t row = machine::block() * kWarps + machine::warp();  // rows is a multiple of kWarps
  const int64_t image = row / rows;
  const int64_t place = row % rows;
  const int element = a.format == Format::ieee ? 4 : 2;
  const int64_t columns = padded_columns(a.channels, element);
  const int64_t channel = a.layout == Layout::planar ? place : turned_channel(static_cast<int>(place));
  const bool exists = channel < a.channels;
  const int64_t from = (image * a.channels + channel) * a.channels;
  float scale = 1.0f;
  if (a.format == Format::float16) {
    float most = 0.0f;
    for (int64_t i = machine::lane(); i < a.channels && exists; i += machine::kLanes) {
      const float value = element_of(a.symmetric, a.wide, from + i);
      most = value > most ? value : -value > most ? -value : most;
    }
#pragma unroll
    for (int bit = 1; bit < machine::kLanes; bit *= 2) {
      const float other = machine::shuffle_xor(most, bit);
      most = other > most ? other : most;
    }
    scale = scale_of(most);
  }
  // Arrays of channels stand in their order, whatever the matrix's.
  if (machine::lane() == 0) {
    a.scale[image * rows + channel] = scale;
    const bool adds = exists && a.sums != nullptr;
    a.added[image * rows + channel] = adds ? element_of(a.sums, a.wide, image * a.channels + channel) : 0.0f;
  }
  for (int64_t i = machine::lane(); i < columns; i += machine::kLanes) {
    const float value = exists && i < a.channels ? element_of(a.symmetric, a.wide, from + i) / scale : 0.0f;
    if (a.format == Format::ieee) {
      static_cast<float*>(a.matrix)[row * columns + i] = value;
    } else {
      const uint32_t pair =
          a.format == Format::bfloat16 ? Bfloat16::pack(value, 0.0f) : Float16::pack(value, 0.0f);
      static_cast<uint16_t*>(a.matrix)[row * columns + i] = static_cast<uint16_t>(pair);
    }
  }
}

__device__ __forceinline__ int64_t offset_in(const PlainFeatures& x, int64_t image, int64_t channel,
                                             int64_t y, int64_t column) {
  return image * x.batch_stride + channel * x.channel_stride + y * x.row_stride + column * x.column_stride;
}

__global__ void __launch_bounds__(kThreads) plain_backward_kernel(PlainBackwardArgs a) {
  const int64_t at = machine::block() * kThreads + machine::thread();
  if (at >= a.batch * a.channels * a.height * a.width) return;
  const int64_t column = at % a.width;
  const int64_t y = at / a.width % a.height;
  const int64_t channel = at / a.width / a.height % a.channels;
  const int64_t image = at / a.width / a.height / a.channels;
  const double x = a.x.data[offset_in(a.x, image, channel, y, column)];
  double sum = a.base.data == nullptr ? 0.0 : a.base.data[offset_in(a.base, image, channel, y, column)];
  if (a.sums != nullptr) sum += a.sums[image * a.channels + channel];
  const double* row = a.symmetric + (image * a.channels + channel) * a.channels;
  for (int64_t other = 0; other < a.channels; ++other)
    sum += row[other] * a.x.data[offset_in(a.x, image, other, y, column)];
  const bool passes =
      a.activation == Activation::none || (x > 0.0 && (a.activation == Activation::relu || x < 6.0));
  const_cast<double*>(a.out.data)[offset_in(a.out, image, channel, y, column)] = passes ? sum : 0.0;
}

}  // namespace

int gram_backward(const BackwardArgs& args, void* stream) {
  const int64_t blocks = args.batch * padded_rows(args.channels) / kWarps;
  const int error = machine::launch(prepare_kernel, blocks, kThreads, 0, stream, args);
  if (error != 0) return error;
  switch (args.format) {
    case Format::bfloat16: return launch_backward<Bfloat16>(args, stream);
    case Format::float16: return launch_backward<Float16>(args, stream);
    default: break;
  }
  return launch_backward<Ieee>(args, stream);
}

int plain_backward(const PlainBackwardArgs& args, void* stream) {
  const int64_t elements = args.batch * args.channels * args.height * args.width;
  return machine::launch(plain_backward_kernel, (elements + kThreads - 1) / kThreads, kThreads, 0, stream,
                         args);
}

}  // namespace gramstyle::cuda
