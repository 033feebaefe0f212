// Which maps are written past the caches.
#pragma once

#include <cstdint>

#include "gramstyle/gram.h"

namespace gramstyle {

constexpr int64_t kCached = int64_t(1) << 22;  // bytes

// A map that is larger is gone from the caches nearby before the next layer reads it, and a store into
// memory that is not cached would first read it.
inline bool is_streamed(const Maps& map) {
  return map.images * map.channels * map.height * map.width * size_of(map.type) > kCached;
}

}  // namespace gramstyle
