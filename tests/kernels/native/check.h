// What stops the program when a result is wrong.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace proofs {

// What is being tried, for the message.
inline std::string& attempt() {
  static std::string words;
  return words;
}

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "WRONG: %s\nin %s\n", what.c_str(), attempt().c_str());
  std::abort();
}

inline void check(bool right, const char* what) {
  if (!right) fail(what);
}

// `found` is `expected` to `tolerance`; infinite and not a number where that is.
inline void check_close(double found, double expected, double tolerance, const char* what, int64_t at) {
  const bool both_nan = std::isnan(found) && std::isnan(expected);
  const bool near = std::isfinite(expected) && std::fabs(found - expected) <= tolerance;
  if (both_nan || found == expected || near) return;
  char words[200];
  std::snprintf(words, sizeof words, "%s [%lld] is %.9g, expected %.9g to %.3g", what, (long long)at, found,
                expected, tolerance);
  fail(words);
}

}  // namespace proofs
