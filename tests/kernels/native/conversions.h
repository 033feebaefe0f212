// float16 and bfloat16 to float32 and back, by every loop that converts.
#pragma once

namespace proofs {

// All 65536 numbers of either type are widened; theirs, ties, their neighbours and more are narrowed.
void check_conversions();

}  // namespace proofs
