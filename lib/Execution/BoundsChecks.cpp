//===- BoundsChecks.cpp - No access outside of a buffer --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Models gather with indices that are inputs. Every load, store and subview
// whose position is not provably inside its buffer gets a `cf.assert`, and all
// asserts become calls that end the run with an error.
//
//===----------------------------------------------------------------------===//
#include "CpuCompiler.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Execution/BufferAccess.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

//===----------------------------------------------------------------------===//
// Ranges of indices
//===----------------------------------------------------------------------===//

/// Far below overflow, far above any extent.
static constexpr int64_t kRangeLimit = int64_t(1) << 48;
static constexpr unsigned kMaxRangeDepth = 16;

static std::optional<IndexRange> limit(IndexRange range) {
  if (range.low < -kRangeLimit || range.high > kRangeLimit ||
      range.low > range.high)
    return std::nullopt;
  return range;
}

static std::optional<IndexRange> getRange(Value value, unsigned depth);

/// getRange of an integer or index, not yet limited to the values of its type.
static std::optional<IndexRange> inferRange(Value value, unsigned depth) {
  if (auto constant = getConstantIntValue(value))
    return limit({*constant, *constant});
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<scf::ForOp>(arg.getOwner()->getParentOp());
    if (!loop || arg != loop.getInductionVar())
      return std::nullopt;
    auto low = getConstantIntValue(loop.getLowerBound());
    auto high = getConstantIntValue(loop.getUpperBound());
    if (!low || !high)
      return std::nullopt;
    return limit({*low, *high - 1});
  }
  Operation *op = value.getDefiningOp();
  if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    auto parent = cast<linalg::LinalgOp>(index->getParentOp());
    int64_t extent = parent.getStaticLoopRanges()[index.getDim()];
    return limit({0, extent - 1});
  }
  if (isa<arith::IndexCastOp, arith::ExtSIOp>(op))
    return getRange(op->getOperand(0), depth + 1);
  if (op->getNumOperands() != 2 || op->getNumResults() != 1)
    return std::nullopt;
  auto a = getRange(op->getOperand(0), depth + 1);
  auto b = getRange(op->getOperand(1), depth + 1);
  if (!a || !b)
    return std::nullopt;
  if (isa<arith::AddIOp>(op))
    return limit({a->low + b->low, a->high + b->high});
  if (isa<arith::SubIOp>(op))
    return limit({a->low - b->high, a->high - b->low});
  if (isa<arith::MaxSIOp>(op))
    return limit({std::max(a->low, b->low), std::max(a->high, b->high)});
  if (isa<arith::MinSIOp>(op))
    return limit({std::min(a->low, b->low), std::min(a->high, b->high)});
  bool factorIsSmall = b->low == b->high && b->low >= 0 &&
                       b->high <= (int64_t(1) << 14) && a->low >= 0;
  if (isa<arith::MulIOp>(op) && factorIsSmall)
    return limit({a->low * b->low, a->high * b->high});
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(op) &&
      factorIsSmall && b->low > 0)
    return limit({a->low / b->low, a->high / b->low});
  if (isa<arith::RemSIOp, arith::RemUIOp>(op) && factorIsSmall && b->low > 0)
    return limit({0, b->low - 1});
  return std::nullopt;
}

/// What follows about `value` from constants and loop bounds alone.
static std::optional<IndexRange> getRange(Value value, unsigned depth) {
  if (depth > kMaxRangeDepth || !value.getType().isIntOrIndex())
    return std::nullopt;
  auto range = inferRange(value, depth);
  unsigned width =
      value.getType().isIndex() ? 64 : value.getType().getIntOrFloatBitWidth();
  // Arithmetic that may wrap says nothing.
  if (range && width < 64 &&
      (range->low < llvm::minIntN(width) || range->high > llvm::maxIntN(width)))
    return std::nullopt;
  return range;
}

std::optional<IndexRange> mlir::qopt::getIndexRange(Value value) {
  return getRange(value, 0);
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

/// The same index, but one value even where it came from an undefined
/// conversion (NaN to integer): what is checked must be what is used.
static Value freeze(OpBuilder &builder, Location loc, Value index) {
  Type i64 = builder.getI64Type();
  Value value = arith::IndexCastOp::create(builder, loc, i64, index);
  value = LLVM::FreezeOp::create(builder, loc, i64, value);
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    value);
}

std::string mlir::qopt::describeIndexCheck(unsigned dim, int64_t extent) {
  return "index out of bounds: dimension " + std::to_string(dim) + " has " +
         std::to_string(extent) + " elements";
}

/// Asserts 0 <= index < extent. One unsigned comparison does both.
static void assertBelow(OpBuilder &builder, Location loc, Value index,
                        int64_t extent, int64_t dim) {
  Value bound = arith::ConstantIndexOp::create(builder, loc, extent);
  Value inside = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                       index, bound);
  cf::AssertOp::create(builder, loc, inside, describeIndexCheck(dim, extent));
}

/// Checks `indices` (operands of `op`) against the shape of `type`.
static void checkIndices(Operation *op, MutableOperandRange indices,
                         MemRefType type) {
  OpBuilder builder(op);
  for (auto [dim, operand] : llvm::enumerate(indices)) {
    int64_t extent = type.getDimSize(dim);
    auto range = getIndexRange(operand.get());
    if (range && range->low >= 0 && range->high < extent)
      continue;
    Value index = freeze(builder, op->getLoc(), operand.get());
    operand.set(index);
    assertBelow(builder, op->getLoc(), index, extent, dim);
  }
}

/// Checks that a view of static sizes and strides at a dynamic offset lies
/// inside its source.
static LogicalResult checkSubView(memref::SubViewOp op) {
  OpBuilder builder(op);
  MemRefType source = op.getSourceType();
  if (llvm::any_of(op.getStaticSizes(), ShapedType::isDynamic) ||
      llvm::any_of(op.getStaticStrides(), ShapedType::isDynamic))
    return op.emitError() << "cannot be executed on the CPU: a slice whose "
                             "size or stride is not known at compile time";
  unsigned dynamic = 0;
  for (int64_t dim = 0; dim < source.getRank(); ++dim) {
    int64_t span = (op.getStaticSizes()[dim] - 1) * op.getStaticStrides()[dim];
    int64_t positions = source.getDimSize(dim) - span;
    int64_t offset = op.getStaticOffsets()[dim];
    if (!ShapedType::isDynamic(offset)) {
      if (op.getStaticSizes()[dim] > 0 && (offset < 0 || offset >= positions))
        return op.emitError() << "a slice outside of its tensor";
      continue;
    }
    OpOperand &operand = op.getOffsetsMutable()[dynamic++];
    auto range = getIndexRange(operand.get());
    if (range && range->low >= 0 && range->high < positions)
      continue;
    Value index = freeze(builder, op.getLoc(), operand.get());
    operand.set(index);
    assertBelow(builder, op.getLoc(), index, std::max<int64_t>(positions, 0),
                dim);
  }
  return success();
}

LogicalResult cpu::insertBoundsChecks(func::FuncOp entry) {
  SmallVector<Operation *> accesses;
  entry.walk([&](Operation *op) {
    if (isa<memref::LoadOp, memref::StoreOp, memref::SubViewOp>(op))
      accesses.push_back(op);
  });
  for (Operation *op : accesses) {
    if (auto load = dyn_cast<memref::LoadOp>(op))
      checkIndices(op, load.getIndicesMutable(), load.getMemRefType());
    else if (auto store = dyn_cast<memref::StoreOp>(op))
      checkIndices(op, store.getIndicesMutable(), store.getMemRefType());
    else if (failed(checkSubView(cast<memref::SubViewOp>(op))))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Asserts
//===----------------------------------------------------------------------===//

void cpu::nameChecks(func::FuncOp entry) {
  entry.walk([](linalg::LinalgOp parent) {
    StringRef name = getOpName(parent);
    if (name.empty())
      return;
    parent.getBlock()->walk([&](Operation *op) {
      if (isa<cf::AssertOp, tensor::ExtractOp>(op))
        op->setLoc(NameLoc::get(StringAttr::get(op->getContext(), name),
                                op->getLoc()));
    });
  });
}

/// `file:line:col: 'name'` of the op that checks, as far as it has them.
static std::string describe(cf::AssertOp op) {
  std::string name, position;
  op.getLoc()->walk([&](Location inner) {
    if (auto named = dyn_cast<NameLoc>(inner); named && name.empty())
      name = named.getName().str();
    if (auto file = dyn_cast<FileLineColLoc>(inner); file && position.empty())
      position = file.getFilename().str() + ":" +
                 std::to_string(file.getLine()) + ":" +
                 std::to_string(file.getColumn());
    return WalkResult::advance();
  });
  if (position.empty() && name.empty())
    return "unknown location";
  if (name.empty())
    return position;
  return position.empty() ? "'" + name + "'" : position + ": '" + name + "'";
}

/// The sample that `op` is executed for (i64), or -1 if it is not known:
/// samples are equal parts of the outermost loop.
static Value getSample(OpBuilder &b, cf::AssertOp op, int64_t batch) {
  Location loc = op.getLoc();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, loc, value, 64);
  };
  auto parent = dyn_cast<linalg::LinalgOp>(op->getParentOp());
  if (batch == 1)
    return constant(0);
  if (!parent || batch == 0)
    return constant(-1);
  AffineMap map =
      parent.getMatchingIndexingMap(&parent.getDpsInitsMutable()[0]);
  SmallVector<int64_t> extents = parent.getStaticLoopRanges();
  for (AffineExpr subscript : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(subscript);
    if (!dim || extents[dim.getPosition()] == 1)
      continue;
    if (extents[dim.getPosition()] % batch != 0)
      return constant(-1);
    Value index = linalg::IndexOp::create(b, loc, dim.getPosition());
    index = arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
    return arith::DivUIOp::create(b, loc, index,
                                  constant(extents[dim.getPosition()] / batch));
  }
  return constant(-1);
}

void cpu::lowerAsserts(func::FuncOp entry, int64_t batch,
                       std::vector<CheckMessage> &messages) {
  SmallVector<cf::AssertOp> asserts;
  entry.walk([&](cf::AssertOp op) { asserts.push_back(op); });
  for (cf::AssertOp op : asserts) {
    OpBuilder builder(op);
    Location loc = op.getLoc();
    int64_t index = messages.size();
    messages.push_back({describe(op), op.getMsg().str()});
    Value sample = getSample(builder, op, batch);
    Value one = arith::ConstantIntOp::create(builder, loc, 1, 1);
    Value failed = arith::XOrIOp::create(builder, loc, op.getArg(), one);
    scf::IfOp::create(builder, loc, failed, [&](OpBuilder &b, Location loc) {
      Value number = arith::ConstantIntOp::create(b, loc, index, 64);
      func::CallOp::create(b, loc, kCheckFailedFn, TypeRange(),
                           ValueRange{number, sample});
      scf::YieldOp::create(b, loc);
    });
    op.erase();
  }
}
