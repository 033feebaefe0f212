// One call of sparse_conv_cpu, held against the definition of a convolution, and of its gradient's kernel.
#pragma once

#include <string>
#include <vector>

#include "conv_gram_case.h"
#include "gramstyle/sparse.h"

namespace proofs {

struct SparseCase {
  ConvGramCase conv;  // without activation
  int64_t kept;       // weights of a hundred

  Element made_in() const { return sums_of(conv.x.type); }
};

inline SparseCase draw_sparse(Choices& choose) {
  constexpr int64_t kShares[] = {2, 10, 50};
  SparseCase one{draw_conv_gram(choose), choose.one_of(kShares)};
  one.conv.activation = Activation::none;
  one.conv.kind = choose.once_in(2) ? Kind::whole : Kind::real;  // 0 times infinity is not computed
  one.conv.features = contiguous(one.conv.x.type, one.conv.features.size);
  return one;
}

// Compressed rows of weights, of which most are set to zero.
struct SparseInputs {
  ConvGramInputs dense;
  std::vector<int32_t> columns, rows{0};
  StoredRow values, bias;

  explicit SparseInputs(const SparseCase& one)
      : dense(one.conv), values(thinned(one), one.made_in()), bias(one.conv.features.size[1], one.made_in()) {
    std::vector<double> kept;
    for (int64_t i = 0; i < dense.weight.count(); ++i) {
      if (dense.weight[i] != 0) {
        kept.push_back(dense.weight[i]);
        columns.push_back(int32_t(i % one.conv.depth()));
      }
      if ((i + 1) % one.conv.depth() == 0) rows.push_back(int32_t(kept.size()));
    }
    values.fill([&](int64_t t) { return kept[size_t(t)]; });
    bias.fill([&](int64_t n) { return dense.bias[n]; });
  }

 private:
  int64_t thinned(const SparseCase& one) const {
    Numbers numbers(one.conv.seed + 1);
    int64_t count = 0;
    dense.weight.fill([&](int64_t i) {
      const double value = numbers.below(100) < one.kept ? dense.weight[i] : 0;
      count += value != 0;
      return value;
    });
    return count;
  }
};

inline void call(const SparseCase& one, const SparseInputs& in, const StoredMaps& out, int64_t threads,
                 gramstyle::ParallelFor parallel_for) {
  const Side &v = one.conv.vertical, &h = one.conv.horizontal;
  gramstyle::sparse_conv_cpu(
      {in.dense.x.maps(), in.values.data(), in.columns.data(), in.rows.data(),
       one.conv.bias ? in.bias.data() : nullptr, one.conv.groups, v.kernel, h.kernel, v.stride, h.stride,
       v.padding, h.padding, v.dilation, h.dilation, out.maps(), threads},
      parallel_for);
}

// The kernel that takes gradients back is the same, seen from its inputs.
inline void check_turned(const SparseCase& one, const SparseInputs& in) {
  const int64_t outputs = one.conv.features.size[1], groups = one.conv.groups;
  const int64_t channels = one.conv.x.size[1] / groups, taps = one.conv.depth() / channels;
  const int64_t each = outputs / groups, depth = each * taps;
  const StoredRow values(in.values.count(), one.made_in());
  std::vector<int32_t> columns(in.columns.size()), rows(size_t(channels * groups + 1));
  gramstyle::sparse_turned_cpu({in.values.data(), one.made_in() == Element::float64, in.columns.data(),
                                in.rows.data(), outputs, channels, groups, taps, values.data(),
                                columns.data(), rows.data()});
  check(rows[0] == 0 && rows.back() == int32_t(in.columns.size()), "rows of another length");
  for (int64_t c = 0; c < channels * groups; ++c)
    for (int64_t t = rows[size_t(c)]; t < rows[size_t(c + 1)]; ++t) {
      const int64_t column = columns[size_t(t)], n = c / channels * each + column / taps;
      check(column >= 0 && column < depth && (t == rows[size_t(c)] || columns[size_t(t - 1)] < column),
            "columns that do not ascend");
      const int64_t from = (n * channels + c % channels) * taps + taps - 1 - column % taps;
      check(values[t] == in.dense.weight[from], "another weight");
    }
}

inline void check_case(const SparseCase& one) {
  attempt() = "sparse, " + std::to_string(one.kept) + " of 100: " + words_of(one.conv);
  const SparseInputs in(one);
  const StoredMaps found(one.conv.features), again(one.conv.features);
  on_a_new_thread([&] { call(one, in, found, 1, &one_after_the_other); });
  found.check_gaps();
  check_features(one.conv, in.dense, found.values());
  on_a_new_thread([&] { call(one, in, again, 64, other_order()); });  // tiles shared out
  check(same_bits(found.values(), again.values()), "other features in another order");
  check_turned(one, in);
}

}  // namespace proofs
