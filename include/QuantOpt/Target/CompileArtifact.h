//===- CompileArtifact.h - From integer form to GPU code -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What comes after phase `lower`, per chip: kernels form, PTX, cubin, and all
// chips together in one artifact.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TARGET_COMPILEARTIFACT_H
#define QUANTOPT_TARGET_COMPILEARTIFACT_H

#include "QuantOpt/Artifact/Artifact.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mlir::qopt {

class Report;

struct TargetOptions {
  /// Function to compile (default: as findEntry).
  std::string entry;
  /// Name of the artifact's model (default: the module's, else the entry's).
  std::string modelName;
  /// Rows of ops get the names of the kernels that compute them.
  Report *report = nullptr;
};

/// Runs phase `kernels` on a copy of `integerForm`.
FailureOr<OwningOpRef<ModuleOp>>
buildKernelsForm(ModuleOp integerForm, StringRef chip, StringRef entry = "");

/// The GPU module of a kernels form.
FailureOr<gpu::GPUModuleOp> findKernels(ModuleOp kernelsForm);

/// Compiles the entry for every chip. With no ptxas the artifact has PTX only,
/// which a remark says; a ptxas that fails is an error. Without chips the
/// artifact serves the CPU. It owns all its data.
FailureOr<artifact::Artifact> compileArtifact(ModuleOp integerForm,
                                              ArrayRef<std::string> chips,
                                              const TargetOptions &options);

/// Notes in `report` which kernel computes each op, found by location, and what
/// memory and launches cost; takes the figures that passes have left for that
/// off the form. `entry` as for findEntry.
void recordKernels(Report &report, ModuleOp kernelsForm, StringRef chip,
                   StringRef entry = "");

} // namespace mlir::qopt

#endif // QUANTOPT_TARGET_COMPILEARTIFACT_H
