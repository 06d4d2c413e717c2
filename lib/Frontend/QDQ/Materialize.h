//===- Materialize.h - Values inside of bodies as tensors -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_QDQ_MATERIALIZE_H
#define QUANTOPT_LIB_FRONTEND_QDQ_MATERIALIZE_H

#include "ScalarWalk.h"

namespace mlir::qopt {

/// The tensor of which `scalar` is an element: an operand read at the index of
/// the loops, the result of the generic, or a new generic in front of it that
/// computes this far.
Value materialize(Scalar scalar);

/// Splits elementwise generics, of which fusion has made one body, so that
/// every dequantized value and everything that is quantized is a tensor of its
/// own.
void isolateQDQ(Operation *root);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_QDQ_MATERIALIZE_H
