// Decisions drawn from bytes, which a fuzzer makes or a seed does.
#pragma once

#include <cstddef>
#include <cstdint>

namespace proofs {

// 64 random bits after another (splitmix64).
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  int64_t below(int64_t n) { return int64_t(next() % uint64_t(n)); }
  double unit() { return double(next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

// When the bytes are used up every answer is the first one.
class Choices {
 public:
  Choices(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  int64_t below(int64_t n) { return n <= 1 ? 0 : (n <= 256 ? byte() : byte() << 8 | byte()) % n; }
  int64_t between(int64_t first, int64_t last) { return first + below(last - first + 1); }
  bool once_in(int64_t n) { return below(n) == n - 1; }
  template <class T, size_t N>
  T one_of(const T (&list)[N]) {
    return list[below(int64_t(N))];
  }
  uint64_t seed() { return uint64_t(byte() << 16 | byte() << 8 | byte()); }

 private:
  int64_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }

  const uint8_t* data_;
  size_t left_;
};

}  // namespace proofs
