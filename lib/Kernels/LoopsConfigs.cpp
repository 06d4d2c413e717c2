//===- LoopsConfigs.cpp - The configurations of qopt.loops -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which families can compute loops follows from their structure; how many
// threads share a row, and how many elements a thread has, from the lengths.
//
//===----------------------------------------------------------------------===//
#include "LoopsKernel.h"

#include "QuantOpt/Analysis/Constants.h"

using namespace mlir;
using namespace mlir::qopt;

/// Elements of a row that a thread keeps in registers, at most.
static constexpr int64_t kMaxElements = 32;
/// Of longer rows: elements that a thread reads side by side.
static constexpr int64_t kLoopElements = 8;
static constexpr int64_t kLanes[] = {16, 8, 4, 2, 1};

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

/// Points of the innermost parallel loop that are there whatever the number of
/// rows of a launch is.
static int64_t getInnerPoints(const LoopsShape &shape) {
  return shape.parallel.size() < 2 ? 1 : shape.extents[shape.parallel.back()];
}

static LogicalResult verifyThreads(const LoopsShape &shape,
                                   LoopsConfigAttr config) {
  LoopsOp op = shape.op;
  if (getInnerPoints(shape) % config.getLanes() != 0)
    return op.emitOpError("cannot have ")
           << config << ": its innermost parallel loop has "
           << getInnerPoints(shape)
           << " iterations beside the rows; use lanes that divide them";
  return success();
}

static LogicalResult verifyRows(const LoopsShape &shape,
                                LoopsConfigAttr config) {
  LoopsOp op = shape.op;
  int64_t chunk = config.getRowThreads() * config.getLanes();
  LoopsPlan plan = makeLoopsPlan(shape, config);
  if (plan.reductions.size() > 1 &&
      plan.reductions.back().extent % config.getLanes() != 0)
    return op.emitOpError("cannot have ")
           << config << ": its innermost reduced loop has "
           << plan.reductions.back().extent
           << " iterations; use lanes that divide them";
  if (!LoopsProgram(op).isOrdered())
    return success();
  if (chunk > kSumPartials)
    return op.emitOpError("cannot have ")
           << config << ": sums of floats have " << kSumPartials
           << " partial sums; use row_threads * lanes of at most as many";
  bool isInRegisters = chunk * config.getItems() >= shape.getNumReduced();
  if (!isInRegisters && chunk * config.getItems() % kSumPartials != 0)
    return op.emitOpError("cannot have ")
           << config << ": rows of " << shape.getNumReduced()
           << " elements do not fit; use row_threads * lanes * items that is a "
              "multiple of "
           << kSumPartials;
  return success();
}

static LogicalResult verifyDepthwise(const LoopsShape &shape,
                                     LoopsConfigAttr config) {
  LoopsOp op = shape.op;
  std::optional<DepthwisePattern> pattern = matchDepthwise(shape);
  if (!pattern)
    return op.emitOpError("cannot have ")
           << config
           << ": it is no 8-bit depthwise convolution with channels innermost "
              "and without dilation along the width";
  if (config.getLanes() % 4 != 0 ||
      shape.extents[pattern->channels] % config.getLanes() != 0)
    return op.emitOpError("cannot have ")
           << config << " with " << shape.extents[pattern->channels]
           << " channels; use lanes of 4, 8 or 16 that divide them";
  constexpr int64_t kMaxColumns = 32;
  int64_t columns = (config.getItems() - 1) * pattern->strideW +
                    shape.extents[pattern->tapsW];
  if (columns > kMaxColumns)
    return op.emitOpError("cannot have ")
           << config << ": a thread would read " << columns
           << " columns, more than " << kMaxColumns << "; use fewer items";
  return success();
}

LogicalResult mlir::qopt::verifyLoopsConfig(const LoopsShape &shape,
                                            LoopsConfigAttr config) {
  LoopsOp op = shape.op;
  if (!llvm::isPowerOf2_64(config.getLanes()))
    return op.emitOpError("cannot have ")
           << config << ": lanes must be a power of two";
  switch (config.getKind()) {
  case LoopsKind::Threads:
    return verifyThreads(shape, config);
  case LoopsKind::Rows:
    return verifyRows(shape, config);
  case LoopsKind::Depthwise:
    return verifyDepthwise(shape, config);
  }
  llvm_unreachable("all kinds are handled");
}

LogicalResult mlir::qopt::verifyLoopsConfig(LoopsOp op,
                                            LoopsConfigAttr config) {
  FailureOr<LoopsShape> shape = analyzeLoops(op);
  return success(succeeded(shape) &&
                 succeeded(verifyLoopsConfig(*shape, config)));
}

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

namespace {
/// Collects the candidates that fit.
class Candidates {
public:
  explicit Candidates(const LoopsShape &shape) : shape(shape) {}

  void addDepthwise();
  void addThreads();
  void addRows();

  SmallVector<LoopsConfigAttr> configs;

private:
  void add(LoopsKind kind, int64_t threads, int64_t rowThreads, int64_t lanes,
           int64_t items) {
    LoopsOp op = shape.op;
    configs.push_back(LoopsConfigAttr::get(op.getContext(), kind, threads,
                                           rowThreads, lanes, items));
  }

  const LoopsShape &shape;
};
} // namespace

static bool isConstant(Value value) {
  return getConstantElements(value) || value.getDefiningOp<PackOp>();
}

void Candidates::addDepthwise() {
  std::optional<DepthwisePattern> pattern = matchDepthwise(shape);
  if (!pattern || !isConstant(shape.operands[pattern->weights].getValue()))
    return;
  constexpr int64_t kMaxTaps = 8, kThreads = 128;
  if (shape.extents[pattern->tapsW] > kMaxTaps)
    return;
  int64_t width = shape.extents[pattern->width];
  for (int64_t lanes : {16, 8, 4})
    if (shape.extents[pattern->channels] % lanes == 0)
      for (int64_t items : {4, 2, 1})
        if (items <= width)
          add(LoopsKind::Depthwise, kThreads, 1, lanes, items);
}

void Candidates::addThreads() {
  for (int64_t lanes : kLanes)
    if (getInnerPoints(shape) % lanes == 0)
      for (int64_t threads : {256, 128, 64})
        add(LoopsKind::Threads, threads, 1, lanes, 1);
}

void Candidates::addRows() {
  int64_t length = shape.getNumReduced();
  LoopsOp op = shape.op;
  bool isOrdered = LoopsProgram(op).isOrdered();
  for (int64_t rowThreads = 4; rowThreads <= 256; rowThreads *= 2) {
    for (int64_t lanes : kLanes) {
      int64_t chunk = rowThreads * lanes;
      if ((isOrdered && chunk > kSumPartials) ||
          (lanes > 1 && shape.extents[shape.reductions.back()] % lanes != 0) ||
          (chunk >= 2 * length && rowThreads > 4))
        continue;
      int64_t items = llvm::divideCeil(length, chunk);
      // Groups between which partial sums are the same.
      int64_t period = isOrdered ? kSumPartials / chunk : 1;
      if (items * lanes > kMaxElements)
        items =
            llvm::alignTo(std::max<int64_t>(kLoopElements / lanes, 1), period);
      if (items * lanes > kMaxElements)
        continue;
      for (int64_t threads : {256, 128})
        if (threads >= rowThreads)
          add(LoopsKind::Rows, threads, rowThreads, lanes, items);
    }
  }
}

static SmallVector<LoopsConfigAttr> getCandidates(const LoopsShape &shape) {
  Candidates candidates(shape);
  candidates.addDepthwise();
  if (!shape.reductions.empty())
    candidates.addRows();
  candidates.addThreads();
  return candidates.configs;
}

FailureOr<SmallVector<LoopsConfigAttr>>
mlir::qopt::getLoopsCandidates(LoopsOp op) {
  FailureOr<LoopsShape> shape = analyzeLoops(op);
  if (failed(shape))
    return failure();
  return getCandidates(*shape);
}

FailureOr<LoopsConfigAttr> mlir::qopt::selectLoopsConfig(LoopsOp op,
                                                         const ChipInfo &chip) {
  FailureOr<LoopsShape> shape = analyzeLoops(op);
  if (failed(shape))
    return failure();
  LoopsConfigAttr best;
  double least = 0;
  for (LoopsConfigAttr config : getCandidates(*shape)) {
    double time = estimateLoops(*shape, config, chip).microseconds;
    if (best && time >= least)
      continue;
    best = config;
    least = time;
  }
  return best;
}
