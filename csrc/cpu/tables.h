// The tables that were compiled in.
#pragma once

#include "kernels.h"

namespace gramstyle {

extern const Kernels<float> portable_kernels;
extern const Kernels<double> double_kernels;
#if defined(__x86_64__)
extern const Kernels<float> avx2_kernels;
extern const Kernels<float> avx512_kernels;
#elif defined(__aarch64__)
extern const Kernels<float> neon_kernels;
#endif

}  // namespace gramstyle
