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
#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Statistics/CalibrationTable.h"
#include "QuantOpt/Support/QuantMath.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_PROPAGATESCALES
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// Clipping more of an edge's values than this is worth a warning.
static constexpr double kMuchClipped = 0.01;

/// What TensorRT expects in the first line; the algorithm and the version are
/// compared by some of its releases.
static constexpr const char *kTensorRTHeader = "TRT-8601-EntropyCalibration2";

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

static bool isAllowed(Method candidate, CalibrationMethod method) {
  switch (method) {
  case CalibrationMethod::Auto:
    return true;
  case CalibrationMethod::Max:
    return candidate == Method::Max;
  case CalibrationMethod::Percentile:
    return candidate == Method::Percentile;
  case CalibrationMethod::Entropy:
    return candidate == Method::Entropy;
  case CalibrationMethod::MSE:
    return candidate == Method::MSE;
  }
  llvm_unreachable("unknown calibration method");
}

static StringRef stringifyMethod(CalibrationMethod method) {
  static constexpr StringLiteral names[] = {"auto", "max", "percentile",
                                            "entropy", "mse"};
  return names[static_cast<int>(method)];
}

/// What a candidate is compared by, its zero-point term paid for. `auto` looks
/// at what errors do to the readers; a method that was asked for has chosen its
/// range already, and storage kinds are compared by the error of the values.
static double getCost(CandidateAttr candidate, CalibrationMethod method) {
  bool asymmetric = candidate.getStorage() == Storage::U8Asymmetric;
  double cost = method == CalibrationMethod::Auto ? candidate.getCost()
                                                  : candidate.getError();
  return cost / (asymmetric ? kAsymmetricGain : 1.0);
}

/// True if calibration has compared errors with what the readers give, so that
/// costs are relative.
static bool wereWeighed(StatsAttr stats) {
  return llvm::any_of(stats.getCandidates(), [](CandidateAttr c) {
    return c.getMethod() == Method::Auto;
  });
}

/// The names of the contractions that read the edge, behind data movement.
static std::vector<std::string> getReaders(ObserveOp op) {
  std::vector<std::string> names;
  SmallVector<Value> values = {op.getResult()};
  for (size_t i = 0; i < values.size(); ++i)
    for (OpOperand &use : values[i].getUses()) {
      Operation *user = use.getOwner();
      if (getMovedOperand(user) == &use)
        values.push_back(user->getResult(0));
      else if (matchQuantizable(user) && !qopt::getOpName(user).empty())
        names.push_back(qopt::getOpName(user).str());
    }
  return names;
}

/// The candidate with the least cost among the allowed ones that `filter`
/// takes; the earlier one on ties.
static CandidateAttr chooseCandidate(StatsAttr stats, CalibrationMethod method,
                                     function_ref<bool(CandidateAttr)> filter) {
  // Calibration has tried all thresholds for `auto`; statistics from elsewhere
  // (a TensorRT cache) may have other candidates only.
  bool weighed = method == CalibrationMethod::Auto && wereWeighed(stats);
  CandidateAttr best;
  for (CandidateAttr candidate : stats.getCandidates())
    if (isAllowed(candidate.getMethod(), method) && filter(candidate) &&
        (!weighed || candidate.getMethod() == Method::Auto) &&
        (!best || getCost(candidate, method) < getCost(best, method)))
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
    if (result.wasInterrupted() || failed(writeTensorRTCache()))
      return signalPassFailure();
    if (getOperation()
            .walk([](ObserveOp op) {
              return op.getStats() ? WalkResult::interrupt()
                                   : WalkResult::advance();
            })
            .wasInterrupted())
      report.setText("calibration_method", ::stringifyMethod(method));
    report.save(getOperation());
  }

private:
  LogicalResult assign(ObserveOp op);
  quant::UniformQuantizedType makeType(CandidateAttr candidate);
  LogicalResult writeTensorRTCache();

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
  bool oneSided = stats->getMin() >= 0;
  CandidateAttr candidate =
      chooseCandidate(*stats, method, [&](CandidateAttr c) {
        return isAllowed(c.getStorage(), activations, oneSided);
      });
  // A TensorRT cache knows symmetric scales only.
  if (!candidate && method == CalibrationMethod::Auto &&
      activations == ActivationMode::Symmetric)
    candidate = chooseCandidate(*stats, method, [](CandidateAttr c) {
      return c.getStorage() == Storage::S8;
    });
  if (!candidate)
    return op.emitError() << "edge '" << op.getName()
                          << "' has statistics without a candidate for the "
                             "allowed storage kinds and method '"
                          << ::stringifyMethod(method)
                          << "': calibrate it again";
  double clipped = candidate.getClipped();
  if (clipped > kMuchClipped)
    op.emitWarning()
        << "edge '" << op.getName()
        << "': " << llvm::formatv("{0:f1}", 100.0 * clipped).str()
        << " % of its values lie outside of the range that method '"
        << qopt::stringifyMethod(candidate.getMethod()) << "' chose";
  quant::UniformQuantizedType type = makeType(candidate);
  op.setType(type);
  Report::EdgeRow row{stats->getMin(),
                      stats->getMax(),
                      type.getScale(),
                      type.getZeroPoint(),
                      type.isSigned() ? "i8" : "u8",
                      qopt::stringifyMethod(candidate.getMethod()).str(),
                      clipped,
                      stats->getNonFinite(),
                      stats->getSentinels(),
                      wereWeighed(*stats) ? double(candidate.getCost()) : 0.0,
                      getReaders(op)};
  if (row.suffers())
    op.emitWarning()
        << "edge '" << op.getName() << "': what reads it ("
        << llvm::join(row.readers, ", ") << ") is expected to have "
        << llvm::formatv("{0:f1}", *row.getExpectedSqnrDb()).str()
        << " dB only: its channels or samples differ much in range";
  report.setEdge(op.getName(), std::move(row));
  return success();
}

LogicalResult PropagateScales::writeTensorRTCache() {
  if (tensorrtCache.empty())
    return success();
  TensorRTCache cache;
  cache.header = kTensorRTHeader;
  WalkResult result = getOperation().walk([&](ObserveOp op) {
    std::optional<StatsAttr> stats = op.getStats();
    CandidateAttr candidate =
        stats ? chooseCandidate(*stats, method,
                                [](CandidateAttr c) {
                                  return c.getStorage() == Storage::S8;
                                })
              : CandidateAttr();
    if (!candidate) {
      op.emitError() << "edge '" << op.getName()
                     << "' has no symmetric range for a TensorRT cache";
      return WalkResult::interrupt();
    }
    cache.scales.emplace_back(
        op.getName().str(),
        quantmath::symmetricScale(candidate.getMax()).scale);
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  std::string text = printTensorRTCache(cache);
  if (llvm::Error error =
          llvm::writeToOutput(tensorrtCache, [&](raw_ostream &os) {
            os << text;
            return llvm::Error::success();
          }))
    return getOperation().emitError()
           << "cannot write '" << tensorrtCache
           << "': " << llvm::toString(std::move(error));
  return success();
}
