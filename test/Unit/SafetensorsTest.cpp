//===- SafetensorsTest.cpp - Damaged and hostile .safetensors files -------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Artifact/Safetensors.h"
#include "ArtifactTestFiles.h"

using namespace artifacttest;
using namespace npztest;
using namespace mlir::qopt::artifact;
using namespace samples;

namespace {

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

std::string tensorsError(const std::string &file) {
  std::vector<Constant> tensors;
  return readSafetensors(file.data(), file.size(), tensors);
}

TEST(SafetensorsMalformed, Headers) {
  EXPECT_EQ(tensorsError("1234567"), "has only 7 bytes");
  EXPECT_EQ(tensorsError(std::string(8, '\xff')),
            "has a header of 18446744073709551615 bytes; expected at most 0");
  EXPECT_EQ(tensorsError(littleEndian(3, 8) + "{}"),
            "has a header of 3 bytes; expected at most 2");
  EXPECT_EQ(tensorsError(safetensors("[]", "")),
            "has a header that is no JSON object");
  EXPECT_EQ(tensorsError(safetensors("{", "")), "is no valid JSON at byte 2");
  EXPECT_EQ(tensorsError(safetensors("{\"a\":[[[[0]]]]}", "")),
            "nests deeper than 4 levels of JSON");
  EXPECT_EQ(tensorsError(safetensors("{\"a\":0}", "")),
            "tensor 'a': is not an object");
  EXPECT_EQ(tensorsError(safetensors("{}", "")), "");
  EXPECT_EQ(tensorsError(safetensors("{}   ", "")), "");
  EXPECT_EQ(
      tensorsError(safetensors("{\"__metadata__\":{\"format\":\"pt\"}}", "")),
      "");
  EXPECT_EQ(tensorsError(safetensors("{}", "1")),
            "has 1 bytes that belong to no tensor");
}

/// The error of a file with the tensor `a` of these fields and 8 bytes.
std::string tensorError(const std::string &fields) {
  return tensorsError(safetensors("{\"a\":{" + fields + "}}", "12345678"));
}

TEST(SafetensorsMalformed, Tensors) {
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])"),
            "");
  EXPECT_EQ(tensorError(R"("dtype":"F8","shape":[2],"data_offsets":[0,8])"),
            "tensor 'a'.dtype: is the unknown type 'F8'");
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"),
            "tensor 'a': has 8 bytes; expected 12 for shape 3 of f32");
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[3],"data_offsets":[0,12])"),
            "tensor 'a': ends at byte 12 of 8");
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"),
            "has 4 bytes that belong to no tensor");
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"),
            "tensor 'a': begins at byte 4; expected 0, where the one before it "
            "ends");
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"),
            "tensor 'a'.data_offsets: is no begin and end");
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])"),
            "tensor 'a'.data_offsets: is no begin and end");
  EXPECT_EQ(
      tensorError(
          R"("dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0])"),
      "tensor 'a': has shape 4611686018427387904x4, which is too large");
  EXPECT_EQ(
      tensorError(
          R"("dtype":"I8","shape":[0,9223372036854775807],"data_offsets":[0,0])"),
      "tensor 'a': has shape 0x9223372036854775807, which is too large");
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[2])"),
            "tensor 'a': lacks the key 'data_offsets'");
  EXPECT_EQ(
      tensorError(R"("dtype":"F32","shape":[2],"data_offsets":[0,8],"x":0)"),
      "tensor 'a': has the unknown key 'x'");
}

TEST(SafetensorsMalformed, TensorsTogether) {
  auto errorOf = [](const std::string &first, const std::string &second) {
    auto entry = [](const std::string &range) {
      return R"({"dtype":"I8","shape":[4],"data_offsets":)" + range + "}";
    };
    return tensorsError(
        safetensors("{\"b\":" + entry(first) + ",\"a\":" + entry(second) + "}",
                    "12345678"));
  };
  EXPECT_EQ(errorOf("[0,4]", "[4,8]"), "");
  EXPECT_EQ(errorOf("[4,8]", "[0,4]"), "");
  EXPECT_EQ(errorOf("[0,4]", "[3,7]"),
            "tensor 'a': begins at byte 3; expected 4, where the one before it "
            "ends");
  EXPECT_EQ(errorOf("[0,4]", "[0,4]"),
            "tensor 'b': begins at byte 0; expected 4, where the one before it "
            "ends");
  EXPECT_EQ(tensorsError(safetensors("{\"a\":{},\"a\":{}}", "")),
            "has the key 'a' twice in one object");
}

TEST(SafetensorsMalformed, WeightsThatDoNotGoWithTheManifest) {
  const std::string w = "weights.safetensors: ";
  Parts parts = goodParts();
  parts.weights = safetensors("{}", "");
  EXPECT_EQ(readError(parts.file()),
            w + "lacks constant 'w', or it is listed twice");
  EXPECT_EQ(manifestError("[\"w\"]", "[]"),
            w + "tensor 'w' is not in the manifest");
  EXPECT_EQ(manifestError("[\"w\"]", "[\"w\",\"w\"]"),
            w + "lacks constant 'w', or it is listed twice");
  parts.weights = "damaged";
  EXPECT_EQ(readError(parts.file()), w + "has only 7 bytes");
}

TEST(SafetensorsMalformed, WhatIsNotWritten) {
  Artifact artifact;
  addConstant<float>(artifact, "__metadata__", QOPT_F32, {1}, {1});
  std::string error;
  EXPECT_EQ(formatSafetensorsHeader(artifact.constants, {0}, error), "");
  EXPECT_EQ(error, "tensor '__metadata__' needs a name of its own, in UTF-8");
  artifact.constants[0].name = "\xff";
  EXPECT_EQ(formatSafetensorsHeader(artifact.constants, {0}, error), "");
  artifact.constants[0].name = "a";
  EXPECT_NE(formatSafetensorsHeader(artifact.constants, {0}, error), "");
  EXPECT_EQ(formatSafetensorsHeader(artifact.constants, {0, 0}, error), "");
  artifact.constants[0].size = 5;
  EXPECT_EQ(formatSafetensorsHeader(artifact.constants, {0}, error), "");
  EXPECT_EQ(error, "tensor 'a' has a size that does not go with its shape");
}

} // namespace
