//===- RulesFuzzer.cpp - Arbitrary bytes as rules files -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An entry point for libFuzzer (clang++ -fsanitize=fuzzer,address,undefined),
// also called by the unit tests with mutated files: checks what Rules.h
// promises of rules that were read.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Policy/Rules.h"

#include <cstdio>
#include <cstdlib>

using namespace mlir::qopt;

namespace {
void require(bool condition, const char *what) {
  if (condition)
    return;
  fprintf(stderr, "promise broken: %s\n", what);
  abort();
}

bool isOrdered(const std::optional<Bounds> &bounds) {
  return !bounds || (0 <= bounds->min && bounds->min <= bounds->max);
}

void check(const Rule &rule) {
  require(rule.quantize || rule.bits || rule.require,
          "every rule decides something");
  require(!rule.bits || *rule.bits == 8 || *rule.bits == 16,
          "bits are 8 or 16");
  require(rule.quantize != false || (!rule.bits && rule.require != true),
          "rules do not contradict themselves");
  const RuleMatch &match = rule.match;
  for (const std::optional<Bounds> &bounds :
       {match.k, match.n, match.m, match.weights, match.groups, match.macs})
    require(isOrdered(bounds), "some number is within the bounds");
  require(!rule.origin.empty(), "a rule has an origin");
}
} // namespace

extern "C" int LLVMFuzzerTestOneRules(const uint8_t *data, size_t size) {
  std::string text(reinterpret_cast<const char *>(data), size);
  std::vector<Rule> rules;
  std::string error = "unset";
  bool ok = parseRules(text, "input.json", rules, error);
  require(ok == error.empty(), "a failure has a message");
  require(error.find('\n') == std::string::npos, "messages are one line");
  require(ok || rules.empty(), "a failure gives no rules");
  require(rules.size() <= kMaxRules, "the number of rules is limited");
  for (const Rule &rule : rules)
    check(rule);
  return 0;
}

#ifdef QUANTOPT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return LLVMFuzzerTestOneRules(data, size);
}
#endif
