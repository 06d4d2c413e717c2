//===- TableCommands.h - Work on calibration tables alone ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_OPT_TABLECOMMANDS_H
#define QUANTOPT_TOOLS_QUANT_OPT_TABLECOMMANDS_H

namespace mlir::qopt {

/// True if the command line is one of those below.
bool isTableCommand(int argc, char **argv);

/// `--merge-calibration A B ... -o C`: unites tables of one model.
/// `--inspect=TABLE [--json] [-o OUT]`: prints what a table holds.
/// Returns the exit status.
int runTableCommand(int argc, char **argv);

} // namespace mlir::qopt

#endif // QUANTOPT_TOOLS_QUANT_OPT_TABLECOMMANDS_H
