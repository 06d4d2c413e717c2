//===- FoldConstants.cpp - Evaluate ops on constants ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds the values that depend on constants alone, and evaluates those that
// other ops read. Not everything that could be evaluated is: a fill or a
// broadcast says more about its value than a large constant would, and takes
// less room.
//
//===----------------------------------------------------------------------===//
#include "ConstantEvaluator.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Support/FloatingPoint.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_FOLDCONSTANTS
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// Scalar operations and copied elements spent on one value at most: well under
/// a second.
static constexpr int64_t kMaxWork = int64_t(1) << 26;
/// Bytes by which a result may exceed what it is computed from, e.g. a mask
/// that is computed from indices alone.
static constexpr int64_t kMaxGrowth = int64_t(1) << 20;

/// The values an op reads: operands and, with regions, captured ones.
static SetVector<Value> getReadValues(Operation *op) {
  SetVector<Value> values(op->operand_begin(), op->operand_end());
  for (Region &region : op->getRegions())
    getUsedValuesDefinedAbove(region, values);
  return values;
}

static int64_t getBytes(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return 0;
  return tensor.getNumElements() * getScalarBytes(tensor.getElementType());
}

static int64_t getConstantBytes(ElementsAttr attr) {
  return isa<SplatElementsAttr>(attr) ? getScalarBytes(attr.getElementType())
                                      : getBytes(attr.getType());
}

/// True if the result of `op` repeats elements of what it reads, or holds
/// nothing: no constant says that better.
static bool isExpansion(Operation *op) {
  if (isa<tensor::EmptyOp, linalg::FillOp, linalg::BroadcastOp,
          tensor::SplatOp>(op))
    return true;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumDpsInputs() != 1 ||
      !llvm::hasSingleElement(*generic.getBody()) ||
      generic.getBody()->getTerminator()->getOperand(0) !=
          generic.getBody()->getArgument(0))
    return false;
  return getBytes(generic.getDpsInputs()[0].getType()) <=
             getBytes(op->getResult(0).getType()) &&
         !generic.getMatchingIndexingMap(generic.getDpsInputOperand(0))
              .isPermutation();
}

/// An expansion seen through reshapes and slices.
static bool movesExpansion(Operation *op) {
  while (op &&
         isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
             tensor::ExtractSliceOp, tensor::CastOp, linalg::TransposeOp>(op))
    op = op->getOperand(0).getDefiningOp();
  return op && isExpansion(op);
}

namespace {
/// The constants of one function.
class Folder {
public:
  /// Finds what depends on constants alone in `region`.
  void collect(Region &region);
  /// Replaces the values of that which other ops read.
  void fold();

private:
  bool isReadByOthers(Operation *op) const;
  /// `op` and everything evaluated before it, in that order.
  SmallVector<Operation *> getSlice(Operation *op) const;
  LogicalResult fold(Operation *op);
  void eraseUnused();

  /// In program order.
  SmallVector<Operation *> ops;
  DenseSet<Operation *> constants;
  /// Ops that ran without a failed assertion.
  DenseSet<Operation *> evaluated;
};
} // namespace

void Folder::collect(Region &region) {
  for (Operation &op : region.getOps()) {
    bool isConstant = ConstantEvaluator::isSupported(&op) &&
                      llvm::all_of(getReadValues(&op), [&](Value value) {
                        Operation *definition = value.getDefiningOp();
                        return definition && constants.contains(definition);
                      });
    if (isConstant) {
      ops.push_back(&op);
      constants.insert(&op);
    } else if (!isa<linalg::LinalgOp, tensor::PadOp, tensor::GenerateOp>(op)) {
      for (Region &nested : op.getRegions())
        collect(nested);
    }
  }
}

bool Folder::isReadByOthers(Operation *op) const {
  return llvm::any_of(op->getUsers(), [&](Operation *user) {
    // A user inside a constant loop is evaluated with the loop.
    for (; user; user = user->getParentOp())
      if (constants.contains(user))
        return false;
    return true;
  });
}

SmallVector<Operation *> Folder::getSlice(Operation *root) const {
  SmallVector<Operation *> slice;
  DenseSet<Operation *> seen;
  // Definitions precede their uses: an op is done when met the second time.
  SmallVector<std::pair<Operation *, bool>> stack = {{root, false}};
  while (!stack.empty()) {
    auto [op, isReady] = stack.pop_back_val();
    if (isReady) {
      slice.push_back(op);
      continue;
    }
    if (!seen.insert(op).second)
      continue;
    stack.push_back({op, true});
    for (Value value : getReadValues(op))
      stack.push_back({value.getDefiningOp(), false});
  }
  return slice;
}

LogicalResult Folder::fold(Operation *op) {
  SmallVector<Operation *> slice = getSlice(op);
  int64_t sourceBytes = 0;
  StringRef hint = "constant";
  for (Operation *source : slice)
    if (auto constant = dyn_cast<arith::ConstantOp>(source))
      if (auto attr = dyn_cast<ElementsAttr>(constant.getValue())) {
        sourceBytes += getConstantBytes(attr);
        if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
          hint = resource.getRawHandle().getKey();
      }
  for (Type type : op->getResultTypes())
    if (getBytes(type) > 2 * sourceBytes + kMaxGrowth)
      return failure();
  ConstantEvaluator evaluator(kMaxWork);
  for (Operation *source : slice)
    if (failed(evaluator.evaluate(source)))
      return failure();
  evaluated.insert(slice.begin(), slice.end());
  OpBuilder builder(op);
  for (Value result : op->getResults())
    if (!result.use_empty())
      result.replaceAllUsesWith(arith::ConstantOp::create(
          builder, op->getLoc(), evaluator.getAttr(result, hint)));
  return success();
}

void Folder::fold() {
  quantmath::FloatEnvironment environment;
  // From the results up: what an op that stays reads is looked at after it.
  for (Operation *op : llvm::reverse(ops))
    if (!isa<arith::ConstantOp>(op) && isReadByOthers(op) &&
        (movesExpansion(op) || failed(fold(op))))
      constants.erase(op);
  eraseUnused();
}

void Folder::eraseUnused() {
  for (Operation *op : llvm::reverse(ops))
    if (evaluated.contains(op) ? op->use_empty() : isOpTriviallyDead(op))
      op->erase();
}

namespace {
struct FoldConstants : public qopt::impl::FoldConstantsBase<FoldConstants> {
  using FoldConstantsBase::FoldConstantsBase;
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Folder folder;
      folder.collect(function.getBody());
      folder.fold();
    }
  }
};
} // namespace
