// Tensors as the kernels' arguments.
#pragma once

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <string>

#include "gramstyle/gram.h"

namespace gramstyle {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

inline Element element_of(const Tensor& x, const char* name) {
  switch (x.scalar_type()) {
    case ScalarType::Double: return Element::float64;
    case ScalarType::Float: return Element::float32;
    case ScalarType::Half: return Element::float16;
    case ScalarType::BFloat16: return Element::bfloat16;
    default: STD_TORCH_CHECK(false, name, " must be float64, float32, float16 or bfloat16");
  }
}

inline Maps maps_of(const Tensor& x, const char* name) {
  STD_TORCH_CHECK(x.dim() == 4, name, " must be (B, C, H, W)");
  return {x.data_ptr(), element_of(x, name), x.size(0),   x.size(1),   x.size(2),
          x.size(3),    x.stride(0),         x.stride(1), x.stride(2), x.stride(3)};
}

inline Activation activation_of(const std::string& name) {
  if (name == "none") return Activation::none;
  if (name == "relu") return Activation::relu;
  if (name == "relu6") return Activation::relu6;
  STD_TORCH_CHECK(name == "silu", "activation must be none, relu, relu6 or silu");
  return Activation::silu;
}

}  // namespace gramstyle
