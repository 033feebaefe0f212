// The CUDA half's operators for CPU tensors, in a namespace of their own, with kernels emulated.
#include <torch/csrc/stable/library.h>

#include "../../../csrc/bindings/cuda_operators.h"
#include "../../../csrc/bindings/schemas.h"
#include "emulated_machine.h"

namespace gramstyle::emulation {
namespace {

using torch::stable::Tensor;

std::tuple<Tensor, Tensor> gram(Tensor x, bool sums, bool wide, std::string precision) {
  return cuda::gram_operator(x, sums, wide, precision, nullptr);
}

Tensor gram_backward(Tensor x, std::optional<Tensor> base, Tensor symmetric, std::optional<Tensor> sums,
                     std::string activation) {
  return cuda::gram_backward_operator(x, base, symmetric, sums, activation, nullptr);
}

std::tuple<Tensor, Tensor, Tensor> conv_gram(Tensor x, Tensor weight, std::optional<Tensor> bias,
                                             std::vector<int64_t> stride, std::vector<int64_t> padding,
                                             std::vector<int64_t> dilation, int64_t groups,
                                             std::string activation, bool features, bool sums, bool wide,
                                             std::string precision) {
  const cuda::Convolution call{x, weight, bias, stride, padding, dilation, groups, activation};
  return cuda::conv_gram_operator(call, features, sums, wide, precision, nullptr);
}

bool fused(Tensor x, Tensor weight, int64_t groups) { return cuda::is_fused(x, weight, groups); }

}  // namespace
}  // namespace gramstyle::emulation

STABLE_TORCH_LIBRARY(gramstyle_emulated, m) {
  m.def(gramstyle::kGramSchema);
  m.def(gramstyle::kGramBackwardSchema);
  m.def(gramstyle::kConvGramSchema);
  m.def("fused(Tensor x, Tensor weight, int groups) -> bool");
}
STABLE_TORCH_LIBRARY_IMPL(gramstyle_emulated, CPU, m) {
  m.impl("gram", TORCH_BOX(&gramstyle::emulation::gram));
  m.impl("gram_backward", TORCH_BOX(&gramstyle::emulation::gram_backward));
  m.impl("conv_gram", TORCH_BOX(&gramstyle::emulation::conv_gram));
  m.impl("fused", TORCH_BOX(&gramstyle::emulation::fused));
}
