// Whether arguments fit together. Python has asked in better words; this is what keeps reads and writes
// within tensors whoever calls.
#pragma once

#include <optional>

#include "maps.h"

namespace gramstyle {

inline void check_maps(const Tensor& x, const char* name) {
  STD_TORCH_CHECK(x.dim() == 4, name, " must be (B, C, H, W)");
  element_of(x, name);
}

inline void check_gram_backward(const Tensor& x, const std::optional<Tensor>& base, const Tensor& symmetric,
                                const std::optional<Tensor>& sums) {
  check_maps(x, "x");
  if (base) {
    check_maps(*base, "base");
    STD_TORCH_CHECK(base->scalar_type() == x.scalar_type(), "base must be of the type of x");
    for (int64_t d = 0; d < 4; ++d)
      STD_TORCH_CHECK(base->size(d) == x.size(d), "base must be of the shape of x");
  }
  const ScalarType type = symmetric.scalar_type();
  const int64_t images = x.size(0), channels = x.size(1);
  STD_TORCH_CHECK(type == ScalarType::Float || type == ScalarType::Double,
                  "symmetric must be float32 or float64");
  STD_TORCH_CHECK(symmetric.is_contiguous() && symmetric.dim() == 3 && symmetric.size(0) == images &&
                      symmetric.size(1) == channels && symmetric.size(2) == channels,
                  "symmetric must be contiguous (B, C, C)");
  STD_TORCH_CHECK(!sums || (sums->is_contiguous() && sums->scalar_type() == type && sums->dim() == 2 &&
                            sums->size(0) == images && sums->size(1) == channels),
                  "sums must be contiguous (B, C), of the type of symmetric");
}

inline void check_conv_gram(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                            int64_t groups) {
  check_maps(x, "x");
  STD_TORCH_CHECK(weight.dim() == 4 && weight.scalar_type() == x.scalar_type() && weight.is_contiguous(),
                  "weight must be contiguous (N, C / groups, height, width), of the type of x");
  const int64_t channels = x.size(1), outputs = weight.size(0);
  STD_TORCH_CHECK(groups >= 1 && groups <= channels && weight.size(1) * groups == channels && outputs >= 1 &&
                      outputs % groups == 0,
                  "weight must be (N, C / groups, height, width) with N a multiple of groups");
  STD_TORCH_CHECK(!bias || (bias->scalar_type() == x.scalar_type() && bias->is_contiguous() &&
                            bias->dim() == 1 && bias->size(0) == outputs),
                  "bias must be contiguous (N), of the type of x");
}

// A convolution along one side of a map.
struct Side {
  int64_t size, kernel, stride, padding, dilation;

  int64_t outputs() const { return (size + 2 * padding - (dilation * (kernel - 1) + 1)) / stride + 1; }
};

inline void check_side(const Side& side, const char* name) {
  constexpr int64_t kMost = int64_t(1) << 20;  // of what no tensor bounds, so that products fit into 64 bits
  STD_TORCH_CHECK(side.stride >= 1 && side.stride < kMost && side.padding >= 0 && side.padding < kMost &&
                      side.dilation >= 1 && side.dilation < kMost,
                  "along the ", name,
                  " stride and dilation must be at least 1, padding at least 0, and all less than 2^20");
  STD_TORCH_CHECK(side.kernel >= 1 && side.size + 2 * side.padding > side.dilation * (side.kernel - 1),
                  "x must be at least as large as the filter along its ", name);
}

}  // namespace gramstyle
