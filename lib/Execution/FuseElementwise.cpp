//===- FuseElementwise.cpp - Fewer passes over memory ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Upstream's fusion of elementwise linalg ops with a policy: an
// element is computed again only where that costs less than storing it, and
// nothing moves into a contraction, whose kernel reads plain buffers. Fusion
// never changes a bit of a result.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Execution/Lowering.h"

#include "QuantOpt/Analysis/MulAdd.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace mlir::qopt;

/// Fused bodies stay small enough for registers.
static constexpr size_t kMaxFusedOps = 96;
/// Buffers one loop reads and writes at once.
static constexpr unsigned kMaxFusedOperands = 12;
/// Ops that are cheaper than one more store and load.
static constexpr size_t kMaxRecomputedOps = 2;

/// Ops of the body that take more than a cycle or so, or have side effects.
static bool isExpensive(Operation &op) {
  if (isa<arith::DivFOp, arith::DivSIOp, arith::DivUIOp, arith::RemFOp,
          arith::RemSIOp, arith::RemUIOp, tensor::ExtractOp>(op))
    return true;
  if (isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::FloorOp, math::FmaOp,
          math::RoundEvenOp, math::TruncOp, math::CopySignOp>(op))
    return false;
  return isa<math::MathDialect>(op.getDialect()) || !isMemoryEffectFree(&op) ||
         op.getNumRegions() != 0;
}

static bool isCheap(linalg::GenericOp op) {
  Block *body = op.getBody();
  return body->getOperations().size() <= kMaxRecomputedOps + 1 &&
         llvm::none_of(body->without_terminator(), isExpensive);
}

static bool isElementwise(linalg::GenericOp op) {
  return op.getNumParallelLoops() == op.getNumLoops();
}

/// All loops of the consumer are seen by the operand: each element of the
/// producer is needed once.
static bool readsOnce(linalg::GenericOp consumer, OpOperand *operand) {
  AffineMap map = consumer.getMatchingIndexingMap(operand);
  return map.isPermutation();
}

/// Bodies that fail or index memory keep to themselves: their checks are part
/// of the order of events.
static bool hasEffects(linalg::GenericOp op) {
  return !llvm::all_of(
      op.getBody()->without_terminator(),
      [](Operation &inner) { return isMemoryEffectFree(&inner); });
}

/// Integer arithmetic on what will be the indices of a gather.
static bool computesIndices(linalg::GenericOp producer,
                            linalg::GenericOp consumer) {
  constexpr size_t kMaxIndexOps = 8;
  Block *body = producer.getBody();
  auto isIndexType = [](Type type) {
    return type.isIndex() || type.isInteger(32) || type.isInteger(64);
  };
  return isIndexType(body->getTerminator()->getOperand(0).getType()) &&
         body->getOperations().size() <= kMaxIndexOps + 1 &&
         llvm::none_of(body->without_terminator(), isExpensive) &&
         !consumer.getBody()->getOps<tensor::ExtractOp>().empty();
}

static bool shouldFuse(OpOperand *operand, bool recomputeIndices) {
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  if (!consumer || !producer)
    return false;
  if (!isElementwise(producer) || matchMulAdd(consumer) ||
      hasEffects(producer) || producer.getNumDpsInits() != 1)
    return false;
  if (producer->getBlock() != consumer->getBlock())
    return false;
  bool cheap = isCheap(producer) ||
               (recomputeIndices && computesIndices(producer, consumer));
  if (!cheap && (!producer->hasOneUse() || !readsOnce(consumer, operand)))
    return false;
  // A transposing read would make the whole fused loop walk across memory.
  if (!isElementwise(consumer) && !readsOnce(consumer, operand))
    return false;
  return producer.getBody()->getOperations().size() +
                 consumer.getBody()->getOperations().size() <=
             kMaxFusedOps &&
         producer->getNumOperands() + consumer->getNumOperands() <=
             kMaxFusedOperands;
}

LogicalResult mlir::qopt::fuseElementwise(func::FuncOp entry,
                                          bool recomputeIndices) {
  RewritePatternSet patterns(entry.getContext());
  linalg::populateElementwiseOpsFusionPatterns(
      patterns, [recomputeIndices](OpOperand *operand) {
        return shouldFuse(operand, recomputeIndices);
      });
  linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
  tensor::EmptyOp::getCanonicalizationPatterns(patterns, entry.getContext());
  GreedyRewriteConfig config;
  config.setUseTopDownTraversal(true);
  config.setMaxIterations(GreedyRewriteConfig::kNoLimit);
  return applyPatternsGreedily(entry, std::move(patterns), config);
}
