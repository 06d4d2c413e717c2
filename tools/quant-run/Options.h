//===- Options.h - The command line of quant-run ----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The flags as values. What contradicts itself is refused here; what files and
// models do not fulfil is found later.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_RUN_OPTIONS_H
#define QUANTOPT_TOOLS_QUANT_RUN_OPTIONS_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlir::qopt::run {

struct Options {
  /// The model.
  std::string file;
  /// One device, or with --verify the two to compare; none for the runtime's
  /// choice.
  std::vector<std::string> devices;
  /// Chip whose kernels are run; empty for the device's choice.
  std::string target;
  std::string input, output, reference;
  /// Least SQNR of every compared output, in dB.
  std::optional<double> minSqnrDb;
  /// Key of the labels in the input file; empty for none.
  std::string labels;
  /// Function to run; empty for the model's own choice.
  std::string entry;
  bool plainKernels = false;
  bool verify = false;
  bool benchmark = false;
  /// Timed runs; 0 for as many as take about two seconds.
  uint64_t iterations = 0;
  bool info = false;
  bool json = false;
  /// Samples run at a time; 0 for the processors this process may use.
  unsigned threads = 0;
  bool help = false;
  bool version = false;
};

/// Reads the arguments after the program's name. On failure `error` is one
/// line.
bool parseOptions(const std::vector<std::string> &arguments, Options &options,
                  std::string &error);

/// What --help prints.
const char *helpText();

} // namespace mlir::qopt::run

#endif // QUANTOPT_TOOLS_QUANT_RUN_OPTIONS_H
