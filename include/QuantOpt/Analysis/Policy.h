//===- Policy.h - Which ops become integer, and on whose word ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A policy is a list of rules: those of a preset (one chip's: its cost model),
// those of rules files in the order given, then one per --keep-float. Of the
// rules that match an op and say something on a question (precision, bits,
// require) the last one decides; without any the op becomes integer if it can.
// docs/Policy.md.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_POLICY_H
#define QUANTOPT_ANALYSIS_POLICY_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Policy/Rules.h"
#include "mlir/IR/Operation.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/GlobPattern.h"

#include <memory>

namespace mlir::qopt {

struct ChipInfo;
struct Quantizable;

/// The discardable integer attribute on an op whose edges a rule has given 8 or
/// 16 bits, from annotate until propagate.
inline constexpr StringLiteral kEdgeBitsAttr = "qopt.edge_bits";
/// The string attribute beside it: by whom.
inline constexpr StringLiteral kEdgeBitsReasonAttr = "qopt.edge_bits_reason";
/// The discardable string attribute on an op that must not stay float, from
/// annotate until quantize: who asked for it.
inline constexpr StringLiteral kRequiredAttr = "qopt.require_int8";

/// A preset that changes nothing.
inline constexpr StringLiteral kDefaultPolicy = "default";

/// A pattern and its text, which LLVM's class refers to.
class Glob {
public:
  static llvm::Expected<Glob> create(StringRef text);

  StringRef getText() const { return *text; }
  bool matches(StringRef name) const { return pattern.match(name); }

private:
  Glob(std::unique_ptr<const std::string> text, llvm::GlobPattern pattern)
      : text(std::move(text)), pattern(std::move(pattern)) {}

  std::unique_ptr<const std::string> text;
  llvm::GlobPattern pattern;
};

/// What a policy may ask about an op.
struct PolicyQuery {
  std::string name;
  std::string kind;
  /// Sizes are 0 for ops that are no contractions.
  bool isContraction = false;
  /// Products summed into one output.
  int64_t k = 0;
  /// Output channels, those of all groups: outputs that differ in weights.
  int64_t n = 0;
  /// Outputs per channel: rows of a matmul, pixels of a convolution.
  int64_t m = 0;
  /// Elements of the constant weight; 0 where both operands are run-time
  /// values.
  int64_t weights = 0;
  /// Products of channels and inputs that do not meet: groups of a
  /// convolution, batches of an attention product.
  int64_t groups = 0;
  /// Place among the contractions of the model, and their number.
  unsigned index = 0, count = 0;

  /// A contraction's query; `kind` is the match's.
  static PolicyQuery makeContraction(StringRef name, const Quantizable &match,
                                     unsigned index, unsigned count);
  /// Any other op's.
  static PolicyQuery make(StringRef name, StringRef kind);
};

struct Decision {
  bool quantize = true;
  /// Who decided: "kept float by --keep-float=fc*", "int8 by rule 3 of
  /// rules.json: first conv". Empty where no rule did.
  std::string reason;
  /// 8 or 16, where a rule has set it, and by whom.
  std::optional<unsigned> bits;
  std::string bitsReason;
  /// Who makes staying float an error; empty: nobody.
  std::string requiredBy;

  /// Puts what later phases need on `op`, and takes off what an earlier
  /// annotation has put there.
  void annotate(Operation *op) const;
};

/// 8 or 16 bits that rules ask for on an edge, and by whom.
struct RequestedBits {
  unsigned bits;
  StringRef reason;
};

/// What rules ask of the op that makes the edge with this observer, or of one
/// that reads it; the most bits where they differ.
std::optional<RequestedBits> getRequestedBits(ObserveOp observer);

struct PolicyOptions {
  std::string preset;
  ArrayRef<std::string> rulesFiles;
  ArrayRef<std::string> keepFloat;
};

class Policy {
public:
  /// Errors go to `emitError`: unknown presets, files that cannot be read or
  /// are no rules, patterns that are no globs.
  static FailureOr<Policy> create(const PolicyOptions &options,
                                  MLIRContext *context,
                                  function_ref<InFlightDiagnostic()> emitError);

  Decision decide(const PolicyQuery &query) const;

  /// Warns of rules from files and --keep-float that have matched no op
  /// `decide` was asked about: most likely a misspelt name.
  void warnUnmatched(Location loc) const;

private:
  struct CompiledRule {
    Rule rule;
    std::vector<Glob> names, kinds;
    bool isPreset = false;
    mutable bool hasMatched = false;

    bool matches(const PolicyQuery &query) const;
  };

  LogicalResult add(Rule rule, bool isPreset,
                    function_ref<InFlightDiagnostic()> emitError);

  MLIRContext *context = nullptr;
  /// Of a chip's preset, which decides before all rules.
  const ChipInfo *chip = nullptr;
  std::vector<CompiledRule> rules;
};

/// What a preset says: rules, or what the cost model of a chip expects.
struct PolicyPreset {
  std::vector<Rule> rules;
  const ChipInfo *chip = nullptr;
};

/// The preset of that name (docs/Policy.md has the list); nothing if there is
/// none.
std::optional<PolicyPreset> getPolicyPreset(StringRef name);

/// Why int8 is not expected to make a contraction 10 % faster on `chip`, its
/// launch included; nothing where it is. Convolutions count as the product of
/// matrices they compute.
std::optional<std::string> whySlowInInt8(const PolicyQuery &query,
                                         const ChipInfo &chip,
                                         MLIRContext *context);

/// All presets, for messages: "default, all, ...".
std::string listPolicyPresets();

/// Globs that any number of names are compared with; an empty list fits none.
class GlobList {
public:
  /// `what` names the option in the error.
  static FailureOr<GlobList>
  create(ArrayRef<std::string> texts, StringRef what,
         function_ref<InFlightDiagnostic()> emitError);

  bool empty() const { return globs.empty(); }
  /// The text of the first glob that fits; nothing where none does.
  std::optional<StringRef> find(StringRef name) const;
  /// Globs that have fitted no name so far.
  SmallVector<StringRef> getUnmatched() const;

private:
  struct Entry {
    Glob glob;
    mutable bool hasMatched = false;
  };
  std::vector<Entry> globs;
};

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_POLICY_H
