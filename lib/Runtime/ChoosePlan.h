//===- ChoosePlan.h - Which plan of an artifact a GPU runs ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NVIDIA's rules of compatibility: a cubin runs on chips of its own major
// version that are not older; PTX is compiled by the driver for any chip that
// is not older; what is made for "a" chips runs on exactly these, and for "f"
// chips on their major version.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_RUNTIME_CHOOSEPLAN_H
#define QUANTOPT_LIB_RUNTIME_CHOOSEPLAN_H

#include "QuantOpt/Artifact/Artifact.h"
#include "Runtime.h"

namespace mlir::qopt::runtime {

struct PlanChoice {
  size_t plan;
  /// Compiled by the driver.
  bool usesPtx;
  /// Worth telling the user; empty if the plan is made for the chip.
  std::string notice;
};

/// The best plan for a chip of compute capability `chip` (86 for 8.6): its own;
/// else the highest cubin that runs on it; else the highest PTX. Throws an
/// Error that names the file's chips and what to compile with.
PlanChoice choosePlan(const artifact::Artifact &artifact, int chip,
                      const std::string &deviceName);

/// The plan for the chip named `target`. Throws an Error that names the others.
size_t findPlan(const artifact::Artifact &artifact, const std::string &target);

} // namespace mlir::qopt::runtime

#endif // QUANTOPT_LIB_RUNTIME_CHOOSEPLAN_H
