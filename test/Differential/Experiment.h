//===- Experiment.h - One graph through compiler and interpreter -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_DIFFERENTIAL_EXPERIMENT_H
#define QUANTOPT_TEST_DIFFERENTIAL_EXPERIMENT_H

#include "Recipe.h"

#include "mlir/IR/BuiltinOps.h"

namespace mlir::qopt::differential {

/// How far an experiment came.
enum class Stage {
  Passed,
  NoModule,  ///< the recipe does not fit together
  Parse,     ///< the module is not valid: a fault of the generator
  Quantize,  ///< the phases up to QDQ form failed
  Lower,     ///< the phase to integer form failed
  Compile,   ///< the integer form cannot be compiled for the CPU
  Execute,   ///< it fails at run time
  Interpret, ///< the interpreter cannot evaluate the QDQ form
  Bits,      ///< compiled code and interpreter differ
  Crash,     ///< the process died
};

llvm::StringRef stringifyStage(Stage stage);

struct Outcome {
  Stage stage = Stage::Passed;
  /// What happened, in lines.
  std::string message;
  /// Elements of results compared bit for bit.
  int64_t exact = 0;
  /// Elements behind contractions in floating point, which have no bits.
  int64_t inexact = 0;
  /// Elements compared with fake quantization, and those more than a step off.
  int64_t compared = 0, outside = 0;

  bool failed() const {
    return stage != Stage::Passed && stage != Stage::NoModule;
  }
};

/// What to do besides.
struct ExperimentOptions {
  /// Changes the integer form before it is compiled: plants a fault.
  std::function<void(ModuleOp)> plant;
  /// If given, the three forms are written here.
  std::string *texts = nullptr;
};

Outcome runExperiment(const Recipe &recipe,
                      const ExperimentOptions &options = {});

} // namespace mlir::qopt::differential

#endif // QUANTOPT_TEST_DIFFERENTIAL_EXPERIMENT_H
