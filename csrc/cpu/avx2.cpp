// The inner loops for x86 processors with AVX2.
#if defined(__x86_64__)
#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#include "gramstyle/element.h"
#include "tables.h"

// Everything included above is shared with other files and must not need avx2; all below does.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,f16c")
#endif

#include "loops.h"
#include "simd/avx2.h"
#include "sparse_loops.h"
#include "winograd_loops.h"

namespace gramstyle {

const Kernels<float> avx2_kernels = Loops<avx2::Vector>::table("avx2");

}  // namespace gramstyle

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
