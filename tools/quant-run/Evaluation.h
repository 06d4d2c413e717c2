//===- Evaluation.h - What is made of the outputs ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each class takes the results of all runs in order: to write them, to compare
// them with a reference, with labels or with another device. Constructing one
// checks what can be checked before anything is run.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_RUN_EVALUATION_H
#define QUANTOPT_TOOLS_QUANT_RUN_EVALUATION_H

#include "Metrics.h"
#include "Runner.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlir::qopt::run {

/// The valid part of one output of a run: rows of real samples.
struct OutputView {
  const OutputPlan &plan;
  const void *data;
  uint64_t rows;
  uint64_t numElements() const { return rows * plan.rowElements(); }
};
OutputView viewOutput(const OutputPlan &plan, const RunResult &result,
                      size_t model, size_t output);

/// Takes the results of all runs.
class Evaluation {
public:
  virtual ~Evaluation() = default;
  virtual bool consume(const RunResult &result, std::string &error) = 0;
  /// Called after the last run.
  virtual bool finish(std::string &) { return true; }
};

/// Range of every output.
class Summary : public Evaluation {
public:
  explicit Summary(const std::vector<OutputPlan> &plans)
      : plans(plans), statistics(plans.size()) {}
  bool consume(const RunResult &result, std::string &error) override;

  const std::vector<OutputPlan> &plans;
  /// One for each output.
  std::vector<ValueStatistics> statistics;

private:
  std::vector<double> values;
};

/// Writes the outputs to a file, which appears when all are complete.
class OutputFile : public Evaluation {
public:
  static std::unique_ptr<OutputFile>
  create(const std::string &path, const std::vector<OutputPlan> &plans,
         std::string &error);
  bool consume(const RunResult &result, std::string &error) override;
  bool finish(std::string &error) override;

private:
  explicit OutputFile(const std::vector<OutputPlan> &plans) : plans(plans) {}

  const std::vector<OutputPlan> &plans;
  std::unique_ptr<NpzWriter> writer;
  std::vector<size_t> arrays;
  std::vector<char> converted;
};

/// Compares outputs with the arrays of a file.
class ReferenceCheck : public Evaluation {
public:
  /// One output that the file has.
  struct Compared {
    size_t output;
    /// Key in the file.
    std::string key;
    ErrorStatistics errors;
    /// Where the last dimension is not 1.
    std::optional<ArgmaxAgreement> agreement;
    std::unique_ptr<NpzArrayStream> stream;
  };

  /// `reader` must outlive the check. Fails if it has none of the outputs.
  static std::unique_ptr<ReferenceCheck>
  open(const NpzReader &reader, const std::vector<OutputPlan> &plans,
       const BatchPlan &batch, std::string &error);
  bool consume(const RunResult &result, std::string &error) override;

  const std::vector<OutputPlan> &plans;
  std::vector<Compared> compared;
  /// Outputs that the file lacks.
  std::vector<size_t> missing;

private:
  explicit ReferenceCheck(const std::vector<OutputPlan> &plans)
      : plans(plans) {}

  std::vector<double> values, reference;
};

/// Scores an output against integer labels: the first one with scores of
/// classes for each label, or with one score for each.
class LabelCheck : public Evaluation {
public:
  static std::unique_ptr<LabelCheck> open(const NpzReader &reader,
                                          const std::string &key,
                                          const std::vector<OutputPlan> &plans,
                                          const BatchPlan &batch,
                                          std::string &error);
  bool consume(const RunResult &result, std::string &error) override;

  const std::string key;
  const OutputPlan &plan() const { return plans[output]; }
  uint64_t count() const { return numLabels; }
  bool isBinary() const { return classes == 1; }
  const TopK &accuracy() const { return topK; }
  /// In percent; NaN without both kinds of labels.
  double auc() const { return 100 * areaUnderCurve(scores, positive); }

private:
  LabelCheck(const std::string &key, const std::vector<OutputPlan> &plans,
             size_t output, uint64_t classes)
      : key(key), plans(plans), output(output), classes(classes),
        topK(classes) {}

  const std::vector<OutputPlan> &plans;
  size_t output;
  uint64_t classes;
  TopK topK;
  uint64_t numLabels = 0;
  std::unique_ptr<NpzArrayStream> stream;
  std::vector<double> values, scores;
  std::vector<int64_t> labels;
  std::vector<bool> positive;
};

/// Compares the bits of two models' outputs; all NaNs count as equal.
class BitCheck : public Evaluation {
public:
  explicit BitCheck(const std::vector<OutputPlan> &plans) : plans(plans) {}
  bool consume(const RunResult &result, std::string &error) override;

  struct Difference {
    size_t output;
    /// Where, with the sample as first index.
    std::vector<uint64_t> index;
    std::string first, second;
  };

  const std::vector<OutputPlan> &plans;
  std::optional<Difference> firstDifference;
  uint64_t elements = 0, differing = 0;
  /// Of the differing elements, as far as they are finite.
  ErrorStatistics errors;
};

} // namespace mlir::qopt::run

#endif // QUANTOPT_TOOLS_QUANT_RUN_EVALUATION_H
