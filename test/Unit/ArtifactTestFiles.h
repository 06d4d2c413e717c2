//===- ArtifactTestFiles.h - .qopt files made byte by byte ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Apart from the writer, so that files can lie in every field.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_ARTIFACTTESTFILES_H
#define QUANTOPT_TEST_UNIT_ARTIFACTTESTFILES_H

#include "../../lib/Artifact/Sha256.h"
#include "ArtifactSamples.h"
#include "NpzTestFiles.h"

#include <gtest/gtest.h>

namespace artifacttest {

inline const uint8_t *bytes(const std::string &text) {
  return reinterpret_cast<const uint8_t *>(text.data());
}

/// What keeps the file from being read, without its name; "" if nothing does.
inline std::string readError(const std::string &file) {
  std::string error;
  const std::string prefix = "'m.qopt': ";
  if (mlir::qopt::artifact::readMemory(file.data(), file.size(), "m.qopt",
                                       error))
    return "";
  EXPECT_EQ(error.substr(0, prefix.size()), prefix) << error;
  return error.substr(std::min(prefix.size(), error.size()));
}

/// The artifact as the writer makes it.
inline std::string fileOf(const samples::Artifact &artifact) {
  npztest::TemporaryFolder folder;
  EXPECT_EQ(mlir::qopt::artifact::write(artifact, folder.path("m.qopt")), "");
  return npztest::readFile(folder.path("m.qopt"));
}

/// The parts of a file, to be put together with npztest::zip.
struct Parts {
  std::string manifest, weights, ptx, model;

  /// The members, with their true sizes and hashes listed in the manifest.
  std::vector<npztest::Member> members() const {
    std::string list;
    auto add = [&](const std::string &name, const std::string &content) {
      list +=
          (list.empty() ? "" : ",") + ("{\"name\":\"" + name) +
          "\",\"size\":" + std::to_string(content.size()) + ",\"sha256\":\"" +
          mlir::qopt::artifact::sha256(content.data(), content.size()) + "\"}";
    };
    add("weights.safetensors", weights);
    add("kernels/sm_80.ptx", ptx);
    add("model.mlir", model);
    return {{"manifest.json", manifest + ",\"members\":[" + list + "]}"},
            {"weights.safetensors", weights},
            {"kernels/sm_80.ptx", ptx},
            {"model.mlir", model}};
  }
  std::string file() const { return npztest::zip(members()); }
};

inline std::string safetensors(const std::string &header,
                               const std::string &data) {
  return npztest::littleEndian(header.size(), 8) + header + data;
}

/// One launch that reads an input and a constant and writes an output.
inline Parts goodParts() {
  return {
      R"({"schema":1,"producer":"p","model":{"name":"m","batch":2,)"
      R"("any_batch":true,"fixed_batch_reason":"","inputs":[{"name":"x",)"
      R"("dtype":"f32","shape":[2,3]}],"outputs":[{"name":"y","dtype":"i8",)"
      R"("shape":[2,1]}]},"constants":["w"],"plans":[{"chip":"sm_80",)"
      R"("arena_bytes":64,"workspace_bytes":0,"packed":[{"constant":0,)"
      R"("permutation":[0],"shape":[4]}],"launches":[{"kernel":"k","name":"n",)"
      R"("grid":[[1,0,1,1],1,1],"block":[32,1,1],"shared_bytes":0,)"
      R"("arguments":[{"buffer":"input","index":0,"offset":0,"size":24},)"
      R"({"buffer":"constant","index":0,"offset":0,"size":8},)"
      R"({"i32":[3,0,1,1]},{"i64":7}]}]}])",
      safetensors(R"({"w":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}})",
                  "12345678"),
      "ptx", "module {}"};
}

inline void replace(std::string &text, const std::string &from,
                    const std::string &to) {
  size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
}

/// The error after replacing a piece of the manifest.
inline std::string manifestError(const std::string &from,
                                 const std::string &to) {
  Parts parts = goodParts();
  replace(parts.manifest, from, to);
  return readError(parts.file());
}

} // namespace artifacttest

#endif // QUANTOPT_TEST_UNIT_ARTIFACTTESTFILES_H
