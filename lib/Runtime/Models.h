//===- Models.h - Opening models on devices ---------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_RUNTIME_MODELS_H
#define QUANTOPT_LIB_RUNTIME_MODELS_H

#include "Device.h"

namespace mlir::qopt::runtime {

/// qopt_session_options in C++ types, checked.
struct SessionOptions {
  /// Empty for the runtime's choice.
  std::string device;
  /// Empty for the model's own choice.
  std::string entry;
  int32_t kernels = QOPT_KERNELS_AUTO;
  int32_t deviceOrdinal = 0;
  void *stream = nullptr;
  Log log;
  /// Empty for the device's own choice.
  std::string target;
};

/// MLIR text on the CPU.
std::unique_ptr<OpenModel> openText(const std::string &path,
                                    const SessionOptions &options);

/// An artifact's integer form on the CPU.
std::unique_ptr<OpenModel>
openOnCpu(std::unique_ptr<artifact::Artifact> artifact,
          const SessionOptions &options);

/// An artifact on the device of the options.
std::unique_ptr<OpenModel> openArtifact(const std::string &path,
                                        const SessionOptions &options);

/// A plan on a device that is open.
std::unique_ptr<OpenModel>
openPlan(std::unique_ptr<artifact::Artifact> artifact, size_t plan,
         std::unique_ptr<Device> device);

/// What qopt_artifact_info gives.
std::string describeArtifact(const std::string &path);

/// Describes `specs`, which must outlive the result.
std::vector<qopt_tensor_info>
describeSpecs(const std::vector<artifact::TensorSpec> &specs);

} // namespace mlir::qopt::runtime

#endif // QUANTOPT_LIB_RUNTIME_MODELS_H
