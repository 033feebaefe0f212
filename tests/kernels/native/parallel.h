// Ways to share out a range, and none of them knows what it shares out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "gramstyle/parallel.h"

namespace proofs {

inline void one_after_the_other(int64_t begin, int64_t end, int64_t, const gramstyle::Range& body) {
  if (begin < end) body(begin, end);
}

// Calls `use(begin, end)` for at most `most` parts, the last one first.
template <class Use>
void in_parts(int64_t begin, int64_t end, int64_t grain, int64_t most, const Use& use) {
  if (begin >= end) return;
  const int64_t count = std::clamp<int64_t>((end - begin) / std::max<int64_t>(grain, 1), 1, most);
  const int64_t size = (end - begin + count - 1) / count;
  for (int64_t part = (end - begin - 1) / size; part >= 0; --part)
    use(begin + part * size, std::min(begin + (part + 1) * size, end));
}

// What another order of many threads would do, on one.
inline void backwards(int64_t begin, int64_t end, int64_t grain, const gramstyle::Range& body) {
  in_parts(begin, end, grain, 1000, body);
}

// On `count` threads that are new each time. What one throws comes out when all have ended.
template <int count>
void on_threads(int64_t begin, int64_t end, int64_t grain, const gramstyle::Range& body) {
  std::exception_ptr thrown;
  std::mutex lock;
  std::vector<std::thread> threads;
  in_parts(begin, end, grain, count, [&](int64_t first, int64_t last) {
    threads.emplace_back([&body, &thrown, &lock, first, last] {
      try {
        body(first, last);
      } catch (...) {
        const std::lock_guard<std::mutex> held(lock);
        thrown = std::current_exception();
      }
    });
  });
  for (std::thread& thread : threads) thread.join();
  if (thrown) std::rethrow_exception(thrown);
}

// Runs `body` on a thread without scratch memory of earlier calls, so that none is larger than it asks for.
template <class Body>
void on_a_new_thread(const Body& body) {
  std::exception_ptr thrown;
  std::thread([&] {
    try {
      body();
    } catch (...) {
      thrown = std::current_exception();
    }
  }).join();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace proofs
