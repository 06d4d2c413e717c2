//===- Safetensors.cpp - Tensors as a .safetensors file -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Artifact/Safetensors.h"
#include "Json.h"

#include <algorithm>
#include <numeric>

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

/// A key of the header that is no tensor: text about the file.
static constexpr char kMetadata[] = "__metadata__";
static constexpr uint64_t kLengthSize = 8;

/// In the order of qopt_dtype.
static constexpr const char *kTypeNames[] = {
    "F32", "F64", "F16", "BF16", "I8", "U8", "I16", "I32", "I64", "BOOL"};

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static qopt_dtype readType(const JsonField &field) {
  std::string name = field.asString();
  for (size_t i = 0; i < std::size(kTypeNames); ++i)
    if (name == kTypeNames[i])
      return qopt_dtype(i);
  field.fail("is the unknown type " + quote(name));
}

/// Reads one entry of the header; the tensor's bytes begin at `next`.
static Constant readTensor(const std::string &name, const Json &json,
                           const uint8_t *data, uint64_t dataSize,
                           uint64_t &next) {
  JsonField field(json, "tensor " + quote(name));
  JsonObject object(field);
  Constant tensor;
  tensor.name = name;
  tensor.dtype = readType(object.take("dtype"));
  tensor.dims = object.take("shape").asIntegers(0, INT64_MAX);
  JsonField range = object.take("data_offsets");
  std::vector<int64_t> offsets = range.asIntegers(0, INT64_MAX);
  object.finish();
  if (offsets.size() != 2 || offsets[0] > offsets[1])
    range.fail("is no begin and end");
  uint64_t begin = uint64_t(offsets[0]), end = uint64_t(offsets[1]);
  if (!computeBytes(tensor.dtype, tensor.dims, tensor.size))
    field.fail("has shape " + shapeText(tensor.dims) + ", which is too large");
  if (end - begin != tensor.size)
    field.fail("has " + std::to_string(end - begin) + " bytes; expected " +
               std::to_string(tensor.size) + " for shape " +
               shapeText(tensor.dims) + " of " + dtypeName(tensor.dtype));
  if (end > dataSize)
    field.fail("ends at byte " + std::to_string(end) + " of " +
               std::to_string(dataSize));
  if (begin != next)
    field.fail("begins at byte " + std::to_string(begin) + "; expected " +
               std::to_string(next) + ", where the one before it ends");
  next = end;
  tensor.data = data + begin;
  return tensor;
}

/// Where the tensor says that it begins and ends, or zeros.
static std::pair<uint64_t, uint64_t> getRange(const Json &json) {
  auto range = json.is_object() ? json.find("data_offsets") : json.end();
  if (!json.is_object() || range == json.end() || !range->is_array() ||
      range->size() != 2 || !(*range)[0].is_number_unsigned() ||
      !(*range)[1].is_number_unsigned())
    return {0, 0};
  return {(*range)[0].get<uint64_t>(), (*range)[1].get<uint64_t>()};
}

static std::vector<Constant> readAll(const uint8_t *bytes, uint64_t size) {
  if (size < kLengthSize)
    throw FormatError("has only " + std::to_string(size) + " bytes");
  uint64_t headerSize = 0;
  for (uint64_t i = 0; i < kLengthSize; ++i)
    headerSize |= uint64_t(bytes[i]) << (8 * i);
  uint64_t left = size - kLengthSize;
  if (headerSize > left || headerSize > kMaxSafetensorsHeaderBytes)
    throw FormatError(
        "has a header of " + std::to_string(headerSize) + " bytes; expected " +
        "at most " +
        std::to_string(std::min(left, kMaxSafetensorsHeaderBytes)));
  bytes += kLengthSize;
  JsonLimits limits;
  limits.maxDepth = 4;
  const Json header =
      parseJson(reinterpret_cast<const char *>(bytes), headerSize, limits);
  if (!header.is_object())
    throw FormatError("has a header that is no JSON object");

  // The header need not be in the order of the data.
  std::vector<std::pair<const std::string *, const Json *>> entries;
  for (const auto &[name, entry] : header.get_ref<const Json::object_t &>())
    if (name != kMetadata)
      entries.push_back({&name, &entry});
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto &a, const auto &b) {
                     return getRange(*a.second) < getRange(*b.second);
                   });
  std::vector<Constant> tensors;
  uint64_t next = 0, dataSize = left - headerSize;
  for (auto [name, entry] : entries)
    tensors.push_back(
        readTensor(*name, *entry, bytes + headerSize, dataSize, next));
  if (next != dataSize)
    throw FormatError("has " + std::to_string(dataSize - next) +
                      " bytes that belong to no tensor");
  return tensors;
}

std::string artifact::readSafetensors(const void *data, uint64_t size,
                                      std::vector<Constant> &tensors) {
  return catchErrors(
      [&] { tensors = readAll(static_cast<const uint8_t *>(data), size); });
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::vector<size_t>
artifact::orderByAlignment(const std::vector<Constant> &tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return dtypeSize(tensors[a].dtype) > dtypeSize(tensors[b].dtype);
  });
  return order;
}

static std::string formatHeader(const std::vector<Constant> &tensors,
                                const std::vector<size_t> &order) {
  constexpr uint64_t kAlignment = 64;
  std::string text;
  std::set<std::string> names;
  uint64_t position = 0;
  for (size_t index : order) {
    const Constant &tensor = tensors[index];
    std::string subject = "tensor " + quote(tensor.name) + " ";
    uint64_t bytes;
    if (!isPlainText(tensor.name) || tensor.name == kMetadata ||
        !names.insert(tensor.name).second)
      throw FormatError(subject + "needs a name of its own, in UTF-8");
    if (!dtypeName(tensor.dtype) ||
        !computeBytes(tensor.dtype, tensor.dims, bytes) || bytes != tensor.size)
      throw FormatError(subject + "has a size that does not go with its shape");
    OrderedJson entry;
    entry["dtype"] = kTypeNames[size_t(tensor.dtype)];
    entry["shape"] = tensor.dims;
    entry["data_offsets"] = {position, position + bytes};
    position += bytes;
    text += (text.empty() ? "{" : ",") + dumpJson(tensor.name) + ":" +
            dumpJson(entry);
  }
  text += text.empty() ? "{}" : "}";
  // The format allows spaces behind the header.
  text.append((kAlignment - (kLengthSize + text.size()) % kAlignment) %
                  kAlignment,
              ' ');
  if (text.size() > kMaxSafetensorsHeaderBytes)
    throw FormatError("a header of " + std::to_string(text.size()) +
                      " bytes is too long");
  std::string length;
  for (uint64_t i = 0; i < kLengthSize; ++i)
    length += char(text.size() >> (8 * i));
  return length + text;
}

std::string
artifact::formatSafetensorsHeader(const std::vector<Constant> &tensors,
                                  const std::vector<size_t> &order,
                                  std::string &error) {
  std::string header;
  error = catchErrors([&] { header = formatHeader(tensors, order); });
  return error.empty() ? header : "";
}
