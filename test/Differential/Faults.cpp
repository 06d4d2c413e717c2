//===- Faults.cpp - Faults to be found ------------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Faults.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::differential;

llvm::StringRef differential::stringifyFault(Fault fault) {
  static constexpr StringLiteral names[] = {"epilogue-constant",
                                            "clamp-limit",
                                            "sign-extension",
                                            "separate-rounding",
                                            "rounding",
                                            "padding-value",
                                            "weight",
                                            "correction"};
  return names[static_cast<int>(fault)];
}

llvm::ArrayRef<Fault> differential::getFaults() {
  static constexpr Fault faults[] = {
      Fault::EpilogueConstant, Fault::ClampLimit, Fault::SignExtension,
      Fault::SeparateRounding, Fault::Rounding,   Fault::PaddingValue,
      Fault::Weight,           Fault::Correction};
  return faults;
}

/// The tensor constant behind argument `arg` of a generic's body.
static arith::ConstantOp getConstant(Value arg) {
  auto argument = dyn_cast<BlockArgument>(arg);
  auto op =
      argument ? dyn_cast<linalg::GenericOp>(argument.getOwner()->getParentOp())
               : linalg::GenericOp();
  return op ? op->getOperand(argument.getArgNumber())
                  .getDefiningOp<arith::ConstantOp>()
            : arith::ConstantOp();
}

/// `value` in place of the first element of `constant`.
template <typename T, typename Change>
static bool changeElement(arith::ConstantOp constant, Change change) {
  auto elements = dyn_cast_or_null<DenseElementsAttr>(
      constant ? constant.getValue() : Attribute());
  if (!elements || elements.empty())
    return false;
  SmallVector<T> values(elements.getValues<T>());
  // A dead channel would hide the change.
  for (T &value : values)
    if (value != T(0)) {
      value = change(value);
      constant.setValueAttr(
          DenseElementsAttr::get(elements.getType(), ArrayRef<T>(values)));
      return true;
    }
  return false;
}

static bool changeEpilogue(math::FmaOp op) {
  return changeElement<float>(getConstant(op.getB()),
                              [](float m) { return m * 1.0625f; });
}

static bool changeWeight(arith::MulIOp op) {
  auto extend = op.getRhs().getDefiningOp<arith::ExtSIOp>();
  return extend && changeElement<int8_t>(getConstant(extend.getIn()),
                                         [](int8_t w) -> int8_t {
                                           return w > 0 ? w - 1 : w + 1;
                                         });
}

static bool changeLimit(arith::MinimumFOp op) {
  FloatAttr limit;
  if (!matchPattern(op.getRhs(), m_Constant(&limit)) ||
      !(limit.getValueAsDouble() >= 100))
    return false;
  OpBuilder builder(op);
  op.getRhsMutable().assign(arith::ConstantOp::create(
      builder, op.getLoc(),
      builder.getF32FloatAttr(float(limit.getValueAsDouble()) - 1.0f)));
  return true;
}

static bool changeExtension(arith::ExtUIOp op) {
  if (!op.getIn().getType().isInteger(8))
    return false;
  OpBuilder builder(op);
  op.replaceAllUsesWith(
      arith::ExtSIOp::create(builder, op.getLoc(), op.getType(), op.getIn())
          .getResult());
  op.erase();
  return true;
}

static bool changeFma(math::FmaOp op) {
  OpBuilder builder(op);
  Value product =
      arith::MulFOp::create(builder, op.getLoc(), op.getA(), op.getB());
  op.replaceAllUsesWith(
      arith::AddFOp::create(builder, op.getLoc(), product, op.getC())
          .getResult());
  op.erase();
  return true;
}

static bool changeRounding(math::RoundEvenOp op) {
  OpBuilder builder(op);
  Value half = arith::ConstantOp::create(builder, op.getLoc(),
                                         builder.getF32FloatAttr(0.5f));
  Value sum =
      arith::AddFOp::create(builder, op.getLoc(), op.getOperand(), half);
  op.replaceAllUsesWith(
      math::FloorOp::create(builder, op.getLoc(), sum).getResult());
  op.erase();
  return true;
}

static bool changePadding(tensor::PadOp op) {
  Value value = op.getConstantPaddingValue();
  APInt integer;
  if (!value || !matchPattern(value, m_ConstantInt(&integer)) ||
      !op.getSourceType().getElementType().isInteger(8))
    return false;
  Operation *yield = op.getBody()->getTerminator();
  OpBuilder builder(yield);
  yield->setOperand(0,
                    arith::ConstantOp::create(
                        builder, op.getLoc(),
                        builder.getIntegerAttr(value.getType(), integer + 1)));
  return true;
}

static bool changeCorrection(arith::AddIOp op) {
  return changeElement<int32_t>(getConstant(op.getRhs()),
                                [](int32_t c) { return c + 1; });
}

/// Applies `change` to the first op of its kind that it can change.
template <typename Op>
static bool changeFirst(ModuleOp module, bool (*change)(Op)) {
  return module
      .walk([&](Op op) {
        return change(op) ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

bool differential::plantFault(ModuleOp module, Fault fault) {
  switch (fault) {
  case Fault::EpilogueConstant:
    return changeFirst(module, changeEpilogue);
  case Fault::ClampLimit:
    return changeFirst(module, changeLimit);
  case Fault::SignExtension:
    return changeFirst(module, changeExtension);
  case Fault::SeparateRounding:
    return changeFirst(module, changeFma);
  case Fault::Rounding:
    return changeFirst(module, changeRounding);
  case Fault::PaddingValue:
    return changeFirst(module, changePadding);
  case Fault::Weight:
    return changeFirst(module, changeWeight);
  case Fault::Correction:
    return changeFirst(module, changeCorrection);
  }
  llvm_unreachable("all faults are handled");
}
