//===- EmitPlan.h - From launches in IR to the launch table ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernels form is ordinary IR: an entry function on buffers whose body is
// launches, views and constants. Here it becomes data: which kernel runs on
// which bytes of which buffer, with grids as functions of the batch.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TARGET_EMITPLAN_H
#define QUANTOPT_TARGET_EMITPLAN_H

#include "QuantOpt/Artifact/Artifact.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <deque>
#include <map>
#include <set>

namespace mlir::qopt {

/// The runtime's word for an element type; none for types that buffers of an
/// artifact cannot have.
std::optional<qopt_dtype> getRuntimeType(Type elementType);

/// The constants of all plans of an artifact, equal ones once.
class ConstantPool {
public:
  /// Index of the constant that `global` holds, with the shape `dims` (as many
  /// elements). An error at `global` where it holds none, or one that cannot be
  /// stored.
  FailureOr<uint32_t> add(memref::GlobalOp global, ArrayRef<int64_t> dims);

  /// Moves everything into `artifact`, which owns copies of the elements.
  void finish(artifact::Artifact &artifact);

private:
  std::string makeName(StringRef name);

  std::vector<artifact::Constant> constants;
  /// A deque does not move its elements.
  std::deque<std::vector<uint8_t>> bytes;
  /// Indices by a hash of type, shape and elements.
  std::multimap<uint64_t, uint32_t> indices;
  std::set<std::string> names;
};

/// The entry of a kernels form and what its arguments are.
struct KernelsEntry {
  func::FuncOp function;
  /// By argument: which buffer it is. The last one is the batch.
  SmallVector<artifact::BufferRef> buffers;
  unsigned numInputs = 0;
  unsigned numOutputs = 0;
  uint64_t arenaBytes = 0;
  uint64_t workspaceBytes = 0;
  uint64_t numStatusWords = 0;
};

/// Reads the entry's signature; `name` as for findEntry.
FailureOr<KernelsEntry> findKernelsEntry(ModuleOp kernelsForm, StringRef name);

/// The launch table of a kernels form, without chip and images. Constants go to
/// `constants`. What a table cannot hold is an error at the op.
FailureOr<artifact::Plan> emitPlan(const KernelsEntry &entry,
                                   ConstantPool &constants);

} // namespace mlir::qopt

#endif // QUANTOPT_TARGET_EMITPLAN_H
