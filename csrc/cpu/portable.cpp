// The inner loops for any processor, and those for float64.
#include "simd/portable.h"

#include "loops.h"
#include "sparse_loops.h"
#include "tables.h"
#include "winograd_loops.h"

namespace gramstyle {

const Kernels<float> portable_kernels = Loops<portable::Vector<float>>::table("portable");
const Kernels<double> double_kernels = Loops<portable::Vector<double>>::table("portable");

}  // namespace gramstyle
