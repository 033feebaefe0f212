#include "gram_partials.cuh"

namespace gramstyle::cuda {

template int launch_gram<Bfloat16>(const GramArgs&, void*);

}  // namespace gramstyle::cuda
