//===- Passes.h - Declarations and registration of every pass ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_DIALECT_QOPT_TRANSFORMS_PASSES_H
#define QUANTOPT_DIALECT_QOPT_TRANSFORMS_PASSES_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Statistics/WeightScales.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::qopt {

/// Which storage kinds the activations of a model may take.
enum class ActivationMode { Auto, Symmetric, Asymmetric };

/// How wide the edges that no contraction reads are stored.
enum class ActivationBits { Auto, Eight, Sixteen };

/// Whose ranges the edges of a model get.
enum class CalibrationMethod { Auto, Max, Percentile, Entropy, MSE };

#define GEN_PASS_DECL
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"

} // namespace mlir::qopt

#endif // QUANTOPT_DIALECT_QOPT_TRANSFORMS_PASSES_H
