//===- CpuExecutable.h - A model compiled for this machine's CPU ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles a module of upstream linalg on tensors (the float normal form or the
// integer form) in this process: contractions and convolutions become calls of
// prepared kernels (CpuKernels.h), everything else becomes loops compiled by
// LLVM. Used by calibration, by verification and by quant-run.
//
// Assumes static shapes and structured control flow. Arithmetic outside of
// float contractions is evaluated with the individually rounded IEEE operations
// that the IR names.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_EXECUTION_CPUEXECUTABLE_H
#define QUANTOPT_EXECUTION_CPUEXECUTABLE_H

#include "QuantOpt/Execution/CpuKernels.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Types.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <memory>
#include <string>

namespace mlir::qopt {

/// How to compile and what to tell the caller while a model runs.
struct CpuOptions {
  /// Which implementations contractions and convolutions may use.
  cpu::KernelPreference kernels = cpu::KernelPreference::Auto;
  /// LLVM's optimization level for everything else, 0 to 3.
  unsigned optLevel = 3;
  /// Called with the value of each `qopt.observe` while a sample runs, in
  /// program order, on the thread that runs the sample. `index` counts the
  /// observe ops of the module in walk order (`module.walk`, from 0). `data`
  /// holds `count` elements in row-major order and is valid during the call.
  /// Without an observer, observe ops cost nothing.
  std::function<void(int64_t index, const float *data, int64_t count)> observer;
};

/// A compiled function, ready to run from any number of threads.
class CpuExecutable {
public:
  /// An argument or result of the entry function.
  struct TensorSpec {
    /// The attribute `qopt.name`, else "arg0", "arg1", ... or "out0", ...
    std::string name;
    Type elementType;
    /// Static; empty for 0-d tensors.
    SmallVector<int64_t> shape;

    int64_t getNumElements() const;
    /// Bytes of the dense row-major buffer; i1 takes one byte per element, 0 or
    /// 1.
    int64_t getNumBytes() const;
  };

  /// Compiles function `entry` of `module`, which is not changed and whose
  /// context must outlive the executable: large constants are read where they
  /// are. What cannot be executed is reported at the op.
  static FailureOr<std::unique_ptr<CpuExecutable>>
  compile(ModuleOp module, StringRef entry, const CpuOptions &options);

  ~CpuExecutable();
  CpuExecutable(const CpuExecutable &) = delete;
  CpuExecutable &operator=(const CpuExecutable &) = delete;

  ArrayRef<TensorSpec> inputs() const;
  ArrayRef<TensorSpec> outputs() const;

  /// Kernel::implementation of each kernel the code calls, in program order.
  SmallVector<StringRef> kernels() const;

  /// Runs one sample. Buffers are dense and row-major, aligned to their
  /// elements, in the order of inputs() and outputs(); outputs overlap
  /// neither inputs nor each other. Thread-safe. A failing `cf.assert` and an
  /// index out of bounds are errors that name the op's location.
  llvm::Error run(ArrayRef<const void *> inputs,
                  ArrayRef<void *> outputs) const;

private:
  struct Impl;
  explicit CpuExecutable(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace mlir::qopt

#endif // QUANTOPT_EXECUTION_CPUEXECUTABLE_H
