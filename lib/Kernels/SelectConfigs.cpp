//===- SelectConfigs.cpp - A configuration for every kernel op -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Asks the cost model, or takes what is given, and widens packed constants to
// the padding that lets the kernel read whole tiles without checks.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Kernels/CostModel.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_SELECTCONFIGS
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Padding
//===----------------------------------------------------------------------===//

/// `constant`, packed, with at least `shape` and zeros beyond it.
static Value packTo(OpBuilder &builder, Location loc, Value constant,
                    ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(constant.getType());
  if (type.getShape() == shape)
    return constant;
  SmallVector<int64_t> permutation =
      llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  if (auto pack = constant.getDefiningOp<PackOp>()) {
    permutation = llvm::to_vector(pack.getPermutation());
    constant = pack.getSource();
  }
  return PackOp::create(builder, loc,
                        RankedTensorType::get(shape, type.getElementType()),
                        constant, permutation);
}

/// The multiples of N and K that a kernel reads without checks.
static std::pair<int64_t, int64_t> getPadding(GemmConfigAttr config,
                                              int64_t elementBytes) {
  constexpr int64_t kChunk = 16;
  switch (config.getKind()) {
  case GemmKind::Mma:
    return {config.getBlockN(), config.getBlockK() / elementBytes};
  case GemmKind::Dp4a:
    return {config.getBlockN(), kChunk};
  case GemmKind::Simt:
    return {1, 1};
  }
  llvm_unreachable("all kinds are handled");
}

/// Pads b, and what the epilogue reads per column, if they are constants.
static void padConstants(GemmOp op) {
  OpBuilder builder(op);
  auto [multipleN, multipleK] =
      getPadding(*op.getConfig(), GemmShape::get(op).getElementBytes());
  int64_t n = llvm::alignTo(op.getN(), multipleN);
  int64_t k = llvm::alignTo(op.getK(), multipleK);
  if (auto pack = op.getB().getDefiningOp<PackOp>()) {
    SmallVector<int64_t> shape(
        cast<ShapedType>(pack.getResult().getType()).getShape());
    shape.end()[-2] = n;
    shape.end()[-1] = k;
    op.getBMutable().assign(packTo(builder, op.getLoc(), pack, shape));
  }
  if (op.getConfig()->getKind() != GemmKind::Mma)
    return;
  for (auto [operand, map] :
       llvm::zip(op.getEpilogueInputsMutable(),
                 op.getEpilogueMaps().getAsValueRange<AffineMapAttr>())) {
    bool perColumn = map.getNumResults() == 1 &&
                     map.getDimPosition(0) + 1 == map.getNumDims();
    if (perColumn && (getConstantElements(operand.get()) ||
                      operand.get().getDefiningOp<PackOp>()))
      operand.set(packTo(builder, op.getLoc(), operand.get(), {n}));
  }
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct SelectConfigs : public qopt::impl::SelectConfigsBase<SelectConfigs> {
  using SelectConfigsBase::SelectConfigsBase;

  void runOnOperation() override {
    chip = findChip(target);
    if (!chip) {
      std::string known;
      for (const ChipInfo &info : getChips())
        known += (known.empty() ? "" : ", ") + info.name.str();
      getOperation().emitError()
          << "unknown target '" << target << "'; known are " << known;
      return signalPassFailure();
    }
    if (failed(parseOverride()))
      return signalPassFailure();
    WalkResult result = getOperation().walk([&](GemmOp op) {
      return failed(configure(op)) ? WalkResult::interrupt()
                                   : WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    eraseUnusedPacks();
  }

private:
  LogicalResult parseOverride();
  LogicalResult configure(GemmOp op);
  void explain(GemmOp op, const GemmShape &shape);
  void eraseUnusedPacks();

  const ChipInfo *chip = nullptr;
  GemmConfigAttr given;
};
} // namespace

LogicalResult SelectConfigs::parseOverride() {
  given = nullptr;
  if (gemmConfig.empty())
    return success();
  Attribute attr = parseAttribute(gemmConfig, &getContext());
  given = dyn_cast_or_null<GemmConfigAttr>(attr);
  if (!given)
    return getOperation().emitError()
           << "gemm-config '" << gemmConfig << "' is no #qopt.gemm_config<...>";
  return success();
}

LogicalResult SelectConfigs::configure(GemmOp op) {
  if (!isa<RankedTensorType>(op.getInit().getType()))
    return op.emitOpError("is on buffers: configurations are chosen before "
                          "bufferization");
  GemmShape shape = GemmShape::get(op);
  bool fits =
      given &&
      (given.getKind() == GemmKind::Simt ? !shape.isInteger && !shape.isHalf
       : given.getKind() == GemmKind::Mma
           ? shape.isInteger || (shape.isHalf && given.getSplitK() == 1)
           : shape.isInteger);
  if (fits)
    op.setConfigAttr(given);
  if (!op.getConfig())
    op.setConfigAttr(selectGemmConfig(&getContext(), shape, *chip));
  auto emitError = [&] { return op.emitOpError(); };
  if (failed(verifyGemmConfig(op.getConfigAttr(), shape, *chip, emitError)))
    return failure();
  explain(op, shape);
  padConstants(op);
  return success();
}

void SelectConfigs::explain(GemmOp op, const GemmShape &shape) {
  GemmCost cost = estimateGemm(shape, *op.getConfig(), *chip);
  std::string config;
  llvm::raw_string_ostream(config) << *op.getConfig();
  std::string size = llvm::formatv("{0}x{1}x{2}", shape.m, shape.n, shape.k);
  if (shape.batch != 1)
    size = std::to_string(shape.batch) + "x" + size;
  remark::analysis(op.getLoc(),
                   remark::RemarkOpts::name("gemm-config").category("qopt"))
      << llvm::formatv("{0}: {1} on {2}: {3}: {4:F1} us, {5:F2} waves, bound "
                       "by {6}",
                       op.getName().value_or("gemm"), size, chip->name, config,
                       cost.microseconds, cost.waves,
                       stringifyGemmBound(cost.bound))
             .str();
}

void SelectConfigs::eraseUnusedPacks() {
  SmallVector<PackOp> packs;
  getOperation().walk([&](PackOp op) {
    if (op->use_empty())
      packs.push_back(op);
  });
  for (PackOp op : packs)
    op.erase();
}
