//===- LoopsCost.cpp - How long loops take with a configuration -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Times are in clocks of one multiprocessor unless a name says otherwise.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Kernels/LoopsCost.h"

#include "LoopsKernel.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::qopt;

/// Clocks from a load's issue to its data, from DRAM under load, and to start a
/// block and drain it.
static constexpr double kLoadLatency = 700, kBlockOverhead = 600;
/// Clocks of a shuffle and what depends on it, and of a barrier with the
/// accesses to shared memory around it.
static constexpr double kShuffleLatency = 30, kBarrierLatency = 120;
/// Share of the memory bandwidth that large copies reach.
static constexpr double kMemoryEfficiency = 0.85;
/// Share of the shorter of two times that is not hidden by the longer one.
static constexpr double kExposedShare = 0.1;
/// Warp instructions per clock, and sectors of 32 bytes from L1.
static constexpr double kIssuePerClock = 4, kSectorsPerClock = 4;
static constexpr double kSector = 32;
/// Instructions of a thread around its elements, of an access, and of a check
/// of its subscripts.
static constexpr double kThreadOps = 40, kAccessOps = 2, kCheckOps = 6;
static constexpr double kWarp = 32;

StringRef qopt::stringifyLoopsBound(LoopsBound bound) {
  switch (bound) {
  case LoopsBound::Memory:
    return "memory";
  case LoopsBound::Issue:
    return "issue";
  case LoopsBound::F64:
    return "f64 units";
  case LoopsBound::L1:
    return "L1";
  case LoopsBound::Latency:
    return "latency";
  }
  llvm_unreachable("all bounds are handled");
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

/// Instructions of an op on scalars, roughly.
static double getNumInstructions(Operation *op) {
  if (isa<math::ExpOp, math::ErfOp, math::TanhOp>(op))
    return 40;
  if (isa<arith::DivFOp, arith::DivSIOp, arith::DivUIOp, math::SqrtOp,
          math::RsqrtOp>(op))
    return 10;
  return op->hasTrait<OpTrait::ConstantLike>() ? 0 : 1;
}

/// Those of them in f64; functions are expanded.
static double getNumF64(Operation *op) {
  if (isa<math::ExpOp, math::ErfOp, math::TanhOp>(op))
    return 20;
  bool isF64 = op->getNumResults() == 1 && op->getResult(0).getType().isF64();
  return isF64 ? getNumInstructions(op) : 0;
}

/// Elements that all iterations of the loops access, each once.
static int64_t getNumAccessed(const LoopsShape &shape,
                              const LoopsOperand &operand) {
  int64_t count = 1;
  for (auto [extent, stride] :
       llvm::zip(shape.extents, operand.address.strides))
    count *= stride == 0 ? 1 : extent;
  return std::min(count, operand.type.getNumElements());
}

namespace {
/// What all threads do together.
struct LoopsWork {
  double operations = 0, f64Operations = 0;
  double accesses = 0;
  double sectors = 0;
  double checks = 0;
  /// Of one thread: loads that wait for each other, and clocks between threads.
  double loadChain = 0, exchange = 0;
};
} // namespace

/// Sectors of 32 bytes that a warp's access touches.
static double getSectors(const LoopsPlan &plan, size_t i) {
  const LoopsOperand &operand = plan.shape.operands[i];
  double bytes = getElementBytes(operand.getElementType());
  const KernelLoop *inner = plan.getLaneLoop();
  double stride = inner ? std::abs(inner->strides[i]) : 0;
  double access = plan.widths[i] * bytes;
  // From one thread to the next.
  double step = plan.config.getLanes() * stride * bytes;
  double perThread = std::max(1.0, access / kSector);
  return std::max(std::min(kWarp, kWarp * std::max(step, access) / kSector) *
                      perThread,
                  1.0);
}

static LoopsWork getWork(const LoopsPlan &plan) {
  const LoopsShape &shape = plan.shape;
  LoopsOp op = shape.op;
  LoopsProgram program(op);
  LoopsConfigAttr config = plan.config;
  double points = shape.getNumPoints(), reduced = shape.getNumReduced();
  bool isRows = config.getKind() == LoopsKind::Rows;
  bool isDepthwise = config.getKind() == LoopsKind::Depthwise;
  double chunk = config.getRowThreads() * config.getLanes();
  // Values that do not stay in registers are computed in each pass.
  double passes = program.getNumPasses() + program.hasVaryingResult();
  bool isKept = isDepthwise || (isRows && chunk * config.getItems() >= reduced);
  double repeats = isKept ? 1 : std::max(passes, 1.0);

  LoopsWork work;
  for (Operation &inner : op.getProgram()->without_terminator()) {
    bool isVarying =
        isa<ReduceOp>(inner) ||
        (inner.getNumResults() && program.isVarying(inner.getResult(0)));
    double threads = isRows ? config.getRowThreads() : 1;
    double times = points * (isVarying ? reduced * repeats : threads);
    work.operations += getNumInstructions(&inner) * times;
    work.f64Operations += getNumF64(&inner) * times;
  }
  for (auto [i, operand] : llvm::enumerate(shape.operands)) {
    bool isReduced = llvm::any_of(shape.reductions, [&](unsigned loop) {
      return operand.address.strides[loop] != 0 || operand.isChecked(loop);
    });
    double elements =
        points * (isReduced ? reduced * (operand.isOutput ? 1 : repeats) : 1);
    double width = plan.widths[i];
    const KernelLoop *laneLoop = plan.getLaneLoop();
    if (laneLoop && laneLoop->strides[i] == 0)
      width = config.getLanes();
    double accesses = elements / width;
    work.accesses += accesses;
    work.sectors += accesses / kWarp * getSectors(plan, i);
    if (!operand.checkedDims.empty())
      work.checks += accesses;
  }
  if (isDepthwise) {
    DepthwisePattern pattern = *matchDepthwise(shape);
    double taps = shape.extents[pattern.tapsW], rows = reduced / taps;
    double items = config.getItems();
    double columns = (items - 1) * pattern.strideW + taps;
    // Per row of taps and channel: dp4a, shifts of the weights, permutes.
    double groups = std::ceil(columns / 4) + (items > 2 ? 1 : 0);
    double perChannel = 2 * items * std::ceil(taps / 4) + 2 * groups;
    double threads = points / (config.getLanes() * items);
    work = LoopsWork();
    work.operations = threads * rows * perChannel * config.getLanes() +
                      points * op.getProgram()->getOperations().size();
    work.accesses =
        threads * (rows * (columns + config.getLanes() / 4.0) + items);
    work.sectors = work.accesses * config.getLanes() / kSector;
    work.checks = threads * rows * columns;
    work.loadChain = 2;
    return work;
  }
  if (isRows) {
    double groups = reduced / chunk;
    work.loadChain = isKept ? 1 + passes / 4
                            : passes * std::ceil(groups / config.getItems());
    double levels =
        llvm::Log2_64(std::min<int64_t>(config.getRowThreads(), 32));
    work.exchange = program.getNumPasses() *
                    ((levels + 3) * kShuffleLatency +
                     (config.getRowThreads() > 32 ? kBarrierLatency : 0));
    return work;
  }
  constexpr double kUnrolled = 64, kInFlight = 8;
  bool isSerial = program.isOrdered() && reduced > kUnrolled;
  work.loadChain =
      repeats * (reduced <= kUnrolled ? std::max(1.0, reduced / 16)
                                      : reduced / (isSerial ? 2 : kInFlight));
  return work;
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

/// Registers of a thread, roughly.
static int64_t getRegisters(LoopsConfigAttr config) {
  int64_t elements = config.getLanes() * config.getItems();
  switch (config.getKind()) {
  case LoopsKind::Threads:
    return 40 + 2 * elements;
  case LoopsKind::Rows:
    return 48 + 3 * elements;
  case LoopsKind::Depthwise:
    return 56 + 2 * elements;
  }
  llvm_unreachable("all kinds are handled");
}

LoopsCost qopt::estimateLoops(const LoopsShape &shape, LoopsConfigAttr config,
                              const ChipInfo &chip) {
  LoopsPlan plan = makeLoopsPlan(shape, config);
  LoopsWork work = getWork(plan);
  LoopsCost cost;
  for (const LoopsOperand &operand : shape.operands)
    (operand.isOutput ? cost.bytesWritten : cost.bytesRead) +=
        getNumAccessed(shape, operand) *
        getElementBytes(operand.getElementType());
  cost.operations = static_cast<int64_t>(work.operations);

  double threads =
      static_cast<double>(plan.getNumUnits()) * config.getRowThreads();
  double blocks = std::ceil(threads / config.getThreads());
  double resident = std::min<int64_t>(
      {chip.blocksPerMultiprocessor,
       chip.threadsPerMultiprocessor / config.getThreads(),
       std::max<int64_t>(1, chip.registersPerMultiprocessor /
                                (getRegisters(config) * config.getThreads()))});
  double machine = chip.multiprocessors;
  cost.waves = blocks / (resident * machine);
  // The busiest multiprocessor.
  double share = std::ceil(blocks / machine) * machine / blocks / machine;
  double instructions = work.operations + kAccessOps * work.accesses +
                        kCheckOps * work.checks + kThreadOps * threads;
  double issue = instructions / kWarp / kIssuePerClock * share;
  double f64 = work.f64Operations / chip.f64MacsPerClock * share;
  double l1 = work.sectors / kSectorsPerClock * share;
  double latency =
      std::ceil(cost.waves) *
      (kBlockOverhead + kLoadLatency * work.loadChain + work.exchange);
  double clocksPerMicrosecond = chip.clockMHz;
  double memory = (cost.bytesRead + cost.bytesWritten) /
                  (kMemoryEfficiency * chip.memoryGBps * 1e3) *
                  clocksPerMicrosecond;
  double longest = std::max({issue, f64, l1, latency, memory});
  cost.bound = longest == memory  ? LoopsBound::Memory
               : longest == issue ? LoopsBound::Issue
               : longest == f64   ? LoopsBound::F64
               : longest == l1    ? LoopsBound::L1
                                  : LoopsBound::Latency;
  double others = issue + f64 + l1 + latency + memory - longest;
  cost.microseconds = (kBlockOverhead + longest + kExposedShare * others) /
                      clocksPerMicrosecond;
  return cost;
}

FailureOr<LoopsCost> qopt::estimateLoops(LoopsOp op, LoopsConfigAttr config,
                                         const ChipInfo &chip) {
  FailureOr<LoopsShape> shape = analyzeLoops(op);
  if (failed(shape))
    return failure();
  return estimateLoops(*shape, config, chip);
}
