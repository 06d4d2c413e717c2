//===- GemmLayout.h - Where the elements of an operand lie -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The operands of a GemmCase are computed in logical order: batches b, heads h
// (a second batch), rows m or columns n, then k or n. In memory their dims may
// be in another order, and rows may be further apart than they are long, as in
// a slice of a larger tensor. Dims are named by these letters; those of the
// image that a convolution has as a are i (images), y, x and c (channels).
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_KERNELS_GEMMLAYOUT_H
#define QUANTOPT_TEST_KERNELS_GEMMLAYOUT_H

#include "GemmCase.h"

namespace mlir::qopt::test {

enum class GemmOperand { A, B, Result };

struct OperandLayout {
  /// In logical order, of the dims that the operand has: "bhmk".
  std::string logical;
  /// In the order of memory, with the extents and element strides of these.
  std::string dims;
  std::vector<int64_t> extents, strides;
  /// Of the first element, and elements of the memory in all.
  int64_t offset = 0, size = 1;

  /// `bytes` of elements in logical order, each of `elementBytes`, at their
  /// places; other bytes are `filler`.
  std::vector<uint8_t> toMemory(const std::vector<uint8_t> &bytes,
                                int64_t elementBytes, uint8_t filler) const;
  /// "bhmk" in brackets.
  std::string printMap(const std::string &loops) const;
  /// "strided<...>" with its comma, empty if there is nothing to say.
  std::string printStrides() const;
};

OperandLayout getLayout(const GemmCase &gemm, GemmOperand operand);

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_KERNELS_GEMMLAYOUT_H
