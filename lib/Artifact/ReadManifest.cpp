//===- ReadManifest.cpp - manifest.json as an artifact --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns text into values of the right types. What the values mean together is
// validate()'s to check.
//
//===----------------------------------------------------------------------===//
#include "Json.h"
#include "Manifest.h"

#include <iterator>

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

static Extent readExtent(const JsonField &field) {
  Extent extent;
  if (field.isInteger()) {
    extent.offset = field.asInteger(0, INT64_MAX);
    return extent;
  }
  if (field.size() != 4)
    field.fail("is neither a number nor [scale, offset, divisor, factor]");
  extent.scale = field[0].asInteger(0, INT64_MAX);
  extent.offset = field[1].asInteger(0, INT64_MAX);
  extent.divisor = field[2].asInteger(1, INT64_MAX);
  extent.factor = field[3].asInteger(1, INT64_MAX);
  return extent;
}

static qopt_dtype readDType(const JsonField &field) {
  qopt_dtype dtype;
  std::string name = field.asString();
  if (!parseDType(name, dtype))
    field.fail("is the unknown type " + quote(name));
  return dtype;
}

static std::vector<TensorSpec> readSpecs(const JsonField &field) {
  std::vector<TensorSpec> specs(field.size());
  for (size_t i = 0; i < specs.size(); ++i) {
    JsonObject object(field[i]);
    specs[i].name = object.take("name").asString();
    specs[i].dtype = readDType(object.take("dtype"));
    specs[i].dims = object.take("shape").asIntegers(0, INT64_MAX);
    object.finish();
  }
  return specs;
}

static BufferRef readBuffer(JsonObject &object) {
  BufferRef buffer;
  JsonField kind = object.take("buffer");
  std::string name = kind.asString();
  size_t number = 0;
  while (number < std::size(kBufferNames) && name != kBufferNames[number])
    ++number;
  if (number == std::size(kBufferNames))
    kind.fail("is the unknown buffer " + quote(name));
  buffer.kind = BufferRef::Kind(number);
  buffer.index = uint32_t(object.take("index").asInteger(0, UINT32_MAX));
  buffer.offset = uint64_t(object.take("offset").asInteger(0, INT64_MAX));
  buffer.size = uint64_t(object.take("size").asInteger(0, INT64_MAX));
  return buffer;
}

static Argument readArgument(const JsonField &field) {
  Argument argument;
  JsonObject object(field);
  if (object.has("i32")) {
    argument.kind = Argument::Kind::Int32;
    argument.scalar = readExtent(object.take("i32"));
  } else if (object.has("i64")) {
    argument.kind = Argument::Kind::Int64;
    argument.scalar = readExtent(object.take("i64"));
  } else {
    argument.buffer = readBuffer(object);
  }
  object.finish();
  return argument;
}

static Launch readLaunch(const JsonField &field) {
  Launch launch;
  JsonObject object(field);
  launch.kernel = object.take("kernel").asString();
  launch.name = object.take("name").asString();
  JsonField grid = object.take("grid"), block = object.take("block");
  if (grid.size() != launch.grid.size())
    grid.fail("has not three extents");
  if (block.size() != launch.block.size())
    block.fail("has not three extents");
  for (size_t i = 0; i < launch.grid.size(); ++i) {
    launch.grid[i] = readExtent(grid[i]);
    launch.block[i] = uint32_t(block[i].asInteger(1, UINT32_MAX));
  }
  launch.sharedBytes =
      uint32_t(object.take("shared_bytes").asInteger(0, UINT32_MAX));
  JsonField arguments = object.take("arguments");
  for (size_t i = 0, e = arguments.size(); i < e; ++i)
    launch.arguments.push_back(readArgument(arguments[i]));
  if (object.has("checks")) {
    JsonField checks = object.take("checks");
    if (checks.size() == 0)
      checks.fail("is empty");
    for (size_t i = 0, e = checks.size(); i < e; ++i)
      launch.checks.push_back(checks[i].asString());
    launch.pointsPerSample =
        object.take("points_per_sample").asInteger(0, INT64_MAX);
  }
  object.finish();
  return launch;
}

static PackedConstant readPacked(const JsonField &field) {
  PackedConstant packed;
  JsonObject object(field);
  packed.constant = uint32_t(object.take("constant").asInteger(0, UINT32_MAX));
  for (int64_t dim : object.take("permutation").asIntegers(0, UINT32_MAX))
    packed.permutation.push_back(uint32_t(dim));
  packed.dims = object.take("shape").asIntegers(0, INT64_MAX);
  object.finish();
  return packed;
}

static Plan readPlan(const JsonField &field) {
  Plan plan;
  JsonObject object(field);
  plan.chip = object.take("chip").asString();
  plan.arenaBytes =
      uint64_t(object.take("arena_bytes").asInteger(0, INT64_MAX));
  plan.workspaceBytes =
      uint64_t(object.take("workspace_bytes").asInteger(0, INT64_MAX));
  JsonField packed = object.take("packed"), launches = object.take("launches");
  for (size_t i = 0, e = packed.size(); i < e; ++i)
    plan.packed.push_back(readPacked(packed[i]));
  for (size_t i = 0, e = launches.size(); i < e; ++i)
    plan.launches.push_back(readLaunch(launches[i]));
  object.finish();
  return plan;
}

static void readModel(const JsonField &field, Artifact &artifact) {
  JsonObject object(field);
  artifact.modelName = object.take("name").asString();
  artifact.batch = object.take("batch").asInteger(1, INT64_MAX);
  artifact.anyBatch = object.take("any_batch").asBool();
  artifact.fixedBatchReason = object.take("fixed_batch_reason").asString();
  artifact.inputs = readSpecs(object.take("inputs"));
  artifact.outputs = readSpecs(object.take("outputs"));
  object.finish();
}

static std::vector<MemberInfo> readMembers(const JsonField &field) {
  std::vector<MemberInfo> members(field.size());
  for (size_t i = 0; i < members.size(); ++i) {
    JsonObject object(field[i]);
    members[i].name = object.take("name").asString();
    members[i].size = uint64_t(object.take("size").asInteger(0, INT64_MAX));
    members[i].sha256 = object.take("sha256").asString();
    object.finish();
  }
  return members;
}

void artifact::readManifest(const char *text, uint64_t size,
                            Artifact &artifact) {
  const Json json = parseJson(text, size);
  JsonObject object{JsonField(json, "")};
  // First: in a file of another version nothing else can be relied on.
  JsonField version = object.take("schema");
  int64_t found = version.asInteger(0, INT64_MAX);
  if (found != kSchemaVersion)
    throw FormatError("has schema version " + std::to_string(found) +
                      "; this version reads " + std::to_string(kSchemaVersion));
  artifact.producer = object.take("producer").asString();
  readModel(object.take("model"), artifact);
  JsonField constants = object.take("constants"), plans = object.take("plans");
  artifact.constants.resize(constants.size());
  for (size_t i = 0; i < artifact.constants.size(); ++i)
    artifact.constants[i].name = constants[i].asString();
  for (size_t i = 0, e = plans.size(); i < e; ++i)
    artifact.plans.push_back(readPlan(plans[i]));
  artifact.members = readMembers(object.take("members"));
  object.finish();
}
