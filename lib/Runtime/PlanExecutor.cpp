//===- PlanExecutor.cpp - Runs a plan on a device -------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PlanExecutor.h"

#include "QuantOpt/Artifact/StatusWord.h"

#include <algorithm>

using namespace mlir::qopt;
using namespace mlir::qopt::runtime;
using namespace mlir::qopt::artifact;

/// Constants are packed and uploaded in pieces of this size.
static constexpr uint64_t kMaxPieceBytes = uint64_t(32) << 20;

/// Recorded sequences that are kept: batches, and sets of device buffers.
static constexpr size_t kMaxRecordings = 32;

/// Most that the parameters of a kernel may take on any chip.
static constexpr size_t kMaxParameterBytes = 32764;

/// A kernel reads as many parameters as its image says. Where a file's launch
/// has fewer or smaller ones, it reads zeros behind them, not foreign memory.
static constexpr size_t kSpareSlots = kMaxParameterBytes / sizeof(uint64_t) + 1;

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

PlanExecutor::PlanExecutor(std::unique_ptr<Artifact> artifact, size_t planIndex,
                           std::unique_ptr<Device> device)
    : model(std::move(artifact)), dev(std::move(device)) {
  std::swap(model->plans[0], model->plans[planIndex]);
  model->plans.resize(1);
  plan = &model->plans[0];
  dev->loadKernels(*plan);
  model->plans[0].cubin = model->plans[0].ptx = model->modelText = "";
  arena = DeviceBuffer(*dev, plan->arenaBytes, "the arena");
  workspace = DeviceBuffer(*dev, plan->workspaceBytes, "the workspace");
  if (plan->workspaceBytes)
    dev->zero(workspace.address(), plan->workspaceBytes);
  statusWords.resize(statusBytes(*plan) / kStatusWordBytes);
  status = DeviceBuffer(*dev, statusBytes(*plan), "the status words");
  if (!statusWords.empty())
    dev->zero(status.address(), statusBytes(*plan));
  uploadConstants();
  dev->synchronize();
  model->constants.clear();
  model->constantData.reset();
  model->members.clear();

  size_t most = 0;
  for (const Launch &launch : plan->launches)
    most = std::max(most, launch.arguments.size());
  slots.assign(most + kSpareSlots, 0);
  parameters.assign(most + kMaxParameterBytes, &slots[most]);
  for (size_t i = 0; i < most; ++i)
    parameters[i] = &slots[i];
}

// Nothing may be released while it is in use.
PlanExecutor::~PlanExecutor() { waitQuietly(); }

void PlanExecutor::waitQuietly() noexcept {
  try {
    dev->synchronize();
  } catch (...) {
    // The device has failed: nothing runs there any more.
  }
}

void PlanExecutor::uploadConstants() {
  for (const PackedConstant &packed : plan->packed) {
    const Constant &constant = model->constants[packed.constant];
    uint64_t size = byteSize(constant.dtype, packed.dims);
    constants.emplace_back(*dev, size, "constant '" + constant.name + "'");
    Address start = constants.back().address();
    packConstant(constant, packed, kMaxPieceBytes,
                 [&](uint64_t offset, const void *data, uint64_t bytes) {
                   dev->upload(start + offset, data, bytes);
                 });
  }
}

void PlanExecutor::allocateTensors() {
  if (haveTensors)
    return;
  auto allocate = [&](const std::vector<TensorSpec> &specs, const char *kind,
                      std::vector<DeviceBuffer> &buffers,
                      std::vector<Address> &addresses) {
    buffers.clear();
    addresses.clear();
    for (const TensorSpec &spec : specs) {
      buffers.emplace_back(*dev, byteSize(spec.dtype, spec.dims),
                           kind + (" '" + spec.name + "'"));
      addresses.push_back(buffers.back().address());
    }
  };
  allocate(model->inputs, "input", inputBuffers, inputAddresses);
  allocate(model->outputs, "output", outputBuffers, outputAddresses);
  haveTensors = true;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

int64_t runtime::checkBatch(const Artifact &artifact, int64_t batch) {
  if (batch == 0)
    return artifact.batch;
  if (batch < 0 || batch > artifact.batch)
    throw Error(QOPT_INVALID_ARGUMENT,
                "a batch of " + std::to_string(batch) +
                    " samples cannot be run: the model is compiled for up to " +
                    std::to_string(artifact.batch));
  if (batch != artifact.batch && !artifact.anyBatch)
    throw Error(QOPT_UNSUPPORTED,
                "a batch of " + std::to_string(batch) +
                    " samples cannot be run: the model takes exactly " +
                    std::to_string(artifact.batch) +
                    (artifact.fixedBatchReason.empty()
                         ? ""
                         : ", since " + artifact.fixedBatchReason));
  return batch;
}

uint64_t PlanExecutor::bytesFor(const TensorSpec &spec, int64_t batch) const {
  uint64_t bytes = byteSize(spec.dtype, spec.dims);
  if (batch == model->batch || spec.dims.empty())
    return bytes;
  return bytes / uint64_t(model->batch) * uint64_t(batch);
}

Address PlanExecutor::addressOf(const BufferRef &buffer,
                                const Prepared &prepared) const {
  Address start = 0;
  switch (buffer.kind) {
  case BufferRef::Kind::Input:
    start = prepared.inputs[buffer.index];
    break;
  case BufferRef::Kind::Output:
    start = prepared.outputs[buffer.index];
    break;
  case BufferRef::Kind::Arena:
    start = arena.address();
    break;
  case BufferRef::Kind::Constant:
    start = constants[buffer.index].address();
    break;
  case BufferRef::Kind::Workspace:
    start = workspace.address();
    break;
  case BufferRef::Kind::Status:
    start = status.address();
    break;
  }
  return start + buffer.offset;
}

void PlanExecutor::launchAll(const Prepared &prepared) {
  for (size_t i = 0; i < plan->launches.size(); ++i) {
    const Launch &launch = plan->launches[i];
    ResolvedLaunch resolved;
    resolved.index = i;
    for (size_t d = 0; d < resolved.grid.size(); ++d)
      resolved.grid[d] = uint32_t(evaluate(launch.grid[d], prepared.batch));
    for (size_t k = 0; k < launch.arguments.size(); ++k) {
      const Argument &argument = launch.arguments[k];
      // In little-endian memory a 32-bit number is the first half of its slot.
      slots[k] = argument.kind == Argument::Kind::Buffer
                     ? addressOf(argument.buffer, prepared)
                     : uint64_t(evaluate(argument.scalar, prepared.batch));
    }
    std::fill(slots.begin() + launch.arguments.size(),
              slots.end() - kSpareSlots, 0);
    resolved.parameters = parameters.data();
    dev->launch(resolved);
  }
}

PlanExecutor::Prepared &
PlanExecutor::prepare(int64_t batch, const std::vector<Address> &inputs,
                      const std::vector<Address> &outputs) {
  auto found =
      std::find_if(recent.begin(), recent.end(), [&](const Prepared &prepared) {
        return prepared.batch == batch && prepared.inputs == inputs &&
               prepared.outputs == outputs;
      });
  if (found != recent.end()) {
    recent.splice(recent.begin(), recent, found);
    return recent.front();
  }
  Prepared prepared = {batch, inputs, outputs, nullptr};
  prepared.recording = dev->record([&] { launchAll(prepared); });
  if (recent.size() == kMaxRecordings) {
    dev->synchronize(); // It may be under way.
    recent.pop_back();
  }
  recent.push_front(std::move(prepared));
  return recent.front();
}

void PlanExecutor::execute(int64_t batch, const std::vector<Address> &inputs,
                           const std::vector<Address> &outputs) {
  Prepared &prepared = prepare(batch, inputs, outputs);
  if (isDirty && plan->workspaceBytes)
    dev->zero(workspace.address(), plan->workspaceBytes);
  isDirty = true;
  dev->startTimer();
  if (prepared.recording)
    dev->replay(*prepared.recording);
  else
    launchAll(prepared);
  dev->stopTimer();
  isDirty = false;
  hasRun = true;
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

void PlanExecutor::downloadStatus() {
  if (!statusWords.empty())
    dev->download(statusWords.data(), status.address(),
                  statusWords.size() * kStatusWordBytes);
}

/// "'op', sample 3: what is wrong".
static std::string describeFailure(const Launch &launch, uint64_t word) {
  FailedCheck failed(word);
  std::string text = "'" + launch.name + "'";
  if (launch.pointsPerSample > 0)
    text += ", sample " +
            std::to_string(failed.point / uint64_t(launch.pointsPerSample));
  // Kernels are the file's.
  if (failed.check >= launch.checks.size())
    return text + ": a check failed that the model does not list";
  return text + ": " + launch.checks[failed.check];
}

void PlanExecutor::throwFailedCheck() {
  hasUncheckedRuns = false;
  auto word = statusWords.begin();
  for (const Launch &launch : plan->launches) {
    if (launch.checks.empty())
      continue;
    if (*word != 0) {
      std::string failure = describeFailure(launch, *word);
      dev->zero(status.address(), statusWords.size() * kStatusWordBytes);
      throw Error(QOPT_RUN_FAILED, failure);
    }
    ++word;
  }
}

void PlanExecutor::synchronize() {
  if (hasUncheckedRuns)
    downloadStatus();
  dev->synchronize();
  if (hasUncheckedRuns)
    throwFailedCheck();
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

void PlanExecutor::run(int64_t batch, const void *const *inputs,
                       void *const *outputs) {
  batch = checkBatch(*model, batch);
  if (hasUncheckedRuns)
    synchronize(); // An earlier run's failure is not this one's.
  allocateTensors();
  try {
    for (size_t i = 0; i < inputAddresses.size(); ++i)
      if (uint64_t bytes = bytesFor(model->inputs[i], batch))
        dev->upload(inputAddresses[i], inputs[i], bytes);
    execute(batch, inputAddresses, outputAddresses);
    isDirty = true; // Until it is known that all kernels ended well.
    for (size_t i = 0; i < outputAddresses.size(); ++i)
      if (uint64_t bytes = bytesFor(model->outputs[i], batch))
        dev->download(outputs[i], outputAddresses[i], bytes);
    downloadStatus();
    dev->synchronize();
    isDirty = false;
    throwFailedCheck();
  } catch (...) {
    waitQuietly(); // The caller's buffers may be in use.
    throw;
  }
}

void PlanExecutor::runOnDevice(int64_t batch, const void *const *inputs,
                               void *const *outputs) {
  batch = checkBatch(*model, batch);
  auto toAddresses = [](const auto *pointers, size_t count) {
    std::vector<Address> addresses(count);
    for (size_t i = 0; i < count; ++i)
      addresses[i] = reinterpret_cast<Address>(pointers[i]);
    return addresses;
  };
  execute(batch, toAddresses(inputs, model->inputs.size()),
          toAddresses(outputs, model->outputs.size()));
  hasUncheckedRuns = !statusWords.empty();
}

double PlanExecutor::elapsedMilliseconds() {
  return hasRun ? dev->elapsedMilliseconds() : -1;
}
