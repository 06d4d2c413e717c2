//===- CudaDevice.cpp - An NVIDIA GPU as a device -------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CudaDevice.h"

#include <cstring>
#include <exception>

using namespace mlir::qopt;
using namespace mlir::qopt::runtime;
using namespace mlir::qopt::runtime::cuda;

namespace {
/// Makes the context current for a scope, on whatever thread.
class Scope {
public:
  explicit Scope(const CudaContext &context) : driver(context.driver) {
    driver.check(driver.pushContext(context.context), "entering the GPU");
  }
  ~Scope() {
    Context ignored;
    driver.popContext(&ignored);
  }
  Scope(const Scope &) = delete;
  Scope &operator=(const Scope &) = delete;

private:
  const Driver &driver;
};

/// An instantiated graph.
class CudaRecording : public Recording {
public:
  CudaRecording(const CudaContext &context, GraphExec graph)
      : graph(graph), context(context) {}
  ~CudaRecording() override {
    try {
      Scope scope(context);
      context.driver.graphExecDestroy(graph);
    } catch (const Error &) {
      // The GPU has failed; its memory goes with the process.
    }
  }

  const GraphExec graph;

private:
  const CudaContext &context;
};

class CudaDevice : public Device {
public:
  CudaDevice(std::unique_ptr<CudaContext> context, Stream callersStream,
             bool usesPtx, const Log &log);
  ~CudaDevice() override;

  const char *name() const override { return "cuda"; }
  std::string description() const override {
    return gpu->name + " (kernels for " + chip + ")";
  }
  Address allocate(uint64_t size, const std::string &name) override;
  void release(Address memory) noexcept override;
  void loadKernels(const artifact::Plan &plan) override;
  void upload(Address to, const void *from, uint64_t size) override;
  void download(void *to, Address from, uint64_t size) override;
  void zero(Address memory, uint64_t size) override;
  void launch(const ResolvedLaunch &launch) override;
  void synchronize() override;
  std::unique_ptr<Recording> record(const std::function<void()> &body) override;
  void replay(Recording &recording) override;
  void startTimer() override { recordEvent(started); }
  void stopTimer() override { recordEvent(stopped); }
  double elapsedMilliseconds() override;

private:
  /// What of a launch does not depend on the batch.
  struct Kernel {
    Function function;
    std::array<uint32_t, 3> block;
    uint32_t sharedBytes;
    std::string description;
  };

  void createObjects();
  void destroyObjects();
  Result tryLoad(const std::string &image, std::string &details);
  void loadModule(const artifact::Plan &plan);
  Function findFunction(const artifact::Launch &launch) const;
  void recordEvent(Event event);
  void renewCaptureStream();

  std::unique_ptr<CudaContext> gpu;
  const Driver &driver;
  Stream stream;
  const bool ownsStream, usesPtx;
  const Log log;
  std::string chip;
  Stream captureStream = nullptr;
  /// Where launches go: captureStream while they are recorded.
  Stream launchStream;
  Event started = nullptr, stopped = nullptr;
  /// The events belong to a run that has been launched, not recorded.
  bool isTimed = false;
  Module module = nullptr;
  std::vector<Kernel> kernels;
};
} // namespace

//===----------------------------------------------------------------------===//
// The GPU
//===----------------------------------------------------------------------===//

int CudaContext::attribute(int which) const {
  int value = 0;
  driver.check(driver.deviceAttribute(&value, which, id),
               "asking for properties of the GPU");
  return value;
}

CudaContext::CudaContext(int ordinal) : driver(loadDriver()) {
  int count = 0;
  driver.check(driver.deviceCount(&count), "counting the GPUs");
  if (count == 0)
    throw Error(QOPT_UNSUPPORTED,
                "device 'cuda': the NVIDIA driver finds no GPU");
  if (ordinal < 0 || ordinal >= count)
    throw Error(QOPT_INVALID_ARGUMENT,
                "device 'cuda': there is no GPU number " +
                    std::to_string(ordinal) + "; " + std::to_string(count) +
                    (count == 1 ? " GPU is" : " GPUs are") +
                    " visible, counted from 0");
  driver.check(driver.deviceGet(&id, ordinal), "opening the GPU");
  char text[256] = {};
  driver.check(driver.deviceName(text, sizeof(text) - 1, id),
               "asking for the GPU's name");
  name = text;
  chip = 10 * attribute(kMajor) + attribute(kMinor);
  maxSharedBytes = attribute(kMaxSharedMemoryOptin);
  driver.check(driver.retainContext(&context, id),
               "creating a context on " + name);
}

CudaContext::~CudaContext() { driver.releaseContext(id); }

CudaDevice::CudaDevice(std::unique_ptr<CudaContext> context,
                       Stream callersStream, bool usesPtx, const Log &log)
    : gpu(std::move(context)), driver(gpu->driver), stream(callersStream),
      ownsStream(!callersStream), usesPtx(usesPtx), log(log) {
  Scope scope(*gpu);
  try {
    createObjects();
  } catch (const Error &) {
    destroyObjects();
    throw;
  }
  launchStream = stream;
}

void CudaDevice::createObjects() {
  const std::string what = "creating streams and events on " + gpu->name;
  if (ownsStream)
    driver.check(driver.streamCreate(&stream, kNonBlocking), what);
  driver.check(driver.streamCreate(&captureStream, kNonBlocking), what);
  driver.check(driver.eventCreate(&started, kEventDefault), what);
  driver.check(driver.eventCreate(&stopped, kEventDefault), what);
}

/// Whatever there is. What fails now fails for good: nobody needs to know.
void CudaDevice::destroyObjects() {
  if (module)
    driver.moduleUnload(module);
  for (Event event : {started, stopped})
    if (event)
      driver.eventDestroy(event);
  if (captureStream)
    driver.streamDestroy(captureStream);
  if (ownsStream && stream)
    driver.streamDestroy(stream);
}

CudaDevice::~CudaDevice() {
  try {
    Scope scope(*gpu);
    destroyObjects();
  } catch (const Error &) {
    // See destroyObjects.
  }
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Address CudaDevice::allocate(uint64_t size, const std::string &name) {
  Scope scope(*gpu);
  Pointer memory = 0;
  Result result = driver.memAlloc(&memory, size);
  if (result == kSuccess)
    return memory;
  std::string what =
      name + " needs " + std::to_string(size) + " bytes on " + gpu->name;
  size_t available = 0, total = 0;
  if (result == kOutOfMemory && driver.memInfo(&available, &total) == kSuccess)
    what += ", where " + std::to_string(available) + " of " +
            std::to_string(total) + " are free";
  driver.fail(result, what);
}

void CudaDevice::release(Address memory) noexcept {
  try {
    Scope scope(*gpu);
    driver.memFree(memory);
  } catch (...) {
    // The GPU has failed; its memory goes with the process.
  }
}

void CudaDevice::upload(Address to, const void *from, uint64_t size) {
  Scope scope(*gpu);
  // From pageable memory the call returns when the data are taken.
  driver.check(driver.copyToDevice(to, from, size, stream),
               "copying to " + gpu->name);
}

void CudaDevice::download(void *to, Address from, uint64_t size) {
  Scope scope(*gpu);
  driver.check(driver.copyToHost(to, from, size, stream),
               "copying from " + gpu->name);
}

void CudaDevice::zero(Address memory, uint64_t size) {
  Scope scope(*gpu);
  driver.check(driver.memset(memory, 0, size, stream),
               "clearing memory of " + gpu->name);
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// Loads a cubin, or PTX that ends in a zero byte. `details` receives what the
/// driver's compiler says.
Result CudaDevice::tryLoad(const std::string &image, std::string &details) {
  constexpr size_t kLogSize = 8192;
  std::string text(kLogSize, '\0');
  int options[] = {kJitErrorLog, kJitErrorLogSize};
  void *values[] = {&text[0], reinterpret_cast<void *>(kLogSize)};
  Result result = driver.moduleLoad(&module, image.c_str(), std::size(options),
                                    options, values);
  // One line, without the trailing line breaks.
  text.resize(strnlen(text.data(), text.size()));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
    text.pop_back();
  for (char &c : text)
    if (c == '\n' || c == '\r')
      c = ' ';
  details = driver.describe(result) + (text.empty() ? "" : ": " + text);
  if (result != kSuccess)
    module = nullptr;
  return result;
}

void CudaDevice::loadModule(const artifact::Plan &plan) {
  std::string details;
  bool isPtx = usesPtx;
  Result result = tryLoad(isPtx ? plan.ptx : plan.cubin, details);
  bool isRefused = result == kNoBinaryForGpu || result == kInvalidImage;
  if (isRefused && !isPtx && !plan.ptx.empty()) {
    log("the driver does not take the cubin for " + plan.chip + ": " + details +
        "; it compiles the PTX instead");
    isPtx = true;
    result = tryLoad(plan.ptx, details);
  }
  if (result == kSuccess)
    return;
  std::string what = std::string("the ") + (isPtx ? "PTX" : "cubin") + " for " +
                     plan.chip + " cannot be loaded on " + gpu->name + ": " +
                     details;
  if (result == kUnsupportedPtxVersion)
    what += "; a newer NVIDIA driver is needed, or a model compiled with a "
            "cubin for sm_" +
            std::to_string(gpu->chip);
  throw Error(result == kOutOfMemory ? QOPT_OUT_OF_MEMORY : QOPT_UNSUPPORTED,
              what);
}

Function CudaDevice::findFunction(const artifact::Launch &launch) const {
  Function function = nullptr;
  Result result =
      driver.moduleFunction(&function, module, launch.kernel.c_str());
  if (result != kSuccess)
    throw Error(QOPT_INVALID_MODEL,
                "kernel '" + launch.kernel + "' for '" + launch.name +
                    "' cannot be found: " + driver.describe(result));
  // What a block gets without asking.
  constexpr uint32_t kDefaultSharedBytes = 48 * 1024;
  if (launch.sharedBytes <= kDefaultSharedBytes)
    return function;
  result = driver.functionSet(function, kMaxDynamicSharedMemory,
                              int(launch.sharedBytes));
  if (result != kSuccess)
    throw Error(QOPT_UNSUPPORTED,
                "kernel '" + launch.kernel + "' for '" + launch.name +
                    "' needs " + std::to_string(launch.sharedBytes) +
                    " bytes of shared memory; " + gpu->name + " has at most " +
                    std::to_string(gpu->maxSharedBytes) + ": " +
                    driver.describe(result));
  return function;
}

void CudaDevice::loadKernels(const artifact::Plan &plan) {
  Scope scope(*gpu);
  chip = plan.chip;
  loadModule(plan);
  for (size_t i = 0; i < plan.launches.size(); ++i) {
    const artifact::Launch &launch = plan.launches[i];
    kernels.push_back({findFunction(launch), launch.block, launch.sharedBytes,
                       "launch " + std::to_string(i) + " (" + launch.kernel +
                           " for '" + launch.name + "') on " + gpu->name});
  }
}

void CudaDevice::launch(const ResolvedLaunch &launch) {
  Scope scope(*gpu);
  const Kernel &kernel = kernels[launch.index];
  driver.check(driver.launch(kernel.function, launch.grid[0], launch.grid[1],
                             launch.grid[2], kernel.block[0], kernel.block[1],
                             kernel.block[2], kernel.sharedBytes, launchStream,
                             const_cast<void **>(launch.parameters), nullptr),
               kernel.description);
}

void CudaDevice::synchronize() {
  Scope scope(*gpu);
  driver.check(driver.streamSynchronize(stream),
               "running kernels on " + gpu->name);
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

/// A stream whose capture cannot be ended takes no other.
void CudaDevice::renewCaptureStream() {
  driver.streamDestroy(captureStream);
  captureStream = nullptr;
  driver.check(driver.streamCreate(&captureStream, kNonBlocking),
               "creating a stream on " + gpu->name);
}

std::unique_ptr<Recording>
CudaDevice::record(const std::function<void()> &body) {
  Scope scope(*gpu);
  const std::string what = "recording the model's launches on " + gpu->name;
  driver.check(driver.beginCapture(captureStream, kCaptureThreadLocal), what);
  launchStream = captureStream;
  std::exception_ptr failure;
  try {
    body();
  } catch (...) {
    failure = std::current_exception();
  }
  launchStream = stream;
  Graph graph = nullptr;
  Result ended = driver.endCapture(captureStream, &graph);
  if (ended != kSuccess)
    renewCaptureStream();
  if (failure) {
    if (graph)
      driver.graphDestroy(graph);
    std::rethrow_exception(failure);
  }
  driver.check(ended, what);
  GraphExec executable = nullptr;
  Result result = driver.graphInstantiate(&executable, graph, 0);
  driver.graphDestroy(graph);
  driver.check(result, what);
  return std::make_unique<CudaRecording>(*gpu, executable);
}

void CudaDevice::replay(Recording &recording) {
  Scope scope(*gpu);
  driver.check(
      driver.graphLaunch(static_cast<CudaRecording &>(recording).graph, stream),
      "launching the model on " + gpu->name);
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

void CudaDevice::recordEvent(Event event) {
  Scope scope(*gpu);
  // While the caller captures the stream, events would become part of the
  // caller's graph and say nothing about time.
  int status = kCaptureNone;
  driver.check(driver.isCapturing(stream, &status), "asking for the stream");
  isTimed = status == kCaptureNone;
  if (isTimed)
    driver.check(driver.eventRecord(event, stream),
                 "taking the time on " + gpu->name);
}

double CudaDevice::elapsedMilliseconds() {
  if (!isTimed)
    return -1;
  Scope scope(*gpu);
  const std::string what = "taking the time on " + gpu->name;
  float milliseconds = 0;
  driver.check(driver.eventSynchronize(stopped), what);
  driver.check(driver.eventElapsed(&milliseconds, started, stopped), what);
  return double(milliseconds);
}

std::unique_ptr<Device>
mlir::qopt::runtime::openCuda(std::unique_ptr<CudaContext> context,
                              void *stream, bool usesPtx, const Log &log) {
  return std::make_unique<CudaDevice>(
      std::move(context), static_cast<Stream>(stream), usesPtx, log);
}
