// Sizes and strides of feature maps, of every kind that the kernels' arguments can say.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "choices.h"
#include "gramstyle/gram.h"

namespace proofs {

using gramstyle::Element;
using gramstyle::Maps;

struct Layout {
  Element type;
  int64_t size[4];  // images, channels, height, width
  int64_t step[4];

  int64_t count() const { return size[0] * size[1] * size[2] * size[3]; }
  int64_t positions() const { return size[2] * size[3]; }

  // Elements from the lowest address to the highest, and those before the first element.
  int64_t extent() const { return count() == 0 ? 0 : reach(1) - reach(-1) + 1; }
  int64_t origin() const { return count() == 0 ? 0 : -reach(-1); }
  int64_t at(int64_t b, int64_t c, int64_t p) const {
    return b * step[0] + c * step[1] + p / size[3] * step[2] + p % size[3] * step[3];
  }
  Maps maps(void* first) const {
    return {first, type, size[0], size[1], size[2], size[3], step[0], step[1], step[2], step[3]};
  }

 private:
  int64_t reach(int64_t sign) const {  // of offsets above zero, or of those below
    int64_t sum = 0;
    for (int64_t d = 0; d < 4; ++d)
      if (step[d] * sign > 0) sum += step[d] * (size[d] - 1);
    return sum;
  }
};

// Dimensions one within the other, `order` from the innermost on.
inline Layout nested(Element type, const int64_t (&size)[4], const int64_t (&order)[4]) {
  Layout layout{type, {size[0], size[1], size[2], size[3]}, {}};
  int64_t step = 1;
  for (const int64_t d : order) {
    layout.step[d] = step;
    step *= std::max<int64_t>(size[d], 1);
  }
  return layout;
}

inline Layout contiguous(Element type, const int64_t (&size)[4]) { return nested(type, size, {3, 2, 1, 0}); }
inline Layout channels_last(Element type, const int64_t (&size)[4]) {
  return nested(type, size, {1, 3, 2, 0});
}

// Any layout of at most 2^17 elements, all of its own memory unless `shared`: in any order, with gaps
// as crops have them, backwards, and, if `shared`, with one element for all of a dimension.
inline Layout draw_layout(Choices& choose, Element type, const int64_t (&size)[4], bool shared) {
  constexpr int64_t kMost = int64_t(1) << 17;
  const Layout plain = contiguous(type, size);
  if (choose.once_in(4)) return plain;
  if (choose.once_in(4)) return channels_last(type, size);
  int64_t order[4] = {3, 2, 1, 0};
  if (choose.once_in(2)) std::swap(order[0], order[2]);  // channels innermost, then rows
  for (int64_t d = 3; d > 0; --d)
    if (choose.once_in(3)) std::swap(order[d], order[choose.below(d + 1)]);
  Layout layout = plain;
  int64_t step = 1;
  for (const int64_t d : order) {
    if (shared && choose.once_in(12)) {
      layout.step[d] = 0;
      continue;
    }
    if (choose.once_in(5)) step *= choose.between(2, 3);
    layout.step[d] = choose.once_in(8) ? -step : step;
    step *= std::max<int64_t>(size[d], 1);
    if (choose.once_in(4)) step += choose.below(40);
    if (size[d] <= 1 && choose.once_in(3)) layout.step[d] = choose.between(-1000, 1000);  // never used
  }
  return layout.extent() <= kMost ? layout : plain;
}

}  // namespace proofs
