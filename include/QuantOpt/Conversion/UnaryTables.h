//===- UnaryTables.h - Functions of one 8-bit value as tables --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Between an 8-bit and an 8-bit edge a unary function has 256 values. They are
// computed once, in f64 (docs/Numerics.md), whatever the function costs.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CONVERSION_UNARYTABLES_H
#define QUANTOPT_CONVERSION_UNARYTABLES_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"

#include <array>
#include <optional>

namespace mlir::qopt {

inline constexpr size_t kUnaryTableSize = 256;
/// The result's storage for each value of the argument's storage, in increasing
/// order of that (-128 .. 127, or 0 .. 255 for u8). Results of u8 types have
/// the bits of their value.
using UnaryTable = std::array<int8_t, kUnaryTableSize>;

/// Where `op` computes a function f of one run-time value (and constants that
/// are the same for all elements): the table of f between the types `in` and
/// `out`, both 8 bits wide,
///
///   T[q] = clamp(rne(f(D(q)) / s) + z),
///
/// with D(q) in f32, f and the division in f64. With `divide`, for results that
/// an imported model quantizes by division, f is rounded to f32 first and the
/// division is that of f32, as in ONNX. A NaN gives the zero point. Nullopt for
/// other types and for ops whose body cannot be evaluated.
std::optional<UnaryTable> buildUnaryTable(linalg::GenericOp op,
                                          quant::UniformQuantizedType in,
                                          quant::UniformQuantizedType out,
                                          bool divide = false);

/// An elementwise op that looks up each element of `integers`, an i8 tensor, in
/// `table`; `unsignedIndex`: the elements are u8. The result has its shape.
Value buildTableLookup(OpBuilder &builder, Location loc, Value integers,
                       const UnaryTable &table, bool unsignedIndex);

} // namespace mlir::qopt

#endif // QUANTOPT_CONVERSION_UNARYTABLES_H
