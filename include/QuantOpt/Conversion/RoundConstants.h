//===- RoundConstants.h - What fits into 16-bit floats ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CONVERSION_ROUNDCONSTANTS_H
#define QUANTOPT_CONVERSION_ROUNDCONSTANTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include <string>

namespace mlir::qopt {

/// Why numbers from `low` to `high` cannot be stored as `type` (f16 or bf16),
/// as the end of a sentence; empty if they can. Numbers whose largest is nearly
/// subnormal would lose what f16 promises.
std::string describeMisfit(double low, double high, FloatType type);

/// The same of numbers that are only known to lie in between.
std::string describeBoundMisfit(double low, double high, FloatType type);

/// The f32 constant `elements`, each rounded to `type`. Null where a finite
/// element would become infinite or all would be nearly subnormal, or where the
/// data cannot be read; `misfit` then says why.
ElementsAttr roundConstant(ElementsAttr elements, FloatType type,
                           std::string &misfit);

} // namespace mlir::qopt

#endif // QUANTOPT_CONVERSION_ROUNDCONSTANTS_H
