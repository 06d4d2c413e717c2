//===- SessionTest.h - Tests of the C interface on artifacts ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_SESSIONTEST_H
#define QUANTOPT_TEST_UNIT_SESSIONTEST_H

#include "ArtifactSamples.h"
#include "NpzTestFiles.h"
#include "QuantOpt/Runtime/quant_opt_runtime.h"
#include "ToyKernels.h"

#include <gtest/gtest.h>

/// Opens sessions on artifacts in a folder of its own and keeps their notices.
class SessionTest : public testing::Test {
protected:
  ~SessionTest() override { close(); }

  void close() {
    qopt_session_close(session);
    session = nullptr;
  }

  qopt_status open(const samples::Artifact &artifact) {
    path = folder.path("m.qopt");
    EXPECT_EQ(mlir::qopt::artifact::write(artifact, path), "");
    close();
    notices.clear();
    options.struct_size = sizeof(options);
    options.log = [](void *user, const char *message) {
      static_cast<SessionTest *>(user)->notices.push_back(message);
    };
    options.log_user = this;
    return qopt_session_open(path.c_str(), &options, &session);
  }

  /// The message of an open that fails, after its status; without the path.
  std::string openError(const samples::Artifact &artifact) {
    qopt_status status = open(artifact);
    EXPECT_EQ(session, nullptr);
    return status == QOPT_OK ? "" : message(status);
  }

  static std::string message(qopt_status status) {
    return std::string(qopt_status_name(status)) + ": " + qopt_last_error();
  }

  /// Runs `batch` samples and compares.
  void checkRun(int64_t batch, qopt_session *on = nullptr) {
    std::vector<float> x = toys::someNumbers(batch * 3, int(batch));
    std::vector<float> y(batch * 5);
    const void *inputs[] = {x.data()};
    void *outputs[] = {y.data()};
    ASSERT_EQ(qopt_session_run_batch(on ? on : session, batch, inputs, outputs),
              QOPT_OK)
        << qopt_last_error();
    EXPECT_EQ(y, toys::expectedGemm(x, batch));
  }

  std::string runError(int64_t batch) {
    std::vector<float> x(100), y(100);
    const void *inputs[] = {x.data()};
    void *outputs[] = {y.data()};
    qopt_status status =
        qopt_session_run_batch(session, batch, inputs, outputs);
    return status == QOPT_OK ? "" : message(status);
  }

  /// Runs on memory of the session, twice, with other inputs.
  void checkDeviceMemory() {
    void *x = nullptr, *y = nullptr;
    ASSERT_EQ(qopt_session_allocate(session, 72, &x), QOPT_OK)
        << qopt_last_error();
    ASSERT_EQ(qopt_session_allocate(session, 120, &y), QOPT_OK);
    const void *inputs[] = {x};
    void *outputs[] = {y};
    for (int seed : {1, 2}) {
      std::vector<float> from = toys::someNumbers(18, seed), to(30);
      ASSERT_EQ(qopt_session_upload(session, x, from.data(), 72), QOPT_OK);
      ASSERT_EQ(qopt_session_run_device(session, 0, inputs, outputs), QOPT_OK)
          << qopt_last_error();
      ASSERT_EQ(qopt_session_download(session, to.data(), y, 120), QOPT_OK);
      EXPECT_EQ(to, toys::expectedGemm(from, 6));
      ASSERT_EQ(qopt_session_run_device(session, 2, inputs, outputs), QOPT_OK);
      ASSERT_EQ(qopt_session_synchronize(session), QOPT_OK);
    }
    EXPECT_EQ(qopt_session_release(session, x), QOPT_OK);
    EXPECT_EQ(qopt_session_release(session, y), QOPT_OK);
    EXPECT_EQ(qopt_session_release(session, nullptr), QOPT_OK);
    EXPECT_EQ(qopt_session_allocate(session, 0, &x), QOPT_INVALID_ARGUMENT);
    EXPECT_EQ(qopt_session_upload(session, nullptr, outputs, 1),
              QOPT_INVALID_ARGUMENT);
    EXPECT_EQ(qopt_session_download(session, outputs, nullptr, 1),
              QOPT_INVALID_ARGUMENT);
  }

  npztest::TemporaryFolder folder;
  std::string path;
  qopt_session_options options = {};
  qopt_session *session = nullptr;
  std::vector<std::string> notices;
};

#endif // QUANTOPT_TEST_UNIT_SESSIONTEST_H
