//===- GemmConfigs.cpp - The configurations there are ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tables of tiles, and how they are fitted to a shape and a chip: fewer stages
// where shared memory or K is short, K split over blocks where tiles are few.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Kernels/CostModel.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
struct Tile {
  int64_t blockM, blockN, blockK, warpM, warpN, stages;
};
} // namespace

// Warps of 64x64 need 64 bytes of shared memory per clock at the full rate of
// the tensor cores, 64x32 96, and 32x32 all 128: large ones first. The last
// ones are for few rows.
static constexpr Tile kMmaTiles[] = {
    {128, 256, 64, 64, 64, 4},  {256, 128, 64, 64, 64, 4},
    {128, 256, 128, 64, 64, 3}, {256, 128, 128, 64, 64, 3},
    {128, 128, 128, 64, 64, 4}, {128, 128, 64, 64, 32, 5},
    {64, 256, 64, 64, 64, 5},   {256, 64, 64, 64, 64, 5},
    {128, 64, 128, 64, 32, 5},  {64, 128, 128, 32, 64, 5},
    {128, 64, 64, 64, 32, 6},   {64, 128, 64, 32, 64, 6},
    {64, 64, 128, 32, 32, 5},   {64, 64, 64, 32, 32, 6},
    {32, 128, 128, 32, 32, 5},  {32, 64, 128, 16, 32, 6},
    {16, 128, 128, 16, 32, 6},  {16, 64, 128, 16, 16, 6}};

// block_m is rounded up from M; warps side by side along N.
static constexpr int64_t kDp4aRows[] = {1, 2, 4, 8, 16};
static constexpr int64_t kDp4aColumnsPerWarp[] = {1, 2, 4};
static constexpr int64_t kDp4aWarps[] = {8, 4, 2};
static constexpr int64_t kDp4aDepths[] = {1024, 512};

static constexpr Tile kSimtTiles[] = {
    {128, 128, 8, 8, 8, 1}, {128, 64, 16, 8, 4, 1}, {64, 128, 16, 4, 8, 1},
    {64, 64, 16, 4, 4, 1},  {32, 64, 16, 2, 4, 1},  {32, 32, 32, 2, 2, 1},
    {16, 32, 32, 2, 2, 1},  {16, 16, 32, 2, 2, 1}};

/// K is split where tiles leave multiprocessors idle, into parts of this many
/// steps at least.
static constexpr int64_t kMinSplitSteps = 2;
static constexpr int64_t kSplits[] = {2, 3, 4, 6, 8, 12, 16, 24, 32};

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

namespace {
/// Collects the candidates that fit.
class Candidates {
public:
  Candidates(MLIRContext *context, const ChipInfo &chip)
      : context(context), chip(chip) {}

  bool add(GemmKind kind, const Tile &tile, int64_t stages, int64_t splitK) {
    auto config = GemmConfigAttr::get(context, kind, tile.blockM, tile.blockN,
                                      tile.blockK, tile.warpM, tile.warpN,
                                      stages, splitK);
    if (getBlocksPerMultiprocessor(config, chip) == 0)
      return false;
    configs.push_back(config);
    return true;
  }

  void addMma(const GemmShape &shape);
  void addDp4a(const GemmShape &shape);

  SmallVector<GemmConfigAttr> configs;

private:
  MLIRContext *context;
  const ChipInfo &chip;
};
} // namespace

void Candidates::addMma(const GemmShape &shape) {
  constexpr int64_t kMinStages = 2;
  for (const Tile &tile : kMmaTiles) {
    int64_t steps = ceilDiv(shape.getDepth(), tile.blockK);
    auto addSplit = [&](int64_t splitK) {
      // More stages than steps would only take shared memory.
      int64_t stages = std::min(tile.stages, ceilDiv(steps, splitK) + 1);
      for (stages = std::max(stages, kMinStages); stages >= kMinStages;
           --stages)
        if (add(GemmKind::Mma, tile, stages, splitK))
          return;
    };
    addSplit(1);
    // Sums of floats depend on their order.
    if (!shape.isInteger)
      continue;
    int64_t tiles = shape.batch * ceilDiv(shape.m, tile.blockM) *
                    ceilDiv(shape.n, tile.blockN);
    for (int64_t splitK : kSplits)
      if (tiles * splitK <= 2 * chip.multiprocessors &&
          steps >= kMinSplitSteps * splitK)
        addSplit(splitK);
  }
}

void Candidates::addDp4a(const GemmShape &shape) {
  const int64_t *rows =
      llvm::find_if(kDp4aRows, [&](int64_t rows) { return rows >= shape.m; });
  if (rows == std::end(kDp4aRows))
    return;
  for (int64_t depth : kDp4aDepths)
    for (int64_t columns : kDp4aColumnsPerWarp)
      for (int64_t warps : kDp4aWarps)
        if (depth <= shape.k || depth == std::end(kDp4aDepths)[-1])
          add(GemmKind::Dp4a,
              {*rows, columns * warps, depth, *rows, columns, 1}, 1, 1);
}

/// Copies of rows that are not aligned to 4 bytes go through registers, which
/// the accumulators of larger warp tiles do not leave (GemmMma.cpp).
static bool leavesRegistersForNarrowRows(GemmConfigAttr config,
                                         const GemmShape &shape) {
  constexpr int64_t kMinAsyncWidth = 4, kMaxNarrowWarpTile = 32 * 32;
  return config.getKind() != GemmKind::Mma ||
         shape.getRowAlignment() >= kMinAsyncWidth ||
         config.getWarpM() * config.getWarpN() <= kMaxNarrowWarpTile;
}

SmallVector<GemmConfigAttr> qopt::getGemmCandidates(MLIRContext *context,
                                                    const GemmShape &shape,
                                                    const ChipInfo &chip) {
  Candidates candidates(context, chip);
  if (shape.isInteger) {
    candidates.addMma(shape);
    candidates.addDp4a(shape);
  } else if (shape.isHalf) {
    candidates.addMma(shape);
  } else {
    for (const Tile &tile : kSimtTiles)
      candidates.add(GemmKind::Simt, tile, /*stages=*/1, /*splitK=*/1);
  }
  llvm::erase_if(candidates.configs, [&](GemmConfigAttr config) {
    return !leavesRegistersForNarrowRows(config, shape);
  });
  return candidates.configs;
}

GemmConfigAttr qopt::selectGemmConfig(MLIRContext *context,
                                      const GemmShape &shape,
                                      const ChipInfo &chip) {
  GemmConfigAttr best;
  double least = 0;
  for (GemmConfigAttr config : getGemmCandidates(context, shape, chip)) {
    double time = estimateGemm(shape, config, chip).microseconds;
    if (best && time >= least)
      continue;
    best = config;
    least = time;
  }
  return best;
}

LogicalResult
qopt::verifyGemmConfig(GemmConfigAttr config, const GemmShape &shape,
                       const ChipInfo &chip,
                       function_ref<InFlightDiagnostic()> emitError) {
  GemmKind kind = config.getKind();
  bool fits = shape.isInteger ? kind != GemmKind::Simt
              : shape.isHalf  ? kind == GemmKind::Mma
                              : kind == GemmKind::Simt;
  if (!fits)
    return emitError() << "configuration " << config << " is not for "
                       << (shape.isInteger ? "8-bit"
                           : shape.isHalf  ? "16-bit"
                                           : "f32")
                       << " operands";
  if (!shape.isInteger && config.getSplitK() > 1)
    return emitError() << "configuration " << config
                       << " splits sums of floats, which depend on their "
                          "order; use split_k = 1";
  if (!leavesRegistersForNarrowRows(config, shape))
    return emitError() << "configuration " << config << " is not for rows of "
                       << shape.getDepth()
                       << " bytes, which are not aligned to 4: their copies go "
                          "through registers; use warp tiles of at most 32 x "
                          "32";
  GemmResources resources = getGemmResources(config);
  if (resources.sharedBytes > chip.sharedPerBlock)
    return emitError() << "configuration " << config << " needs "
                       << resources.sharedBytes
                       << " bytes of shared memory, but a block of "
                       << chip.name << " has " << chip.sharedPerBlock
                       << "; use fewer stages or smaller tiles";
  if (getBlocksPerMultiprocessor(config, chip) == 0)
    return emitError() << "configuration " << config << " needs about "
                       << resources.registers << " registers for each of "
                       << resources.threads << " threads, more than "
                       << chip.name << " has; use smaller tiles per warp";
  return success();
}
