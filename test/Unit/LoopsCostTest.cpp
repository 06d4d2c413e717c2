//===- LoopsCostTest.cpp - Configurations of loops and their cost -*- C++ -*-=//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LoopsCases.h"

#include "QuantOpt/Kernels/LoopsCost.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

namespace {
/// The loops of a case, on tensors.
class ParsedLoops {
public:
  explicit ParsedLoops(const LoopsCase &loops) {
    context
        .loadDialect<arith::ArithDialect, func::FuncDialect, math::MathDialect,
                     QOptDialect, tensor::TensorDialect>();
    module = parseSourceString<ModuleOp>(loops.text, ParserConfig(&context));
    module->walk([&](LoopsOp found) { op = found; });
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  LoopsOp op;
};
} // namespace

static std::vector<LoopsCase> makeCases() {
  std::vector<LoopsCase> cases;
  for (int length : {1, 7, 64, 100, 256, 300, 1024, 5000})
    cases.push_back(makeSoftmax(64, length, "i8", ""));
  cases.push_back(makeMaxPool(4, 28, 64, ""));
  cases.push_back(makeMaxPool(4, 28, 3, ""));
  cases.push_back(makeMean(1, 56, 56, 64, ""));
  Depthwise depthwise;
  for (int channels : {10, 24, 96}) {
    depthwise.channels = channels;
    cases.push_back(makeDepthwise(depthwise));
  }
  return cases;
}

/// Whatever is proposed can be built, and has a finite positive time.
TEST(LoopsCost, CandidatesFit) {
  for (const LoopsCase &loops : makeCases()) {
    ParsedLoops parsed(loops);
    ASSERT_TRUE(parsed.op);
    FailureOr<SmallVector<LoopsConfigAttr>> candidates =
        getLoopsCandidates(parsed.op);
    ASSERT_TRUE(succeeded(candidates));
    EXPECT_FALSE(candidates->empty());
    for (LoopsConfigAttr config : *candidates) {
      EXPECT_TRUE(succeeded(verifyLoopsConfig(parsed.op, config)));
      for (const ChipInfo &chip : getChips()) {
        FailureOr<LoopsCost> cost = estimateLoops(parsed.op, config, chip);
        ASSERT_TRUE(succeeded(cost));
        EXPECT_GT(cost->microseconds, 0.1);
        EXPECT_LT(cost->microseconds, 1e5);
      }
    }
  }
}

/// Each element once, whatever the configuration reads again.
TEST(LoopsCost, Bytes) {
  ParsedLoops softmax(makeSoftmax(64, 100, "f16", ""));
  const ChipInfo &chip = *findChip("sm_80");
  auto candidates = getLoopsCandidates(softmax.op);
  ASSERT_TRUE(succeeded(candidates));
  for (LoopsConfigAttr config : *candidates) {
    FailureOr<LoopsCost> cost = estimateLoops(softmax.op, config, chip);
    EXPECT_EQ(cost->bytesRead, 64 * 100 * 2);
    EXPECT_EQ(cost->bytesWritten, 64 * 100);
  }
  // Windows overlap; two results.
  ParsedLoops pool(makeMaxPool(4, 28, 64, ""));
  FailureOr<LoopsConfigAttr> config = selectLoopsConfig(pool.op, chip);
  FailureOr<LoopsCost> cost = estimateLoops(pool.op, *config, chip);
  EXPECT_EQ(cost->bytesRead, 4 * 28 * 28 * 64);
  EXPECT_EQ(cost->bytesWritten, 4 * 14 * 14 * 64);
  EXPECT_GE(cost->operations, 4 * 14 * 14 * 64 * 9);
}

/// What the choice is for: no family where another one is much better.
TEST(LoopsCost, Families) {
  const ChipInfo &chip = *findChip("sm_90");
  auto getKind = [&](const LoopsCase &loops) {
    ParsedLoops parsed(loops);
    return selectLoopsConfig(parsed.op, chip)->getKind();
  };
  for (int length : {64, 100, 512, 1024, 5000})
    EXPECT_EQ(getKind(makeSoftmax(512, length, "f32", "")), LoopsKind::Rows);
  EXPECT_EQ(getKind(makeMaxPool(32, 112, 64, "")), LoopsKind::Threads);
  EXPECT_EQ(getKind(makeMean(128, 7, 7, 1024, "")), LoopsKind::Threads);
  EXPECT_EQ(getKind(makeMean(1, 56, 56, 64, "")), LoopsKind::Rows);
  Depthwise depthwise;
  depthwise.images = 8;
  depthwise.height = depthwise.width = 28;
  depthwise.channels = 96;
  EXPECT_EQ(getKind(makeDepthwise(depthwise)), LoopsKind::Depthwise);
  depthwise.dilationW = 2;
  EXPECT_EQ(getKind(makeDepthwise(depthwise)), LoopsKind::Threads);
}

/// Large rows are bound by memory, one row by latency, and functions by the
/// f64 units where there are few.
TEST(LoopsCost, Bounds) {
  auto getBound = [&](const LoopsCase &loops, StringRef chip) {
    ParsedLoops parsed(loops);
    FailureOr<LoopsConfigAttr> config =
        selectLoopsConfig(parsed.op, *findChip(chip));
    return estimateLoops(parsed.op, *config, *findChip(chip))->bound;
  };
  EXPECT_EQ(getBound(makeLayerNorm(100000, 64, "f32", ""), "sm_80"),
            LoopsBound::Memory);
  EXPECT_EQ(getBound(makeLayerNorm(1, 512, "f32", ""), "sm_80"),
            LoopsBound::Latency);
  EXPECT_EQ(getBound(makeSoftmax(20000, 128, "f32", ""), "sm_86"),
            LoopsBound::F64);
  EXPECT_EQ(stringifyLoopsBound(LoopsBound::F64), "f64 units");
}
