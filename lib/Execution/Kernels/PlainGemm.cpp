//===- PlainGemm.cpp - Our own implicit matrix products -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The right operand is packed into panels of the micro kernel's width (once
// where it is constant). The left operand is gathered a few rows at a time into
// a dense block that stays in the second-level cache, integers widened to 16
// bits, and meets every panel there.
//
//===----------------------------------------------------------------------===//

#include "Plain.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

namespace mlir::qopt::cpu {

//===----------------------------------------------------------------------===//
// ImplicitGemm
//===----------------------------------------------------------------------===//

int64_t ImplicitGemm::rowCount() const {
  int64_t count = 1;
  for (const RowDim &dim : rows)
    count *= dim.extent;
  return count;
}

int64_t ImplicitGemm::sumCount() const {
  int64_t count = 1;
  for (const SumDim &dim : sums)
    count *= dim.extent;
  return count;
}

int64_t ImplicitGemm::runLength() const {
  int64_t run = 1;
  for (size_t d = sums.size(); d-- > 0;) {
    if (sums[d].extent != 1 && sums[d].lhsStride != run)
      break;
    run *= sums[d].extent;
  }
  return run;
}

/// Drops extents of 1 and merges neighbours that both strides let merge.
static void mergeRows(std::vector<ImplicitGemm::RowDim> &rows) {
  std::vector<ImplicitGemm::RowDim> merged;
  for (const ImplicitGemm::RowDim &dim : rows) {
    if (dim.extent == 1)
      continue;
    if (!merged.empty() &&
        merged.back().lhsStride == dim.extent * dim.lhsStride &&
        merged.back().outStride == dim.extent * dim.outStride)
      merged.back() = {merged.back().extent * dim.extent, dim.lhsStride,
                       dim.outStride};
    else
      merged.push_back(dim);
  }
  if (merged.empty())
    merged.push_back({1, 0, 0});
  rows = std::move(merged);
}

ImplicitGemm toImplicitGemm(const ContractionSpec &given) {
  ContractionSpec spec = foldBatch(given);
  // Columns come in panels, rows one by one: few columns make better rows.
  bool swapped = spec.n < spec.m && spec.n < 8;
  if (swapped)
    spec = swapOperands(spec);
  ImplicitGemm gemm;
  gemm.swapped = swapped;
  gemm.lhsType = spec.lhsType;
  gemm.rhsType = spec.rhsType;
  gemm.groups = spec.batch;
  gemm.lhsGroup = spec.lhsStrides[0];
  gemm.rhsGroup = spec.rhsStrides[0];
  gemm.outGroup = spec.outStrides[0];
  gemm.rows = {{spec.m, spec.lhsStrides[1], spec.outStrides[1]}};
  gemm.sums = {{spec.k, spec.lhsStrides[2], spec.rhsStrides[1]}};
  gemm.n = spec.n;
  gemm.rhsStride = spec.rhsStrides[2];
  gemm.outStride = spec.outStrides[2];
  gemm.accumulate = spec.accumulate;
  gemm.rhsConstant = spec.rhsConstant;
  return gemm;
}

ImplicitGemm toImplicitGemm(const ConvolutionSpec &spec) {
  ImplicitGemm gemm;
  gemm.lhsType = spec.inputType;
  gemm.rhsType = spec.filterType;
  gemm.groups = spec.groups;
  gemm.lhsGroup = spec.inputStrides.group;
  gemm.rhsGroup = spec.filterStrides.group;
  gemm.outGroup = spec.outputStrides.group;
  gemm.rows = {{spec.batch, spec.inputStrides.outer, spec.outputStrides.outer}};
  for (unsigned d = 0; d < spec.rank; ++d) {
    gemm.rows.push_back({spec.outputSize[d],
                         spec.inputStrides.spatial[d] * spec.strides[d],
                         spec.outputStrides.spatial[d]});
    gemm.sums.push_back({spec.kernelSize[d],
                         spec.inputStrides.spatial[d] * spec.dilations[d],
                         spec.filterStrides.spatial[d]});
  }
  mergeRows(gemm.rows);
  gemm.sums.push_back({spec.inputChannels, spec.inputStrides.channel,
                       spec.filterStrides.channel});
  gemm.n = spec.outputChannels;
  gemm.rhsStride = spec.filterStrides.outer;
  gemm.outStride = spec.outputStrides.channel;
  gemm.accumulate = spec.accumulate;
  gemm.rhsConstant = spec.filterConstant;
  return gemm;
}

void rowOffsets(const ImplicitGemm &gemm, int64_t first, int64_t count,
                int64_t *lhs, int64_t *out) {
  constexpr size_t kMaxDims = 8;
  int64_t index[kMaxDims];
  int64_t lhsOffset = 0, outOffset = 0, rest = first;
  for (size_t d = gemm.rows.size(); d-- > 0;) {
    const ImplicitGemm::RowDim &dim = gemm.rows[d];
    index[d] = rest % dim.extent;
    rest /= dim.extent;
    lhsOffset += index[d] * dim.lhsStride;
    outOffset += index[d] * dim.outStride;
  }
  for (int64_t i = 0; i < count; ++i) {
    lhs[i] = lhsOffset;
    out[i] = outOffset;
    for (size_t d = gemm.rows.size(); d-- > 0;) {
      const ImplicitGemm::RowDim &dim = gemm.rows[d];
      lhsOffset += dim.lhsStride;
      outOffset += dim.outStride;
      if (++index[d] < dim.extent)
        break;
      lhsOffset -= dim.extent * dim.lhsStride;
      outOffset -= dim.extent * dim.outStride;
      index[d] = 0;
    }
  }
}

std::vector<int64_t> sumOffsets(const ImplicitGemm &gemm, bool rhs) {
  std::vector<int64_t> offsets = {0};
  for (const ImplicitGemm::SumDim &dim : gemm.sums) {
    std::vector<int64_t> next;
    next.reserve(offsets.size() * dim.extent);
    for (int64_t offset : offsets)
      for (int64_t i = 0; i < dim.extent; ++i)
        next.push_back(offset + i * (rhs ? dim.rhsStride : dim.lhsStride));
    offsets = std::move(next);
  }
  return offsets;
}

//===----------------------------------------------------------------------===//
// PlainGemm
//===----------------------------------------------------------------------===//

namespace {

/// What differs between integers and floats.
struct IntegerTypes {
  using Packed = int16_t;
  using Sum = uint32_t; // Unsigned: additions wrap.
};
struct FloatTypes {
  using Packed = float;
  using Sum = float;
};

template <typename Types> class PlainGemm : public Kernel {
  using Packed = typename Types::Packed;
  using Sum = typename Types::Sum;

public:
  PlainGemm(ImplicitGemm given, const MicroKernel &micro);

  void run(const void *lhs, const void *rhs, void *out) const override;
  const char *implementation() const override { return micro.name; }

private:
  const Packed *packedRhs(const void *rhs) const;
  void packRhs(const void *rhs, Packed *panels) const;
  void packRow(const void *row, Packed *dst) const;
  void storeTile(const Sum *tile, int rows, int64_t cols,
                 const int64_t *rowOffset, Sum *out) const;

  ImplicitGemm gemm;
  const MicroKernel &micro;
  int64_t rowTotal, sumTotal;
  int64_t steps;     ///< Of the micro kernel along k.
  int64_t paddedSum; ///< steps * micro.pack: k padded with zeros.
  int64_t panels;    ///< Of the right operand, per group.
  int64_t rhsGroups; ///< Groups that have a right operand of their own.
  int64_t blockRows; ///< Rows gathered at a time.
  int64_t runLength; ///< Length of contiguous runs along k of the left operand.
  std::vector<int64_t> runOffsets; ///< Left offset of each such run.
  std::vector<int64_t> rhsOffsets; ///< Right offset of each k.
  mutable std::once_flag once;
  mutable AlignedBuffer constantRhs;
};

template <typename Types>
PlainGemm<Types>::PlainGemm(ImplicitGemm given, const MicroKernel &micro)
    : gemm(std::move(given)), micro(micro), rowTotal(gemm.rowCount()),
      sumTotal(gemm.sumCount()),
      steps((sumTotal + micro.pack - 1) / micro.pack),
      paddedSum(steps * micro.pack),
      panels((gemm.n + micro.cols - 1) / micro.cols),
      rhsGroups(gemm.rhsGroup ? gemm.groups : 1),
      runLength(sumTotal ? gemm.runLength() : 1),
      rhsOffsets(sumOffsets(gemm, /*rhs=*/true)) {
  // A quarter of a small second-level cache.
  constexpr int64_t kBlockBytes = 256 * 1024;
  int64_t rowBytes =
      std::max<int64_t>(paddedSum, 1) * static_cast<int64_t>(sizeof(Packed));
  int64_t strips = std::max<int64_t>(kBlockBytes / rowBytes / micro.rows, 1);
  blockRows = std::min(strips * micro.rows, rowTotal);
  std::vector<int64_t> lhsOffsets = sumOffsets(gemm, /*rhs=*/false);
  for (int64_t k = 0; k < sumTotal; k += runLength)
    runOffsets.push_back(lhsOffsets[k]);
}

template <typename Types>
void PlainGemm<Types>::packRhs(const void *rhs, Packed *dst) const {
  using Byte = int8_t;
  size_t width = byteWidth(gemm.rhsType);
  int64_t panelSize = paddedSum * micro.cols;
  if (panelSize == 0)
    return;
  for (int64_t g = 0; g < rhsGroups; ++g)
    for (int64_t p = 0; p < panels; ++p, dst += panelSize) {
      int64_t first = p * micro.cols;
      int64_t cols = std::min<int64_t>(micro.cols, gemm.n - first);
      if (cols < micro.cols || paddedSum != sumTotal)
        std::memset(dst, 0, panelSize * sizeof(Packed));
      const void *panel =
          advance(rhs, g * gemm.rhsGroup + first * gemm.rhsStride, width);
      for (int64_t k = 0; k < sumTotal; ++k) {
        const void *src = advance(panel, rhsOffsets[k], width);
        Packed *to =
            dst + (k / micro.pack) * micro.cols * micro.pack + k % micro.pack;
        auto copy = [&](const auto *from) {
          for (int64_t c = 0; c < cols; ++c)
            to[c * micro.pack] = from[c * gemm.rhsStride];
        };
        if (gemm.rhsType == ElementType::F32)
          copy(static_cast<const float *>(src));
        else if (gemm.rhsType == ElementType::U8)
          copy(static_cast<const uint8_t *>(src));
        else
          copy(static_cast<const Byte *>(src));
      }
    }
}

template <typename Types>
const typename PlainGemm<Types>::Packed *
PlainGemm<Types>::packedRhs(const void *rhs) const {
  size_t bytes = rhsGroups * panels * paddedSum * micro.cols * sizeof(Packed);
  if (!gemm.rhsConstant) {
    auto *packed = static_cast<Packed *>(scratch(ScratchSlot::Rhs, bytes));
    packRhs(rhs, packed);
    return packed;
  }
  std::call_once(once, [&] {
    constantRhs = AlignedBuffer(bytes);
    packRhs(rhs, static_cast<Packed *>(constantRhs.data()));
  });
  return static_cast<const Packed *>(constantRhs.data());
}

template <typename Types>
void PlainGemm<Types>::packRow(const void *row, Packed *dst) const {
  size_t width = byteWidth(gemm.lhsType);
  Packed *to = dst;
  for (int64_t offset : runOffsets) {
    const void *from = advance(row, offset, width);
    if constexpr (std::is_same_v<Types, IntegerTypes>) {
      if (runLength > 1)
        widen(gemm.lhsType, from, runLength, to);
      else
        *to = gemm.lhsType == ElementType::S8
                  ? *static_cast<const int8_t *>(from)
                  : *static_cast<const uint8_t *>(from);
    } else {
      std::memcpy(to, from, runLength * sizeof(Packed));
    }
    to += runLength;
  }
  while (to < dst + paddedSum)
    *to++ = 0;
}

template <typename Types>
void PlainGemm<Types>::storeTile(const Sum *tile, int rows, int64_t cols,
                                 const int64_t *rowOffset, Sum *out) const {
  for (int r = 0; r < rows; ++r, tile += micro.cols) {
    Sum *to = out + rowOffset[r];
    if (gemm.outStride == 1 && !gemm.accumulate) {
      std::memcpy(to, tile, cols * sizeof(Sum));
    } else if (gemm.outStride == 1) {
      for (int64_t c = 0; c < cols; ++c)
        to[c] += tile[c];
    } else {
      for (int64_t c = 0; c < cols; ++c) {
        Sum &value = to[c * gemm.outStride];
        value = gemm.accumulate ? value + tile[c] : tile[c];
      }
    }
  }
}

template <typename Types>
void PlainGemm<Types>::run(const void *lhs, const void *rhs, void *out) const {
  if (gemm.swapped)
    std::swap(lhs, rhs);
  if (gemm.groups == 0 || rowTotal == 0 || gemm.n == 0)
    return;
  size_t width = byteWidth(gemm.lhsType);
  const Packed *allPanels = packedRhs(rhs);
  int64_t panelSize = paddedSum * micro.cols;
  auto *rows = static_cast<Packed *>(
      scratch(ScratchSlot::Lhs, blockRows * paddedSum * sizeof(Packed)));
  auto *offsets = static_cast<int64_t *>(
      scratch(ScratchSlot::Out, 2 * blockRows * sizeof(int64_t)));
  int64_t *lhsOffset = offsets, *outOffset = offsets + blockRows;
  constexpr int kMaxTile = 12 * 32;
  alignas(64) Sum tile[kMaxTile];

  for (int64_t g = 0; g < gemm.groups; ++g) {
    const Packed *groupPanels =
        allPanels + (rhsGroups > 1 ? g * panels * panelSize : 0);
    const void *groupLhs = advance(lhs, g * gemm.lhsGroup, width);
    Sum *groupOut = static_cast<Sum *>(out) + g * gemm.outGroup;
    for (int64_t first = 0; first < rowTotal; first += blockRows) {
      int64_t count = std::min(blockRows, rowTotal - first);
      rowOffsets(gemm, first, count, lhsOffset, outOffset);
      for (int64_t r = 0; r < count; ++r)
        packRow(advance(groupLhs, lhsOffset[r], width), rows + r * paddedSum);
      for (int64_t p = 0; p < panels; ++p) {
        int64_t firstCol = p * micro.cols;
        int64_t cols = std::min<int64_t>(micro.cols, gemm.n - firstCol);
        for (int64_t r = 0; r < count; r += micro.rows) {
          int tileRows =
              static_cast<int>(std::min<int64_t>(micro.rows, count - r));
          micro.run(rows + r * paddedSum, paddedSum,
                    groupPanels + p * panelSize, steps, tile, tileRows);
          storeTile(tile, tileRows, cols, outOffset + r,
                    groupOut + firstCol * gemm.outStride);
        }
      }
    }
  }
}

} // namespace

std::unique_ptr<Kernel> createPlainGemm(ImplicitGemm gemm) {
  if (gemm.lhsType == ElementType::F32)
    return std::make_unique<PlainGemm<FloatTypes>>(std::move(gemm),
                                                   floatMicroKernel());
  return std::make_unique<PlainGemm<IntegerTypes>>(std::move(gemm),
                                                   integerMicroKernel());
}

} // namespace mlir::qopt::cpu
