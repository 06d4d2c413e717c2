//===- EmitPlan.cpp - From launches in IR to the launch table --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks the entry once, checking that every op has a place in a launch table,
// and translates each launch: buffers are followed through views to where they
// begin, run-time integers are expressions in the batch.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Target/EmitPlan.h"

#include "Extents.h"

#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Artifact/StatusWord.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Frontend/Entry.h"
#include "QuantOpt/Kernels/KernelsForm.h"
#include "QuantOpt/Target/BufferPlace.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::qopt;
using artifact::Argument;
using artifact::BufferRef;
using artifact::Extent;

//===----------------------------------------------------------------------===//
// The entry
//===----------------------------------------------------------------------===//

/// Bytes of an arena: a memref<Nxi8>.
static std::optional<int64_t> getByteBufferSize(Type type) {
  auto buffer = dyn_cast<MemRefType>(type);
  if (!buffer || !buffer.hasStaticShape() || buffer.getRank() != 1 ||
      !buffer.getElementType().isInteger(8) || !buffer.getLayout().isIdentity())
    return std::nullopt;
  return buffer.getDimSize(0);
}

/// Reads argument `index` into `entry`.
static LogicalResult readArgument(KernelsEntry &entry, unsigned index) {
  func::FuncOp function = entry.function;
  Type type = function.getArgumentTypes()[index];
  auto attr = function.getArgAttrOfType<StringAttr>(index, kArgumentKindAttr);
  StringRef kind = attr ? attr.getValue() : StringRef();
  bool isLast = index + 1 == function.getNumArguments();
  auto buffer = dyn_cast<MemRefType>(type);
  bool isBuffer =
      buffer && buffer.hasStaticShape() && buffer.getLayout().isIdentity();
  std::optional<int64_t> bytes = getByteBufferSize(type);
  BufferRef reference;
  if (kind == "input" && isBuffer) {
    reference.kind = BufferRef::Kind::Input;
    reference.index = entry.numInputs++;
  } else if (kind == "output" && isBuffer) {
    reference.kind = BufferRef::Kind::Output;
    reference.index = entry.numOutputs++;
  } else if (kind == "arena" && bytes) {
    reference.kind = BufferRef::Kind::Arena;
    entry.arenaBytes = *bytes;
  } else if (kind == "workspace" && bytes) {
    reference.kind = BufferRef::Kind::Workspace;
    entry.workspaceBytes = *bytes;
  } else if (kind == "status" && isBuffer && buffer.getRank() == 1 &&
             buffer.getElementType().isInteger(64)) {
    reference.kind = BufferRef::Kind::Status;
    entry.numStatusWords = buffer.getDimSize(0);
  } else if (!(kind == "batch" && type.isIndex() && isLast)) {
    return function.emitOpError("is no entry of a kernels form: argument #")
           << index << " of type " << type << " has qopt.kind '" << kind
           << "'; expected input, output (buffers of static shape), arena, "
              "workspace (memref<Nxi8>), status (memref<Nxi64>) or, for the "
              "last one, batch (index)";
  }
  entry.buffers.push_back(reference);
  return success();
}

FailureOr<KernelsEntry> mlir::qopt::findKernelsEntry(ModuleOp kernelsForm,
                                                     StringRef name) {
  FailureOr<func::FuncOp> function = findEntry(kernelsForm, name);
  if (failed(function))
    return failure();
  KernelsEntry entry;
  entry.function = *function;
  if (function->getNumResults() != 0 || function->getNumArguments() == 0 ||
      !function->getArgumentTypes().back().isIndex())
    return function->emitOpError("is no entry of a kernels form: expected "
                                 "buffers and the batch (index) as arguments "
                                 "and no results, but has type ")
           << function->getFunctionType();
  for (unsigned i = 0, e = function->getNumArguments(); i < e; ++i)
    if (failed(readArgument(entry, i)))
      return failure();
  if (!llvm::hasSingleElement(function->getBody()))
    return function->emitOpError("has control flow, which a launch table "
                                 "cannot hold");
  return entry;
}

namespace {
class PlanEmitter {
public:
  PlanEmitter(const KernelsEntry &entry, ConstantPool &constants)
      : entry(entry), constants(constants) {}

  FailureOr<artifact::Plan> emit();

private:
  LogicalResult emitLaunch(gpu::LaunchFuncOp launch);
  /// Reads what the launch says about its checks, whose arguments are there.
  LogicalResult emitChecks(artifact::Launch &row, gpu::LaunchFuncOp launch);
  FailureOr<Argument> emitArgument(Value value, Type parameter,
                                   gpu::LaunchFuncOp launch);
  FailureOr<BufferRef> getBuffer(Value buffer, gpu::LaunchFuncOp launch);
  /// The buffer that `base` (an argument or a constant) is.
  FailureOr<BufferRef> getBase(Value base, gpu::LaunchFuncOp launch);
  FailureOr<BufferRef> getConstant(Value constant, gpu::LaunchFuncOp launch);
  FailureOr<Extent> getExtent(Value value, gpu::LaunchFuncOp launch,
                              StringRef what);
  func::FuncOp function() { return entry.function; }
  Value getBatch() {
    return entry.function->getRegion(0).getArguments().back();
  }

  const KernelsEntry &entry;
  ConstantPool &constants;
  artifact::Plan plan;
  /// Launches so far with checks.
  uint64_t numStatusWords = 0;
  SymbolTableCollection symbols;
};
} // namespace

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

FailureOr<BufferRef> PlanEmitter::getBuffer(Value buffer,
                                            gpu::LaunchFuncOp launch) {
  FailureOr<BufferPlace> place = findBufferPlace(buffer, launch);
  if (failed(place))
    return failure();
  FailureOr<BufferRef> reference = getBase(place->base, launch);
  if (failed(reference))
    return failure();
  reference->offset += place->offset;
  reference->size = place->size;
  return reference;
}

FailureOr<BufferRef> PlanEmitter::getBase(Value base,
                                          gpu::LaunchFuncOp launch) {
  if (auto argument = dyn_cast<BlockArgument>(base))
    return entry.buffers[argument.getArgNumber()];
  if (isa<memref::GetGlobalOp, PackOp>(base.getDefiningOp()))
    return getConstant(base, launch);
  return base.getDefiningOp()->emitOpError(
      "makes a buffer that a launch table cannot hold: expected an argument, a "
      "view of the arena or a constant");
}

/// What `pack` does to a constant; the identity without a pack.
static artifact::PackedConstant makePacked(PackOp pack, uint32_t constant,
                                           ArrayRef<int64_t> dims) {
  artifact::PackedConstant packed;
  packed.constant = constant;
  if (!pack) {
    for (auto [i, extent] : llvm::enumerate(dims)) {
      packed.permutation.push_back(i);
      packed.dims.push_back(extent);
    }
    return packed;
  }
  for (int64_t dim : pack.getPermutation())
    packed.permutation.push_back(dim);
  ArrayRef<int64_t> shape =
      cast<ShapedType>(pack.getResult().getType()).getShape();
  packed.dims.assign(shape.begin(), shape.end());
  return packed;
}

FailureOr<BufferRef> PlanEmitter::getConstant(Value value,
                                              gpu::LaunchFuncOp launch) {
  auto pack = value.getDefiningOp<PackOp>();
  Value source = pack ? pack.getSource() : value;
  auto type = cast<MemRefType>(source.getType());
  // A pack may see the constant in another shape, but from its first element.
  int64_t offset = 0;
  std::optional<int64_t> span = getSpan(type, offset);
  while (Value next = getViewSource(source))
    source = next;
  auto get = source.getDefiningOp<memref::GetGlobalOp>();
  if (!get || !type.getLayout().isIdentity() ||
      span != cast<MemRefType>(source.getType()).getNumElements())
    return value.getDefiningOp()->emitOpError(
        "packs what is no constant: expected a memref.get_global, reshaped at "
        "most");
  auto global =
      symbols.lookupNearestSymbolFrom<memref::GlobalOp>(get, get.getNameAttr());
  FailureOr<uint32_t> constant = constants.add(global, type.getShape());
  if (failed(constant))
    return failure();
  artifact::PackedConstant packed =
      makePacked(pack, *constant, type.getShape());
  auto isSame = [&](const artifact::PackedConstant &known) {
    return known.constant == packed.constant &&
           known.permutation == packed.permutation && known.dims == packed.dims;
  };
  auto it = llvm::find_if(plan.packed, isSame);
  BufferRef reference;
  reference.kind = BufferRef::Kind::Constant;
  reference.index = it - plan.packed.begin();
  if (it == plan.packed.end())
    plan.packed.push_back(std::move(packed));
  return reference;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

FailureOr<Extent> PlanEmitter::getExtent(Value value, gpu::LaunchFuncOp launch,
                                         StringRef what) {
  std::string reason;
  std::optional<Extent> extent = matchExtent(value, getBatch(), reason);
  if (!extent)
    return launch.emitOpError() << what << " " << reason;
  return *extent;
}

FailureOr<Argument> PlanEmitter::emitArgument(Value value, Type parameter,
                                              gpu::LaunchFuncOp launch) {
  Argument argument;
  if (isa<LLVM::LLVMPointerType>(parameter) &&
      isa<MemRefType>(value.getType())) {
    FailureOr<BufferRef> buffer = getBuffer(value, launch);
    if (failed(buffer))
      return failure();
    argument.buffer = *buffer;
    return argument;
  }
  bool is64 = parameter.isInteger(64);
  if (parameter != value.getType() && !(is64 && value.getType().isIndex()))
    return launch.emitOpError("gives a ")
           << value.getType() << " to a kernel's parameter of type "
           << parameter;
  if (!is64 && !parameter.isInteger(32))
    return launch.emitOpError("has an argument of type ")
           << parameter << "; kernels take buffers, i32 and i64";
  FailureOr<Extent> scalar = getExtent(value, launch, "has an argument that");
  if (failed(scalar))
    return failure();
  argument.kind = is64 ? Argument::Kind::Int64 : Argument::Kind::Int32;
  argument.scalar = *scalar;
  return argument;
}

/// The op that `launch` computes, as a person would look for it.
static std::string getLaunchName(gpu::LaunchFuncOp launch) {
  if (StringRef name = getOpName(launch); !name.empty())
    return name.str();
  if (auto named = dyn_cast<NameLoc>(launch.getLoc()))
    return named.getName().str();
  return launch.getKernelName().str();
}

LogicalResult PlanEmitter::emitLaunch(gpu::LaunchFuncOp launch) {
  if (launch.hasClusterSize() || !launch.getAsyncDependencies().empty() ||
      launch.getAsyncToken())
    return launch.emitOpError("has clusters or asynchronous dependencies, "
                              "which a launch table cannot hold");
  auto kernel = symbols.lookupNearestSymbolFrom<LLVM::LLVMFuncOp>(
      launch, launch.getKernel());
  if (!kernel)
    return launch.emitOpError("starts ")
           << launch.getKernel() << ", which is no llvm.func";
  ArrayRef<Type> parameters = kernel.getArgumentTypes();
  if (parameters.size() != launch.getNumKernelOperands())
    return launch.emitOpError("has ")
           << launch.getNumKernelOperands()
           << " arguments, but its kernel takes " << parameters.size();

  artifact::Launch row;
  row.kernel = kernel.getName().str();
  row.name = getLaunchName(launch);
  gpu::KernelDim3 grid = launch.getGridSizeOperandValues();
  gpu::KernelDim3 block = launch.getBlockSizeOperandValues();
  for (auto [extent, value] :
       llvm::zip(row.grid, std::array{grid.x, grid.y, grid.z})) {
    FailureOr<Extent> size = getExtent(value, launch, "has a grid that");
    if (failed(size))
      return failure();
    extent = *size;
  }
  for (auto [extent, value] :
       llvm::zip(row.block, std::array{block.x, block.y, block.z})) {
    std::optional<int64_t> size = getConstantIntValue(value);
    if (!size || *size < 1 || *size > UINT32_MAX)
      return launch.emitOpError("has a block size that is no constant");
    extent = *size;
  }
  if (Value shared = launch.getDynamicSharedMemorySize()) {
    std::optional<int64_t> size = getConstantIntValue(shared);
    if (!size || *size < 0)
      return launch.emitOpError("has a shared memory size that is no constant");
    row.sharedBytes = *size;
  }
  for (auto [value, parameter] :
       llvm::zip(launch.getKernelOperands(), parameters)) {
    FailureOr<Argument> argument = emitArgument(value, parameter, launch);
    if (failed(argument))
      return failure();
    row.arguments.push_back(*argument);
  }
  if (failed(emitChecks(row, launch)))
    return failure();
  plan.launches.push_back(std::move(row));
  return success();
}

LogicalResult PlanEmitter::emitChecks(artifact::Launch &row,
                                      gpu::LaunchFuncOp launch) {
  if (auto checks = launch->getAttrOfType<ArrayAttr>(kChecksAttr))
    for (Attribute check : checks) {
      auto message = dyn_cast<StringAttr>(check);
      if (!message)
        return launch.emitOpError("has ")
               << kChecksAttr << " that are no strings";
      row.checks.push_back(message.str());
    }
  if (auto points = launch->getAttrOfType<IntegerAttr>(kPointsPerSampleAttr))
    row.pointsPerSample = points.getInt();
  const BufferRef *word = nullptr;
  for (const Argument &argument : row.arguments) {
    if (argument.kind != Argument::Kind::Buffer ||
        argument.buffer.kind != BufferRef::Kind::Status)
      continue;
    if (word || row.checks.empty() ||
        argument.buffer.offset != numStatusWords * kStatusWordBytes ||
        argument.buffer.size != kStatusWordBytes)
      return launch.emitOpError("takes status words that are not its own: the "
                                "n-th launch with ")
             << kChecksAttr << " takes the n-th word, and no other does";
    word = &argument.buffer;
  }
  if (row.checks.empty())
    return success();
  if (!word)
    return launch.emitOpError("has ") << kChecksAttr << " but no status word";
  if (row.checks.size() > kMaxChecks)
    return launch.emitOpError("has ")
           << row.checks.size() << " checks; at most " << kMaxChecks
           << " fit a status word";
  if (row.pointsPerSample < 0)
    return launch.emitOpError("has negative ") << kPointsPerSampleAttr;
  ++numStatusWords;
  return success();
}

FailureOr<artifact::Plan> PlanEmitter::emit() {
  plan.arenaBytes = entry.arenaBytes;
  plan.workspaceBytes = entry.workspaceBytes;
  for (Operation &op : entry.function->getRegion(0).front()) {
    if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op)) {
      if (failed(emitLaunch(launch)))
        return failure();
      continue;
    }
    // What launches are made of; looked at from there.
    bool isPart =
        isa<affine::AffineApplyOp, arith::ConstantOp, arith::IndexCastOp,
            arith::IndexCastUIOp, memref::GetGlobalOp, memref::ViewOp, PackOp,
            func::ReturnOp>(op) ||
        (op.getNumResults() == 1 && getViewSource(op.getResult(0)));
    if (!isPart)
      return op.emitOpError("is no launch: a kernels form has views, constants "
                            "and launches only");
  }
  if (entry.numStatusWords != numStatusWords)
    return function().emitOpError("has ")
           << entry.numStatusWords << " status words for " << numStatusWords
           << " launches with " << kChecksAttr;
  return std::move(plan);
}

FailureOr<artifact::Plan> mlir::qopt::emitPlan(const KernelsEntry &entry,
                                               ConstantPool &constants) {
  return PlanEmitter(entry, constants).emit();
}
