// Entry point of the fused convolution.
#include "formats.cuh"
#include "gramstyle/cuda/conv_gram.h"

namespace gramstyle::cuda {

template <class Format, int blocks>
int launch_registers(const ConvArgs& args, void* stream);
extern template int launch_registers<Bfloat16, 2>(const ConvArgs&, void*);
extern template int launch_registers<Bfloat16, 4>(const ConvArgs&, void*);
extern template int launch_registers<Float16, 2>(const ConvArgs&, void*);
extern template int launch_registers<Float16, 4>(const ConvArgs&, void*);

template <class Format, int width>
int launch_shared(const ConvArgs& args, void* stream);
extern template int launch_shared<Bfloat16, 128>(const ConvArgs&, void*);
extern template int launch_shared<Bfloat16, 256>(const ConvArgs&, void*);
extern template int launch_shared<Float16, 128>(const ConvArgs&, void*);
extern template int launch_shared<Float16, 256>(const ConvArgs&, void*);

namespace {

template <class Format>
int launch_width(const ConvArgs& a, void* stream) {
  switch (panel_width(a.out_channels)) {
    case 32: return launch_registers<Format, 2>(a, stream);
    case 64: return launch_registers<Format, 4>(a, stream);
    case 128: return launch_shared<Format, 128>(a, stream);
    default: return launch_shared<Format, 256>(a, stream);
  }
}

}  // namespace

int conv_gram(const ConvArgs& args, void* stream) {
  return args.format == Format::bfloat16 ? launch_width<Bfloat16>(args, stream)
                                         : launch_width<Float16>(args, stream);
}

}  // namespace gramstyle::cuda
