// Memory of exactly the size that was asked for, so that a sanitizer sees one byte too far.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace proofs {

constexpr uint8_t kUnset = 0xff;  // as float64, float32, float16 and bfloat16: not a number

// Every byte is kUnset, or zero where there are too many to be touched. Null where there are none. More than
// 1 MB begins where torch's tensors do, at a line of the cache; less, where malloc has it.
class Memory {
 public:
  explicit Memory(int64_t bytes) : bytes_(bytes), sparse_(bytes > (int64_t(1) << 28)) {
    if (sparse_) {
      data_ = mmap(nullptr, size_t(bytes), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (data_ == MAP_FAILED) throw std::bad_alloc();
    } else if (bytes > 0) {
      const size_t boundary = bytes > (int64_t(1) << 20) ? 64 : alignof(double);
      if (posix_memalign(&data_, boundary, size_t(bytes)) != 0) throw std::bad_alloc();
      std::memset(data_, kUnset, size_t(bytes));
    }
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() {
    if (sparse_)
      munmap(data_, size_t(bytes_));
    else
      std::free(data_);
  }

  uint8_t* data() const { return static_cast<uint8_t*>(data_); }
  int64_t bytes() const { return bytes_; }
  bool sparse() const { return sparse_; }

 private:
  int64_t bytes_;
  bool sparse_;
  void* data_ = nullptr;
};

}  // namespace proofs
