//===- ReadRules.cpp - Reading rules files --------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rules are counted from 1 in messages and in the reasons that reports give,
// as people count them.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Policy/Rules.h"

#include "Json.h"
#include "TableFiles.h"

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

/// Of names, kinds and reasons, in bytes.
static constexpr size_t kMaxTextBytes = 4096;

static std::string readText(const JsonField &field) {
  std::string text = field.asString();
  if (text.empty())
    field.fail("is empty");
  if (text.size() > kMaxTextBytes)
    field.fail("is longer than " + std::to_string(kMaxTextBytes) + " bytes");
  if (!isPlainText(text))
    field.fail("has control characters or is not UTF-8");
  return text;
}

/// A string or an array of them.
static std::vector<std::string> readGlobs(const JsonField &field) {
  if (!field.isArray())
    return {readText(field)};
  std::vector<std::string> globs;
  for (size_t i = 0; i < field.size(); ++i)
    globs.push_back(readText(field[i]));
  if (globs.empty())
    field.fail("is empty: no op would match");
  return globs;
}

/// {"min": .., "max": ..}, or one number.
static Bounds readBounds(const JsonField &field) {
  Bounds bounds;
  if (field.isInteger()) {
    bounds.min = bounds.max = field.asInteger(0, INT64_MAX);
    return bounds;
  }
  if (!field.value.is_object())
    field.fail("is neither an integer nor {\"min\": .., \"max\": ..}");
  JsonObject object(field);
  if (object.has("min"))
    bounds.min = object.take("min").asInteger(0, INT64_MAX);
  if (object.has("max"))
    bounds.max = object.take("max").asInteger(0, INT64_MAX);
  object.finish();
  if (bounds.min > bounds.max)
    field.fail("has a min above its max: no op would match");
  return bounds;
}

static Position readPosition(const JsonField &field) {
  if (field.value == Json("first"))
    return Position::First;
  if (field.value == Json("last"))
    return Position::Last;
  field.fail("is neither \"first\" nor \"last\"");
}

static RuleMatch readMatch(const JsonField &field) {
  RuleMatch match;
  JsonObject object(field);
  if (object.has("name"))
    match.names = readGlobs(object.take("name"));
  if (object.has("kind"))
    match.kinds = readGlobs(object.take("kind"));
  auto bounds = [&](const char *key, std::optional<Bounds> &result) {
    if (object.has(key))
      result = readBounds(object.take(key));
  };
  bounds("k", match.k);
  bounds("n", match.n);
  bounds("m", match.m);
  bounds("weights", match.weights);
  bounds("groups", match.groups);
  bounds("macs", match.macs);
  if (object.has("position"))
    match.position = readPosition(object.take("position"));
  object.finish();
  return match;
}

static bool readPrecision(const JsonField &field) {
  if (field.value == Json("int8"))
    return true;
  if (field.value == Json("float"))
    return false;
  field.fail("is neither \"int8\" nor \"float\"");
}

static unsigned readBits(const JsonField &field) {
  if (field.value == Json(8) || field.value == Json(16))
    return field.value.get<unsigned>();
  field.fail("is neither 8 nor 16");
}

static Rule readRule(const JsonField &field) {
  Rule rule;
  JsonObject object(field);
  if (object.has("match"))
    rule.match = readMatch(object.take("match"));
  if (object.has("precision"))
    rule.quantize = readPrecision(object.take("precision"));
  if (object.has("bits"))
    rule.bits = readBits(object.take("bits"));
  if (object.has("require"))
    rule.require = object.take("require").asBool();
  if (object.has("reason"))
    rule.reason = readText(object.take("reason"));
  object.finish();
  if (!rule.quantize && !rule.bits && !rule.require)
    field.fail("decides nothing: give it \"precision\", \"bits\" or "
               "\"require\"");
  bool keepsFloat = rule.quantize == false;
  if (keepsFloat && rule.require == true)
    field.fail("requires int8 of what it keeps float");
  if (keepsFloat && rule.bits)
    field.fail("sets the bits of what it keeps float");
  return rule;
}

/// The last component, for reasons.
static std::string getFileName(const std::string &path) {
  return path.substr(path.find_last_of('/') + 1);
}

static std::vector<Rule> readRoot(const std::string &text,
                                  const std::string &path) {
  JsonLimits limits;
  limits.maxBytes = kMaxRulesBytes;
  limits.maxDepth = 6;
  limits.maxValues = 1 << 20;
  Json json = parseJson(text.data(), text.size(), limits);
  constexpr int64_t kSchema = 1;
  JsonObject root(JsonField(json, ""));
  JsonField schema = root.take("schema");
  int64_t version = schema.asInteger(0, INT64_MAX);
  if (version != kSchema)
    schema.fail("is " + std::to_string(version) + "; this version reads " +
                std::to_string(kSchema));
  JsonField list = root.take("rules");
  if (list.size() > kMaxRules)
    list.fail("has " + std::to_string(list.size()) +
              " items; expected at most " + std::to_string(kMaxRules));
  root.finish();
  std::vector<Rule> rules;
  for (size_t i = 0; i < list.size(); ++i) {
    std::string number = "rule " + std::to_string(i + 1);
    rules.push_back(readRule(JsonField(list.value[i], number)));
    rules.back().origin = number + " of " + getFileName(path);
  }
  return rules;
}

bool mlir::qopt::parseRules(const std::string &text, const std::string &path,
                            std::vector<Rule> &rules, std::string &error) {
  return reportErrors(path, error, [&] { rules = readRoot(text, path); });
}

bool mlir::qopt::readRules(const std::string &path, std::vector<Rule> &rules,
                           std::string &error) {
  std::string text;
  return readText(path, kMaxRulesBytes, text, error) &&
         parseRules(text, path, rules, error);
}
