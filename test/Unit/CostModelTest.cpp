//===- CostModelTest.cpp - Chips, configurations and their cost -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "IRSnippet.h"

#include "QuantOpt/Kernels/CostModel.h"
#include "mlir/IR/Diagnostics.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

namespace {
class CostModel : public testing::Test {
protected:
  CostModel() { context.loadDialect<QOptDialect>(); }

  GemmConfigAttr makeMma(int64_t blockM, int64_t blockN, int64_t blockK,
                         int64_t warpM, int64_t warpN, int64_t stages,
                         int64_t splitK = 1) {
    return GemmConfigAttr::get(&context, GemmKind::Mma, blockM, blockN, blockK,
                               warpM, warpN, stages, splitK);
  }

  MLIRContext context;
};

const ChipInfo &getChip(llvm::StringRef name) {
  const ChipInfo *chip = findChip(name);
  EXPECT_NE(chip, nullptr) << name.str();
  return *chip;
}

GemmShape makeShape(int64_t m, int64_t n, int64_t k) {
  GemmShape shape;
  shape.m = m;
  shape.n = n;
  shape.k = k;
  return shape;
}

/// From decoding one token to training-sized layers, with ragged extents.
std::vector<GemmShape> makeShapes() {
  std::vector<GemmShape> shapes;
  for (int64_t m : {1, 3, 16, 17, 64, 197, 1024, 8192})
    for (int64_t n : {1, 10, 64, 1000, 4096})
      for (int64_t k : {1, 13, 64, 500, 4096, 65536}) {
        GemmShape shape = makeShape(m, n, k);
        shapes.push_back(shape);
        shape.isInteger = false;
        shape.packsB = false;
        shape.batch = 12;
        shape.sharesB = false;
        shape.resultBytes = 4;
        shapes.push_back(shape);
      }
  return shapes;
}

//===----------------------------------------------------------------------===//
// Chips
//===----------------------------------------------------------------------===//

TEST(Chips, RatesAgreeWithDataSheets) {
  struct Sheet {
    const char *chip;
    double int8Tops, f32Tflops;
  };
  // Dense. Of H100's 1979 TOPS mma.sync reaches 63 %.
  for (const Sheet &sheet :
       {Sheet{"sm_80", 624, 19.5}, Sheet{"sm_86", 309.7, 38.7},
        Sheet{"sm_87", 85, 5.3}, Sheet{"sm_89", 733, 91.6},
        Sheet{"sm_90", 1979 * 0.63, 66.9}}) {
    const ChipInfo &chip = getChip(sheet.chip);
    double clocks = double(chip.multiprocessors) * chip.clockMHz * 1e6;
    EXPECT_NEAR(2 * clocks * chip.mmaMacsPerClock / 1e12 / sheet.int8Tops, 1.0,
                0.06)
        << sheet.chip;
    EXPECT_NEAR(2 * clocks * chip.f32MacsPerClock / 1e12 / sheet.f32Tflops, 1.0,
                0.13)
        << sheet.chip;
  }
}

TEST(Chips, TableIsConsistent) {
  for (const ChipInfo &chip : getChips()) {
    EXPECT_EQ(chip.name, ("sm_" + llvm::Twine(chip.computeCapability)).str());
    EXPECT_EQ(findChip(chip.name), &chip);
    EXPECT_EQ(chip.sharedPerBlock + chip.sharedReservedPerBlock,
              chip.sharedPerMultiprocessor);
  }
  EXPECT_EQ(findChip("sm_75"), nullptr);
  EXPECT_EQ(findChip(""), nullptr);
}

//===----------------------------------------------------------------------===//
// Resources
//===----------------------------------------------------------------------===//

TEST_F(CostModel, ResourcesOfTiles) {
  // Registers as ptxas allocated them for such kernels: 216, 241, 136, 108, 56.
  struct Case {
    GemmConfigAttr config;
    int64_t threads, shared, atLeast, atMost;
  };
  for (const Case &c :
       {Case{makeMma(128, 256, 64, 64, 64, 4), 256, 98304, 216, 224},
        Case{makeMma(128, 128, 128, 64, 64, 4), 128, 131072, 240, 248},
        Case{makeMma(128, 128, 64, 64, 32, 5), 256, 81920, 136, 144},
        Case{makeMma(64, 64, 128, 32, 32, 5), 128, 81920, 108, 120},
        Case{makeMma(16, 64, 128, 16, 16, 6), 128, 61440, 56, 80}}) {
    GemmResources resources = getGemmResources(c.config);
    EXPECT_EQ(resources.threads, c.threads);
    EXPECT_EQ(resources.sharedBytes, c.shared);
    EXPECT_GE(resources.registers, c.atLeast);
    EXPECT_LE(resources.registers, c.atMost);
  }
}

TEST_F(CostModel, BlocksPerMultiprocessor) {
  // One of 96 KiB by registers; two of 80 KiB in 164 KiB but not in 100 KiB.
  EXPECT_EQ(getBlocksPerMultiprocessor(makeMma(128, 256, 64, 64, 64, 4),
                                       getChip("sm_80")),
            1);
  GemmConfigAttr small = makeMma(64, 64, 128, 32, 32, 5);
  EXPECT_EQ(getBlocksPerMultiprocessor(small, getChip("sm_80")), 2);
  EXPECT_EQ(getBlocksPerMultiprocessor(small, getChip("sm_86")), 1);
  // 144 KiB fit no block of sm_86.
  EXPECT_EQ(getBlocksPerMultiprocessor(makeMma(128, 256, 128, 64, 64, 3),
                                       getChip("sm_86")),
            0);
}

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

TEST_F(CostModel, CandidatesAreValidAndFit) {
  ScopedDiagnosticHandler fail(&context, [](Diagnostic &diagnostic) {
    ADD_FAILURE() << diagnostic.str();
    return success();
  });
  auto report = [&] { return mlir::emitError(UnknownLoc::get(&context)); };
  for (const ChipInfo &chip : getChips())
    for (const GemmShape &shape : makeShapes()) {
      SmallVector<GemmConfigAttr> candidates =
          getGemmCandidates(&context, shape, chip);
      EXPECT_FALSE(candidates.empty());
      for (GemmConfigAttr config : candidates) {
        EXPECT_TRUE(succeeded(GemmConfigAttr::verify(
            report, config.getKind(), config.getBlockM(), config.getBlockN(),
            config.getBlockK(), config.getWarpM(), config.getWarpN(),
            config.getStages(), config.getSplitK())));
        EXPECT_TRUE(succeeded(verifyGemmConfig(config, shape, chip, report)));
      }
    }
}

TEST_F(CostModel, FewRowsMayUseDp4a) {
  auto hasDp4a = [&](int64_t m) {
    return llvm::any_of(
        getGemmCandidates(&context, makeShape(m, 64, 4096), getChip("sm_80")),
        [](GemmConfigAttr config) {
          return config.getKind() == GemmKind::Dp4a;
        });
  };
  EXPECT_TRUE(hasDp4a(1));
  EXPECT_TRUE(hasDp4a(16));
  EXPECT_FALSE(hasDp4a(17));
}

TEST_F(CostModel, SelectionIsTheFirstOfTheCheapest) {
  for (const ChipInfo &chip : getChips())
    for (const GemmShape &shape : makeShapes()) {
      GemmConfigAttr chosen = selectGemmConfig(&context, shape, chip);
      double least = estimateGemm(shape, chosen, chip).microseconds;
      bool seen = false;
      for (GemmConfigAttr config : getGemmCandidates(&context, shape, chip)) {
        seen |= config == chosen;
        double time = estimateGemm(shape, config, chip).microseconds;
        EXPECT_TRUE(seen ? time >= least : time > least);
      }
      EXPECT_TRUE(seen);
    }
}

TEST_F(CostModel, ForeignConfigurationsAreRefused) {
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message = diagnostic.str();
    return success();
  });
  auto report = [&] { return mlir::emitError(UnknownLoc::get(&context)); };
  GemmShape shape = makeShape(64, 64, 64);
  shape.isInteger = false;
  EXPECT_TRUE(failed(verifyGemmConfig(makeMma(64, 64, 64, 32, 32, 3), shape,
                                      getChip("sm_80"), report)));
  expectContains(message, "is not for f32 operands");
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

TEST_F(CostModel, MoreWorkNeverTakesLess) {
  for (const ChipInfo &chip : getChips())
    for (const GemmShape &shape : makeShapes())
      for (GemmConfigAttr config : getGemmCandidates(&context, shape, chip)) {
        // Splits of K round up: more depth may divide better.
        if (config.getSplitK() != 1)
          continue;
        double time = estimateGemm(shape, config, chip).microseconds;
        GemmShape deeper = shape, wider = shape, taller = shape;
        // The same alignment, so that copies are no cheaper.
        deeper.k += 16 * 64;
        wider.n += 64;
        taller.m += 64;
        if (config.getKind() == GemmKind::Dp4a)
          taller.m = shape.m;
        for (const GemmShape &more : {deeper, wider, taller})
          EXPECT_GE(estimateGemm(more, config, chip).microseconds, time);
      }
}

TEST_F(CostModel, NeverBelowTheRoofs) {
  for (const ChipInfo &chip : getChips())
    for (const GemmShape &shape : makeShapes()) {
      GemmConfigAttr config = selectGemmConfig(&context, shape, chip);
      double time = estimateGemm(shape, config, chip).microseconds;
      double macs = double(shape.batch) * shape.m * shape.n * shape.k;
      double rate = config.getKind() == GemmKind::Mma    ? chip.mmaMacsPerClock
                    : config.getKind() == GemmKind::Dp4a ? 4 * chip.dp4aPerClock
                                                         : chip.f32MacsPerClock;
      EXPECT_GE(time, macs / rate / chip.multiprocessors / chip.clockMHz);
      double weights = double(shape.sharesB ? 1 : shape.batch) * shape.n *
                       shape.k * (shape.isInteger ? 1 : 4);
      EXPECT_GE(time, weights / chip.memoryGBps / 1000);
    }
}

TEST_F(CostModel, Waves) {
  // 32 x 16 tiles on 108 multiprocessors.
  GemmCost cost =
      estimateGemm(makeShape(4096, 4096, 4096),
                   makeMma(128, 256, 64, 64, 64, 4), getChip("sm_80"));
  EXPECT_DOUBLE_EQ(cost.waves, 512.0 / 108);
  // 108 tiles are one wave, and take no longer than half as many; 120 take two.
  // Splits count as blocks.
  auto getTime = [&](int64_t tilesM, int64_t tilesN) {
    return estimateGemm(makeShape(128 * tilesM, 256 * tilesN, 4096),
                        makeMma(128, 256, 64, 64, 64, 4), getChip("sm_80"))
        .microseconds;
  };
  EXPECT_GT(getTime(12, 10), 1.7 * getTime(12, 9));
  EXPECT_LT(getTime(12, 9), 1.1 * getTime(6, 9));
  EXPECT_DOUBLE_EQ(estimateGemm(makeShape(128, 256, 4096),
                                makeMma(128, 256, 64, 64, 64, 4, 8),
                                getChip("sm_80"))
                       .waves,
                   8.0 / 108);
}

TEST_F(CostModel, Bounds) {
  const ChipInfo &chip = getChip("sm_80");
  auto getBound = [&](const GemmShape &shape) {
    return estimateGemm(shape, selectGemmConfig(&context, shape, chip), chip)
        .bound;
  };
  EXPECT_EQ(getBound(makeShape(8192, 8192, 8192)), GemmBound::Math);
  EXPECT_EQ(getBound(makeShape(1, 8192, 8192)), GemmBound::Memory);
  EXPECT_EQ(getBound(makeShape(16, 64, 64)), GemmBound::Latency);
}

/// Within what good kernels reach (docs/Kernels.md): at most 90 % of the peak,
/// at least half of it for large products.
TEST_F(CostModel, LargeProductsComeNearThePeak) {
  for (const ChipInfo &chip : getChips()) {
    GemmShape shape = makeShape(8192, 8192, 8192);
    double time =
        estimateGemm(shape, selectGemmConfig(&context, shape, chip), chip)
            .microseconds;
    double peak =
        double(chip.multiprocessors) * chip.clockMHz * chip.mmaMacsPerClock;
    double share = std::pow(8192.0, 3) / time / peak;
    EXPECT_GT(share, 0.5) << chip.name.str();
    EXPECT_LT(share, 0.9) << chip.name.str();
  }
}

TEST_F(CostModel, SplittingHelpsWhereTilesAreFew) {
  GemmShape shape = makeShape(64, 64, 65536);
  EXPECT_GT(selectGemmConfig(&context, shape, getChip("sm_80")).getSplitK(), 4);
  shape = makeShape(8192, 8192, 4096);
  EXPECT_EQ(selectGemmConfig(&context, shape, getChip("sm_80")).getSplitK(), 1);
}

//===----------------------------------------------------------------------===//
// Shapes of ops
//===----------------------------------------------------------------------===//

TEST(GemmShapes, FromOp) {
  IRSnippet snippet(R"(
    func.func @f(%a: tensor<3x4x8xi8>, %w: tensor<8x6xi8>, %r: tensor<3x4x6xf32>, %s: tensor<6xf32>, %d: tensor<3x4x6xf32>) {
      %b = qopt.pack %w {permutation = array<i64: 1, 0>} : tensor<8x6xi8> -> tensor<64x64xi8>
      %0 = qopt.gemm ins(%a, %b : tensor<3x4x8xi8>, tensor<64x64xi8>)
          epilogue(%r, %s : tensor<3x4x6xf32>, tensor<6xf32>) outs(%d : tensor<3x4x6xf32>) {
      ^bb0(%acc: i32, %r0: f32, %s0: f32):
        %1 = arith.sitofp %acc : i32 to f32
        %2 = math.fma %1, %s0, %r0 : f32
        qopt.yield %2 : f32
      } {epilogue_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (n)>]} -> tensor<3x4x6xf32>
      return
    })");
  GemmShape shape = GemmShape::get(snippet.get<GemmOp>());
  EXPECT_EQ(shape.batch, 3);
  EXPECT_EQ(shape.m, 4);
  EXPECT_EQ(shape.n, 6);
  EXPECT_EQ(shape.k, 8);
  EXPECT_TRUE(shape.isInteger);
  EXPECT_TRUE(shape.sharesB);
  EXPECT_TRUE(shape.packsB);
  EXPECT_EQ(shape.resultBytes, 4);
  EXPECT_EQ(shape.operandBytes, 4);
  EXPECT_EQ(shape.scalarOps, 3);
}

/// Groups are batches with weights of their own, and the image counts once.
/// 6 channels of a group: no copies of 4 bytes.
TEST(GemmShapes, FromWindows) {
  IRSnippet snippet(R"(
    func.func @f(%a: tensor<2x8x8x24xi8>, %b: tensor<32x54xi8>, %d: tensor<128x32xi32>) {
      %0 = qopt.gemm ins(%a, %b : tensor<2x8x8x24xi8>, tensor<32x54xi8>) outs(%d : tensor<128x32xi32>) {
      ^bb0(%acc: i32):
        qopt.yield %acc : i32
      } {epilogue_maps = [], window = #qopt.window<kernel = [3, 3], out = [8, 8], stride = [1, 1], dilation = [1, 1], pad = [1, 1], input_dilation = [1, 1], groups = 4, pad_value = 0>} -> tensor<128x32xi32>
      return
    })");
  GemmShape shape = GemmShape::get(snippet.get<GemmOp>());
  EXPECT_EQ(shape.batch, 4);
  EXPECT_EQ(shape.m, 128);
  EXPECT_EQ(shape.n, 8);
  EXPECT_EQ(shape.k, 54);
  EXPECT_FALSE(shape.sharesB);
  EXPECT_TRUE(shape.hasWindow());
  EXPECT_EQ(shape.imageBytes, 2 * 8 * 8 * 24);
  EXPECT_EQ(shape.getAlignmentA(), 2);
}

TEST_F(CostModel, WindowsRunOnTensorCores) {
  GemmShape shape = makeShape(4, 64, 576);
  GemmShape window = shape;
  window.imageBytes = 16 * 64;
  auto isDp4a = [](GemmConfigAttr config) {
    return config.getKind() == GemmKind::Dp4a;
  };
  const ChipInfo &chip = getChip("sm_80");
  EXPECT_TRUE(llvm::any_of(getGemmCandidates(&context, shape, chip), isDp4a));
  EXPECT_FALSE(llvm::any_of(getGemmCandidates(&context, window, chip), isDp4a));
  // Bytes one by one cost more than chunks.
  shape = makeShape(100352, 64, 576);
  shape.imageBytes = 32 * 56 * 56 * 64;
  GemmConfigAttr config = makeMma(64, 64, 64, 32, 32, 4);
  double aligned = estimateGemm(shape, config, chip).microseconds;
  shape.imageAlignment = 1;
  EXPECT_GT(estimateGemm(shape, config, chip).microseconds, aligned);
}

} // namespace
