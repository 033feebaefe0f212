#include "cuda_operators.h"

#include <torch/csrc/stable/ops.h>
#include <torch/headeronly/core/MemoryFormat.h>
#include <torch/headeronly/core/ScalarType.h>

#include <array>
#include <limits>

#include "gramstyle/cuda/backward.h"
#include "gramstyle/cuda/conv_gram.h"
#include "gramstyle/cuda/gram.h"
#include "maps.h"

namespace gramstyle::cuda {
namespace {

using torch::headeronly::MemoryFormat;

// Features as rows that kernels read: channels where planar, positions where channels-last.
struct View {
  Layout layout;
  int64_t batch_stride, row_stride, rows;
};

// How `x` is such rows, in layout `wanted` where one is; none where its positions are not evenly spaced.
std::optional<View> view_of(const Tensor& x, std::optional<Layout> wanted = std::nullopt) {
  const int64_t channels = x.size(1), height = x.size(2), width = x.size(3), positions = height * width;
  const int64_t apart = width > 1 ? x.stride(3) : height > 1 ? x.stride(2) : 1;
  if (height > 1 && width > 1 && x.stride(2) != width * apart) return std::nullopt;
  const View planar = {Layout::planar, x.stride(0), x.stride(1), channels};
  const View last = {Layout::channels_last, x.stride(0), apart, positions};
  const bool is_planar = positions <= 1 || apart == 1;
  const bool is_last = channels <= 1 || x.stride(1) == 1;
  if (wanted) {
    if (*wanted == Layout::planar ? is_planar : is_last) return *wanted == Layout::planar ? planar : last;
    return std::nullopt;
  }
  if (is_last && positions <= 1) return last;  // its one row is all there is
  if (is_planar) return planar;
  return is_last ? std::optional<View>(last) : std::nullopt;
}

MemoryFormat format_of(Layout layout) {
  return layout == Layout::planar ? MemoryFormat::Contiguous : MemoryFormat::ChannelsLast;
}

int bytes_of(const Tensor& x) {
  switch (x.scalar_type()) {
    case ScalarType::Double: return 8;
    case ScalarType::Float: return 4;
    default: return 2;
  }
}

// The largest of 16, 8, 4 and 2 bytes of which all rows begin at a multiple.
int alignment_of(const Tensor& x, const View& view) {
  const uint64_t element = static_cast<uint64_t>(bytes_of(x));
  uint64_t all = reinterpret_cast<uintptr_t>(x.data_ptr());
  if (x.size(0) > 1) all |= static_cast<uint64_t>(view.batch_stride) * element;
  if (view.rows > 1) all |= static_cast<uint64_t>(view.row_stride) * element;
  return all % 16 == 0 ? 16 : all % 8 == 0 ? 8 : all % 4 == 0 ? 4 : 2;
}

void check_launch(int error) {
  STD_TORCH_CHECK(error == 0, "a kernel could not be started: ", error_name(error));
}

Tensor floats(const Tensor& like, int64_t count, ScalarType type = ScalarType::Float) {
  return torch::stable::new_empty(like, {count}, type);
}

Format format_of(const Tensor& x, const std::string& precision) {
  STD_TORCH_CHECK(precision == "ieee" || precision == "tf32", "precision must be ieee or tf32");
  switch (x.scalar_type()) {
    case ScalarType::BFloat16: return Format::bfloat16;
    case ScalarType::Half: return Format::float16;
    default: return precision == "ieee" ? Format::ieee : Format::tf32;
  }
}

struct Results {
  Tensor second, sums;
  bool wide;
};

// Uninitialised (B, C, C), and (B, C) or (B, 0).
Results results_of(const Tensor& x, int64_t channels, bool sums, bool wide) {
  const bool doubles = wide || x.scalar_type() == ScalarType::Double;
  const ScalarType type = doubles ? ScalarType::Double : ScalarType::Float;
  return {torch::stable::new_empty(x, {x.size(0), channels, channels}, type),
          torch::stable::new_empty(x, {x.size(0), sums ? channels : 0}, type), doubles};
}

void reduce(const Results& to, const Tensor& partials, const Splits& splits, bool sums, bool turned,
            void* stream) {
  const ReduceArgs args{static_cast<const float*>(partials.data_ptr()),
                        to.second.size(0),
                        to.second.size(1),
                        splits,
                        sums,
                        turned,
                        to.wide,
                        to.second.data_ptr(),
                        to.sums.data_ptr()};
  check_launch(reduce_partials(args, stream));
}

void plain(const Tensor& x, const Results& to, bool sums, void* stream) {
  PlainGramArgs args{};
  args.x = static_cast<const double*>(x.data_ptr());
  args.batch = x.size(0);
  args.channels = x.size(1);
  args.height = x.size(2);
  args.width = x.size(3);
  args.batch_stride = x.stride(0);
  args.channel_stride = x.stride(1);
  args.row_stride = x.stride(2);
  args.column_stride = x.stride(3);
  args.sums = sums;
  args.parts = plain_parts(args.height * args.width);
  const Tensor partials =
      floats(x, args.batch * args.parts * args.channels * (args.channels + 1), ScalarType::Double);
  args.partials = static_cast<double*>(partials.data_ptr());
  args.second = static_cast<double*>(to.second.data_ptr());
  args.total = static_cast<double*>(to.sums.data_ptr());
  check_launch(plain_gram(args, stream));
}

}  // namespace

std::tuple<Tensor, Tensor> gram_operator(const Tensor& given, bool sums, bool wide,
                                         const std::string& precision, void* stream) {
  element_of(given, "x");
  STD_TORCH_CHECK(given.dim() == 4, "x must be (B, C, H, W)");
  const Format format = format_of(given, precision);
  Results to = results_of(given, given.size(1), sums, wide);
  const int64_t positions = given.size(2) * given.size(3);
  if (to.second.numel() == 0 || positions == 0) {
    torch::stable::zero_(to.second);
    torch::stable::zero_(to.sums);
    return {to.second, to.sums};
  }
  if (given.scalar_type() == ScalarType::Double) {
    plain(given, to, sums, stream);
    return {to.second, to.sums};
  }
  const Tensor x = view_of(given) ? given : torch::stable::contiguous(given);
  const View view = *view_of(x);
  GramArgs args{};
  args.x = x.data_ptr();
  args.batch = x.size(0);
  args.channels = x.size(1);
  args.positions = positions;
  args.batch_stride = view.batch_stride;
  args.row_stride = view.row_stride;
  args.copy_bytes = alignment_of(x, view);
  args.layout = view.layout;
  args.format = format;
  args.sums = sums;
  args.splits = gram_splits(args.channels, positions, joined(format));
  const Tensor partials = floats(x, args.batch * args.splits.count * args.splits.floats);
  args.partials = static_cast<float*>(partials.data_ptr());
  check_launch(gram_partials(args, stream));
  reduce(to, partials, args.splits, sums, false, stream);
  return {to.second, to.sums};
}

namespace {

PlainFeatures plain_features(const Tensor& x) {
  return {static_cast<const double*>(x.data_ptr()), x.stride(0), x.stride(1), x.stride(2), x.stride(3)};
}

// `x`, if it is rows of that layout, else a copy that is.
Tensor in_layout(const Tensor& x, Layout layout) {
  return view_of(x, layout) ? x : torch::stable::contiguous(x, format_of(layout));
}

Rows rows_of(const Tensor& x, const View& view) { return {x.data_ptr(), view.batch_stride, view.row_stride}; }

// `to` is in the layout of `x`, and so is `base`.
void backward_by_rows(const Tensor& x, const std::optional<Tensor>& base, const Tensor& to, Layout layout,
                      const Tensor& symmetric, const std::optional<Tensor>& sums, Activation activation,
                      void* stream) {
  const View view = *view_of(x, layout);
  BackwardArgs args{};
  args.x = rows_of(x, view);
  args.copy_bytes = alignment_of(x, view);
  const View out = *view_of(to, layout);
  args.out = rows_of(to, out);
  args.vectors = args.copy_bytes == kChunk && alignment_of(to, out) == kChunk;
  if (base) {
    const View added = *view_of(*base, layout);
    args.base = rows_of(*base, added);
    args.vectors = args.vectors && alignment_of(*base, added) == kChunk;
  }
  args.symmetric = symmetric.data_ptr();
  args.sums = sums ? sums->data_ptr() : nullptr;
  args.wide = symmetric.scalar_type() == ScalarType::Double;
  args.batch = x.size(0);
  args.channels = x.size(1);
  args.positions = x.size(2) * x.size(3);
  args.layout = layout;
  args.format = format_of(x, "ieee");
  args.activation = activation;
  const int64_t rows = args.batch * padded_rows(args.channels);
  const Tensor matrix =
      torch::stable::new_empty(x, {rows * padded_columns(args.channels, bytes_of(x))}, x.scalar_type());
  const Tensor scale = floats(x, rows);
  const Tensor added = floats(x, rows);
  args.matrix = matrix.data_ptr();
  args.scale = static_cast<float*>(scale.data_ptr());
  args.added = static_cast<float*>(added.data_ptr());
  check_launch(gram_backward(args, stream));
}

}  // namespace

Tensor gram_backward_operator(const Tensor& x, const std::optional<Tensor>& base, const Tensor& symmetric,
                              const std::optional<Tensor>& sums, const std::string& activation,
                              void* stream) {
  element_of(x, "x");
  STD_TORCH_CHECK(x.dim() == 4, "x must be (B, C, H, W)");
  const bool doubles = symmetric.scalar_type() == ScalarType::Double;
  STD_TORCH_CHECK(doubles || symmetric.scalar_type() == ScalarType::Float,
                  "symmetric must be float32 or float64");
  STD_TORCH_CHECK(symmetric.is_contiguous() && symmetric.numel() == x.size(0) * x.size(1) * x.size(1),
                  "symmetric must be contiguous (B, C, C)");
  STD_TORCH_CHECK(!sums || (sums->is_contiguous() && sums->scalar_type() == symmetric.scalar_type()),
                  "sums must be contiguous (B, C), of the type of symmetric");
  STD_TORCH_CHECK(
      !base || (base->dim() == 4 && base->numel() == x.numel() && base->scalar_type() == x.scalar_type()),
      "base must have the shape and type of x");
  const Activation kind = activation_of(activation);
  STD_TORCH_CHECK(kind != Activation::silu, "activation must be none, relu or relu6");
  Tensor out = torch::stable::empty_like(x);
  if (x.numel() == 0) return out;
  if (x.scalar_type() == ScalarType::Double) {
    const Tensor matrix = torch::stable::to(symmetric, ScalarType::Double);
    const std::optional<Tensor> added =
        sums ? std::optional<Tensor>(torch::stable::to(*sums, ScalarType::Double)) : std::nullopt;
    PlainBackwardArgs args{};
    args.x = plain_features(x);
    if (base) args.base = plain_features(*base);
    args.out = plain_features(out);
    args.symmetric = static_cast<const double*>(matrix.data_ptr());
    args.sums = added ? static_cast<const double*>(added->data_ptr()) : nullptr;
    args.batch = x.size(0);
    args.channels = x.size(1);
    args.height = x.size(2);
    args.width = x.size(3);
    args.activation = kind;
    check_launch(plain_backward(args, stream));
    return out;
  }
  const std::optional<View> view = view_of(x);
  const Layout layout = view ? view->layout : Layout::planar;
  const std::optional<Tensor> added = base ? std::optional<Tensor>(in_layout(*base, layout)) : std::nullopt;
  if (view && view_of(out, layout)) {
    backward_by_rows(x, added, out, layout, symmetric, sums, kind, stream);
    return out;
  }
  const Tensor dense = torch::stable::contiguous(x, format_of(layout));
  const Tensor result = torch::stable::empty_like(dense);
  backward_by_rows(dense, added, result, layout, symmetric, sums, kind, stream);
  return torch::stable::copy_(out, result);
}

namespace {

int64_t out_size(int64_t size, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  return (size + 2 * padding - (dilation * (kernel - 1) + 1)) / stride + 1;
}

Tensor call(const char* name, const Tensor& x) {
  std::array<StableIValue, 1> stack{torch::stable::detail::from(x)};
  TORCH_ERROR_CODE_CHECK(torch_call_dispatcher(name, "", stack.data(), TORCH_ABI_VERSION));
  return torch::stable::detail::to<Tensor>(stack[0]);
}

// Convolution and activation by torch.
Tensor convolved(const Convolution& c) {
  using torch::stable::detail::from;
  std::array<StableIValue, 9> stack{
      from(c.x),       from(c.weight),   from(c.bias), from(c.stride),
      from(c.padding), from(c.dilation), from(false),  from(std::vector<int64_t>{0, 0}),
      from(c.groups)};
  TORCH_ERROR_CODE_CHECK(torch_call_dispatcher("aten::convolution", "", stack.data(), TORCH_ABI_VERSION));
  const Tensor result = torch::stable::detail::to<Tensor>(stack[0]);
  switch (activation_of(c.activation)) {
    case Activation::none: return result;
    case Activation::relu: return call("aten::relu", result);
    case Activation::relu6: return call("aten::relu6", result);
    default: return call("aten::silu", result);
  }
}

ConvArgs arguments_of(const Convolution& c, int64_t height, int64_t width) {
  const Tensor& x = c.x;
  ConvArgs a{};
  a.x = x.data_ptr();
  a.batch_stride = x.stride(0);
  a.channel_stride = x.stride(1);
  a.row_stride = x.stride(2);
  a.column_stride = x.stride(3);
  a.weight = c.weight.data_ptr();
  a.bias = c.bias ? c.bias->data_ptr() : nullptr;
  a.batch = x.size(0);
  a.in_channels = static_cast<int>(x.size(1));
  a.out_channels = static_cast<int>(c.weight.size(0));
  a.height = static_cast<int>(x.size(2));
  a.width = static_cast<int>(x.size(3));
  a.out_height = static_cast<int>(height);
  a.out_width = static_cast<int>(width);
  a.kernel_height = static_cast<int>(c.weight.size(2));
  a.kernel_width = static_cast<int>(c.weight.size(3));
  a.stride_height = static_cast<int>(c.stride[0]);
  a.stride_width = static_cast<int>(c.stride[1]);
  a.pad_height = static_cast<int>(c.padding[0]);
  a.pad_width = static_cast<int>(c.padding[1]);
  a.dilation_height = static_cast<int>(c.dilation[0]);
  a.dilation_width = static_cast<int>(c.dilation[1]);
  // Eight channels are 16 bytes; strides of sizes that are 1 are never taken.
  const auto aligned = [&](int dim) { return x.size(dim) <= 1 || x.stride(dim) % 8 == 0; };
  a.by_rows = a.kernel_height == 1 && a.kernel_width == 1 && a.in_channels % 8 == 0 && x.stride(1) == 1 &&
              reinterpret_cast<uintptr_t>(a.x) % kChunk == 0 && aligned(0) && aligned(2) && aligned(3);
  const int64_t products = c.weight.size(1) * c.weight.size(2) * c.weight.size(3);
  a.weight_vectors = products % 8 == 0 && reinterpret_cast<uintptr_t>(a.weight) % kChunk == 0;
  a.format = format_of(x, "ieee");
  a.activation = activation_of(c.activation);
  return a;
}

}  // namespace

bool is_fused(const Tensor& x, const Tensor& weight, int64_t groups) {
  const bool half = x.scalar_type() == ScalarType::BFloat16 || x.scalar_type() == ScalarType::Half;
  const int64_t products = weight.size(1) * weight.size(2) * weight.size(3);
  const int64_t most = std::numeric_limits<int32_t>::max();  // of an image's height and width
  const bool small = x.size(2) < most && x.size(3) < most;
  return half && small && groups == 1 && products <= kMostProducts && weight.size(0) <= kMostFused;
}

std::tuple<Tensor, Tensor, Tensor> conv_gram_operator(const Convolution& c, bool features, bool sums,
                                                      bool wide, const std::string& precision, void* stream) {
  element_of(c.x, "x");
  STD_TORCH_CHECK(c.x.dim() == 4 && c.weight.dim() == 4, "x and weight must have four dimensions");
  STD_TORCH_CHECK(c.weight.scalar_type() == c.x.scalar_type() && c.weight.is_contiguous(),
                  "weight must be contiguous, of the type of x");
  STD_TORCH_CHECK(!c.bias || (c.bias->scalar_type() == c.x.scalar_type() && c.bias->is_contiguous()),
                  "bias must be contiguous, of the type of x");
  const Tensor& x = c.x;
  const int64_t channels = c.weight.size(0);
  const int64_t height = out_size(x.size(2), c.weight.size(2), c.stride[0], c.padding[0], c.dilation[0]);
  const int64_t width = out_size(x.size(3), c.weight.size(3), c.stride[1], c.padding[1], c.dilation[1]);
  STD_TORCH_CHECK(height > 0 && width > 0 && channels > 0, "the output must have a position and a channel");
  const auto channels_last = [](const Tensor& map) {  // (B, H, W, C) seen as (B, C, H, W)
    return torch::stable::transpose(torch::stable::transpose(map, 1, 3), 2, 3);
  };
  if (x.size(0) == 0 || !is_fused(x, c.weight, c.groups)) {
    const Tensor map = torch::stable::contiguous(convolved(c), MemoryFormat::ChannelsLast);
    auto [second, totals] = gram_operator(map, sums, wide, precision, stream);
    if (features) return {map, second, totals};
    return {channels_last(torch::stable::new_empty(x, {0, height, width, channels})), second, totals};
  }
  const Tensor map = torch::stable::new_empty(x, {features ? x.size(0) : 0, height, width, channels});
  const Results to = results_of(x, channels, sums, wide);
  ConvArgs args = arguments_of(c, height, width);
  args.features = features ? map.data_ptr() : nullptr;
  args.sums = sums;
  args.splits = conv_splits(channels, height * width);
  const Tensor partials = floats(x, x.size(0) * args.splits.count * args.splits.floats);
  args.partials = static_cast<float*>(partials.data_ptr());
  check_launch(conv_gram(args, stream));
  reduce(to, partials, args.splits, sums, channels <= kMostInRegisters, stream);
  return {channels_last(map), to.second, to.sums};
}

}  // namespace gramstyle::cuda
