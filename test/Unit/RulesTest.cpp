//===- RulesTest.cpp - Reading rules files --------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Mutations.h"
#include "RuleSamples.h"

#include "QuantOpt/Policy/Rules.h"

#include <gtest/gtest.h>

using namespace mlir::qopt;
using namespace mutations;
using namespace rulestest;

extern "C" int LLVMFuzzerTestOneRules(const uint8_t *data, size_t size);

namespace {

std::vector<Rule> parse(const std::string &text) {
  std::vector<Rule> rules;
  std::string error;
  EXPECT_TRUE(parseRules(text, "some/rules.json", rules, error)) << error;
  EXPECT_EQ(error, "");
  return rules;
}

std::string getError(const std::string &text) {
  std::vector<Rule> rules;
  std::string error;
  EXPECT_FALSE(parseRules(text, "some/rules.json", rules, error)) << text;
  EXPECT_TRUE(rules.empty());
  return error;
}

/// The error about one rule, without the file's name.
std::string getRuleError(const std::string &rule) {
  std::string error = getError(R"({"schema": 1, "rules": [)"
                               R"({"precision": "int8"}, )" +
                               rule + "]}");
  const std::string start = "'some/rules.json': rule 2";
  EXPECT_EQ(error.substr(0, start.size()), start);
  return error.substr(std::min(start.size(), error.size()));
}

TEST(Rules, AllKeys) {
  std::vector<Rule> rules = parse(kAllKeys);
  ASSERT_EQ(rules.size(), 4u);
  const RuleMatch &match = rules[0].match;
  EXPECT_EQ(match.names, std::vector<std::string>({"fc*"}));
  EXPECT_EQ(match.kinds, std::vector<std::string>({"conv", "depthwise_conv"}));
  EXPECT_EQ(match.k->min, 9);
  EXPECT_EQ(match.k->max, 576);
  EXPECT_EQ(match.n->min, 16);
  EXPECT_EQ(match.n->max, INT64_MAX);
  EXPECT_EQ(match.m->min, 0);
  EXPECT_EQ(match.m->max, 1);
  EXPECT_EQ(match.weights->max, 0);
  EXPECT_EQ(match.groups->min, 1);
  EXPECT_EQ(match.groups->max, 1);
  EXPECT_EQ(match.macs->max, INT64_MAX);
  EXPECT_EQ(match.position, Position::Last);
  EXPECT_EQ(rules[0].quantize, false);
  EXPECT_EQ(rules[0].reason, "the last one");
  EXPECT_EQ(rules[0].origin, "rule 1 of rules.json");
  EXPECT_FALSE(rules[0].bits || rules[0].require);

  EXPECT_EQ(rules[1].match.position, Position::First);
  EXPECT_TRUE(rules[1].match.names.empty() && !rules[1].match.k);
  EXPECT_EQ(rules[1].quantize, true);
  EXPECT_EQ(rules[1].require, true);
  EXPECT_EQ(rules[2].bits, 16u);
  EXPECT_FALSE(rules[2].quantize);
  EXPECT_EQ(rules[3].bits, 8u);
  EXPECT_EQ(rules[3].require, false);
  EXPECT_TRUE(parse(kNoRules).empty());
}

TEST(Rules, Files) {
  EXPECT_EQ(getError(""), "'some/rules.json': is no valid JSON at byte 1");
  EXPECT_EQ(getError("[]"), "'some/rules.json': is not an object");
  EXPECT_EQ(getError("{}"), "'some/rules.json': lacks the key 'schema'");
  EXPECT_EQ(getError(R"({"schema": 2, "rules": []})"),
            "'some/rules.json': schema: is 2; this version reads 1");
  EXPECT_EQ(getError(R"({"schema": 1})"),
            "'some/rules.json': lacks the key 'rules'");
  EXPECT_EQ(getError(R"({"schema": 1, "rules": {}})"),
            "'some/rules.json': rules: is not an array");
  EXPECT_EQ(getError(R"({"schema": 1, "rules": [], "rule": 1})"),
            "'some/rules.json': has the unknown key 'rule'");
  EXPECT_EQ(getError(R"({"schema": 1, "schema": 1, "rules": []})"),
            "'some/rules.json': has the key 'schema' twice in one object");
  std::string deep(1000, '[');
  EXPECT_EQ(getError(R"({"schema": 1, "rules": )" + deep),
            "'some/rules.json': nests deeper than 6 levels of JSON");
  std::string many = R"({"schema": 1, "rules": [)";
  for (unsigned i = 0; i <= kMaxRules; ++i)
    many += "{},";
  many.back() = ']';
  EXPECT_EQ(
      getError(many + "}"),
      "'some/rules.json': rules: has 16385 items; expected at most 16384");

  std::vector<Rule> rules;
  std::string error;
  EXPECT_FALSE(readRules("/no/such/file.json", rules, error));
  EXPECT_NE(error.find("'/no/such/file.json'"), std::string::npos) << error;
}

TEST(Rules, Errors) {
  EXPECT_EQ(getRuleError("1"), ": is not an object");
  EXPECT_EQ(getRuleError("{}"), ": decides nothing: give it \"precision\", "
                                "\"bits\" or \"require\"");
  EXPECT_EQ(getRuleError(R"({"precision": "int4"})"),
            ".precision: is neither \"int8\" nor \"float\"");
  EXPECT_EQ(getRuleError(R"({"bits": 4})"), ".bits: is neither 8 nor 16");
  EXPECT_EQ(getRuleError(R"({"bits": "8"})"), ".bits: is neither 8 nor 16");
  EXPECT_EQ(getRuleError(R"({"bits": 8.5})"), ".bits: is neither 8 nor 16");
  EXPECT_EQ(getRuleError(R"({"require": 1})"),
            ".require: is not true or false");
  EXPECT_EQ(getRuleError(R"({"precision": "float", "require": true})"),
            ": requires int8 of what it keeps float");
  EXPECT_EQ(getRuleError(R"({"precision": "float", "bits": 8})"),
            ": sets the bits of what it keeps float");
  EXPECT_EQ(getRuleError(R"({"bits": 8, "why": ""})"),
            ": has the unknown key 'why'");
  EXPECT_EQ(getRuleError(R"({"bits": 8, "reason": 8})"),
            ".reason: is not a string");
  EXPECT_EQ(getRuleError(R"({"bits": 8, "reason": "a\nb"})"),
            ".reason: has control characters or is not UTF-8");

  auto getMatchError = [](const std::string &match) {
    return getRuleError(R"({"bits": 8, "match": )" + match + "}");
  };
  EXPECT_EQ(getMatchError("[]"), ".match: is not an object");
  EXPECT_EQ(getMatchError(R"({"names": "a"})"),
            ".match: has the unknown key 'names'");
  EXPECT_EQ(getMatchError(R"({"name": ""})"), ".match.name: is empty");
  EXPECT_EQ(getMatchError(R"({"name": []})"),
            ".match.name: is empty: no op would match");
  EXPECT_EQ(getMatchError(R"({"kind": ["conv", 1]})"),
            ".match.kind[1]: is not a string");
  EXPECT_EQ(getMatchError(R"({"name": ")" + std::string(4097, 'a') + "\"}"),
            ".match.name: is longer than 4096 bytes");
  EXPECT_EQ(getMatchError(R"({"position": "second"})"),
            ".match.position: is neither \"first\" nor \"last\"");
  EXPECT_EQ(getMatchError(R"({"k": "9"})"),
            ".match.k: is neither an integer nor {\"min\": .., \"max\": ..}");
  EXPECT_EQ(getMatchError(R"({"n": -1})"),
            ".match.n: is not an integer from 0 to 9223372036854775807");
  EXPECT_EQ(getMatchError(R"({"m": {"min": 1.5}})"),
            ".match.m.min: is not an integer from 0 to 9223372036854775807");
  EXPECT_EQ(getMatchError(R"({"macs": {"min": 3, "max": 2}})"),
            ".match.macs: has a min above its max: no op would match");
  EXPECT_EQ(getMatchError(R"({"weights": {"least": 3}})"),
            ".match.weights: has the unknown key 'least'");
}

TEST(Rules, Mutants) {
  constexpr int kMutants = 20000;
  std::mt19937 random(20261103);
  const std::vector<std::string> tokens = {
      "0",       "-1",      "1e9",        "18446744073709551616",
      "null",    "false",   "\"x\"",      "[]",
      "{}",      "[",       "]",          "{",
      "}",       ",",       ":",          "\"",
      "\\u0000", "\"min\"", "\"match\":", "\"bits\": 16"};
  int accepted = 0;
  for (int i = 0; i < kMutants; ++i) {
    std::string mutant = kAllKeys;
    for (int count = 1 + random() % 3; count > 0; --count)
      mutate(mutant, random, tokens);
    LLVMFuzzerTestOneRules(bytes(mutant), mutant.size());
    std::vector<Rule> rules;
    std::string error;
    accepted += parseRules(mutant, "r.json", rules, error);
  }
  // Otherwise the mutants would test the parser of JSON only.
  EXPECT_GT(accepted, kMutants / 50);
}

TEST(Rules, Corpus) {
  auto corpus = readCorpus("Rules");
  EXPECT_GE(corpus.size(), 2u);
  for (const auto &[name, text] : corpus)
    LLVMFuzzerTestOneRules(bytes(text), text.size());
}

} // namespace
