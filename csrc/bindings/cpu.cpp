// Schemas of all operators, and their registrations for CPU tensors. Python has checked the arguments;
// the checks here are the last defence.
#include <optional>
#include <tuple>
#include <vector>

#include "gramstyle/conv_gram.h"
#include "gramstyle/gram.h"
#include "maps.h"
#include "module.h"

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
  auto [second, totals] = empty_sums(x, x.dim() == 4 ? x.size(1) : 0, sums, wide);
  const bool doubles = second.scalar_type() == ScalarType::Double;
  gram_cpu({maps_of(x, "x"), second.data_ptr(), sums ? totals.data_ptr() : nullptr, doubles},
           &torch_parallel_for);
  return {second, totals};
}

Tensor gram_backward(Tensor x, std::optional<Tensor> base, Tensor symmetric, std::optional<Tensor> sums,
                     std::string activation) {
  Tensor out = torch::stable::empty_like(x);
  const bool doubles = symmetric.scalar_type() == ScalarType::Double;
  STD_TORCH_CHECK(symmetric.is_contiguous() && symmetric.numel() == x.size(0) * x.size(1) * x.size(1),
                  "symmetric must be contiguous (B, C, C)");
  STD_TORCH_CHECK(!sums || (sums->is_contiguous() && sums->scalar_type() == symmetric.scalar_type()),
                  "sums must be contiguous (B, C), of the type of symmetric");
  const Activation kind = activation_of(activation);
  STD_TORCH_CHECK(kind != Activation::silu, "activation must be none, relu or relu6");
  gram_backward_cpu({maps_of(x, "x"), base ? maps_of(*base, "base") : Maps{}, maps_of(out, "out"),
                     symmetric.data_ptr(), sums ? sums->data_ptr() : nullptr, doubles, kind},
                    &torch_parallel_for);
  return out;
}

int64_t out_size(int64_t size, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  return (size + 2 * padding - (dilation * (kernel - 1) + 1)) / stride + 1;
}

std::tuple<Tensor, Tensor, Tensor> conv_gram(Tensor x, Tensor weight, std::optional<Tensor> bias,
                                             std::vector<int64_t> stride, std::vector<int64_t> padding,
                                             std::vector<int64_t> dilation, int64_t groups,
                                             std::string activation, bool features, bool sums, bool wide,
                                             std::string precision) {
  STD_TORCH_CHECK(x.dim() == 4 && weight.dim() == 4, "x and weight must have four dimensions");
  STD_TORCH_CHECK(weight.scalar_type() == x.scalar_type() && weight.is_contiguous(),
                  "weight must be contiguous, of the type of x");
  STD_TORCH_CHECK(!bias || (bias->scalar_type() == x.scalar_type() && bias->is_contiguous()),
                  "bias must be contiguous, of the type of x");
  const int64_t outputs = weight.size(0);
  const int64_t height = out_size(x.size(2), weight.size(2), stride[0], padding[0], dilation[0]);
  const int64_t width = out_size(x.size(3), weight.size(3), stride[1], padding[1], dilation[1]);
  STD_TORCH_CHECK(height > 0 && width > 0 && outputs > 0, "the output must have a position and a channel");
  Tensor map = torch::stable::new_empty(x, features ? std::vector<int64_t>{x.size(0), height, width, outputs}
                                                    : std::vector<int64_t>{0, height, width, outputs});
  auto [gram, totals] = empty_sums(x, outputs, sums, wide);
  const Maps out{features ? map.data_ptr() : nullptr,
                 element_of(x, "x"),
                 x.size(0),
                 outputs,
                 height,
                 width,
                 height * width * outputs,
                 1,
                 width * outputs,
                 outputs};
  if (x.size(0) > 0)
    conv_gram_cpu({maps_of(x, "x"), weight.data_ptr(), bias ? bias->data_ptr() : nullptr, groups,
                   weight.size(2), weight.size(3), stride[0], stride[1], padding[0], padding[1], dilation[0],
                   dilation[1], activation_of(activation), out, gram.data_ptr(),
                   sums ? totals.data_ptr() : nullptr, gram.scalar_type() == ScalarType::Double},
                  &torch_parallel_for);
  // channels-last: (B, H', W', N) seen as (B, N, H', W')
  return {torch::stable::transpose(torch::stable::transpose(map, 1, 3), 2, 3), gram, totals};
}

}  // namespace
}  // namespace gramstyle

GRAMSTYLE_MODULE(_cpu, "instructions", gramstyle::instructions())
STABLE_TORCH_LIBRARY(gramstyle, m) {
  m.def("gram(Tensor x, bool sums, bool wide, str precision) -> (Tensor, Tensor)");
  m.def("gram_backward(Tensor x, Tensor? base, Tensor symmetric, Tensor? sums, str activation) -> Tensor");
  m.def(
      "conv_gram(Tensor x, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, SymInt[] "
      "dilation, "
      "SymInt groups, str activation, bool features, bool sums, bool wide, str precision) "
      "-> (Tensor, Tensor, Tensor)");
}
STABLE_TORCH_LIBRARY_IMPL(gramstyle, CPU, m) {
  m.impl("gram", TORCH_BOX(&gramstyle::gram));
  m.impl("gram_backward", TORCH_BOX(&gramstyle::gram_backward));
  m.impl("conv_gram", TORCH_BOX(&gramstyle::conv_gram));
}
