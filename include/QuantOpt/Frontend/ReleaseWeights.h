//===- ReleaseWeights.h - Memory of weights that are done with --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_FRONTEND_RELEASEWEIGHTS_H
#define QUANTOPT_FRONTEND_RELEASEWEIGHTS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassInstrumentation.h"

namespace mlir::qopt {

/// Frees the bytes of all resources that no attribute in `module` refers to,
/// and gives back the pages of the others where they can be read again. All
/// resources of the context must be the module's: other modules would lose
/// theirs.
void releaseWeights(ModuleOp module);

/// Calls releaseWeights after each pass on a module. The context keeps a
/// resource forever, so that the weights before a transformation would stay
/// beside those after it.
class WeightReleaser : public PassInstrumentation {
public:
  void runAfterPass(Pass *pass, Operation *op) override;
};

} // namespace mlir::qopt

#endif // QUANTOPT_FRONTEND_RELEASEWEIGHTS_H
