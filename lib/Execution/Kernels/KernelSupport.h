//===- KernelSupport.h - What all CPU kernels share ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scratch memory, strided copies, contraction rewrites, and the level of
// vector instructions that our own loops may use.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTOPT_LIB_EXECUTION_KERNELS_KERNELSUPPORT_H
#define QUANTOPT_LIB_EXECUTION_KERNELS_KERNELSUPPORT_H

#include "QuantOpt/Execution/CpuKernels.h"

#include <cstddef>
#include <vector>

namespace mlir::qopt::cpu {

/// Bytes of one element.
inline size_t byteWidth(ElementType type) {
  return type == ElementType::F32 || type == ElementType::S32 ? 4 : 1;
}

/// The output type that belongs to an operand type.
inline ElementType resultType(ElementType operand) {
  return operand == ElementType::F32 ? ElementType::F32 : ElementType::S32;
}

/// `pointer` moved by `elements` of `width` bytes.
inline const void *advance(const void *pointer, int64_t elements,
                           size_t width) {
  return static_cast<const char *>(pointer) +
         elements * static_cast<int64_t>(width);
}
inline void *advance(void *pointer, int64_t elements, size_t width) {
  return static_cast<char *>(pointer) + elements * static_cast<int64_t>(width);
}

//===----------------------------------------------------------------------===//
// Scratch memory
//===----------------------------------------------------------------------===//

/// Uses of scratch that may be live at one time in one run.
enum class ScratchSlot : unsigned { Library, Lhs, Rhs, Reorder, Out, Count };

/// At least `bytes` of 64-byte aligned memory that belongs to the calling
/// thread, valid until its next request for the same slot. It is kept, and
/// grows as needed. Running out of memory ends the process with a message: a
/// kernel has no way to report it.
void *scratch(ScratchSlot slot, size_t bytes);

/// 64-byte aligned memory that a kernel owns. Empty if `bytes` is 0.
class AlignedBuffer {
public:
  explicit AlignedBuffer(size_t bytes = 0);
  void *data() const { return pointer.get(); }

private:
  struct Free {
    void operator()(void *pointer) const;
  };
  std::unique_ptr<void, Free> pointer;
};

/// Prints `what` and aborts; for failures that a running kernel cannot report.
[[noreturn]] void fatal(const char *what);

//===----------------------------------------------------------------------===//
// Strided copies
//===----------------------------------------------------------------------===//

/// One dimension of a copy; strides in elements.
struct CopyDim {
  int64_t extent;
  int64_t srcStride;
  int64_t dstStride;
};

/// dst[i] = src[i] over all dimensions, elements of 1 or 4 bytes.
void copyStrided(std::vector<CopyDim> dims, size_t width, const void *src,
                 void *dst);

/// dst[i] += src[i] over all dimensions; F32, or S32 wrapping.
void addStrided(std::vector<CopyDim> dims, ElementType type, const void *src,
                void *dst);

//===----------------------------------------------------------------------===//
// Rewrites
//===----------------------------------------------------------------------===//

/// The same sums with fewer dimensions where strides allow: the batch becomes
/// part of m or n. Strides of extents of 1 become 0.
ContractionSpec foldBatch(ContractionSpec spec);

/// The transposed problem: out^T = rhs^T * lhs^T. Callers exchange the operand
/// pointers as well.
ContractionSpec swapOperands(const ContractionSpec &spec);

//===----------------------------------------------------------------------===//
// Instruction sets
//===----------------------------------------------------------------------===//

/// Vector instructions that our own loops use, each including those before.
enum class VectorLevel { Portable, Avx2, Avx512, Avx512Vnni, Amx };

/// The highest level that the machine and DNNL_MAX_CPU_ISA allow.
VectorLevel vectorLevel();

} // namespace mlir::qopt::cpu

#endif // QUANTOPT_LIB_EXECUTION_KERNELS_KERNELSUPPORT_H
