#include "gram_backward.cuh"

namespace gramstyle::cuda {

template int launch_backward<Bfloat16>(const BackwardArgs&, void*);

}  // namespace gramstyle::cuda
