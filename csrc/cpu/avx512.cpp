// The inner loops for x86 processors with AVX-512.
#if defined(__x86_64__)

// GCC takes the registers that its own header leaves undefined on purpose for mistakes (its bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <cmath>
#include <cstdint>
#include <cstring>

#include "gramstyle/element.h"
#include "tables.h"

// Everything included above is shared with other files and must not need avx512; all below does.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")
#endif

#include "loops.h"
#include "simd/avx512.h"
#include "sparse_loops.h"
#include "winograd_loops.h"

namespace gramstyle {

const Kernels<float> avx512_kernels = Loops<avx512::Vector>::table("avx512");

}  // namespace gramstyle

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
