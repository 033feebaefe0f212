// Gram matrices and sums of channels as the definition says, for results to be held against.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "check.h"
#include "gramstyle/gram.h"
#include "numbers.h"
#include "stored.h"

namespace proofs {

// Where a kernel leaves its sums.
struct StoredSums {
  StoredRow second, sums;
  bool wide;

  StoredSums(int64_t images, int64_t channels, bool sums, bool wide)
      : second(images * channels * channels, wide), sums(sums ? images * channels : 0, wide), wide(wide) {}

  bool same_bits(const StoredSums& other) const {
    const auto same = [](const StoredRow& a, const StoredRow& b) {
      return a.count() == 0 || std::memcmp(a.data(), b.data(), size_t(a.bytes())) == 0;
    };
    return same(second, other.second) && same(sums, other.sums);
  }
};

// Holds sums against `x`, (images, channels, positions), of maps of `type`. Beyond a budget of
// multiplications some entries of the matrices are left out, evenly.
inline void check_sums(const StoredSums& found, const std::vector<double>& x, int64_t images,
                       int64_t channels, Element type, Kind kind) {
  constexpr int64_t kBudget = int64_t(1) << 21;
  const int64_t positions = images * channels == 0 ? 0 : int64_t(x.size()) / (images * channels);
  const int64_t entries = images * channels * channels;
  int64_t every = std::max<int64_t>(1, entries / std::max<int64_t>(1, kBudget / (positions + 1)));
  if (every > 1) every |= 1;  // so that it shares no factor with the usual numbers of channels
  const Element made_in = sums_of(type), given_in = found.wide ? Element::float64 : Element::float32;
  const auto expect = [&](double value, double exact, double size, const char* what, int64_t at) {
    const double off = slack(size, positions, kind, made_in);
    check_close(value, off == 0 ? rounded(exact, given_in) : exact,
                off == 0 ? 0 : off + rounding_of(given_in) * std::fabs(exact), what, at);
  };
  const std::vector<double> second = found.second.values();
  for (int64_t at = 0; at < entries; ++at) {
    const int64_t i = at / channels,
                  mirrored = i / channels * channels * channels + at % channels * channels + i % channels;
    const double value = second[size_t(at)];
    const bool symmetric = value == second[size_t(mirrored)] || std::isnan(value);
    check(symmetric, "the matrix is not symmetric");
    if (at % every != 0) continue;
    const double* a = x.data() + i * positions;
    const double* b = x.data() + (i / channels * channels + at % channels) * positions;
    double sum = 0, size = 0;
    for (int64_t p = 0; p < positions; ++p) {
      sum += a[p] * b[p];
      size += std::fabs(a[p] * b[p]);
    }
    expect(value, sum, size, "second", at);
  }
  for (int64_t at = 0; at < found.sums.count(); ++at) {
    double sum = 0, size = 0;
    for (int64_t p = 0; p < positions; ++p) {
      sum += x[size_t(at * positions + p)];
      size += std::fabs(x[size_t(at * positions + p)]);
    }
    expect(found.sums[at], sum, size, "sums", at);
  }
}

}  // namespace proofs
