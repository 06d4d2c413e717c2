//===- BatchAnalysis.cpp - Which launches may run fewer samples -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "BatchAnalysis.h"

#include "LoopShape.h"
#include "LoopsShape.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Kernels/KernelLaunch.h"
#include "QuantOpt/Kernels/KernelsForm.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Accesses by row
//===----------------------------------------------------------------------===//

namespace {
/// One buffer operand of a kernel op.
struct RowAccess {
  Value buffer;
  /// Row i lies in the i-th of the buffer's `rows` equal parts.
  bool followsRows;
  bool isRead, isWritten;
};

/// What a kernel op does to buffers.
struct RowAccesses {
  int64_t rows = 1;
  /// Equal parts that the rows may be cut into; as many as rows, or less.
  int64_t parts = 1;
  SmallVector<RowAccess> accesses;
};
} // namespace

static int64_t getNumBytes(MemRefType type) {
  return type.getNumElements() * getElementBytes(type.getElementType());
}

/// True if the access moves by exactly one of `rows` equal parts of the root
/// buffer per row, and stays inside of it in all other loops. `strides` and
/// `extents` describe the loops, `offset` the first element.
static bool followsRows(Value buffer, unsigned rowsLoop, int64_t rows,
                        ArrayRef<int64_t> strides, ArrayRef<int64_t> extents,
                        int64_t offset) {
  auto type = cast<MemRefType>(buffer.getType());
  auto rootType = cast<MemRefType>(getBufferRoot(buffer).getType());
  int64_t bytes = getElementBytes(type.getElementType());
  int64_t part = strides[rowsLoop] * bytes;
  if (part <= 0 || part * rows != getNumBytes(rootType))
    return false;
  int64_t last = getByteOffset(buffer) + offset * bytes + bytes;
  for (auto [loop, stride] : llvm::enumerate(strides))
    if (loop != rowsLoop)
      last += stride * bytes * (extents[loop] - 1);
  return last <= part;
}

/// The same for a buffer whose dim 0 is the row.
static bool followsRows(Value buffer, int64_t rows) {
  auto type = cast<MemRefType>(buffer.getType());
  auto strides = getStaticStrides(type);
  return strides && type.getRank() > 0 && type.getDimSize(0) == rows &&
         followsRows(buffer, 0, rows, *strides, type.getShape(), 0);
}

static FailureOr<RowAccesses> getAccesses(linalg::LinalgOp op) {
  FailureOr<LoopShape> shape = analyzeLoops(op);
  if (failed(shape))
    return failure();
  RowAccesses result;
  result.rows = result.parts = shape->getRows();
  std::optional<unsigned> rowsLoop = shape->getRowsLoop();
  for (const LoopOperand &operand : shape->operands) {
    bool follows = rowsLoop && operand.linear &&
                   followsRows(operand.getBuffer(), *rowsLoop, result.rows,
                               operand.linear->strides, shape->extents,
                               operand.linear->offset);
    BlockArgument argument = op.getMatchingBlockArgument(operand.operand);
    bool isRead = !argument.use_empty() &&
                  !(operand.isOutput && findInitialFill(op, *operand.operand));
    result.accesses.push_back(
        {operand.getBuffer(), follows, isRead, operand.isOutput});
  }
  // A load whose first index is the row: a gather within each sample.
  op.getBlock()->walk([&](memref::LoadOp load) {
    bool follows = false;
    if (rowsLoop && load.getMemRefType().getRank() > 0) {
      auto index = load.getIndices()[0].getDefiningOp<linalg::IndexOp>();
      follows = index && index.getDim() == *rowsLoop &&
                followsRows(load.getMemRef(), result.rows);
    }
    result.accesses.push_back({load.getMemRef(), follows, true, false});
  });
  return result;
}

static RowAccesses getAccesses(GemmOp op) {
  RowAccesses result;
  result.rows = getGemmRows(op);
  result.parts = result.rows;
  // The rows are loop 0 of a, the result and the epilogue; of b only if it is a
  // batch.
  auto add = [&](Value buffer, AffineMap map, bool isWritten) {
    bool isOutermost =
        map.getNumResults() > 0 && map.getResult(0).isFunctionOfDim(0);
    result.accesses.push_back({buffer,
                               isOutermost && followsRows(buffer, result.rows),
                               !isWritten, isWritten});
  };
  if (op.getWindow()) {
    // All rows of an image read any of its pixels: images are cut, not rows.
    result.parts = cast<MemRefType>(op.getA().getType()).getDimSize(0);
    result.accesses.push_back({op.getA(), followsRows(op.getA(), result.parts),
                               /*isRead=*/true, /*isWritten=*/false});
  } else {
    add(op.getA(), op.getMapA(), false);
  }
  add(op.getB(),
      op.isBatched() ? op.getMapB() : AffineMap::get(op.getContext()), false);
  auto maps = op.getEpilogueMaps().getAsValueRange<AffineMapAttr>();
  for (auto [input, map] : llvm::zip(op.getEpilogueInputs(), maps))
    add(input, map, false);
  add(op.getInit(), op.getMapD(), true);
  return result;
}

static FailureOr<RowAccesses> getAccesses(LoopsOp op) {
  FailureOr<LoopsShape> shape = analyzeLoops(op);
  if (failed(shape))
    return failure();
  RowAccesses result;
  result.rows = shape->getRows();
  result.parts = result.rows;
  for (const LoopsOperand &operand : shape->operands) {
    Value buffer = operand.getValue();
    bool follows = false;
    if (std::optional<unsigned> rowsLoop = shape->getRowsLoop()) {
      int64_t bytes = getElementBytes(operand.getElementType());
      int64_t part = operand.address.strides[*rowsLoop] * bytes;
      ElementRange range = shape->getRowRange(operand);
      int64_t offset = getByteOffset(buffer);
      follows =
          part > 0 &&
          part * result.rows ==
              getNumBytes(cast<MemRefType>(getBufferRoot(buffer).getType())) &&
          offset + range.low * bytes >= 0 &&
          offset + (range.high + 1) * bytes <= part;
    }
    result.accesses.push_back(
        {buffer, follows, !operand.isOutput, operand.isOutput});
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Analysis
//===----------------------------------------------------------------------===//

namespace {
enum class BufferState { Whole, Batched };

class BatchAnalysis {
public:
  explicit BatchAnalysis(func::FuncOp entry) : entry(entry) {}

  FailureOr<BatchPlan> run();

private:
  /// Sets plan.batch; false (with a reason) if there is no common extent.
  bool findBatch();
  LogicalResult collectOps();
  /// Follows the buffers through the program. False if it has to start again
  /// with more ops in `uncut`, or if the batch is fixed.
  bool propagate();
  bool visit(Operation *op, const RowAccesses &accesses);
  /// Makes `buffer` whole in the next round, if only ops on whole buffers wrote
  /// it.
  bool demandWhole(Value root);
  void fix(Operation *op, const Twine &reason);
  bool isOutput(Value root);

  func::FuncOp entry;
  BatchPlan plan;
  SmallVector<std::pair<Operation *, RowAccesses>> ops;
  /// Ops on whole buffers that run all their rows.
  DenseSet<Operation *> uncut;

  DenseMap<Value, BufferState> states;
  /// Of batched buffers: the ops that could have left them whole.
  DenseMap<Value, SmallVector<Operation *>> wholeWriters;
  /// Batched buffers that depend on the samples.
  DenseSet<Value> sampled;
};
} // namespace

static StringRef getKind(func::FuncOp entry, unsigned argument) {
  auto kind = entry.getArgAttrOfType<StringAttr>(argument, kArgumentKindAttr);
  return kind ? kind.getValue() : "";
}

/// "'conv1' (linalg.generic)".
static std::string describeOp(Operation *op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  StringRef name = getOpName(op);
  if (name.empty())
    name = getLocationName(op->getLoc());
  if (auto gemm = dyn_cast<GemmOp>(op); gemm && gemm.getName())
    name = *gemm.getName();
  if (auto loops = dyn_cast<LoopsOp>(op); loops && loops.getName())
    name = *loops.getName();
  if (!name.empty())
    os << '\'' << name << "' (" << op->getName() << ')';
  else
    os << '\'' << op->getName() << "' at " << printLocation(op->getLoc());
  return text;
}

void BatchAnalysis::fix(Operation *op, const Twine &reason) {
  plan.fixedReason = (describeOp(op) + " " + reason).str();
}

bool BatchAnalysis::isOutput(Value root) {
  auto argument = dyn_cast<BlockArgument>(root);
  return argument && getKind(entry, argument.getArgNumber()) == "output";
}

bool BatchAnalysis::findBatch() {
  std::optional<int64_t> batch;
  for (unsigned i = 0; i < entry.getNumArguments(); ++i) {
    StringRef kind = getKind(entry, i);
    if (kind != "input" && kind != "output")
      continue;
    auto type = cast<MemRefType>(entry.getArgument(i).getType());
    int64_t extent = type.getRank() == 0 ? 0 : type.getDimSize(0);
    if (extent == 0 || (batch && *batch != extent)) {
      plan.fixedReason = "the inputs and outputs have no common outermost "
                         "extent to be the batch";
      return false;
    }
    batch = extent;
  }
  plan.batch = batch.value_or(1);
  return batch.has_value();
}

LogicalResult BatchAnalysis::collectOps() {
  for (Operation &op : entry.getBody().front()) {
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
      FailureOr<RowAccesses> accesses = getAccesses(linalgOp);
      if (failed(accesses))
        return failure();
      ops.push_back({&op, std::move(*accesses)});
    } else if (auto loops = dyn_cast<LoopsOp>(op)) {
      FailureOr<RowAccesses> accesses = getAccesses(loops);
      if (failed(accesses))
        return failure();
      ops.push_back({&op, std::move(*accesses)});
    } else if (auto gemm = dyn_cast<GemmOp>(op)) {
      for (Value operand : gemm->getOperands())
        if (!getBufferRoot(operand))
          return gemm.emitOpError() << kNoKernel
                                    << ": it has an operand of a layout that "
                                       "is not known at compile time";
      ops.push_back({&op, getAccesses(gemm)});
    }
  }
  return success();
}

bool BatchAnalysis::demandWhole(Value root) {
  auto it = wholeWriters.find(root);
  if (sampled.contains(root) || it == wholeWriters.end())
    return false;
  bool changed = false;
  for (Operation *op : it->second)
    changed |= uncut.insert(op).second;
  return changed;
}

bool BatchAnalysis::visit(Operation *op, const RowAccesses &accesses) {
  auto getState = [&](Value root) {
    if (isConstantBuffer(root))
      return BufferState::Whole;
    // Nothing was written yet: what is there does not matter.
    auto it = states.find(root);
    return it == states.end() ? BufferState::Whole : it->second;
  };
  bool onWhole = true, canBeCut = accesses.parts % plan.batch == 0;
  for (const RowAccess &access : accesses.accesses) {
    Value root = getBufferRoot(access.buffer);
    if (access.isRead && getState(root) == BufferState::Batched)
      onWhole = false;
    if (access.isWritten && !access.followsRows)
      canBeCut = false;
  }
  bool writesOutput =
      llvm::any_of(accesses.accesses, [&](const RowAccess &access) {
        return access.isWritten && isOutput(getBufferRoot(access.buffer));
      });
  bool cut = canBeCut && !(onWhole && uncut.contains(op) && !writesOutput);
  if (!cut && !onWhole) {
    // Perhaps all it reads can be whole.
    for (const RowAccess &access : accesses.accesses) {
      Value root = getBufferRoot(access.buffer);
      if (access.isRead && getState(root) == BufferState::Batched &&
          !demandWhole(root)) {
        fix(op, "does not compute its result sample by sample");
        return false;
      }
    }
    return false;
  }
  if (!cut && writesOutput) {
    fix(op, "does not compute its result sample by sample");
    return false;
  }
  if (cut) {
    for (const RowAccess &access : accesses.accesses) {
      Value root = getBufferRoot(access.buffer);
      if (!access.isRead || access.followsRows ||
          getState(root) == BufferState::Whole)
        continue;
      if (!demandWhole(root))
        fix(op, "reads other samples than those it computes");
      return false;
    }
    plan.rowsPerSample[op] = accesses.rows / plan.batch;
  }
  for (const RowAccess &access : accesses.accesses) {
    if (!access.isWritten)
      continue;
    Value root = getBufferRoot(access.buffer);
    if (cut || getState(root) == BufferState::Batched)
      states[root] = BufferState::Batched;
    else
      states[root] = BufferState::Whole;
    if (!onWhole)
      sampled.insert(root);
    else if (cut)
      wholeWriters[root].push_back(op);
  }
  return true;
}

bool BatchAnalysis::propagate() {
  states.clear();
  wholeWriters.clear();
  sampled.clear();
  plan.rowsPerSample.clear();
  for (unsigned i = 0; i < entry.getNumArguments(); ++i)
    if (getKind(entry, i) == "input") {
      states[entry.getArgument(i)] = BufferState::Batched;
      sampled.insert(entry.getArgument(i));
    }
  return llvm::all_of(
      ops, [&](const auto &entry) { return visit(entry.first, entry.second); });
}

FailureOr<BatchPlan> BatchAnalysis::run() {
  if (failed(collectOps()))
    return failure();
  // A batch of one leaves no choice.
  if (findBatch() && plan.batch > 1)
    while (!propagate() && plan.fixedReason.empty())
      ;
  if (!plan.fixedReason.empty() || plan.batch == 1)
    plan.rowsPerSample.clear();
  return std::move(plan);
}

FailureOr<BatchPlan> mlir::qopt::analyzeBatch(func::FuncOp entry) {
  return BatchAnalysis(entry).run();
}
