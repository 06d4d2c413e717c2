//===- Mutants.h - Kernels with a planted bug ------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each mutant changes one thing in a finished kernel that a person could get
// wrong: a barrier, a wait count, a swizzle, a tail guard. The emulator must
// reject every one, by a report or by a wrong result.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_KERNELS_MUTANTS_H
#define QUANTOPT_TEST_KERNELS_MUTANTS_H

#include "GemmCase.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <functional>

namespace mlir::qopt::test {

struct Mutant {
  const char *name;
  /// The case whose kernel is changed: one that exercises the place.
  GemmCase gemm;
  /// Plants the bug; false where the kernel has no such place.
  std::function<bool(gpu::GPUModuleOp)> plant;
};

std::vector<Mutant> makeMutants();

/// Those of batch strides, 16-bit results and 16-bit products.
/// (LayoutMutants.cpp)
void addLayoutAndHalfMutants(std::vector<Mutant> &mutants);

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_KERNELS_MUTANTS_H
