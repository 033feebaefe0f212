// What the operators take and give, whoever computes them.
#pragma once

namespace gramstyle {

constexpr char kGramSchema[] = "gram(Tensor x, bool sums, bool wide, str precision) -> (Tensor, Tensor)";
constexpr char kGramBackwardSchema[] =
    "gram_backward(Tensor x, Tensor? base, Tensor symmetric, Tensor? sums, str activation) -> Tensor";
constexpr char kConvGramSchema[] =
    "conv_gram(Tensor x, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, SymInt[] dilation, "
    "SymInt groups, str activation, bool features, bool sums, bool wide, str precision) "
    "-> (Tensor, Tensor, Tensor)";

}  // namespace gramstyle
