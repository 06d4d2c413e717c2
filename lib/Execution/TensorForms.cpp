//===- TensorForms.cpp - One spelling of tensor programs -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tensor-level steps that all compilers need before bufferization: any
// exporter's linalg becomes linalg.generic without movements in front of
// contractions, and results become arguments.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Execution/Lowering.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Support/HalfPrecision.h"

#include "mlir/Conversion/TensorToLinalg/TensorToLinalg.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/Extensions/AllExtensions.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/IR/TensorInferTypeOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace mlir::qopt;

void mlir::qopt::registerLoweringDialects(DialectRegistry &registry) {
  registry
      .insert<affine::AffineDialect, arith::ArithDialect,
              bufferization::BufferizationDialect, cf::ControlFlowDialect,
              func::FuncDialect, linalg::LinalgDialect, math::MathDialect,
              memref::MemRefDialect, scf::SCFDialect, tensor::TensorDialect>();
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(
      registry);
  func::registerAllExtensions(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerSubsetOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerInferTypeOpInterfaceExternalModels(registry);
  tensor::registerSubsetOpInterfaceExternalModels(registry);
  tensor::registerValueBoundsOpInterfaceExternalModels(registry);
}

//===----------------------------------------------------------------------===//
// One spelling
//===----------------------------------------------------------------------===//

LogicalResult mlir::qopt::generalizeOps(func::FuncOp entry, StringRef refusal) {
  IRRewriter rewriter(entry.getContext());
  SmallVector<Operation *> ops;
  entry.walk([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : ops) {
    rewriter.setInsertionPoint(op);
    if (auto pack = dyn_cast<linalg::PackOp>(op)) {
      if (failed(linalg::lowerPack(rewriter, pack)))
        return op->emitError() << refusal;
    } else if (auto unpack = dyn_cast<linalg::UnPackOp>(op)) {
      if (failed(linalg::lowerUnPack(rewriter, unpack)))
        return op->emitError() << refusal;
    } else if (auto aggregate = dyn_cast<linalg::AggregatedOpInterface>(op)) {
      auto values = aggregate.decomposeOperation(rewriter);
      if (failed(values))
        return op->emitError() << refusal;
      rewriter.replaceOp(op, *values);
    }
  }

  SmallVector<linalg::LinalgOp> named;
  entry.walk([&](linalg::LinalgOp op) {
    if (!isa<linalg::GenericOp, linalg::FillOp>(op))
      named.push_back(op);
  });
  for (linalg::LinalgOp op : named) {
    rewriter.setInsertionPoint(op);
    if (failed(linalg::generalizeNamedOp(rewriter, op)))
      return op->emitError() << refusal;
  }
  return success();
}

void mlir::qopt::dropFastMath(func::FuncOp entry) {
  auto none = arith::FastMathFlagsAttr::get(entry.getContext(),
                                            arith::FastMathFlags::none);
  entry.walk([&](arith::ArithFastMathInterface op) {
    op->setAttr(op.getFastMathAttrName(), none);
  });
}

//===----------------------------------------------------------------------===//
// Operands of contractions
//===----------------------------------------------------------------------===//

/// A generic that only moves or repeats elements of its one input.
static bool isMovement(linalg::GenericOp op) {
  if (!op || op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !op.getIndexingMapsArray()[0].isProjectedPermutation() ||
      !op.getIndexingMapsArray()[1].isIdentity())
    return false;
  Operation *yield = op.getBody()->getTerminator();
  return op.getBody()->getOperations().size() == 1 &&
         yield->getOperand(0) == op.getBody()->getArgument(0);
}

void mlir::qopt::foldMovements(linalg::GenericOp op) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (OpOperand *operand : op.getDpsInputOperands()) {
    auto movement = operand->get().getDefiningOp<linalg::GenericOp>();
    SmallVector<AffineMap> folded = maps;
    AffineMap &map = folded[operand->getOperandNumber()];
    if (!isMovement(movement) || !map.isProjectedPermutation())
      continue;
    map = movement.getIndexingMapsArray()[0].compose(map);
    // Every loop's extent must still follow from some operand.
    if (!inversePermutation(concatAffineMaps(folded, op.getContext())))
      continue;
    operand->set(movement.getDpsInputs()[0]);
    op.setIndexingMapsAttr(
        Builder(op.getContext()).getAffineMapArrayAttr(folded));
    maps = folded;
  }
}

/// The extension of an input of 16-bit floats whose only reader it is.
static arith::ExtFOp getExtension(BlockArgument argument) {
  auto extension = argument.hasOneUse()
                       ? dyn_cast<arith::ExtFOp>(*argument.user_begin())
                       : arith::ExtFOp();
  bool isHalf = argument.getType().isF16() || argument.getType().isBF16();
  return isHalf && extension && extension.getType().isF32() ? extension
                                                            : arith::ExtFOp();
}

/// out + a · b, where a and b may be extended inputs.
static bool isExtendedMulAdd(linalg::GenericOp op) {
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1)
    return false;
  auto sum = op.getBody()
                 ->getTerminator()
                 ->getOperand(0)
                 .getDefiningOp<arith::AddFOp>();
  Value out = op.getBody()->getArgument(2);
  if (!sum || (sum.getLhs() != out && sum.getRhs() != out))
    return false;
  auto product = (sum.getLhs() == out ? sum.getRhs() : sum.getLhs())
                     .getDefiningOp<arith::MulFOp>();
  auto isFactor = [&](Value value) {
    if (auto extension = value.getDefiningOp<arith::ExtFOp>())
      value = extension.getIn();
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && argument.getOwner() == op.getBody();
  };
  return product && isFactor(product.getLhs()) && isFactor(product.getRhs());
}

/// `value` in f32: a constant of it, or a generic.
static Value extendTensor(OpBuilder &builder, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  ElementsAttr constant = getConstantElements(value);
  FailureOr<std::vector<char>> bytes =
      constant ? readRawBytes(constant) : FailureOr<std::vector<char>>();
  if (succeeded(bytes)) {
    std::vector<float> floats(bytes->size() / sizeof(uint16_t));
    for (auto [i, number] : llvm::enumerate(floats)) {
      uint16_t bits;
      memcpy(&bits, bytes->data() + i * sizeof(bits), sizeof(bits));
      number = type.getElementType().isF16() ? quantmath::fromF16(bits)
                                             : quantmath::fromBF16(bits);
    }
    return makeConstant(
        builder, loc,
        makeFloatElements(type.clone(builder.getF32Type()), floats, "weight"));
  }
  Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                        builder.getF32Type());
  SmallVector<AffineMap> maps(2,
                              builder.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> parallel(type.getRank(),
                                            utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, empty.getType(), value, empty, maps, parallel,
             [](OpBuilder &b, Location loc, ValueRange args) {
               Value wide =
                   arith::ExtFOp::create(b, loc, b.getF32Type(), args[0]);
               linalg::YieldOp::create(b, loc, wide);
             })
      .getResult(0);
}

void mlir::qopt::separateExtensions(func::FuncOp entry) {
  SmallVector<linalg::GenericOp> ops;
  entry.walk([&](linalg::GenericOp op) {
    if (isExtendedMulAdd(op))
      ops.push_back(op);
  });
  for (linalg::GenericOp op : ops)
    for (OpOperand *operand : op.getDpsInputOperands()) {
      BlockArgument argument = op.getMatchingBlockArgument(operand);
      arith::ExtFOp extension = getExtension(argument);
      if (!extension)
        continue;
      OpBuilder builder(op);
      operand->set(extendTensor(builder, op.getLoc(), operand->get()));
      argument.setType(builder.getF32Type());
      extension.replaceAllUsesWith(argument);
      extension.erase();
    }
}

//===----------------------------------------------------------------------===//
// Tensor ops
//===----------------------------------------------------------------------===//

LogicalResult mlir::qopt::lowerTensorOps(func::FuncOp entry) {
  RewritePatternSet patterns(entry.getContext());
  tensor::populateDecomposeTensorConcatPatterns(patterns);
  populateTensorToLinalgPatterns(patterns);
  return applyPatternsGreedily(entry, std::move(patterns));
}

LogicalResult mlir::qopt::verifyStaticShapes(func::FuncOp entry,
                                             StringRef refusal) {
  WalkResult result = entry.walk([&](Operation *op) {
    for (Type type : op->getResultTypes())
      if (auto shaped = dyn_cast<ShapedType>(type);
          shaped && (!shaped.hasRank() || !shaped.hasStaticShape())) {
        op->emitError() << refusal << ": the shape of " << type
                        << " is not known at compile time";
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

Value mlir::qopt::createFill(OpBuilder &builder, Location loc,
                             DenseElementsAttr splat) {
  Value empty = tensor::EmptyOp::create(
      builder, loc, splat.getType().getShape(), splat.getElementType());
  if (splat.getNumElements() == 0)
    return empty;
  Value scalar =
      arith::ConstantOp::create(builder, loc, splat.getSplatValue<TypedAttr>());
  return linalg::FillOp::create(builder, loc, scalar, empty).getResult(0);
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

static MemRefType getMemRefType(Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  return MemRefType::get(type.getShape(), type.getElementType());
}

/// `buffer`, which is to hold `result`, as a buffer for the tensor that
/// `result` is a reshape of; moves `result` there. The reshape is then no copy.
static Value lookThroughReshapes(OpBuilder &builder, Value &result,
                                 Value buffer) {
  while (Operation *op = result.getDefiningOp()) {
    Location loc = op->getLoc();
    MemRefType type;
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
      type = getMemRefType(expand.getSrcType());
      buffer = memref::CollapseShapeOp::create(
          builder, loc, type, buffer, expand.getReassociationIndices());
    } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
      type = getMemRefType(collapse.getSrcType());
      buffer = memref::ExpandShapeOp::create(
          builder, loc, type, buffer, collapse.getReassociationIndices());
    } else {
      break;
    }
    result = op->getOperand(0);
  }
  return buffer;
}

LogicalResult mlir::qopt::returnThroughArguments(func::FuncOp entry) {
  Operation *ret = entry.getBody().front().getTerminator();
  OpBuilder builder(ret);
  for (auto [i, result] : llvm::enumerate(ret->getOperands())) {
    unsigned position = entry.getNumArguments();
    NamedAttrList attributes;
    if (Attribute name = entry.getResultAttr(i, kNameAttr))
      attributes.set(kNameAttr, name);
    if (failed(entry.insertArgument(position, getMemRefType(result.getType()),
                                    attributes.getDictionary(ret->getContext()),
                                    entry.getLoc())))
      return failure();
    Value source = result;
    Value buffer =
        lookThroughReshapes(builder, source, entry.getArgument(position));
    bufferization::MaterializeInDestinationOp::create(
        builder, ret->getLoc(), Type(), source, buffer, /*restrict=*/true,
        /*writable=*/true);
  }
  func::ReturnOp::create(builder, ret->getLoc());
  ret->erase();
  entry.setType(builder.getFunctionType(entry.getArgumentTypes(), {}));
  entry.removeResAttrsAttr();
  return success();
}
