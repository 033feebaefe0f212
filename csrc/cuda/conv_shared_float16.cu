#include "conv_shared.cuh"

namespace gramstyle::cuda {

template int launch_shared<Float16, 128>(const ConvArgs&, void*);
template int launch_shared<Float16, 256>(const ConvArgs&, void*);

}  // namespace gramstyle::cuda
