//===- Json.h - Untrusted JSON, read strictly -------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// nlohmann::json behind limits: depth, number of values and duplicate keys are
// checked before each value is added, and fields are taken from objects by name
// and type; what is left over is an error. Everything throws FormatError.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_ARTIFACT_JSON_H
#define QUANTOPT_LIB_ARTIFACT_JSON_H

#include "Format.h"

#include <nlohmann/json.hpp>
#include <set>

namespace mlir::qopt::artifact {

/// What is read; objects are maps, so that many keys cost no more than few.
using Json = nlohmann::json;
/// What is written: keys in the order given.
using OrderedJson = nlohmann::ordered_json;

struct JsonLimits {
  uint64_t maxBytes = uint64_t(1) << 26;
  unsigned maxDepth = 64;
  /// Values, counting each key; bounds what the parsed form takes in memory.
  uint64_t maxValues = uint64_t(1) << 22;
};

/// Parses a text that is one JSON value. Duplicate keys are refused.
Json parseJson(const char *text, uint64_t size, const JsonLimits &limits = {});

/// One line of text for a value, without line breaks; bytes that are not UTF-8
/// are replaced.
std::string dumpJson(const OrderedJson &value);

/// A value with the path that leads to it, for messages: "plans[0].chip".
class JsonField {
public:
  JsonField(const Json &value, std::string path)
      : value(value), path(std::move(path)) {}

  [[noreturn]] void fail(const std::string &what) const {
    throw FormatError(path.empty() ? what : path + ": " + what);
  }

  bool asBool() const;
  /// Within these limits, which the message names.
  int64_t asInteger(int64_t min, int64_t max) const;
  std::string asString() const;
  bool isArray() const { return value.is_array(); }
  bool isInteger() const { return value.is_number_integer(); }
  /// Of an array.
  size_t size() const;
  JsonField operator[](size_t index) const;
  /// An array of integers within the limits.
  std::vector<int64_t> asIntegers(int64_t min, int64_t max) const;

  const Json &value;
  const std::string path;
};

/// The fields of an object. Each is taken at most once; `finish` refuses the
/// ones that were not.
class JsonObject {
public:
  explicit JsonObject(const JsonField &field);

  JsonField take(const char *key);
  bool has(const char *key) const { return field.value.contains(key); }
  void finish() const;

private:
  JsonField field;
  std::set<std::string> taken;
};

} // namespace mlir::qopt::artifact

#endif // QUANTOPT_LIB_ARTIFACT_JSON_H
