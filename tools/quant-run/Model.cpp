//===- Model.cpp - An open model of the runtime ---------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"

#include <chrono>

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

std::unique_ptr<Model> Model::open(const std::string &file,
                                   const std::string &device,
                                   const std::string &entry, bool plainKernels,
                                   std::string &error) {
  qopt_session_options options = {};
  options.struct_size = sizeof(options);
  options.device = device.c_str();
  options.entry = entry.empty() ? nullptr : entry.c_str();
  options.kernels = plainKernels ? QOPT_KERNELS_PLAIN : QOPT_KERNELS_AUTO;

  std::unique_ptr<Model> model(new Model());
  model->text = device + (plainKernels ? " with plain loops" : "");
  auto start = std::chrono::steady_clock::now();
  if (qopt_session_open(file.c_str(), &options, &model->session) != QOPT_OK) {
    error = qopt_last_error();
    return nullptr;
  }
  model->seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
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

bool Model::run(const TensorBuffers &inputs, const TensorBuffers &outputs,
                std::string &error) const {
  if (qopt_session_run(session, inputs.data(), outputs.data()) == QOPT_OK)
    return true;
  error = qopt_last_error();
  return false;
}
