// Memory for C++ objects, which this thread can be refused.
#pragma once

#include <cstdint>

namespace proofs {

// The allocation after `count` more of this thread throws std::bad_alloc; a negative count: none does.
void refuse_after(int64_t count);

}  // namespace proofs
