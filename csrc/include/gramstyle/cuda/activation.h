// Activations that kernels know.
#pragma once

namespace gramstyle::cuda {

enum class Activation { kNone, kRelu, kRelu6, kSilu };

}  // namespace gramstyle::cuda
