// 3 x 3 convolutions of stride 1 by minimal filtering, F(4 x 4, 3 x 3): 36 products give 16 outputs, where
// the definition has 144. Winograd 1980; as tiles of a map: Lavin and Gray 2016, arXiv 1509.09308.
#pragma once

#include <cstdint>

#include "gramstyle/activation.h"
#include "gramstyle/gram.h"

namespace gramstyle {

// Values of a transformed filter, (N, C, 3, 3) before: for maps of float64 float64, else float32, in an order
// that only this process knows.
int64_t winograd_filter_size(int64_t outputs, int64_t channels);

struct WinogradFilterArgs {
  const void* weight;  // (N, C, 3, 3), contiguous
  Element type;
  int64_t outputs, channels;
  void* filter;
};

struct WinogradArgs {
  Maps x;              // (B, C, H, W)
  const void* filter;  // of `winograd_filter_cpu`, for weights of the type of x
  const void* bias;    // (N), of the type of x; may be null
  int64_t padding_height, padding_width;
  Activation activation;
  Maps out;  // (B, N, H + 2 padding - 2, W + 2 padding - 2), of the type of x
};

void winograd_filter_cpu(const WinogradFilterArgs& args, ParallelFor parallel_for);
void winograd_cpu(const WinogradArgs& args, ParallelFor parallel_for);

}  // namespace gramstyle
