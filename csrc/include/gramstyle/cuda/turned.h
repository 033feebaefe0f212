// The order in which the register-resident convolution keeps its output channels.
//
// A lane (g, t) of a product holds rows 2t and 2t + 1 of each group of eight, once transposed. With
// the rows of four groups chosen as below those are eight neighbouring channels, 16 bytes of an
// image that has its channels last.
#pragma once

namespace gramstyle::cuda {

constexpr int kTurned = 32;  // channels whose order changes, among themselves

// Channel that stands at place `at`.
constexpr int turned_channel(int at) {
  const int group = at % kTurned / 8;
  const int row = at % 8;
  return at / kTurned * kTurned + 8 * (row / 2) + 2 * group + row % 2;
}

}  // namespace gramstyle::cuda
