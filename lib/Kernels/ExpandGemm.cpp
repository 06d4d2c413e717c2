//===- ExpandGemm.cpp - Kernel ops back to linalg --------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a gemm means, as ops that every target knows: pack → transpose and pad,
// gemm → contraction and elementwise generic; with a window, pad or insertion
// into a filled tensor, and convolution.
//
//===----------------------------------------------------------------------===//
#include "ExpandLoops.h"
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

namespace {
/// A contraction as one generic op: parallel loops first, which are those of
/// the sums in order, then the reduced ones.
struct Contraction {
  Value a, b;
  AffineMap mapA, mapB;
  /// Extents of the sums.
  SmallVector<int64_t> shape;
};
} // namespace

/// Loops: batch..., m, n, k.
static Contraction getProduct(OpBuilder &builder, GemmOp op) {
  Contraction result;
  result.shape = op.getLogicalShape();
  unsigned rank = result.shape.size();
  auto dims = [&](bool isB) {
    SmallVector<AffineExpr> loops;
    for (unsigned dim = 0; dim < rank; ++dim)
      loops.push_back(builder.getAffineDimExpr(dim));
    if (isB)
      loops[rank - 2] = builder.getAffineDimExpr(rank - 1);
    loops[rank - 1] = builder.getAffineDimExpr(rank);
    return loops;
  };
  result.a = op.getA();
  result.mapA =
      op.getMapA().replaceDimsAndSymbols(dims(/*isB=*/false), {}, rank + 1, 0);
  result.mapB =
      op.getMapB().replaceDimsAndSymbols(dims(/*isB=*/true), {}, rank + 1, 0);
  SmallVector<int64_t> shapeB(
      cast<RankedTensorType>(op.getB().getType()).getShape());
  for (auto [expr, extent] : llvm::zip(op.getMapB().getResults(), shapeB)) {
    unsigned dim = cast<AffineDimExpr>(expr).getPosition();
    if (dim + 2 == rank)
      extent = op.getN();
    else if (dim + 1 == rank)
      extent = op.getK();
  }
  result.b = sliceTo(builder, op.getLoc(), op.getB(), shapeB);
  return result;
}

/// The image with all pixels that windows read.
static Value buildPaddedImage(OpBuilder &builder, GemmOp op) {
  Location loc = op.getLoc();
  WindowAttr w = *op.getWindow();
  auto type = cast<RankedTensorType>(op.getA().getType());
  auto getExtent = [](int64_t size, int64_t pad, int64_t inputDilation,
                      int64_t out, int64_t stride, int64_t kernel,
                      int64_t dilation) {
    return std::max(pad + (size - 1) * inputDilation + 1,
                    (out - 1) * stride + (kernel - 1) * dilation + 1);
  };
  SmallVector<int64_t> shape(type.getShape());
  shape[1] =
      getExtent(shape[1], w.getPadH(), w.getInputDilationH(), w.getOutH(),
                w.getStrideH(), w.getKernelH(), w.getDilationH());
  shape[2] =
      getExtent(shape[2], w.getPadW(), w.getInputDilationW(), w.getOutW(),
                w.getStrideW(), w.getKernelW(), w.getDilationW());
  if (type.getShape() == ArrayRef(shape))
    return op.getA();
  Type element = type.getElementType();
  TypedAttr padAttr = builder.getZeroAttr(element);
  if (op.isInteger())
    padAttr = IntegerAttr::get(element,
                               APInt(8, static_cast<uint8_t>(w.getPadValue())));
  Value pad = arith::ConstantOp::create(builder, loc, padAttr);
  Value empty = tensor::EmptyOp::create(builder, loc, shape, element);
  Value filled = linalg::FillOp::create(builder, loc, pad, empty).getResult(0);
  SmallVector<OpFoldResult> offsets, sizes, strides;
  for (int64_t offset : {int64_t(0), w.getPadH(), w.getPadW(), int64_t(0)})
    offsets.push_back(builder.getIndexAttr(offset));
  for (int64_t size : type.getShape())
    sizes.push_back(builder.getIndexAttr(size));
  for (int64_t stride :
       {int64_t(1), w.getInputDilationH(), w.getInputDilationW(), int64_t(1)})
    strides.push_back(builder.getIndexAttr(stride));
  return tensor::InsertSliceOp::create(builder, loc, op.getA(), filled, offsets,
                                       sizes, strides);
}

/// Loops: image, p, q, group, n, r, s, channel.
static Contraction getConvolution(OpBuilder &builder, GemmOp op) {
  Location loc = op.getLoc();
  WindowAttr w = *op.getWindow();
  Value image = buildPaddedImage(builder, op);
  auto type = cast<RankedTensorType>(image.getType());
  int64_t groups = w.getGroups(), columns = op.getN() / groups,
          channels = type.getDimSize(3) / groups;
  auto expand = [&](Value value, ArrayRef<int64_t> shape,
                    ArrayRef<ReassociationIndices> dims) {
    auto expanded = RankedTensorType::get(shape, type.getElementType());
    return tensor::ExpandShapeOp::create(builder, loc, expanded, value, dims);
  };
  Contraction result;
  result.a = expand(image,
                    {type.getDimSize(0), type.getDimSize(1), type.getDimSize(2),
                     groups, channels},
                    {{0}, {1}, {2}, {3, 4}});
  result.b = expand(sliceTo(builder, loc, op.getB(), {op.getN(), op.getK()}),
                    {groups, columns, w.getKernelH(), w.getKernelW(), channels},
                    {{0, 1}, {2, 3, 4}});
  constexpr unsigned kNumLoops = 8;
  AffineExpr number, p, q, group, n, r, s, channel;
  bindDims(builder.getContext(), number, p, q, group, n, r, s, channel);
  result.mapA = AffineMap::get(
      kNumLoops, 0,
      {number, p * w.getStrideH() + r * w.getDilationH(),
       q * w.getStrideW() + s * w.getDilationW(), group, channel},
      builder.getContext());
  result.mapB = AffineMap::get(kNumLoops, 0, {group, n, r, s, channel},
                               builder.getContext());
  result.shape = {type.getDimSize(0), w.getOutH(), w.getOutW(), groups,
                  columns};
  return result;
}

/// The sums of products, i32 or f32, as [batch..., M, N].
static Value buildSums(OpBuilder &builder, GemmOp op) {
  Location loc = op.getLoc();
  Contraction contraction =
      op.getWindow() ? getConvolution(builder, op) : getProduct(builder, op);
  unsigned rank = contraction.shape.size(),
           numLoops = contraction.mapA.getNumDims();
  SmallVector<AffineMap> maps = {
      contraction.mapA, contraction.mapB,
      builder.getMultiDimIdentityMap(numLoops).getMajorSubMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.resize(numLoops, utils::IteratorType::reduction);

  Type sumType = op.getEpilogue()->getArgument(0).getType();
  Value empty =
      tensor::EmptyOp::create(builder, loc, contraction.shape, sumType);
  Value init = linalg::FillOp::create(builder, loc,
                                      createZero(builder, loc, sumType), empty)
                   .getResult(0);
  auto extend = [&](OpBuilder &b, Value value, bool isUnsigned) -> Value {
    if (value.getType() == sumType)
      return value;
    if (!op.isInteger())
      return arith::ExtFOp::create(b, loc, sumType, value);
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
  Value sums =
      linalg::GenericOp::create(builder, loc, init.getType(),
                                ValueRange{contraction.a, contraction.b}, init,
                                maps, iterators, body)
          .getResult(0);
  if (!op.getWindow())
    return sums;
  auto matrix = RankedTensorType::get({op.getM(), op.getN()}, sumType);
  SmallVector<ReassociationIndices> dims = {{0, 1, 2}, {3, 4}};
  return tensor::CollapseShapeOp::create(builder, loc, matrix, sums, dims);
}

/// gemm → contraction, then a generic with the region as its body.
static void expandGemm(GemmOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto resultType = cast<RankedTensorType>(op.getInit().getType());
  SmallVector<int64_t> logical = op.getLogicalShape();
  SmallVector<Value> inputs = {buildSums(builder, op)};
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
    SmallVector<LoopsOp> loops;
    WalkResult result = getOperation().walk([&](Operation *op) {
      if (!isa<GemmOp, LoopsOp, PackOp>(op))
        return WalkResult::advance();
      if (op->getNumResults() == 0 ||
          !isa<RankedTensorType>(op->getResult(0).getType())) {
        op->emitOpError("is on buffers: only kernel ops on tensors are "
                        "expanded");
        return WalkResult::interrupt();
      }
      if (auto gemm = dyn_cast<GemmOp>(op))
        gemms.push_back(gemm);
      else if (auto loopsOp = dyn_cast<LoopsOp>(op))
        loops.push_back(loopsOp);
      else
        packs.push_back(cast<PackOp>(op));
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    llvm::for_each(gemms, expandGemm);
    llvm::for_each(loops, expandLoops);
    llvm::for_each(packs, expandPack);
  }
};
} // namespace
