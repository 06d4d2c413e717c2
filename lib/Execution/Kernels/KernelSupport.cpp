//===- KernelSupport.cpp - What all CPU kernels share ---------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scratch memory per thread, strided copies and contraction rewrites. The
// instruction sets are in InstructionSet.cpp.
//
//===----------------------------------------------------------------------===//

#include "KernelSupport.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace mlir::qopt::cpu {

//===----------------------------------------------------------------------===//
// Scratch memory
//===----------------------------------------------------------------------===//

void fatal(const char *what) {
  std::fprintf(stderr, "quant-opt: fatal error in a CPU kernel: %s\n", what);
  std::abort();
}

static void *allocateAligned(size_t bytes) {
  constexpr size_t kAlignment = 64;
  void *data = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) /
                                                  kAlignment * kAlignment);
  if (!data)
    fatal("out of memory");
  return data;
}

AlignedBuffer::AlignedBuffer(size_t bytes)
    : pointer(bytes ? allocateAligned(bytes) : nullptr) {}

void AlignedBuffer::Free::operator()(void *pointer) const {
  std::free(pointer);
}

namespace {
struct ScratchBuffer {
  AlignedBuffer memory;
  size_t size = 0;
};
} // namespace

void *scratch(ScratchSlot slot, size_t bytes) {
  static thread_local ScratchBuffer
      buffers[static_cast<unsigned>(ScratchSlot::Count)];
  ScratchBuffer &buffer = buffers[static_cast<unsigned>(slot)];
  if (bytes > buffer.size || buffer.size == 0) {
    buffer.memory = AlignedBuffer(); // Not two at once: they can be large.
    buffer.size = std::max<size_t>(bytes, 4096);
    buffer.memory = AlignedBuffer(buffer.size);
  }
  return buffer.memory.data();
}

//===----------------------------------------------------------------------===//
// Strided copies
//===----------------------------------------------------------------------===//

/// Drops extents of 1, orders by destination stride (largest first) and merges
/// dimensions that are contiguous in both. Leaves at least one.
static void simplify(std::vector<CopyDim> &dims) {
  dims.erase(std::remove_if(dims.begin(), dims.end(),
                            [](const CopyDim &dim) { return dim.extent == 1; }),
             dims.end());
  std::stable_sort(dims.begin(), dims.end(),
                   [](const CopyDim &a, const CopyDim &b) {
                     return a.dstStride > b.dstStride;
                   });
  std::vector<CopyDim> merged;
  for (const CopyDim &dim : dims) {
    if (!merged.empty() &&
        merged.back().srcStride == dim.extent * dim.srcStride &&
        merged.back().dstStride == dim.extent * dim.dstStride)
      merged.back() = {merged.back().extent * dim.extent, dim.srcStride,
                       dim.dstStride};
    else
      merged.push_back(dim);
  }
  if (merged.empty())
    merged.push_back({1, 1, 1});
  dims = std::move(merged);
}

/// Calls `body(srcOffset, dstOffset)` for each index of `dims`, last fastest.
template <typename Body>
static void forEachIndex(const std::vector<CopyDim> &dims, Body body) {
  for (const CopyDim &dim : dims)
    if (dim.extent == 0)
      return;
  std::vector<int64_t> index(dims.size(), 0);
  int64_t src = 0, dst = 0;
  while (true) {
    body(src, dst);
    size_t d = dims.size();
    while (d > 0) {
      --d;
      src += dims[d].srcStride;
      dst += dims[d].dstStride;
      if (++index[d] < dims[d].extent)
        break;
      src -= dims[d].extent * dims[d].srcStride;
      dst -= dims[d].extent * dims[d].dstStride;
      index[d] = 0;
      if (d == 0)
        return;
    }
    if (dims.empty())
      return;
  }
}

/// A transposition in blocks, so that both sides use whole cache lines.
template <typename T>
static void copyTransposed(const CopyDim &outer, const CopyDim &inner,
                           const T *src, T *dst) {
  constexpr int64_t kBlock = 32;
  for (int64_t i0 = 0; i0 < outer.extent; i0 += kBlock)
    for (int64_t j0 = 0; j0 < inner.extent; j0 += kBlock) {
      int64_t iEnd = std::min(outer.extent, i0 + kBlock);
      int64_t jEnd = std::min(inner.extent, j0 + kBlock);
      for (int64_t i = i0; i < iEnd; ++i)
        for (int64_t j = j0; j < jEnd; ++j)
          dst[i * outer.dstStride + j * inner.dstStride] =
              src[i * outer.srcStride + j * inner.srcStride];
    }
}

template <typename T>
static void copyElements(std::vector<CopyDim> dims, const T *src, T *dst) {
  simplify(dims);
  // The innermost destination dimension is last. With it goes the dimension
  // that is innermost in the source, where that is another one.
  CopyDim inner = dims.back();
  dims.pop_back();
  if (inner.srcStride == 1 && inner.dstStride == 1) {
    forEachIndex(dims, [&](int64_t srcOffset, int64_t dstOffset) {
      std::memcpy(dst + dstOffset, src + srcOffset, inner.extent * sizeof(T));
    });
    return;
  }
  CopyDim outer = {1, 0, 0};
  auto closest = std::min_element(dims.begin(), dims.end(),
                                  [](const CopyDim &a, const CopyDim &b) {
                                    return a.srcStride < b.srcStride;
                                  });
  if (closest != dims.end()) {
    outer = *closest;
    dims.erase(closest);
  }
  forEachIndex(dims, [&](int64_t srcOffset, int64_t dstOffset) {
    copyTransposed(outer, inner, src + srcOffset, dst + dstOffset);
  });
}

void copyStrided(std::vector<CopyDim> dims, size_t width, const void *src,
                 void *dst) {
  if (width == 1)
    copyElements(std::move(dims), static_cast<const uint8_t *>(src),
                 static_cast<uint8_t *>(dst));
  else
    copyElements(std::move(dims), static_cast<const uint32_t *>(src),
                 static_cast<uint32_t *>(dst));
}

template <typename T>
static void addElements(std::vector<CopyDim> dims, const T *src, T *dst) {
  simplify(dims);
  CopyDim inner = dims.back();
  dims.pop_back();
  forEachIndex(dims, [&](int64_t srcOffset, int64_t dstOffset) {
    const T *from = src + srcOffset;
    T *to = dst + dstOffset;
    if (inner.srcStride == 1 && inner.dstStride == 1) {
      for (int64_t i = 0; i < inner.extent; ++i)
        to[i] += from[i];
    } else {
      for (int64_t i = 0; i < inner.extent; ++i)
        to[i * inner.dstStride] += from[i * inner.srcStride];
    }
  });
}

void addStrided(std::vector<CopyDim> dims, ElementType type, const void *src,
                void *dst) {
  if (type == ElementType::F32)
    addElements(std::move(dims), static_cast<const float *>(src),
                static_cast<float *>(dst));
  else // Unsigned arithmetic wraps, as i32 addition is specified to.
    addElements(std::move(dims), static_cast<const uint32_t *>(src),
                static_cast<uint32_t *>(dst));
}

//===----------------------------------------------------------------------===//
// Rewrites
//===----------------------------------------------------------------------===//

ContractionSpec swapOperands(const ContractionSpec &spec) {
  ContractionSpec swapped = spec;
  std::swap(swapped.lhsType, swapped.rhsType);
  std::swap(swapped.lhsConstant, swapped.rhsConstant);
  std::swap(swapped.m, swapped.n);
  swapped.lhsStrides[0] = spec.rhsStrides[0];
  swapped.lhsStrides[1] = spec.rhsStrides[2];
  swapped.lhsStrides[2] = spec.rhsStrides[1];
  swapped.rhsStrides[0] = spec.lhsStrides[0];
  swapped.rhsStrides[1] = spec.lhsStrides[2];
  swapped.rhsStrides[2] = spec.lhsStrides[1];
  std::swap(swapped.outStrides[1], swapped.outStrides[2]);
  return swapped;
}

/// Zeroes the strides of extents of 1.
static void normalizeStrides(ContractionSpec &spec) {
  if (spec.batch == 1)
    spec.lhsStrides[0] = spec.rhsStrides[0] = spec.outStrides[0] = 0;
  if (spec.m == 1)
    spec.lhsStrides[1] = spec.outStrides[1] = 0;
  if (spec.n == 1)
    spec.rhsStrides[2] = spec.outStrides[2] = 0;
  if (spec.k == 1)
    spec.lhsStrides[2] = spec.rhsStrides[1] = 0;
}

/// Makes the batch part of m where the right operand does not depend on it.
static bool foldBatchIntoRows(ContractionSpec &spec) {
  if (spec.batch == 1 || spec.rhsStrides[0] != 0)
    return false;
  if (spec.m == 1) {
    spec.lhsStrides[1] = spec.lhsStrides[0];
    spec.outStrides[1] = spec.outStrides[0];
  } else if (spec.lhsStrides[0] != spec.m * spec.lhsStrides[1] ||
             spec.outStrides[0] != spec.m * spec.outStrides[1]) {
    return false;
  }
  spec.m *= spec.batch;
  spec.batch = 1;
  normalizeStrides(spec);
  return true;
}

ContractionSpec foldBatch(ContractionSpec spec) {
  normalizeStrides(spec);
  if (foldBatchIntoRows(spec))
    return spec;
  ContractionSpec swapped = swapOperands(spec);
  if (foldBatchIntoRows(swapped))
    return swapOperands(swapped);
  return spec;
}

} // namespace mlir::qopt::cpu
