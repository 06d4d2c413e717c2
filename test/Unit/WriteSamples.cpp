//===- WriteSamples.cpp - Small artifacts as files ------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// write-samples FOLDER: what artifact_tools.py runs the tools on.
//
//===----------------------------------------------------------------------===//
#include "ArtifactSamples.h"

#include <cstdio>

using namespace samples;

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  auto save = [&](const Artifact &artifact, const char *name) {
    std::string error = mlir::qopt::artifact::write(
        artifact, std::string(argv[1]) + "/" + name);
    if (!error.empty())
      fprintf(stderr, "%s\n", error.c_str());
    return error.empty();
  };
  Artifact gemm = gemmArtifact(6, {"sm_80", "sm_90"});
  Artifact fixed = gemm;
  fixed.anyBatch = false;
  fixed.fixedBatchReason = "'mean' goes over the samples";
  // Another function on the CPU than on the GPU.
  Artifact different = gemm;
  size_t add = different.modelText.find("addf");
  different.modelText.replace(add, 4, "subf");
  return save(gemm, "gemm.qopt") && save(fixed, "fixed.qopt") &&
                 save(different, "different.qopt")
             ? 0
             : 1;
}
