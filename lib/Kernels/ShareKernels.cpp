//===- ShareKernels.cpp - One kernel for layers of other scales -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels are compared by a hash of all that is in them but the values of f32
// constants, in the order of the code.
//
//===----------------------------------------------------------------------===//
#include "ShareKernels.h"

#include "DeviceBuilder.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_sha1_ostream.h"

using namespace mlir;
using namespace mlir::qopt;

/// Parameters that a kernel may get: they are in constant memory, but each
/// takes a register while it is used.
static constexpr size_t kMaxParameters = 24;

namespace {
/// A kernel without its scales.
struct KernelSkeleton {
  LLVM::LLVMFuncOp kernel;
  /// Constants that may differ, in the order of the code.
  SmallVector<arith::ConstantOp> constants;
  SmallVector<uint32_t> bits;
};
} // namespace

/// A finite f32 constant that is no integer: a scale, not a bound.
static bool isScale(arith::ConstantOp op) {
  auto attr = dyn_cast<FloatAttr>(op.getValue());
  if (!attr || !attr.getType().isF32())
    return false;
  APFloat value = attr.getValue();
  return value.isFinite() && !value.isInteger();
}

static uint32_t getBits(arith::ConstantOp op) {
  return cast<FloatAttr>(op.getValue())
      .getValue()
      .bitcastToAPInt()
      .getZExtValue();
}

namespace {
/// Feeds the code of a kernel to a hash.
class SkeletonHasher {
public:
  std::string hash(KernelSkeleton &skeleton) {
    os << skeleton.kernel.getFunctionType();
    if (auto attributes = skeleton.kernel.getArgAttrsAttr())
      os << attributes;
    for (NamedAttribute attribute : skeleton.kernel->getDiscardableAttrs())
      if (attribute.getName() != kKernelKeyAttr)
        os << attribute.getName() << attribute.getValue();
    add(skeleton.kernel.getBody(), skeleton);
    std::array<uint8_t, 20> sha1 = os.sha1();
    return std::string(sha1.begin(), sha1.end());
  }

private:
  void number(ValueRange values) {
    for (Value value : values) {
      numbers.try_emplace(value, numbers.size());
      os << value.getType() << ',';
    }
  }

  void add(Region &region, KernelSkeleton &skeleton) {
    for (Block &block : region) {
      os << '{';
      number(block.getArguments());
      for (Operation &op : block)
        add(op, skeleton);
      os << '}';
    }
  }

  void add(Operation &op, KernelSkeleton &skeleton) {
    os << op.getName() << '(';
    for (Value operand : op.getOperands())
      os << numbers.lookup(operand) << ' ';
    auto constant = dyn_cast<arith::ConstantOp>(op);
    if (constant && isScale(constant)) {
      os << "scale";
      skeleton.constants.push_back(constant);
      skeleton.bits.push_back(getBits(constant));
    } else {
      // The same attribute is the same object in one context.
      os << op.getAttrDictionary().getAsOpaquePointer();
      os << op.getPropertiesAsAttribute().getAsOpaquePointer();
    }
    os << ')';
    number(op.getResults());
    for (Region &region : op.getRegions())
      add(region, skeleton);
  }

  llvm::raw_sha1_ostream os;
  DenseMap<Value, unsigned> numbers;
};
} // namespace

/// Gives `kernel` an i32 parameter at the end; the value as f32.
static Value addParameter(LLVM::LLVMFuncOp kernel) {
  OpBuilder builder(kernel.getContext());
  Type i32 = builder.getI32Type();
  auto type = kernel.getFunctionType();
  SmallVector<Type> parameters(type.getParams());
  parameters.push_back(i32);
  kernel.setFunctionType(
      LLVM::LLVMFunctionType::get(type.getReturnType(), parameters));
  if (ArrayAttr attributes = kernel.getArgAttrsAttr()) {
    SmallVector<Attribute> all(attributes.getValue());
    all.push_back(builder.getDictionaryAttr({}));
    kernel.setArgAttrsAttr(builder.getArrayAttr(all));
  }
  Block &block = kernel.getBody().front();
  Value argument = block.addArgument(i32, kernel.getLoc());
  builder.setInsertionPointToStart(&block);
  return arith::BitcastOp::create(builder, kernel.getLoc(),
                                  builder.getF32Type(), argument);
}

/// Makes the first kernel that of all. Returns, for each kernel, the arguments
/// that its launches get.
static SmallVector<SmallVector<uint32_t>>
parametrize(ArrayRef<KernelSkeleton> kernels) {
  const KernelSkeleton &shared = kernels.front();
  // Occurrences that have the same value in every kernel are one parameter.
  llvm::MapVector<SmallVector<uint32_t>, SmallVector<size_t>> columns;
  for (size_t i = 0; i < shared.constants.size(); ++i) {
    SmallVector<uint32_t> column;
    for (const KernelSkeleton &kernel : kernels)
      column.push_back(kernel.bits[i]);
    if (!llvm::all_equal(column))
      columns[column].push_back(i);
  }
  if (columns.size() > kMaxParameters)
    return {};
  SmallVector<SmallVector<uint32_t>> arguments(kernels.size());
  for (auto &[column, occurrences] : columns) {
    Value parameter = addParameter(shared.kernel);
    for (size_t i : occurrences) {
      arith::ConstantOp constant = shared.constants[i];
      constant.getResult().replaceAllUsesWith(parameter);
      constant.erase();
    }
    for (auto [list, bits] : llvm::zip(arguments, column))
      list.push_back(bits);
  }
  return arguments;
}

void mlir::qopt::shareKernels(gpu::GPUModuleOp kernels, func::FuncOp entry) {
  SmallVector<SmallVector<KernelSkeleton>> groups;
  llvm::StringMap<size_t> groupOfHash;
  for (auto kernel : kernels.getOps<LLVM::LLVMFuncOp>()) {
    if (kernel.isExternal())
      continue;
    KernelSkeleton skeleton{kernel, {}, {}};
    auto [it, isNew] =
        groupOfHash.try_emplace(SkeletonHasher().hash(skeleton), groups.size());
    if (isNew)
      groups.emplace_back();
    groups[it->second].push_back(std::move(skeleton));
  }

  /// By the name of a kernel: the one that replaces it, and its arguments.
  llvm::StringMap<std::pair<StringAttr, SmallVector<uint32_t>>> replaced;
  SmallVector<LLVM::LLVMFuncOp> unused;
  for (ArrayRef<KernelSkeleton> group : groups) {
    if (group.size() == 1)
      continue;
    auto arguments = parametrize(group);
    if (arguments.empty())
      continue;
    for (auto [i, skeleton] : llvm::enumerate(group)) {
      LLVM::LLVMFuncOp kernel = skeleton.kernel;
      LLVM::LLVMFuncOp shared = group.front().kernel;
      replaced[kernel.getName()] = {shared.getNameAttr(), arguments[i]};
      if (i != 0)
        unused.push_back(kernel);
    }
  }
  for (auto launch : entry.getOps<gpu::LaunchFuncOp>()) {
    auto it = replaced.find(launch.getKernelName().getValue());
    if (it == replaced.end())
      continue;
    auto &[name, bits] = it->second;
    OpBuilder builder(launch);
    SmallVector<Value> scales;
    for (uint32_t value : bits)
      scales.push_back(arith::ConstantIntOp::create(
          builder, launch.getLoc(), builder.getI32Type(),
          static_cast<int32_t>(value)));
    launch.getKernelOperandsMutable().append(scales);
    launch.setKernelAttr(SymbolRefAttr::get(launch.getKernelModuleName(),
                                            FlatSymbolRefAttr::get(name)));
  }
  for (LLVM::LLVMFuncOp kernel : unused)
    kernel.erase();
}
