//===- Bufferization.cpp - Kernel ops from tensors to buffers --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Kernels/Bufferization.h"

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/IR/DialectRegistry.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::bufferization;

namespace {
/// A kernel op reads its inputs and overwrites its inits.
template <typename KernelOp>
struct KernelModel
    : public DstBufferizableOpInterfaceExternalModel<KernelModel<KernelOp>,
                                                     KernelOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<KernelOp>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *operation, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto op = cast<KernelOp>(operation);
    if (op.hasPureBufferSemantics())
      return success();
    SmallVector<Value> buffers;
    for (Value operand : op->getOperands()) {
      if (!isa<TensorType>(operand.getType()))
        return op.emitOpError("mixes tensors and buffers");
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      buffers.push_back(*buffer);
    }
    auto onBuffers = KernelOp::create(rewriter, op.getLoc(), TypeRange(),
                                      buffers, op->getAttrs());
    onBuffers.getBody().takeBody(op.getBody());
    replaceOpWithBufferizedValues(
        rewriter, op, ArrayRef(buffers).take_back(op.getNumDpsInits()));
    return success();
  }
};

struct PackModel
    : public BufferizableOpInterface::ExternalModel<PackModel, PackOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &,
                              const AnalysisState &) const {
    return true;
  }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &,
                               const AnalysisState &) const {
    return false;
  }
  AliasingValueList getAliasingValues(Operation *, OpOperand &,
                                      const AnalysisState &) const {
    return {};
  }
  /// Made once, when a model is loaded, and read by every run.
  bool isWritable(Operation *, Value, const AnalysisState &) const {
    return false;
  }

  LogicalResult bufferize(Operation *operation, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto op = cast<PackOp>(operation);
    if (!isa<TensorType>(op.getSource().getType()))
      return success();
    FailureOr<Value> source =
        getBuffer(rewriter, op.getSource(), options, state);
    if (failed(source))
      return failure();
    auto type = cast<RankedTensorType>(op.getResult().getType());
    replaceOpWithNewBufferizedOp<PackOp>(
        rewriter, op, MemRefType::get(type.getShape(), type.getElementType()),
        *source, op.getPermutation());
    return success();
  }
};
} // namespace

void qopt::registerKernelBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, QOptDialect *) {
    GemmOp::attachInterface<KernelModel<GemmOp>>(*context);
    LoopsOp::attachInterface<KernelModel<LoopsOp>>(*context);
    PackOp::attachInterface<PackModel>(*context);
  });
}
