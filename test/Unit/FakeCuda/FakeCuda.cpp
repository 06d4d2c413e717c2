//===- FakeCuda.cpp - A stand-in for NVIDIA's driver ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions of libcuda.so.1 that the runtime uses, on host memory, with the
// toy kernels. It is as unhelpful as the real one: work on a stream is done
// only when somebody waits for it, calls without a current context and wrong
// handles fail, memory is limited and full of noise.
//
//===----------------------------------------------------------------------===//
#include "FakeCuda.h"

#include "../../../lib/Runtime/CudaDriver.h"
#include "../ToyKernels.h"

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

using namespace mlir::qopt::runtime::cuda;
using fakecuda::Control;

namespace {
constexpr Result kInvalidValue = 1, kInvalidContext = 201, kInvalidHandle = 400,
                 kNotFound = 500, kLaunchFailed = 719,
                 kCaptureUnsupported = 900, kCaptureInvalidated = 901;
using Work = std::function<Result()>;
} // namespace

namespace mlir::qopt::runtime::cuda {
struct ContextObject {};
struct ModuleObject {
  std::map<std::string, std::unique_ptr<FunctionObject>> functions;
};
struct FunctionObject {
  const toys::Kernel *kernel;
  int maxShared = 48 * 1024;
};
struct GraphObject {
  std::vector<Work> nodes;
};
struct GraphExecObject {
  std::vector<Work> nodes;
};
struct StreamObject {
  std::vector<Work> queue;
  std::unique_ptr<GraphObject> capture;
};
struct EventObject {
  Stream stream = nullptr;
};
} // namespace mlir::qopt::runtime::cuda

namespace {
struct Machine {
  Control control;
  std::recursive_mutex mutex;
  ContextObject context;
  std::map<Pointer, size_t> memory;
  std::set<const void *> handles;
  /// A kernel has failed: nothing works any more.
  Result sticky = kSuccess;
};

Machine &machine() {
  static Machine instance;
  return instance;
}

thread_local std::vector<Context> current;

/// Begins a call: locks, and says whether it fails.
class Call {
public:
  explicit Call(const char *function, bool needsContext = true)
      : lock(machine().mutex) {
    Control &control = machine().control;
    if (control.failing == function && control.failAfter-- == 0)
      result = control.failResult;
    else if (needsContext &&
             (current.empty() || current.back() != &machine().context))
      result = kInvalidContext;
    else if (needsContext)
      result = machine().sticky;
  }
  Result result = kSuccess;

private:
  std::lock_guard<std::recursive_mutex> lock;
};

template <typename T> T *create(int &count) {
  T *object = new T();
  machine().handles.insert(object);
  ++count;
  return object;
}

template <typename T> Result destroy(T *object, int &count) {
  if (!machine().handles.erase(object))
    return kInvalidHandle;
  delete object;
  --count;
  return kSuccess;
}

bool isHandle(const void *object) { return machine().handles.count(object); }

/// Whether the bytes lie in one allocation.
bool isMemory(Pointer start, size_t size) {
  auto after = machine().memory.upper_bound(start);
  if (after == machine().memory.begin())
    return false;
  auto [begin, bytes] = *std::prev(after);
  return size <= bytes && start - begin <= bytes - size;
}

/// Queues work on a stream, or adds it to what is captured.
Result enqueue(Stream stream, Work work, bool isCapturable) {
  if (!isHandle(stream))
    return kInvalidHandle;
  if (!stream->capture) {
    stream->queue.push_back(std::move(work));
    return kSuccess;
  }
  if (!isCapturable)
    return kCaptureUnsupported;
  stream->capture->nodes.push_back(std::move(work));
  return kSuccess;
}

/// Does what is queued.
Result finish(Stream stream) {
  if (!isHandle(stream))
    return kInvalidHandle;
  if (stream->capture)
    return kCaptureInvalidated;
  std::vector<Work> queue = std::move(stream->queue);
  stream->queue.clear();
  for (const Work &work : queue)
    if (machine().sticky == kSuccess)
      machine().sticky = work();
  return machine().sticky;
}

void *address(Pointer pointer) { return reinterpret_cast<void *>(pointer); }
} // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))
#define BEGIN(needsContext)                                                    \
  Call call(__func__, needsContext);                                           \
  if (call.result != kSuccess)                                                 \
    return call.result;

EXPORT Control *fakeCudaControl() { return &machine().control; }

//===----------------------------------------------------------------------===//
// Driver, devices, contexts
//===----------------------------------------------------------------------===//

EXPORT Result cuInit(unsigned flags) {
  BEGIN(false)
  return flags ? kInvalidValue : machine().control.initResult;
}

EXPORT Result cuGetErrorName(Result result, const char **name) {
  static const std::map<Result, const char *> names = {
      {2, "CUDA_ERROR_OUT_OF_MEMORY"},
      {100, "CUDA_ERROR_NO_DEVICE"},
      {209, "CUDA_ERROR_NO_BINARY_FOR_GPU"},
      {218, "CUDA_ERROR_INVALID_PTX"},
      {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"},
      {500, "CUDA_ERROR_NOT_FOUND"},
      {719, "CUDA_ERROR_LAUNCH_FAILED"},
      {999, "CUDA_ERROR_UNKNOWN"}};
  auto found = names.find(result);
  if (found == names.end())
    return kInvalidValue;
  *name = found->second;
  return kSuccess;
}

EXPORT Result cuGetErrorString(Result result, const char **text) {
  *text = "explained";
  return kSuccess;
}

EXPORT Result cuDeviceGetCount(int *count) {
  BEGIN(false)
  *count = machine().control.deviceCount;
  return kSuccess;
}

EXPORT Result cuDeviceGet(DeviceId *device, int ordinal) {
  BEGIN(false)
  *device = ordinal;
  return ordinal < machine().control.deviceCount ? kSuccess : kInvalidDevice;
}

EXPORT Result cuDeviceGetName(char *name, int size, DeviceId device) {
  BEGIN(false)
  snprintf(name, size_t(size), "Fake GPU %d", device);
  return kSuccess;
}

EXPORT Result cuDeviceGetAttribute(int *value, int which, DeviceId device) {
  BEGIN(false)
  const Control &control = machine().control;
  *value = which == kMajor   ? control.major
           : which == kMinor ? control.minor
                             : control.maxSharedBytes;
  return kSuccess;
}

EXPORT Result cuDevicePrimaryCtxRetain(Context *context, DeviceId device) {
  BEGIN(false)
  ++machine().control.contexts;
  *context = &machine().context;
  return kSuccess;
}

EXPORT Result cuDevicePrimaryCtxRelease_v2(DeviceId device) {
  BEGIN(false)
  Control &control = machine().control;
  if (--control.contexts == 0 && machine().sticky != kSuccess) {
    // A lost context refuses every call; what it held goes with it.
    for (auto [begin, bytes] : machine().memory)
      free(address(begin));
    machine().memory.clear();
    machine().handles.clear();
    machine().sticky = kSuccess;
    control.allocations = control.modules = control.streams = 0;
    control.events = control.graphs = control.executables = 0;
  }
  return kSuccess;
}

EXPORT Result cuCtxPushCurrent_v2(Context context) {
  BEGIN(false)
  current.push_back(context);
  return kSuccess;
}

EXPORT Result cuCtxPopCurrent_v2(Context *context) {
  BEGIN(false)
  if (current.empty())
    return kInvalidContext;
  *context = current.back();
  current.pop_back();
  return kSuccess;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

EXPORT Result cuMemGetInfo_v2(size_t *available, size_t *total) {
  BEGIN(true)
  const Control &control = machine().control;
  *total = control.memoryBytes;
  *available = control.memoryBytes - control.allocatedBytes;
  return kSuccess;
}

EXPORT Result cuMemAlloc_v2(Pointer *pointer, size_t size) {
  BEGIN(true)
  Control &control = machine().control;
  if (size == 0)
    return kInvalidValue;
  if (size > control.memoryBytes - control.allocatedBytes)
    return kOutOfMemory;
  void *memory = aligned_alloc(256, (size + 255) / 256 * 256);
  memset(memory, 0xaa, size);
  *pointer = reinterpret_cast<Pointer>(memory);
  machine().memory[*pointer] = size;
  ++control.allocations;
  control.allocatedBytes += size;
  return kSuccess;
}

EXPORT Result cuMemFree_v2(Pointer pointer) {
  BEGIN(true)
  auto found = machine().memory.find(pointer);
  if (found == machine().memory.end())
    return kInvalidValue;
  --machine().control.allocations;
  machine().control.allocatedBytes -= found->second;
  machine().memory.erase(found);
  free(address(pointer));
  return kSuccess;
}

EXPORT Result cuMemcpyHtoDAsync_v2(Pointer to, const void *from, size_t size,
                                   Stream stream) {
  BEGIN(true)
  if (!isMemory(to, size))
    return kInvalidValue;
  // Pageable memory is taken at once.
  auto *start = static_cast<const char *>(from);
  std::vector<char> data(start, start + size);
  return enqueue(
      stream,
      [=] {
        memcpy(address(to), data.data(), size);
        return kSuccess;
      },
      false);
}

EXPORT Result cuMemcpyDtoHAsync_v2(void *to, Pointer from, size_t size,
                                   Stream stream) {
  BEGIN(true)
  if (!isMemory(from, size))
    return kInvalidValue;
  return enqueue(
      stream,
      [=] {
        memcpy(to, address(from), size);
        return kSuccess;
      },
      false);
}

EXPORT Result cuMemsetD8Async(Pointer to, unsigned char value, size_t size,
                              Stream stream) {
  BEGIN(true)
  if (!isMemory(to, size))
    return kInvalidValue;
  return enqueue(
      stream,
      [=] {
        memset(address(to), value, size);
        return kSuccess;
      },
      true);
}

//===----------------------------------------------------------------------===//
// Modules and launches
//===----------------------------------------------------------------------===//

EXPORT Result cuModuleLoadDataEx(Module *module, const void *image,
                                 unsigned numOptions, int *options,
                                 void **values) {
  BEGIN(true)
  Control &control = machine().control;
  bool isCubin = memcmp(image,
                        "\x7f"
                        "ELF",
                        4) == 0;
  ++(isCubin ? control.cubins : control.ptx);
  Result result = isCubin ? control.cubinResult : control.ptxResult;
  if (result == kSuccess) {
    *module = create<ModuleObject>(control.modules);
    return kSuccess;
  }
  if (numOptions == 2 && options[0] == kJitErrorLog &&
      options[1] == kJitErrorLogSize)
    snprintf(static_cast<char *>(values[0]),
             reinterpret_cast<size_t>(values[1]), "%s", control.log.c_str());
  return result;
}

EXPORT Result cuModuleUnload(Module module) {
  BEGIN(true)
  return destroy(module, machine().control.modules);
}

EXPORT Result cuModuleGetFunction(Function *function, Module module,
                                  const char *name) {
  BEGIN(true)
  const toys::Kernel *kernel = toys::findKernel(name);
  if (!isHandle(module))
    return kInvalidHandle;
  if (!kernel)
    return kNotFound;
  auto &slot = module->functions[name];
  if (!slot)
    slot.reset(new FunctionObject{kernel});
  *function = slot.get();
  return kSuccess;
}

EXPORT Result cuFuncSetAttribute(Function function, int which, int value) {
  BEGIN(true)
  if (which != kMaxDynamicSharedMemory ||
      value > machine().control.maxSharedBytes)
    return kInvalidValue;
  function->maxShared = value;
  return kSuccess;
}

EXPORT Result cuLaunchKernel(Function function, unsigned gx, unsigned gy,
                             unsigned gz, unsigned bx, unsigned by, unsigned bz,
                             unsigned sharedBytes, Stream stream,
                             void **parameters, void **extra) {
  BEGIN(true)
  if (int(sharedBytes) > function->maxShared || extra)
    return kInvalidValue;
  toys::Configuration config = {{gx, gy, gz}, {bx, by, bz}, sharedBytes};
  const toys::Kernel *kernel = function->kernel;
  std::vector<uint64_t> slots;
  for (size_t i = 0; i < kernel->parameterSizes.size(); ++i) {
    slots.push_back(0);
    memcpy(&slots.back(), parameters[i], kernel->parameterSizes[i]);
  }
  auto work = [=]() mutable -> Result {
    std::vector<void *> pointers;
    for (uint64_t &slot : slots)
      pointers.push_back(&slot);
    ++machine().control.launches;
    // Only then, as toy_gemm's would be behind the memory of another context.
    machine().control.problem = kernel->run(config, pointers.data());
    return machine().control.problem.empty() ? kSuccess : kLaunchFailed;
  };
  return enqueue(stream, work, true);
}

//===----------------------------------------------------------------------===//
// Streams, graphs, events
//===----------------------------------------------------------------------===//

EXPORT Result cuStreamCreate(Stream *stream, unsigned flags) {
  BEGIN(true)
  *stream = create<StreamObject>(machine().control.streams);
  return flags == kNonBlocking ? kSuccess : kInvalidValue;
}

EXPORT Result cuStreamDestroy_v2(Stream stream) {
  BEGIN(true)
  return destroy(stream, machine().control.streams);
}

EXPORT Result cuStreamSynchronize(Stream stream) {
  BEGIN(true)
  return finish(stream);
}

EXPORT Result cuStreamBeginCapture_v2(Stream stream, int mode) {
  BEGIN(true)
  if (!isHandle(stream) || stream->capture)
    return kInvalidHandle;
  stream->capture = std::make_unique<GraphObject>();
  return kSuccess;
}

EXPORT Result cuStreamEndCapture(Stream stream, Graph *graph) {
  BEGIN(true)
  if (!isHandle(stream) || !stream->capture)
    return kInvalidHandle;
  *graph = create<GraphObject>(machine().control.graphs);
  (*graph)->nodes = stream->capture->nodes;
  stream->capture.reset();
  return kSuccess;
}

EXPORT Result cuStreamIsCapturing(Stream stream, int *status) {
  BEGIN(true)
  if (!isHandle(stream))
    return kInvalidHandle;
  *status = stream->capture ? 1 : 0;
  return kSuccess;
}

#ifndef FAKE_CUDA_OLD // Came with CUDA 11.4.
EXPORT Result cuGraphInstantiateWithFlags(GraphExec *executable, Graph graph,
                                          unsigned long long flags) {
  BEGIN(true)
  if (!isHandle(graph))
    return kInvalidHandle;
  *executable = create<GraphExecObject>(machine().control.executables);
  (*executable)->nodes = graph->nodes;
  return kSuccess;
}
#endif

EXPORT Result cuGraphDestroy(Graph graph) {
  BEGIN(true)
  return destroy(graph, machine().control.graphs);
}

EXPORT Result cuGraphLaunch(GraphExec executable, Stream stream) {
  BEGIN(true)
  if (!isHandle(executable))
    return kInvalidHandle;
  ++machine().control.graphLaunches;
  for (const Work &work : executable->nodes)
    if (Result result = enqueue(stream, work, true); result != kSuccess)
      return result;
  return kSuccess;
}

EXPORT Result cuGraphExecDestroy(GraphExec executable) {
  BEGIN(true)
  return destroy(executable, machine().control.executables);
}

EXPORT Result cuEventCreate(Event *event, unsigned flags) {
  BEGIN(true)
  *event = create<EventObject>(machine().control.events);
  return kSuccess;
}

EXPORT Result cuEventDestroy_v2(Event event) {
  BEGIN(true)
  return destroy(event, machine().control.events);
}

EXPORT Result cuEventRecord(Event event, Stream stream) {
  BEGIN(true)
  if (!isHandle(event) || !isHandle(stream) || stream->capture)
    return kInvalidHandle;
  event->stream = stream;
  return kSuccess;
}

EXPORT Result cuEventSynchronize(Event event) {
  BEGIN(true)
  return isHandle(event) && event->stream ? finish(event->stream)
                                          : Result(kInvalidHandle);
}

EXPORT Result cuEventElapsedTime(float *milliseconds, Event start, Event stop) {
  BEGIN(true)
  if (!start->stream || !stop->stream || !stop->stream->queue.empty())
    return kInvalidHandle;
  *milliseconds = 2.5f;
  return kSuccess;
}
