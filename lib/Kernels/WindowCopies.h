//===- WindowCopies.h - Tiles of windows of an image -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. The rows of a matrix that are windows of an image
// (#qopt.window) are never built: the copies that fill tiles in shared memory
// read the image.
//
// A row has a position in the image, computed once per thread; a place along K
// has taps, which all copies of a thread share. Their sum is the address, and
// two comparisons say whether there is such a pixel. What is not there is
// filled in by the copy (zeros) or stored (other pad values). Taps beyond the
// last one multiply with zeros of the packed constant: they may read any pixel.
//
// Where taps of a row lie side by side in memory (no dilation, one group), a
// row of taps is one run of bytes: places along K are then runs and bytes of
// them, and chunks may cross taps.
//
// Extents are run-time arguments, with multipliers to divide by, so that layers
// of different sizes share kernels.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_WINDOWCOPIES_H
#define QUANTOPT_LIB_KERNELS_WINDOWCOPIES_H

#include "DeviceBuilder.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

#include <array>

namespace mlir::qopt {

/// Arguments of the kernel, all i32. Positions along the width ("x") count
/// bytes, or pixels where the input is dilated.
enum class WindowScalar : unsigned {
  Height,     ///< rows of the image
  Width,      ///< extent of x
  ImagePitch, ///< bytes from image to image, row to row, pixel to pixel
  RowPitch,
  PixelPitch,
  Windows, ///< windows per image, to be divided by, as the next three
  WindowsMagic,
  WindowsShift,
  OutWidth, ///< windows per row
  OutWidthMagic,
  OutWidthShift,
  Run, ///< bytes that are contiguous in image and constant
  RunMagic,
  RunShift,
  Taps, ///< taps per row
  TapsMagic,
  TapsShift,
  StrideH,
  StrideX,
  PadH,
  PadX,
  DilationH,
  DilationX,
  PadByte, ///< the pad value, 0 to 255
};
constexpr unsigned kNumWindowScalars =
    static_cast<unsigned>(WindowScalar::PadByte) + 1;

/// The windows of a gemm on buffers as kernels see them.
struct WindowShape {
  /// An error at the op where kernels cannot work with its image.
  static FailureOr<WindowShape> create(GemmOp op);

  int64_t operator[](WindowScalar scalar) const {
    return scalars[static_cast<unsigned>(scalar)];
  }
  bool isDilated() const { return inputDilationH > 1 || inputDilationW > 1; }
  /// The part of the kernel's key.
  void printKey(llvm::raw_ostream &os) const;

  std::array<int64_t, kNumWindowScalars> scalars = {};
  /// A row of taps is one run.
  bool hasRuns = false;
  /// The pad value is 0.
  bool padsZero = true;
  int64_t inputDilationH = 1, inputDilationW = 1;
  int64_t groups = 1;
  /// Channels of a group.
  int64_t groupChannels = 1;
  /// Greatest power of two, at most 16, that divides the address of whatever a
  /// copy of that many bytes reads; such a copy is in the image or not.
  int64_t alignment = 16;
};

/// WindowShape::alignment for `op` on tensors, if its image becomes a buffer of
/// its own, or a part of that of the tensor it is a slice of.
int64_t getWindowAlignment(GemmOp op);

/// One thread's copies of 16 bytes each from windows to a tile.
class WindowCopies {
public:
  /// `image`: the address of the first image, at this block's group; `scalars`
  /// by WindowScalar.
  WindowCopies(DeviceBuilder &builder, const WindowShape &shape, Value image,
               ArrayRef<Value> scalars);

  /// A row of the matrix and where its chunk goes in a stage (i32).
  struct Row {
    Value shared;
    /// The address of the window's first tap (its image, where the input is
    /// dilated), and the tap's position, which may be outside.
    Value base, h, x;
  };
  Row getRow(Value row, Value shared);

  /// Remembers a row, for `issue`.
  void add(Row row) { rows.push_back(row); }
  /// Starts the copies of place `depth` along K of all rows to `stage`.
  void issue(Value depth, Value stage);
  /// The same of one row, for narrow alignments: by loads and a store.
  void copyNarrow(const Row &row, Value depth, Value stage);

private:
  /// A place along K.
  struct Tap {
    /// Its position relative to a window, and its bytes from the window's first
    /// tap (from its pixel, where the input is dilated).
    Value h, x, offset;
  };
  Value get(WindowScalar scalar) const {
    return scalars[static_cast<unsigned>(scalar)];
  }
  /// `value` / `divisor`, for value < 2^30; the rest in `rest`.
  Value divide(Value value, WindowScalar divisor, Value &rest);
  Tap getTap(Value depth);
  /// Where the pixel is, and whether there is one.
  Value getAddress(const Row &row, const Tap &tap, Value &exists);

  DeviceBuilder &b;
  const WindowShape &shape;
  Value image;
  SmallVector<Value> scalars;
  /// Four times the pad byte.
  Value padWord;
  SmallVector<Row> rows;
};

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_WINDOWCOPIES_H
