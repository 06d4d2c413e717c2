//===- ArtifactInfo.cpp - What is in an artifact --------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ArtifactInfo.h"

#include "QuantOpt/Runtime/quant_opt_runtime.h"
#include "Table.h"

#include <nlohmann/json.hpp>
#include <set>

using namespace mlir::qopt;
using namespace mlir::qopt::run;

using Json = nlohmann::ordered_json;

bool mlir::qopt::run::describeArtifact(const std::string &file,
                                       std::string &json, std::string &error) {
  char *text = nullptr;
  if (qopt_artifact_info(file.c_str(), &text) != QOPT_OK) {
    error = qopt_last_error();
    return false;
  }
  json = text;
  qopt_free(text);
  return true;
}

static std::string text(const Json &value) {
  return shown(value.get<std::string>());
}

/// A count or a size.
static std::string number(const Json &value) {
  return std::to_string(value.get<uint64_t>());
}

/// "6x3"; "scalar" without extents.
static std::string extents(const Json &list) {
  std::string joined;
  for (const Json &extent : list)
    joined += (joined.empty() ? "" : "x") + number(extent);
  return joined.empty() ? "scalar" : joined;
}

static void printBatch(const Json &info) {
  std::string batch = number(info["batch"]);
  if (info["any_batch"].get<bool>()) {
    printf("runs 1 to %s samples at a time\n", batch.c_str());
    return;
  }
  std::string reason = text(info["fixed_batch_reason"]);
  printf("runs exactly %s samples at a time%s\n", batch.c_str(),
         reason.empty() ? "" : (", since " + reason).c_str());
}

static void printTensors(const Json &info) {
  Table table;
  for (const char *kind : {"input", "output"})
    for (const Json &tensor : info[std::string(kind) + "s"])
      table.add({kind, text(tensor["name"]), text(tensor["dtype"]),
                 extents(tensor["shape"]), number(tensor["bytes"]) + " bytes"});
  table.print();
}

static void printPlans(const Json &info) {
  Table table;
  table.add({"target", "launches", "kernels", "cubin", "PTX", "arena",
             "workspace", "weights"});
  for (const Json &plan : info["plans"]) {
    std::set<std::string> kernels;
    for (const Json &launch : plan["launches"])
      kernels.insert(launch["kernel"].get<std::string>());
    table.add({text(plan["target"]), std::to_string(plan["launches"].size()),
               std::to_string(kernels.size()), number(plan["cubin_bytes"]),
               number(plan["ptx_bytes"]), number(plan["arena_bytes"]),
               number(plan["workspace_bytes"]),
               number(plan["constant_bytes"])});
  }
  table.print();
}

static void printLaunches(const Json &plan, const std::string &batch) {
  printf("launches for %s, grids of batch %s\n", text(plan["target"]).c_str(),
         batch.c_str());
  Table table;
  table.add({"", "kernel", "grid", "block", "shared", "op"});
  size_t index = 0;
  for (const Json &launch : plan["launches"])
    table.add({std::to_string(index++), text(launch["kernel"]),
               extents(launch["grid"]), extents(launch["block"]),
               number(launch["shared_bytes"]), text(launch["name"])});
  table.print();
}

static void printMembers(const Json &info) {
  Table table;
  table.add({"member", "bytes", "SHA-256"});
  for (const Json &member : info["members"])
    table.add({text(member["name"]), number(member["bytes"]),
               text(member["sha256"])});
  table.print();
}

void mlir::qopt::run::printArtifact(const std::string &file,
                                    const std::string &json) {
  const Json info = Json::parse(json);
  std::string name = text(info["name"]);
  printf("%s%s, made by %s, %s bytes\n", shown(file).c_str(),
         name.empty() ? "" : (": " + name).c_str(),
         text(info["producer"]).c_str(), number(info["file_bytes"]).c_str());
  printBatch(info);
  printTensors(info);
  printf("%s constants of %s bytes\n",
         number(info["constants"]["count"]).c_str(),
         number(info["constants"]["bytes"]).c_str());
  if (info["plans"].empty())
    printf("no GPU kernels\n");
  else
    printPlans(info);
  for (const Json &plan : info["plans"])
    printLaunches(plan, number(info["batch"]));
  printMembers(info);
  printf("all sizes, bounds and hashes are right\n");
}
