// The operators on a GPU, of tensors: which kernel runs, on which workspace, and what runs elsewhere.
//
// They know nothing of devices but the stream they are given, so that tests can run them with the
// kernels emulated on the host.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <torch/csrc/stable/tensor.h>

namespace gramstyle::cuda {

using torch::stable::Tensor;

std::tuple<Tensor, Tensor> gram_operator(const Tensor& x, bool sums, bool wide, const std::string& precision,
                                         void* stream);

Tensor gram_backward_operator(const Tensor& x, const std::optional<Tensor>& base, const Tensor& symmetric,
                              const std::optional<Tensor>& sums, const std::string& activation, void* stream);

struct Convolution {
  Tensor x, weight;
  std::optional<Tensor> bias;
  std::vector<int64_t> stride, padding, dilation;
  int64_t groups;
  std::string activation;
};

// Whether a fused kernel computes this, and not torch's convolution with the Gram kernel after it:
// `fusible` of gramstyle.kernels says the same.
bool is_fused(const Tensor& x, const Tensor& weight, int64_t groups);

std::tuple<Tensor, Tensor, Tensor> conv_gram_operator(const Convolution& call, bool features, bool sums,
                                                      bool wide, const std::string& precision, void* stream);

}  // namespace gramstyle::cuda
