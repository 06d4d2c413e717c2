//===- RunContext.cpp - What compiled code calls at run time ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A failing check leaves compiled code by longjmp: it has no cleanups, and all
// memory of a run belongs to its context. Nothing here throws.
//
//===----------------------------------------------------------------------===//
#include "RunContext.h"

#include "CpuCompiler.h"

#include <cmath>
#include <csetjmp>
#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

void FreeDeleter::operator()(void *memory) const { free(memory); }

AlignedBuffer cpu::allocateAligned(size_t bytes) {
  constexpr size_t kAlignment = 64;
  constexpr size_t kHugePage = size_t(2) << 20;
  size_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
  size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void *memory = std::aligned_alloc(alignment, std::max(rounded, alignment));
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (memory && alignment == kHugePage)
    (void)madvise(memory, rounded, MADV_HUGEPAGE); // Only a hint.
#endif
  return AlignedBuffer(static_cast<char *>(memory));
}

AlignedBuffer ArenaPool::take() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!idle.empty()) {
      AlignedBuffer arena = std::move(idle.back());
      idle.pop_back();
      return arena;
    }
  }
  return allocateAligned(bytes);
}

void ArenaPool::giveBack(AlignedBuffer arena) {
  std::lock_guard<std::mutex> lock(mutex);
  idle.push_back(std::move(arena));
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

namespace {
struct RunContext {
  const Observer *observer;
  /// Buffers that the memory plan has no place for.
  std::vector<AlignedBuffer> buffers;
  FailedRun failure = {-1, -1};
  std::jmp_buf exit;
};

/// Sets the modes that the IR's arithmetic assumes: round to nearest, no
/// exceptions, subnormals kept.
class FloatingPointMode {
public:
#if defined(__x86_64__)
  FloatingPointMode() : saved(_mm_getcsr()) { _mm_setcsr(kDefaultMxcsr); }
  ~FloatingPointMode() { _mm_setcsr(saved); }

private:
  static constexpr unsigned kDefaultMxcsr = 0x1F80;
  unsigned saved;
#else
  FloatingPointMode() {}
  ~FloatingPointMode() {}
#endif
};
} // namespace

static thread_local RunContext *currentRun = nullptr;

/// Has no objects that a jump would skip.
static bool callEntry(EntryFunction entry, void *const *buffers,
                      RunContext &context) {
  if (_setjmp(context.exit) != 0)
    return false;
  entry(buffers);
  return true;
}

std::optional<FailedRun> cpu::runEntry(EntryFunction entry,
                                       void *const *buffers,
                                       const Observer &observer) {
  RunContext context;
  context.observer = &observer;
  RunContext *outer = std::exchange(currentRun, &context);
  FloatingPointMode mode;
  bool finished = callEntry(entry, buffers, context);
  currentRun = outer;
  if (finished)
    return std::nullopt;
  return context.failure;
}

//===----------------------------------------------------------------------===//
// Functions that compiled code calls
//===----------------------------------------------------------------------===//

/// Reported like a check, but not one of the IR.
static constexpr int64_t kOutOfMemoryCheck = -2;

[[noreturn]] static void failCheck(int64_t check, int64_t sample) {
  currentRun->failure = {check, sample};
  longjmp(currentRun->exit, 1);
}

static void runKernel(const Kernel *kernel, const void *lhs, const void *rhs,
                      void *out) {
  kernel->run(lhs, rhs, out);
}

static void observe(int64_t index, const float *data, int64_t count) {
  if (*currentRun->observer)
    (*currentRun->observer)(index, data, count);
}

static void *allocate(size_t bytes) {
  AlignedBuffer buffer = allocateAligned(bytes);
  if (!buffer)
    failCheck(kOutOfMemoryCheck, -1);
  currentRun->buffers.push_back(std::move(buffer));
  return currentRun->buffers.back().get();
}

template <typename T> static void *address(T *function) {
  return reinterpret_cast<void *>(function);
}

std::vector<std::pair<llvm::StringRef, void *>> cpu::getRuntimeSymbols() {
  using F32 = float (*)(float);
  using F64 = double (*)(double);
  using F32x2 = float (*)(float, float);
  using F64x2 = double (*)(double, double);
  std::vector<std::pair<llvm::StringRef, void *>> symbols = {
      {kRunKernelFn, address(runKernel)},
      {kCheckFailedFn, address(failCheck)},
      {kObserveFn, address(observe)},
      {kAllocFn, address(allocate)},
      {"memcpy", address(memcpy)},
      {"memmove", address(memmove)},
      {"memset", address(memset)},
      {"fmaf", address(fmaf)},
      {"fma", address(static_cast<double (*)(double, double, double)>(fma))},
  };
#define QUANTOPT_UNARY(name)                                                   \
  symbols.emplace_back(#name, address(static_cast<F64>(::name)));              \
  symbols.emplace_back(#name "f", address(static_cast<F32>(::name##f)));
#define QUANTOPT_BINARY(name)                                                  \
  symbols.emplace_back(#name, address(static_cast<F64x2>(::name)));            \
  symbols.emplace_back(#name "f", address(static_cast<F32x2>(::name##f)));
  QUANTOPT_UNARY(acos)
  QUANTOPT_UNARY(acosh)
  QUANTOPT_UNARY(asin)
  QUANTOPT_UNARY(asinh)
  QUANTOPT_UNARY(atan)
  QUANTOPT_UNARY(atanh)
  QUANTOPT_UNARY(cbrt)
  QUANTOPT_UNARY(ceil)
  QUANTOPT_UNARY(cos)
  QUANTOPT_UNARY(cosh)
  QUANTOPT_UNARY(erf)
  QUANTOPT_UNARY(erfc)
  QUANTOPT_UNARY(exp)
  QUANTOPT_UNARY(exp2)
  QUANTOPT_UNARY(expm1)
  QUANTOPT_UNARY(floor)
  QUANTOPT_UNARY(log)
  QUANTOPT_UNARY(log10)
  QUANTOPT_UNARY(log1p)
  QUANTOPT_UNARY(log2)
  QUANTOPT_UNARY(nearbyint)
  QUANTOPT_UNARY(rint)
  QUANTOPT_UNARY(round)
  QUANTOPT_UNARY(sin)
  QUANTOPT_UNARY(sinh)
  QUANTOPT_UNARY(sqrt)
  QUANTOPT_UNARY(tan)
  QUANTOPT_UNARY(tanh)
  QUANTOPT_UNARY(trunc)
  QUANTOPT_BINARY(atan2)
  QUANTOPT_BINARY(fmax)
  QUANTOPT_BINARY(fmin)
  QUANTOPT_BINARY(fmod)
  QUANTOPT_BINARY(pow)
#undef QUANTOPT_UNARY
#undef QUANTOPT_BINARY
  return symbols;
}
