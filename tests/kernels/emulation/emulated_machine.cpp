#include "emulated_machine.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <numeric>
#include <random>
#include <vector>

#include "fibers.h"

namespace gramstyle::emulation {

Settings settings;
Counts counts;
std::string failure;

namespace {

constexpr int kLanes = machine::kLanes;

class Block {
 public:
  Block(int threads, int shared_bytes)
      : shared_(shared_bytes),
        words_(shared_bytes / 4),
        threads_(threads),
        warps_(threads / kLanes),
        fibers_(threads) {}

  void run(int64_t number, const std::function<void()>& kernel) {
    number_ = number;
    words_.assign(words_.size(), Word());
    std::fill(shared_.begin(), shared_.end(), static_cast<unsigned char>(0xff));  // NaN in every type
    threads_.assign(threads_.size(), Thread());
    warps_.assign(warps_.size(), Warp());
    epoch_ = 1;
    waiting_ = ended_ = 0;
    ++counts.blocks;
    const std::function<void(int)> body = [&](int) {
      kernel();
      finish();
    };
    fibers_.reset(body);
    std::vector<int> order(threads_.size());
    std::iota(order.begin(), order.end(), 0);
    std::mt19937 random(settings.seed + static_cast<uint32_t>(number));
    while (ended_ < static_cast<int>(threads_.size()) && failure.empty()) {
      if (settings.seed != 0) shuffle_warps(order, random);
      bool moved = false;
      for (int thread : order) {
        if (threads_[thread].waits || fibers_.done(thread)) continue;
        current_ = thread;
        fibers_.resume(thread);
        moved = true;
        if (!failure.empty()) return;
      }
      if (!moved) return report("threads wait for others that ended or wait elsewhere", -1);
    }
  }

  int thread() const { return current_; }
  int64_t number() const { return number_; }

  void sync_block() {
    threads_[current_].waits = true;
    if (++waiting_ == static_cast<int>(threads_.size())) {
      waiting_ = 0;
      ++epoch_;
      for (Thread& one : threads_) one.waits = false;
      return;
    }
    pause();
  }

  // Waits for the other lanes; the last to come does `work` with what all of them brought.
  void collective(const char* name, void* brought, void (*work)(Block&, int, void* const*)) {
    const int number = current_ / kLanes;
    Warp& warp = warps_[number];
    if (warp.arrived > 0 && warp.name != name)
      return stop(std::string("lanes of a warp are at ") + warp.name + " and at " + name);
    warp.name = name;
    warp.brought[current_ % kLanes] = brought;
    if (++warp.arrived == kLanes) {
      warp.arrived = 0;
      work(*this, number * kLanes, warp.brought.data());
      for (int lane = 0; lane < kLanes; ++lane) threads_[number * kLanes + lane].waits = false;
      return;
    }
    threads_[current_].waits = true;
    pause();
  }

  void sync_warp() {
    collective("sync_warp", nullptr,
               [](Block& block, int first, void* const*) { ++block.warps_[first / kLanes].step; });
  }

  void read(uint32_t offset, void* to, int bytes) { read_as(current_, offset, to, bytes); }

  void read_as(int thread, uint32_t offset, void* to, int bytes) {
    if (!inside(offset, bytes)) return;
    for (uint32_t at = offset / 4; at < (offset + bytes) / 4; ++at) {
      Word& word = words_[at];
      if (word.pending) return stop("shared memory read before the copy was waited for", at);
      if (!word.written) return stop("shared memory read that nothing has written", at);
      if (word.write_epoch == epoch_ && unordered(word.writer, word.write_step, thread))
        return stop("shared memory read without a barrier after another thread's write", at);
      const int step = warps_[thread / kLanes].step;
      if (word.read_epoch != epoch_) {
        word.read_epoch = epoch_;
        word.reader = thread;
        word.reader_warp = thread / kLanes;
      } else {
        if (word.reader != thread) word.reader = kSeveral;
        if (word.reader_warp != thread / kLanes) word.reader_warp = kSeveral;
      }
      word.read_step = step;
    }
    std::memcpy(to, shared_.data() + offset, bytes);
  }

  void write(uint32_t offset, const void* from, int bytes) {
    if (!inside(offset, bytes) || !may_write(offset, bytes)) return;
    mark_written(offset, bytes);
    std::memcpy(shared_.data() + offset, from, bytes);
  }

  void copy_async(uint32_t offset, const void* source, int bytes, int valid) {
    if (valid < 0 || valid > bytes) return stop("a copy of more bytes than it has room for");
    if (valid > 0 && reinterpret_cast<uintptr_t>(source) % bytes != 0)
      return stop("a copy from a misaligned address");
    if (!inside(offset, bytes) || !may_write(offset, bytes)) return;
    for (uint32_t at = offset / 4; at < (offset + bytes) / 4; ++at) words_[at].pending = true;
    counts.copied += valid;
    threads_[current_].open.push_back({offset, source, bytes, valid});
    if (!settings.late) deliver(threads_[current_].open.back());
  }

  void commit_copies() {
    Thread& one = threads_[current_];
    one.groups.push_back(one.open);
    one.open.clear();
  }

  void wait_copies(int pending) {
    Thread& one = threads_[current_];
    while (static_cast<int>(one.groups.size()) > pending) {
      for (const Copy& copy : one.groups.front()) {
        if (settings.late) deliver(copy);
        for (uint32_t at = copy.offset / 4; at < (copy.offset + copy.bytes) / 4; ++at)
          words_[at].pending = false;
        mark_written(copy.offset, copy.bytes);
      }
      one.groups.pop_front();
    }
  }

  void stop(const std::string& what, int64_t word = -1) {
    report(what, word);
    fibers_.yield();  // for good: the launch ends
  }

 private:
  static constexpr int kSeveral = -2;

  struct Word {
    bool written = false, pending = false;
    int writer = -1, reader = -1, reader_warp = -1;
    uint32_t write_epoch = 0, read_epoch = 0;
    int write_step = 0, read_step = 0;
  };
  struct Copy {
    uint32_t offset;
    const void* source;
    int bytes, valid;
  };
  struct Thread {
    bool waits = false;
    std::vector<Copy> open;
    std::deque<std::vector<Copy>> groups;
  };
  struct Warp {
    int arrived = 0, step = 0;
    const char* name = nullptr;
    std::array<void*, kLanes> brought{};
  };

  // Lanes of a warp together, in any order; warps in any order.
  static void shuffle_warps(std::vector<int>& order, std::mt19937& random) {
    std::vector<int> warps(order.size() / kLanes);
    std::iota(warps.begin(), warps.end(), 0);
    std::shuffle(warps.begin(), warps.end(), random);
    for (size_t i = 0; i < warps.size(); ++i) {
      for (int lane = 0; lane < kLanes; ++lane) order[i * kLanes + lane] = warps[i] * kLanes + lane;
      std::shuffle(order.begin() + i * kLanes, order.begin() + (i + 1) * kLanes, random);
    }
  }

  void pause() { fibers_.yield(); }

  void finish() {
    const Thread& one = threads_[current_];
    if (!one.open.empty() || !one.groups.empty()) {
      for (const auto& group : one.groups)
        if (!group.empty()) return stop("a thread ended with copies under way");
      if (!one.open.empty()) return stop("a thread ended with copies under way");
    }
    ++ended_;
  }

  void report(const std::string& what, int64_t word) {
    if (!failure.empty()) return;
    failure = what + ": block " + std::to_string(number_) + ", thread " + std::to_string(current_);
    if (word >= 0) failure += ", byte " + std::to_string(4 * word);
  }

  bool inside(uint32_t offset, int bytes) {
    if (offset % static_cast<uint32_t>(bytes) != 0) {
      stop("misaligned shared memory", offset / 4);
      return false;
    }
    if (offset + static_cast<uint64_t>(bytes) > shared_.size()) {
      stop("outside shared memory", offset / 4);
      return false;
    }
    return true;
  }

  // Whether nothing orders `thread` after what `other` did at `step`, within one epoch.
  bool unordered(int other, int step, int thread) const {
    if (other == thread) return false;
    return other / kLanes != thread / kLanes || step >= warps_[thread / kLanes].step;
  }

  bool may_write(uint32_t offset, int bytes) {
    for (uint32_t at = offset / 4; at < (offset + bytes) / 4; ++at) {
      const Word& word = words_[at];
      if (word.pending) {
        stop("shared memory written while a copy to it is under way", at);
        return false;
      }
      if (word.written && word.write_epoch == epoch_ && unordered(word.writer, word.write_step, current_)) {
        stop("shared memory written by two threads without a barrier between them", at);
        return false;
      }
      if (word.read_epoch != epoch_ || word.reader == current_) continue;
      if (word.reader_warp != current_ / kLanes || word.read_step >= warps_[current_ / kLanes].step) {
        stop("shared memory written without a barrier after another thread's read", at);
        return false;
      }
    }
    return true;
  }

  void mark_written(uint32_t offset, int bytes) {
    for (uint32_t at = offset / 4; at < (offset + bytes) / 4; ++at) {
      words_[at].written = true;
      words_[at].writer = current_;
      words_[at].write_epoch = epoch_;
      words_[at].write_step = warps_[current_ / kLanes].step;
    }
  }

  void deliver(const Copy& copy) {
    std::memset(shared_.data() + copy.offset, 0, copy.bytes);
    if (copy.valid > 0) std::memcpy(shared_.data() + copy.offset, copy.source, copy.valid);
  }

  std::vector<unsigned char> shared_;
  std::vector<Word> words_;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  Fibers fibers_;
  int64_t number_ = 0;
  uint32_t epoch_ = 1;
  int current_ = 0, waiting_ = 0, ended_ = 0;
};

Block* running = nullptr;

// Elements of the fragments of mma, by PTX ISA: lane (g, t) = (lane / 4, lane % 4).
struct Product {
  float* sum;
  const uint32_t* a;
  uint32_t b[2];
  bool fresh;
};

// sum += A B with `depth` columns of A, decoded by `decode(register, half)`.
template <int depth, class Decode>
void multiply(void* const* brought, const Decode& decode) {
  constexpr int per = depth == 16 ? 2 : 1;  // elements of a register
  double a[16][depth], b[depth][8];
  for (int lane = 0; lane < kLanes; ++lane) {
    const auto& one = *static_cast<const Product*>(brought[lane]);
    const int g = lane / 4;
    const int t = lane % 4;
    for (int i = 0; i < 4; ++i)
      for (int h = 0; h < per; ++h)
        a[g + 8 * (i % 2)][t * per + h + depth / 2 * (i / 2)] = decode(one.a[i], h);
    for (int i = 0; i < 2; ++i)
      for (int h = 0; h < per; ++h) b[t * per + h + depth / 2 * i][g] = decode(one.b[i], h);
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    const auto& one = *static_cast<const Product*>(brought[lane]);
    for (int i = 0; i < 4; ++i) {
      double sum = one.fresh ? 0.0 : static_cast<double>(one.sum[i]);
      for (int k = 0; k < depth; ++k) sum += a[lane / 4 + 8 * (i / 2)][k] * b[k][lane % 4 * 2 + i % 2];
      one.sum[i] = truncated(sum);
    }
  }
  ++counts.products;
}

struct MatrixLoad {
  uint32_t* to;
  uint32_t offset;
};

template <bool transposed>
void load_rows(Block& block, int first, void* const* brought) {
  uint16_t element[4][8][8];
  for (int matrix = 0; matrix < 4; ++matrix) {
    bool taken[8] = {};
    for (int row = 0; row < 8; ++row) {
      const int lane = 8 * matrix + row;
      const uint32_t offset = static_cast<const MatrixLoad*>(brought[lane])->offset;
      block.read_as(first + lane, offset, element[matrix][row], 16);
      counts.conflicts += taken[offset / 16 % 8];
      taken[offset / 16 % 8] = true;
    }
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    const int g = lane / 4;
    const int t = lane % 4;
    for (int i = 0; i < 4; ++i) {
      const uint16_t low = transposed ? element[i][2 * t][g] : element[i][g][2 * t];
      const uint16_t high = transposed ? element[i][2 * t + 1][g] : element[i][g][2 * t + 1];
      static_cast<const MatrixLoad*>(brought[lane])->to[i] = low | static_cast<uint32_t>(high) << 16;
    }
  }
  ++counts.matrices;
}

}  // namespace

int thread() { return running->thread(); }
int64_t block() { return running->number(); }
void read(uint32_t offset, void* to, int bytes) { running->read(offset, to, bytes); }
void write(uint32_t offset, const void* from, int bytes) { running->write(offset, from, bytes); }
void copy_async(uint32_t offset, const void* source, int bytes, int valid) {
  running->copy_async(offset, source, bytes, valid);
}
void wait_copies(int pending) { running->wait_copies(pending); }

int launch(const std::function<void()>& kernel, int64_t blocks, int threads, int shared_bytes) {
  constexpr int kMostShared = 99 * 1024;  // that every device from sm_80 has
  failure.clear();
  if (shared_bytes > kMostShared) failure = "more shared memory than every device has";
  if (blocks <= 0) failure = "a launch of no blocks";
  if (!failure.empty()) return 1;
  Block block(threads, shared_bytes);
  running = &block;
  // Blocks may run in any order.
  for (int64_t i = 0; i < blocks && failure.empty(); ++i)
    block.run(settings.seed % 2 == 0 ? i : blocks - 1 - i, kernel);
  running = nullptr;
  return failure.empty() ? 0 : 1;
}

}  // namespace gramstyle::emulation

namespace gramstyle::machine {

using emulation::Block;
using emulation::running;

void sync_block() { running->sync_block(); }
void sync_warp() { running->sync_warp(); }
void commit_copies() { running->commit_copies(); }

void load_matrices(uint32_t (&to)[4], uint32_t row_offset) {
  emulation::MatrixLoad load{to, row_offset};
  running->collective("ldmatrix", &load, emulation::load_rows<false>);
}

void load_matrices_transposed(uint32_t (&to)[4], uint32_t row_offset) {
  emulation::MatrixLoad load{to, row_offset};
  running->collective("ldmatrix.trans", &load, emulation::load_rows<true>);
}

uint32_t transpose_matrix(uint32_t from) {
  running->collective("movmatrix", &from, [](Block&, int, void* const* brought) {
    uint32_t before[kLanes];
    for (int i = 0; i < kLanes; ++i) before[i] = *static_cast<uint32_t*>(brought[i]);
    const auto element = [&](int row, int column) {
      return before[4 * row + column / 2] >> 16 * (column % 2) & 0xffffu;
    };
    for (int i = 0; i < kLanes; ++i)
      *static_cast<uint32_t*>(brought[i]) = element(i % 4 * 2, i / 4) | element(i % 4 * 2 + 1, i / 4) << 16;
  });
  return from;
}

float shuffle_xor(float value, int mask) {
  struct Exchange {
    float value;
    int mask;
  } exchange{value, mask};
  running->collective("shuffle", &exchange, [](Block&, int, void* const* brought) {
    float before[kLanes];
    for (int i = 0; i < kLanes; ++i) before[i] = static_cast<Exchange*>(brought[i])->value;
    for (int i = 0; i < kLanes; ++i) {
      auto& one = *static_cast<Exchange*>(brought[i]);
      one.value = before[i ^ one.mask];
    }
  });
  return exchange.value;
}

void multiply_bfloat16(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  emulation::Product product{sum, a, {b0, b1}, false};
  running->collective("mma of bfloat16", &product, [](Block&, int, void* const* brought) {
    emulation::multiply<16>(brought, [](uint32_t bits, int half) {
      return emulation::from_bfloat16(static_cast<uint16_t>(bits >> 16 * half));
    });
  });
}

void multiply_float16(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  emulation::Product product{sum, a, {b0, b1}, false};
  running->collective("mma of float16", &product, [](Block&, int, void* const* brought) {
    emulation::multiply<16>(brought, [](uint32_t bits, int half) {
      return emulation::from_float16(static_cast<uint16_t>(bits >> 16 * half));
    });
  });
}

void multiply_tf32_from(emulation::Product product) {
  running->collective("mma of tf32", &product, [](Block&, int, void* const* brought) {
    emulation::multiply<8>(brought, [](uint32_t bits, int) { return emulation::float_of(bits & ~0x1fffu); });
  });
}

void multiply_tf32(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  multiply_tf32_from({sum, a, {b0, b1}, false});
}

void start_tf32(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  multiply_tf32_from({sum, a, {b0, b1}, true});
}

uint32_t to_tf32(float value) {
  const uint32_t bits = emulation::bits_of(value);
  if (!std::isfinite(value)) return bits;
  return (bits + 0x1000u) & ~0x1fffu;
}

uint32_t pack_bfloat16(float low, float high) {
  return emulation::to_bfloat16(low) | static_cast<uint32_t>(emulation::to_bfloat16(high)) << 16;
}

uint32_t pack_float16(float low, float high) {
  return emulation::to_float16(low) | static_cast<uint32_t>(emulation::to_float16(high)) << 16;
}

}  // namespace gramstyle::machine
