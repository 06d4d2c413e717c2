//===- ExportSuite.h - Kernels as artifacts --------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For a GPU machine that has no compiler: each case as NAME.qopt, and NAME.npz
// with its inputs and expected outputs by name.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_KERNELS_EXPORTSUITE_H
#define QUANTOPT_TEST_KERNELS_EXPORTSUITE_H

#include "DeviceGolden.h"
#include "GemmCase.h"
#include "QuantOpt/Artifact/Artifact.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <map>

namespace mlir::qopt::test {

/// A quantity that does not depend on the batch.
artifact::Extent makeExtent(int64_t value);
/// A kernel's pointer to the start of a buffer.
artifact::Argument makePointer(artifact::BufferRef::Kind kind, uint32_t index,
                               uint64_t size);

class Exporter {
public:
  /// Writes into `folder`, which must exist, for the chips named.
  Exporter(MLIRContext &context, std::string folder,
           std::vector<std::string> chips)
      : context(context), folder(std::move(folder)), chips(std::move(chips)) {}

  /// A case of the suite as a model of one op, through the compiler: b and the
  /// channels' numbers are constants. Returns false after a diagnostic.
  bool add(const GemmCase &gemm);
  /// A kernel alone.
  bool add(const DeviceGolden &golden);

  /// A kernel alone, to be timed: every operand is an input, and there is no
  /// .npz. Needs whole tiles. (ExportBenchmarks.cpp)
  bool addBenchmark(const GemmCase &gemm);
  /// `benchmarks`, and for each of their shapes and each chip the configuration
  /// that the cost model chooses. Writes what the model expects of every kernel
  /// to expected.tsv: name, chip, microseconds, 1 if it is the chosen one.
  bool addChosen(std::vector<GemmCase> &benchmarks);

private:
  /// Fills in PTX, and the cubin where there is a ptxas.
  bool compile(gpu::GPUModuleOp kernels, artifact::Plan &plan);
  artifact::Artifact makeKernelArtifact(const std::string &name);
  bool buildPlan(const GemmCase &gemm, StringRef chip, artifact::Plan &plan);
  bool write(const std::string &name, const artifact::Artifact &artifact);
  bool writeTensors(const std::string &name,
                    const std::vector<GoldenTensor> &tensors);

  MLIRContext &context;
  std::string folder;
  std::vector<std::string> chips;
  /// Cubins by chip and PTX: equal kernels are assembled once.
  std::map<std::pair<std::string, std::string>, std::string> cubins;
};

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_KERNELS_EXPORTSUITE_H
