#include "gram_partials.cuh"

namespace gramstyle::cuda {

template int launch_gram<Ieee>(const GramArgs&, void*);

}  // namespace gramstyle::cuda
