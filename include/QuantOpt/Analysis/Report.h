//===- Report.h - What was decided for every op and edge, and why ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The report travels with the module as the attribute `qopt.report`, so that a
// job stopped after any phase and resumed from text reports the same as one
// run. Passes load it, add rows, and save it once; the last phase takes it off.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_REPORT_H
#define QUANTOPT_ANALYSIS_REPORT_H

#include "QuantOpt/Analysis/KernelReport.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mlir::qopt {

/// The discardable attribute that names an op from annotate until lower.
inline constexpr StringLiteral kNameAttr = "qopt.name";
/// The discardable unit attribute of the ops annotate chose, until quantize.
inline constexpr StringLiteral kQuantizeAttr = "qopt.quantize";
/// The unit attribute of a `quant.qcast` that divides by its scale (ONNX) where
/// others multiply by its reciprocal.
inline constexpr StringLiteral kDivideAttr = "qopt.divide";
/// The module attribute that holds the report between phases.
inline constexpr StringLiteral kReportAttr = "qopt.report";

/// An edge whose readers' results are expected to have less than this, in dB,
/// is named as one that suffers.
inline constexpr double kPoorSqnrDb = 25.0;

class Report {
public:
  struct OpRow {
    std::string op;       ///< kind: "conv", "matmul", "elementwise", ...
    std::string location; ///< as the compiler prints it
    std::string precision;
    std::string reason;
    bool isContraction = false;
    /// GPU kernels that compute it, "sm_80: a + b, sm_90: c"; empty: none.
    std::string kernel = "";
  };
  struct EdgeRow {
    double min, max, scale;
    int64_t zeroPoint;
    std::string storage; ///< "i8", "u8" or "i16"
    /// Of calibration: "max", "auto", ...; "range": limits known without data;
    /// "model": the type of a model that came quantized.
    std::string method;
    double clippedFraction;
    int64_t nonFinite = 0, sentinels = 0; ///< values left out of the range
    /// Expected squared error of the readers' results relative to them; 0:
    /// not known.
    double expectedError = 0;
    /// The contractions that read it.
    std::vector<std::string> readers = {};
    /// Why the edge has this type, for people.
    std::string reason = "";

    /// 10 log10 of one over the expected error.
    std::optional<double> getExpectedSqnrDb() const;
    /// True where the readers' results are expected to be noisy.
    bool suffers() const;
  };

  /// How the values of an edge were spread in calibration, without sentinels
  /// and what is not finite: bins of equal width from `low` to `high`.
  struct Histogram {
    static constexpr unsigned kBins = 64;
    /// A bin of n values has the level round(4 log2(1 + n)): what a person
    /// sees in a sketch, in little text.
    static constexpr double kLevelsPerOctave = 4;
    double low = 0, high = 0;
    SmallVector<int32_t> levels;
  };

  /// The quantized weight of a contraction.
  struct WeightRow {
    int64_t channels = 0; ///< output channels
    int64_t deadChannels = 0;
    SmallVector<int64_t> firstDeadChannels; ///< the first few indices
    double scaleMin = 1, scaleMax = 1;      ///< dead channels apart
    int64_t flooredScales = 0;              ///< clamped to 2^-40 or 2^40
    std::string method;                     ///< "max" or "mse"
    double sqnrDb = 0;          ///< infinite where all weights are exact
    int64_t accumulatorMax = 0; ///< bound of |acc| in any channel

    /// Bits of an i32 without its sign that no accumulator uses; nothing where
    /// all weights are 0.
    std::optional<double> getHeadroomBits() const;
  };

  /// The report so far; empty for a module that has none.
  static Report load(ModuleOp module);
  void save(ModuleOp module) const;
  static void strip(ModuleOp module) { module->removeAttr(kReportAttr); }

  /// Adds or replaces the row `name`.
  void setOp(StringRef name, OpRow row) { ops[name.str()] = std::move(row); }
  /// The row of an op, or null.
  const OpRow *findOp(StringRef name) const;
  /// Changes what became of an op that has a row.
  void setPrecision(StringRef name, StringRef precision, StringRef reason);
  /// Adds what computes an op that has a row: "sm_80: gemm_s8".
  void addKernel(StringRef name, StringRef chip, StringRef kernel);
  void setEdge(StringRef name, EdgeRow row) {
    edges[name.str()] = std::move(row);
  }
  void eraseEdge(StringRef name) { edges.erase(name.str()); }
  /// The histogram of an edge; apart from its row, which comes later.
  void setHistogram(StringRef name, Histogram histogram) {
    histograms[name.str()] = std::move(histogram);
  }
  /// Null where there is none.
  const Histogram *findHistogram(StringRef name) const;
  void setWeight(StringRef name, WeightRow row) {
    weights[name.str()] = std::move(row);
  }
  /// The kernels for a chip.
  void setChip(StringRef chip, ChipFigures figures) {
    chips[chip.str()] = std::move(figures);
  }
  /// Facts of the whole job ("samples", "weights_bytes_before", ...).
  void setNumber(StringRef key, double value) { numbers[key.str()] = value; }
  void setText(StringRef key, StringRef value) {
    texts[key.str()] = value.str();
  }
  std::optional<double> getNumber(StringRef key) const;
  StringRef getText(StringRef key) const;

  template <typename Fn> void forEachOp(Fn fn) const {
    for (auto &[name, row] : ops)
      fn(StringRef(name), row);
  }
  template <typename Fn> void forEachEdge(Fn fn) const {
    for (auto &[name, row] : edges)
      fn(StringRef(name), row);
  }
  template <typename Fn> void forEachHistogram(Fn fn) const {
    for (auto &[name, row] : histograms)
      fn(StringRef(name), row);
  }
  template <typename Fn> void forEachWeight(Fn fn) const {
    for (auto &[name, row] : weights)
      fn(StringRef(name), row);
  }
  template <typename Fn> void forEachChip(Fn fn) const {
    for (auto &[name, figures] : chips)
      fn(StringRef(name), figures);
  }

private:
  /// Rows in the order they were added, found by name.
  template <typename T>
  using Rows = llvm::MapVector<std::string, T, std::map<std::string, unsigned>>;
  Rows<OpRow> ops;
  Rows<EdgeRow> edges;
  Rows<Histogram> histograms;
  Rows<WeightRow> weights;
  Rows<ChipFigures> chips;
  Rows<double> numbers;
  Rows<std::string> texts;
};

/// The name annotate gave `op`, or an empty string.
StringRef getOpName(Operation *op);

/// The name in `loc` (ONNX import keeps node names there), or empty.
StringRef getLocationName(Location loc);

/// `loc` as text, without the "loc(...)" around it.
std::string printLocation(Location loc);

/// The remark that `op` stays float, at its location.
void remarkFloat(Operation *op, StringRef reason);

/// Records that `op` stays float: a row and a remark at the op's location.
void reportFloat(Report &report, Operation *op, StringRef kind,
                 const llvm::Twine &reason);

/// The categories of remarks: those that come while phases run, and those that
/// say all that is in the report at the end.
inline constexpr StringLiteral kRemarks = "qopt";
inline constexpr StringLiteral kReportRemarks = "qopt-report";
/// The name of the remarks of `remarkFloat`.
inline constexpr StringLiteral kStaysFloatRemark = "stays-float";
/// The remark argument that lists who reads an edge, separated by ", ".
inline constexpr StringLiteral kReadersKey = "readers";

/// The bytes that all constant tensors of `module` take, splats apart.
int64_t getConstantBytes(ModuleOp module);

/// The bytes of the constants that are weights of contractions and
/// convolutions; of integers with their scales.
int64_t getWeightBytes(ModuleOp module);

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_REPORT_H
