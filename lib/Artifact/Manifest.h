//===- Manifest.h - manifest.json as text -----------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both directions between an Artifact, less its bulk data, and the manifest.
// The keys are documented in docs/Artifact.md.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_ARTIFACT_MANIFEST_H
#define QUANTOPT_LIB_ARTIFACT_MANIFEST_H

#include "Format.h"

namespace mlir::qopt::artifact {

constexpr char kManifestName[] = "manifest.json";
constexpr char kWeightsName[] = "weights.safetensors";
constexpr char kModelName[] = "model.mlir";

/// "kernels/sm_80.cubin".
std::string kernelMember(const Plan &plan, const char *suffix);

/// The manifest of the artifact with these members.
std::string writeManifest(const Artifact &artifact,
                          const std::vector<MemberInfo> &members);

/// Reads what writeManifest wrote. Constants have their names only; which
/// members there are is left in `artifact.members`. Throws FormatError.
void readManifest(const char *text, uint64_t size, Artifact &artifact);

/// Names of buffers in arguments, in the order of BufferRef::Kind.
constexpr const char *kBufferNames[] = {"input",    "output",    "arena",
                                        "constant", "workspace", "status"};

} // namespace mlir::qopt::artifact

#endif // QUANTOPT_LIB_ARTIFACT_MANIFEST_H
