//===- RaiseIdiom.cpp - The ops of an idiom to a composite -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Idiom.h"

#include "QuantOpt/Analysis/Elementwise.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::qopt;

bool mlir::qopt::isMovement(Operation *op) {
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp,
          linalg::TransposeOp, linalg::BroadcastOp>(op))
    return true;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic && isElementwise(generic) && generic.getNumDpsInputs() == 1 &&
         llvm::hasSingleElement(*generic.getBody()) &&
         generic.getBody()->getTerminator()->getOperand(0) ==
             generic.getBody()->getArgument(0);
}

SmallVector<Value> mlir::qopt::getUsedValues(Operation *op) {
  llvm::SetVector<Value> values(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  return values.takeVector();
}

/// Initial values, which every use may have for itself.
static bool isConstantLike(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() ||
         isa<tensor::EmptyOp, linalg::FillOp>(op);
}

namespace {
/// The ops between an idiom's inputs and its result.
struct Slice {
  SmallVector<Value> inputs;
  llvm::SetVector<Operation *> ops; ///< each after those it uses

  /// Everything that `value` needs.
  void add(Value value, Block *block);
  /// Leaves the reshapes at the beginning outside, where that is the same for
  /// all who read the input.
  void peelMovement();
  /// True if nothing else needs the results of ops that will move away.
  bool isSelfContained(const Idiom &idiom) const;

private:
  SmallVector<Operation *> getUsers(Value value) const;
};
} // namespace

void Slice::add(Value value, Block *block) {
  Operation *def = value.getDefiningOp();
  if (llvm::is_contained(inputs, value) || (def && ops.contains(def)))
    return;
  bool isInside =
      def && (isConstantLike(def) ||
              (def->getBlock() == block &&
               (isMovement(def) ||
                isa<linalg::LinalgOp, tensor::ExtractSliceOp>(def))));
  if (!isInside) {
    inputs.push_back(value);
    return;
  }
  for (Value used : getUsedValues(def))
    add(used, block);
  ops.insert(def);
}

SmallVector<Operation *> Slice::getUsers(Value value) const {
  SmallVector<Operation *> users;
  for (Operation *op : ops)
    if (llvm::is_contained(getUsedValues(op), value))
      users.push_back(op);
  return users;
}

void Slice::peelMovement() {
  for (Value &input : inputs) {
    SmallVector<Operation *> users = getUsers(input);
    while (users.size() == 1 && users[0] != ops.back() &&
           isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
               linalg::TransposeOp>(users[0])) {
      ops.remove(users[0]);
      input = users[0]->getResult(0);
      users = getUsers(input);
    }
  }
}

bool Slice::isSelfContained(const Idiom &idiom) const {
  Operation *root = ops.back();
  return llvm::all_of(ops, [&](Operation *op) {
    if (op == root || isConstantLike(op) || isMovement(op) ||
        idiom.shared.contains(op))
      return true;
    return llvm::all_of(op->getUsers(), [&](Operation *user) {
      // A user may be inside the body of one of the ops.
      while (user && user->getBlock() != op->getBlock())
        user = user->getParentOp();
      return user && ops.contains(user);
    });
  });
}

/// One generic for elementwise ops of one input; tensors of constants become
/// scalars of its body.
static Value mergeElementwise(OpBuilder &builder, const Slice &slice,
                              Value input, RankedTensorType type) {
  Location loc = slice.ops.back()->getLoc();
  Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                        type.getElementType());
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  DenseMap<Attribute, Value> constants;
  auto getScalar = [&](Value constant) {
    Type element = getElementTypeOrSelf(constant.getType());
    auto attr =
        builder.getFloatAttr(element, *qopt::getConstantScalar(constant));
    Value &scalar = constants[attr];
    if (!scalar)
      scalar = arith::ConstantOp::create(builder, loc, attr);
    return scalar;
  };
  // Constants are made in front of the op, before its body.
  IRMapping mapping;
  for (Operation *op : slice.ops) {
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (!generic)
      continue;
    for (OpOperand *operand : generic.getDpsInputOperands())
      if (qopt::getConstantScalar(operand->get()))
        mapping.map(generic.getMatchingBlockArgument(operand),
                    getScalar(operand->get()));
    for (Operation &bodyOp : *generic.getBody())
      for (Value used : bodyOp.getOperands())
        if (auto def = used.getDefiningOp();
            def && def->getBlock() != generic.getBody() &&
            !mapping.contains(used))
          mapping.map(used,
                      builder.clone(*def)->getResult(0)); // a scalar constant
  }
  auto merged = linalg::GenericOp::create(
      builder, loc, TypeRange{type}, ValueRange{input}, ValueRange{empty},
      {identity, identity}, iterators,
      [&](OpBuilder &body, Location loc, ValueRange args) {
        DenseMap<Value, Value> scalarOf{{slice.inputs[0], args[0]}};
        for (Operation *op : slice.ops) {
          auto generic = dyn_cast<linalg::GenericOp>(op);
          if (!generic)
            continue;
          for (OpOperand *operand : generic.getDpsInputOperands())
            if (Value scalar = scalarOf.lookup(operand->get()))
              mapping.map(generic.getMatchingBlockArgument(operand), scalar);
          for (Operation &bodyOp : generic.getBody()->without_terminator())
            body.clone(bodyOp, mapping);
          Value yielded = generic.getBody()->getTerminator()->getOperand(0);
          scalarOf[generic.getResult(0)] = mapping.lookupOrDefault(yielded);
        }
        linalg::YieldOp::create(body, loc,
                                scalarOf[slice.ops.back()->getResult(0)]);
      });
  return merged.getResult(0);
}

FailureOr<CompositeOp> mlir::qopt::raiseIdiom(RewriterBase &rewriter,
                                              const Idiom &idiom) {
  Operation *root = idiom.result.getDefiningOp();
  Slice slice;
  slice.inputs = idiom.inputs;
  slice.add(idiom.result, root->getBlock());
  if (slice.ops.empty())
    return failure();
  slice.peelMovement();
  if (!slice.isSelfContained(idiom))
    return failure();

  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(root);
  auto composite =
      CompositeOp::create(rewriter, root->getLoc(), idiom.result.getType(),
                          idiom.name, slice.inputs);
  Block *block = rewriter.createBlock(&composite.getBody());
  IRMapping mapping;
  for (Value input : slice.inputs)
    mapping.map(input, block->addArgument(input.getType(), input.getLoc()));
  Value result;
  if (idiom.isElementwise) {
    result = mergeElementwise(rewriter, slice, block->getArgument(0),
                              cast<RankedTensorType>(idiom.result.getType()));
  } else {
    for (Operation *op : slice.ops)
      rewriter.clone(*op, mapping);
    result = mapping.lookup(idiom.result);
  }
  YieldOp::create(rewriter, root->getLoc(), result);

  rewriter.replaceAllUsesWith(idiom.result, composite.getResult(0));
  for (Operation *op : llvm::reverse(slice.ops))
    if (op->use_empty())
      rewriter.eraseOp(op);
  return composite;
}
