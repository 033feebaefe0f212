// One call of winograd_filter_cpu and winograd_cpu, held against the definition of a convolution.
#pragma once

#include <string>

#include "conv_gram_case.h"
#include "gramstyle/winograd.h"
#include "known.h"

namespace proofs {

struct WinogradCase {
  ConvGramCase conv;  // 3 x 3, one group, without steps

  int64_t channels() const { return conv.x.size[1]; }
  int64_t outputs() const { return conv.features.size[1]; }
  Element made_in() const { return sums_of(conv.x.type); }
};

inline WinogradCase winograd_of(Element type, int64_t images, int64_t channels, int64_t outputs,
                                int64_t padding, int64_t height, int64_t width) {
  WinogradCase one{conv_gram_of(type, images, channels, outputs, 3, height, width)};
  one.conv.vertical.padding = one.conv.horizontal.padding = padding;
  const int64_t grown = 2 * padding - 2;
  one.conv.features = channels_last(type, {images, outputs, height + grown, width + grown});
  return one;
}

inline WinogradCase draw_winograd(Choices& choose) {
  const int64_t channels = choose.between(1, 40), outputs = choose.between(1, 70);
  const int64_t padding = choose.between(-1, 3), least = std::max<int64_t>(1, 3 - 2 * padding);
  const int64_t height = choose.between(least, 20), width = choose.between(least, 20);
  WinogradCase one =
      winograd_of(choose.one_of(kElements), choose.between(1, 3), channels, outputs, padding, height, width);
  one.conv.x = draw_layout(choose, one.conv.x.type, one.conv.x.size, true);
  one.conv.features = draw_layout(choose, one.conv.x.type, one.conv.features.size, false);
  one.conv.bias = !choose.once_in(3);
  one.conv.activation = Activation(choose.below(4));
  one.conv.kind = choose.once_in(2) ? Kind::whole : Kind::real;
  one.conv.seed = choose.seed();
  return one;
}

inline void call(const WinogradCase& one, const ConvGramInputs& in, const StoredMaps& out,
                 gramstyle::ParallelFor parallel_for) {
  const StoredRow filter(gramstyle::winograd_filter_size(one.outputs(), one.channels()), one.made_in());
  gramstyle::winograd_filter_cpu(
      {in.weight.data(), one.conv.x.type, one.outputs(), one.channels(), filter.data()}, parallel_for);
  gramstyle::winograd_cpu(
      {in.x.maps(), filter.data(), one.conv.bias ? in.bias.data() : nullptr, one.conv.vertical.padding,
       one.conv.horizontal.padding, one.conv.activation, out.maps()},
      parallel_for);
}

// Every activation, maps that are read and written where they lie, a strip of tiles more than one, and more
// than 4 MB, which are written past the caches.
inline std::vector<WinogradCase> known_winograds() {
  std::vector<WinogradCase> found;
  for (const Element type : kElements)
    for (int64_t activation = 0; activation < 4; ++activation)
      for (const int64_t channels : {3, 16}) {
        found.push_back(winograd_of(type, 2, channels, 3 * channels, activation % 2, 14, 11));
        found.back().conv.activation = Activation(activation);
        found.push_back(found.back());
        WinogradCase& one = found.back();
        one.conv.x = channels_last(type, one.conv.x.size);
        one.conv.kind = Kind::real;
      }
  found.push_back(winograd_of(Element::float32, 1, 2, 5, 1, 70, 90));
  found.push_back(winograd_of(Element::float32, 1, 1, 64, 1, 130, 129));
  return found;
}

inline void check_case(const WinogradCase& one) {
  attempt() = "winograd: " + words_of(one.conv);
  const ConvGramInputs in = inputs_of(one.conv);
  const StoredMaps found(one.conv.features), again(one.conv.features);
  on_a_new_thread([&] { call(one, in, found, &one_after_the_other); });
  found.check_gaps();
  check_features(one.conv, in, found.values(), 32);  // transforms were seen to lose 12
  on_a_new_thread([&] { call(one, in, again, other_order()); });
  check(same_bits(found.values(), again.values()), "other features in another order");
}

}  // namespace proofs
