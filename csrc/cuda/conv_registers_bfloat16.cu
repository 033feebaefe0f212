#include "conv_registers.cuh"

namespace gramstyle::cuda {

template int launch_registers<Bfloat16, 2>(const ConvArgs&, void*);
template int launch_registers<Bfloat16, 4>(const ConvArgs&, void*);

}  // namespace gramstyle::cuda
