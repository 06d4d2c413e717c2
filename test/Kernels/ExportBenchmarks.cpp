//===- ExportBenchmarks.cpp - Kernels to be timed --------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weights are inputs, so that files are small and whoever measures can rotate
// buffers. Kernels are built without the compiler's phases: one kernel, one
// launch, no arena.
//
//===----------------------------------------------------------------------===//
#include "ExportSuite.h"
#include "KernelModule.h"
#include "QuantOpt/Kernels/CostModel.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <set>
#include <tuple>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;
using artifact::Artifact;
using artifact::BufferRef;

static constexpr StringLiteral kConfigPrefix = "#qopt.gemm_config";

//===----------------------------------------------------------------------===//
// What the cost model thinks
//===----------------------------------------------------------------------===//

static GemmShape getShape(const GemmCase &gemm) {
  GemmShape shape;
  shape.m = gemm.m;
  shape.n = gemm.n;
  shape.k = gemm.k;
  return shape;
}

/// `gemm` with another configuration.
static GemmCase withConfig(const GemmCase &gemm, GemmConfigAttr config) {
  GemmCase changed = gemm;
  std::string text;
  llvm::raw_string_ostream(text) << config;
  changed.config = text.substr(kConfigPrefix.size());
  changed.blockN = config.getBlockN();
  changed.blockK = config.getKind() == GemmKind::Mma ? config.getBlockK() : 16;
  changed.packed = gemm.n % changed.blockN == 0 && gemm.k % changed.blockK == 0;
  return changed;
}

bool Exporter::addChosen(std::vector<GemmCase> &benchmarks) {
  std::set<std::string> names;
  std::set<std::tuple<int64_t, int64_t, int64_t>> shapes;
  std::set<std::pair<std::string, std::string>> chosen;
  for (const GemmCase &gemm : benchmarks)
    names.insert(gemm.getName());
  for (size_t i = 0, e = benchmarks.size(); i < e; ++i) {
    const GemmCase gemm = benchmarks[i];
    if (!shapes.insert({gemm.m, gemm.n, gemm.k}).second)
      continue;
    for (const std::string &chip : chips) {
      GemmConfigAttr config =
          selectGemmConfig(&context, getShape(gemm), *findChip(chip));
      GemmCase selected = withConfig(gemm, config);
      chosen.insert({selected.getName(), chip});
      if (names.insert(selected.getName()).second)
        benchmarks.push_back(selected);
    }
  }

  std::error_code error;
  llvm::raw_fd_ostream table(folder + "/expected.tsv", error);
  if (error) {
    llvm::errs() << "kernel-suite: error: cannot write expected.tsv: "
                 << error.message() << "\n";
    return false;
  }
  for (const GemmCase &gemm : benchmarks)
    for (const std::string &chip : chips) {
      auto config = dyn_cast_or_null<GemmConfigAttr>(
          parseAttribute(kConfigPrefix.str() + gemm.config, &context));
      if (!config)
        return false;
      double time =
          estimateGemm(getShape(gemm), config, *findChip(chip)).microseconds;
      table << llvm::formatv("{0}\t{1}\t{2:F2}\t{3}\n", gemm.getName(), chip,
                             time, chosen.count({gemm.getName(), chip}));
    }
  return true;
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

static qopt_dtype getDtype(Type type) {
  return type.isF32() ? QOPT_F32 : type.isInteger(32) ? QOPT_I32 : QOPT_I8;
}

static uint64_t getBytes(MemRefType type) {
  return static_cast<uint64_t>(type.getNumElements()) *
         type.getElementTypeBitWidth() / 8;
}

static int64_t evaluate(AffineExpr expr, int64_t rows) {
  AffineExpr number = getAffineConstantExpr(rows, expr.getContext());
  return cast<AffineConstantExpr>(expr.replaceDimsAndSymbols({}, number))
      .getValue();
}

bool Exporter::buildPlan(const GemmCase &gemm, StringRef chip,
                         artifact::Plan &plan) {
  auto built = buildKernel(context, gemm, *findChip(chip));
  if (!built)
    return false;
  plan.chip = chip.str();
  plan.workspaceBytes = built->launch.workspaceBytes;
  artifact::Launch &launch = plan.launches.emplace_back();
  launch.kernel = built->launch.kernel;
  launch.name = gemm.getName();
  for (auto [extent, expr] : llvm::zip(launch.grid, built->launch.grid))
    extent = makeExtent(evaluate(expr, gemm.m));
  launch.block = {static_cast<uint32_t>(built->launch.threads), 1, 1};
  launch.sharedBytes = built->launch.sharedBytes;
  // Arguments of the function: inputs, then the result.
  unsigned numInputs =
      built->gemm->getParentOfType<func::FuncOp>().getNumArguments() - 1;
  for (const KernelArgument &argument : built->launch.arguments) {
    artifact::Argument &result = launch.arguments.emplace_back();
    switch (argument.kind) {
    case KernelArgument::Kind::Scalar:
      result.kind = argument.bits == 64 ? artifact::Argument::Kind::Int64
                                        : artifact::Argument::Kind::Int32;
      result.scalar = makeExtent(evaluate(argument.scalar, gemm.m));
      break;
    case KernelArgument::Kind::Workspace:
      result = makePointer(BufferRef::Kind::Workspace, 0, plan.workspaceBytes);
      break;
    case KernelArgument::Kind::Status:
      return false; // Gemms check nothing.
    case KernelArgument::Kind::Buffer: {
      unsigned number = cast<BlockArgument>(argument.buffer).getArgNumber();
      uint64_t size = getBytes(cast<MemRefType>(argument.buffer.getType()));
      result = number == numInputs
                   ? makePointer(BufferRef::Kind::Output, 0, size)
                   : makePointer(BufferRef::Kind::Input, number, size);
      break;
    }
    }
  }
  return compile(built->kernels, plan);
}

bool Exporter::addBenchmark(const GemmCase &gemm) {
  auto built = buildKernel(context, gemm, *findChip(chips.front()));
  if (!built)
    return false;
  auto function = built->gemm->getParentOfType<func::FuncOp>();
  Artifact artifact = makeKernelArtifact(gemm.getName());
  static const char *const kNames[] = {"a", "b", "m", "o"};
  unsigned numInputs = function.getNumArguments() - 1;
  for (auto [i, argument] : llvm::enumerate(function.getArguments())) {
    auto type = cast<MemRefType>(argument.getType());
    artifact::TensorSpec spec = {i == numInputs ? "d" : kNames[i],
                                 getDtype(type.getElementType()),
                                 std::vector<int64_t>(type.getShape())};
    (i == numInputs ? artifact.outputs : artifact.inputs).push_back(spec);
    if (!argument.use_empty() && isa<PackOp>(*argument.user_begin())) {
      llvm::errs() << "kernel-suite: error: " << gemm.getName()
                   << " has no whole tiles\n";
      return false;
    }
  }
  for (const std::string &chip : chips)
    if (!buildPlan(gemm, chip, artifact.plans.emplace_back()))
      return false;
  return write(gemm.getName(), artifact);
}
