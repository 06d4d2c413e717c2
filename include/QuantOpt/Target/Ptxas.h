//===- Ptxas.h - PTX to machine code through NVIDIA's assembler -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ptxas comes with the CUDA toolkit (and as its own package). It is run as a
// subprocess on temporary files. Without it the compiler can still emit PTX,
// which the driver of the target machine compiles at load.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TARGET_PTXAS_H
#define QUANTOPT_TARGET_PTXAS_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace mlir::qopt {

/// What ptxas says about a kernel. Sizes in bytes.
struct ResourceUsage {
  std::string kernel;
  int64_t registers = 0;
  int64_t spillStores = 0;
  int64_t spillLoads = 0;
  int64_t stackFrame = 0;
  /// Statically allocated; dynamic shared memory is the launch's.
  int64_t sharedBytes = 0;
  /// Named barriers.
  int64_t barriers = 0;
};

/// What `ptxas -v` prints.
struct PtxasLog {
  std::vector<ResourceUsage> kernels;
  /// Warnings and performance notes (C7508, C7510, ...) in full.
  std::vector<std::string> warnings;
};

struct Cubin {
  /// An ELF image.
  std::string image;
  PtxasLog log;
};

/// Path of ptxas: $QUANTOPT_PTXAS, else on PATH, else $CUDA_HOME/bin, else
/// /usr/local/cuda/bin. None where there is none.
std::optional<std::string> findPtxas();

/// Where to get ptxas, for messages.
StringRef getPtxasHint();

/// Reads the output of `ptxas -v`; lines it does not know are left out.
PtxasLog parsePtxasLog(StringRef text);

/// Assembles `ptx` for `chip` ("sm_80"), on any thread. The error says why
/// there is no result: no ptxas, one too old for the chip or the PTX, errors in
/// the PTX.
llvm::Expected<Cubin> assemble(StringRef ptx, StringRef chip);

/// The same, reporting the error.
FailureOr<Cubin> assemble(StringRef ptx, StringRef chip,
                          function_ref<InFlightDiagnostic()> emitError);

} // namespace mlir::qopt

#endif // QUANTOPT_TARGET_PTXAS_H
