// The inner loops for 64-bit ARM processors.
#if defined(__aarch64__)
#include "simd/neon.h"

#include "loops.h"
#include "sparse_loops.h"
#include "tables.h"
#include "winograd_loops.h"

namespace gramstyle {

const Kernels<float> neon_kernels = Loops<neon::Vector>::table("neon");

}  // namespace gramstyle
#endif
