//===- AmxGemm.cpp - Integer matrix products on AMX tiles -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks of two by two tiles: 32 output positions by 32 output channels, 64
// bytes of k a step, any mix of signed and unsigned operands, wrapping s32
// sums. Where runs along k are long enough (NHWC convolutions, row-major
// matrices), tiles are loaded from the input itself: a tile's rows are
// neighbouring output positions, so their distance is one stride. Other inputs
// are gathered first.
//
// Tiles are programmed as palette 1 has them everywhere: 8 tiles of 16 rows of
// 64 bytes.
//
//===----------------------------------------------------------------------===//

#include "Plain.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mlir::qopt::cpu {

#if defined(__x86_64__)
namespace {

#define QUANTOPT_AMX                                                           \
  __attribute__((target("amx-tile,amx-int8,avx512f,avx512bw,avx512vl")))

constexpr int kTileRows = 16;
constexpr int64_t kTileBytes = 64; ///< Of one row of a tile.
constexpr int kTileCols = 16;      ///< s32 columns of an output tile.

/// Up to 16 rows with one distance between neighbours.
struct RowSegment {
  int64_t lhsOffset, outOffset; ///< Of the first row, in elements.
  int rows;
};

/// The operands of one block of tiles.
struct Block {
  const uint8_t *lhs[2]; ///< First row of each tile row.
  int64_t lhsStride;     ///< Bytes between rows.
  const int64_t *chunkOffsets;
  int64_t chunks;
  const uint8_t *rhs[2]; ///< Packed columns of each tile column.
  int64_t rhsChunkBytes;
  int32_t *out[2][2];
  int64_t outStride; ///< Bytes between rows.
  bool load;         ///< Start from what `out` holds.
};

/// Tile intrinsics do not tell compilers all that they read: writes before this
/// are in memory after it.
inline void settleMemory(const void *pointer) {
  __asm__ volatile("" : : "r"(pointer) : "memory");
}

// Tile registers: 0-3 sums (2 * row + column), 4-5 left, 6-7 right. Tile
// intrinsics take literal register numbers, hence macros.
#define QUANTOPT_DEFINE_AMX_BLOCK(NAME, MULTIPLY)                              \
  template <int Rows, int Cols> QUANTOPT_AMX void NAME(const Block &block) {   \
    settleMemory(nullptr);                                                     \
    if (block.load) {                                                          \
      _tile_loadd(0, block.out[0][0], block.outStride);                        \
      if (Cols > 1)                                                            \
        _tile_loadd(1, block.out[0][1], block.outStride);                      \
      if (Rows > 1)                                                            \
        _tile_loadd(2, block.out[1][0], block.outStride);                      \
      if (Rows > 1 && Cols > 1)                                                \
        _tile_loadd(3, block.out[1][1], block.outStride);                      \
    } else {                                                                   \
      _tile_zero(0);                                                           \
      if (Cols > 1)                                                            \
        _tile_zero(1);                                                         \
      if (Rows > 1)                                                            \
        _tile_zero(2);                                                         \
      if (Rows > 1 && Cols > 1)                                                \
        _tile_zero(3);                                                         \
    }                                                                          \
    const uint8_t *rhs0 = block.rhs[0], *rhs1 = block.rhs[1];                  \
    for (int64_t i = 0; i < block.chunks; ++i) {                               \
      _tile_loadd(4, block.lhs[0] + block.chunkOffsets[i], block.lhsStride);   \
      _tile_loadd(6, rhs0, kTileBytes);                                        \
      MULTIPLY(0, 4, 6);                                                       \
      if (Cols > 1) {                                                          \
        _tile_loadd(7, rhs1, kTileBytes);                                      \
        MULTIPLY(1, 4, 7);                                                     \
      }                                                                        \
      if (Rows > 1) {                                                          \
        _tile_loadd(5, block.lhs[1] + block.chunkOffsets[i], block.lhsStride); \
        MULTIPLY(2, 5, 6);                                                     \
        if (Cols > 1)                                                          \
          MULTIPLY(3, 5, 7);                                                   \
      }                                                                        \
      rhs0 += block.rhsChunkBytes;                                             \
      rhs1 += block.rhsChunkBytes;                                             \
    }                                                                          \
    _tile_stored(0, block.out[0][0], block.outStride);                         \
    if (Cols > 1)                                                              \
      _tile_stored(1, block.out[0][1], block.outStride);                       \
    if (Rows > 1)                                                              \
      _tile_stored(2, block.out[1][0], block.outStride);                       \
    if (Rows > 1 && Cols > 1)                                                  \
      _tile_stored(3, block.out[1][1], block.outStride);                       \
  }                                                                            \
  constexpr BlockFunction k_##NAME[2][2] = {{NAME<1, 1>, NAME<1, 2>},          \
                                            {NAME<2, 1>, NAME<2, 2>}};

using BlockFunction = void (*)(const Block &);
QUANTOPT_DEFINE_AMX_BLOCK(signedSigned, _tile_dpbssd)
QUANTOPT_DEFINE_AMX_BLOCK(signedUnsigned, _tile_dpbsud)
QUANTOPT_DEFINE_AMX_BLOCK(unsignedSigned, _tile_dpbusd)
QUANTOPT_DEFINE_AMX_BLOCK(unsignedUnsigned, _tile_dpbuud)

/// The memory format of LDTILECFG.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t startRow = 0;
  uint8_t reserved[14] = {};
  uint16_t bytesPerRow[16] = {};
  uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64, "as the instruction expects");

QUANTOPT_AMX void configureTiles(int rows0, int rows1, int64_t chunkBytes) {
  TileConfig config;
  for (int t = 0; t < 8; ++t)
    config.bytesPerRow[t] = kTileBytes;
  config.bytesPerRow[4] = config.bytesPerRow[5] =
      static_cast<uint16_t>(chunkBytes);
  config.rows[0] = config.rows[1] = config.rows[4] =
      static_cast<uint8_t>(rows0);
  config.rows[2] = config.rows[3] = config.rows[5] =
      static_cast<uint8_t>(rows1);
  config.rows[6] = config.rows[7] = static_cast<uint8_t>(chunkBytes / 4);
  settleMemory(&config);
  _tile_loadconfig(&config);
}

QUANTOPT_AMX void releaseTiles() { _tile_release(); }

class AmxGemm : public Kernel {
public:
  explicit AmxGemm(const ImplicitGemm &given);

  void run(const void *lhs, const void *rhs, void *out) const override;
  const char *implementation() const override {
    return gathers ? "plain:amx_int8_gather" : "plain:amx_int8";
  }
  bool isGathering() const { return gathers; }

private:
  int64_t gatheredRowBytes() const {
    return chunkBytes * static_cast<int64_t>(chunkOffsets.size());
  }
  void chooseChunks();
  void makeSegments();
  void packRhs(const uint8_t *rhs, uint8_t *packed) const;
  const uint8_t *packedRhs(const void *rhs) const;
  QUANTOPT_AMX void gather(const RowSegment *first, int64_t count,
                           const uint8_t *lhs, uint8_t *rows) const;
  void runRows(const RowSegment *rows, int64_t count, const uint8_t *lhs,
               const uint8_t *gathered, const uint8_t *rhs, int32_t *out) const;
  void runBlock(const RowSegment *rows, int tileRows, const uint8_t *const *lhs,
                int64_t lhsStride, int64_t column, const uint8_t *rhs,
                int64_t firstChunk, int64_t chunkCount, int32_t *out) const;

  ImplicitGemm gemm;
  int64_t rowTotal, sumTotal;
  bool gathers = false;
  int64_t chunkBytes = 0; ///< Of k per tile: a multiple of 4, at most 64.
  std::vector<int64_t> chunkOffsets;          ///< In a row of the left operand.
  int64_t lhsRowStride = 0, outRowStride = 0; ///< Inside a segment.
  std::vector<RowSegment> segments;
  int64_t blockSegments = 0; ///< Segments handled at a time.
  int64_t runLength = 0;     ///< Of the left operand along k, and the offset
  std::vector<int64_t> runOffsets; ///< of each run; for gathering.
  int64_t columnTiles, rhsTileBytes, rhsGroupBytes;
  std::vector<int64_t> rhsOffsets;
  const BlockFunction (*blocks)[2];
  mutable std::once_flag once;
  mutable AlignedBuffer constantRhs;
};

AmxGemm::AmxGemm(const ImplicitGemm &given)
    : gemm(given), rowTotal(gemm.rowCount()), sumTotal(gemm.sumCount()),
      rhsOffsets(sumOffsets(gemm, /*rhs=*/true)) {
  chooseChunks();
  makeSegments();
  columnTiles = (gemm.n + kTileCols - 1) / kTileCols;
  rhsTileBytes = gatheredRowBytes() * kTileCols;
  rhsGroupBytes = columnTiles * rhsTileBytes;
  bool lhsSigned = gemm.lhsType == ElementType::S8;
  bool rhsSigned = gemm.rhsType == ElementType::S8;
  blocks = lhsSigned ? (rhsSigned ? k_signedSigned : k_signedUnsigned)
                     : (rhsSigned ? k_unsignedSigned : k_unsignedUnsigned);
}

/// Cuts k into equal chunks. Reading the input in place needs them inside its
/// contiguous runs; small ones waste more than gathering costs.
void AmxGemm::chooseChunks() {
  runLength = gemm.runLength();
  for (chunkBytes = std::min(kTileBytes, runLength / 4 * 4);
       chunkBytes > 0 && runLength % chunkBytes != 0; chunkBytes -= 4)
    ;
  constexpr int64_t kMinChunk = 32;
  gathers = chunkBytes < kMinChunk && chunkBytes < sumTotal;
  std::vector<int64_t> lhsOffsets = sumOffsets(gemm, /*rhs=*/false);
  if (!gathers) {
    for (int64_t k = 0; k < sumTotal; k += chunkBytes)
      chunkOffsets.push_back(lhsOffsets[k]);
    return;
  }
  for (int64_t k = 0; k < sumTotal; k += runLength)
    runOffsets.push_back(lhsOffsets[k]);
  int64_t chunks = (sumTotal + kTileBytes - 1) / kTileBytes;
  chunkBytes = ((sumTotal + chunks - 1) / chunks + 3) / 4 * 4;
  for (int64_t i = 0; i < chunks; ++i)
    chunkOffsets.push_back(i * chunkBytes);
}

/// Cuts rows into tiles of equal distance, as even in size as possible: fewer
/// changes of the tile configuration.
void AmxGemm::makeSegments() {
  const ImplicitGemm::RowDim &inner = gemm.rows.back();
  outRowStride = inner.outStride;
  lhsRowStride = inner.lhsStride;
  std::vector<int64_t> lhsOffset(rowTotal), outOffset(rowTotal);
  rowOffsets(gemm, 0, rowTotal, lhsOffset.data(), outOffset.data());
  int64_t pieces = (inner.extent + kTileRows - 1) / kTileRows;
  for (int64_t row = 0; row < rowTotal; row += inner.extent)
    for (int64_t piece = 0; piece < pieces; ++piece) {
      int64_t begin = row + piece * inner.extent / pieces;
      int64_t end = row + (piece + 1) * inner.extent / pieces;
      segments.push_back(
          {lhsOffset[begin], outOffset[begin], static_cast<int>(end - begin)});
    }
  // Rows are handled in blocks whose outputs, and gathered inputs, stay in the
  // second-level cache while the columns pass.
  constexpr int64_t kBlockBytes = 512 * 1024;
  int64_t pairBytes =
      2 * kTileRows * (gemm.n * 4 + (gathers ? gatheredRowBytes() : 0));
  blockSegments = 2 * std::max<int64_t>(kBlockBytes / pairBytes, 1);
  // Where outputs outweigh a right operand that stays there too, finish two
  // tile rows at a time, so that outputs are written in their order.
  constexpr int64_t kSmallRhs = 300 * 1024;
  if (gemm.n > sumTotal && gemm.n * sumTotal <= kSmallRhs)
    blockSegments = 2;
}

/// Four rows of 16 columns to 16 columns of four rows.
inline void interleave(const uint8_t *from, const int64_t *offsets,
                       uint8_t *to) {
  __m128i row[4];
  for (int i = 0; i < 4; ++i)
    row[i] =
        _mm_loadu_si128(reinterpret_cast<const __m128i *>(from + offsets[i]));
  __m128i low01 = _mm_unpacklo_epi8(row[0], row[1]);
  __m128i high01 = _mm_unpackhi_epi8(row[0], row[1]);
  __m128i low23 = _mm_unpacklo_epi8(row[2], row[3]);
  __m128i high23 = _mm_unpackhi_epi8(row[2], row[3]);
  auto *out = reinterpret_cast<__m128i *>(to);
  _mm_storeu_si128(out, _mm_unpacklo_epi16(low01, low23));
  _mm_storeu_si128(out + 1, _mm_unpackhi_epi16(low01, low23));
  _mm_storeu_si128(out + 2, _mm_unpacklo_epi16(high01, high23));
  _mm_storeu_si128(out + 3, _mm_unpackhi_epi16(high01, high23));
}

/// Column tiles in order, each [chunk][k / 4][column][k % 4], padded with 0.
void AmxGemm::packRhs(const uint8_t *rhs, uint8_t *packed) const {
  int64_t groups = gemm.rhsGroup ? gemm.groups : 1;
  int64_t paddedSum = gatheredRowBytes();
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t tile = 0; tile < columnTiles; ++tile) {
      int64_t first = tile * kTileCols;
      int64_t cols = std::min<int64_t>(kTileCols, gemm.n - first);
      if (cols < kTileCols || paddedSum != sumTotal)
        std::memset(packed, 0, rhsTileBytes);
      const uint8_t *from = rhs + g * gemm.rhsGroup + first * gemm.rhsStride;
      int64_t k = 0;
      if (gemm.rhsStride == 1 && cols == kTileCols)
        for (; k + 4 <= sumTotal; k += 4)
          interleave(from, &rhsOffsets[k], packed + k / 4 * kTileBytes);
      else if (gemm.sums.back().rhsStride == 1 &&
               gemm.sums.back().extent % 4 == 0)
        for (; k < sumTotal; k += 4)
          for (int64_t c = 0; c < cols; ++c)
            std::memcpy(packed + k / 4 * kTileBytes + 4 * c,
                        from + rhsOffsets[k] + c * gemm.rhsStride, 4);
      for (; k < sumTotal; ++k) {
        uint8_t *to = packed + k / 4 * kTileBytes + k % 4;
        const uint8_t *row = from + rhsOffsets[k];
        for (int64_t c = 0; c < cols; ++c)
          to[4 * c] = row[c * gemm.rhsStride];
      }
      packed += rhsTileBytes;
    }
}

const uint8_t *AmxGemm::packedRhs(const void *rhs) const {
  const auto *from = static_cast<const uint8_t *>(rhs);
  size_t bytes = (gemm.rhsGroup ? gemm.groups : 1) * rhsGroupBytes;
  if (!gemm.rhsConstant) {
    auto *packed = static_cast<uint8_t *>(scratch(ScratchSlot::Rhs, bytes));
    packRhs(from, packed);
    return packed;
  }
  std::call_once(once, [&] {
    constantRhs = AlignedBuffer(bytes);
    packRhs(from, static_cast<uint8_t *>(constantRhs.data()));
  });
  return static_cast<const uint8_t *>(constantRhs.data());
}

/// Copies the rows of some segments, one after the other, padded with 0.
QUANTOPT_AMX void AmxGemm::gather(const RowSegment *first, int64_t count,
                                  const uint8_t *lhs, uint8_t *rows) const {
  int64_t padding = gatheredRowBytes() - sumTotal;
  for (const RowSegment *segment = first; segment < first + count; ++segment)
    for (int r = 0; r < segment->rows; ++r) {
      const uint8_t *row = lhs + segment->lhsOffset + r * lhsRowStride;
      for (int64_t offset : runOffsets) {
        const uint8_t *from = row + offset;
        for (int64_t rest = runLength; rest > 0; rest -= 64) {
          // Masks rather than memcpy: runs are short.
          __mmask64 mask = rest >= 64 ? ~0ull : (1ull << rest) - 1;
          _mm512_mask_storeu_epi8(rows, mask,
                                  _mm512_maskz_loadu_epi8(mask, from));
          int64_t copied = std::min<int64_t>(rest, 64);
          rows += copied;
          from += copied;
        }
      }
      std::memset(rows, 0, padding);
      rows += padding;
    }
}

/// One or two tile rows by one or two tile columns. `lhs[i]` is the first row
/// of `rows[i]`.
void AmxGemm::runBlock(const RowSegment *rows, int tileRows,
                       const uint8_t *const *lhs, int64_t lhsStride,
                       int64_t column, const uint8_t *rhs, int64_t firstChunk,
                       int64_t chunkCount, int32_t *out) const {
  bool load = gemm.accumulate || firstChunk > 0;
  int64_t cols = std::min<int64_t>(2 * kTileCols, gemm.n - column);
  int tileCols = cols > kTileCols ? 2 : 1;
  // Tiles store whole rows; the others go through memory of our own.
  bool direct = gemm.outStride == 1 && cols == tileCols * kTileCols;
  alignas(64) int32_t sums[2 * kTileRows][2 * kTileCols];
  constexpr int64_t kSumsStride = sizeof(sums[0]);

  Block block;
  block.lhsStride = lhsStride;
  block.chunkOffsets = chunkOffsets.data() + firstChunk;
  block.chunks = chunkCount;
  block.rhsChunkBytes = chunkBytes * kTileCols;
  block.outStride = direct ? outRowStride * 4 : kSumsStride;
  block.load = load && direct;
  for (int i = 0; i < 2; ++i) {
    block.lhs[i] = lhs[i];
    int64_t tile = column / kTileCols + (i < tileCols ? i : 0);
    block.rhs[i] = rhs + tile * rhsTileBytes + firstChunk * block.rhsChunkBytes;
    int64_t rowOffset = rows[i < tileRows ? i : 0].outOffset;
    for (int j = 0; j < 2; ++j)
      block.out[i][j] = direct ? out + rowOffset + column + j * kTileCols
                               : &sums[i * kTileRows][j * kTileCols];
  }
  blocks[tileRows - 1][tileCols - 1](block);
  if (direct)
    return;
  for (int i = 0; i < tileRows; ++i)
    for (int r = 0; r < rows[i].rows; ++r) {
      auto *to = reinterpret_cast<uint32_t *>(out) + rows[i].outOffset +
                 r * outRowStride + column * gemm.outStride;
      const int32_t *from = sums[i * kTileRows + r];
      for (int64_t c = 0; c < cols; ++c) {
        uint32_t before = load ? to[c * gemm.outStride] : 0;
        to[c * gemm.outStride] = before + static_cast<uint32_t>(from[c]);
      }
    }
}

/// All columns of some rows. `gathered` holds those rows where not null.
void AmxGemm::runRows(const RowSegment *rows, int64_t count, const uint8_t *lhs,
                      const uint8_t *gathered, const uint8_t *rhs,
                      int32_t *out) const {
  // Right panels of 32 columns by this much of k stay in the second-level
  // cache.
  constexpr int64_t kSumBlock = 8192;
  int64_t chunks = static_cast<int64_t>(chunkOffsets.size());
  int64_t blockChunks = std::max<int64_t>(kSumBlock / chunkBytes, 1);
  int64_t lhsStride = gathered ? gatheredRowBytes() : lhsRowStride;
  int rows0 = 0, rows1 = 0; // As configured.
  for (int64_t first = 0; first < chunks; first += blockChunks) {
    int64_t chunkCount = std::min(blockChunks, chunks - first);
    for (int64_t column = 0; column < gemm.n; column += 2 * kTileCols) {
      const uint8_t *next = gathered;
      for (int64_t s = 0; s < count; s += 2) {
        int tileRows = s + 1 < count ? 2 : 1;
        const RowSegment *pair[2] = {rows + s, rows + s + tileRows - 1};
        if (pair[0]->rows != rows0 || pair[1]->rows != rows1) {
          rows0 = pair[0]->rows;
          rows1 = pair[1]->rows;
          configureTiles(rows0, rows1, chunkBytes);
        }
        const uint8_t *tiles[2];
        for (int i = 0; i < 2; ++i) {
          tiles[i] = gathered ? next : lhs + pair[i]->lhsOffset;
          next += gathered && i < tileRows ? pair[i]->rows * lhsStride : 0;
        }
        runBlock(rows + s, tileRows, tiles, lhsStride, column, rhs, first,
                 chunkCount, out);
      }
    }
  }
}

void AmxGemm::run(const void *lhs, const void *rhs, void *out) const {
  if (gemm.swapped)
    std::swap(lhs, rhs);
  const uint8_t *packed = packedRhs(rhs);
  auto *gathered = gathers ? static_cast<uint8_t *>(scratch(
                                 ScratchSlot::Lhs, blockSegments * kTileRows *
                                                       gatheredRowBytes()))
                           : nullptr;
  int64_t total = static_cast<int64_t>(segments.size());
  for (int64_t g = 0; g < gemm.groups; ++g) {
    const auto *groupLhs =
        static_cast<const uint8_t *>(lhs) + g * gemm.lhsGroup;
    for (int64_t first = 0; first < total; first += blockSegments) {
      int64_t count = std::min(blockSegments, total - first);
      if (gathers)
        gather(&segments[first], count, groupLhs, gathered);
      runRows(&segments[first], count, groupLhs, gathered,
              packed + (gemm.rhsGroup ? g * rhsGroupBytes : 0),
              static_cast<int32_t *>(out) + g * gemm.outGroup);
    }
  }
  releaseTiles();
}

} // namespace

std::unique_ptr<Kernel> createAmxGemm(const ImplicitGemm &gemm,
                                      bool mayGather) {
  // Thin products leave tiles empty; very short runs are gathered too slowly.
  if (vectorLevel() < VectorLevel::Amx || gemm.n < 8 || gemm.sumCount() < 32 ||
      gemm.runLength() < 4)
    return nullptr;
  auto kernel = std::make_unique<AmxGemm>(gemm);
  if (kernel->isGathering() && !mayGather)
    return nullptr;
  return kernel;
}

#else

std::unique_ptr<Kernel> createAmxGemm(const ImplicitGemm &, bool) {
  return nullptr;
}

#endif

} // namespace mlir::qopt::cpu
