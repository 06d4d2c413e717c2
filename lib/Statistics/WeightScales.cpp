//===- WeightScales.cpp - Scales of constant weights ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/WeightScales.h"

#include "QuantOpt/Support/QuantMath.h"

#include <array>
#include <limits>
#include <vector>

using namespace mlir::qopt;
using detail::WeightVectors;

static constexpr float kLevels = quantmath::kInt8Max;
/// Weights that are in the first-level cache while all candidates pass, and
/// those whose sums are made at a time; both are part of the order of sums.
static constexpr size_t kBlock = 4096;
static constexpr size_t kPart = 16 * kBlock;
static constexpr size_t kLanes = 16;

/// Candidates of `mse`: the largest magnitude times 1 - i/128, i up to 96, then
/// the multiples of 1/1024 between the neighbours of the best of them.
static constexpr int kCoarseSteps = 128, kCoarse = 97;
static constexpr int kFineSteps = 1024;
/// Coarse candidates between two looks at what clipping alone costs.
static constexpr int kChunk = 16;

/// Calls `fn(part, begin, end)` for the parts of `count` weights.
template <typename Fn>
static void forEachPart(size_t count, const ForEachIndex &forEach, Fn fn) {
  size_t parts = (count + kPart - 1) / kPart;
  auto run = [&](size_t part) {
    quantmath::FloatEnvironment environment;
    fn(part, part * kPart, std::min(count, (part + 1) * kPart));
  };
  if (forEach && parts > 1) {
    forEach(parts, run);
    return;
  }
  for (size_t part = 0; part < parts; ++part)
    run(part);
}

/// The errors of `scales` on all weights.
static std::vector<double> getErrors(const float *weights, size_t count,
                                     const std::vector<float> &scales,
                                     const ForEachIndex &forEach) {
  WeightVectors vectors = detail::getWeightVectors();
  size_t n = scales.size();
  std::vector<double> parts((count + kPart - 1) / kPart * n, 0.0);
  forEachPart(count, forEach, [&](size_t part, size_t begin, size_t end) {
    for (size_t i = begin; i < end; i += kBlock)
      detail::addWeightErrors(vectors, weights + i, std::min(kBlock, end - i),
                              scales.data(), n, &parts[part * n]);
  });
  std::vector<double> errors(n, 0.0);
  for (size_t i = 0; i < parts.size(); ++i)
    errors[i % n] += parts[i];
  return errors;
}

double mlir::qopt::getWeightError(const float *weights, size_t count,
                                  float scale) {
  return getErrors(weights, count, {scale}, nullptr)[0];
}

namespace {
/// Extremes and the sum of squares of some weights.
struct Magnitudes {
  uint32_t maxBits = 0; ///< of |w|, whose order is that of its bits
  double squares = 0;
};
} // namespace

static Magnitudes getMagnitudes(const float *weights, size_t count,
                                const ForEachIndex &forEach) {
  std::vector<Magnitudes> parts((count + kPart - 1) / kPart);
  forEachPart(count, forEach, [&](size_t part, size_t begin, size_t end) {
    std::array<uint32_t, kLanes> bits = {};
    std::array<double, kLanes> squares = {};
    auto add = [&](size_t i, size_t lane) {
      uint32_t magnitude =
          quantmath::detail::bitCast<uint32_t>(weights[i]) & 0x7fffffffu;
      bits[lane] = std::max(bits[lane], magnitude);
      squares[lane] += double(weights[i]) * double(weights[i]);
    };
    size_t i = begin;
    for (; i + kLanes <= end; i += kLanes)
      for (size_t lane = 0; lane < kLanes; ++lane)
        add(i + lane, lane);
    for (size_t lane = 0; i < end; ++i, ++lane)
      add(i, lane);
    for (size_t lane = 0; lane < kLanes; ++lane) {
      parts[part].maxBits = std::max(parts[part].maxBits, bits[lane]);
      parts[part].squares += squares[lane];
    }
  });
  Magnitudes all;
  for (const Magnitudes &part : parts) {
    all.maxBits = std::max(all.maxBits, part.maxBits);
    all.squares += part.squares;
  }
  return all;
}

/// Sum of (|w| - limit)^2 over the weights beyond the limit: a lower bound of
/// the error of all scales whose largest value is at most `limit`.
static double getClippedSquares(const float *weights, size_t count,
                                double limit, const ForEachIndex &forEach) {
  std::vector<double> parts((count + kPart - 1) / kPart);
  forEachPart(count, forEach, [&](size_t part, size_t begin, size_t end) {
    std::array<double, kLanes> sums = {};
    auto add = [&](size_t i, size_t lane) {
      double beyond = __builtin_fabs(double(weights[i])) - limit;
      double twice = beyond + __builtin_fabs(beyond); // 0 inside the limit.
      sums[lane] += twice * twice;
    };
    size_t i = begin;
    for (; i + kLanes <= end; i += kLanes)
      for (size_t lane = 0; lane < kLanes; ++lane)
        add(i + lane, lane);
    for (size_t lane = 0; i < end; ++i, ++lane)
      add(i, lane);
    for (double sum : sums)
      parts[part] += sum / 4;
  });
  double total = 0;
  for (double part : parts)
    total += part;
  return total;
}

namespace {
/// The search of `mse`. Of equal errors the larger scale is kept, so that it
/// never does worse, nor clips for nothing, compared with `max`.
class LeastError {
public:
  LeastError(const float *weights, size_t count, double amax,
             const ForEachIndex &forEach)
      : weights(weights), count(count), amax(amax), forEach(forEach) {}

  void search() {
    int least = 0;
    for (int first = 0; first < kCoarse; first += kChunk) {
      if (first > 0 && mustBeWorse(double(first) / kCoarseSteps))
        break;
      std::vector<double> shares;
      for (int i = first; i < std::min(first + kChunk, kCoarse); ++i)
        shares.push_back(1.0 - double(i) / kCoarseSteps);
      if (int best = evaluate(shares); best >= 0)
        least = first + best;
    }
    constexpr int kRatio = kFineSteps / kCoarseSteps;
    std::vector<double> shares;
    for (int i = (least - 1) * kRatio + 1; i < (least + 1) * kRatio; ++i)
      if (i > 0 && i <= (kCoarse - 1) * kRatio && i != least * kRatio)
        shares.push_back(1.0 - double(i) / kFineSteps);
    evaluate(shares);
  }

  float scale = 0;
  double error = std::numeric_limits<double>::infinity();

private:
  /// The scale that maps this share of the largest magnitude to 127.
  float scaleOf(double share) const {
    return quantmath::symmetricScale(amax * share).scale;
  }
  /// Clipping alone costs more than the best scale does, at this and any
  /// smaller share. The factor is far above the rounding of both sums.
  bool mustBeWorse(double clipped) const {
    double limit = double(scaleOf(1.0 - clipped) * kLevels);
    return getClippedSquares(weights, count, limit, forEach) >
           error * (1 + 0x1p-20);
  }
  /// Keeps the best of these and of those before; its index if it is new.
  int evaluate(const std::vector<double> &shares) {
    std::vector<float> scales;
    for (double share : shares)
      scales.push_back(scaleOf(share));
    std::vector<double> errors = getErrors(weights, count, scales, forEach);
    int best = -1;
    for (size_t i = 0; i < scales.size(); ++i)
      if (errors[i] < error || (errors[i] == error && scales[i] > scale)) {
        scale = scales[i];
        error = errors[i];
        best = static_cast<int>(i);
      }
    return best;
  }

  const float *weights;
  size_t count;
  double amax;
  const ForEachIndex &forEach;
};
} // namespace

bool mlir::qopt::chooseWeightScale(const float *weights, size_t count,
                                   WeightMethod method, WeightScale &result,
                                   const ForEachIndex &forEach) {
  constexpr uint32_t kInfinityBits = 0x7f800000u;
  Magnitudes magnitudes = getMagnitudes(weights, count, forEach);
  if (magnitudes.maxBits >= kInfinityBits)
    return false;
  double amax = quantmath::detail::bitCast<float>(magnitudes.maxBits);
  quantmath::ScaleChoice choice = quantmath::symmetricScale(amax);
  result = WeightScale();
  result.scale = choice.scale;
  result.dead = choice.dead;
  result.limited = !choice.dead && (amax / kLevels < quantmath::kMinScale ||
                                    amax / kLevels > quantmath::kMaxScale);
  result.squaredSum = magnitudes.squares;
  if (choice.dead)
    return true;
  if (method == WeightMethod::MSE) {
    LeastError least(weights, count, amax, forEach);
    least.search();
    result.scale = least.scale;
    result.squaredError = least.error;
  } else {
    result.squaredError = getErrors(weights, count, {choice.scale}, forEach)[0];
  }
  return true;
}
