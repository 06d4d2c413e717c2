//===- TestDialect.cpp - A third party's quantizable op, as a plugin ------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What another project writes to have its op quantized: the interface's methods
// and nothing else. Loaded into the driver with --load-dialect-plugin.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"

#include "TestQDialect.h.inc"
#define GET_OP_CLASSES
#include "TestQOps.h.inc"

#include "TestQDialect.cpp.inc"
#define GET_OP_CLASSES
#include "TestQOps.cpp.inc"

using namespace mlir;
using namespace test_q;

void TestQDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "TestQOps.cpp.inc"
      >();
}

qopt::OperandRole DenseOp::getOperandRole(unsigned index) {
  return index == 0 ? qopt::OperandRole::Activation : qopt::OperandRole::Weight;
}

/// The rows of w are the columns of the result.
SmallVector<int64_t> DenseOp::getWeightChannelDims(unsigned) { return {0}; }
SmallVector<int64_t> DenseOp::getResultChannelDims() { return {1}; }

int64_t DenseOp::getReductionSize() { return getX().getType().getDimSize(1); }

Value DenseOp::buildIntegerAccumulator(OpBuilder &builder, Value activation,
                                       bool activationUnsigned, Value weight) {
  if (getNoIntegerForm()) {
    emitOpError("has no integer form");
    return {};
  }
  Type type = getType().clone(builder.getI32Type());
  return IntegerDenseOp::create(builder, getLoc(), type, activation, weight,
                                activationUnsigned);
}

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "TestQ", "1",
          [](DialectRegistry *registry) { registry->insert<TestQDialect>(); }};
}
