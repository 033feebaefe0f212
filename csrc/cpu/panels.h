// Weights in the order in which a product reads them.
#pragma once

#include <cstdint>

#include "kernels.h"
#include "partials.h"

namespace gramstyle {

// Entry `i` of an array of numbers of `type`.
template <class T>
T element_at(const void* data, Element type, int64_t i) {
  switch (type) {
    case Element::float64: return T(static_cast<const double*>(data)[i]);
    case Element::float32: return T(static_cast<const float*>(data)[i]);
    case Element::float16: return T(element::widen(static_cast<const Half*>(data)[i]));
    default: return T(element::widen(static_cast<const BFloat16*>(data)[i]));
  }
}

// Outputs of a panel: as few panels as can be, of the same width but for the last.
template <class T>
int64_t panel_width(int64_t padded) {
  const Kernels<T>& kernel = kernels<T>();
  const int64_t vectors = padded / kernel.lanes, panels = parts_of(vectors, kernel.weights);
  return parts_of(vectors, panels) * kernel.lanes;
}

// panels[n / width][k][n % width] = weight(n, k) for n < outputs, 0 up to `padded`; k < depth.
template <class T, class Weight>
void fill_panels(T* panels, int64_t outputs, int64_t padded, int64_t width, int64_t depth,
                 const Weight& weight) {
  for (int64_t first = 0; first < padded; first += width) {
    const int64_t across = std::min(width, padded - first);
    T* panel = panels + first * depth;
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t n = 0; n < across; ++n)
        panel[k * across + n] = first + n < outputs ? weight(first + n, k) : T(0);
  }
}

}  // namespace gramstyle
