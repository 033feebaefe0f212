// A panel: some channels at some positions, in shared memory, and how lanes read matrices from it.
//
// Everything here is arithmetic, the same for host and device, and tested on the host.
#pragma once

#include <cstdint>

namespace gramstyle::cuda {

constexpr int kChunk = 16;     // bytes of the widest copy, and of one row of a matrix of ldmatrix
constexpr int kThreads = 256;  // of every kernel on panels
constexpr int kWarps = kThreads / 32;
constexpr int kBlock = 16;       // channels of one fragment
constexpr int kTileColumns = 8;  // a product of fragments is 16 x 8
constexpr int kTileElements = kBlock * kTileColumns;
constexpr int kSuperblock = 128;  // channels whose triangle two warps share

// Planar: the positions of a channel are neighbours (NCHW). Channels-last: the channels of a position
// are (NHWC). A row of a panel is what the layout keeps together.
enum class Layout { planar, channels_last };

// Chunk of a row of `chunks` (4 or a multiple of 8) in which chunk `chunk` of `row` is kept. Eight
// consecutive rows put one chunk into eight different groups of banks, as ldmatrix wants; and
// neighbouring rows put chunks 0-3 and 4-7 into different halves, as stores of four chunks want.
constexpr int swizzled(int row, int chunk, int chunks) {
  const int turned = (row & 1) << 2 | (row >> 1 & 3);
  return chunk ^ (turned & (chunks - 1));
}

// Shape of a stage of the pipeline: `width` channels at `positions` positions, 16 KiB whatever the
// type. Longer rows of a planar panel would be fewer than the copies in flight need.
template <int element_bytes, Layout layout, int width_>
struct Panel {
  static constexpr int width = width_;
  static constexpr int bytes = 16 * 1024;
  static constexpr int step = 32 / element_bytes;  // positions of one product: k of the mma
  static constexpr int positions = bytes / (width * element_bytes);
  static constexpr int elements_of_chunk = kChunk / element_bytes;
  static constexpr bool planar = layout == Layout::planar;
  static constexpr int rows = planar ? width : positions;
  static constexpr int row_bytes = bytes / rows;
  static constexpr int chunks = row_bytes / kChunk;
  static constexpr int stages = 6;  // of the 99 KiB that a block may have on every device from sm_80

  // ldmatrix cannot transpose elements of 32 bits: lanes read them one by one.
  static constexpr bool by_element = !planar && element_bytes == 4;

  static constexpr uint32_t offset(int row, int chunk) {
    // Lanes that read by element differ in row & 3 and in two neighbouring chunks.
    const int kept = by_element ? chunk ^ 2 * (row & 3) : swizzled(row, chunk, chunks);
    return static_cast<uint32_t>(row * row_bytes + kept * kChunk);
  }

  // Four blocks of channels, `group` of them further on, keep their chunks at the same places.
  static constexpr uint32_t group(int group) {
    return static_cast<uint32_t>(group * 4 * kBlock * (planar ? row_bytes : element_bytes));
  }

  // Offset that lane `lane` names to ldmatrix for the fragment (16 channels from 16 block, positions
  // from step * at): the matrices are (channels 0-7, first positions), (8-15, first), (0-7, second
  // half of the positions), (8-15, second). Planar panels are read as they are, others transposed.
  static constexpr uint32_t matrix_row(int lane, int block, int at) {
    const int upper_channels = lane >> 3 & 1;
    const int later_positions = lane >> 4;
    if (planar) return offset(kBlock * block + 8 * upper_channels + (lane & 7), 2 * at + later_positions);
    return offset(16 * at + 8 * later_positions + (lane & 7), 2 * block + upper_channels);
  }

  // Offset of register `index` of the same fragment, for panels read by element.
  static constexpr uint32_t element(int lane, int block, int at, int index) {
    const int channel = kBlock * block + 8 * (index & 1) + (lane >> 2);
    const int position = 8 * at + 4 * (index >> 1) + (lane & 3);
    return offset(position, channel / 4) + static_cast<uint32_t>(4 * (channel % 4));
  }
};

}  // namespace gramstyle::cuda
