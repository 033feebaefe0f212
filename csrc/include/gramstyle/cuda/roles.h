// Which 16 x 8 tiles of the upper triangle each warp sums, and where they lie.
#pragma once

#include <cstdint>

#include "gramstyle/cuda/panel.h"

namespace gramstyle::cuda {

// Channels of the panel that serves `channels`: 32, 64, 128 or 256.
constexpr int panel_width(int64_t channels) {
  return channels <= 32 ? 32 : channels <= 64 ? 64 : channels <= 128 ? 128 : 256;
}

// Tiles whose sums a warp keeps in registers. Up to 64 channels a warp has the whole triangle. Beyond,
// it has the triangle of 64 channels (20) with half a square of 64 (16), or a square of 64 (32).
constexpr int kTriangleTiles = 20;
constexpr int kSquareTiles = 32;
constexpr int tiles_of(int width) { return width == 32 ? 6 : width == 64 ? kTriangleTiles : 36; }

// What a warp sums. Numbers count blocks of 16 channels of the panel.
struct Role {
  int diagonal;  // first block of the triangle; -1: the warp has a square
  int row;       // first block of the rectangle's rows: two of them beside a triangle, else four
  int column;    // first of its four blocks of columns
};

// Half `half` of the triangle of the superblock that is number `place` in the panel.
constexpr Role triangle_role(int place, int half) {
  return {8 * place + 4 * half, 8 * place + 2 * half, 8 * place + 4};
}

// Square `part` of the products of the panel's first superblock with its second.
constexpr Role square_role(int part) { return {-1, 4 * (part / 2), 8 + 4 * (part % 2)}; }

// Squares of warps 4 to 7 where a block has two superblocks. Of 192 channels squares 1 and 3 are
// empty; so the schedulers of warps 2 and 3, which have less then, get the others.
constexpr int square_of_warp(int warp) { return warp == 4 ? 3 : warp == 5 ? 1 : warp == 6 ? 0 : 2; }

// Where a tile begins: channels of the panel, or of the Gram matrix.
struct TilePlace {
  int row, column;
};

constexpr TilePlace triangle_tile(int index) {
  int row = 0;
  int left = index;
  for (int size = 8; left >= size; size -= 2) {
    left -= size;
    ++row;
  }
  return {kBlock * row, kTileColumns * (2 * row + left)};
}

constexpr TilePlace tile_of(const Role& role, int index) {
  const bool triangle = role.diagonal >= 0;
  if (triangle && index < kTriangleTiles) {
    const TilePlace inside = triangle_tile(index);
    return {kBlock * role.diagonal + inside.row, kBlock * role.diagonal + inside.column};
  }
  const int at = triangle ? index - kTriangleTiles : index;
  return {kBlock * (role.row + at / 8), kBlock * role.column + kTileColumns * (at % 8)};
}

constexpr int superblocks_of(int64_t channels) {
  return static_cast<int>((channels + kSuperblock - 1) / kSuperblock);
}

// Roles of a whole Gram matrix: two for the triangle of each superblock, then four for each pair of
// superblocks; one up to 64 channels.
constexpr int roles_of(int64_t channels) {
  const int n = superblocks_of(channels);
  return channels <= 64 ? 1 : 2 * n + 2 * n * (n - 1);
}

constexpr int triangle_number(int superblock, int half) { return 2 * superblock + half; }

constexpr int square_number(int superblocks, int first, int second, int part) {
  const int pair = first * superblocks - first * (first + 1) / 2 + (second - first - 1);
  return 2 * superblocks + 4 * pair + part;
}

// Where tile `index` of role `number` begins in the Gram matrix; row -1: the role has no such tile.
constexpr TilePlace place_of(int64_t channels, int number, int index) {
  if (channels <= 32) {
    return index < 4 ? TilePlace{0, kTileColumns * index} : TilePlace{kBlock, kTileColumns * (index - 2)};
  }
  if (channels <= 64) return triangle_tile(index);
  const int n = superblocks_of(channels);
  if (number < 2 * n) {
    const TilePlace tile = tile_of(triangle_role(0, number % 2), index);
    return {kSuperblock * (number / 2) + tile.row, kSuperblock * (number / 2) + tile.column};
  }
  if (index >= kSquareTiles) return {-1, -1};
  int left = (number - 2 * n) / 4;
  int first = 0;
  for (; left >= n - 1 - first; ++first) left -= n - 1 - first;
  const TilePlace tile = tile_of(square_role((number - 2 * n) % 4), index);
  // The panel's second superblock is the one `left` after the next.
  return {kSuperblock * first + tile.row, kSuperblock * (first + left) + tile.column};
}

// What a block of threads works on: a superblock's triangle, or the products of two superblocks, or
// both and the two triangles.
struct Unit {
  int first, second;
  bool triangles;
};

// Units of panels of 256 channels. Joined, neighbouring superblocks are taken together with their
// triangles, and other pairs follow; else all pairs, and triangles are left to panels of 128.
constexpr int pair_units_of(int64_t channels, bool joined) {
  const int n = superblocks_of(channels);
  return n * (n - 1) / 2 + (joined ? (n + 1) / 2 - n / 2 : 0);
}

constexpr Unit pair_unit_of(int64_t channels, bool joined, int number) {
  const int n = superblocks_of(channels);
  const int together = joined ? (n + 1) / 2 : 0;
  if (number < together) return {2 * number, 2 * number + 1, true};
  int left = number - together;
  int first = 0;
  for (;; ++first) {
    const int next = (joined ? first | 1 : first) + 1;
    if (left < n - next) return {first, next + left, false};
    left -= n - next;
  }
}

}  // namespace gramstyle::cuda
