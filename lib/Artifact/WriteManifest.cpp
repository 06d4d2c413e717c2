//===- WriteManifest.cpp - An artifact as manifest.json -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One launch per line, so that the file can be read and compared by people.
//
//===----------------------------------------------------------------------===//
#include "Json.h"
#include "Manifest.h"

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

std::string artifact::kernelMember(const Plan &plan, const char *suffix) {
  return "kernels/" + plan.chip + suffix;
}

/// A number where the extent is the same for every batch.
static OrderedJson toJson(const Extent &extent) {
  if (extent.scale == 0 && extent.divisor == 1 && extent.factor == 1)
    return extent.offset;
  return {extent.scale, extent.offset, extent.divisor, extent.factor};
}

static OrderedJson toJson(const std::vector<TensorSpec> &specs) {
  OrderedJson list = OrderedJson::array();
  for (const TensorSpec &spec : specs) {
    OrderedJson item;
    item["name"] = spec.name;
    item["dtype"] = dtypeName(spec.dtype);
    item["shape"] = spec.dims;
    list.push_back(std::move(item));
  }
  return list;
}

static OrderedJson toJson(const Argument &argument) {
  if (argument.kind == Argument::Kind::Int32)
    return {{"i32", toJson(argument.scalar)}};
  if (argument.kind == Argument::Kind::Int64)
    return {{"i64", toJson(argument.scalar)}};
  const BufferRef &buffer = argument.buffer;
  OrderedJson item;
  item["buffer"] = kBufferNames[size_t(buffer.kind)];
  item["index"] = buffer.index;
  item["offset"] = buffer.offset;
  item["size"] = buffer.size;
  return item;
}

static OrderedJson toJson(const Launch &launch) {
  OrderedJson item, arguments = OrderedJson::array();
  item["kernel"] = launch.kernel;
  item["name"] = launch.name;
  for (const Extent &extent : launch.grid)
    item["grid"].push_back(toJson(extent));
  item["block"] = launch.block;
  item["shared_bytes"] = launch.sharedBytes;
  for (const Argument &argument : launch.arguments)
    arguments.push_back(toJson(argument));
  item["arguments"] = std::move(arguments);
  if (!launch.checks.empty()) {
    item["checks"] = launch.checks;
    item["points_per_sample"] = launch.pointsPerSample;
  }
  return item;
}

static OrderedJson toJson(const PackedConstant &packed) {
  OrderedJson item;
  item["constant"] = packed.constant;
  item["permutation"] = packed.permutation;
  item["shape"] = packed.dims;
  return item;
}

static OrderedJson toJson(const MemberInfo &member) {
  OrderedJson item;
  item["name"] = member.name;
  item["size"] = member.size;
  item["sha256"] = member.sha256;
  return item;
}

/// A list with one line for each item.
template <typename Items> static std::string writeList(const Items &items) {
  std::string text;
  for (const auto &item : items)
    text += (text.empty() ? "[\n" : ",\n") + dumpJson(toJson(item));
  return text.empty() ? "[]" : text + "\n]";
}

static std::string writePlan(const Plan &plan) {
  return "{\"chip\":" + dumpJson(plan.chip) +
         ",\"arena_bytes\":" + std::to_string(plan.arenaBytes) +
         ",\"workspace_bytes\":" + std::to_string(plan.workspaceBytes) +
         ",\n\"packed\":" + writeList(plan.packed) +
         ",\n\"launches\":" + writeList(plan.launches) + "}";
}

std::string artifact::writeManifest(const Artifact &artifact,
                                    const std::vector<MemberInfo> &members) {
  OrderedJson model, constants = OrderedJson::array();
  model["name"] = artifact.modelName;
  model["batch"] = artifact.batch;
  model["any_batch"] = artifact.anyBatch;
  model["fixed_batch_reason"] = artifact.fixedBatchReason;
  model["inputs"] = toJson(artifact.inputs);
  model["outputs"] = toJson(artifact.outputs);
  for (const Constant &constant : artifact.constants)
    constants.push_back(constant.name);
  std::string plans;
  for (const Plan &plan : artifact.plans)
    plans += (plans.empty() ? "[\n" : ",\n") + writePlan(plan);
  return "{\"schema\":" + std::to_string(kSchemaVersion) +
         ",\n\"producer\":" + dumpJson(artifact.producer) +
         ",\n\"model\":" + dumpJson(model) +
         ",\n\"constants\":" + dumpJson(constants) +
         ",\n\"plans\":" + (plans.empty() ? "[]" : plans + "\n]") +
         ",\n\"members\":" + writeList(members) + "}\n";
}
