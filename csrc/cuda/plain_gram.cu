// The second moment in float64, for any strides: for completeness, not for speed.
#include "gramstyle/cuda/gram.h"
#include "machine.cuh"

namespace gramstyle::cuda {
namespace {

constexpr int kSide = 32;   // of a tile of the matrix; a thread has 2 x 2 elements of it
constexpr int kDepth = 16;  // positions in shared memory at once
constexpr int kPitch = kSide + 1;

constexpr int64_t tiles_along(int64_t channels) { return (channels + kSide - 1) / kSide; }

__device__ __forceinline__ uint32_t place(int panel, int position, int channel) {
  return static_cast<uint32_t>(8 * ((panel * kDepth + position) * kPitch + channel));
}

// Reads 32 channels from `first` at 16 positions from `start`; what does not exist is 0.
__device__ __forceinline__ void read_panel(const PlainGramArgs& a, const double* image, int panel,
                                           int64_t first, int64_t start, int64_t end) {
  for (int i = machine::thread(); i < kSide * kDepth; i += kThreads) {
    const int64_t channel = first + i / kDepth;
    const int64_t position = start + i % kDepth;
    double value = 0.0;
    if (channel < a.channels && position < end) {
      const int64_t at = position / a.width * a.row_stride + position % a.width * a.column_stride;
      value = image[channel * a.channel_stride + at];
    }
    machine::store_shared(place(panel, i % kDepth, i / kDepth), value);
  }
}

__global__ void __launch_bounds__(kThreads) plain_kernel(PlainGramArgs a) {
  const int64_t along = tiles_along(a.channels);
  const int64_t row = machine::block() % along;
  const int64_t column = machine::block() / along % along;
  if (column < row) return;
  const int64_t part = machine::block() / (along * along) % a.parts;
  const int64_t image = machine::block() / (along * along * a.parts);
  const double* x = a.x + image * a.batch_stride;
  const int64_t positions = a.height * a.width;
  const int64_t each = (positions + a.parts - 1) / a.parts;
  const int64_t end = (part + 1) * each < positions ? (part + 1) * each : positions;
  const int r = machine::thread() / 16;
  const int c = machine::thread() % 16;
  double sum[2][2] = {};
  double total[2] = {};
  for (int64_t start = part * each; start < end; start += kDepth) {
    read_panel(a, x, 0, row * kSide, start, end);
    read_panel(a, x, 1, column * kSide, start, end);
    machine::sync_block();
    for (int k = 0; k < kDepth; ++k) {
      const double left[2] = {machine::load_shared<double>(place(0, k, r)),
                              machine::load_shared<double>(place(0, k, r + 16))};
      const double right[2] = {machine::load_shared<double>(place(1, k, c)),
                               machine::load_shared<double>(place(1, k, c + 16))};
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        total[i] += left[i];
#pragma unroll
        for (int j = 0; j < 2; ++j) sum[i][j] += left[i] * right[j];
      }
    }
    machine::sync_block();
  }
  double* to = a.partials + (image * a.parts + part) * a.channels * (a.channels + 1);
  for (int i = 0; i < 2; ++i) {
    const int64_t one = row * kSide + r + 16 * i;
    if (one >= a.channels) continue;
    for (int j = 0; j < 2; ++j) {
      const int64_t other = column * kSide + c + 16 * j;
      if (other < a.channels) to[one * (a.channels + 1) + other] = sum[i][j];
    }
    if (row == column && c == 0) to[one * (a.channels + 1) + a.channels] = total[i];
  }
}

__global__ void __launch_bounds__(kThreads) plain_reduce_kernel(PlainGramArgs a) {
  const int64_t size = a.channels * (a.channels + 1);
  const int64_t at = machine::block() * kThreads + machine::thread();
  if (at >= a.batch * size) return;
  const int64_t image = at / size;
  const int64_t row = at % size / (a.channels + 1);
  const int64_t column = at % (a.channels + 1);
  if (column < row || (column == a.channels && !a.sums)) return;
  double sum = 0.0;
  for (int64_t part = 0; part < a.parts; ++part)
    sum += a.partials[(image * a.parts + part) * size + at % size];
  if (column == a.channels) {
    a.total[image * a.channels + row] = sum;
    return;
  }
  double* second = a.second + image * a.channels * a.channels;
  second[row * a.channels + column] = sum;
  second[column * a.channels + row] = sum;
}

}  // namespace

int plain_gram(const PlainGramArgs& args, void* stream) {
  const int64_t along = tiles_along(args.channels);
  const int error = machine::launch(plain_kernel, args.batch * args.parts * along * along, kThreads,
                                    8 * 2 * kDepth * kPitch, stream, args);
  if (error != 0) return error;
  const int64_t elements = args.batch * args.channels * (args.channels + 1);
  return machine::launch(plain_reduce_kernel, (elements + kThreads - 1) / kThreads, kThreads, 0, stream,
                         args);
}

}  // namespace gramstyle::cuda
