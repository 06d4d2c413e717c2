//===- ExpandGemm.cpp - Kernel ops back to linalg --------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a gemm means, as ops that every target knows: pack → transpose and pad,
// gemm → contraction and elementwise generic.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_EXPANDGEMM
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

static Value createZero(OpBuilder &builder, Location loc, Type type) {
  return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
}

/// pack(x) → pad(transpose(x)).
static void expandPack(PackOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Value value = op.getSource();
  auto type = cast<RankedTensorType>(value.getType());
  auto result = cast<RankedTensorType>(op.getResult().getType());
  ArrayRef<int64_t> permutation = op.getPermutation();
  SmallVector<int64_t> shape = applyPermutation(type.getShape(), permutation);
  if (!isIdentityPermutation(permutation)) {
    Value empty =
        tensor::EmptyOp::create(builder, loc, shape, type.getElementType());
    value = linalg::TransposeOp::create(builder, loc, value, empty, permutation)
                ->getResult(0);
  }
  if (result.getShape() != ArrayRef(shape)) {
    SmallVector<OpFoldResult> low(shape.size(), builder.getIndexAttr(0)), high;
    for (auto [from, to] : llvm::zip(shape, result.getShape()))
      high.push_back(builder.getIndexAttr(to - from));
    value =
        tensor::PadOp::create(builder, loc, result, value, low, high,
                              createZero(builder, loc, type.getElementType()));
  }
  op.getResult().replaceAllUsesWith(value);
  op.erase();
}

/// The first `shape` elements of a padded tensor.
static Value sliceTo(OpBuilder &builder, Location loc, Value value,
                     ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getShape() == shape)
    return value;
  SmallVector<OpFoldResult> offsets(shape.size(), builder.getIndexAttr(0)),
      sizes, strides(shape.size(), builder.getIndexAttr(1));
  for (int64_t size : shape)
    sizes.push_back(builder.getIndexAttr(size));
  return tensor::ExtractSliceOp::create(builder, loc, value, offsets, sizes,
                                        strides);
}

/// The sums of products, i32 or f32.
static Value buildContraction(OpBuilder &builder, GemmOp op) {
  Location loc = op.getLoc();
  SmallVector<int64_t> shape = op.getLogicalShape();
  auto typeB = cast<RankedTensorType>(op.getB().getType());

  // Loops: batch..., m, n, k.
  unsigned rank = shape.size();
  unsigned m = rank - 2, n = rank - 1, k = rank;
  auto getMap = [&](AffineMap operandMap, unsigned row, unsigned column) {
    SmallVector<unsigned> dims;
    for (AffineExpr expr : operandMap.getResults()) {
      unsigned dim = cast<AffineDimExpr>(expr).getPosition();
      dims.push_back(dim == rank - 1 ? column : dim == rank - 2 ? row : dim);
    }
    return AffineMap::getMultiDimMapWithTargets(rank + 1, dims,
                                                builder.getContext());
  };
  SmallVector<AffineMap> maps = {
      getMap(op.getMapA(), m, k), getMap(op.getMapB(), n, k),
      builder.getMultiDimIdentityMap(rank + 1).dropResult(k)};
  SmallVector<int64_t> shapeB(typeB.getShape());
  for (auto [expr, extent] : llvm::zip(maps[1].getResults(), shapeB)) {
    unsigned loop = cast<AffineDimExpr>(expr).getPosition();
    extent = loop == n ? op.getN() : loop == k ? op.getK() : extent;
  }
  Value b = sliceTo(builder, loc, op.getB(), shapeB);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);

  Type sumType = op.getEpilogue()->getArgument(0).getType();
  Value empty = tensor::EmptyOp::create(builder, loc, shape, sumType);
  Value init = linalg::FillOp::create(builder, loc,
                                      createZero(builder, loc, sumType), empty)
                   .getResult(0);
  auto extend = [&](OpBuilder &b, Value value, bool isUnsigned) -> Value {
    if (!op.isInteger())
      return value.getType() == sumType
                 ? value
                 : arith::ExtFOp::create(b, loc, sumType, value).getResult();
    if (isUnsigned)
      return arith::ExtUIOp::create(b, loc, sumType, value);
    return arith::ExtSIOp::create(b, loc, sumType, value);
  };
  auto body = [&](OpBuilder &b, Location loc, ValueRange args) {
    Value x = extend(b, args[0], op.getAUnsigned());
    Value w = extend(b, args[1], op.getBUnsigned());
    Value sum;
    if (op.isInteger())
      sum = arith::AddIOp::create(b, loc, args[2],
                                  arith::MulIOp::create(b, loc, x, w));
    else
      sum = arith::AddFOp::create(b, loc, args[2],
                                  arith::MulFOp::create(b, loc, x, w));
    linalg::YieldOp::create(b, loc, sum);
  };
  return linalg::GenericOp::create(builder, loc, init.getType(),
                                   ValueRange{op.getA(), b}, init, maps,
                                   iterators, body)
      .getResult(0);
}

/// gemm → contraction, then a generic with the region as its body.
static void expandGemm(GemmOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto resultType = cast<RankedTensorType>(op.getInit().getType());
  SmallVector<int64_t> logical = op.getLogicalShape();
  SmallVector<Value> inputs = {buildContraction(builder, op)};
  SmallVector<AffineMap> maps = {
      builder.getMultiDimIdentityMap(resultType.getRank())};
  for (auto [operand, map] :
       llvm::zip(op.getEpilogueInputs(),
                 op.getEpilogueMaps().getAsValueRange<AffineMapAttr>())) {
    SmallVector<int64_t> shape;
    for (AffineExpr expr : map.getResults())
      shape.push_back(logical[cast<AffineDimExpr>(expr).getPosition()]);
    inputs.push_back(sliceTo(builder, loc, operand, shape));
    maps.push_back(map);
  }
  maps.push_back(op.getMapD());
  SmallVector<utils::IteratorType> iterators(resultType.getRank(),
                                             utils::IteratorType::parallel);
  auto body = [&](OpBuilder &b, Location loc, ValueRange args) {
    IRMapping mapping;
    mapping.map(op.getEpilogue()->getArguments(), args.drop_back());
    for (Operation &scalar : op.getEpilogue()->without_terminator())
      b.clone(scalar, mapping);
    auto yield = cast<YieldOp>(op.getEpilogue()->getTerminator());
    linalg::YieldOp::create(b, loc, mapping.lookup(yield.getValues().front()));
  };
  auto generic = linalg::GenericOp::create(builder, loc, resultType, inputs,
                                           op.getInit(), maps, iterators, body);
  op.getResult(0).replaceAllUsesWith(generic.getResult(0));
  op.erase();
}

namespace {
struct ExpandGemm : public qopt::impl::ExpandGemmBase<ExpandGemm> {
  using ExpandGemmBase::ExpandGemmBase;

  void runOnOperation() override {
    SmallVector<GemmOp> gemms;
    SmallVector<PackOp> packs;
    WalkResult result = getOperation().walk([&](Operation *op) {
      if (!isa<GemmOp, PackOp>(op))
        return WalkResult::advance();
      if (op->getNumResults() == 0 ||
          !isa<RankedTensorType>(op->getResult(0).getType())) {
        op->emitOpError("is on buffers: only kernel ops on tensors are "
                        "expanded");
        return WalkResult::interrupt();
      }
      if (auto gemm = dyn_cast<GemmOp>(op))
        gemms.push_back(gemm);
      else
        packs.push_back(cast<PackOp>(op));
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    llvm::for_each(gemms, expandGemm);
    llvm::for_each(packs, expandPack);
  }
};
} // namespace
