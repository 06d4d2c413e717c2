//===- ArtifactInfo.h - What is in an artifact ------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// --info of a .qopt file. It needs no device: the runtime reads and checks the
// file and describes it as JSON.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_RUN_ARTIFACTINFO_H
#define QUANTOPT_TOOLS_QUANT_RUN_ARTIFACTINFO_H

#include <string>

namespace mlir::qopt::run {

/// The runtime's description, see qopt_artifact_info.
bool describeArtifact(const std::string &file, std::string &json,
                      std::string &error);

/// Prints a description to stdout as tables.
void printArtifact(const std::string &file, const std::string &json);

} // namespace mlir::qopt::run

#endif // QUANTOPT_TOOLS_QUANT_RUN_ARTIFACTINFO_H
