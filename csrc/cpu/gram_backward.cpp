#include "gramstyle/gram.h"
#include "panels.h"
#include "positions.h"

namespace gramstyle {
namespace {

template <class T>
T value(const void* data, bool wide, int64_t i) {
  return wide ? T(static_cast<const double*>(data)[i]) : T(static_cast<const float*>(data)[i]);
}

template <class T>
void run(const GramBackwardArgs& args, ParallelFor parallel_for) {
  const Kernels<T>& kernel = kernels<T>();
  const int64_t channels = args.x.channels, padded = round_up(channels, kernel.lanes);
  const int64_t positions = args.x.height * args.x.width, width = panel_width<T>(padded);
  T* panels = scratch<T, 0>(padded * (channels + 1));
  T* bias = panels + padded * channels;
  for (int64_t b = 0; b < args.x.images; ++b) {
    fill_panels(panels, channels, padded, width, channels, [&](int64_t n, int64_t k) {
      return value<T>(args.symmetric, args.wide, (b * channels + k) * channels + n);
    });
    for (int64_t n = 0; n < padded; ++n)
      bias[n] =
          args.sums == nullptr || n >= channels ? T(0) : value<T>(args.sums, args.wide, b * channels + n);
    const Positions<T> x(args.x, b, padded), base(args.base, b, padded), out(args.out, b, padded);
    parallel_for(0, parts_of(positions, kTile), 1, [&](int64_t begin, int64_t end) {
      const int64_t rows = round_up(kTile, kernel.pixels);
      T* room = scratch<T, 1>(3 * rows * x.step());
      const T** inputs = scratch<const T*, 0>(rows);
      const int64_t whole = 0;
      for (int64_t t = begin; t < end; ++t) {
        const int64_t first = t * kTile, count = std::min(kTile, positions - first);
        const Tile<T> tile = x.read(first, count, room);
        for (int64_t p = 0; p < rows; ++p) inputs[p] = tile.data + std::min(p, count - 1) * tile.step;
        const Tile<T> made{room + rows * x.step(), count, x.step()};
        Product<T> product{};
        product.inputs = inputs;
        product.positions = round_up(count, kernel.pixels);
        product.parts = &whole;
        product.part_count = 1;
        product.part_length = channels;
        product.weights = panels;
        product.width = width;
        product.bias = bias;
        product.outputs = padded;
        product.out = made.data;
        product.out_step = made.step;
        kernel.product(product);
        if (args.base.data != nullptr)
          kernel.add(made, padded, base.read(first, count, room + 2 * rows * x.step()));
        if (args.activation != Activation::none) kernel.mask(made, padded, tile, args.activation);
        out.write(first, made);
      }
    });
  }
}

}  // namespace

void gram_backward_cpu(const GramBackwardArgs& args, ParallelFor parallel_for) {
  if (args.x.images * args.x.channels * args.x.height * args.x.width == 0) return;
  if (args.x.type == Element::float64)
    run<double>(args, parallel_for);
  else
    run<float>(args, parallel_for);
}

}  // namespace gramstyle
