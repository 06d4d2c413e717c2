//===- RuntimeTest.cpp - The C runtime's own checks -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the runtime answers before any device is loaded.
//
//===----------------------------------------------------------------------===//
#include "ArtifactSamples.h"
#include "NpzTestFiles.h"
#include "QuantOpt/Runtime/quant_opt_runtime.h"

#include <gtest/gtest.h>

#include <thread>

using namespace npztest;

namespace {

/// The message of a failing open, after its status.
std::string openError(const char *path, const char *device = nullptr,
                      int32_t kernels = QOPT_KERNELS_AUTO) {
  qopt_session_options options = {};
  options.struct_size = sizeof(options);
  options.device = device;
  options.kernels = kernels;
  qopt_session *session = reinterpret_cast<qopt_session *>(&options);
  qopt_status status = qopt_session_open(path, &options, &session);
  EXPECT_NE(status, QOPT_OK);
  EXPECT_EQ(session, nullptr);
  return std::string(qopt_status_name(status)) + ": " + qopt_last_error();
}

TEST(Runtime, DevicesAndFilesThatDoNotGoTogether) {
  TemporaryFolder folder;
  std::string path = folder.path("m.mlir");
  writeFile(path, "module {}");
  for (const char *device : {"cuda", "emulator"})
    EXPECT_EQ(openError(path.c_str(), device),
              "unsupported: '" + path +
                  "' is MLIR text, which runs on the device 'cpu' only; device "
                  "'" +
                  device + "' takes an artifact: quant-opt --emit=qopt");
  EXPECT_EQ(openError("m.mlir", "tpu"),
            "invalid argument: unknown device 'tpu'; expected 'cuda', 'cpu' or "
            "'emulator'");
  EXPECT_EQ(openError("m.mlir", "cpu", 7),
            "invalid argument: qopt_session_open: unknown value of 'kernels'");
}

TEST(Runtime, FilesThatAreNoModel) {
  TemporaryFolder folder;
  std::string path = folder.path("m.qopt");
  EXPECT_EQ(openError(path.c_str()), "invalid model: cannot read '" + path +
                                         "': No such file or directory");
  writeFile(path, zip({{"manifest.json", "{}"}}));
  EXPECT_EQ(openError(path.c_str()), "invalid model: '" + path +
                                         "': manifest.json: lacks the key "
                                         "'schema'");
  writeFile(path, zip({{"x.npy", npy("|u1", "(1,)", "a")}}));
  EXPECT_EQ(openError(path.c_str()), "invalid model: '" + path +
                                         "': is no artifact: it has no "
                                         "manifest.json");
  writeFile(path, "");
  EXPECT_EQ(openError(path.c_str()), "invalid model: '" + path + "' is empty");
  EXPECT_EQ(openError("/"), "invalid model: '/' is a folder");
}

TEST(Runtime, ArtifactsAreDescribed) {
  TemporaryFolder folder;
  std::string path = folder.path("m.qopt");
  ASSERT_EQ(mlir::qopt::artifact::write(samples::richArtifact(), path), "");
  char *json = nullptr;
  ASSERT_EQ(qopt_artifact_info(path.c_str(), &json), QOPT_OK)
      << qopt_last_error();
  std::string text = json;
  qopt_free(json);
  for (const char *part :
       {"{\"schema\":1,\"producer\":\"a test\",\"name\":\"r\xc3\xa4ich "
        "\\\"model\\\"\",\"batch\":4,\"any_batch\":true,",
        "\"inputs\":[{\"name\":\"x\",\"dtype\":\"f32\",\"shape\":[4,3],"
        "\"bytes\":48},",
        "\"constants\":{\"count\":12,\"bytes\":112}",
        "{\"target\":\"sm_90a\",\"cubin_bytes\":10,",
        "\"arena_bytes\":336,\"workspace_bytes\":16,\"constant_bytes\":160,",
        "{\"kernel\":\"toy_gemm\",\"name\":\"fc/"
        "matmul\",\"grid\":[1,1,1],\"block\":[128,1,1],"
        "\"shared_bytes\":1024}",
        "\"members\":[{\"name\":\"weights.safetensors\","})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_EQ(qopt_artifact_info("/nonexistent", &json), QOPT_INVALID_MODEL);
  EXPECT_EQ(json, nullptr);
  EXPECT_EQ(qopt_artifact_info(nullptr, &json), QOPT_INVALID_ARGUMENT);
  qopt_free(nullptr);
}

TEST(Runtime, NullPointers) {
  qopt_session *session;
  qopt_tensor_info info;
  size_t bytes;
  EXPECT_EQ(openError(nullptr),
            "invalid argument: qopt_session_open: null pointer");
  EXPECT_EQ(qopt_session_open("m", nullptr, nullptr), QOPT_INVALID_ARGUMENT);
  EXPECT_EQ(qopt_session_open("/nonexistent", nullptr, &session),
            QOPT_INVALID_MODEL);
  EXPECT_EQ(qopt_session_input_info(nullptr, 0, &info), QOPT_INVALID_ARGUMENT);
  EXPECT_EQ(qopt_session_output_info(nullptr, 0, &info), QOPT_INVALID_ARGUMENT);
  EXPECT_EQ(qopt_session_run(nullptr, nullptr, nullptr), QOPT_INVALID_ARGUMENT);
  double milliseconds;
  EXPECT_EQ(qopt_session_run_batch(nullptr, 1, nullptr, nullptr),
            QOPT_INVALID_ARGUMENT);
  EXPECT_EQ(qopt_session_run_device(nullptr, 1, nullptr, nullptr),
            QOPT_INVALID_ARGUMENT);
  EXPECT_EQ(qopt_session_synchronize(nullptr), QOPT_INVALID_ARGUMENT);
  EXPECT_EQ(qopt_session_elapsed_ms(nullptr, &milliseconds),
            QOPT_INVALID_ARGUMENT);
  EXPECT_EQ(qopt_session_batch(nullptr), 0);
  EXPECT_EQ(qopt_session_any_batch(nullptr), 0);
  EXPECT_STREQ(qopt_session_description(nullptr), "");
  EXPECT_EQ(qopt_session_num_inputs(nullptr), 0u);
  EXPECT_EQ(qopt_session_num_outputs(nullptr), 0u);
  EXPECT_STREQ(qopt_session_device(nullptr), "");
  EXPECT_EQ(qopt_tensor_num_bytes(nullptr, &bytes), QOPT_INVALID_ARGUMENT);
  qopt_session_close(nullptr);
}

TEST(Runtime, OptionsOfAnEarlierCaller) {
  // Fields beyond the caller's size are not read.
  qopt_session_options options = {};
  options.struct_size = offsetof(qopt_session_options, device);
  options.device = "no such device";
  qopt_session *session;
  EXPECT_EQ(qopt_session_open("/nonexistent", &options, &session),
            QOPT_INVALID_MODEL);
}

TEST(Runtime, TypesAndSizes) {
  const std::pair<const char *, size_t> expected[] = {
      {"f32", 4}, {"f64", 8}, {"f16", 2}, {"bf16", 2}, {"i8", 1},
      {"u8", 1},  {"i16", 2}, {"i32", 4}, {"i64", 8},  {"i1", 1}};
  int64_t dims[] = {3, 5};
  for (int i = 0; i < 10; ++i) {
    qopt_dtype dtype = qopt_dtype(i);
    EXPECT_STREQ(qopt_dtype_name(dtype), expected[i].first);
    EXPECT_EQ(qopt_dtype_size(dtype), expected[i].second);
    qopt_tensor_info info = {"x", dtype, 2, dims};
    size_t bytes = 0;
    EXPECT_EQ(qopt_tensor_num_bytes(&info, &bytes), QOPT_OK);
    EXPECT_EQ(bytes, 15 * expected[i].second);
  }
  size_t bytes = 0;
  qopt_tensor_info info = {"x", QOPT_F32, 0, nullptr};
  EXPECT_EQ(qopt_tensor_num_bytes(&info, &bytes), QOPT_OK);
  EXPECT_EQ(bytes, 4u);
  int64_t empty[] = {0, INT64_MAX / 4};
  info = {"x", QOPT_I8, 2, empty};
  EXPECT_EQ(qopt_tensor_num_bytes(&info, &bytes), QOPT_OK);
  EXPECT_EQ(bytes, 0u);
  int64_t negative[] = {-1}, large[] = {INT64_MAX, 3}, half[] = {INT64_MAX / 2};
  for (qopt_tensor_info bad : {qopt_tensor_info{"x", QOPT_I8, 1, negative},
                               qopt_tensor_info{"x", QOPT_I8, 2, large},
                               qopt_tensor_info{"x", QOPT_I32, 1, half},
                               qopt_tensor_info{"x", QOPT_I8, 1, nullptr},
                               qopt_tensor_info{"x", QOPT_I8, -1, large}})
    EXPECT_EQ(qopt_tensor_num_bytes(&bad, &bytes), QOPT_INVALID_ARGUMENT);
}

TEST(Runtime, EachThreadHasItsOwnError) {
  openError("m.mlir", "gpu");
  std::string before = "unset";
  std::thread([&] {
    before = qopt_last_error();
    openError("m.mlir", "tpu");
  }).join();
  EXPECT_EQ(before, "");
  EXPECT_NE(std::string(qopt_last_error()).find("'gpu'"), std::string::npos);
}

} // namespace
