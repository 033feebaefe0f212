// Any bytes as one call of a kernel, held against its definition: the entry point that libFuzzer looks for.
#include "conv_gram_case.h"
#include "gram_backward_case.h"
#include "gram_case.h"
#include "sparse_case.h"
#include "winograd_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proofs::Choices choose(data, size);
  switch (choose.below(6)) {
    case 0: proofs::check_case(proofs::draw_gram(choose)); break;
    case 1: proofs::check_case(proofs::draw_gram_backward(choose)); break;
    case 2: proofs::check_case(proofs::draw_winograd(choose)); break;
    case 3: proofs::check_case(proofs::draw_sparse(choose)); break;
    default: proofs::check_case(proofs::draw_conv_gram(choose));
  }
  return 0;
}
