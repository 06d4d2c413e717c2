//===- KernelReport.h - What kernels of a model cost -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Figures of the kernels form of one chip: passes leave them on launches and on
// the entry as attributes, the report has them per chip. All of them are
// static: counted from shapes, or estimated, never measured.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_KERNELREPORT_H
#define QUANTOPT_ANALYSIS_KERNELREPORT_H

#include "mlir/IR/BuiltinAttributes.h"

#include <string>
#include <vector>

namespace mlir::qopt {

/// On launches of a kernels form: a dictionary of LaunchFigures. Discardable.
constexpr llvm::StringLiteral kWorkAttr = "qopt.work";
/// On the entry: a dictionary of MemoryFigures. Discardable.
constexpr llvm::StringLiteral kMemoryAttr = "qopt.memory";

/// One launch at the compiled batch.
struct LaunchFigures {
  std::string name;   ///< of the op it computes
  std::string kernel; ///< the function
  std::string family; ///< "gemm mma", "conv mma", "elementwise", "copy", ...
  std::string shape; ///< extents, for people: "1x128x768x3072 (batch, m, n, k)"
  int64_t bytesRead = 0, bytesWritten = 0; ///< each operand once
  int64_t macs = 0;                        ///< 8-bit multiply-adds
  int64_t scalarOps = 0;   ///< other arithmetic; an f32 multiply-add is two
  double microseconds = 0; ///< estimate, without the launch itself
  std::string bound;       ///< what limits the estimate: "math", "memory", ...
  double tensorShare = 0;  ///< of the peak rate of 8-bit multiply-adds, 0 to 1
  double bandwidthShare = 0; ///< of the memory's bandwidth, 0 to 1
  double microjoules = 0;    ///< estimate, without what idles
  bool inPlace = false;      ///< a result is where an operand was

  DictionaryAttr toAttribute(MLIRContext *context) const;
  /// Zeros and empty texts for what is not there.
  static LaunchFigures fromAttribute(DictionaryAttr attr);
};

/// The memory of a model at the compiled batch, in bytes.
struct MemoryFigures {
  int64_t arena = 0;
  int64_t lowerBound = 0; ///< the most that buffers of one moment take
  int64_t buffers = 0;    ///< in the arena
  int64_t constants = 0;  ///< as kernels read them, packed
  int64_t workspace = 0;

  DictionaryAttr toAttribute(MLIRContext *context) const;
  static MemoryFigures fromAttribute(DictionaryAttr attr);
};

/// All of it for one chip.
struct ChipFigures {
  int64_t batch = 1;
  MemoryFigures memory;
  std::vector<LaunchFigures> launches;

  /// Launches that only move elements.
  int64_t getCopies() const;
  int64_t getInPlace() const;
  /// Sums over launches; shares are those of the whole time. Texts are empty.
  LaunchFigures getTotals() const;

  DictionaryAttr toAttribute(MLIRContext *context) const;
  static ChipFigures fromAttribute(DictionaryAttr attr);
};

/// The family of launches that only move elements.
constexpr llvm::StringLiteral kCopyFamily = "copy";

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_KERNELREPORT_H
