//===- Session.cpp - Opening and running models ---------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A session checks its caller's arguments and hands on to the device. The only
// device so far is the CPU.
//
//===----------------------------------------------------------------------===//
#include "Runtime.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sys/stat.h>
#include <vector>

using namespace mlir::qopt::runtime;

namespace {
/// A device session, closed with this.
class DeviceHandle {
public:
  DeviceHandle(const qopt_cpu_backend *backend, void *handle)
      : backend(backend), handle(handle) {}
  ~DeviceHandle() { backend->close(handle); }
  DeviceHandle(const DeviceHandle &) = delete;
  DeviceHandle &operator=(const DeviceHandle &) = delete;

  const qopt_cpu_backend *const backend;
  void *const handle;
};
} // namespace

struct qopt_session {
  std::unique_ptr<DeviceHandle> device;
  std::vector<qopt_tensor_info> inputs, outputs;
};

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

/// Recognizes what is no MLIR text, for a better message than a parser gives.
static qopt_status checkFile(const char *path) {
  std::string quoted = std::string("'") + path + "'";
  struct stat status;
  if (stat(path, &status) != 0)
    return fail(QOPT_INVALID_MODEL,
                "cannot read " + quoted + ": " + strerror(errno));
  if (S_ISDIR(status.st_mode))
    return fail(QOPT_INVALID_MODEL, quoted + " is a folder");
  if (!S_ISREG(status.st_mode))
    return QOPT_OK; // A pipe can be read only once, by the device.
  std::unique_ptr<FILE, int (*)(FILE *)> file(fopen(path, "rb"), fclose);
  if (!file)
    return fail(QOPT_INVALID_MODEL,
                "cannot read " + quoted + ": " + strerror(errno));
  char magic[4] = {};
  if (fread(magic, 1, sizeof(magic), file.get()) == 0)
    return fail(QOPT_INVALID_MODEL,
                quoted +
                    (ferror(file.get()) ? " cannot be read" : " is empty"));
  if (memcmp(magic, "PK\x03\x04", sizeof(magic)) == 0)
    return fail(QOPT_UNSUPPORTED,
                quoted + " is an archive: .qopt artifacts are not supported by "
                         "this version; expected an .mlir file");
  return QOPT_OK;
}

static qopt_status checkDevice(const char *device) {
  if (strcmp(device, "cpu") == 0)
    return QOPT_OK;
  if (strcmp(device, "cuda") == 0 || strcmp(device, "emulator") == 0)
    return fail(QOPT_UNSUPPORTED, std::string("this build has no device '") +
                                      device + "'; expected 'cpu'");
  return fail(QOPT_INVALID_ARGUMENT,
              std::string("unknown device '") + device + "'; expected 'cpu'");
}

/// Takes over the device's message.
static qopt_status failFromDevice(const qopt_cpu_backend *backend,
                                  qopt_status status, char *message) {
  fail(status, message ? message : qopt_status_name(status));
  backend->free_error(message);
  return status;
}

static qopt_status
describeAll(const char *kind, void *handle, size_t (*count)(void *),
            qopt_status (*describe)(void *, size_t, qopt_tensor_info *),
            std::vector<qopt_tensor_info> &infos) {
  infos.resize(count(handle));
  for (size_t i = 0; i < infos.size(); ++i) {
    size_t bytes;
    std::string tensor = kind + std::to_string(i);
    if (qopt_status status = describe(handle, i, &infos[i]); status != QOPT_OK)
      return fail(status, tensor + " is not described by the device");
    if (qopt_tensor_num_bytes(&infos[i], &bytes) != QOPT_OK)
      return fail(QOPT_UNSUPPORTED, tensor + ": " + qopt_last_error());
  }
  return QOPT_OK;
}

static qopt_status openOnCpu(const char *path,
                             const qopt_session_options &options,
                             std::unique_ptr<qopt_session> &session) {
  const qopt_cpu_backend *backend;
  if (qopt_status status = loadCpuBackend(&backend); status != QOPT_OK)
    return status;
  qopt_cpu_options cpuOptions = {};
  cpuOptions.struct_size = sizeof(cpuOptions);
  cpuOptions.entry = options.entry;
  cpuOptions.kernels = options.kernels;
  session = std::make_unique<qopt_session>();
  void *handle = nullptr;
  char *message = nullptr;
  qopt_status status = backend->open(path, &cpuOptions, &handle, &message);
  if (status != QOPT_OK)
    return failFromDevice(backend, status, message);
  session->device = std::make_unique<DeviceHandle>(backend, handle);
  status = describeAll("input ", handle, backend->num_inputs,
                       backend->input_info, session->inputs);
  if (status == QOPT_OK)
    status = describeAll("output ", handle, backend->num_outputs,
                         backend->output_info, session->outputs);
  return status;
}

qopt_status qopt_session_open(const char *path,
                              const qopt_session_options *options,
                              qopt_session **session) {
  if (session)
    *session = nullptr;
  if (!path || !session)
    return fail(QOPT_INVALID_ARGUMENT, "qopt_session_open: null pointer");
  return guard([&] {
    // A caller of an earlier version knows fewer options.
    qopt_session_options known = {};
    if (options)
      memcpy(&known, options, std::min(options->struct_size, sizeof(known)));
    if (known.kernels != QOPT_KERNELS_AUTO &&
        known.kernels != QOPT_KERNELS_PLAIN)
      return fail(QOPT_INVALID_ARGUMENT,
                  "qopt_session_open: unknown value of 'kernels'");
    qopt_status status = checkDevice(known.device ? known.device : "cpu");
    if (status == QOPT_OK)
      status = checkFile(path);
    std::unique_ptr<qopt_session> opened;
    if (status == QOPT_OK)
      status = openOnCpu(path, known, opened);
    if (status == QOPT_OK)
      *session = opened.release();
    return status;
  });
}

void qopt_session_close(qopt_session *session) { delete session; }

//===----------------------------------------------------------------------===//
// Signature
//===----------------------------------------------------------------------===//

const char *qopt_session_device(const qopt_session *session) {
  return session ? "cpu" : "";
}

size_t qopt_session_num_inputs(const qopt_session *session) {
  return session ? session->inputs.size() : 0;
}

size_t qopt_session_num_outputs(const qopt_session *session) {
  return session ? session->outputs.size() : 0;
}

static qopt_status describe(const std::vector<qopt_tensor_info> &infos,
                            size_t index, qopt_tensor_info *info) {
  if (!info || index >= infos.size())
    return fail(QOPT_INVALID_ARGUMENT, "no input or output of this index");
  *info = infos[index];
  return QOPT_OK;
}

qopt_status qopt_session_input_info(const qopt_session *session, size_t index,
                                    qopt_tensor_info *info) {
  if (!session)
    return fail(QOPT_INVALID_ARGUMENT, "qopt_session_input_info: no session");
  return describe(session->inputs, index, info);
}

qopt_status qopt_session_output_info(const qopt_session *session, size_t index,
                                     qopt_tensor_info *info) {
  if (!session)
    return fail(QOPT_INVALID_ARGUMENT, "qopt_session_output_info: no session");
  return describe(session->outputs, index, info);
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

/// Every tensor that has elements needs a buffer.
static bool haveBuffers(const std::vector<qopt_tensor_info> &infos,
                        const void *const *buffers) {
  for (size_t i = 0; i < infos.size(); ++i) {
    size_t bytes;
    if (qopt_tensor_num_bytes(&infos[i], &bytes) != QOPT_OK)
      return false;
    if (bytes && (!buffers || !buffers[i]))
      return false;
  }
  return true;
}

qopt_status qopt_session_run(qopt_session *session, const void *const *inputs,
                             void *const *outputs) {
  if (!session || !haveBuffers(session->inputs, inputs) ||
      !haveBuffers(session->outputs, outputs))
    return fail(QOPT_INVALID_ARGUMENT, "qopt_session_run: null pointer");
  return guard([&] {
    const DeviceHandle &device = *session->device;
    char *message = nullptr;
    qopt_status status =
        device.backend->run(device.handle, inputs, outputs, &message);
    return status == QOPT_OK ? QOPT_OK
                             : failFromDevice(device.backend, status, message);
  });
}
