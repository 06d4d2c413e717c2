//===- ConstantPool.cpp - Constants of an artifact, equal ones once -*- C++
//-*-//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Target/EmitPlan.h"

#include "QuantOpt/Analysis/Constants.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace mlir::qopt;

std::optional<qopt_dtype> mlir::qopt::getRuntimeType(Type type) {
  if (type.isF16())
    return QOPT_F16;
  if (type.isBF16())
    return QOPT_BF16;
  if (type.isF32())
    return QOPT_F32;
  if (type.isF64())
    return QOPT_F64;
  if (type.isIndex())
    return QOPT_I64;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  switch (integer.getWidth()) {
  case 1:
    return QOPT_I1;
  case 8:
    return integer.isUnsigned() ? QOPT_U8 : QOPT_I8;
  case 16:
    return QOPT_I16;
  case 32:
    return QOPT_I32;
  case 64:
    return QOPT_I64;
  default:
    return std::nullopt;
  }
}

/// All elements of `attr` as kernels load them: truth values in bytes.
static FailureOr<std::vector<uint8_t>> readElements(ElementsAttr attr,
                                                    Operation *op) {
  if (failed(verifyResource(attr, [&] { return op->emitOpError(); })))
    return failure();
  auto dense = dyn_cast<DenseIntElementsAttr>(attr);
  if (dense && dense.getElementType().isInteger(1)) {
    auto values = dense.getValues<bool>();
    return std::vector<uint8_t>(values.begin(), values.end());
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    ArrayRef<char> data = resource.getRawHandle().getBlob()->getData();
    return std::vector<uint8_t>(data.begin(), data.end());
  }
  FailureOr<std::vector<char>> raw = readRawBytes(attr);
  if (failed(raw)) {
    op->emitOpError("holds a constant that cannot be stored in an artifact");
    return failure();
  }
  return std::vector<uint8_t>(raw->begin(), raw->end());
}

std::string ConstantPool::makeName(StringRef name) {
  std::string unique = name.str();
  for (unsigned i = 1; !names.insert(unique).second; ++i)
    unique = (name + "_" + Twine(i)).str();
  return unique;
}

FailureOr<uint32_t> ConstantPool::add(memref::GlobalOp global,
                                      ArrayRef<int64_t> dims) {
  auto attr = dyn_cast_or_null<ElementsAttr>(
      global.getInitialValue().value_or(Attribute()));
  if (!attr) {
    global.emitOpError("has no elements: a kernels form has constants only");
    return failure();
  }
  std::optional<qopt_dtype> dtype = getRuntimeType(attr.getElementType());
  if (!dtype) {
    global.emitOpError("cannot be stored in an artifact: element type ")
        << attr.getElementType();
    return failure();
  }
  FailureOr<std::vector<uint8_t>> elements = readElements(attr, global);
  if (failed(elements))
    return failure();

  uint64_t hash = llvm::hash_combine(
      llvm::xxh3_64bits(ArrayRef<uint8_t>(*elements)), static_cast<int>(*dtype),
      llvm::hash_combine_range(dims));
  auto [begin, end] = indices.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    const artifact::Constant &known = constants[it->second];
    if (known.dtype == *dtype && ArrayRef<int64_t>(known.dims) == dims &&
        ArrayRef(known.data, known.size) == ArrayRef(*elements))
      return it->second;
  }
  uint32_t index = constants.size();
  indices.emplace(hash, index);
  bytes.push_back(std::move(*elements));
  constants.push_back({makeName(global.getSymName()), *dtype,
                       std::vector<int64_t>(dims.begin(), dims.end()),
                       bytes.back().data(), bytes.back().size()});
  return index;
}

void ConstantPool::finish(artifact::Artifact &artifact) {
  artifact.constants = std::move(constants);
  artifact.constantData =
      std::make_shared<std::deque<std::vector<uint8_t>>>(std::move(bytes));
}
