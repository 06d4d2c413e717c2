//===- LoopsCost.h - How long loops take with a configuration --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The configurations of `qopt.loops` and an estimate by which one of them is
// chosen: bytes that move once, instructions, accesses to L1, and the latency
// of what one thread does after another. As for gemms (CostModel.h) nothing is
// run or searched. docs/Kernels.md states the formulas.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_KERNELS_LOOPSCOST_H
#define QUANTOPT_KERNELS_LOOPSCOST_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Kernels/ChipInfo.h"

namespace mlir::qopt {

/// What limits the estimated time.
enum class LoopsBound {
  Memory,  ///< bytes that come from and go to DRAM once
  Issue,   ///< instructions
  F64,     ///< double precision, which functions are expanded to
  L1,      ///< accesses that are not contiguous between threads
  Latency, ///< steps that wait for each other: too few threads
};
StringRef stringifyLoopsBound(LoopsBound bound);

struct LoopsCost {
  /// Without the launch.
  double microseconds = 0;
  /// Blocks divided by those that all multiprocessors run at once.
  double waves = 0;
  /// Each element once.
  int64_t bytesRead = 0, bytesWritten = 0;
  /// Scalar operations on elements, as often as they are computed; a dp4a is
  /// one.
  int64_t operations = 0;
  LoopsBound bound = LoopsBound::Latency;
};

/// Of loops on tensors or buffers. `config` must fit them. Fails, with an error
/// at the op, where kernels cannot have its operands.
FailureOr<LoopsCost> estimateLoops(LoopsOp op, LoopsConfigAttr config,
                                   const ChipInfo &chip);

/// Every configuration that can compute the loops, in the order that decides
/// between equal costs; at least one.
FailureOr<SmallVector<LoopsConfigAttr>> getLoopsCandidates(LoopsOp op);

/// The candidate with the least estimated time. For `depthwise` the weights
/// must be a constant that packLoopsWeights can lay out.
FailureOr<LoopsConfigAttr> selectLoopsConfig(LoopsOp op, const ChipInfo &chip);

/// Checks that `config` can compute the loops. Weights of `depthwise` need not
/// be packed yet.
LogicalResult verifyLoopsConfig(LoopsOp op, LoopsConfigAttr config);

/// Replaces the constant weights of a depthwise convolution on tensors by a
/// `qopt.pack` of them, as its kernel reads them.
void packLoopsWeights(LoopsOp op);

} // namespace mlir::qopt

#endif // QUANTOPT_KERNELS_LOOPSCOST_H
