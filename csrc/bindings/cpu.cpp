// Schemas of all operators, and their registrations for CPU tensors.
#include <cstdlib>
#include <optional>
#include <tuple>
#include <vector>

#include "checks.h"
#include "gramstyle/conv_gram.h"
#include "gramstyle/gram.h"
#include "gramstyle/sparse.h"
#include "gramstyle/winograd.h"
#include "large_pages.h"
#include "maps.h"
#include "module.h"
#include "schemas.h"

namespace gramstyle {
namespace {

void torch_parallel_for(int64_t begin, int64_t end, int64_t grain, const Range& body) {
  torch::stable::parallel_for(begin, end, grain, body);
}

ScalarType sums_type(const Tensor& x, bool wide) {
  return wide || x.scalar_type() == ScalarType::Double ? ScalarType::Double : ScalarType::Float;
}

// Uninitialised (B, C, C), and (B, C) or (B, 0).
std::tuple<Tensor, Tensor> empty_sums(const Tensor& x, int64_t channels, bool sums, bool wide) {
  const ScalarType type = sums_type(x, wide);
  Tensor second = torch::stable::new_empty(x, {x.size(0), channels, channels}, type);
  return {second, torch::stable::new_empty(x, {x.size(0), sums ? channels : 0}, type)};
}

std::tuple<Tensor, Tensor> gram(Tensor x, bool sums, bool wide, std::string precision) {
  check_maps(x, "x");
  auto [second, totals] = empty_sums(x, x.size(1), sums, wide);
  const bool doubles = second.scalar_type() == ScalarType::Double;
  gram_cpu({maps_of(x), second.data_ptr(), sums ? totals.data_ptr() : nullptr, doubles}, &torch_parallel_for);
  return {second, totals};
}

Tensor gram_backward(Tensor x, std::optional<Tensor> base, Tensor symmetric, std::optional<Tensor> sums,
                     std::string activation) {
  check_gram_backward(x, base, symmetric, sums);
  const Activation kind = activation_of(activation);
  STD_TORCH_CHECK(kind != Activation::silu, "activation must be none, relu or relu6");
  const bool doubles = symmetric.scalar_type() == ScalarType::Double;
  Tensor out = torch::stable::empty_like(x);
  ask_for_large_pages(out.data_ptr(), out.numel() * size_of(element_of(out, "x")));
  gram_backward_cpu({maps_of(x), base ? maps_of(*base) : Maps{}, maps_of(out), symmetric.data_ptr(),
                     sums ? sums->data_ptr() : nullptr, doubles, kind},
                    &torch_parallel_for);
  return out;
}

// Uninitialised, of the type of `like`.
Tensor empty_map(const Tensor& like, const std::vector<int64_t>& shape) {
  Tensor map = torch::stable::new_empty(like, shape);
  ask_for_large_pages(map.data_ptr(), map.numel() * size_of(element_of(map, "map")));
  return map;
}

// Contiguous (B, H, W, N) as maps (B, N, H, W).
Maps channels_last(const Tensor& map, Element type) {
  const int64_t height = map.size(1), width = map.size(2), channels = map.size(3);
  return {map.data_ptr(),   type,    map.size(0), channels, height, width, height * width * channels, 1,
          width * channels, channels};
}

std::tuple<Tensor, Tensor, Tensor> conv_gram(Tensor x, Tensor weight, std::optional<Tensor> bias,
                                             std::vector<int64_t> stride, std::vector<int64_t> padding,
                                             std::vector<int64_t> dilation, int64_t groups,
                                             std::string activation, bool features, bool sums, bool wide,
                                             std::string precision) {
  check_conv_gram(x, weight, bias, groups);
  STD_TORCH_CHECK(stride.size() == 2 && padding.size() == 2 && dilation.size() == 2,
                  "stride, padding and dilation must have two entries");
  const Side vertical{x.size(2), weight.size(2), stride[0], padding[0], dilation[0]};
  const Side horizontal{x.size(3), weight.size(3), stride[1], padding[1], dilation[1]};
  check_side(vertical, "height");
  check_side(horizontal, "width");
  const Activation kind = activation_of(activation);
  const int64_t outputs = weight.size(0), height = vertical.outputs(), width = horizontal.outputs();
  Tensor map = empty_map(x, {features ? x.size(0) : 0, height, width, outputs});
  auto [gram, totals] = empty_sums(x, outputs, sums, wide);
  Maps out = channels_last(map, element_of(x, "x"));
  out.images = x.size(0);
  if (!features) out.data = nullptr;
  if (x.size(0) > 0)
    conv_gram_cpu(
        {maps_of(x), weight.data_ptr(), bias ? bias->data_ptr() : nullptr, groups, weight.size(2),
         weight.size(3), stride[0], stride[1], padding[0], padding[1], dilation[0], dilation[1], kind, out,
         gram.data_ptr(), sums ? totals.data_ptr() : nullptr, gram.scalar_type() == ScalarType::Double},
        &torch_parallel_for);
  // channels-last: (B, H', W', N) seen as (B, N, H', W')
  return {torch::stable::transpose(torch::stable::transpose(map, 1, 3), 2, 3), gram, totals};
}

Tensor winograd_filter(Tensor weight) {
  STD_TORCH_CHECK(weight.dim() == 4 && weight.size(2) == 3 && weight.size(3) == 3 && weight.is_contiguous(),
                  "weight must be contiguous (N, C, 3, 3)");
  const int64_t outputs = weight.size(0), channels = weight.size(1);
  Tensor filter =
      torch::stable::new_empty(weight, {winograd_filter_size(outputs, channels)}, sums_type(weight, false));
  winograd_filter_cpu({weight.data_ptr(), element_of(weight, "weight"), outputs, channels, filter.data_ptr()},
                      &torch_parallel_for);
  return filter;
}

// `turned` is for the gradient only.
Tensor winograd(Tensor x, Tensor weight, Tensor filter, std::optional<Tensor> turned,
                std::optional<Tensor> bias, std::vector<int64_t> padding, std::string activation) {
  check_maps(x, "x");
  STD_TORCH_CHECK(
      weight.dim() == 4 && weight.size(1) == x.size(1) && weight.size(2) == 3 && weight.size(3) == 3,
      "weight must be (N, C, 3, 3)");
  const int64_t outputs = weight.size(0);
  STD_TORCH_CHECK(filter.is_contiguous() && filter.scalar_type() == sums_type(x, false) &&
                      filter.numel() == winograd_filter_size(outputs, x.size(1)),
                  "filter must be what winograd_filter made of weight");
  STD_TORCH_CHECK(
      !bias || (bias->scalar_type() == x.scalar_type() && bias->is_contiguous() && bias->numel() == outputs),
      "bias must be contiguous (N), of the type of x");
  // less than no padding, as gradients have it, leaves out a border
  constexpr int64_t kMost = int64_t(1) << 20;
  STD_TORCH_CHECK(padding.size() == 2 && std::abs(padding[0]) < kMost && std::abs(padding[1]) < kMost,
                  "padding must have two entries of less than 2^20");
  const int64_t height = x.size(2) + 2 * padding[0] - 2, width = x.size(3) + 2 * padding[1] - 2;
  STD_TORCH_CHECK(height > 0 && width > 0, "the output must have a position");
  Tensor map = empty_map(x, {x.size(0), height, width, outputs});
  if (map.numel() > 0)
    winograd_cpu({maps_of(x), filter.data_ptr(), bias ? bias->data_ptr() : nullptr, padding[0], padding[1],
                  activation_of(activation), channels_last(map, element_of(x, "x"))},
                 &torch_parallel_for);
  return torch::stable::transpose(torch::stable::transpose(map, 1, 3), 2, 3);
}

Tensor sparse_conv(Tensor x, Tensor values, Tensor columns, Tensor rows, std::optional<Tensor> bias,
                   std::vector<int64_t> kernel, std::vector<int64_t> stride, std::vector<int64_t> padding,
                   std::vector<int64_t> dilation, int64_t groups) {
  check_maps(x, "x");
  check_sparse(values, columns, rows, sums_type(x, false));
  const int64_t outputs = rows.numel() - 1;
  STD_TORCH_CHECK(kernel.size() == 2 && stride.size() == 2 && padding.size() == 2 && dilation.size() == 2,
                  "kernel, stride, padding and dilation must have two entries");
  const Side vertical{x.size(2), kernel[0], stride[0], padding[0], dilation[0]};
  const Side horizontal{x.size(3), kernel[1], stride[1], padding[1], dilation[1]};
  check_side(vertical, "height");
  check_side(horizontal, "width");
  STD_TORCH_CHECK(
      groups >= 1 && x.size(1) >= 1 && outputs >= 1 && x.size(1) % groups == 0 && outputs % groups == 0,
      "groups must divide the channels and the outputs");
  check_columns(columns, rows, columns_product(columns_product(kernel[0], kernel[1]), x.size(1) / groups));
  STD_TORCH_CHECK(!bias || (bias->scalar_type() == values.scalar_type() && bias->is_contiguous() &&
                            bias->numel() == outputs),
                  "bias must be contiguous (N), of the type of values");
  Tensor map = empty_map(x, {x.size(0), outputs, vertical.outputs(), horizontal.outputs()});
  if (map.numel() > 0)
    sparse_conv_cpu({maps_of(x), values.data_ptr(), static_cast<const int32_t*>(columns.data_ptr()),
                     static_cast<const int32_t*>(rows.data_ptr()), bias ? bias->data_ptr() : nullptr, groups,
                     kernel[0], kernel[1], stride[0], stride[1], padding[0], padding[1], dilation[0],
                     dilation[1], maps_of(map), int64_t(torch::stable::get_num_threads())},
                    &torch_parallel_for);
  return map;
}

std::tuple<Tensor, Tensor, Tensor> sparse_turned(Tensor values, Tensor columns, Tensor rows, int64_t channels,
                                                 int64_t groups, int64_t taps) {
  check_sparse(values, columns, rows, values.scalar_type());
  const int64_t outputs = rows.numel() - 1;
  STD_TORCH_CHECK(channels >= 1 && groups >= 1 && taps >= 1 && outputs % groups == 0,
                  "channels, groups and taps must be at least 1, and groups divide the outputs");
  STD_TORCH_CHECK(columns_product(channels, groups) < INT32_MAX && columns_product(outputs, taps) < INT32_MAX,
                  "the kernel must have less than 2^31 columns");
  check_columns(columns, rows, columns_product(channels, taps));
  Tensor turned = torch::stable::empty_like(values), places = torch::stable::empty_like(columns);
  Tensor ends = torch::stable::new_empty(rows, {channels * groups + 1});
  sparse_turned_cpu({values.data_ptr(), values.scalar_type() == ScalarType::Double,
                     static_cast<const int32_t*>(columns.data_ptr()),
                     static_cast<const int32_t*>(rows.data_ptr()), outputs, channels, groups, taps,
                     turned.data_ptr(), static_cast<int32_t*>(places.data_ptr()),
                     static_cast<int32_t*>(ends.data_ptr())});
  return {turned, places, ends};
}

}  // namespace
}  // namespace gramstyle

GRAMSTYLE_MODULE(_cpu, "instructions", gramstyle::instructions())
STABLE_TORCH_LIBRARY(gramstyle, m) {
  m.def(gramstyle::kGramSchema);
  m.def(gramstyle::kGramBackwardSchema);
  m.def(gramstyle::kConvGramSchema);
  m.def("winograd_filter(Tensor weight) -> Tensor");
  m.def(
      "winograd(Tensor x, Tensor weight, Tensor filter, Tensor? turned, Tensor? bias, SymInt[] padding, str "
      "activation) "
      "-> Tensor");
  m.def(
      "sparse_conv(Tensor x, Tensor values, Tensor columns, Tensor rows, Tensor? bias, SymInt[] kernel, "
      "SymInt[] stride, SymInt[] padding, SymInt[] dilation, SymInt groups) -> Tensor");
  m.def(
      "sparse_turned(Tensor values, Tensor columns, Tensor rows, SymInt channels, SymInt groups, SymInt "
      "taps) "
      "-> (Tensor, Tensor, Tensor)");
}
STABLE_TORCH_LIBRARY_IMPL(gramstyle, CPU, m) {
  m.impl("gram", TORCH_BOX(&gramstyle::gram));
  m.impl("gram_backward", TORCH_BOX(&gramstyle::gram_backward));
  m.impl("conv_gram", TORCH_BOX(&gramstyle::conv_gram));
  m.impl("winograd_filter", TORCH_BOX(&gramstyle::winograd_filter));
  m.impl("winograd", TORCH_BOX(&gramstyle::winograd));
  m.impl("sparse_conv", TORCH_BOX(&gramstyle::sparse_conv));
  m.impl("sparse_turned", TORCH_BOX(&gramstyle::sparse_turned));
}
