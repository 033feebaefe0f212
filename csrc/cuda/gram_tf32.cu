#include "gram_partials.cuh"

namespace gramstyle::cuda {

template int launch_gram<Tf32>(const GramArgs&, void*);

}  // namespace gramstyle::cuda
