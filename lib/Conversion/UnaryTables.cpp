//===- UnaryTables.cpp - Functions of one 8-bit value as tables *- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Conversion/UnaryTables.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/EvaluateBody.h"
#include "QuantOpt/Support/QuantMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

/// The first value of 8-bit storage; nullopt for other widths.
static std::optional<int32_t> getFirstValue(quant::UniformQuantizedType type) {
  if (type.getStorageTypeIntegralWidth() != 8 ||
      !type.getExpressedType().isF32())
    return std::nullopt;
  return type.isSigned() ? -128 : 0;
}

std::optional<UnaryTable>
mlir::qopt::buildUnaryTable(linalg::GenericOp op,
                            quant::UniformQuantizedType in,
                            quant::UniformQuantizedType out, bool divide) {
  std::optional<int32_t> first = getFirstValue(in);
  if (!first || !getFirstValue(out))
    return std::nullopt;
  auto scaleIn = static_cast<float>(in.getScale());
  auto scaleOut = static_cast<float>(out.getScale());
  auto zeroPointIn = static_cast<int32_t>(in.getZeroPoint());
  auto zeroPointOut = static_cast<int32_t>(out.getZeroPoint());
  quantmath::IntRange range{static_cast<int32_t>(out.getStorageTypeMin()),
                            static_cast<int32_t>(out.getStorageTypeMax())};
  UnaryTable table;
  for (auto [i, entry] : llvm::enumerate(table)) {
    int32_t q = *first + static_cast<int32_t>(i);
    FailureOr<double> y = evaluateUnaryBody(
        op, double(quantmath::dequantize(q, scaleIn, zeroPointIn)));
    if (failed(y))
      return std::nullopt;
    int32_t result =
        divide ? quantmath::quantizeDiv(static_cast<float>(*y), scaleOut,
                                        zeroPointOut, range)
               : quantmath::saturate(quantmath::roundHalfEven(*y / scaleOut),
                                     zeroPointOut, range);
    entry = static_cast<int8_t>(result);
  }
  return table;
}

Value mlir::qopt::buildTableLookup(OpBuilder &builder, Location loc,
                                   Value integers, const UnaryTable &table,
                                   bool unsignedIndex) {
  auto type = cast<RankedTensorType>(integers.getType());
  auto tableType =
      RankedTensorType::get({int64_t(kUnaryTableSize)}, builder.getI8Type());
  Value constant = makeConstant(
      builder, loc,
      makeConstantElements(
          tableType, std::vector<char>(table.begin(), table.end()), "table"));
  Value offset;
  if (!unsignedIndex)
    offset = arith::ConstantIndexOp::create(builder, loc, 128);
  Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                        type.getElementType());
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  auto lookup = linalg::GenericOp::create(
      builder, loc, TypeRange{type}, ValueRange{integers}, ValueRange{empty},
      {identity, identity}, iterators,
      [&](OpBuilder &body, Location loc, ValueRange args) {
        Type indexType = body.getIndexType();
        Value index;
        if (unsignedIndex) {
          index = arith::IndexCastUIOp::create(body, loc, indexType, args[0]);
        } else {
          index = arith::IndexCastOp::create(body, loc, indexType, args[0]);
          index = arith::AddIOp::create(body, loc, index, offset);
        }
        Value entry = tensor::ExtractOp::create(body, loc, constant, index);
        linalg::YieldOp::create(body, loc, entry);
      });
  return lookup.getResult(0);
}
