//===- CpuModel.cpp - Models on the CPU -----------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MLIR text from a file or an artifact, run by libQuantOpt. Its shapes are
// fixed: a smaller batch of an artifact is padded.
//
//===----------------------------------------------------------------------===//
#include "Models.h"
#include "PlanExecutor.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>

using namespace mlir::qopt;
using namespace mlir::qopt::runtime;
using artifact::Artifact;

namespace {
class CpuModel : public OpenModel {
public:
  CpuModel(const qopt_cpu_backend &backend, void *handle,
           std::unique_ptr<Artifact> artifact);
  ~CpuModel() override { backend.close(handle); }

  const char *device() const override { return "cpu"; }
  std::string description() const override { return "cpu"; }
  int64_t batch() const override { return artifact ? artifact->batch : 0; }
  bool anyBatch() const override { return artifact && artifact->anyBatch; }
  void checkBatch(int64_t batch) const override;
  void run(int64_t batch, const void *const *inputs,
           void *const *outputs) override;
  void *allocate(size_t bytes) override;
  void release(void *memory) override { free(memory); }
  void upload(void *to, const void *from, size_t bytes) override {
    memcpy(to, from, bytes);
  }
  void download(void *to, const void *from, size_t bytes) override {
    memcpy(to, from, bytes);
  }
  void runOnDevice(int64_t batch, const void *const *inputs,
                   void *const *outputs) override {
    run(batch, inputs, outputs);
  }
  void synchronize() override {}
  double elapsedMilliseconds() override { return elapsed; }

private:
  void describeAll();
  void checkSignature() const;
  void runPadded(int64_t batch, const void *const *inputs,
                 void *const *outputs);
  void runAll(const void *const *inputs, void *const *outputs);

  const qopt_cpu_backend &backend;
  void *const handle;
  /// Keeps the constants alive. Null for text from a file.
  const std::unique_ptr<Artifact> artifact;
  std::atomic<double> elapsed{-1};
};
} // namespace

/// Throws the backend's message, which is freed.
[[noreturn]] static void fail(const qopt_cpu_backend &backend,
                              qopt_status status, char *message) {
  std::string text = message ? message : qopt_status_name(status);
  backend.free_error(message);
  throw Error(status, text);
}

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

CpuModel::CpuModel(const qopt_cpu_backend &backend, void *handle,
                   std::unique_ptr<Artifact> artifact)
    : backend(backend), handle(handle), artifact(std::move(artifact)) {
  try {
    describeAll();
    if (!this->artifact)
      return;
    checkSignature();
    // With the artifact's names and signs, as on the other devices.
    inputInfos = describeSpecs(this->artifact->inputs);
    outputInfos = describeSpecs(this->artifact->outputs);
  } catch (...) {
    backend.close(handle);
    throw;
  }
}

static void describe(const char *kind, void *handle, size_t (*count)(void *),
                     qopt_status (*getInfo)(void *, size_t, qopt_tensor_info *),
                     std::vector<qopt_tensor_info> &infos) {
  infos.resize(count(handle));
  for (size_t i = 0; i < infos.size(); ++i) {
    size_t bytes;
    std::string tensor = kind + std::to_string(i);
    if (qopt_status status = getInfo(handle, i, &infos[i]); status != QOPT_OK)
      throw Error(status, tensor + " is not described by the device");
    if (qopt_tensor_num_bytes(&infos[i], &bytes) != QOPT_OK)
      throw Error(QOPT_UNSUPPORTED, tensor + ": " + qopt_last_error());
  }
}

void CpuModel::describeAll() {
  describe("input ", handle, backend.num_inputs, backend.input_info,
           inputInfos);
  describe("output ", handle, backend.num_outputs, backend.output_info,
           outputInfos);
}

/// The text has the tensors that the manifest describes.
void CpuModel::checkSignature() const {
  auto check = [](const char *kind, const std::vector<qopt_tensor_info> &infos,
                  const std::vector<artifact::TensorSpec> &specs) {
    bool same = infos.size() == specs.size();
    for (size_t i = 0; same && i < infos.size(); ++i)
      same =
          qopt_dtype_size(infos[i].dtype) == qopt_dtype_size(specs[i].dtype) &&
          std::vector<int64_t>(infos[i].dims, infos[i].dims + infos[i].rank) ==
              specs[i].dims;
    if (!same)
      throw Error(QOPT_INVALID_MODEL,
                  std::string("the artifact's text has other ") + kind +
                      " than its manifest");
  };
  check("inputs", inputInfos, artifact->inputs);
  check("outputs", outputInfos, artifact->outputs);
}

static qopt_cpu_options convertOptions(const SessionOptions &options) {
  qopt_cpu_options converted = {};
  converted.struct_size = sizeof(converted);
  converted.entry = options.entry.empty() ? nullptr : options.entry.c_str();
  converted.kernels = options.kernels;
  return converted;
}

std::unique_ptr<OpenModel> runtime::openText(const std::string &path,
                                             const SessionOptions &options) {
  const qopt_cpu_backend &backend = loadCpuBackend();
  qopt_cpu_options cpuOptions = convertOptions(options);
  void *handle = nullptr;
  char *message = nullptr;
  qopt_status status =
      backend.open(path.c_str(), &cpuOptions, &handle, &message);
  if (status != QOPT_OK)
    fail(backend, status, message);
  return std::make_unique<CpuModel>(backend, handle, nullptr);
}

std::unique_ptr<OpenModel>
runtime::openOnCpu(std::unique_ptr<Artifact> artifact,
                   const SessionOptions &options) {
  const qopt_cpu_backend &backend = loadCpuBackend();
  qopt_cpu_options cpuOptions = convertOptions(options);
  std::vector<qopt_cpu_constant> constants;
  for (const artifact::Constant &constant : artifact->constants)
    constants.push_back({constant.name.c_str(), constant.data, constant.size});
  void *handle = nullptr;
  char *message = nullptr;
  qopt_status status = backend.open_memory(
      artifact->modelText.data(), artifact->modelText.size(), "model.mlir",
      constants.data(), constants.size(), &cpuOptions, &handle, &message);
  if (status != QOPT_OK)
    fail(backend, status, message);
  artifact->modelText.clear();
  artifact->plans.clear();
  return std::make_unique<CpuModel>(backend, handle, std::move(artifact));
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

void CpuModel::runAll(const void *const *inputs, void *const *outputs) {
  using Clock = std::chrono::steady_clock;
  auto start = Clock::now();
  char *message = nullptr;
  qopt_status status = backend.run(handle, inputs, outputs, &message);
  if (status != QOPT_OK)
    fail(backend, status, message);
  elapsed =
      std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Pads with the last sample, so that value ranges stay those of real samples.
void CpuModel::runPadded(int64_t batch, const void *const *inputs,
                         void *const *outputs) {
  uint64_t all = uint64_t(artifact->batch), some = uint64_t(batch);
  // In units of 64-bit numbers, which aligns them for all types.
  std::vector<std::vector<uint64_t>> storage;
  auto allocate = [&](uint64_t bytes) {
    storage.emplace_back(bytes / sizeof(uint64_t) + 1);
    return reinterpret_cast<char *>(storage.back().data());
  };
  std::vector<const void *> fullInputs;
  std::vector<void *> fullOutputs;
  for (size_t i = 0; i < artifact->inputs.size(); ++i) {
    const artifact::TensorSpec &spec = artifact->inputs[i];
    if (spec.dims.empty()) {
      fullInputs.push_back(inputs[i]);
      continue;
    }
    uint64_t sample = artifact::byteSize(spec.dtype, spec.dims) / all;
    char *copy = allocate(all * sample);
    if (sample)
      memcpy(copy, inputs[i], some * sample);
    for (uint64_t k = some; k < all && sample; ++k)
      memcpy(copy + k * sample, copy + (some - 1) * sample, sample);
    fullInputs.push_back(copy);
  }
  for (const artifact::TensorSpec &spec : artifact->outputs)
    fullOutputs.push_back(allocate(artifact::byteSize(spec.dtype, spec.dims)));
  runAll(fullInputs.data(), fullOutputs.data());
  for (size_t i = 0; i < artifact->outputs.size(); ++i) {
    const artifact::TensorSpec &spec = artifact->outputs[i];
    if (uint64_t sample = artifact::byteSize(spec.dtype, spec.dims) / all)
      memcpy(outputs[i], fullOutputs[i], some * sample);
  }
}

void CpuModel::checkBatch(int64_t batch) const {
  if (artifact)
    runtime::checkBatch(*artifact, batch);
  else if (batch != 0)
    throw Error(QOPT_UNSUPPORTED, "MLIR text runs with its full batch only: "
                                  "use qopt_session_run");
}

void CpuModel::run(int64_t batch, const void *const *inputs,
                   void *const *outputs) {
  checkBatch(batch);
  if (batch == 0 || batch == artifact->batch)
    runAll(inputs, outputs);
  else
    runPadded(batch, inputs, outputs);
}

void *CpuModel::allocate(size_t bytes) {
  constexpr size_t kAlignment = 64;
  void *memory =
      aligned_alloc(kAlignment, (bytes / kAlignment + 1) * kAlignment);
  if (!memory)
    throw std::bad_alloc();
  return memory;
}
