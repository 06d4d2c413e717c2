//===- EmulatedTest.cpp - The kernel suite in the emulator -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every case bit for bit under adversarial schedules, without bank conflicts
// in the main loop; every planted bug caught.
//
//===----------------------------------------------------------------------===//
#include "Emulate.h"
#include "Mutants.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;
using emulator::Landing;
using emulator::LaunchOptions;
using emulator::Schedule;

/// Different in schedule, landing of copies, and seed. Launching twice shows
/// that a workspace is left as it was found.
static std::vector<LaunchOptions> makeOptions(bool counters) {
  LaunchOptions adversarial;
  adversarial.schedule = Schedule::Pct;
  adversarial.landing = Landing::Random;
  LaunchOptions late;
  late.schedule = Schedule::Random;
  late.landing = Landing::Late;
  late.seed = 2;
  late.counters = counters;
  return {adversarial, late};
}

/// Shared-memory traffic of the main loop must be free of conflicts: operand
/// fragments, and the copies that fill the tiles. Rows that are not aligned to
/// 16 bytes take several instructions per chunk, each of which leaves banks
/// unused.
static void checkConflicts(const Emulation &emulation, const GemmCase &gemm) {
  if (gemm.config.find("mma") == std::string::npos)
    return;
  for (const emulator::OpCounters &counter : emulation.counters) {
    bool isMainLoop = counter.op.find("ldmatrix") != std::string::npos ||
                      (counter.op.find("cp.async") != std::string::npos &&
                       gemm.k * gemm.getElementBytes() % 16 == 0);
    if (!isMainLoop || counter.kind != emulator::OpCounters::Kind::Shared)
      continue;
    EXPECT_EQ(counter.cost, counter.ideal)
        << gemm.getName() << ": " << counter.op;
  }
}

class KernelsEmulated : public ::testing::TestWithParam<int> {};

/// The suite in slices, so that slices can run side by side.
static constexpr int kSlices = 8;

TEST_P(KernelsEmulated, Suite) {
  std::unique_ptr<MLIRContext> context = makeKernelContext();
  std::vector<GemmCase> suite = makeSuite();
  double seconds = 0;
  int count = 0;
  for (size_t i = GetParam(); i < suite.size(); i += kSlices) {
    const GemmCase &gemm = suite[i];
    auto built = buildKernel(*context, gemm, *findChip("sm_80"));
    ASSERT_TRUE(built) << gemm.getName();
    Emulation emulation =
        emulate(*built, gemm, makeData(gemm), makeOptions(/*counters=*/true));
    EXPECT_TRUE(emulation.passed())
        << gemm.getName() << ": " << emulation.describe();
    checkConflicts(emulation, gemm);
    seconds += emulation.seconds;
    ++count;
  }
  std::printf("%d cases, %.1f s in kernels\n", count, seconds);
}

INSTANTIATE_TEST_SUITE_P(Slices, KernelsEmulated, ::testing::Range(0, kSlices));

TEST(KernelsEmulated, MutantsAreCaught) {
  std::unique_ptr<MLIRContext> context = makeKernelContext();
  ScopedDiagnosticHandler quiet(context.get(), [](Diagnostic &) {});
  std::vector<Mutant> mutants = makeMutants();
  for (const Mutant &mutant : mutants) {
    auto built = buildKernel(*context, mutant.gemm, *findChip("sm_80"));
    ASSERT_TRUE(built) << mutant.name;
    GemmData data = makeData(mutant.gemm);
    Emulation sound =
        emulate(*built, mutant.gemm, data, makeOptions(/*counters=*/false));
    EXPECT_TRUE(sound.passed())
        << "without the bug: " << mutant.name << ": " << sound.describe();
    ASSERT_TRUE(mutant.plant(built->kernels)) << mutant.name;
    Emulation emulation =
        emulate(*built, mutant.gemm, data, makeOptions(/*counters=*/false));
    EXPECT_FALSE(emulation.passed()) << "escaped: " << mutant.name;
    std::printf("%-50s %s\n", mutant.name,
                emulation.describe().substr(0, 100).c_str());
  }
  std::printf("%zu mutants\n", mutants.size());
}
