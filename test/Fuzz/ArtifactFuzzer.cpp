//===- ArtifactFuzzer.cpp - Arbitrary bytes as .qopt files ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An entry point for libFuzzer (clang++ -fsanitize=fuzzer,address,undefined),
// also called by the unit tests with mutated files: reads the input and checks
// what Artifact.h promises of what was read.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Artifact/Artifact.h"

#include <cstdio>
#include <cstdlib>

using namespace mlir::qopt::artifact;

static void require(bool condition, const char *what) {
  if (condition)
    return;
  fprintf(stderr, "promise broken: %s\n", what);
  abort();
}

/// Everything a runtime would look at, at the smallest and the largest batch.
static void useLaunch(const Artifact &artifact, const Plan &plan,
                      const Launch &launch, int64_t batch) {
  for (const Extent &extent : launch.grid)
    require(evaluate(extent, batch) >= 1, "grids are positive");
  for (const Argument &argument : launch.arguments) {
    const BufferRef &buffer = argument.buffer;
    if (argument.kind != Argument::Kind::Buffer) {
      require(evaluate(argument.scalar, batch) >= 0, "scalars do not overflow");
      continue;
    }
    uint64_t available = plan.arenaBytes;
    if (buffer.kind == BufferRef::Kind::Workspace)
      available = plan.workspaceBytes;
    if (buffer.kind == BufferRef::Kind::Status)
      available = mlir::qopt::artifact::statusBytes(plan);
    if (buffer.kind == BufferRef::Kind::Input)
      available = byteSize(artifact.inputs.at(buffer.index).dtype,
                           artifact.inputs.at(buffer.index).dims);
    if (buffer.kind == BufferRef::Kind::Output)
      available = byteSize(artifact.outputs.at(buffer.index).dtype,
                           artifact.outputs.at(buffer.index).dims);
    if (buffer.kind == BufferRef::Kind::Constant) {
      const PackedConstant &packed = plan.packed.at(buffer.index);
      available =
          byteSize(artifact.constants.at(packed.constant).dtype, packed.dims);
    }
    require(buffer.offset <= available &&
                buffer.size <= available - buffer.offset,
            "arguments lie in their buffers");
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string error = "unset";
  std::unique_ptr<Artifact> artifact = readMemory(data, size, "input", error);
  require(bool(artifact) == error.empty(), "a failure has a message");
  require(error.find('\n') == std::string::npos, "messages are one line");
  if (!artifact)
    return 0;
  require(validate(*artifact).empty(), "what was read is valid");
  unsigned sum = 0;
  for (const Constant &constant : artifact->constants)
    for (uint64_t i = 0; i < constant.size; ++i)
      sum += constant.data[i];
  for (const Plan &plan : artifact->plans)
    for (const Launch &launch : plan.launches) {
      useLaunch(*artifact, plan, launch,
                artifact->anyBatch ? 1 : artifact->batch);
      useLaunch(*artifact, plan, launch, artifact->batch);
    }
  return sum == 1 ? 0 : 0; // Keeps the sum from being optimized away.
}
