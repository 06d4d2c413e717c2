//===- LowerToInteger.cpp - QDQ form to integer form ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Contractions and sums first, each with the bias, clamp and quantization that
// follow it; then every cast that is left becomes one elementwise op of its
// own.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Conversion/IntegerLowering.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

#include "mlir/Transforms/RegionUtils.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_LOWERTOINTEGER
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

namespace {
struct LowerToInteger : public qopt::impl::LowerToIntegerBase<LowerToInteger> {
  void runOnOperation() override {
    Report report = Report::load(getOperation());
    if (failed(lowerContractions(getOperation(), report)) ||
        failed(lowerSums(getOperation(), report)))
      return signalPassFailure();
    fuseResiduals(getOperation());
    lowerCasts(getOperation());
    IRRewriter rewriter(&getContext());
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
    report.save(getOperation());
  }
};
} // namespace
