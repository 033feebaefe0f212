// Schemas of all operators, and their registrations for CPU tensors.
#include "module.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include "gramstyle/second_moment.h"

namespace gramstyle {
namespace {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

void torch_parallel_for(int64_t begin, int64_t end, int64_t grain, const Range& body) {
  torch::stable::parallel_for(begin, end, grain, body);
}

template <class In, class Out>
void run(const Tensor& x, Tensor& out) {
  const SecondMomentArgs<In, Out> args{static_cast<const In*>(x.data_ptr()),
                                       static_cast<Out*>(out.data_ptr()),
                                       x.size(0),
                                       x.size(1),
                                       x.size(2),
                                       x.stride(0),
                                       x.stride(1),
                                       x.stride(2)};
  second_moment_cpu(args, &torch_parallel_for);
}

// (B, C, P) -> (B, C, C). Python has checked rank and type; these are the last defence.
Tensor second_moment(const Tensor& x) {
  STD_TORCH_CHECK(x.dim() == 3, "second_moment: x must be (B, C, P)");
  const ScalarType type = x.scalar_type();
  const ScalarType accumulated = type == ScalarType::Double ? ScalarType::Double : ScalarType::Float;
  Tensor out = torch::stable::new_zeros(x, {x.size(0), x.size(1), x.size(1)}, accumulated);
  switch (type) {
    case ScalarType::Float: run<float, float>(x, out); break;
    case ScalarType::Double: run<double, double>(x, out); break;
    case ScalarType::Half: run<c10::Half, float>(x, out); break;
    case ScalarType::BFloat16: run<c10::BFloat16, float>(x, out); break;
    default: STD_TORCH_CHECK(false, "second_moment: x must be float64, float32, float16 or bfloat16");
  }
  return out;
}

}  // namespace
}  // namespace gramstyle

GRAMSTYLE_MODULE(_cpu)
STABLE_TORCH_LIBRARY(gramstyle, m) { m.def("second_moment(Tensor x) -> Tensor"); }
STABLE_TORCH_LIBRARY_IMPL(gramstyle, CPU, m) {
  m.impl("second_moment", TORCH_BOX(&gramstyle::second_moment));
}
