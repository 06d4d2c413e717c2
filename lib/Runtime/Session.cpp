//===- Session.cpp - Opening and running models ---------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C interface: checks its caller's arguments, sees what kind of file a
// model is, and hands on.
//
//===----------------------------------------------------------------------===//
#include "Models.h"
#include "Status.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sys/stat.h>

using namespace mlir::qopt::runtime;

struct qopt_session {
  std::unique_ptr<OpenModel> model;
  std::string description;
};

[[noreturn]] static void refuse(const std::string &message) {
  throw Error(QOPT_INVALID_ARGUMENT, message);
}

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

/// Whether the file is an artifact rather than text. A pipe can be read only
/// once, by the device.
static bool isArtifact(const char *path) {
  auto fail = [&](const std::string &what) {
    throw Error(QOPT_INVALID_MODEL, what);
  };
  std::string quoted = std::string("'") + path + "'";
  struct stat status;
  if (stat(path, &status) != 0)
    fail("cannot read " + quoted + ": " + strerror(errno));
  if (S_ISDIR(status.st_mode))
    fail(quoted + " is a folder");
  if (!S_ISREG(status.st_mode))
    return false;
  std::unique_ptr<FILE, int (*)(FILE *)> file(fopen(path, "rb"), fclose);
  if (!file)
    fail("cannot read " + quoted + ": " + strerror(errno));
  char magic[4] = {};
  if (fread(magic, 1, sizeof(magic), file.get()) == 0)
    fail(quoted + (ferror(file.get()) ? " cannot be read" : " is empty"));
  return memcmp(magic, "PK\x03\x04", sizeof(magic)) == 0;
}

static SessionOptions convertOptions(const qopt_session_options *given) {
  // A caller of an earlier version knows fewer options.
  qopt_session_options known = {};
  if (given)
    memcpy(&known, given, std::min(given->struct_size, sizeof(known)));
  auto text = [](const char *string) { return string ? string : ""; };
  SessionOptions options;
  options.device = text(known.device);
  options.entry = text(known.entry);
  options.kernels = known.kernels;
  options.deviceOrdinal = known.device_ordinal;
  options.stream = known.stream;
  options.target = text(known.target);
  if (known.log)
    options.log = [log = known.log,
                   user = known.log_user](const std::string &message) {
      log(user, message.c_str());
    };
  else
    options.log = [](const std::string &message) {
      fprintf(stderr, "quant-opt: note: %s\n", message.c_str());
    };
  if (known.device && options.device != "cpu" && options.device != "cuda" &&
      options.device != "emulator")
    refuse("unknown device '" + options.device +
           "'; expected 'cuda', 'cpu' or 'emulator'");
  if (options.kernels != QOPT_KERNELS_AUTO &&
      options.kernels != QOPT_KERNELS_PLAIN)
    refuse("qopt_session_open: unknown value of 'kernels'");
  return options;
}

static std::unique_ptr<OpenModel> openModel(const char *path,
                                            const SessionOptions &options) {
  if (isArtifact(path))
    return openArtifact(path, options);
  if (!options.device.empty() && options.device != "cpu")
    throw Error(QOPT_UNSUPPORTED,
                std::string("'") + path + "' is MLIR text, which runs on the " +
                    "device 'cpu' only; device '" + options.device +
                    "' takes an artifact: quant-opt --emit=qopt");
  return openText(path, options);
}

qopt_status qopt_session_open(const char *path,
                              const qopt_session_options *options,
                              qopt_session **session) {
  if (session)
    *session = nullptr;
  return guard([&] {
    if (!path || !session)
      refuse("qopt_session_open: null pointer");
    SessionOptions converted = convertOptions(options);
    auto opened = std::make_unique<qopt_session>();
    opened->model = openModel(path, converted);
    opened->description = opened->model->description();
    *session = opened.release();
  });
}

void qopt_session_close(qopt_session *session) { delete session; }

qopt_status qopt_artifact_info(const char *path, char **json) {
  if (json)
    *json = nullptr;
  return guard([&] {
    if (!path || !json)
      refuse("qopt_artifact_info: null pointer");
    std::string text = describeArtifact(path);
    *json = static_cast<char *>(malloc(text.size() + 1));
    if (!*json)
      throw std::bad_alloc();
    memcpy(*json, text.c_str(), text.size() + 1);
  });
}

//===----------------------------------------------------------------------===//
// Signature
//===----------------------------------------------------------------------===//

const char *qopt_session_device(const qopt_session *session) {
  return session ? session->model->device() : "";
}

const char *qopt_session_description(const qopt_session *session) {
  return session ? session->description.c_str() : "";
}

int64_t qopt_session_batch(const qopt_session *session) {
  return session ? session->model->batch() : 0;
}

int qopt_session_any_batch(const qopt_session *session) {
  return session && session->model->anyBatch();
}

size_t qopt_session_num_inputs(const qopt_session *session) {
  return session ? session->model->inputs().size() : 0;
}

size_t qopt_session_num_outputs(const qopt_session *session) {
  return session ? session->model->outputs().size() : 0;
}

static void describe(const std::vector<qopt_tensor_info> &infos, size_t index,
                     qopt_tensor_info *info) {
  if (!info || index >= infos.size())
    refuse("no input or output of this index");
  *info = infos[index];
}

qopt_status qopt_session_input_info(const qopt_session *session, size_t index,
                                    qopt_tensor_info *info) {
  return guard([&] {
    if (!session)
      refuse("qopt_session_input_info: no session");
    describe(session->model->inputs(), index, info);
  });
}

qopt_status qopt_session_output_info(const qopt_session *session, size_t index,
                                     qopt_tensor_info *info) {
  return guard([&] {
    if (!session)
      refuse("qopt_session_output_info: no session");
    describe(session->model->outputs(), index, info);
  });
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

/// Every tensor that has elements needs a buffer.
static bool haveBuffers(const std::vector<qopt_tensor_info> &infos,
                        const void *const *buffers) {
  if (!infos.empty() && !buffers)
    return false;
  for (size_t i = 0; i < infos.size(); ++i) {
    size_t bytes;
    if (qopt_tensor_num_bytes(&infos[i], &bytes) != QOPT_OK ||
        (bytes && !buffers[i]))
      return false;
  }
  return true;
}

static void checkRun(const char *function, qopt_session *session,
                     const void *const *inputs, void *const *outputs) {
  if (!session || !haveBuffers(session->model->inputs(), inputs) ||
      !haveBuffers(session->model->outputs(), outputs))
    refuse(std::string(function) + ": null pointer");
}

qopt_status qopt_session_run(qopt_session *session, const void *const *inputs,
                             void *const *outputs) {
  return guard([&] {
    checkRun("qopt_session_run", session, inputs, outputs);
    session->model->run(0, inputs, outputs);
  });
}

qopt_status qopt_session_run_batch(qopt_session *session, int64_t batch,
                                   const void *const *inputs,
                                   void *const *outputs) {
  return guard([&] {
    checkRun("qopt_session_run_batch", session, inputs, outputs);
    session->model->run(batch, inputs, outputs);
  });
}

qopt_status qopt_session_run_device(qopt_session *session, int64_t batch,
                                    const void *const *inputs,
                                    void *const *outputs) {
  return guard([&] {
    checkRun("qopt_session_run_device", session, inputs, outputs);
    session->model->runOnDevice(batch, inputs, outputs);
  });
}

qopt_status qopt_session_check_batch(const qopt_session *session,
                                     int64_t batch) {
  return guard([&] {
    if (!session)
      refuse("qopt_session_check_batch: no session");
    session->model->checkBatch(batch);
  });
}

qopt_status qopt_session_synchronize(qopt_session *session) {
  return guard([&] {
    if (!session)
      refuse("qopt_session_synchronize: no session");
    session->model->synchronize();
  });
}

qopt_status qopt_session_elapsed_ms(qopt_session *session,
                                    double *milliseconds) {
  return guard([&] {
    if (!session || !milliseconds)
      refuse("qopt_session_elapsed_ms: null pointer");
    double elapsed = session->model->elapsedMilliseconds();
    if (elapsed < 0)
      refuse("qopt_session_elapsed_ms: no run was timed");
    *milliseconds = elapsed;
  });
}

//===----------------------------------------------------------------------===//
// Device memory
//===----------------------------------------------------------------------===//

qopt_status qopt_session_allocate(qopt_session *session, size_t bytes,
                                  void **memory) {
  if (memory)
    *memory = nullptr;
  return guard([&] {
    if (!session || !memory || bytes == 0)
      refuse("qopt_session_allocate: null pointer or no bytes");
    *memory = session->model->allocate(bytes);
  });
}

qopt_status qopt_session_release(qopt_session *session, void *memory) {
  return guard([&] {
    if (!session)
      refuse("qopt_session_release: no session");
    if (memory)
      session->model->release(memory);
  });
}

qopt_status qopt_session_upload(qopt_session *session, void *to,
                                const void *from, size_t bytes) {
  return guard([&] {
    if (!session || (bytes && (!to || !from)))
      refuse("qopt_session_upload: null pointer");
    if (bytes)
      session->model->upload(to, from, bytes);
  });
}

qopt_status qopt_session_download(qopt_session *session, void *to,
                                  const void *from, size_t bytes) {
  return guard([&] {
    if (!session || (bytes && (!to || !from)))
      refuse("qopt_session_download: null pointer");
    if (bytes)
      session->model->download(to, from, bytes);
  });
}
