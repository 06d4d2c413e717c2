//===- PolicyPresets.cpp - Policies that have a name ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Only `default` may ever be chosen without being asked for, and it quantizes
// all that can be. docs/Policy.md has a line on each.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Policy.h"
#include "QuantOpt/Kernels/CostModel.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::qopt;

/// What a kernel takes on the GPU before and after its work, about.
static constexpr double kLaunchMicroseconds = 2;
/// Times faster that int8 must be to be worth its errors.
static constexpr double kWorthwhile = 1.1;

static constexpr StringLiteral kNames[] = {kDefaultPolicy, "all", "accurate",
                                           "tensorrt", "cpu"};

static Rule makeFloatRule(RuleMatch match, StringRef reason) {
  Rule rule;
  rule.match = std::move(match);
  rule.quantize = false;
  rule.reason = reason.str();
  return rule;
}

/// The layers whose errors cost most: the first one's reach all others, the
/// last one's are in the result; attention weights and normalized values span
/// more than 8 bits resolve.
static std::vector<Rule> getAccurateRules() {
  RuleMatch first, last;
  first.position = Position::First;
  last.position = Position::Last;
  Rule wide;
  wide.match.kinds = {"*softmax", "*_norm"};
  wide.bits = 16;
  wide.reason = "what normalizes a row needs more than 8 bits";
  return {makeFloatRule(first, "the first contraction reads the input"),
          makeFloatRule(last, "the last contraction makes the result"), wide};
}

/// Where NVIDIA's ModelOpt puts no quantization for TensorRT (its int8.py and
/// graph_utils.py), as far as sizes tell.
static std::vector<Rule> getTensorRTRules() {
  constexpr Bounds kOne = {1, 1}, kFew = {0, 15}, kNone = {0, 0};
  RuleMatch row, column, channels, attention;
  row.kinds = column.kinds = attention.kinds = {"matmul"};
  row.m = column.n = kOne;
  channels.kinds = {"conv"};
  channels.n = kFew;
  attention.weights = kNone;
  return {makeFloatRule(row, "a product with one row (GEMV)"),
          makeFloatRule(column, "a product with one column (GEMV)"),
          makeFloatRule(channels, "a convolution with fewer than 16 output "
                                  "channels"),
          makeFloatRule(attention, "a product of two run-time values "
                                   "(attention)")};
}

std::optional<PolicyPreset> mlir::qopt::getPolicyPreset(StringRef name) {
  PolicyPreset preset;
  if (name == "accurate")
    preset.rules = getAccurateRules();
  else if (name == "tensorrt")
    preset.rules = getTensorRTRules();
  else if (!llvm::is_contained(kNames, name) && !(preset.chip = findChip(name)))
    return std::nullopt;
  return preset;
}

std::string mlir::qopt::listPolicyPresets() {
  std::string text = llvm::join(ArrayRef(kNames), ", ");
  for (const ChipInfo &chip : getChips())
    text += (", " + chip.name).str();
  return text;
}

std::optional<std::string> mlir::qopt::whySlowInInt8(const PolicyQuery &query,
                                                     const ChipInfo &chip,
                                                     MLIRContext *context) {
  if (query.k == 0 || query.n == 0 || query.m == 0)
    return std::nullopt;
  auto estimate = [&](bool isInteger) -> std::optional<double> {
    GemmShape shape;
    shape.batch = query.groups;
    shape.m = query.m;
    shape.n = query.n / query.groups;
    shape.k = query.k;
    shape.isInteger = isInteger;
    shape.sharesB = query.groups == 1;
    shape.packsB = query.weights != 0;
    shape.resultBytes = isInteger ? 1 : 4;
    GemmConfigAttr config = selectGemmConfig(context, shape, chip);
    if (!config)
      return std::nullopt;
    return estimateGemm(shape, config, chip).microseconds;
  };
  std::optional<double> int8 = estimate(true), f32 = estimate(false);
  if (!int8 || !f32 ||
      *f32 + kLaunchMicroseconds > kWorthwhile * (*int8 + kLaunchMicroseconds))
    return std::nullopt;
  return llvm::formatv("it is expected to take {0:f1} us in int8 and {1:f1} us "
                       "in f32, beside {2:f0} us of a launch",
                       *int8, *f32, kLaunchMicroseconds)
      .str();
}
