//===- kernel-suite.cpp - Look at and export the kernel suite --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   kernel-suite list SUITE                    names of a suite's kernels
//   kernel-suite print NAME [--targets=CHIP]   the kernel of a gemm or golden
//   kernel-suite export SUITE DIR [options]    artifacts with their data
//
// SUITE is gemms, goldens or benchmarks. Options:
//   --targets=sm_80,sm_90   chips to compile for (default sm_80)
//   --filter=TEXT           only kernels with TEXT in their name
//   --every=N               only every N-th of them
//
//===----------------------------------------------------------------------===//
#include "ExportSuite.h"
#include "KernelModule.h"
#include "QuantOpt/Target/Ptxas.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

static const char kUsage[] =
    "usage: kernel-suite suites | list SUITE | print NAME | export SUITE DIR\n"
    "       [--targets=CHIP,...] [--filter=TEXT] [--every=N]\n"
    "SUITE: gemms, goldens or benchmarks\n";

/// What `list` and `export` take.
static constexpr StringLiteral kSuites[] = {"gemms", "goldens", "benchmarks"};

static int fail(const Twine &message) {
  llvm::errs() << "kernel-suite: error: " << message << "\n";
  return 1;
}

namespace {
struct Options {
  SmallVector<StringRef> arguments;
  std::vector<std::string> targets = {"sm_80"};
  StringRef filter;
  unsigned every = 1;
};
} // namespace

/// False after a message.
static bool parseOptions(int argc, char **argv, Options &options) {
  for (int i = 1; i < argc; ++i) {
    StringRef argument = argv[i];
    if (argument.consume_front("--targets=")) {
      options.targets.clear();
      for (StringRef chip : llvm::split(argument, ',')) {
        if (!findChip(chip))
          return !fail("'" + chip + "' is no known chip");
        options.targets.push_back(chip.str());
      }
    } else if (argument.consume_front("--filter=")) {
      options.filter = argument;
    } else if (argument.consume_front("--every=")) {
      if (argument.getAsInteger(10, options.every) || options.every == 0)
        return !fail("--every takes a number of at least 1");
    } else if (argument.starts_with("-")) {
      return !fail("unknown option '" + argument + "'");
    } else {
      options.arguments.push_back(argument);
    }
  }
  return true;
}

namespace {
/// The kernels of a suite that the options choose.
struct Selection {
  std::vector<GemmCase> gemms, benchmarks;
  std::vector<DeviceGolden> goldens;
  size_t size() const {
    return gemms.size() + benchmarks.size() + goldens.size();
  }
};
} // namespace

template <typename T, typename GetName>
static void select(std::vector<T> &all, const Options &options,
                   GetName getName) {
  std::vector<T> chosen;
  unsigned number = 0;
  for (T &item : all)
    if (StringRef(getName(item)).contains(options.filter) &&
        number++ % options.every == 0)
      chosen.push_back(std::move(item));
  all = std::move(chosen);
}

/// False for an unknown suite.
static bool select(StringRef suite, const Options &options,
                   Selection &selection) {
  auto getGemmName = [](const GemmCase &gemm) { return gemm.getName(); };
  if (suite == "gemms")
    selection.gemms = makeSuite();
  else if (suite == "benchmarks")
    selection.benchmarks = makeBenchmarks();
  else if (suite == "goldens")
    selection.goldens = makeDeviceGoldens();
  else
    return false;
  select(selection.gemms, options, getGemmName);
  select(selection.benchmarks, options, getGemmName);
  select(selection.goldens, options,
         [](const DeviceGolden &golden) { return golden.name; });
  return true;
}

static int printKernel(StringRef name, const Options &options) {
  for (const DeviceGolden &golden : makeDeviceGoldens())
    if (golden.name == name) {
      llvm::outs() << golden.module;
      return 0;
    }
  std::unique_ptr<MLIRContext> context = makeKernelContext();
  for (const auto &suite : {makeSuite(), makeBenchmarks()})
    for (const GemmCase &gemm : suite) {
      if (gemm.getName() != name)
        continue;
      auto built = buildKernel(*context, gemm, *findChip(options.targets[0]));
      if (!built)
        return 1;
      built->kernels->print(llvm::outs());
      llvm::outs() << "\n";
      return 0;
    }
  return fail("there is no kernel '" + name + "'");
}

static int exportSuite(Selection &selection, StringRef folder,
                       const Options &options) {
  if (std::error_code error = llvm::sys::fs::create_directories(folder))
    return fail("cannot make '" + folder + "': " + error.message());
  // Neither .npz nor what checks on a GPU has them; the emulator runs them.
  llvm::erase_if(selection.gemms, [](const GemmCase &gemm) {
    return gemm.half == GemmCase::Half::BF16;
  });
  std::unique_ptr<MLIRContext> context = makeKernelContext();
  Exporter exporter(*context, folder.str(), options.targets);
  for (const DeviceGolden &golden : selection.goldens)
    if (!exporter.add(golden))
      return fail("cannot export '" + golden.name + "'");
  for (const GemmCase &gemm : selection.gemms)
    if (!exporter.add(gemm))
      return fail("cannot export '" + gemm.getName() + "'");
  if (!selection.benchmarks.empty() &&
      !exporter.addChosen(selection.benchmarks))
    return 1;
  for (const GemmCase &gemm : selection.benchmarks)
    if (!exporter.addBenchmark(gemm))
      return fail("cannot export '" + gemm.getName() + "'");
  llvm::outs() << selection.size() << " kernels, "
               << llvm::join(options.targets, ", ") << ", "
               << (findPtxas() ? "cubins and PTX" : "PTX only: no ptxas")
               << "\n";
  return 0;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  Options options;
  if (!parseOptions(argc, argv, options))
    return 1;
  ArrayRef<StringRef> arguments = options.arguments;
  StringRef command = arguments.empty() ? "" : arguments[0];
  if (command == "print" && arguments.size() == 2)
    return printKernel(arguments[1], options);
  if (command == "suites" && arguments.size() == 1) {
    llvm::interleave(kSuites, llvm::outs(), "\n");
    llvm::outs() << "\n";
    return 0;
  }
  Selection selection;
  bool isExport = command == "export" && arguments.size() == 3;
  if ((!isExport && !(command == "list" && arguments.size() == 2)) ||
      !select(arguments[1], options, selection)) {
    llvm::errs() << kUsage;
    return 1;
  }
  if (isExport)
    return exportSuite(selection, arguments[2], options);
  for (const DeviceGolden &golden : selection.goldens)
    llvm::outs() << golden.name << "\n";
  for (const auto *gemms : {&selection.gemms, &selection.benchmarks})
    for (const GemmCase &gemm : *gemms)
      llvm::outs() << gemm.getName() << "\n";
  return 0;
}
