//===- PropagateScales.cpp - Agree on one quantized type per edge ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Data movement shares its source's observer (see annotate), so an edge here is
// already a whole same-scale group; what is left is the choice of storage.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Support/QuantMath.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_PROPAGATESCALES
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// Asymmetric storage costs a zero-point term per output channel: it must lower
/// the expected squared error at least this much (about 1 dB).
static constexpr double kAsymmetricGain = 0.8;

static bool isAllowed(Storage storage, ActivationMode mode, bool oneSided) {
  switch (mode) {
  case ActivationMode::Auto:
    return true;
  case ActivationMode::Symmetric:
    return storage == (oneSided ? Storage::U8 : Storage::S8);
  case ActivationMode::Asymmetric:
    return storage == Storage::U8Asymmetric;
  }
  llvm_unreachable("unknown activation mode");
}

/// The expected error of a candidate, its zero-point term paid for.
static double getCost(CandidateAttr candidate) {
  bool asymmetric = candidate.getStorage() == Storage::U8Asymmetric;
  return candidate.getError() / (asymmetric ? kAsymmetricGain : 1.0);
}

/// The candidate with the least cost; the earlier one on ties.
static CandidateAttr chooseCandidate(StatsAttr stats, ActivationMode mode) {
  bool oneSided = stats.getMin() >= 0;
  CandidateAttr best;
  for (CandidateAttr candidate : stats.getCandidates())
    if (isAllowed(candidate.getStorage(), mode, oneSided) &&
        (!best || getCost(candidate) < getCost(best)))
      best = candidate;
  return best;
}

namespace {
struct PropagateScales
    : public qopt::impl::PropagateScalesBase<PropagateScales> {
  using PropagateScalesBase::PropagateScalesBase;

  void runOnOperation() override {
    report = Report::load(getOperation());
    WalkResult result = getOperation().walk([&](ObserveOp op) {
      return failed(assign(op)) ? WalkResult::interrupt()
                                : WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    report.save(getOperation());
  }

private:
  LogicalResult assign(ObserveOp op);
  quant::UniformQuantizedType makeType(CandidateAttr candidate);

  Report report;
};
} // namespace

quant::UniformQuantizedType PropagateScales::makeType(CandidateAttr candidate) {
  quantmath::ScaleChoice choice;
  bool isSigned = candidate.getStorage() == Storage::S8;
  switch (candidate.getStorage()) {
  case Storage::S8:
    choice = quantmath::symmetricScale(
        std::max(-candidate.getMin().value, candidate.getMax().value));
    break;
  case Storage::U8:
    choice = quantmath::oneSidedScale(candidate.getMax());
    break;
  case Storage::U8Asymmetric:
    choice =
        quantmath::asymmetricScale(candidate.getMin(), candidate.getMax(),
                                   quantmath::rangeOf(quantmath::Storage::U8));
    break;
  }
  int64_t low = isSigned ? -128 : 0, high = isSigned ? 127 : 255;
  int64_t zeroPoint = choice.zeroPoint;
  if (storageS8 && !isSigned) {
    isSigned = true;
    low -= 128;
    high -= 128;
    zeroPoint -= 128;
  }
  Builder b(&getContext());
  return quant::UniformQuantizedType::get(
      isSigned ? quant::QuantizationFlags::Signed : 0, b.getI8Type(),
      b.getF32Type(), choice.scale, zeroPoint, low, high);
}

LogicalResult PropagateScales::assign(ObserveOp op) {
  std::optional<StatsAttr> stats = op.getStats();
  if (!stats)
    return success();
  CandidateAttr candidate = chooseCandidate(*stats, activations);
  if (!candidate)
    return op.emitError() << "edge '" << op.getName()
                          << "' has statistics without a candidate for the "
                             "allowed storage kinds: calibrate it again";
  quant::UniformQuantizedType type = makeType(candidate);
  op.setType(type);
  report.setEdge(op.getName(),
                 {stats->getMin(), stats->getMax(), type.getScale(),
                  type.getZeroPoint(), type.isSigned() ? "i8" : "u8",
                  stringifyMethod(candidate.getMethod()).str(),
                  // Max never clips; methods that do report it with their
                  // statistics.
                  0.0});
  return success();
}
