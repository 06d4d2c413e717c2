//===- Int8SelfTest.cpp - Is oneDNN's int8 exact here? --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Without VNNI or AMX oneDNN multiplies bytes with vpmaddubsw, which saturates;
// with VNNI, s8 x s8 sums go through f32 and lose bits above 2^24; with
// AVX-VNNI some depthwise shapes saturate though others do not. So no list of
// instruction sets or implementations is trusted: every spec is run once on the
// operands that provoke all this, and sampled outputs are compared with plain
// sums. That costs a few runs of the kernel.
//
//===----------------------------------------------------------------------===//

#include "OneDnnSupport.h"
#include "Plain.h"

#include <algorithm>
#include <cstring>
#include <map>

namespace mlir::qopt::cpu {
namespace {

/// A small generator (xorshift64*): the test is the same in every process.
class Random {
public:
  uint64_t next() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Dull;
  }
  /// Below `limit`, which is small.
  int64_t below(int64_t limit) {
    return static_cast<int64_t>((next() >> 20) % static_cast<uint64_t>(limit));
  }

private:
  uint64_t state = 0x9E3779B97F4A7C15ull;
};

/// Values of one operand: nearly all the same, or random ones.
enum class Fill { Largest, Smallest, Random };

} // namespace

/// About two of `terms` elements differ from the extreme value: sums are nearly
/// the largest possible, and odd as often as even.
static void fill(std::vector<uint8_t> &bytes, ElementType type, Fill how,
                 int64_t terms, Random &random) {
  if (how == Fill::Random) {
    for (size_t i = 0; i < bytes.size(); i += 8) {
      uint64_t draw = random.next();
      std::memcpy(&bytes[i], &draw, std::min<size_t>(8, bytes.size() - i));
    }
    return;
  }
  bool isSigned = type == ElementType::S8;
  uint8_t extreme = !isSigned ? 255 : how == Fill::Largest ? 127 : 128;
  std::fill(bytes.begin(), bytes.end(), extreme);
  int64_t size = static_cast<int64_t>(bytes.size());
  for (int64_t i = 0; i < 2 * size / terms + 1; ++i)
    bytes[random.below(size)] = static_cast<uint8_t>(random.next() >> 32);
}

/// The sum at (group, row, column), plus `before`.
static uint32_t expectedSum(const ImplicitGemm &gemm,
                            const std::vector<int64_t> &lhsOffsets,
                            const std::vector<int64_t> &rhsOffsets,
                            const uint8_t *lhs, const uint8_t *rhs,
                            uint32_t before) {
  auto value = [](ElementType type, uint8_t byte) {
    return type == ElementType::S8 ? static_cast<int8_t>(byte)
                                   : static_cast<int32_t>(byte);
  };
  uint32_t sum = before;
  for (size_t k = 0; k < lhsOffsets.size(); ++k)
    sum += static_cast<uint32_t>(value(gemm.lhsType, lhs[lhsOffsets[k]]) *
                                 value(gemm.rhsType, rhs[rhsOffsets[k]]));
  return sum;
}

/// Elements that an operand with these dimensions reaches.
static size_t span(std::initializer_list<std::pair<int64_t, int64_t>> dims,
                   int64_t last) {
  for (auto [extent, stride] : dims)
    last += (extent - 1) * stride;
  return static_cast<size_t>(last + 1);
}

/// Runs a new kernel for each set of operands: constant ones may be packed. The
/// left operand has at least `lhsElements`.
template <typename Create>
static bool runAndCompare(const ImplicitGemm &gemm, size_t lhsElements,
                          Create create) {
  std::vector<int64_t> lhsOffsets = sumOffsets(gemm, /*rhs=*/false);
  std::vector<int64_t> rhsOffsets = sumOffsets(gemm, /*rhs=*/true);
  int64_t rowTotal = gemm.rowCount(), lhsRow, outRow;
  rowOffsets(gemm, rowTotal - 1, 1, &lhsRow, &outRow);
  std::vector<uint8_t> lhs(
      std::max(lhsElements, span({{gemm.groups, gemm.lhsGroup}},
                                 lhsRow + lhsOffsets.back())));
  std::vector<uint8_t> rhs(
      span({{gemm.groups, gemm.rhsGroup}, {gemm.n, gemm.rhsStride}},
           rhsOffsets.back()));
  std::vector<uint32_t> out(
      span({{gemm.groups, gemm.outGroup}, {gemm.n, gemm.outStride}}, outRow));

  constexpr std::pair<Fill, Fill> kFills[] = {{Fill::Largest, Fill::Largest},
                                              {Fill::Largest, Fill::Smallest},
                                              {Fill::Smallest, Fill::Smallest},
                                              {Fill::Random, Fill::Random}};
  constexpr uint32_t kBefore = 0x01000001; // Not a float.
  constexpr int kSamples = 64;
  Random random;
  for (auto [lhsFill, rhsFill] : kFills) {
    fill(lhs, gemm.lhsType, lhsFill, gemm.sumCount(), random);
    fill(rhs, gemm.rhsType, rhsFill, gemm.sumCount(), random);
    std::fill(out.begin(), out.end(), kBefore);
    std::unique_ptr<Kernel> kernel = create();
    if (!kernel)
      return false;
    if (gemm.swapped)
      kernel->run(rhs.data(), lhs.data(), out.data());
    else
      kernel->run(lhs.data(), rhs.data(), out.data());
    for (int i = 0; i < kSamples; ++i) {
      int64_t group = random.below(gemm.groups);
      int64_t row = random.below(rowTotal);
      // The last row and column are where partial tiles end.
      int64_t column = i % 8 ? random.below(gemm.n) : gemm.n - 1;
      if (i % 8 == 1)
        row = rowTotal - 1;
      rowOffsets(gemm, row, 1, &lhsRow, &outRow);
      uint32_t expected = expectedSum(
          gemm, lhsOffsets, rhsOffsets,
          lhs.data() + group * gemm.lhsGroup + lhsRow,
          rhs.data() + group * gemm.rhsGroup + column * gemm.rhsStride,
          gemm.accumulate ? kBefore : 0);
      if (out[group * gemm.outGroup + outRow + column * gemm.outStride] !=
          expected)
        return false;
    }
  }
  return true;
}

/// Everything that a verdict may depend on.
static std::string keyOf(const char *implementation, const ImplicitGemm &gemm) {
  std::string key = implementation;
  auto add = [&](int64_t value) { key += "," + std::to_string(value); };
  for (int64_t value :
       {static_cast<int64_t>(gemm.lhsType), static_cast<int64_t>(gemm.rhsType),
        gemm.groups, gemm.lhsGroup, gemm.rhsGroup, gemm.outGroup, gemm.n,
        gemm.rhsStride, gemm.outStride,
        static_cast<int64_t>(gemm.accumulate + 2 * gemm.rhsConstant +
                             4 * gemm.swapped)})
    add(value);
  for (const ImplicitGemm::RowDim &dim : gemm.rows)
    for (int64_t value : {dim.extent, dim.lhsStride, dim.outStride})
      add(value);
  key += ";";
  for (const ImplicitGemm::SumDim &dim : gemm.sums)
    for (int64_t value : {dim.extent, dim.lhsStride, dim.rhsStride})
      add(value);
  return key;
}

/// `gemm` describes what a kernel computes and `create` makes one.
template <typename Create>
static bool isExact(const char *implementation, const ImplicitGemm &gemm,
                    size_t lhsElements, Create create) {
  // Sums that may exceed 2^24 by little only would not show a rounding to f32.
  int64_t product = 128 * (gemm.lhsType == ElementType::S8 ? 128 : 255);
  constexpr int64_t kFloatLimit = 1 << 24, kMargin = 16;
  if (gemm.sumCount() * product > kFloatLimit &&
      (gemm.sumCount() - kMargin) * product <= kFloatLimit)
    return false;
  static std::mutex mutex;
  static std::map<std::string, bool> verdicts;
  std::lock_guard<std::mutex> lock(mutex);
  auto [verdict, isNew] =
      verdicts.try_emplace(keyOf(implementation, gemm), false);
  if (isNew)
    verdict->second = runAndCompare(gemm, lhsElements, create);
  return verdict->second;
}

bool int8IsExact(const Kernel &kernel, const ContractionSpec &spec) {
  return isExact(kernel.implementation(), toImplicitGemm(spec),
                 /*lhsElements=*/0,
                 [&] { return createOneDnnContraction(spec); });
}

bool int8IsExact(const Kernel &kernel, const ConvolutionSpec &spec) {
  // Images are alike: two of them tell as much as many.
  ConvolutionSpec few = spec;
  few.batch = std::min<int64_t>(spec.batch, 2);
  // Kernels may read all of the input, also what no tap needs.
  const ConvolutionSpec::Strides &strides = few.inputStrides;
  int64_t last = (few.batch - 1) * strides.outer +
                 (few.groups - 1) * strides.group +
                 (few.inputChannels - 1) * strides.channel;
  for (unsigned d = 0; d < few.rank; ++d)
    last += (few.inputSize[d] - 1) * strides.spatial[d];
  return isExact(kernel.implementation(), toImplicitGemm(few),
                 static_cast<size_t>(last + 1),
                 [&] { return createOneDnnConvolution(few); });
}

//===----------------------------------------------------------------------===//
// The test of the instruction set
//===----------------------------------------------------------------------===//

static bool contractionIsExact(ElementType lhs, int64_t m, int64_t n,
                               int64_t k) {
  ContractionSpec spec;
  spec.lhsType = lhs;
  spec.rhsType = ElementType::S8;
  spec.m = m;
  spec.n = n;
  spec.k = k;
  spec.lhsStrides[1] = k;
  spec.lhsStrides[2] = 1;
  spec.rhsStrides[1] = n;
  spec.rhsStrides[2] = 1;
  spec.outStrides[1] = n;
  spec.outStrides[2] = 1;
  std::unique_ptr<Kernel> kernel = createOneDnnContraction(spec);
  return !kernel || int8IsExact(*kernel, spec);
}

static bool convolutionIsExact(ElementType inputType, int64_t groups,
                               int64_t inputs, int64_t outputs, int64_t size,
                               int64_t window, int64_t windowWidth = 0) {
  ConvolutionSpec spec;
  spec.inputType = inputType;
  spec.filterType = ElementType::S8;
  spec.groups = groups;
  spec.inputChannels = inputs;
  spec.outputChannels = outputs;
  const int64_t windows[2] = {window, windowWidth ? windowWidth : window};
  for (int d = 0; d < 2; ++d) {
    spec.inputSize[d] = size;
    spec.kernelSize[d] = windows[d];
    spec.outputSize[d] = size - windows[d] + 1;
  }
  auto nhwc = [&](int64_t channels, int64_t extent) {
    ConvolutionSpec::Strides strides;
    strides.channel = 1;
    strides.group = channels;
    strides.spatial[1] = groups * channels;
    strides.spatial[0] = extent * strides.spatial[1];
    return strides;
  };
  spec.inputStrides = nhwc(inputs, spec.inputSize[1]);
  spec.outputStrides = nhwc(outputs, spec.outputSize[1]);
  spec.filterStrides.channel = 1;
  spec.filterStrides.spatial[1] = inputs;
  spec.filterStrides.spatial[0] = windows[1] * inputs;
  spec.filterStrides.outer = windows[0] * windows[1] * inputs;
  spec.filterStrides.group = outputs * spec.filterStrides.outer;
  std::unique_ptr<Kernel> kernel = createOneDnnConvolution(spec);
  return !kernel || int8IsExact(*kernel, spec);
}

// Sums below 2^24 only: whether larger ones are exact depends on more than the
// instruction set.
bool oneDnnInt8IsExact() {
  static const bool isExact = [] {
    if (!oneDnnInt8IsSafe())
      return false;
    for (ElementType lhs : {ElementType::U8, ElementType::S8})
      if (!contractionIsExact(lhs, 33, 35, 510) ||
          !contractionIsExact(lhs, 1, 64, 256) ||
          !contractionIsExact(lhs, 5, 19, 70) ||
          !convolutionIsExact(lhs, 1, 56, 40, 9, 3) ||
          !convolutionIsExact(lhs, 1, 500, 40, 5, 1) ||
          !convolutionIsExact(lhs, 1, 3, 32, 16, 3) ||
          !convolutionIsExact(lhs, 48, 1, 1, 10, 3) ||
          !convolutionIsExact(lhs, 24, 1, 1, 10, 4, 2) ||
          !convolutionIsExact(lhs, 4, 16, 16, 10, 3))
        return false;
    return true;
  }();
  return isExact;
}

} // namespace mlir::qopt::cpu
