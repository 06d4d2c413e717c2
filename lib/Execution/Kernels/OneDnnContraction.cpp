//===- OneDnnContraction.cpp - Contractions through oneDNN's matmul -------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// oneDNN's matmul is fast where each matrix has one dimension of stride 1, its
// output the last one, and its int8 weights (the right operand) are s8. A spec
// is brought there by exchanging its operands (which transposes the output) or
// by copies. A constant right operand is packed once.
//
//===----------------------------------------------------------------------===//

#include "OneDnnSupport.h"

namespace mlir::qopt::cpu {
namespace {

using Dims = dnnl::memory::dims;

/// A matrix (per batch) as oneDNN sees it, and the copy that brings it there.
struct Matrix {
  dnnl::memory::desc desc;
  std::vector<CopyDim> toDense; ///< Empty: the operand is used where it is.
  size_t denseElements = 0;
};

/// One contraction through one matmul primitive.
class OneDnnContraction : public Kernel {
public:
  OneDnnContraction(const ContractionSpec &spec, bool swapped);

  void run(const void *lhs, const void *rhs, void *out) const override;
  const char *implementation() const override { return name.c_str(); }
  bool isReference() const { return name.find("ref") != std::string::npos; }

private:
  ContractionSpec spec;
  bool swapped;
  Matrix lhs, rhs, out;
  /// Whether the primitive itself adds to the output.
  bool addsInPlace = false;
  std::unique_ptr<PackedOperand> weights;
  std::unique_ptr<ReentrantPrimitive> primitive;
  std::string name;
};

} // namespace

/// Whether (rows, cols) with these strides is a plain matrix: one stride is 1
/// and the other reaches over it. `columnMajor` allows the first one to be 1.
static bool isPlain(int64_t rows, int64_t cols, int64_t rowStride,
                    int64_t colStride, bool columnMajor) {
  bool rowMajorOk =
      (cols == 1 || colStride == 1) && (rows == 1 || rowStride >= cols);
  bool columnMajorOk =
      (rows == 1 || rowStride == 1) && (cols == 1 || colStride >= rows);
  return rowMajorOk || (columnMajor && columnMajorOk);
}

/// Describes batch x rows x cols with `strides`; dense row-major after a copy
/// where oneDNN has no fast path for these strides.
static Matrix describe(ElementType type, int64_t batch, int64_t rows,
                       int64_t cols, const int64_t strides[3],
                       bool columnMajor) {
  Matrix result;
  int64_t rowStride = strides[1], colStride = strides[2];
  int64_t batchStride = strides[0];
  if (isPlain(rows, cols, rowStride, colStride, columnMajor)) {
    // Extents of 1 have stride 0 here; oneDNN wants a matrix all the same.
    if (cols == 1)
      colStride = 1;
    if (rows == 1)
      rowStride = colStride == 1 ? cols : 1;
  } else {
    int64_t copies = batchStride ? batch : 1;
    result.toDense = {{copies, batchStride, rows * cols},
                      {rows, rowStride, cols},
                      {cols, colStride, 1}};
    result.denseElements = static_cast<size_t>(copies * rows * cols);
    rowStride = cols;
    colStride = 1;
    batchStride = batchStride ? rows * cols : 0;
  }
  if (batch == 1) {
    result.desc = dnnl::memory::desc(Dims{rows, cols}, oneDnnType(type),
                                     Dims{rowStride, colStride});
  } else {
    int64_t extent = batchStride ? batch : 1; // 1 broadcasts.
    int64_t stride = batchStride ? batchStride : rows * cols;
    result.desc = dnnl::memory::desc(Dims{extent, rows, cols}, oneDnnType(type),
                                     Dims{stride, rowStride, colStride});
  }
  return result;
}

OneDnnContraction::OneDnnContraction(const ContractionSpec &spec, bool swapped)
    : spec(spec), swapped(swapped) {
  SingleThreaded singleThreaded;
  ElementType outType = resultType(spec.lhsType);
  lhs = describe(spec.lhsType, spec.batch, spec.m, spec.k, spec.lhsStrides,
                 /*columnMajor=*/true);
  rhs = describe(spec.rhsType, spec.batch, spec.k, spec.n, spec.rhsStrides,
                 /*columnMajor=*/true);
  out = describe(outType, spec.batch, spec.m, spec.n, spec.outStrides,
                 /*columnMajor=*/false);

  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attr.set_fpmath_mode(dnnl::fpmath_mode::strict);
  // oneDNN's sum goes through f32, which is not exact for s32.
  addsInPlace =
      spec.accumulate && out.toDense.empty() && outType == ElementType::F32;
  if (addsInPlace) {
    dnnl::post_ops ops;
    ops.append_sum(1.0f);
    attr.set_post_ops(ops);
  }
  dnnl::memory::desc weightsDesc = rhs.desc;
  if (spec.rhsConstant)
    weightsDesc = dnnl::memory::desc(rhs.desc.dims(), oneDnnType(spec.rhsType),
                                     dnnl::memory::format_tag::any);
  dnnl::matmul::primitive_desc desc(
      dnnl::matmul::desc(lhs.desc, weightsDesc, out.desc), attr,
      oneDnnEngine());
  name = std::string("onednn:") + desc.impl_info_str();
  if (isReference())
    return;
  weights = std::make_unique<PackedOperand>(spec.rhsType, spec.rhsConstant,
                                            rhs.toDense, rhs.desc,
                                            desc.weights_desc());
  primitive = std::make_unique<ReentrantPrimitive>(
      dnnl::matmul(desc), desc.scratchpad_desc(),
      std::initializer_list<ReentrantPrimitive::Argument>{
          {DNNL_ARG_SRC, lhs.desc},
          {DNNL_ARG_WEIGHTS, desc.weights_desc()},
          {DNNL_ARG_DST, out.desc}});
}

void OneDnnContraction::run(const void *lhsData, const void *rhsData,
                            void *outData) const try {
  SingleThreaded singleThreaded;
  if (swapped)
    std::swap(lhsData, rhsData);
  if (!lhs.toDense.empty()) {
    void *copy =
        scratch(ScratchSlot::Lhs, lhs.denseElements * byteWidth(spec.lhsType));
    copyStrided(lhs.toDense, byteWidth(spec.lhsType), lhsData, copy);
    lhsData = copy;
  }
  // Sums that oneDNN cannot leave in place are made apart, densely.
  bool direct = out.toDense.empty() && (!spec.accumulate || addsInPlace);
  void *sums = outData;
  if (!direct)
    sums = scratch(ScratchSlot::Out, out.desc.get_size());
  primitive->execute(
      {const_cast<void *>(lhsData), weights->get(rhsData), sums});
  if (direct)
    return;
  // Both sides of the way back: as described to oneDNN, and as specified.
  const auto &strides = out.desc.data.format_desc.blocking.strides;
  size_t rank = out.desc.dims().size();
  std::vector<CopyDim> back = {
      {spec.batch, rank == 3 ? strides[0] : 0, spec.outStrides[0]},
      {spec.m, strides[rank - 2], spec.outStrides[1]},
      {spec.n, strides[rank - 1], spec.outStrides[2]}};
  if (spec.accumulate)
    addStrided(back, resultType(spec.lhsType), sums, outData);
  else
    copyStrided(back, byteWidth(resultType(spec.lhsType)), sums, outData);
} catch (const std::exception &error) {
  fatal(error.what());
}

/// Whether the problem suits oneDNN better with its operands exchanged.
static bool shouldSwap(const ContractionSpec &spec) {
  auto outIsPlain = [](const ContractionSpec &s) {
    return isPlain(s.m, s.n, s.outStrides[1], s.outStrides[2],
                   /*columnMajor=*/false);
  };
  ContractionSpec swapped = swapOperands(spec);
  if (outIsPlain(spec) != outIsPlain(swapped))
    return outIsPlain(swapped);
  if (spec.lhsConstant != spec.rhsConstant)
    return spec.lhsConstant;             // Only the right operand is packed.
  return spec.n < spec.m && spec.n == 1; // Vectors go left: n fills lanes.
}

std::unique_ptr<Kernel>
createOneDnnContraction(const ContractionSpec &given) try {
  ContractionSpec spec = foldBatch(given);
  bool isInteger = spec.lhsType != ElementType::F32;
  bool swap = shouldSwap(spec);
  if (isInteger) {
    // Weights are s8. Where only one operand is, that decides.
    if (spec.lhsType == ElementType::U8 && spec.rhsType == ElementType::U8)
      return nullptr;
    if (spec.lhsType != spec.rhsType)
      swap = spec.lhsType == ElementType::S8;
  }
  if (swap)
    spec = swapOperands(spec);
  auto kernel = std::make_unique<OneDnnContraction>(spec, swap);
  if (kernel->isReference())
    return nullptr;
  return kernel;
} catch (const std::exception &) {
  return nullptr; // No such primitive; others take over.
}

} // namespace mlir::qopt::cpu
