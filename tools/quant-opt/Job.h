//===- Job.h - Job mode of the driver ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_OPT_JOB_H
#define QUANTOPT_TOOLS_QUANT_OPT_JOB_H

namespace mlir::qopt {

/// True if the command line asks for a job: one of the job flags is there.
bool isJob(int argc, char **argv);

/// Runs the job; returns the exit status (0 done, 1 an error was reported).
int runJob(int argc, char **argv);

} // namespace mlir::qopt

#endif // QUANTOPT_TOOLS_QUANT_OPT_JOB_H
