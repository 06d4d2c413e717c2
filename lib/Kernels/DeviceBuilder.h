//===- DeviceBuilder.h - Writing kernel code -------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Short names for the instructions that kernels are made of. Integers are i32
// unless a name says otherwise; every operation folds constants, so that
// builders can be written for the general case and specialize by themselves.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_DEVICEBUILDER_H
#define QUANTOPT_LIB_KERNELS_DEVICEBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::qopt {

/// Address spaces of NVPTX.
enum class MemorySpace : unsigned { Global = 1, Shared = 3 };

class DeviceBuilder : public ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  //===--- Integers ------------------------------------------------------===//
  Value i32(int64_t value);
  Value i64(int64_t value);
  Value i1(bool value);
  /// Element-wise on i32 or i64; an `int64_t` becomes a constant of that type.
  Value add(Value a, Value b);
  Value add(Value a, int64_t b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value mul(Value a, int64_t b);
  /// Unsigned; powers of two become shifts and masks.
  Value div(Value a, int64_t b);
  Value rem(Value a, int64_t b);
  Value divDynamic(Value a, Value b);
  Value bitAnd(Value a, int64_t b);
  Value bitAnd(Value a, Value b);
  Value bitXor(Value a, Value b);
  Value shiftLeft(Value a, int64_t b);
  Value minUnsigned(Value a, Value b);
  Value minSigned(Value a, Value b);
  Value maxSigned(Value a, Value b);
  /// a < b, unsigned.
  Value less(Value a, Value b);
  Value equal(Value a, Value b);
  Value select(Value condition, Value a, Value b);
  /// ceil(a / b) for a >= 0.
  Value ceilDiv(Value a, int64_t b);
  /// Zero-extended.
  Value toI64(Value a);

  //===--- Special registers ---------------------------------------------===//
  Value threadId();
  Value blockIdX();
  Value blockIdY();
  Value blockIdZ();

  //===--- Memory --------------------------------------------------------===//
  LLVM::LLVMPointerType pointerType(MemorySpace space);
  /// `base` plus `bytes` (i32 or i64).
  Value offset(Value base, Value bytes);
  Value offset(Value base, int64_t bytes);
  Value load(Type type, Value pointer, int64_t alignment);
  void store(Value value, Value pointer, int64_t alignment);
  Value vectorElement(Value vector, int64_t index);
  Value structElement(Value structure, int64_t index);

  //===--- Synchronization -----------------------------------------------===//
  void barrier();
  void asyncCommit();
  /// Waits until at most `pending` groups of this thread are in flight.
  void asyncWait(int64_t pending);
  /// Starts a copy of `bytes` (4, 8 or 16) to shared memory; with
  /// `validBytes` (i32) only as many are read, zeros follow.
  void asyncCopy(Value shared, Value global, int64_t bytes, Value validBytes);

  //===--- Control flow --------------------------------------------------===//
  /// Runs `body` where `condition` holds.
  void ifThen(Value condition, function_ref<void()> body);
  /// for (i = 0; i < end; i += step) with carried values; returns the last
  /// ones. `body` gets i and the carried values and returns the next ones.
  SmallVector<Value>
  loop(Value end, int64_t step, ValueRange init,
       function_ref<SmallVector<Value>(Value, ValueRange)> body);
};

/// Creates `llvm.func @name` with pointer and integer parameters in `kernels`,
/// marked as a kernel of `threads` threads, and sets `builder` to its start.
/// The caller ends it with llvm.return.
LLVM::LLVMFuncOp createKernel(DeviceBuilder &builder, gpu::GPUModuleOp kernels,
                              StringRef name, ArrayRef<Type> parameters,
                              int64_t threads);

/// The module's dynamic shared memory.
Value getSharedMemory(DeviceBuilder &builder, gpu::GPUModuleOp kernels);

/// On a kernel: its key.
constexpr llvm::StringLiteral kKernelKeyAttr = "qopt.kernel_key";

/// The kernel that was created for `key`, if there is one.
LLVM::LLVMFuncOp findKernel(gpu::GPUModuleOp kernels, StringRef key);
/// Remembers `key` with `kernel`; the attribute holds a hash and the key.
void setKernelKey(LLVM::LLVMFuncOp kernel, StringRef key);
/// The ops of `block` (without regions) as a part of a key: attributes, types
/// and data flow, but no names and locations.
void printRegionKey(Block &block, llvm::raw_ostream &os);
/// `base`, or `base_1`, `base_2`, ... where that is taken.
std::string makeKernelName(gpu::GPUModuleOp kernels, StringRef base);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_DEVICEBUILDER_H
