#include <cstdlib>
#include <cstring>

#include "gramstyle/gram.h"
#include "tables.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace gramstyle {
namespace {

// GRAMSTYLE_CPU asks for less than there is, for tests and comparisons.
bool allowed(const char* name) {
  const char* asked = std::getenv("GRAMSTYLE_CPU");
  if (asked == nullptr || std::strcmp(asked, name) == 0) return true;
  return std::strcmp(asked, "avx512") == 0 ||
         (std::strcmp(asked, "avx2") != 0 && std::strcmp(asked, "portable") != 0);
}

#if defined(__x86_64__)
// __builtin_cpu_supports of clang 14 does not know it.
bool has_f16c() {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

const Kernels<float>& best() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool half = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  const bool whole = half && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (whole && allowed("avx512")) return avx512_kernels;
  if (half && allowed("avx2")) return avx2_kernels;
#elif defined(__aarch64__)
  if (allowed("neon")) return neon_kernels;
#endif
  return portable_kernels;
}

}  // namespace

template <>
const Kernels<float>& kernels() {
  static const Kernels<float>& chosen = best();
  return chosen;
}

template <>
const Kernels<double>& kernels() {
  return double_kernels;
}

const char* instructions() { return kernels<float>().name; }

}  // namespace gramstyle
