//===- RunData.h - Which samples go into which run --------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The arrays of an input file are cut into runs of the model's batch, which is
// the first dimension that all its inputs (but scalars) have in common. A model
// without such a dimension is run once, on arrays of exactly its shapes. Scalar
// inputs are the same for all runs.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_RUN_RUNDATA_H
#define QUANTOPT_TOOLS_QUANT_RUN_RUNDATA_H

#include "Model.h"
#include "QuantOpt/Support/Npz.h"

namespace mlir::qopt::run {

/// How samples make up runs.
struct BatchPlan {
  /// Samples of one run; 0 for a model without a batch dimension.
  uint64_t batch = 0;
  /// Rows of the input file; 1 where there is no batch dimension.
  uint64_t samples = 1;

  /// The last run may be a partial one.
  uint64_t runs() const {
    return batch == 0 ? 1 : (samples + batch - 1) / batch;
  }
  uint64_t firstSample(uint64_t run) const { return run * batch; }
  /// Samples of a run that are not padding.
  uint64_t samplesOf(uint64_t run) const {
    return batch == 0 ? samples : std::min(batch, samples - firstSample(run));
  }
};

/// The first dimension of all tensors but scalars; 0 if they differ, or if
/// there is none.
uint64_t findBatch(const std::vector<TensorSpec> &inputs);

/// An output over all runs.
struct OutputPlan {
  /// One run's output.
  TensorSpec spec;
  /// Has the batch as its first dimension. Others belong to the only run.
  bool batched;
  /// Shape over all samples.
  std::vector<uint64_t> shape;

  /// Elements of one sample, or all if not batched.
  uint64_t rowElements() const;
  /// Rows that `samples` samples give.
  uint64_t rows(uint64_t samples) const { return batched ? samples : 1; }
};

/// Plans all outputs. Fails where an output has no batch dimension though there
/// are several runs or a partial one.
bool planOutputs(const std::vector<TensorSpec> &outputs, const BatchPlan &plan,
                 std::vector<OutputPlan> &plans, std::string &error);

/// Gives the inputs of one run after the other. For one thread at a time.
class InputFeed {
public:
  /// Takes the arrays of `reader`, which must outlive the feed: by the inputs'
  /// names, else by arg0, arg1, ...; the only array of a .npy file goes with
  /// the only input.
  static std::unique_ptr<InputFeed> open(const NpzReader &reader,
                                         const std::vector<TensorSpec> &inputs,
                                         std::string &error);

  /// One full batch made up: integers 0, which every gather accepts, and floats
  /// spread over [-1, 1).
  static std::unique_ptr<InputFeed>
  generate(const std::vector<TensorSpec> &inputs);

  const BatchPlan &plan() const { return batchPlan; }

  /// Fills the buffers with the next run's inputs. A partial batch is padded
  /// with its last sample, so that value ranges stay those of real samples.
  bool next(const TensorBuffers &buffers, std::string &error);

private:
  struct Input {
    TensorSpec spec;
    bool isScalar;
    std::unique_ptr<NpzArrayStream> stream;
    /// The value of a scalar.
    std::vector<char> value;
  };

  InputFeed() = default;
  bool addInput(const NpzReader &reader, const TensorSpec &spec, size_t index,
                size_t numInputs, std::string &error);
  bool setSamples(const NpzReader &reader, const NpzArray &array,
                  std::string &error);

  std::vector<Input> inputs;
  BatchPlan batchPlan;
  /// Name of the array that said how many samples there are.
  std::string countedBy;
  uint64_t nextRun = 0;
  bool generated = false;
};

} // namespace mlir::qopt::run

#endif // QUANTOPT_TOOLS_QUANT_RUN_RUNDATA_H
