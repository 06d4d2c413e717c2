//===- Emulate.cpp - Running a case in the emulator ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Emulate.h"

#include "GemmLayout.h"
#include "mlir/IR/BuiltinTypes.h"

#include <cstring>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;
using emulator::DeviceMemory;

std::string Emulation::describe() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (wrongBytes)
    os << wrongBytes << " wrong bytes, the first at " << firstWrong << "; ";
  if (!workspaceClean)
    os << "workspace not left zeroed; ";
  for (const std::string &report : reports)
    os << report << "; ";
  return text;
}

/// Where nothing belongs.
static constexpr uint8_t kFiller = 0xA5;

static int64_t getBytes(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  return type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8);
}

/// `rows` rows of `from` bytes each into rows of `to` bytes, zeros between.
static void copyPadded(char *target, int64_t targetRows, int64_t to,
                       const void *source, int64_t rows, int64_t from) {
  memset(target, 0, targetRows * to);
  for (int64_t row = 0; row < rows; ++row)
    memcpy(target + row * to, static_cast<const char *>(source) + row * from,
           from);
}

namespace {
/// Device memory of a case, by the values that the launch names.
class CaseMemory {
public:
  CaseMemory(const KernelModule &built, const GemmCase &gemm,
             const GemmData &data);
  ~CaseMemory() = default;

  DeviceMemory memory;
  DenseMap<Value, void *> buffers;
  /// All of the result's memory, and what must be there afterwards: kernels
  /// leave what lies between rows as it was.
  char *result = nullptr;
  std::vector<uint8_t> expected;
  char *workspace = nullptr;

private:
  char *allocate(Value value, StringRef name) {
    void *address = memory.allocate(getBytes(value), name);
    buffers[value] = address;
    return static_cast<char *>(address);
  }
};
} // namespace

CaseMemory::CaseMemory(const KernelModule &built, const GemmCase &gemm,
                       const GemmData &data) {
  GemmOp op = built.gemm;
  int64_t element = gemm.getElementBytes();
  auto allocateLayout = [&](Value value, const char *name, GemmOperand operand,
                            const std::vector<uint8_t> &bytes,
                            int64_t elementBytes) {
    std::vector<uint8_t> image =
        getLayout(gemm, operand).toMemory(bytes, elementBytes, kFiller);
    void *address = memory.allocate(image.size(), name);
    memcpy(address, image.data(), image.size());
    buffers[value] = static_cast<char *>(address) +
                     getLayout(gemm, operand).offset * elementBytes;
    return image;
  };
  allocateLayout(op.getA(), "a", GemmOperand::A, data.a, element);
  if (gemm.packed) {
    char *b = allocate(op.getB(), "b");
    for (int64_t i = 0; i < gemm.getBatch(); ++i)
      copyPadded(b + i * gemm.getPaddedN() * gemm.getPaddedK() * element,
                 gemm.getPaddedN(), gemm.getPaddedK() * element,
                 data.b.data() + i * gemm.n * gemm.k * element, gemm.n,
                 gemm.k * element);
  } else {
    allocateLayout(op.getB(), "b", GemmOperand::B, data.b, element);
  }
  int64_t resultElement =
      (getElementTypeOrSelf(op.getInit().getType()).getIntOrFloatBitWidth() +
       7) /
      8;
  expected = allocateLayout(op.getInit(), "result", GemmOperand::Result,
                            data.result, resultElement);
  result = static_cast<char *>(buffers[op.getInit()]) -
           getLayout(gemm, GemmOperand::Result).offset * resultElement;
  const void *sources[] = {
      data.multipliers.data(), data.offsets.data(),
      data.residual.empty() ? static_cast<const void *>(data.rowScales.data())
                            : data.residual.data()};
  static const char *const names[] = {"multipliers", "offsets", "operand"};
  for (auto [i, operand] : llvm::enumerate(op.getEpilogueInputs())) {
    char *target = allocate(operand, names[i]);
    int64_t bytes = getBytes(operand);
    copyPadded(target, 1, bytes, sources[i], 1, i < 2 ? gemm.n * 4 : bytes);
  }
  if (built.launch.workspaceBytes) {
    workspace = static_cast<char *>(
        memory.allocate(built.launch.workspaceBytes, "workspace"));
    memset(workspace, 0, built.launch.workspaceBytes);
  }
}

/// The value of an expression at `rows` rows.
static int64_t evaluate(AffineExpr expr, int64_t rows) {
  AffineExpr value = simplifyAffineExpr(
      expr.replaceSymbols(getAffineConstantExpr(rows, expr.getContext())), 0,
      0);
  return cast<AffineConstantExpr>(value).getValue();
}

Emulation test::emulate(const KernelModule &built, const GemmCase &gemm,
                        const GemmData &data,
                        ArrayRef<emulator::LaunchOptions> options) {
  Emulation emulation;
  auto module = emulator::EmulatedModule::create(built.kernels);
  if (failed(module)) {
    emulation.reports.push_back("does not compile for the emulator");
    return emulation;
  }
  CaseMemory memory(built, gemm, data);
  int64_t rows = getGemmRows(built.gemm);
  const KernelLaunch &launch = built.launch;
  std::vector<uint64_t> values;
  for (const KernelArgument &argument : launch.arguments) {
    switch (argument.kind) {
    case KernelArgument::Kind::Buffer:
      values.push_back(
          reinterpret_cast<uint64_t>(memory.buffers.lookup(argument.buffer)));
      break;
    case KernelArgument::Kind::Scalar:
      values.push_back(evaluate(argument.scalar, rows));
      break;
    case KernelArgument::Kind::Workspace:
      values.push_back(reinterpret_cast<uint64_t>(memory.workspace));
      break;
    }
  }
  std::vector<void *> parameters;
  for (uint64_t &value : values)
    parameters.push_back(&value);
  std::array<uint32_t, 3> grid;
  for (int i = 0; i < 3; ++i)
    grid[i] = evaluate(launch.grid[i], rows);

  for (const emulator::LaunchOptions &option : options) {
    memset(memory.result, kFiller, memory.expected.size());
    emulator::LaunchResult result =
        (*module)->launch(memory.memory, launch.kernel, grid,
                          {static_cast<uint32_t>(launch.threads), 1, 1},
                          launch.sharedBytes, parameters.data(), option);
    emulation.seconds += result.seconds;
    emulation.counters = result.counters;
    for (const std::string &report : result.reports)
      emulation.reports.push_back(report);
    for (size_t i = 0; i < memory.expected.size(); ++i)
      if (static_cast<uint8_t>(memory.result[i]) != memory.expected[i]) {
        if (emulation.wrongBytes++ == 0)
          emulation.firstWrong = i;
      }
    for (int64_t i = 0; i < launch.workspaceBytes; ++i)
      emulation.workspaceClean &= memory.workspace[i] == 0;
    if (!emulation.passed())
      break;
  }
  return emulation;
}
