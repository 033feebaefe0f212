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

// a * b, or more than numbers of 32 bits reach.
inline int64_t columns_product(int64_t a, int64_t b) {
  return b > 0 && a > INT32_MAX / b ? int64_t(INT32_MAX) + 1 : a * b;
}

// Types and shapes of a kernel in compressed rows.
inline void check_sparse(const Tensor& values, const Tensor& columns, const Tensor& rows, ScalarType type) {
  STD_TORCH_CHECK(type == ScalarType::Float || type == ScalarType::Double,
                  "values must be float32 or float64");
  STD_TORCH_CHECK(values.dim() == 1 && values.is_contiguous() && values.scalar_type() == type,
                  "values must be contiguous, with one dimension; float64 where x is, else float32");
  const int64_t count = values.numel();
  STD_TORCH_CHECK(columns.dim() == 1 && columns.is_contiguous() && columns.numel() == count &&
                      columns.scalar_type() == ScalarType::Int,
                  "columns must be contiguous int32, one per value");
  STD_TORCH_CHECK(
      rows.dim() == 1 && rows.is_contiguous() && rows.numel() >= 1 && rows.scalar_type() == ScalarType::Int,
      "rows must be contiguous int32 (N + 1)");
}

// What is read by them lies within tensors.
inline void check_columns(const Tensor& columns, const Tensor& rows, int64_t width) {
  const int32_t* column = static_cast<const int32_t*>(columns.data_ptr());
  const int32_t* row = static_cast<const int32_t*>(rows.data_ptr());
  const int64_t outputs = rows.numel() - 1, count = columns.numel();
  bool fits = row[0] == 0 && row[outputs] == count;
  for (int64_t n = 0; fits && n < outputs; ++n) fits = row[n] <= row[n + 1] && row[n + 1] <= count;
  STD_TORCH_CHECK(fits, "rows must ascend from 0 to the number of values");
  for (int64_t n = 0; n < outputs; ++n) {
    int64_t before = -1;
    for (int64_t t = row[n]; fits && t < row[n + 1]; ++t) {
      fits = column[t] > before && column[t] < width;
      before = column[t];
    }
  }
  STD_TORCH_CHECK(fits, "columns must ascend within each row, from 0 to less than ", width);
}

}  // namespace gramstyle
