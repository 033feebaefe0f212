// Registrations of the operators for CUDA tensors. Their schemas are the CPU half's.
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>

#include "cuda_operators.h"
#include "module.h"

namespace gramstyle::cuda {
namespace {

using torch::stable::accelerator::DeviceGuard;

// TORCH_ERROR_CODE_CHECK: torch 2.11 has no STABLE_ one.
void* stream_of(const Tensor& x) {
  void* stream = nullptr;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(x.get_device_index(), &stream));
  return stream;
}

// A call reaches these functions if any of its tensors is on a GPU.
void check_device(const Tensor& x, const char* name, const Tensor& other) {
  STD_TORCH_CHECK(x.is_cuda() && other.is_cuda() && other.get_device_index() == x.get_device_index(), name,
                  " must be on the device of x, a CUDA device");
}

std::tuple<Tensor, Tensor> gram(Tensor x, bool sums, bool wide, std::string precision) {
  const DeviceGuard guard(x.get_device_index());
  return gram_operator(x, sums, wide, precision, stream_of(x));
}

Tensor gram_backward(Tensor x, std::optional<Tensor> base, Tensor symmetric, std::optional<Tensor> sums,
                     std::string activation) {
  check_device(x, "symmetric", symmetric);
  if (base) check_device(x, "base", *base);
  if (sums) check_device(x, "sums", *sums);
  const DeviceGuard guard(x.get_device_index());
  return gram_backward_operator(x, base, symmetric, sums, activation, stream_of(x));
}

std::tuple<Tensor, Tensor, Tensor> conv_gram(Tensor x, Tensor weight, std::optional<Tensor> bias,
                                             std::vector<int64_t> stride, std::vector<int64_t> padding,
                                             std::vector<int64_t> dilation, int64_t groups,
                                             std::string activation, bool features, bool sums, bool wide,
                                             std::string precision) {
  check_device(x, "weight", weight);
  if (bias) check_device(x, "bias", *bias);
  const DeviceGuard guard(x.get_device_index());
  const Convolution call{x, weight, bias, stride, padding, dilation, groups, activation};
  return conv_gram_operator(call, features, sums, wide, precision, stream_of(x));
}

}  // namespace
}  // namespace gramstyle::cuda

// Numbers of the devices that kernels were assembled for, as the build names them.
#define GRAMSTYLE_TEXT_OF(...) #__VA_ARGS__
#define GRAMSTYLE_TEXT(...) GRAMSTYLE_TEXT_OF(__VA_ARGS__)
GRAMSTYLE_MODULE(_cuda, "codes", GRAMSTYLE_TEXT(GRAMSTYLE_CODES))
STABLE_TORCH_LIBRARY_IMPL(gramstyle, CUDA, m) {
  m.impl("gram", TORCH_BOX(&gramstyle::cuda::gram));
  m.impl("gram_backward", TORCH_BOX(&gramstyle::cuda::gram_backward));
  m.impl("conv_gram", TORCH_BOX(&gramstyle::cuda::conv_gram));
}
