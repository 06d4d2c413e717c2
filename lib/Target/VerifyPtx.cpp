//===- VerifyPtx.cpp - PTX keeps the bits of its arithmetic ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The last line of defence of docs/Numerics.md: whatever lowering and LLVM did,
// the text that goes to ptxas has only exact float instructions.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Target/Ptx.h"

using namespace mlir;
using namespace mlir::qopt;

/// Instructions that are approximate whatever their modifiers.
static bool isApproximate(StringRef opcode) {
  return llvm::is_contained({"ex2", "lg2", "sin", "cos", "tanh", "rsqrt"},
                            opcode);
}

/// Instructions that ptxas contracts or approximates unless a rounding is
/// named.
static bool needsRounding(StringRef opcode) {
  return llvm::is_contained(
      {"add", "sub", "mul", "mad", "fma", "div", "sqrt", "rcp"}, opcode);
}

static bool isFloatType(StringRef modifier) {
  return llvm::is_contained(
      {"f16", "f16x2", "bf16", "bf16x2", "f32", "f32x2", "f64"}, modifier);
}

/// What is wrong with one instruction such as "mul.rn.f32", or an empty string.
static StringRef checkInstruction(StringRef mnemonic) {
  SmallVector<StringRef> parts;
  mnemonic.split(parts, '.');
  StringRef opcode = parts.front();
  ArrayRef<StringRef> modifiers = ArrayRef(parts).drop_front();
  if (llvm::is_contained(modifiers, "approx"))
    return "is approximate";
  if (llvm::is_contained(modifiers, "ftz"))
    return "flushes subnormal numbers";
  if (llvm::none_of(modifiers, isFloatType))
    return "";
  if (isApproximate(opcode))
    return "is approximate";
  if (needsRounding(opcode) && !llvm::is_contained(modifiers, "rn"))
    return "has no rounding mode .rn, so that ptxas may contract or "
           "approximate it";
  if ((opcode == "atom" || opcode == "red") &&
      llvm::is_contained(modifiers, "add"))
    return "adds floats in an order that varies";
  return "";
}

/// The instruction of a line without label and predicate; empty for directives
/// and declarations.
static StringRef getMnemonic(StringRef line) {
  line = line.trim();
  if (line.consume_front("@"))
    line = line.drop_until([](char c) { return llvm::isSpace(c); }).ltrim();
  // Braces open the blocks of inline PTX and calls.
  line = line.ltrim("{ \t");
  if (line.empty() || !llvm::isAlpha(line.front()))
    return "";
  return line.take_while([](char c) {
    return llvm::isAlnum(c) || c == '.' || c == '_' || c == ':';
  });
}

LogicalResult
mlir::qopt::verifyPtxArithmetic(StringRef ptx,
                                function_ref<InFlightDiagnostic()> emitError) {
  StringRef kernel;
  size_t number = 0;
  for (StringRef rest = ptx; !rest.empty();) {
    auto [line, next] = rest.split('\n');
    rest = next;
    ++number;
    line = line.split("//").first;
    if (size_t entry = line.find(".entry "); entry != StringRef::npos)
      kernel = line.substr(entry)
                   .drop_front(StringRef(".entry ").size())
                   .take_while([](char c) {
                     return llvm::isAlnum(c) || c == '_' || c == '$';
                   });
    StringRef problem;
    if (line.contains("__nv_")) {
      problem = "calls the device library";
    } else {
      // Inline PTX may put several instructions on a line.
      SmallVector<StringRef> statements;
      line.split(statements, ';');
      for (StringRef statement : statements)
        if (problem.empty())
          problem = checkInstruction(getMnemonic(statement));
    }
    if (!problem.empty())
      return emitError() << "do not keep their bits: line " << number
                         << " of the PTX, '" << line.trim() << "' in kernel '"
                         << kernel << "', " << problem;
  }
  return success();
}
