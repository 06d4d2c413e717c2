//===- Model.h - An open model of the runtime -------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A session of the C runtime with its signature in C++ types, and buffers for
// its tensors.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_RUN_MODEL_H
#define QUANTOPT_TOOLS_QUANT_RUN_MODEL_H

#include "QuantOpt/Runtime/quant_opt_runtime.h"
#include "QuantOpt/Support/ElementType.h"

#include <memory>
#include <string>
#include <vector>

namespace mlir::qopt::run {

/// An input or output of a model.
struct TensorSpec {
  std::string name;
  ElementType type;
  /// Empty for a scalar.
  std::vector<uint64_t> shape;
  size_t bytes;

  uint64_t numElements() const { return bytes / elementTypeSize(type); }
};

/// One dense buffer for each tensor of a list, aligned for vector loads.
class TensorBuffers {
public:
  /// Zeroed. Throws std::bad_alloc.
  explicit TensorBuffers(const std::vector<TensorSpec> &specs);

  void *operator[](size_t index) const { return pointers[index]; }
  /// For qopt_session_run.
  void *const *data() const { return pointers.data(); }

private:
  std::vector<std::unique_ptr<char[]>> storage;
  std::vector<void *> pointers;
};

/// An open model. `run` may be called from several threads at a time.
class Model {
public:
  static std::unique_ptr<Model> open(const std::string &file,
                                     const std::string &device,
                                     const std::string &entry,
                                     bool plainKernels, std::string &error);
  ~Model();
  Model(const Model &) = delete;
  Model &operator=(const Model &) = delete;

  const std::vector<TensorSpec> &inputs() const { return inputSpecs; }
  const std::vector<TensorSpec> &outputs() const { return outputSpecs; }
  /// Device and kernels, such as "cpu" or "cpu with plain loops".
  const std::string &description() const { return text; }
  /// Seconds that opening took, compilation included.
  double openSeconds() const { return seconds; }

  bool run(const TensorBuffers &inputs, const TensorBuffers &outputs,
           std::string &error) const;

private:
  Model() = default;

  qopt_session *session = nullptr;
  std::vector<TensorSpec> inputSpecs, outputSpecs;
  std::string text;
  double seconds = 0;
};

} // namespace mlir::qopt::run

#endif // QUANTOPT_TOOLS_QUANT_RUN_MODEL_H
