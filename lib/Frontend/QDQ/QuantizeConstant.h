//===- QuantizeConstant.h - Quantized constants of producers ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_QDQ_QUANTIZECONSTANT_H
#define QUANTOPT_LIB_FRONTEND_QDQ_QUANTIZECONSTANT_H

#include "QuantOpt/Conversion/QuantizedParameters.h"

namespace mlir::qopt {

/// The integers of `shape` that quantizing `values` gives, dividing by the
/// scale or multiplying by its reciprocal.
ElementsAttr quantizeConstant(MLIRContext *context, ArrayRef<float> values,
                              ArrayRef<int64_t> shape,
                              const QuantizedParameters &parameters,
                              bool divides);

/// A constant with the same real values in the form that integer contractions
/// take: signed with zero points 0, where differences to the zero points fit
/// 8 bits, and limits no wider than the values need. Failure where no type
/// holds the parameters, or for constants that cannot be read.
FailureOr<QuantizedConstant>
normalizeConstant(ElementsAttr integers, const QuantizedParameters &parameters);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_QDQ_QUANTIZECONSTANT_H
