//===- kernel-suite.cpp - Look at and run the kernel suite -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   kernel-suite list               names of the cases
//   kernel-suite print NAME         the kernel of a case
//
//===----------------------------------------------------------------------===//
#include "KernelModule.h"
#include "llvm/Support/InitLLVM.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  std::vector<GemmCase> suite = makeSuite();
  StringRef command = argc > 1 ? argv[1] : "";
  StringRef name = argc > 2 ? argv[2] : "";
  if (command == "list") {
    for (const GemmCase &gemm : suite)
      llvm::outs() << gemm.getName() << "\n";
    return 0;
  }
  if (command == "print") {
    std::unique_ptr<MLIRContext> context = makeKernelContext();
    for (const GemmCase &gemm : suite) {
      if (gemm.getName() != name)
        continue;
      auto built = buildKernel(*context, gemm, *findChip("sm_80"));
      if (!built)
        return 1;
      built->kernels->print(llvm::outs());
      llvm::outs() << "\n";
      return 0;
    }
    llvm::errs() << "kernel-suite: no case '" << name << "'\n";
    return 1;
  }
  llvm::errs() << "usage: kernel-suite list | print NAME\n";
  return 1;
}
