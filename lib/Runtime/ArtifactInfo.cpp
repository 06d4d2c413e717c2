//===- ArtifactInfo.cpp - An artifact described as JSON -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Models.h"

#include <nlohmann/json.hpp>
#include <sys/stat.h>

using namespace mlir::qopt;
using namespace mlir::qopt::runtime;
using namespace mlir::qopt::artifact;

using Json = nlohmann::ordered_json;

static Json toJson(const std::vector<TensorSpec> &specs) {
  Json list = Json::array();
  for (const TensorSpec &spec : specs)
    list.push_back({{"name", spec.name},
                    {"dtype", qopt_dtype_name(spec.dtype)},
                    {"shape", spec.dims},
                    {"bytes", byteSize(spec.dtype, spec.dims)}});
  return list;
}

static Json toJson(const Plan &plan, const Artifact &artifact) {
  uint64_t constantBytes = 0;
  for (const PackedConstant &packed : plan.packed)
    constantBytes +=
        byteSize(artifact.constants[packed.constant].dtype, packed.dims);
  Json launches = Json::array();
  for (const Launch &launch : plan.launches) {
    Json grid = Json::array();
    for (const Extent &extent : launch.grid)
      grid.push_back(evaluate(extent, artifact.batch));
    launches.push_back({{"kernel", launch.kernel},
                        {"name", launch.name},
                        {"grid", std::move(grid)},
                        {"block", launch.block},
                        {"shared_bytes", launch.sharedBytes}});
  }
  return {{"target", plan.chip},
          {"cubin_bytes", plan.cubin.size()},
          {"ptx_bytes", plan.ptx.size()},
          {"arena_bytes", plan.arenaBytes},
          {"workspace_bytes", plan.workspaceBytes},
          {"constant_bytes", constantBytes},
          {"launches", std::move(launches)}};
}

std::string runtime::describeArtifact(const std::string &path) {
  std::string error;
  std::unique_ptr<Artifact> artifact = read(path, error);
  if (!artifact)
    throw Error(QOPT_INVALID_MODEL, error);
  struct stat status = {};
  stat(path.c_str(), &status);
  uint64_t constantBytes = 0;
  for (const Constant &constant : artifact->constants)
    constantBytes += constant.size;
  Json plans = Json::array(), members = Json::array();
  for (const Plan &plan : artifact->plans)
    plans.push_back(toJson(plan, *artifact));
  for (const MemberInfo &member : artifact->members)
    members.push_back({{"name", member.name},
                       {"bytes", member.size},
                       {"sha256", member.sha256}});
  Json json = {
      {"schema", kSchemaVersion},
      {"producer", artifact->producer},
      {"name", artifact->modelName},
      {"batch", artifact->batch},
      {"any_batch", artifact->anyBatch},
      {"fixed_batch_reason", artifact->fixedBatchReason},
      {"inputs", toJson(artifact->inputs)},
      {"outputs", toJson(artifact->outputs)},
      {"constants",
       {{"count", artifact->constants.size()}, {"bytes", constantBytes}}},
      {"plans", std::move(plans)},
      {"members", std::move(members)},
      {"file_bytes", uint64_t(status.st_size)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}
