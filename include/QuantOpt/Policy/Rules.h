//===- Rules.h - Which ops become integer: rules in files -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format is docs/Policy.md. Files come from anywhere: what is not exactly
// of the format is an error that names the file, the rule and the key. Globs
// are taken as they are; QuantOpt/Analysis/Policy.h checks and applies them.
//
// Needs neither LLVM nor exceptions.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_POLICY_RULES_H
#define QUANTOPT_POLICY_RULES_H

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace mlir::qopt {

/// Limits of a rules file; no person writes more.
inline constexpr uint64_t kMaxRulesBytes = uint64_t(1) << 22;
inline constexpr unsigned kMaxRules = 1 << 14;

/// Numbers from `min` to `max`, both among them.
struct Bounds {
  int64_t min = 0;
  int64_t max = std::numeric_limits<int64_t>::max();

  bool contains(int64_t number) const { return min <= number && number <= max; }
};

/// Where an op stands among the contractions of its model.
enum class Position { First, Last };

/// What an op must be like for a rule to decide about it; what is not given
/// fits every op. Sizes and positions are those of contractions: a condition
/// on them fits no other op.
struct RuleMatch {
  /// Globs, one of which must fit; empty: any.
  std::vector<std::string> names, kinds;
  /// Products summed into an output, output channels, outputs per channel,
  /// weights, groups, and all products (k * n * m).
  std::optional<Bounds> k, n, m, weights, groups, macs;
  std::optional<Position> position;
};

struct Rule {
  RuleMatch match;
  /// int8 or float; not given: as the rules before it say.
  std::optional<bool> quantize;
  /// 8 or 16: integers of the edges around the op that no integer contraction
  /// reads.
  std::optional<unsigned> bits;
  /// Staying float is an error.
  std::optional<bool> require;
  /// For people; may be empty.
  std::string reason;
  /// "rule 3 of rules.json", "--keep-float=fc*".
  std::string origin;
};

/// Reads the text of a rules file; `path` is for messages. False with `error`,
/// one line, where it is none.
bool parseRules(const std::string &text, const std::string &path,
                std::vector<Rule> &rules, std::string &error);

/// Reads a rules file.
bool readRules(const std::string &path, std::vector<Rule> &rules,
               std::string &error);

} // namespace mlir::qopt

#endif // QUANTOPT_POLICY_RULES_H
