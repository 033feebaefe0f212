// What follows a convolution.
#pragma once

#include <cstdint>

namespace gramstyle {

enum class Activation : int64_t { none, relu, relu6, silu };

}  // namespace gramstyle
