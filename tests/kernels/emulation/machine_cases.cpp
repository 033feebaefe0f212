// The emulator itself, and the arithmetic of indices.
//
// Usage: machine_cases GROUP. Prints what failed; the exit status says whether anything did.
#include <set>

#include "cases.h"
#include "gramstyle/cuda/conv_gram.h"
#include "gramstyle/cuda/panel.h"
#include "gramstyle/cuda/roles.h"
#include "gramstyle/cuda/splits.h"
#include "gramstyle/cuda/turned.h"

using namespace gramstyle;
using namespace gramstyle::emulation;
using cuda::Layout;

namespace {

using Body = void (*)();

void run_body(Body body) { body(); }

// What the emulator says of `body`, run by two warps with 1 KiB of shared memory, in any order of threads.
std::string said(Body body) {
  for (uint32_t seed : {0, 1, 2})
    for (bool late : {false, true}) {
      settings = Settings{seed, late};
      if (machine::launch<Body>(run_body, 1, 64, 1024, nullptr, body) != 0) return failure;
    }
  return "";
}

void expect_said(Body body, const std::string& words) {
  const std::string found = said(body);
  const bool right = words.empty() ? found.empty() : found.find(words) != std::string::npos;
  expect(right, "expected '" + words + "', got '" + found + "'");
}

uint32_t own() { return static_cast<uint32_t>(4 * machine::thread()); }
uint32_t neighbours() { return static_cast<uint32_t>(4 * (machine::thread() ^ 1)); }
uint32_t others() { return static_cast<uint32_t>(4 * (machine::thread() ^ 32)); }

alignas(16) unsigned char elsewhere[2048];

void undefined() {
  // In order, nothing is said.
  expect_said(
      [] {
        machine::store_shared(own(), 1);
        machine::sync_block();
        machine::load_shared<int>(others());
        machine::sync_block();
        machine::store_shared(own(), 2);
        machine::sync_warp();
        machine::load_shared<int>(neighbours());
      },
      "");
  expect_said(
      [] {
        machine::copy_async<16>(16 * machine::thread(), elsewhere + 16 * machine::thread(), 16);
        machine::commit_copies();
        machine::wait_copies<0>();
        machine::load_shared<uint4>(16 * machine::thread());
        machine::sync_block();
        machine::load_shared<uint4>(16 * (machine::thread() ^ 32));
      },
      "");
  // And each way to be out of order is.
  expect_said([] { machine::load_shared<int>(own()); }, "that nothing has written");
  expect_said(
      [] {
        machine::store_shared(own(), 1);
        machine::sync_warp();
        machine::load_shared<int>(others());
      },
      "shared memory read");
  expect_said(
      [] {
        machine::store_shared(own(), 1);
        machine::sync_block();
        machine::store_shared(own(), 2);
        machine::load_shared<int>(others());
      },
      "without a barrier after another thread's");
  expect_said(
      [] {
        machine::store_shared(own(), 1);
        machine::sync_block();
        machine::load_shared<int>(others());
        machine::store_shared(own(), 2);
      },
      "without a barrier after another thread's");
  expect_said([] { machine::store_shared(0, machine::thread()); }, "written by two threads");
  expect_said(
      [] {
        machine::store_shared(own(), 1);
        machine::load_shared<int>(neighbours());
        machine::sync_warp();
      },
      "shared memory read");
  expect_said(
      [] {
        machine::copy_async<4>(own(), elsewhere, 4);
        machine::load_shared<int>(own());
      },
      "before the copy was waited for");
  expect_said(
      [] {
        machine::copy_async<4>(own(), elsewhere, 4);
        machine::commit_copies();
        machine::wait_copies<1>();
        machine::load_shared<int>(own());
      },
      "before the copy was waited for");
  expect_said(
      [] {
        machine::copy_async<4>(own(), elsewhere, 4);
        machine::commit_copies();
        machine::wait_copies<0>();
        machine::load_shared<int>(neighbours());
      },
      "shared memory read");
  expect_said(
      [] {
        machine::copy_async<4>(own(), elsewhere, 4);
        machine::store_shared(own(), 1);
      },
      "while a copy to it is under way");
  expect_said(
      [] {
        machine::copy_async<4>(own(), elsewhere, 4);
        machine::commit_copies();
      },
      "ended with copies under way");
  expect_said([] { machine::copy_async<16>(16 * machine::thread(), elsewhere + 4, 16); },
              "from a misaligned address");
  expect_said([] { machine::copy_async<8>(8 * machine::thread(), elsewhere, 9); },
              "more bytes than it has room for");
  expect_said([] { machine::store_shared(own() + 2, 1); }, "misaligned shared memory");
  expect_said([] { machine::store_shared(own() + 1024, 1); }, "outside shared memory");
  expect_said(
      [] {
        if (machine::lane() == 0) {
          machine::sync_warp();
        } else {
          machine::shuffle_xor(0.0f, 1);
        }
      },
      "lanes of a warp are at");
  expect_said(
      [] {
        if (machine::warp() == 0) machine::sync_block();
      },
      "threads wait for others");
  expect_said(
      [] {
        if (machine::lane() != 5) machine::sync_warp();
      },
      "threads wait for others");
  settings = Settings();
  expect(machine::launch<Body>(run_body, 1, 32, 200000, nullptr, [] {}) != 0, "too much shared memory");
  expect(machine::launch<Body>(run_body, 0, 32, 0, nullptr, [] {}) != 0, "no blocks");
}

// Matrices given and taken apart by the tables of the PTX manual, of mma.m16n8k16 and mma.m16n8k8.
double left[16][16], right[16][8];
float result[16][8];

void multiply_half() {
  const int group = machine::lane() / 4, in_group = machine::lane() % 4;
  uint32_t a[4] = {}, b[2] = {};
  for (int i = 0; i < 8; ++i) {  // a0 .. a7
    const int row = i < 2 || (4 <= i && i < 6) ? group : group + 8;
    const int column = in_group * 2 + (i & 1) + (i >= 4 ? 8 : 0);
    a[i / 2] |= static_cast<uint32_t>(to_bfloat16(static_cast<float>(left[row][column]))) << 16 * (i % 2);
  }
  for (int i = 0; i < 4; ++i) {  // b0 .. b3
    const int row = in_group * 2 + (i & 1) + (i >= 2 ? 8 : 0);
    b[i / 2] |= static_cast<uint32_t>(to_bfloat16(static_cast<float>(right[row][group]))) << 16 * (i % 2);
  }
  float sum[4] = {1, 1, 1, 1};
  machine::multiply_bfloat16(sum, a, b[0], b[1]);
  for (int i = 0; i < 4; ++i) result[i < 2 ? group : group + 8][in_group * 2 + (i & 1)] = sum[i];
}

void multiply_single() {
  const int group = machine::lane() / 4, in_group = machine::lane() % 4;
  uint32_t a[4], b[2];
  for (int i = 0; i < 4; ++i)
    a[i] = bits_of(static_cast<float>(left[i % 2 == 0 ? group : group + 8][i < 2 ? in_group : in_group + 4]));
  for (int i = 0; i < 2; ++i) b[i] = bits_of(static_cast<float>(right[in_group + 4 * i][group]));
  float sum[4] = {1, 1, 1, 1};
  machine::multiply_tf32(sum, a, b[0], b[1]);
  for (int i = 0; i < 4; ++i) result[i < 2 ? group : group + 8][in_group * 2 + (i & 1)] = sum[i];
}

void products() {
  std::mt19937 random(3);
  std::uniform_int_distribution<int> small(-8, 8);  // exact in every type
  for (auto& row : left)
    for (double& one : row) one = small(random);
  for (auto& row : right)
    for (double& one : row) one = small(random);
  for (auto [body, depth] : {std::pair<Body, int>{multiply_half, 16}, {multiply_single, 8}}) {
    expect(machine::launch<Body>(run_body, 1, 32, 0, nullptr, body) == 0, failure);
    for (int i = 0; i < 16; ++i)
      for (int j = 0; j < 8; ++j) {
        double sum = 1;
        for (int k = 0; k < depth; ++k) sum += left[i][k] * right[k][j];
        expect(result[i][j] == sum, "product");
      }
  }
}

uint32_t loaded[2][32][4], transposed[32];

void load_all() {
  for (int i = 0; i < 8; ++i) {
    const int element = machine::lane() * 8 + i;  // lane's row of 8 elements
    if (i % 2 == 0) machine::store_shared(2 * element, static_cast<uint32_t>(element | (element + 1) << 16));
  }
  machine::sync_warp();
  machine::load_matrices(loaded[0][machine::lane()], 16 * machine::lane());
  machine::load_matrices_transposed(loaded[1][machine::lane()], 16 * machine::lane());
  transposed[machine::lane()] = machine::transpose_matrix(loaded[0][machine::lane()][2]);
}

void matrices() {
  expect(machine::launch<Body>(run_body, 1, 32, 512, nullptr, load_all) == 0, failure);
  for (int lane = 0; lane < 32; ++lane)
    for (int matrix = 0; matrix < 4; ++matrix)
      for (int half = 0; half < 2; ++half) {
        const int row = lane / 4, column = lane % 4 * 2 + half;
        const auto at = [&](int r, int c) { return static_cast<uint32_t>(64 * matrix + 8 * r + c); };
        const uint32_t plain = loaded[0][lane][matrix] >> 16 * half & 0xffff;
        const uint32_t turned = loaded[1][lane][matrix] >> 16 * half & 0xffff;
        expect(plain == at(row, column) && turned == at(column, row), "ldmatrix");
        if (matrix == 2) expect((transposed[lane] >> 16 * half & 0xffff) == at(column, row), "movmatrix");
      }
}

// Every pair of channels has one element of one tile, and only pairs that exist matter.
void tiles() {
  for (int64_t channels :
       {1, 2, 16, 31, 32, 33, 63, 64, 65, 100, 128, 129, 192, 255, 256, 257, 384, 500, 641}) {
    for (bool turned : {false, true}) {
      if (turned && channels > cuda::kMostInRegisters) continue;
      std::vector<int> seen(channels * channels);
      const int each = cuda::tiles_of(cuda::panel_width(channels));
      for (int role = 0; role < cuda::roles_of(channels); ++role)
        for (int index = 0; index < each; ++index) {
          const cuda::TilePlace place = cuda::place_of(channels, role, index);
          if (place.row < 0) continue;
          for (int i = 0; i < 16; ++i)
            for (int j = 0; j < 8; ++j) {
              if (place.row + i > place.column + j) continue;
              const int64_t one = turned ? cuda::turned_channel(place.row + i) : place.row + i;
              const int64_t other = turned ? cuda::turned_channel(place.column + j) : place.column + j;
              if (one < channels && other < channels)
                ++seen[std::min(one, other) * channels + std::max(one, other)];
            }
        }
      for (int64_t i = 0; i < channels; ++i)
        for (int64_t j = i; j < channels; ++j)
          if (seen[i * channels + j] != 1)
            return expect(false, std::to_string(channels) + " channels: pair " + std::to_string(i) + ", " +
                                     std::to_string(j) + " has " + std::to_string(seen[i * channels + j]));
      expect(true, "");
    }
    // Every pair of superblocks is one unit's; triangles too where units are joined.
    for (bool joined : {false, true}) {
      if (channels <= cuda::kSuperblock) continue;
      std::set<std::pair<int, int>> pairs, triangles;
      const int n = cuda::superblocks_of(channels);
      for (int i = 0; i < cuda::pair_units_of(channels, joined); ++i) {
        const cuda::Unit unit = cuda::pair_unit_of(channels, joined, i);
        if (unit.second < n) expect(pairs.insert({unit.first, unit.second}).second, "a pair twice");
        if (!unit.triangles) continue;
        expect(triangles.insert({unit.first, 0}).second && triangles.insert({unit.second, 0}).second,
               "a triangle twice");
      }
      expect(static_cast<int>(pairs.size()) == n * (n - 1) / 2, "pairs are missing");
      expect(static_cast<int>(triangles.size()) == (joined ? (n + 1) / 2 * 2 : 0), "triangles are missing");
    }
  }
  std::set<int> all;
  for (int i = 0; i < 64; ++i) all.insert(cuda::turned_channel(i));
  expect(all.size() == 64 && *all.begin() == 0 && *all.rbegin() == 63, "turned channels are a permutation");
}

void splits() {
  for (int64_t channels : {3, 64, 65, 128, 200, 256, 512, 1280})
    for (int64_t positions : {int64_t{1}, int64_t{511}, int64_t{512}, int64_t{513}, int64_t{65536},
                              int64_t{1000003}, int64_t{16777216}, int64_t{1} << 33}) {
      for (bool joined : {false, true}) {
        const cuda::Splits s = cuda::gram_splits(channels, positions, joined);
        expect(s.count * s.positions >= positions && (s.count - 1) * s.positions < positions,
               "parts do not cover");
        expect(s.positions % 256 == 0, "a part ends within a panel");
        // Of a part, 8, 4 or 2 warps share the positions; one has them all beyond 128 channels.
        const int chains = channels <= 64 ? 8 : channels <= 128 ? 2 : 1;
        expect(s.positions <= cuda::kChain * chains, "a chain is too long");
        expect(s.floats >= s.tile_floats + channels, "no room for sums");
      }
      if (channels > cuda::kMostFused) continue;
      const cuda::Splits s = cuda::conv_splits(channels, positions);
      expect(s.count * s.positions >= positions && s.positions % 256 == 0, "parts of a convolution");
      expect(s.positions <= cuda::kChain * (channels <= 64    ? 8
                                            : channels <= 128 ? 4
                                                              : 1),
             "a chain is too long");
    }
}

// 16-byte accesses go eight lanes at a time, which must differ in their groups of four banks.
bool distinct(const std::vector<uint32_t>& offsets) {
  std::set<uint32_t> banks;
  for (uint32_t offset : offsets) banks.insert(offset / 16 % 8);
  return banks.size() == offsets.size();
}

template <int element, Layout layout, int width>
void panel() {
  using Panel = cuda::Panel<element, layout, width>;
  const std::string name = std::to_string(element) + " bytes, width " + std::to_string(width);
  std::set<uint32_t> all;
  for (int row = 0; row < Panel::rows; ++row)
    for (int chunk = 0; chunk < Panel::chunks; ++chunk) all.insert(Panel::offset(row, chunk));
  expect(all.size() == Panel::bytes / 16 && *all.rbegin() == Panel::bytes - 16,
         name + ": chunks share a place");
  for (int first = 0; first < cuda::kThreads; first += 8) {  // copies: neighbours have neighbouring chunks
    std::vector<uint32_t> offsets;
    for (int i = first; i < first + 8; ++i)
      offsets.push_back(Panel::offset(i / Panel::chunks, i % Panel::chunks));
    expect(distinct(offsets), name + ": copies conflict");
  }
  for (int block = 0; block < (width == 32 ? 2 : 4); ++block)
    for (int at = 0; at < Panel::positions / Panel::step; ++at) {
      if (!Panel::by_element) {
        for (int matrix = 0; matrix < 4; ++matrix) {
          std::vector<uint32_t> offsets;
          for (int row = 0; row < 8; ++row) offsets.push_back(Panel::matrix_row(8 * matrix + row, block, at));
          expect(distinct(offsets), name + ": rows of a matrix conflict");
        }
        continue;
      }
      for (int index = 0; index < 4; ++index) {
        std::set<uint32_t> banks;
        for (int lane = 0; lane < 32; ++lane) banks.insert(Panel::element(lane, block, at, index) / 4 % 32);
        expect(banks.size() == 32, name + ": elements conflict");
      }
    }
}

void panels() {
  panel<2, Layout::planar, 32>();
  panel<2, Layout::planar, 64>();
  panel<2, Layout::planar, 128>();
  panel<2, Layout::planar, 256>();
  panel<2, Layout::channels_last, 32>();
  panel<2, Layout::channels_last, 64>();
  panel<2, Layout::channels_last, 128>();
  panel<2, Layout::channels_last, 256>();
  panel<4, Layout::planar, 32>();
  panel<4, Layout::planar, 64>();
  panel<4, Layout::planar, 128>();
  panel<4, Layout::planar, 256>();
  panel<4, Layout::channels_last, 32>();
  panel<4, Layout::channels_last, 64>();
  panel<4, Layout::channels_last, 128>();
  panel<4, Layout::channels_last, 256>();
  // Features of the fused convolution: lanes (g, t) store chunk t of 32 channels of row g.
  using Wide = cuda::Panel<2, Layout::channels_last, 256>;
  for (int part = 0; part < 8; ++part)
    for (int first = 0; first < 32; first += 8) {
      std::vector<uint32_t> offsets;
      for (int lane = first; lane < first + 8; ++lane)
        offsets.push_back(Wide::offset(lane / 4, 4 * part + lane % 4));
      expect(distinct(offsets), "stores of features conflict");
    }
}

// Half precision against the values that its definition names.
void halves() {
  for (int bits = 0; bits < 65536; ++bits) {
    const float value = from_float16(static_cast<uint16_t>(bits));
    if (std::isnan(value)) continue;
    expect(to_float16(value) == bits, "float16 there and back");
    const float next = from_float16(static_cast<uint16_t>(bits + 1));
    if ((bits & 0x7fff) >= 0x7bff) continue;
    const float middle = (value + next) / 2;
    expect(to_float16(middle) == (bits % 2 == 0 ? bits : bits + 1), "ties go to even");
    expect(to_float16(std::nextafterf(middle, value)) == bits, "below a tie");
  }
  expect(to_float16(65520.0f) == 0x7c00 && to_float16(65519.0f) == 0x7bff, "beyond the largest");
  expect(from_float16(0x3c00) == 1.0f && from_float16(1) == std::ldexp(1.0f, -24), "one, and the least");
  expect(to_bfloat16(1.00390625f) == 0x3f80 && to_bfloat16(1.01171875f) == 0x3f82,
         "ties of bfloat16 go to even");
  expect(machine::to_tf32(1.00048828125f) == bits_of(1.0009765625f), "ties of TF32 go away from zero");
  expect(truncated(1.0 + std::ldexp(1.9, -24)) == 1.0f && truncated(-1.0 - std::ldexp(1.9, -24)) == -1.0f,
         "toward zero");
}

}  // namespace

int main(int count, char** names) {
  const std::string group = count > 1 ? names[1] : "";
  if (group == "undefined") undefined();
  if (group == "products") products();
  if (group == "matrices") matrices();
  if (group == "tiles") tiles();
  if (group == "splits") splits();
  if (group == "panels") panels();
  if (group == "halves") halves();
  expect(checks > 0, "no such group: " + group);
  return told();
}
