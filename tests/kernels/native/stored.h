// Feature maps in memory, and what they hold.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "check.h"
#include "layout.h"
#include "memory.h"
#include "value.h"

namespace proofs {

class StoredMaps {
 public:
  explicit StoredMaps(const Layout& layout)
      : layout_(layout), memory_(new Memory(layout.extent() * gramstyle::size_of(layout.type))) {}

  Maps maps() const { return layout_.maps(layout_.count() == 0 ? nullptr : place(0)); }
  const Layout& layout() const { return layout_; }

  void fill(const std::function<double()>& value) const {
    each([&](int64_t at) { write(place(at), layout_.type, value()); });
  }

  // (images, channels, positions)
  std::vector<double> values() const {
    std::vector<double> found;
    found.reserve(size_t(layout_.count()));
    each([&](int64_t at) { found.push_back(read(place(at), layout_.type)); });
    return found;
  }

  // That nothing was written between the elements.
  void check_gaps() const {
    if (memory_->sparse()) return;
    const int64_t size = gramstyle::size_of(layout_.type);
    std::vector<char> own(size_t(layout_.extent()), 0);
    each([&](int64_t at) { own[size_t(at + layout_.origin())] = 1; });
    uint8_t unset[8];
    std::memset(unset, kUnset, sizeof unset);
    for (int64_t i = 0; i < layout_.extent(); ++i)
      if (!own[size_t(i)])
        check(std::memcmp(memory_->data() + i * size, unset, size_t(size)) == 0,
              "written between the elements");
  }

 private:
  template <class Body>
  void each(const Body& body) const {
    for (int64_t b = 0; b < layout_.size[0]; ++b)
      for (int64_t c = 0; c < layout_.size[1]; ++c)
        for (int64_t p = 0; p < layout_.positions(); ++p) body(layout_.at(b, c, p));
  }
  uint8_t* place(int64_t at) const {
    return memory_->data() + (at + layout_.origin()) * gramstyle::size_of(layout_.type);
  }

  Layout layout_;
  std::unique_ptr<Memory> memory_;
};

inline bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

// Numbers in a row: float64 where `wide`, else float32; or of another type.
class StoredRow {
 public:
  StoredRow(int64_t count, Element type)
      : count_(count), type_(type), memory_(new Memory(count * gramstyle::size_of(type))) {}
  StoredRow(int64_t count, bool wide) : StoredRow(count, wide ? Element::float64 : Element::float32) {}

  void* data() const { return memory_->data(); }
  void fill(const std::function<double(int64_t)>& value) const {
    for (int64_t i = 0; i < count_; ++i) write(place(i), type_, value(i));
  }
  double operator[](int64_t i) const { return read(place(i), type_); }
  std::vector<double> values() const {
    std::vector<double> found;
    for (int64_t i = 0; i < count_; ++i) found.push_back((*this)[i]);
    return found;
  }
  int64_t count() const { return count_; }
  int64_t bytes() const { return memory_->bytes(); }

 private:
  uint8_t* place(int64_t i) const { return memory_->data() + i * gramstyle::size_of(type_); }

  int64_t count_;
  Element type_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace proofs
