// Calls that are too large or too rare for bytes to draw them.
#pragma once

#include <vector>

#include "conv_gram_case.h"
#include "gram_backward_case.h"
#include "gram_case.h"

namespace proofs {

inline GramCase gram_of(Element type, int64_t images, int64_t channels, int64_t height, int64_t width) {
  return {contiguous(type, {images, channels, height, width}), true, false, Kind::whole, 1};
}

// A convolution with a square filter that does not step.
inline ConvGramCase conv_gram_of(Element type, int64_t images, int64_t channels, int64_t outputs,
                                 int64_t kernel, int64_t height, int64_t width) {
  const Side side{kernel, 1, kernel / 2, 1};
  ConvGramCase one{};
  one.x = contiguous(type, {images, channels, height, width});
  one.features = channels_last(type, {images, outputs, side.outputs(height), side.outputs(width)});
  one.groups = 1;
  one.vertical = one.horizontal = side;
  one.bias = one.stored = one.sums = true;
  one.activation = Activation::relu;
  one.seed = 1;
  return one;
}

inline GramBackwardCase gram_backward_of(Element type, int64_t images, int64_t channels, int64_t height,
                                         int64_t width) {
  const Layout x = contiguous(type, {images, channels, height, width});
  return {x, x, x, true, true, false, Activation::relu6, Kind::whole, 1};
}

// Nothing along one side of a map, or one of each.
inline std::vector<GramCase> empty_grams() {
  std::vector<GramCase> found;
  for (const Element type : kElements)
    for (int64_t side = -1; side < 4; ++side) {
      int64_t size[4] = {side < 0 ? 1 : 2, side < 0 ? 1 : 17, side < 0 ? 1 : 3, side < 0 ? 1 : 5};
      if (side >= 0) size[side] = 0;
      found.push_back(gram_of(type, size[0], size[1], size[2], size[3]));
      found.back().wide = type == Element::float64;
    }
  return found;
}

inline std::vector<GramBackwardCase> empty_gram_backwards() {
  std::vector<GramBackwardCase> found;
  for (const GramCase& one : empty_grams()) {
    const int64_t (&size)[4] = one.x.size;
    found.push_back(gram_backward_of(one.x.type, size[0], size[1], size[2], size[3]));
  }
  return found;
}

inline std::vector<ConvGramCase> empty_conv_grams() {
  std::vector<ConvGramCase> found;
  for (const Element type : kElements) {
    found.push_back(conv_gram_of(type, 0, 3, 5, 3, 4, 6));   // no image
    found.push_back(conv_gram_of(type, 1, 1, 1, 1, 1, 1));   // one number
    found.push_back(conv_gram_of(type, 2, 3, 5, 3, 1, 1));   // hardly anything but padding
    found.push_back(conv_gram_of(type, 2, 1, 17, 5, 2, 1));  // and more of it
    ConvGramCase padding = conv_gram_of(type, 2, 3, 5, 3, 1, 6);
    padding.x.size[2] = 0;  // and nothing else
    padding.vertical.padding = 2;
    padding.features = channels_last(type, {2, 5, 2, 6});
    found.push_back(padding);
    for (size_t i = found.size() - 5; i < found.size(); ++i) found[i].wide = type == Element::float64;
  }
  return found;
}

// Maps that are read where they lie: channels together, as many as vectors hold, rows joined or cropped.
inline std::vector<GramCase> direct_grams() {
  std::vector<GramCase> found;
  for (const Element type : {Element::float32, Element::float64})
    for (const int64_t gap : {0, 5}) {
      GramCase one = gram_of(type, 2, 48, 3, 150);
      one.x = channels_last(type, {2, 48, 3, 150});
      one.x.step[2] += gap * 48;
      one.x.step[0] += 3 * gap * 48;
      one.wide = type == Element::float64;
      found.push_back(one);
    }
  return found;
}

inline std::vector<GramBackwardCase> direct_gram_backwards() {
  std::vector<GramBackwardCase> found;
  for (const GramCase& gram : direct_grams()) {
    GramBackwardCase one = gram_backward_of(gram.x.type, 2, 48, 3, 150);
    one.x = one.base = one.out = gram.x;
    one.wide = gram.wide;
    found.push_back(one);
    one.activation = Activation::relu;
    one.base = contiguous(gram.x.type, {2, 48, 3, 150});
    found.push_back(one);
  }
  return found;
}

// The same for convolutions without padding: with steps, dilation and groups, and one channel at a time.
inline std::vector<ConvGramCase> direct_conv_grams() {
  std::vector<ConvGramCase> found;
  for (const Element type : {Element::float32, Element::float64})
    for (const Side& side : {Side{1, 1, 0, 1}, Side{3, 1, 0, 1}, Side{3, 2, 0, 1}, Side{2, 1, 0, 3}})
      for (const int64_t groups : {1, 3, 48, 45}) {  // of 45 a last vector would reach beyond the map
        const int64_t channels = groups == 45 ? 45 : 48;
        ConvGramCase one = conv_gram_of(type, 2, channels, channels, 1, 9, 40);
        one.x = channels_last(type, {2, channels, 9, 40});
        one.vertical = one.horizontal = side;
        one.features = channels_last(type, {2, channels, side.outputs(9), side.outputs(40)});
        one.groups = groups;
        one.wide = type == Element::float64;
        found.push_back(one);
      }
  ConvGramCase large = conv_gram_of(Element::float32, 1, 2, 64, 1, 130, 129);  // 4 MB: past the caches
  large.features = channels_last(Element::float32, {1, 64, 130, 129});
  found.push_back(large);
  return found;
}

// Every activation after every width of a product, and after depthwise filters, with and without a bias.
inline std::vector<ConvGramCase> activated_conv_grams() {
  std::vector<ConvGramCase> found;
  for (const Element type : kElements)
    for (int64_t activation = 0; activation < 4; ++activation)
      for (const int64_t outputs : {1, 7, 13, 20, 30, 45, 60}) {
        for (const int64_t channels : {int64_t(3), outputs}) {
          ConvGramCase one = conv_gram_of(type, 1, channels, outputs, 3, 3, 5);
          one.groups = channels == outputs ? outputs : 1;
          one.activation = Activation(activation);
          one.bias = outputs % 2 == 1;
          one.wide = type == Element::float64;
          found.push_back(one);
        }
      }
  return found;
}

// Sums that need many waves of strips, or that many images share.
inline std::vector<GramCase> long_grams() {
  const auto wide = [](GramCase one) {
    one.wide = true;
    return one;
  };
  const auto large = [](GramCase one) {
    one.kind = Kind::large;
    return one;
  };
  return {
      gram_of(Element::float32, 1, 3, 3, 100001),  // more strips than a wave has
      gram_of(Element::bfloat16, 2, 2, 1, 70000),  // for each of two images
      gram_of(Element::float32, 70, 5, 20, 15),    // several images in a wave, and several waves
      gram_of(Element::float16, 70, 5, 10, 10),    // one strip each
      gram_of(Element::float32, 1, 257, 3, 1400),  // blocks, added up in double on the way
      large(gram_of(Element::float32, 1, 3, 3, 30001)),
      wide(large(gram_of(Element::bfloat16, 2, 5, 1, 9000))),
      wide(large(gram_of(Element::float32, 1, 257, 3, 8001))),
      wide(gram_of(Element::float64, 1, 257, 2, 300)),
      wide(gram_of(Element::float64, 1, 2, 3, 100001)),
  };
}

inline std::vector<ConvGramCase> long_conv_grams() {
  ConvGramCase large = conv_gram_of(Element::float32, 1, 1, 2, 1, 3, 30001);
  large.kind = Kind::large;
  large.wide = true;
  return {
      large,
      conv_gram_of(Element::float32, 1, 1, 2, 1, 3, 100001),
      conv_gram_of(Element::float32, 70, 2, 3, 3, 20, 15),
      conv_gram_of(Element::bfloat16, 30, 2, 200, 1, 5, 60),  // fewer partial sums in a wave
      conv_gram_of(Element::float32, 1, 300, 20, 3, 9, 140),
  };
}

// Addresses that do not fit into 32 bits, neither as bytes nor as elements.
inline std::vector<GramCase> far_grams() {
  std::vector<GramCase> found;
  for (const Element type : {Element::float32, Element::bfloat16}) {
    GramCase one = gram_of(type, 2, 3, 4, 5);
    const int64_t far = (int64_t(1) << 32) + 7;
    one.x.step[1] = -far;
    one.x.step[0] = 3 * far;
    found.push_back(one);
    one.x = channels_last(type, {2, 3, 4, 5});
    one.x.step[2] = far;
    one.x.step[0] = 5 * far;
    found.push_back(one);
  }
  return found;
}

inline std::vector<GramBackwardCase> far_gram_backwards() {
  GramBackwardCase one = gram_backward_of(Element::float32, 2, 3, 4, 5);
  const int64_t far = (int64_t(1) << 32) + 7;
  one.x.step[2] = one.base.step[2] = one.out.step[2] = far;
  one.x.step[0] = one.base.step[0] = one.out.step[0] = -4 * far;
  return {one};
}

inline std::vector<ConvGramCase> far_conv_grams() {
  ConvGramCase one = conv_gram_of(Element::float32, 2, 3, 5, 3, 4, 6);
  const int64_t far = (int64_t(1) << 32) + 7;
  one.x.step[2] = far;
  one.x.step[0] = 4 * far;
  one.features.step[0] = far;
  return {one};
}

}  // namespace proofs
