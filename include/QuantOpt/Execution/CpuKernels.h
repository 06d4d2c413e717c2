//===- CpuKernels.h - Contractions and convolutions on the CPU -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernels that compiled models call for contractions and convolutions:
// oneDNN where it is right and fast, our own loops otherwise. Integer results
// are exact (they wrap like i32 addition) whatever runs them; f32 results may
// differ in bits between implementations and instruction sets, never between
// runs or numbers of calling threads.
//
// Assumes nothing about alignment. Zero points, scales and padding are the
// compiler's business. Has no dependency on LLVM or MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTOPT_EXECUTION_CPUKERNELS_H
#define QUANTOPT_EXECUTION_CPUKERNELS_H

#include <cstdint>
#include <memory>
#include <string>

namespace mlir::qopt::cpu {

/// Element types of operands; outputs are F32 (of F32 operands) or S32.
enum class ElementType : uint8_t { F32, S8, U8, S32 };

/// out[b,m,n] = sum_k lhs[b,m,k] * rhs[b,k,n] (+ out[b,m,n] with `accumulate`).
///
/// F32 x F32 gives F32; (S8|U8) x (S8|U8) gives S32, exact modulo 2^32.
/// Extents are >= 0 (an empty sum is 0), strides are >= 0 and count elements.
/// Output strides of extents above 1 must be positive and give distinct
/// elements. The output must not overlap an operand.
struct ContractionSpec {
  ElementType lhsType = ElementType::F32;
  ElementType rhsType = ElementType::F32;
  int64_t batch = 1, m = 1, n = 1, k = 1;
  int64_t lhsStrides[3] = {0, 0, 0}; ///< b, m, k; 0 broadcasts.
  int64_t rhsStrides[3] = {0, 0, 0}; ///< b, k, n; 0 broadcasts.
  int64_t outStrides[3] = {0, 0, 0}; ///< b, m, n.
  /// Add to what `out` holds instead of overwriting it.
  bool accumulate = false;
  /// The operand has the same address and contents at every run: a kernel may
  /// keep a packed copy made at its first run.
  bool lhsConstant = false, rhsConstant = false;
};

/// A convolution (cross-correlation) with 1 to 3 spatial dimensions:
///
///   out[b, g, o, p] = sum over c, t of
///       input[b, g, c, p * strides + t * dilations] * filter[g, o, c, t]
///
/// for b < batch, g < groups, o < outputChannels, p < outputSize,
/// c < inputChannels, t < kernelSize; types as for contractions. There is no
/// padding: the input holds it already, so every tap read lies inside
/// `inputSize`. All of the input must be readable, also what no tap needs.
/// Depthwise is inputChannels = outputChannels = 1. NHWC activations are
/// fastest; others may be copied at each run.
struct ConvolutionSpec {
  ElementType inputType = ElementType::F32;
  ElementType filterType = ElementType::F32;
  unsigned rank = 2; ///< Spatial dimensions, 1 to 3; later entries are unused.
  int64_t batch = 1;
  int64_t groups = 1;
  int64_t inputChannels = 1;  ///< Per group.
  int64_t outputChannels = 1; ///< Per group.
  int64_t inputSize[3] = {1, 1, 1};
  int64_t outputSize[3] = {1, 1, 1};
  int64_t kernelSize[3] = {1, 1, 1};
  int64_t strides[3] = {1, 1, 1};   ///< Of the window, >= 1.
  int64_t dilations[3] = {1, 1, 1}; ///< Of the taps, >= 1.

  /// Memory strides in elements, >= 0; rules as for ContractionSpec.
  struct Strides {
    int64_t outer = 0;
    int64_t group = 0;
    int64_t channel = 0;
    int64_t spatial[3] = {0, 0, 0};
  };
  Strides inputStrides;    ///< outer = batch.
  Strides filterStrides;   ///< outer = output channel inside the group,
                           ///< channel = input channel inside the group.
  Strides outputStrides;   ///< outer = batch, channel = output channel inside
                           ///< the group.
  bool accumulate = false; ///< As ContractionSpec::accumulate.
  bool filterConstant = false; ///< As ContractionSpec::rhsConstant.
};

/// One operation with fixed shapes, ready to run.
class Kernel {
public:
  virtual ~Kernel();

  /// Computes `out` from `lhs` (a convolution's input) and `rhs` (its filter).
  /// Runs in the calling thread alone; any number of threads may call it at
  /// once with different outputs. Throws nothing; needs memory for scratch.
  virtual void run(const void *lhs, const void *rhs, void *out) const = 0;

  /// What runs, for reports: "onednn:<oneDNN's name>" or "plain:<variant>".
  virtual const char *implementation() const = 0;
};

/// Which implementations may be chosen.
enum class KernelPreference {
  Auto, ///< The fastest one that is exact.
  Plain ///< Our own loops only.
};

/// Builds a kernel. Never null for a valid spec (plain loops take everything)
/// unless memory runs out; for an invalid one returns null and says in `error`
/// what is wrong. The first int8 kernel of a shape is checked by running
/// oneDNN's candidate a few times. Thread-safe.
std::unique_ptr<Kernel> createContraction(const ContractionSpec &spec,
                                          KernelPreference preference,
                                          std::string &error);
std::unique_ptr<Kernel> createConvolution(const ConvolutionSpec &spec,
                                          KernelPreference preference,
                                          std::string &error);

/// Whether oneDNN's int8 primitives give exact sums with the instruction set
/// in effect: without VNNI or AMX they saturate. Tested once, then cached. Some
/// primitives round sums beyond 2^24 even so; each one is tested before use.
bool oneDnnInt8IsExact();

/// The instruction set that oneDNN uses, e.g. "avx512_core_amx": that of the
/// machine, or what the environment variable DNNL_MAX_CPU_ISA (which oneDNN
/// reads) limits it to. The variable limits our own loops as well. On machines
/// where oneDNN's AMX would crash it is one below, and only our loops use AMX.
const char *instructionSet();

} // namespace mlir::qopt::cpu

#endif // QUANTOPT_EXECUTION_CPUKERNELS_H
