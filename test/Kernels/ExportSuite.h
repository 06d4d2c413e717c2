//===- ExportSuite.h - Cases and goldens as artifacts ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For a GPU machine that has no compiler: each kernel as NAME.qopt with one
// launch, and NAME.npz with its inputs and expected outputs by name.
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

class Exporter {
public:
  /// Writes into `folder`, which must exist, for the chips named.
  Exporter(MLIRContext &context, std::string folder,
           std::vector<std::string> chips)
      : context(context), folder(std::move(folder)), chips(std::move(chips)) {}

  /// A kernel of the suite; b and the channels' numbers are constants where the
  /// case packs them, else inputs. Returns false after a diagnostic.
  bool add(const GemmCase &gemm);
  bool add(const DeviceGolden &golden);
  /// The kernel alone, for benchmarks: every operand is an input, and there is
  /// no .npz. Needs whole tiles.
  bool addBenchmark(const GemmCase &gemm);

  /// Bytes of registers that the kernels written so far keep in memory.
  int64_t getSpilledBytes() const { return spilledBytes; }

private:
  bool compile(gpu::GPUModuleOp kernels, artifact::Plan &plan);
  bool buildPlan(const GemmCase &gemm, bool hasConstants, StringRef chip,
                 artifact::Plan &plan);
  bool write(const std::string &name, artifact::Artifact &artifact);
  bool writeTensors(const std::string &name,
                    const std::vector<GoldenTensor> &tensors);

  MLIRContext &context;
  std::string folder;
  std::vector<std::string> chips;
  /// Cubins by chip and PTX: equal kernels are assembled once.
  std::map<std::pair<std::string, std::string>, std::string> cubins;
  int64_t spilledBytes = 0;
};

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_KERNELS_EXPORTSUITE_H
