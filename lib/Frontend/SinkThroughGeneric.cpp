//===- SinkThroughGeneric.cpp - Layout transposes past linalg ops -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A generic that reads transposed values reads their sources instead. Its loops
// are put in the order of the largest source, and so are the dimensions of its
// results, which are transposed afterwards.
//
//===----------------------------------------------------------------------===//
#include "LayoutTransposes.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Frontend/ConstantMovement.h"

using namespace mlir;
using namespace mlir::qopt;

static int64_t getNumElements(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() ? type.getNumElements() : 0;
}

/// Where each loop goes so that `map` reads its operand in loop order: the
/// loops of the map are put in the order of its results, the others stay.
/// Failure where a result is no loop or a loop is read twice.
static FailureOr<SmallVector<int64_t>> getLoopPositions(AffineMap map) {
  SmallVector<int64_t> loops;
  for (AffineExpr expr : map.getResults()) {
    if (isa<AffineConstantExpr>(expr))
      continue;
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || llvm::is_contained(loops, dim.getPosition()))
      return failure();
    loops.push_back(dim.getPosition());
  }
  SmallVector<int64_t> places(loops);
  llvm::sort(places);
  auto positions = llvm::to_vector(llvm::seq<int64_t>(0, map.getNumDims()));
  for (auto [loop, place] : llvm::zip(loops, places))
    positions[loop] = place;
  return positions;
}

static AffineMap renameLoops(AffineMap map, ArrayRef<int64_t> positions) {
  SmallVector<AffineExpr> renamed;
  for (int64_t position : positions)
    renamed.push_back(getAffineDimExpr(position, map.getContext()));
  return map.replaceDimsAndSymbols(renamed, {}, map.getNumDims(), 0);
}

/// The transpose from a result in loop order to the result `map` writes.
/// Dimensions that are no loops (of size 1) go where `permutation`, that of the
/// source, puts them, or stay next to their neighbour.
static SmallVector<int64_t> getResultTranspose(AffineMap map,
                                               ArrayRef<int64_t> permutation) {
  unsigned rank = map.getNumResults();
  bool hasConstants = llvm::any_of(map.getResults(), [](AffineExpr expr) {
    return isa<AffineConstantExpr>(expr);
  });
  if (hasConstants && rank == permutation.size())
    return SmallVector<int64_t>(permutation);
  SmallVector<std::pair<int64_t, int64_t>> keys;
  int64_t key = -1;
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      key = dim.getPosition();
    keys.push_back({key, i});
  }
  llvm::stable_sort(keys, llvm::less_first());
  SmallVector<int64_t> transpose(rank);
  for (auto [position, entry] : llvm::enumerate(keys))
    transpose[entry.second] = position;
  return transpose;
}

static bool isIdentity(ArrayRef<int64_t> permutation) {
  return llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size()));
}

/// The layout transpose that a resize of images gathers from: all loops run
/// over the result, elements come by tensor.extract. Else null.
static linalg::TransposeOp getGatheredTranspose(linalg::GenericOp op) {
  if (op.getNumResults() != 1 || op.getNumParallelLoops() != op.getNumLoops() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return nullptr;
  linalg::TransposeOp found;
  op.getBody()->walk([&](tensor::ExtractOp extract) {
    linalg::TransposeOp transpose = getLayoutTranspose(extract.getTensor());
    if (transpose && transpose.getPermutation().size() == op.getNumLoops())
      found = transpose;
  });
  return found;
}

/// extract(transpose(x), i, j, ...) -> extract(x, ...).
static void readSource(RewriterBase &rewriter, tensor::ExtractOp op,
                       linalg::TransposeOp transpose) {
  SmallVector<Value> indices(op.getIndices().size());
  for (auto [i, dim] : llvm::enumerate(transpose.getPermutation()))
    indices[dim] = op.getIndices()[i];
  rewriter.modifyOpInPlace(op, [&] {
    op.getTensorMutable().assign(transpose.getInput());
    op.getIndicesMutable().assign(indices);
  });
}

namespace {
/// The transpose whose source decides the order of the loops.
struct Leader {
  ArrayRef<int64_t> permutation;
  SmallVector<int64_t> positions;
};

struct SinkThroughGeneric : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics() || hasWindow(op))
      return rewriter.notifyMatchFailure(op, "reads windows");
    FailureOr<Leader> leader = findLeader(op);
    if (failed(leader))
      return rewriter.notifyMatchFailure(
          op, "other operands are larger than the transposed ones");
    Location loc = op.getLoc();
    SmallVector<Value> inputs, inits;
    SmallVector<AffineMap> maps;
    for (OpOperand *input : op.getDpsInputOperands()) {
      AffineMap map = op.getMatchingIndexingMap(input);
      Value value = input->get();
      if (linalg::TransposeOp transpose = getLayoutTranspose(value)) {
        map = readThrough(map, transpose.getPermutation());
        value = transpose.getInput();
      }
      inputs.push_back(value);
      maps.push_back(renameLoops(map, leader->positions));
    }
    SmallVector<SmallVector<int64_t>> transposes;
    SmallVector<Type> types;
    for (OpOperand &init : op.getDpsInitsMutable()) {
      AffineMap map =
          renameLoops(op.getMatchingIndexingMap(&init), leader->positions);
      SmallVector<int64_t> transpose =
          getResultTranspose(map, leader->permutation);
      SmallVector<int64_t> inverse = invertPermutation(transpose);
      Value value = init.get();
      if (!isIdentity(transpose)) {
        value = convertLayout(rewriter, loc, value, inverse);
        map = AffineMap::get(map.getNumDims(), 0,
                             permute(map.getResults(), inverse),
                             map.getContext());
      }
      inits.push_back(value);
      types.push_back(value.getType());
      maps.push_back(map);
      transposes.push_back(std::move(transpose));
    }
    SmallVector<utils::IteratorType> iterators(op.getNumLoops());
    for (auto [loop, type] : llvm::enumerate(op.getIteratorTypesArray()))
      iterators[leader->positions[loop]] = type;
    auto moved = linalg::GenericOp::create(rewriter, loc, types, inputs, inits,
                                           maps, iterators);
    moved->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    rewriter.cloneRegionBefore(op.getRegion(), moved.getRegion(),
                               moved.getRegion().begin());
    moved.getBody()->walk([&](linalg::IndexOp index) {
      index.setDim(leader->positions[index.getDim()]);
    });
    moved.getBody()->walk([&](tensor::ExtractOp extract) {
      if (linalg::TransposeOp transpose =
              getLayoutTranspose(extract.getTensor()))
        readSource(rewriter, extract, transpose);
    });
    SmallVector<Value> results;
    for (auto [result, transpose] : llvm::zip(moved.getResults(), transposes))
      results.push_back(
          isIdentity(transpose)
              ? result
              : createLayoutTranspose(rewriter, loc, result, transpose));
    rewriter.replaceOp(op, results);
    return success();
  }

private:
  /// The largest transposed operand, if no others outweigh the transposed ones:
  /// they would be read transposed.
  static FailureOr<Leader> findLeader(linalg::GenericOp op) {
    Leader leader;
    int64_t transposed = 0, others = 0, largest = -1;
    for (OpOperand *input : op.getDpsInputOperands()) {
      int64_t elements = getNumElements(input->get());
      linalg::TransposeOp transpose = getLayoutTranspose(input->get());
      if (!transpose) {
        if (!isFreeInAnyLayout(input->get()))
          others += elements;
        continue;
      }
      transposed += elements;
      FailureOr<SmallVector<int64_t>> positions = getLoopPositions(readThrough(
          op.getMatchingIndexingMap(input), transpose.getPermutation()));
      if (succeeded(positions) && elements > largest) {
        largest = elements;
        leader = {transpose.getPermutation(), std::move(*positions)};
      }
    }
    if (largest >= 0 && transposed >= others)
      return leader;
    linalg::TransposeOp gathered = getGatheredTranspose(op);
    if (largest >= 0 || others > 0 || !gathered)
      return failure();
    AffineMap identity =
        AffineMap::getMultiDimIdentityMap(op.getNumLoops(), op.getContext());
    leader.permutation = gathered.getPermutation();
    leader.positions =
        *getLoopPositions(readThrough(identity, leader.permutation));
    return leader;
  }
};

/// What keeps its layout reads the transpose's source through its own map.
struct ReadThroughTranspose : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    // A convolution is channels-last, whatever it costs to give it its image.
    if (hasWindow(op))
      return rewriter.notifyMatchFailure(op, "reads windows");
    bool changed = false;
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    SmallVector<Value> inputs(op.getDpsInputs());
    for (unsigned i = 0; i < inputs.size(); ++i) {
      linalg::TransposeOp transpose = getLayoutTranspose(inputs[i]);
      if (!transpose)
        continue;
      maps[i] = readThrough(maps[i], transpose.getPermutation());
      inputs[i] = transpose.getInput();
      changed = true;
    }
    if (!changed)
      return rewriter.notifyMatchFailure(op, "reads no layout transpose");
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputsMutable().assign(inputs);
      op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
    });
    return success();
  }
};

struct ExtractThroughTranspose : OpRewritePattern<tensor::ExtractOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ExtractOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = getLayoutTranspose(op.getTensor());
    auto generic = op->getParentOfType<linalg::GenericOp>();
    if (!transpose || (generic && getGatheredTranspose(generic)))
      return rewriter.notifyMatchFailure(op, "reads no layout transpose");
    readSource(rewriter, op, transpose);
    return success();
  }
};

/// A constant that is read out of order is stored in order.
struct SortConstantRead : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    bool changed = false;
    // A contraction's weights are the business of other passes.
    if (op.getNumReductionLoops() != 0)
      return rewriter.notifyMatchFailure(op, "is a reduction");
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    SmallVector<Value> inputs(op.getDpsInputs());
    for (unsigned i = 0; i < inputs.size(); ++i) {
      ElementsAttr attr = getConstantElements(inputs[i]);
      if (!attr)
        continue;
      SmallVector<int64_t> transpose = getResultTranspose(maps[i], {});
      SmallVector<int64_t> order = invertPermutation(transpose);
      if (isIdentity(order) || !llvm::all_of(maps[i].getResults(), [](auto e) {
            return isa<AffineDimExpr, AffineConstantExpr>(e);
          }))
        continue;
      FailureOr<ElementsAttr> sorted = transposeConstant(attr, order);
      if (failed(sorted))
        continue;
      inputs[i] = makeConstant(rewriter, op.getLoc(), *sorted);
      maps[i] = AffineMap::get(maps[i].getNumDims(), 0,
                               permute(maps[i].getResults(), order),
                               rewriter.getContext());
      changed = true;
    }
    if (!changed)
      return rewriter.notifyMatchFailure(op, "constants are read in order");
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputsMutable().assign(inputs);
      op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
    });
    return success();
  }
};
} // namespace

void mlir::qopt::populateSinkThroughGenericPatterns(
    RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<SinkThroughGeneric>(context, /*benefit=*/2);
  patterns.add<SortConstantRead>(context, /*benefit=*/0);
}

void mlir::qopt::populateReadThroughPatterns(RewritePatternSet &patterns) {
  patterns.add<ReadThroughTranspose, ExtractThroughTranspose>(
      patterns.getContext());
}
