#include "conv_registers.cuh"

namespace gramstyle::cuda {

template int launch_registers<Float16, 2>(const ConvArgs&, void*);
template int launch_registers<Float16, 4>(const ConvArgs&, void*);

}  // namespace gramstyle::cuda
