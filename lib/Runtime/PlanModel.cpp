//===- PlanModel.cpp - Artifacts on devices that run kernels --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ChoosePlan.h"
#include "CudaDevice.h"
#include "Models.h"
#include "PlanExecutor.h"

#include <mutex>

using namespace mlir::qopt;
using namespace mlir::qopt::runtime;
using artifact::Artifact;

namespace {
/// One arena and one stream: runs follow one another.
class PlanModel : public OpenModel {
public:
  PlanModel(std::unique_ptr<Artifact> artifact, size_t plan,
            std::unique_ptr<Device> device)
      : executor(std::move(artifact), plan, std::move(device)) {
    inputInfos = describeSpecs(executor.artifact().inputs);
    outputInfos = describeSpecs(executor.artifact().outputs);
  }

  const char *device() const override { return executor.device().name(); }
  std::string description() const override {
    return executor.device().description();
  }
  int64_t batch() const override { return executor.artifact().batch; }
  bool anyBatch() const override { return executor.artifact().anyBatch; }

  void checkBatch(int64_t batch) const override {
    runtime::checkBatch(executor.artifact(), batch);
  }
  void run(int64_t batch, const void *const *inputs,
           void *const *outputs) override {
    std::lock_guard<std::mutex> lock(mutex);
    executor.run(batch, inputs, outputs);
  }
  void *allocate(size_t bytes) override {
    std::lock_guard<std::mutex> lock(mutex);
    return reinterpret_cast<void *>(
        executor.device().allocate(bytes, "memory of the caller"));
  }
  void release(void *memory) override {
    std::lock_guard<std::mutex> lock(mutex);
    executor.device().synchronize(); // It may be in use.
    executor.device().release(reinterpret_cast<Address>(memory));
  }
  void upload(void *to, const void *from, size_t bytes) override {
    std::lock_guard<std::mutex> lock(mutex);
    executor.device().upload(reinterpret_cast<Address>(to), from, bytes);
    executor.device().synchronize(); // Page-locked memory is read later.
  }
  void download(void *to, const void *from, size_t bytes) override {
    std::lock_guard<std::mutex> lock(mutex);
    executor.device().download(to, reinterpret_cast<Address>(from), bytes);
    executor.synchronize();
  }
  void runOnDevice(int64_t batch, const void *const *inputs,
                   void *const *outputs) override {
    std::lock_guard<std::mutex> lock(mutex);
    executor.runOnDevice(batch, inputs, outputs);
  }
  void synchronize() override {
    std::lock_guard<std::mutex> lock(mutex);
    executor.synchronize();
  }
  double elapsedMilliseconds() override {
    std::lock_guard<std::mutex> lock(mutex);
    return executor.elapsedMilliseconds();
  }

private:
  std::mutex mutex;
  PlanExecutor executor;
};
} // namespace

std::vector<qopt_tensor_info>
runtime::describeSpecs(const std::vector<artifact::TensorSpec> &specs) {
  std::vector<qopt_tensor_info> infos;
  for (const artifact::TensorSpec &spec : specs)
    infos.push_back({spec.name.c_str(), spec.dtype, int32_t(spec.dims.size()),
                     spec.dims.data()});
  return infos;
}

std::unique_ptr<OpenModel> runtime::openPlan(std::unique_ptr<Artifact> artifact,
                                             size_t plan,
                                             std::unique_ptr<Device> device) {
  return std::make_unique<PlanModel>(std::move(artifact), plan,
                                     std::move(device));
}

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

static std::unique_ptr<OpenModel> openOnCuda(std::unique_ptr<Artifact> artifact,
                                             const SessionOptions &options) {
  auto gpu = std::make_unique<CudaContext>(options.deviceOrdinal);
  PlanChoice choice;
  if (options.target.empty()) {
    choice = choosePlan(*artifact, gpu->chip, gpu->name);
    if (!choice.notice.empty())
      options.log(choice.notice);
  } else {
    choice.plan = findPlan(*artifact, options.target);
    choice.usesPtx = artifact->plans[choice.plan].cubin.empty();
  }
  std::unique_ptr<Device> device =
      openCuda(std::move(gpu), options.stream, choice.usesPtx, options.log);
  return openPlan(std::move(artifact), choice.plan, std::move(device));
}

static std::unique_ptr<OpenModel>
openOnEmulator(std::unique_ptr<Artifact> artifact,
               const SessionOptions &options) {
  if (artifact->plans.empty())
    throw Error(QOPT_UNSUPPORTED, "the model has no kernels to emulate: it was "
                                  "compiled without --target=sm_...");
  size_t plan =
      options.target.empty() ? 0 : findPlan(*artifact, options.target);
  std::unique_ptr<Device> device =
      openEmulator(*artifact, artifact->plans[plan]);
  return openPlan(std::move(artifact), plan, std::move(device));
}

static std::unique_ptr<Artifact> readArtifact(const std::string &path) {
  std::string error;
  std::unique_ptr<Artifact> artifact = artifact::read(path, error);
  if (!artifact)
    throw Error(QOPT_INVALID_MODEL, error);
  return artifact;
}

std::unique_ptr<OpenModel>
runtime::openArtifact(const std::string &path, const SessionOptions &options) {
  if (!options.entry.empty())
    throw Error(QOPT_INVALID_ARGUMENT,
                "an artifact has one function: leave out the entry '" +
                    options.entry + "'");
  std::unique_ptr<Artifact> artifact = readArtifact(path);
  if (options.device == "cpu")
    return openOnCpu(std::move(artifact), options);
  if (options.device == "emulator")
    return openOnEmulator(std::move(artifact), options);
  if (options.device == "cuda")
    return openOnCuda(std::move(artifact), options);
  try {
    return openOnCuda(std::move(artifact), options);
  } catch (const Error &error) {
    if (error.status != QOPT_UNSUPPORTED)
      throw;
    options.log(std::string("running on the CPU: ") + error.what());
  }
  return openOnCpu(readArtifact(path), options);
}
