#include "gram_backward.cuh"

namespace gramstyle::cuda {

template int launch_backward<Ieee>(const BackwardArgs&, void*);

}  // namespace gramstyle::cuda
