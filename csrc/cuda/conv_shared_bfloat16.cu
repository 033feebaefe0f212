#include "conv_shared.cuh"

namespace gramstyle::cuda {

template int launch_shared<Bfloat16, 128>(const ConvArgs&, void*);
template int launch_shared<Bfloat16, 256>(const ConvArgs&, void*);

}  // namespace gramstyle::cuda
