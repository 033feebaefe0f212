// Which sums each warp of a block keeps, and how they grow by a step of a panel.
#pragma once

#include "gramstyle/cuda/roles.h"
#include "sums.cuh"

namespace gramstyle::cuda {

// Kinds of work of a warp: the whole triangle of a narrow panel; of a wide one, a role with a triangle,
// its triangle alone, its rectangle alone, or a square; or nothing.
enum class Kind { whole, both, triangle, rectangle, square, nothing };

// What this warp does: a role, numbered `number` among all of the matrix, or its tiles from `first` on,
// at the positions of slice `slice` of each panel. `place` tells apart the warps of a slice.
struct Duty {
  Kind kind;
  Role role;
  int number, first;
  int slice, slices, place, places;
};

template <int width, bool joined>
__device__ __forceinline__ Duty duty_of(int64_t channels, const Unit& unit) {
  const int warp = machine::warp();
  const int half = warp % 2;
  if (width <= 64) return {Kind::whole, {0, 0, 0}, 0, 0, warp, kWarps, 0, 1};
  if (width == 128) {
    const Role role = triangle_role(0, half);
    const int number = triangle_number(unit.first, half);
    const bool exists = unit.first * kSuperblock + half * 64 < channels;
    if (joined) return {exists ? Kind::both : Kind::nothing, role, number, 0, warp / 2, 4, half, 2};
    const bool triangle = warp / 2 % 2 == 0;
    const Kind kind = triangle ? Kind::triangle : Kind::rectangle;
    const int first = triangle ? 0 : kTriangleTiles;
    return {exists ? kind : Kind::nothing, role, number, first, warp / 4, 2, warp % 4, 4};
  }
  if (unit.triangles && warp < 4) {
    const int superblock = warp < 2 ? unit.first : unit.second;
    const bool exists = superblock * kSuperblock + half * 64 < channels;
    const Role role = triangle_role(warp / 2, half);
    return {exists ? Kind::both : Kind::nothing, role, triangle_number(superblock, half), 0, 0, 1, warp, 8};
  }
  const int part = unit.triangles ? square_of_warp(warp) : warp % 4;
  const bool exists = unit.second * kSuperblock + part % 2 * 64 < channels;
  const int number = square_number(superblocks_of(channels), unit.first, unit.second, part);
  Role role = square_role(part);
  if (!joined) {  // half a square
    role.row += 2 * (warp / 4);
    return {
        exists ? Kind::rectangle : Kind::nothing, role, number, warp / 4 * (kSquareTiles / 2), 0, 1, warp, 8};
  }
  const Kind kind = exists ? Kind::square : Kind::nothing;
  if (unit.triangles) return {kind, role, number, 0, 0, 1, warp, 8};
  return {kind, role, number, 0, warp / 4, 2, part, 4};
}

constexpr bool has_totals(Kind kind) { return kind <= Kind::triangle; }

constexpr int tiles_of(int width, Kind kind) {
  switch (kind) {
    case Kind::triangle: return kTriangleTiles;
    case Kind::rectangle: return kSquareTiles / 2;
    case Kind::square: return kSquareTiles;
    case Kind::nothing: return 1;
    default: return tiles_of(width);
  }
}

template <int width, Kind kind>
using SumsOf = Sums<tiles_of(width, kind), !has_totals(kind) ? 0
                                           : width == 32     ? 2
                                                             : 4>;

// Shared memory that sums of one warp take at most while they are combined, and those of all that lend
// theirs.
constexpr int combined_bytes(int width) {
  if (width == 32) return SumsOf<32, Kind::whole>::bytes;
  return width == 64 ? SumsOf<64, Kind::whole>::bytes : SumsOf<256, Kind::both>::bytes;
}
constexpr int combining_bytes(int width) { return kWarps / 2 * combined_bytes(width); }

template <class Format, class Panel, Kind kind, class Sums>
__device__ __forceinline__ void add_step(Sums& sums, const Role& role, uint32_t panel, int at, bool totals) {
  if constexpr (has_totals(kind)) {
    constexpr int kBlocks = Panel::width == 32 ? 2 : 4;
    add_triangle<Format, Panel, kBlocks>(sums, panel + Panel::group(role.diagonal / 4), at, totals);
  }
  const uint32_t left = panel + Panel::group(role.row / 4);
  const uint32_t right = panel + Panel::group(role.column / 4);
  if constexpr (kind == Kind::both)
    add_rectangle<Format, Panel, Panel, 2, kTriangleTiles>(sums, left, role.row % 4, right, at);
  if constexpr (kind == Kind::rectangle)
    add_rectangle<Format, Panel, Panel, 2, 0>(sums, left, role.row % 4, right, at);
  if constexpr (kind == Kind::square) add_rectangle<Format, Panel, Panel, 4, 0>(sums, left, 0, right, at);
}

}  // namespace gramstyle::cuda
