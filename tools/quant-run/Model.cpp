//===- Model.cpp - An open model of the runtime ---------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"

#include <chrono>
#include <cstdio>
#include <cstring>

using namespace mlir::qopt;
using namespace mlir::qopt::run;

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

TensorBuffers::TensorBuffers(const std::vector<TensorSpec> &specs) {
  constexpr size_t kAlignment = 64;
  for (const TensorSpec &spec : specs) {
    // Never of size 0, so that the pointer is never null.
    size_t size = spec.bytes + kAlignment;
    storage.push_back(std::unique_ptr<char[]>(new char[size]()));
    void *aligned = storage.back().get();
    std::align(kAlignment, spec.bytes, aligned, size);
    pointers.push_back(aligned);
  }
}

//===----------------------------------------------------------------------===//
// Signature
//===----------------------------------------------------------------------===//

static bool convertType(qopt_dtype dtype, ElementType &type) {
  switch (dtype) {
  case QOPT_F32:
    type = ElementType::F32;
    return true;
  case QOPT_F64:
    type = ElementType::F64;
    return true;
  case QOPT_F16:
    type = ElementType::F16;
    return true;
  case QOPT_BF16:
    type = ElementType::BF16;
    return true;
  case QOPT_I8:
    type = ElementType::I8;
    return true;
  case QOPT_U8:
    type = ElementType::U8;
    return true;
  case QOPT_I16:
    type = ElementType::I16;
    return true;
  case QOPT_I32:
    type = ElementType::I32;
    return true;
  case QOPT_I64:
    type = ElementType::I64;
    return true;
  case QOPT_I1:
    type = ElementType::I1;
    return true;
  }
  return false;
}

static bool convertInfo(const qopt_tensor_info &info, TensorSpec &spec,
                        std::string &error) {
  spec.name = info.name ? info.name : "";
  if (!convertType(info.dtype, spec.type)) {
    error = "tensor '" + spec.name + "' has an unknown type";
    return false;
  }
  for (int32_t i = 0; i < info.rank; ++i)
    spec.shape.push_back(uint64_t(info.dims[i]));
  if (qopt_tensor_num_bytes(&info, &spec.bytes) == QOPT_OK)
    return true;
  error = "tensor '" + spec.name + "': " + qopt_last_error();
  return false;
}

//===----------------------------------------------------------------------===//
// The session
//===----------------------------------------------------------------------===//

bool mlir::qopt::run::isArtifact(const std::string &file) {
  std::unique_ptr<FILE, int (*)(FILE *)> stream(fopen(file.c_str(), "rb"),
                                                fclose);
  char magic[4] = {};
  return stream && fread(magic, 1, sizeof(magic), stream.get()) == 4 &&
         memcmp(magic, "PK\x03\x04", sizeof(magic)) == 0;
}

static void printNotice(void *, const char *message) {
  fprintf(stderr, "quant-run: note: %s\n", message);
}

std::unique_ptr<Model> Model::open(const std::string &file,
                                   const ModelOptions &given,
                                   std::string &error) {
  auto textOrNull = [](const std::string &text) {
    return text.empty() ? nullptr : text.c_str();
  };
  qopt_session_options options = {};
  options.struct_size = sizeof(options);
  options.device = given.plainKernels ? "cpu" : textOrNull(given.device);
  options.entry = textOrNull(given.entry);
  options.kernels = given.plainKernels ? QOPT_KERNELS_PLAIN : QOPT_KERNELS_AUTO;
  options.target = textOrNull(given.target);
  options.log = printNotice;

  std::unique_ptr<Model> model(new Model());
  auto start = std::chrono::steady_clock::now();
  if (qopt_session_open(file.c_str(), &options, &model->session) != QOPT_OK) {
    error = qopt_last_error();
    return nullptr;
  }
  model->seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  model->deviceName = qopt_session_device(model->session);
  model->text = qopt_session_description(model->session);
  if (given.plainKernels)
    model->text += " with plain loops";
  model->inputSpecs.resize(qopt_session_num_inputs(model->session));
  model->outputSpecs.resize(qopt_session_num_outputs(model->session));
  qopt_tensor_info info;
  for (size_t i = 0; i < model->inputSpecs.size(); ++i)
    if (qopt_session_input_info(model->session, i, &info) != QOPT_OK ||
        !convertInfo(info, model->inputSpecs[i], error))
      return nullptr;
  for (size_t i = 0; i < model->outputSpecs.size(); ++i)
    if (qopt_session_output_info(model->session, i, &info) != QOPT_OK ||
        !convertInfo(info, model->outputSpecs[i], error))
      return nullptr;
  return model;
}

Model::~Model() { qopt_session_close(session); }

/// Turns a status into true or a message.
static bool succeeded(qopt_status status, std::string &error) {
  if (status != QOPT_OK)
    error = qopt_last_error();
  return status == QOPT_OK;
}

bool Model::checkSamples(uint64_t samples, std::string &error) const {
  return qopt_session_batch(session) == 0 ||
         succeeded(qopt_session_check_batch(session, int64_t(samples)), error);
}

bool Model::run(const TensorBuffers &inputs, const TensorBuffers &outputs,
                uint64_t samples, std::string &error) const {
  int64_t batch = qopt_session_batch(session) ? int64_t(samples) : 0;
  return succeeded(
      qopt_session_run_batch(session, batch, inputs.data(), outputs.data()),
      error);
}

//===----------------------------------------------------------------------===//
// Runs on the device
//===----------------------------------------------------------------------===//

bool DeviceRun::allocate(const std::vector<TensorSpec> &specs,
                         std::vector<void *> &memory, std::string &error) {
  for (const TensorSpec &spec : specs) {
    memory.push_back(nullptr);
    if (spec.bytes &&
        !succeeded(qopt_session_allocate(session, spec.bytes, &memory.back()),
                   error))
      return false;
  }
  return true;
}

std::unique_ptr<DeviceRun> DeviceRun::create(const Model &model,
                                             const TensorBuffers &inputs,
                                             std::string &error) {
  std::unique_ptr<DeviceRun> run(new DeviceRun(model));
  if (!run->allocate(model.inputs(), run->inputs, error) ||
      !run->allocate(model.outputs(), run->outputs, error))
    return nullptr;
  for (size_t i = 0; i < run->inputs.size(); ++i)
    if (!succeeded(qopt_session_upload(run->session, run->inputs[i], inputs[i],
                                       model.inputs()[i].bytes),
                   error))
      return nullptr;
  return run;
}

DeviceRun::~DeviceRun() {
  for (const std::vector<void *> *list : {&inputs, &outputs})
    for (void *memory : *list)
      qopt_session_release(session, memory);
}

bool DeviceRun::start(std::string &error) {
  return succeeded(
      qopt_session_run_device(session, 0, inputs.data(), outputs.data()),
      error);
}

bool DeviceRun::wait(std::string &error) {
  return succeeded(qopt_session_synchronize(session), error);
}

bool DeviceRun::measure(double &seconds, std::string &error) {
  constexpr double kMillisecond = 1e-3;
  double milliseconds = 0;
  if (!succeeded(qopt_session_elapsed_ms(session, &milliseconds), error))
    return false;
  seconds = milliseconds * kMillisecond;
  return true;
}
