//===- GemmLayout.cpp - Where the elements of an operand lie ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GemmLayout.h"

#include <cstring>
#include <sstream>

using namespace mlir::qopt::test;

static int64_t getExtent(const GemmCase &gemm, char dim) {
  switch (dim) {
  case 'b':
    return gemm.batch;
  case 'h':
    return gemm.heads;
  case 'm':
    return gemm.m;
  case 'n':
    return gemm.n;
  case 'i':
    return gemm.conv->images;
  case 'y':
    return gemm.conv->h.size;
  case 'x':
    return gemm.conv->w.size;
  case 'c':
    return gemm.conv->channels;
  default:
    return gemm.k;
  }
}

OperandLayout mlir::qopt::test::getLayout(const GemmCase &gemm,
                                          GemmOperand operand) {
  std::string batches = gemm.batch ? gemm.heads ? "bh" : "b" : "";
  OperandLayout layout;
  std::string given;
  char row = 'm';
  switch (operand) {
  case GemmOperand::A:
    layout.logical = gemm.conv ? "iyxc" : batches + "mk";
    given = gemm.layoutA;
    break;
  case GemmOperand::B:
    layout.logical = batches + "nk";
    given = gemm.layoutB;
    row = 'n';
    break;
  case GemmOperand::Result:
    layout.logical = batches + "mn";
    given = gemm.layoutD;
    break;
  }
  layout.dims = given.empty() ? layout.logical : given;
  std::string present;
  for (char dim : layout.logical)
    if (layout.dims.find(dim) != std::string::npos)
      present += dim;
  layout.logical = present;

  layout.offset = gemm.slack;
  size_t rank = layout.dims.size();
  layout.extents.resize(rank);
  layout.strides.resize(rank);
  for (size_t i = rank; i-- > 0;) {
    if (layout.dims[i] == row)
      layout.size += gemm.slack;
    layout.extents[i] = getExtent(gemm, layout.dims[i]);
    layout.strides[i] = layout.size;
    layout.size *= layout.extents[i];
  }
  layout.size += gemm.slack;
  return layout;
}

std::vector<uint8_t> OperandLayout::toMemory(const std::vector<uint8_t> &bytes,
                                             int64_t elementBytes,
                                             uint8_t filler) const {
  std::vector<uint8_t> memory(size * elementBytes, filler);
  int64_t count = static_cast<int64_t>(bytes.size()) / elementBytes;
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, position = offset;
    for (size_t d = logical.size(); d-- > 0;) {
      size_t dim = dims.find(logical[d]);
      position += rest % extents[dim] * strides[dim];
      rest /= extents[dim];
    }
    memcpy(&memory[position * elementBytes], &bytes[i * elementBytes],
           elementBytes);
  }
  return memory;
}

std::string OperandLayout::printMap(const std::string &loops) const {
  std::ostringstream os;
  auto list = [&](const std::string &names) {
    for (size_t i = 0; i < names.size(); ++i)
      os << (i ? ", " : "") << names[i];
  };
  os << "affine_map<(";
  list(loops);
  os << ") -> (";
  list(dims);
  os << ")>";
  return os.str();
}

std::string OperandLayout::printStrides() const {
  if (offset == 0)
    return "";
  std::ostringstream os;
  os << ", strided<[";
  for (size_t i = 0; i < strides.size(); ++i)
    os << (i ? ", " : "") << strides[i];
  os << "], offset: " << offset << '>';
  return os.str();
}
