//===- Json.cpp - Untrusted JSON, read strictly ---------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Json.h"

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

namespace {
/// Builds the value; every limit is checked before what it limits is added.
class Builder : public nlohmann::json_sax<Json> {
public:
  Builder(const JsonLimits &limits, Json &root) : limits(limits), root(root) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t &) override {
    return add(value);
  }
  bool string(string_t &value) override { return add(std::move(value)); }
  bool binary(binary_t &) override { return false; } // Not of texts.
  bool start_object(size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool key(string_t &name) override {
    countValue();
    auto [member, isNew] = opened.back()->emplace(name, nullptr);
    if (!isNew)
      throw FormatError("has the key " + quote(name) + " twice in one object");
    pending = &*member;
    return true;
  }
  bool parse_error(size_t position, const std::string &,
                   const Json::exception &) override {
    throw FormatError("is no valid JSON at byte " + std::to_string(position));
  }

private:
  void countValue() {
    if (++values > limits.maxValues)
      throw FormatError("has more than " + std::to_string(limits.maxValues) +
                        " values of JSON");
  }
  /// Puts a value where the next one belongs.
  Json &place(Json value) {
    countValue();
    if (opened.empty())
      return root = std::move(value);
    if (opened.back()->is_array()) {
      opened.back()->push_back(std::move(value));
      return opened.back()->back();
    }
    return *pending = std::move(value);
  }
  template <typename T> bool add(T &&value) {
    place(Json(std::forward<T>(value)));
    return true;
  }
  bool open(Json value) {
    if (opened.size() == limits.maxDepth)
      throw FormatError("nests deeper than " + std::to_string(limits.maxDepth) +
                        " levels of JSON");
    // Stays where it is while it is open: only its own members are added.
    opened.push_back(&place(std::move(value)));
    return true;
  }
  bool close() {
    opened.pop_back();
    return true;
  }

  const JsonLimits &limits;
  Json &root;
  uint64_t values = 0;
  /// Objects and arrays that have begun and not ended.
  std::vector<Json *> opened;
  /// The member that the last key has made.
  Json *pending = nullptr;
};
} // namespace

Json artifact::parseJson(const char *text, uint64_t size,
                         const JsonLimits &limits) {
  if (size > limits.maxBytes)
    throw FormatError("has " + std::to_string(size) +
                      " bytes of JSON; expected at most " +
                      std::to_string(limits.maxBytes));
  Json root;
  Builder builder(limits, root);
  Json::sax_parse(text, text + size, &builder);
  return root;
}

std::string artifact::dumpJson(const OrderedJson &value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

bool JsonField::asBool() const {
  if (!value.is_boolean())
    fail("is not true or false");
  return value.get<bool>();
}

int64_t JsonField::asInteger(int64_t min, int64_t max) const {
  bool fits = value.is_number_integer() &&
              (!value.is_number_unsigned() ||
               value.get<uint64_t>() <= uint64_t(INT64_MAX));
  int64_t number = fits ? value.get<int64_t>() : 0;
  if (!fits || number < min || number > max)
    fail("is not an integer from " + std::to_string(min) + " to " +
         std::to_string(max));
  return number;
}

std::string JsonField::asString() const {
  if (!value.is_string())
    fail("is not a string");
  return value.get<std::string>();
}

size_t JsonField::size() const {
  if (!value.is_array())
    fail("is not an array");
  return value.size();
}

JsonField JsonField::operator[](size_t index) const {
  return JsonField(value[index], path + "[" + std::to_string(index) + "]");
}

std::vector<int64_t> JsonField::asIntegers(int64_t min, int64_t max) const {
  std::vector<int64_t> numbers(size());
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = (*this)[i].asInteger(min, max);
  return numbers;
}

JsonObject::JsonObject(const JsonField &field) : field(field) {
  if (!field.value.is_object())
    field.fail("is not an object");
}

JsonField JsonObject::take(const char *key) {
  auto found = field.value.find(key);
  if (found == field.value.end())
    field.fail(std::string("lacks the key '") + key + "'");
  taken.insert(key);
  return JsonField(*found, field.path.empty() ? key : field.path + "." + key);
}

void JsonObject::finish() const {
  for (const auto &item : field.value.items())
    if (!taken.count(item.key()))
      field.fail("has the unknown key " + quote(item.key()));
}
