//===- CallLoopNests.cpp - Linalg ops into functions of their own -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One small function for each kind of loop nest instead of one huge function:
// LLVM's time stays linear, a model's repeated layers are compiled once, and
// aliasing is known where it matters, at the functions' arguments.
//
//===----------------------------------------------------------------------===//
#include "Buffers.h"
#include "CpuCompiler.h"
#include "LoopNest.h"
#include "QuantOpt/Analysis/OrderedSum.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

namespace {
class NestOutliner {
public:
  NestOutliner(func::FuncOp entry)
      : entry(entry), context(entry.getContext()),
        pointerType(LLVM::LLVMPointerType::get(context)),
        nests(ModuleOp::create(entry.getLoc())) {}

  /// Replaces `op` by a call, or by loops in place where its accesses are too
  /// irregular for LoopNest.
  LogicalResult outline(linalg::LinalgOp op);

  ModuleOp getNests() { return *nests; }

private:
  /// A sum in the fixed order whose accesses are too irregular: first its
  /// elements, into a buffer, then their sum.
  LogicalResult outlineInTwo(linalg::LinalgOp op);
  /// `op` as a function that takes `pointers` and `scalars`.
  func::FuncOp createFunction(LoopNest &nest, const NestCaptures &captures,
                              ArrayRef<Value> pointers);
  /// The function with the same code that was created before, or `function`.
  func::FuncOp unify(func::FuncOp function);
  void markDistinct(func::FuncOp function, LoopNest &nest,
                    ArrayRef<Value> pointers);

  func::FuncOp entry;
  MLIRContext *context;
  Type pointerType;
  OwningOpRef<ModuleOp> nests;
  llvm::StringMap<func::FuncOp> byCode;
};
} // namespace

/// Outputs that no other pointer of the nest can reach are `noalias`.
void NestOutliner::markDistinct(func::FuncOp function, LoopNest &nest,
                                ArrayRef<Value> pointers) {
  for (const NestOperand &operand : nest.operands) {
    if (!operand.isOutput)
      continue;
    Value output = getViewBase(operand.operand->get());
    Value root = getRoot(output);
    bool distinct = llvm::all_of(pointers, [&](Value other) {
      return other == output || areDistinct(root, getRoot(other));
    });
    unsigned index = llvm::find(pointers, output) - pointers.begin();
    if (distinct)
      function.setArgAttr(index, LLVM::LLVMDialect::getNoAliasAttrName(),
                          UnitAttr::get(context));
  }
}

func::FuncOp NestOutliner::createFunction(LoopNest &nest,
                                          const NestCaptures &captures,
                                          ArrayRef<Value> pointers) {
  SmallVector<Type> types(pointers.size(), pointerType);
  for (Value scalar : captures.scalars)
    types.push_back(scalar.getType());
  OpBuilder builder = OpBuilder::atBlockEnd(nests->getBody());
  Location loc = nest.op.getLoc();
  auto function = func::FuncOp::create(builder, loc, "nest",
                                       builder.getFunctionType(types, {}));
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToStart(block);

  auto argumentOf = [&](Value memref) -> Value {
    return block->getArgument(llvm::find(pointers, getViewBase(memref)) -
                              pointers.begin());
  };
  SmallVector<Value> operandPointers;
  for (const NestOperand &operand : nest.operands)
    operandPointers.push_back(argumentOf(operand.operand->get()));
  DenseMap<Value, Value> bufferPointers;
  for (Value buffer : captures.buffers)
    bufferPointers[buffer] = argumentOf(buffer);
  IRMapping mapping;
  for (auto [i, scalar] : llvm::enumerate(captures.scalars))
    mapping.map(scalar, block->getArgument(pointers.size() + i));

  // Constants are captured by copying them.
  auto mapConstant = [&](Value value) {
    Operation *definition = value.getDefiningOp();
    if (definition && !nest.op->isAncestor(definition) &&
        definition->hasTrait<OpTrait::ConstantLike>() &&
        !mapping.contains(value))
      builder.clone(*definition, mapping);
  };
  nest.op->walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      mapConstant(operand);
  });
  // Scalar operands are arguments of the body.
  for (OpOperand *operand : nest.op.getDpsInputOperands())
    if (!isa<MemRefType>(operand->get().getType()))
      mapping.map(nest.op.getMatchingBlockArgument(operand),
                  mapping.lookup(operand->get()));

  emitLoopNest(function, nest, operandPointers, bufferPointers, mapping);
  builder.setInsertionPointToEnd(block);
  func::ReturnOp::create(builder, loc);
  markDistinct(function, nest, pointers);
  return function;
}

func::FuncOp NestOutliner::unify(func::FuncOp function) {
  std::string code;
  llvm::raw_string_ostream os(code);
  function->print(os, OpPrintingFlags().useLocalScope().assumeVerified());
  auto [it, isNew] = byCode.try_emplace(code, function);
  if (isNew) {
    function.setName("nest_" + std::to_string(byCode.size()));
    auto declaration = func::FuncOp::create(
        function.getLoc(), function.getName(), function.getFunctionType());
    declaration.setPrivate();
    entry->getParentOfType<ModuleOp>().push_back(declaration);
  } else {
    function.erase();
  }
  return it->second;
}

LogicalResult NestOutliner::outlineInTwo(linalg::LinalgOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  Block *body = op.getBlock();
  auto add =
      cast<arith::AddFOp>(body->getTerminator()->getOperand(0).getDefiningOp());
  BlockArgument out = op.getRegionOutputArgs()[0];
  Value element = add.getLhs() == out ? add.getRhs() : add.getLhs();
  Value elements = memref::AllocOp::create(
      builder, loc, MemRefType::get(extents, builder.getF32Type()));

  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  AffineMap all = builder.getMultiDimIdentityMap(extents.size());
  AffineMap outMap = maps.back();
  maps.back() = all;
  SmallVector<utils::IteratorType> parallel(extents.size(),
                                            utils::IteratorType::parallel);
  SmallVector<Value> inputs = op.getDpsInputs();
  auto compute = linalg::GenericOp::create(
      builder, loc, inputs, elements, maps, parallel,
      [&](OpBuilder &b, Location loc, ValueRange args) {
        IRMapping mapping;
        mapping.map(body->getArguments(), args);
        for (Operation &inner : body->without_terminator())
          if (&inner != add)
            b.clone(inner, mapping);
        linalg::YieldOp::create(b, loc, mapping.lookupOrDefault(element));
      });
  auto sum = linalg::GenericOp::create(
      builder, loc, elements, op.getDpsInits()[0],
      ArrayRef<AffineMap>{all, outMap}, op.getIteratorTypesArray(),
      [&](OpBuilder &b, Location loc, ValueRange args) {
        Value next = arith::AddFOp::create(b, loc, args[1], args[0]);
        next.getDefiningOp()->setAttr(kOrderedSumAttr, b.getUnitAttr());
        linalg::YieldOp::create(b, loc, next);
      });
  op->erase();
  return success(succeeded(outline(compute)) && succeeded(outline(sum)));
}

LogicalResult NestOutliner::outline(linalg::LinalgOp op) {
  IRRewriter rewriter(context);
  rewriter.setInsertionPoint(op);
  FailureOr<LoopNest> nest = buildLoopNest(op);
  FailureOr<NestCaptures> captures = getCaptures(op);
  if (failed(nest) || failed(captures)) {
    if (isMarkedSum(op))
      return outlineInTwo(op);
    if (failed(linalg::linalgOpToLoops(rewriter, op)))
      return op.emitError() << "cannot be executed on the CPU";
    rewriter.eraseOp(op);
    return success();
  }

  SmallVector<Value> pointers;
  auto notePointer = [&](Value memref) {
    Value base = getViewBase(memref);
    if (!llvm::is_contained(pointers, base))
      pointers.push_back(base);
  };
  for (const NestOperand &operand : nest->operands)
    notePointer(operand.operand->get());
  for (Value buffer : captures->buffers)
    notePointer(buffer);
  func::FuncOp function = unify(createFunction(*nest, *captures, pointers));

  SmallVector<Value> arguments;
  for (Value pointer : pointers)
    arguments.push_back(createPointer(rewriter, op.getLoc(), pointer));
  llvm::append_range(arguments, captures->scalars);
  func::CallOp::create(rewriter, op.getLoc(), function, arguments);
  rewriter.eraseOp(op);
  return success();
}

/// memref.copy → linalg.generic that yields its input.
static void generalizeCopy(memref::CopyOp op) {
  OpBuilder builder(op);
  auto type = cast<MemRefType>(op.getSource().getType());
  SmallVector<AffineMap> maps(2,
                              builder.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> parallel(type.getRank(),
                                            utils::IteratorType::parallel);
  linalg::GenericOp::create(builder, op.getLoc(), op.getSource(),
                            op.getTarget(), maps, parallel,
                            [](OpBuilder &b, Location loc, ValueRange args) {
                              linalg::YieldOp::create(b, loc, args[0]);
                            });
  op.erase();
}

void cpu::lowerObservers(func::FuncOp entry) {
  SmallVector<func::CallOp> calls;
  entry.walk([&](func::CallOp call) {
    if (call.getCallee().starts_with(kObserveMarker))
      calls.push_back(call);
  });
  for (func::CallOp call : calls) {
    OpBuilder builder(call);
    Location loc = call.getLoc();
    int64_t index;
    call.getCallee().substr(kObserveMarker.size()).getAsInteger(10, index);
    Value buffer = call.getOperand(0);
    int64_t count = cast<MemRefType>(buffer.getType()).getNumElements();
    func::CallOp::create(
        builder, loc, kObserveFn, TypeRange(),
        ValueRange{arith::ConstantIntOp::create(builder, loc, index, 64),
                   createPointer(builder, loc, buffer),
                   arith::ConstantIntOp::create(builder, loc, count, 64)});
    call.erase();
  }
}

FailureOr<OwningOpRef<ModuleOp>> cpu::callLoopNests(func::FuncOp entry) {
  SmallVector<memref::CopyOp> copies;
  entry.walk([&](memref::CopyOp op) { copies.push_back(op); });
  for (memref::CopyOp op : copies)
    generalizeCopy(op);

  SmallVector<linalg::LinalgOp> ops;
  entry.walk([&](linalg::LinalgOp op) { ops.push_back(op); });
  OwningOpRef<ModuleOp> result = ModuleOp::create(entry.getLoc());
  NestOutliner outliner(entry);
  for (linalg::LinalgOp op : ops)
    if (failed(outliner.outline(op)))
      return failure();
  result->getBodyRegion().takeBody(outliner.getNests().getBodyRegion());
  return result;
}
