// proofs calls FIRST LAST       calls that seeds make, as a fuzzer would
// proofs threads FIRST LAST     the same on several threads
// proofs empty | direct | activated | long | far | conversions | refusals | none
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "allocate.h"
#include "conversions.h"
#include "known.h"
#include "winograd_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace proofs {
namespace {

void check_calls(int64_t first, int64_t last) {
  for (int64_t seed = first; seed < last; ++seed) {
    Numbers numbers{uint64_t(seed)};
    std::vector<uint8_t> bytes(96);
    for (uint8_t& byte : bytes) byte = uint8_t(numbers.next());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
}

template <class Case>
void check_all(const std::vector<Case>& cases) {
  for (const Case& one : cases) check_case(one);
}

// One call with one allocation refused after another, until none is left to refuse. After each refusal the
// same thread calls again.
template <class Case>
void refuse_each(const Case& one, gramstyle::ParallelFor parallel_for) {
  const auto in = inputs_of(one);
  for (int64_t count = 0; count >= 0; ++count) {
    attempt() = words_of(one) + ", without allocation " + std::to_string(count);
    const auto out = outputs_of(one);
    bool refused = false;
    on_a_new_thread([&] {
      refuse_after(count);
      try {
        call(one, in, out, parallel_for);
      } catch (const std::bad_alloc&) {
        refused = true;
      }
      refuse_after(-1);
      if (refused) call(one, in, out, parallel_for);
    });
    check_result(one, in, out);
    if (!refused) {
      check(count > 2, "hardly anything was allocated");
      return;
    }
  }
}

void check_refusals() {
  refuse_each(gram_of(Element::bfloat16, 2, 9, 2, 130), &backwards);
  refuse_each(gram_of(Element::bfloat16, 1, 258, 2, 65), &backwards);
  refuse_each(gram_backward_of(Element::bfloat16, 2, 9, 2, 130), &backwards);
  refuse_each(conv_gram_of(Element::bfloat16, 2, 3, 9, 3, 2, 130), &backwards);
}

int run(int count, char** words) {
  const std::string what = count > 1 ? words[1] : "";
  if (count == 4 && (what == "calls" || what == "threads")) {
    if (what == "threads") other_order() = &on_threads<3>;
    check_calls(std::atoll(words[2]), std::atoll(words[3]));
  } else if (what == "empty") {
    check_all(empty_grams());
    check_all(empty_gram_backwards());
    check_all(empty_conv_grams());
  } else if (what == "direct") {
    check_all(direct_grams());
    check_all(direct_gram_backwards());
    check_all(direct_conv_grams());
  } else if (what == "activated") {
    check_all(activated_conv_grams());
    check_all(known_winograds());
  } else if (what == "long") {
    check_all(long_grams());
    check_all(long_conv_grams());
  } else if (what == "far") {
    check_all(far_grams());
    check_all(far_gram_backwards());
    check_all(far_conv_grams());
  } else if (what == "conversions") {
    check_conversions();
  } else if (what == "refusals") {
    check_refusals();
  } else if (what != "none") {
    std::fprintf(stderr, "what is to be checked?\n");
    return 2;
  }
  std::printf("%s\n", gramstyle::instructions());
  return 0;
}

}  // namespace
}  // namespace proofs

int main(int count, char** words) { return proofs::run(count, words); }
