//===- PlainDepthwise.cpp - Our own depthwise convolutions ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One channel in and out per group: vectors run over the groups, which lie
// side by side in NHWC (other layouts are copied there). Integer taps go in
// pairs through pmaddwd, as in PlainMicroKernels.cpp.
//
//===----------------------------------------------------------------------===//

#include "Plain.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mlir::qopt::cpu {
namespace {

/// The inner loop of integer depthwise convolutions. For x < count, c < block:
///   out[x * outStep + c] (+)= sum over t < taps of
///       in[x * inStep + tapOffsets[t] + c] * weight(t, c)
/// `taps` is even. Weights of taps 2p and 2p + 1 are neighbours, at
/// p * 2 * block + 2 * depthwiseSlot(c, block).
struct DepthwiseMicroKernel {
  int block;
  void (*run)(bool isSigned, const void *in, const int64_t *tapOffsets,
              int64_t taps, const int16_t *weights, int64_t count,
              int64_t inStep, int64_t outStep, int channels, bool accumulate,
              int32_t *out);
};
/// Where channel c of a block lies: the order in which unpack instructions
/// deliver channels.
int depthwiseSlot(int c, int block) {
  int half = (c % 8) / 4;
  return half * (block / 2) + (c / 8) * 4 + c % 4;
}

constexpr int kPortableBlock = 8;

template <typename T>
void portableDepthwise(const T *in, const int64_t *tapOffsets, int64_t taps,
                       const int16_t *weights, int64_t count, int64_t inStep,
                       int64_t outStep, int channels, bool accumulate,
                       int32_t *out) {
  for (int64_t x = 0; x < count; ++x, in += inStep, out += outStep) {
    uint32_t sums[kPortableBlock] = {};
    if (accumulate)
      std::memcpy(sums, out, channels * sizeof(int32_t));
    for (int64_t t = 0; t < taps; ++t) {
      const T *tap = in + tapOffsets[t];
      const int16_t *weight = weights + (t / 2) * 2 * kPortableBlock + t % 2;
      for (int c = 0; c < channels; ++c)
        sums[c] += static_cast<uint32_t>(tap[c] * weight[2 * c]);
    }
    std::memcpy(out, sums, channels * sizeof(int32_t));
  }
}

void runPortableDepthwise(bool isSigned, const void *in,
                          const int64_t *tapOffsets, int64_t taps,
                          const int16_t *weights, int64_t count, int64_t inStep,
                          int64_t outStep, int channels, bool accumulate,
                          int32_t *out) {
  if (isSigned)
    portableDepthwise(static_cast<const int8_t *>(in), tapOffsets, taps,
                      weights, count, inStep, outStep, channels, accumulate,
                      out);
  else
    portableDepthwise(static_cast<const uint8_t *>(in), tapOffsets, taps,
                      weights, count, inStep, outStep, channels, accumulate,
                      out);
}

#if defined(__x86_64__)

#define QUANTOPT_AVX2 __attribute__((target("avx2")))
#define QUANTOPT_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))

template <bool IsSigned>
QUANTOPT_AVX2 void
avx2DepthwiseRow(const char *in, const int64_t *tapOffsets, int64_t taps,
                 const int16_t *weights, int64_t count, int64_t inStep,
                 int64_t outStep, bool accumulate, int32_t *out) {
  for (int64_t x = 0; x < count; ++x, in += inStep, out += outStep) {
    __m256i low = _mm256_setzero_si256(), high = low;
    for (int64_t t = 0; t < taps; t += 2) {
      const auto *p0 = reinterpret_cast<const __m128i *>(in + tapOffsets[t]);
      const auto *p1 =
          reinterpret_cast<const __m128i *>(in + tapOffsets[t + 1]);
      __m128i narrow0 = _mm_loadu_si128(p0), narrow1 = _mm_loadu_si128(p1);
      __m256i x0 = IsSigned ? _mm256_cvtepi8_epi16(narrow0)
                            : _mm256_cvtepu8_epi16(narrow0);
      __m256i x1 = IsSigned ? _mm256_cvtepi8_epi16(narrow1)
                            : _mm256_cvtepu8_epi16(narrow1);
      const auto *w = reinterpret_cast<const __m256i *>(weights + t * 16);
      low =
          _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(x0, x1),
                                                  _mm256_loadu_si256(w)));
      high = _mm256_add_epi32(high,
                              _mm256_madd_epi16(_mm256_unpackhi_epi16(x0, x1),
                                                _mm256_loadu_si256(w + 1)));
    }
    // Unpacking works in 128-bit lanes: low has channels 0-3 and 8-11.
    __m256i first = _mm256_permute2x128_si256(low, high, 0x20);
    __m256i second = _mm256_permute2x128_si256(low, high, 0x31);
    auto *to = reinterpret_cast<__m256i *>(out);
    if (accumulate) {
      first = _mm256_add_epi32(first, _mm256_loadu_si256(to));
      second = _mm256_add_epi32(second, _mm256_loadu_si256(to + 1));
    }
    _mm256_storeu_si256(to, first);
    _mm256_storeu_si256(to + 1, second);
  }
}

void runAvx2Depthwise(bool isSigned, const void *in, const int64_t *tapOffsets,
                      int64_t taps, const int16_t *weights, int64_t count,
                      int64_t inStep, int64_t outStep, int /*channels*/,
                      bool accumulate, int32_t *out) {
  auto *row = isSigned ? avx2DepthwiseRow<true> : avx2DepthwiseRow<false>;
  row(static_cast<const char *>(in), tapOffsets, taps, weights, count, inStep,
      outStep, accumulate, out);
}

template <bool IsSigned>
QUANTOPT_AVX512 void
avx512DepthwiseRow(const char *in, const int64_t *tapOffsets, int64_t taps,
                   const int16_t *weights, int64_t count, int64_t inStep,
                   int64_t outStep, bool accumulate, int32_t *out) {
  // From lane order (see depthwiseSlot) to channel order.
  const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const __m512i second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  for (int64_t x = 0; x < count; ++x, in += inStep, out += outStep) {
    __m512i low = _mm512_setzero_si512(), high = low;
    for (int64_t t = 0; t < taps; t += 2) {
      const auto *p0 = reinterpret_cast<const __m256i *>(in + tapOffsets[t]);
      const auto *p1 =
          reinterpret_cast<const __m256i *>(in + tapOffsets[t + 1]);
      __m256i narrow0 = _mm256_loadu_si256(p0),
              narrow1 = _mm256_loadu_si256(p1);
      __m512i x0 = IsSigned ? _mm512_cvtepi8_epi16(narrow0)
                            : _mm512_cvtepu8_epi16(narrow0);
      __m512i x1 = IsSigned ? _mm512_cvtepi8_epi16(narrow1)
                            : _mm512_cvtepu8_epi16(narrow1);
      const int16_t *w = weights + t * 32;
      low =
          _mm512_add_epi32(low, _mm512_madd_epi16(_mm512_unpacklo_epi16(x0, x1),
                                                  _mm512_loadu_si512(w)));
      high = _mm512_add_epi32(high,
                              _mm512_madd_epi16(_mm512_unpackhi_epi16(x0, x1),
                                                _mm512_loadu_si512(w + 32)));
    }
    __m512i sum0 = _mm512_permutex2var_epi64(low, first, high);
    __m512i sum1 = _mm512_permutex2var_epi64(low, second, high);
    if (accumulate) {
      sum0 = _mm512_add_epi32(sum0, _mm512_loadu_si512(out));
      sum1 = _mm512_add_epi32(sum1, _mm512_loadu_si512(out + 16));
    }
    _mm512_storeu_si512(out, sum0);
    _mm512_storeu_si512(out + 16, sum1);
  }
}

void runAvx512Depthwise(bool isSigned, const void *in,
                        const int64_t *tapOffsets, int64_t taps,
                        const int16_t *weights, int64_t count, int64_t inStep,
                        int64_t outStep, int /*channels*/, bool accumulate,
                        int32_t *out) {
  auto *row = isSigned ? avx512DepthwiseRow<true> : avx512DepthwiseRow<false>;
  row(static_cast<const char *>(in), tapOffsets, taps, weights, count, inStep,
      outStep, accumulate, out);
}

#endif // __x86_64__

/// Widest block first; the last one takes any number of channels up to its
/// block.
const std::vector<DepthwiseMicroKernel> &microKernels() {
  static const std::vector<DepthwiseMicroKernel> kernels = [] {
    std::vector<DepthwiseMicroKernel> result;
#if defined(__x86_64__)
    if (vectorLevel() >= VectorLevel::Avx512)
      result.push_back({32, runAvx512Depthwise});
    if (vectorLevel() >= VectorLevel::Avx2)
      result.push_back({16, runAvx2Depthwise});
#endif
    result.push_back({kPortableBlock, runPortableDepthwise});
    return result;
  }();
  return kernels;
}

//===----------------------------------------------------------------------===//
// PlainDepthwise
//===----------------------------------------------------------------------===//

/// A dense N, spatial..., channel view of one of the activations.
struct Activation {
  int64_t outer = 0;
  int64_t spatial[3] = {0, 0, 0};
  std::vector<CopyDim> toDense; ///< Empty: the caller's memory is used.
  size_t denseElements = 0;
};

class PlainDepthwise : public Kernel {
public:
  explicit PlainDepthwise(const ConvolutionSpec &spec);

  void run(const void *input, const void *filter, void *output) const override;
  const char *implementation() const override { return name; }

private:
  /// Consecutive channels that one micro kernel handles.
  struct Segment {
    const DepthwiseMicroKernel *micro;
    int64_t first;
    int channels;
    int64_t weights; ///< Offset of its packed weights.
  };

  void packIntegers(const void *filter, int16_t *packed) const;
  void packFloats(const float *filter, float *packed) const;
  const void *packedFilter(const void *filter) const;
  void runRow(const void *in, const void *weights, void *out) const;

  ConvolutionSpec spec;
  bool isFloat;
  const char *name;
  Activation input, output;
  std::vector<int64_t> tapOffsets;    ///< In the input; even for integers.
  std::vector<int64_t> filterOffsets; ///< In the caller's filter.
  std::vector<Segment> segments;
  size_t packedBytes = 0;
  mutable std::once_flag once;
  mutable AlignedBuffer constantFilter;
};

/// Uses the caller's memory where channels are neighbours, else a dense copy.
Activation describe(const ConvolutionSpec &spec, const int64_t *size,
                    const ConvolutionSpec::Strides &strides) {
  Activation result;
  if (strides.group == 1) {
    result.outer = strides.outer;
    std::copy_n(strides.spatial, spec.rank, result.spatial);
    return result;
  }
  result.toDense = {{spec.groups, strides.group, 1}};
  int64_t dense = spec.groups;
  for (unsigned d = spec.rank; d-- > 0; dense *= size[d]) {
    result.spatial[d] = dense;
    result.toDense.push_back({size[d], strides.spatial[d], dense});
  }
  result.outer = dense;
  result.toDense.push_back({spec.batch, strides.outer, dense});
  result.denseElements = static_cast<size_t>(dense * spec.batch);
  return result;
}

PlainDepthwise::PlainDepthwise(const ConvolutionSpec &given)
    : spec(given), isFloat(given.inputType == ElementType::F32),
      name(isFloat ? "plain:depthwise_f32" : "plain:depthwise_s16"),
      input(describe(spec, spec.inputSize, spec.inputStrides)),
      output(describe(spec, spec.outputSize, spec.outputStrides)) {
  // Three spatial dimensions, the missing ones in front.
  auto shift = [&](int64_t *values, int64_t unit) {
    std::rotate(values, values + spec.rank, values + 3);
    std::fill_n(values, 3 - spec.rank, unit);
  };
  for (int64_t *values : {spec.inputSize, spec.outputSize, spec.kernelSize,
                          spec.strides, spec.dilations})
    shift(values, 1);
  for (int64_t *values :
       {input.spatial, output.spatial, spec.filterStrides.spatial})
    shift(values, 0);

  for (int64_t i = 0; i < spec.kernelSize[0]; ++i)
    for (int64_t j = 0; j < spec.kernelSize[1]; ++j)
      for (int64_t k = 0; k < spec.kernelSize[2]; ++k) {
        const int64_t tap[3] = {i, j, k};
        int64_t inOffset = 0, filterOffset = 0;
        for (int d = 0; d < 3; ++d) {
          inOffset += tap[d] * spec.dilations[d] * input.spatial[d];
          filterOffset += tap[d] * spec.filterStrides.spatial[d];
        }
        tapOffsets.push_back(inOffset);
        filterOffsets.push_back(filterOffset);
      }
  if (isFloat) {
    packedBytes = tapOffsets.size() * spec.groups * sizeof(float);
    return;
  }
  if (tapOffsets.size() % 2) // Its weights are zero.
    tapOffsets.push_back(0);
  int64_t first = 0, weights = 0;
  for (const DepthwiseMicroKernel &micro : microKernels()) {
    bool isLast = &micro == &microKernels().back();
    while (spec.groups - first >= micro.block ||
           (isLast && first < spec.groups)) {
      int channels =
          static_cast<int>(std::min<int64_t>(micro.block, spec.groups - first));
      segments.push_back({&micro, first, channels, weights});
      first += channels;
      weights += micro.block * static_cast<int64_t>(tapOffsets.size());
    }
  }
  packedBytes = weights * sizeof(int16_t);
}

void PlainDepthwise::packIntegers(const void *filter, int16_t *packed) const {
  std::memset(packed, 0, packedBytes);
  for (const Segment &segment : segments)
    for (size_t t = 0; t < filterOffsets.size(); ++t)
      for (int c = 0; c < segment.channels; ++c) {
        const void *value = advance(
            filter,
            filterOffsets[t] + (segment.first + c) * spec.filterStrides.group,
            1);
        int block = segment.micro->block;
        packed[segment.weights + (t / 2) * 2 * block +
               2 * depthwiseSlot(c, block) + t % 2] =
            spec.filterType == ElementType::S8
                ? *static_cast<const int8_t *>(value)
                : *static_cast<const uint8_t *>(value);
      }
}

void PlainDepthwise::packFloats(const float *filter, float *packed) const {
  for (int64_t offset : filterOffsets)
    for (int64_t c = 0; c < spec.groups; ++c)
      *packed++ = filter[offset + c * spec.filterStrides.group];
}

const void *PlainDepthwise::packedFilter(const void *filter) const {
  auto pack = [&](void *packed) {
    if (isFloat)
      packFloats(static_cast<const float *>(filter),
                 static_cast<float *>(packed));
    else
      packIntegers(filter, static_cast<int16_t *>(packed));
  };
  if (!spec.filterConstant) {
    void *packed = scratch(ScratchSlot::Rhs, packedBytes);
    pack(packed);
    return packed;
  }
  std::call_once(once, [&] {
    constantFilter = AlignedBuffer(packedBytes);
    pack(constantFilter.data());
  });
  return constantFilter.data();
}

/// One row of outputs along the last spatial dimension.
void PlainDepthwise::runRow(const void *in, const void *weights,
                            void *out) const {
  int64_t inStep = input.spatial[2] * spec.strides[2];
  int64_t outStep = output.spatial[2];
  int64_t count = spec.outputSize[2];
  if (!isFloat) {
    for (const Segment &segment : segments)
      segment.micro->run(
          spec.inputType == ElementType::S8, advance(in, segment.first, 1),
          tapOffsets.data(), static_cast<int64_t>(tapOffsets.size()),
          static_cast<const int16_t *>(weights) + segment.weights, count,
          inStep, outStep, segment.channels, spec.accumulate,
          static_cast<int32_t *>(out) + segment.first);
    return;
  }
  constexpr int64_t kBlock = 16;
  for (int64_t x = 0; x < count; ++x)
    for (int64_t first = 0; first < spec.groups; first += kBlock) {
      int64_t channels = std::min(kBlock, spec.groups - first);
      const float *from = static_cast<const float *>(in) + x * inStep + first;
      const float *weight = static_cast<const float *>(weights) + first;
      float sums[kBlock] = {};
      for (int64_t offset : tapOffsets) {
        for (int64_t c = 0; c < channels; ++c)
          sums[c] += from[offset + c] * weight[c];
        weight += spec.groups;
      }
      float *to = static_cast<float *>(out) + x * outStep + first;
      for (int64_t c = 0; c < channels; ++c)
        to[c] = spec.accumulate ? to[c] + sums[c] : sums[c];
    }
}

void PlainDepthwise::run(const void *inputData, const void *filterData,
                         void *outputData) const {
  size_t width = byteWidth(spec.inputType), outWidth = 4;
  const void *weights = packedFilter(filterData);
  if (!input.toDense.empty()) {
    void *copy = scratch(ScratchSlot::Lhs, input.denseElements * width);
    copyStrided(input.toDense, width, inputData, copy);
    inputData = copy;
  }
  void *sums = outputData;
  if (!output.toDense.empty()) {
    sums = scratch(ScratchSlot::Out, output.denseElements * outWidth);
    if (spec.accumulate)
      copyStrided(output.toDense, outWidth, outputData, sums);
  }
  for (int64_t b = 0; b < spec.batch; ++b)
    for (int64_t i = 0; i < spec.outputSize[0]; ++i)
      for (int64_t j = 0; j < spec.outputSize[1]; ++j)
        runRow(advance(inputData,
                       b * input.outer +
                           i * spec.strides[0] * input.spatial[0] +
                           j * spec.strides[1] * input.spatial[1],
                       width),
               weights,
               advance(sums,
                       b * output.outer + i * output.spatial[0] +
                           j * output.spatial[1],
                       outWidth));
  if (output.toDense.empty())
    return;
  std::vector<CopyDim> back = output.toDense;
  for (CopyDim &dim : back)
    std::swap(dim.srcStride, dim.dstStride);
  copyStrided(std::move(back), outWidth, sums, outputData);
}

} // namespace

std::unique_ptr<Kernel> createPlainDepthwise(const ConvolutionSpec &spec) {
  if (spec.inputChannels != 1 || spec.outputChannels != 1 || spec.groups == 1)
    return nullptr;
  return std::make_unique<PlainDepthwise>(spec);
}

} // namespace mlir::qopt::cpu
