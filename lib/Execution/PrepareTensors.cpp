//===- PrepareTensors.cpp - From any exporter's linalg to one form -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tensor-level steps before bufferization: one function in the form that
// TensorForms.cpp makes, and initial values taken out of contractions so that
// biases join the following elementwise op and kernels overwrite their output.
// Elementwise fusion is in FuseElementwise.cpp.
//
//===----------------------------------------------------------------------===//
#include "CpuCompiler.h"

#include "QuantOpt/Analysis/MulAdd.h"
#include "QuantOpt/Analysis/OrderedSum.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

//===----------------------------------------------------------------------===//
// One function with weights and results as arguments
//===----------------------------------------------------------------------===//

static MemRefType getMemRefType(Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  return MemRefType::get(type.getShape(), type.getElementType());
}

/// The number at the end of the name of a marker function, if it is one.
static std::optional<unsigned> parseMarker(StringRef callee, StringRef prefix) {
  unsigned index;
  if (!callee.consume_front(prefix) || callee.getAsInteger(10, index))
    return std::nullopt;
  return index;
}

/// Observers get a view of the buffer that will hold the tensor.
static void bufferizeObserver(func::CallOp call, ModuleOp module) {
  OpBuilder builder(call);
  Value tensor = call.getOperand(0);
  MemRefType type = getMemRefType(tensor.getType());
  Value buffer = bufferization::ToBufferOp::create(builder, call.getLoc(), type,
                                                   tensor, /*read_only=*/true);
  call->setOperand(0, buffer);
  module.lookupSymbol<func::FuncOp>(call.getCallee())
      .setType(builder.getFunctionType(type, {}));
}

/// Weights become arguments and observers read buffers.
static LogicalResult resolveMarkers(ModuleOp module, func::FuncOp entry,
                                    size_t numWeights) {
  size_t numInputs = entry.getNumArguments();
  SmallVector<func::CallOp> calls;
  entry.walk([&](func::CallOp call) { calls.push_back(call); });

  SmallVector<Type> weightTypes(numWeights);
  for (func::CallOp call : calls)
    if (auto index = parseMarker(call.getCallee(), kWeightMarker))
      weightTypes[*index] = call.getResult(0).getType();
  for (Type &type : weightTypes) {
    if (!type) // Its uses folded away while inlining.
      type =
          RankedTensorType::get({0}, IntegerType::get(entry.getContext(), 8));
    if (failed(entry.insertArgument(entry.getNumArguments(), type, {},
                                    entry.getLoc())))
      return failure();
  }
  for (func::CallOp call : calls) {
    if (auto index = parseMarker(call.getCallee(), kWeightMarker)) {
      call.getResult(0).replaceAllUsesWith(
          entry.getArgument(numInputs + *index));
      call.erase();
    } else if (parseMarker(call.getCallee(), kObserveMarker)) {
      bufferizeObserver(call, module);
    } else {
      return call.emitError() << kRefusal << ": recursion";
    }
  }
  for (unsigned i = 0, e = entry.getNumArguments(); i < e; ++i)
    entry.setArgAttr(i, "bufferization.writable",
                     BoolAttr::get(entry.getContext(), false));
  return success();
}

//===----------------------------------------------------------------------===//
// Initial values of contractions
//===----------------------------------------------------------------------===//

/// A tensor of zeros: a fill or a splat constant.
static bool isZeroTensor(Value value) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return isZeroScalar(fill.value());
  return isZeroScalar(value);
}

/// A generic that only repeats smaller inputs along new dimensions, like the
/// broadcast of a bias: cheaper to recompute than to store.
static bool isBroadcast(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op.getNumParallelLoops() != op.getNumLoops())
    return false;
  return llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *input) {
    return op.getMatchingIndexingMap(input).getNumResults() < op.getNumLoops();
  });
}

/// contraction(init = x) → contraction(init = 0) + x where x is a broadcast.
static void extractInit(linalg::GenericOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Value init = op.getDpsInits()[0];
  auto type = cast<RankedTensorType>(init.getType());
  if (!type.hasStaticShape() || isZeroTensor(init) || !isBroadcast(init))
    return;

  Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                        type.getElementType());
  Value zero = arith::ConstantOp::create(
      builder, loc, builder.getZeroAttr(type.getElementType()));
  op.setDpsInitOperand(
      0, linalg::FillOp::create(builder, loc, zero, empty).getResult(0));

  builder.setInsertionPointAfter(op);
  SmallVector<AffineMap> maps(3,
                              builder.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> parallel(type.getRank(),
                                            utils::IteratorType::parallel);
  auto sum = linalg::GenericOp::create(
      builder, loc, type, ValueRange{op.getResult(0), init}, empty, maps,
      parallel, [](OpBuilder &b, Location loc, ValueRange args) {
        Value value =
            isa<FloatType>(args[0].getType())
                ? Value(arith::AddFOp::create(b, loc, args[0], args[1]))
                : arith::AddIOp::create(b, loc, args[0], args[1]);
        linalg::YieldOp::create(b, loc, value);
      });
  op.getResult(0).replaceAllUsesExcept(sum.getResult(0), sum);
}

/// Leaves initial zeros to the kernels that overwrite their output, noted by
/// kZeroInitAttr. Comes after all rewrites of tensors: one that makes a new op
/// (a splat operand moves into the body, equal operands become one) drops the
/// note, and the sums would start from whatever the buffer holds.
static void leaveZerosToKernels(func::FuncOp entry) {
  SmallVector<linalg::GenericOp> contractions;
  entry.walk([&](linalg::GenericOp op) {
    if (matchMulAdd(op) && isZeroTensor(op.getDpsInits()[0]))
      contractions.push_back(op);
  });
  for (linalg::GenericOp op : contractions) {
    OpBuilder builder(op);
    Value init = op.getDpsInits()[0];
    auto type = cast<RankedTensorType>(init.getType());
    op.setDpsInitOperand(0, tensor::EmptyOp::create(builder, op.getLoc(),
                                                    type.getShape(),
                                                    type.getElementType()));
    op->setAttr(kZeroInitAttr, builder.getUnitAttr());
    if (init.use_empty())
      init.getDefiningOp()->erase();
  }
}

//===----------------------------------------------------------------------===//
// Entry point
//===----------------------------------------------------------------------===//

static LogicalResult simplify(Operation *op) {
  PassManager manager(op->getContext(), op->getName().getStringRef());
  manager.enableVerifier(false);
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  return manager.run(op);
}

/// Splat constants that are still tensors become fills.
static void materializeSplats(func::FuncOp entry) {
  SmallVector<arith::ConstantOp> constants;
  entry.walk([&](arith::ConstantOp op) {
    if (isa<RankedTensorType>(op.getType()))
      constants.push_back(op);
  });
  for (arith::ConstantOp op : constants) {
    OpBuilder builder(op);
    Value value = createFill(builder, op.getLoc(),
                             cast<DenseElementsAttr>(op.getValue()));
    op.replaceAllUsesWith(value);
    op.erase();
  }
}

LogicalResult cpu::prepareTensors(ModuleOp module, func::FuncOp entry,
                                  size_t numWeights) {
  PassManager inliner(module.getContext());
  inliner.enableVerifier(false);
  inliner.addPass(createInlinerPass());
  if (failed(inliner.run(module)))
    return failure();
  for (func::FuncOp function :
       llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (function != entry && !function.isExternal())
      function.erase();

  dropFastMath(entry);
  if (failed(resolveMarkers(module, entry, numWeights)) ||
      failed(generalizeOps(entry, kRefusal)))
    return failure();
  separateExtensions(entry);
  markOrderedSums(entry);
  if (failed(simplify(entry)) || failed(verifyStaticShapes(entry, kRefusal)))
    return failure();

  SmallVector<linalg::GenericOp> contractions;
  entry.walk([&](linalg::GenericOp op) {
    if (matchMulAdd(op))
      contractions.push_back(op);
  });
  for (linalg::GenericOp op : contractions) {
    foldMovements(op);
    extractInit(op);
  }
  if (failed(fuseElementwise(entry)) || failed(lowerTensorOps(entry)))
    return failure();
  materializeSplats(entry);
  if (failed(simplify(entry)) || failed(verifyStaticShapes(entry, kRefusal)))
    return failure();
  leaveZerosToKernels(entry);
  return returnThroughArguments(entry);
}
