//===- CpuModel.h - Compile and run snippets in tests ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A module in a string, compiled by CpuExecutable and run on std::vectors.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_CPUMODEL_H
#define QUANTOPT_TEST_UNIT_CPUMODEL_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Execution/CpuExecutable.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

namespace mlir::qopt::test {

/// The bytes of one tensor.
struct Buffer {
  std::vector<char> bytes;

  Buffer() = default;
  template <typename T>
  Buffer(const std::vector<T> &values)
      : bytes(reinterpret_cast<const char *>(values.data()),
              reinterpret_cast<const char *>(values.data() + values.size())) {
    static_assert(!std::is_same_v<T, bool>, "use uint8_t");
  }
  template <typename T> std::vector<T> as() const {
    std::vector<T> values(bytes.size() / sizeof(T));
    memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
};

class CpuModel {
public:
  /// Compiles function `entry` of `text`; see error() where that fails.
  explicit CpuModel(const std::string &text, CpuOptions options = {},
                    StringRef entry = "main") {
    DialectRegistry registry;
    registry
        .insert<affine::AffineDialect, arith::ArithDialect,
                cf::ControlFlowDialect, func::FuncDialect,
                linalg::LinalgDialect, math::MathDialect, QOptDialect,
                quant::QuantDialect, scf::SCFDialect, tensor::TensorDialect>();
    context.appendDialectRegistry(registry);
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      llvm::raw_string_ostream(messages)
          << diagnostic.getLocation() << ": " << diagnostic.str() << "\n";
    });
    module =
        parseSourceString<ModuleOp>(text, ParserConfig(&context), "model.mlir");
    if (!module)
      return;
    auto compiled = CpuExecutable::compile(*module, entry, options);
    if (succeeded(compiled))
      executable = std::move(*compiled);
  }

  /// Diagnostics of parsing and compiling.
  const std::string &error() const { return messages; }
  const CpuExecutable *get() const { return executable.get(); }

  /// All outputs; a test failure where there is an error.
  std::vector<Buffer> run(const std::vector<Buffer> &inputs) const {
    std::vector<Buffer> outputs;
    std::string failure = tryRun(inputs, outputs);
    EXPECT_EQ(failure, "");
    return outputs;
  }

  /// The first output.
  template <typename T>
  std::vector<T> run1(const std::vector<Buffer> &inputs) const {
    std::vector<Buffer> outputs = run(inputs);
    return outputs.empty() ? std::vector<T>() : outputs[0].as<T>();
  }

  /// The message of a run that is to fail, "" if it did not.
  std::string runError(const std::vector<Buffer> &inputs) const {
    std::vector<Buffer> outputs;
    return tryRun(inputs, outputs);
  }

private:
  std::string tryRun(const std::vector<Buffer> &inputs,
                     std::vector<Buffer> &outputs) const {
    if (!executable)
      return "not compiled: " + messages;
    std::vector<const void *> in;
    std::vector<void *> out;
    EXPECT_EQ(inputs.size(), executable->inputs().size());
    for (auto [input, spec] : llvm::zip(inputs, executable->inputs())) {
      EXPECT_EQ(static_cast<int64_t>(input.bytes.size()), spec.getNumBytes());
      in.push_back(input.bytes.data());
    }
    outputs.resize(executable->outputs().size());
    for (auto [output, spec] : llvm::zip(outputs, executable->outputs())) {
      output.bytes.assign(spec.getNumBytes(), char(0x5a));
      out.push_back(output.bytes.data());
    }
    return llvm::toString(executable->run(in, out));
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
  std::string messages;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<CpuExecutable> executable;
};

/// Small integers: sums of their products are exact in f32 in any order.
template <typename T>
std::vector<T> smallIntegers(size_t count, unsigned seed, int low = -4,
                             int high = 4) {
  std::mt19937 random(seed);
  std::vector<T> values(count);
  for (T &value : values)
    value = static_cast<T>(low + static_cast<int>(random() % (high - low + 1)));
  return values;
}

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_UNIT_CPUMODEL_H
