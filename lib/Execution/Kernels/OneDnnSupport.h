//===- OneDnnSupport.h - Running oneDNN primitives ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The parts that all oneDNN kernels share: engine, streams, single-threaded
// execution, re-entrant primitives and packed operands. Functions may throw
// dnnl::error; the create functions below catch it.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTOPT_LIB_EXECUTION_KERNELS_ONEDNNSUPPORT_H
#define QUANTOPT_LIB_EXECUTION_KERNELS_ONEDNNSUPPORT_H

#include "KernelSupport.h"

#include <dnnl.hpp>

#include <initializer_list>
#include <mutex>
#include <utility>

namespace mlir::qopt::cpu {

/// A kernel that runs oneDNN, or null where oneDNN offers only a reference
/// implementation, cannot take the types, or has no such primitive. The spec is
/// valid and has no empty extent. Does not ask whether int8 is exact.
std::unique_ptr<Kernel> createOneDnnContraction(const ContractionSpec &spec);
std::unique_ptr<Kernel> createOneDnnConvolution(const ConvolutionSpec &spec);

/// False where oneDNN would use AMX on a machine on which it crashes.
bool oneDnnInt8IsSafe();

/// Runs kernels like `kernel` (an int8 one for `spec`, which stays unused) on
/// the largest operand values and compares sampled outputs with plain sums.
/// Cached by implementation, so cheap when repeated.
bool int8IsExact(const Kernel &kernel, const ContractionSpec &spec);
bool int8IsExact(const Kernel &kernel, const ConvolutionSpec &spec);

/// The CPU engine of the process; never destroyed.
dnnl::engine &oneDnnEngine();

/// The oneDNN type of `type`.
dnnl::memory::data_type oneDnnType(ElementType type);

/// Limits OpenMP to the calling thread while in scope: primitives are created
/// for, and run by, one thread. The limit belongs to the calling thread, and
/// what the host had set comes back.
class SingleThreaded {
public:
  SingleThreaded();
  ~SingleThreaded();
  SingleThreaded(const SingleThreaded &) = delete;
  SingleThreaded &operator=(const SingleThreaded &) = delete;

private:
  int previous;
};

/// A primitive that any number of threads may execute at once.
class ReentrantPrimitive {
public:
  /// One argument: DNNL_ARG_* and its memory descriptor.
  using Argument = std::pair<int, dnnl::memory::desc>;

  /// `scratchpad` is the descriptor that the primitive asks for (user mode).
  ReentrantPrimitive(dnnl::primitive primitive,
                     const dnnl::memory::desc &scratchpad,
                     std::initializer_list<Argument> arguments);
  ~ReentrantPrimitive();

  /// Runs on one data pointer per argument, in their order. The caller holds a
  /// SingleThreaded.
  void execute(std::initializer_list<void *> pointers) const;

private:
  struct State;
  std::unique_ptr<State> acquire() const;

  dnnl::primitive primitive;
  std::vector<Argument> arguments;
  size_t scratchpadSize;
  /// Memory objects that no thread uses at the moment.
  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<State>> idle;
};

/// The right operand in the layout that a primitive prefers: packed once where
/// it is constant, at each run otherwise.
class PackedOperand {
public:
  /// The operand becomes dense by `toDense` (empty: it already is, as `dense`
  /// describes) and then goes from `dense` to `packed`.
  PackedOperand(ElementType type, bool isConstant, std::vector<CopyDim> toDense,
                const dnnl::memory::desc &dense,
                const dnnl::memory::desc &packed);

  /// What the primitive should read. Thread-safe; the pointer is valid until
  /// the calling thread's next run of any kernel.
  void *get(const void *operand) const;

private:
  void pack(const void *operand, void *denseCopy, void *result) const;

  ElementType type;
  bool isConstant;
  std::vector<CopyDim> toDense;
  size_t denseSize, packedSize;
  size_t operandSize; ///< Bytes from its first element to its last.
  std::unique_ptr<ReentrantPrimitive> reorder; ///< Null if dense == packed.
  mutable std::once_flag once;
  mutable AlignedBuffer storage;
};

} // namespace mlir::qopt::cpu

#endif // QUANTOPT_LIB_EXECUTION_KERNELS_ONEDNNSUPPORT_H
