//===- WindowCopies.cpp - Tiles of windows of an image ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "WindowCopies.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace mlir::qopt;

static constexpr int64_t kChunk = 16;
/// Numbers that are divided are below 2^30.
static constexpr int64_t kDividendBits = 30;

//===----------------------------------------------------------------------===//
// WindowShape
//===----------------------------------------------------------------------===//

/// One row of taps is contiguous in the image as it is in the constant.
static bool hasRunsOf(WindowAttr window) {
  return (window.getDilationW() == 1 || window.getKernelW() == 1) &&
         window.getInputDilationH() == 1 && window.getInputDilationW() == 1 &&
         window.getGroups() == 1;
}

static int64_t getAlignment(WindowAttr window, int64_t channels,
                            int64_t pixelPitch, int64_t rowPitch,
                            int64_t imagePitch, int64_t offset) {
  int64_t alignment = kChunk;
  auto take = [&](int64_t bytes) { alignment = std::gcd(alignment, bytes); };
  take(offset);
  take(rowPitch);
  take(imagePitch);
  if (!hasRunsOf(window)) {
    take(pixelPitch);
    take(channels / window.getGroups());
    return alignment;
  }
  take(window.getStrideW() * pixelPitch);
  take(window.getPadW() * pixelPitch);
  take(window.getKernelW() * channels);
  return alignment;
}

int64_t qopt::getWindowAlignment(GemmOp op) {
  ArrayRef<int64_t> shape = cast<ShapedType>(op.getA().getType()).getShape();
  int64_t row = shape[2] * shape[3];
  int64_t alignment =
      getAlignment(*op.getWindow(), shape[3], shape[3], row, shape[1] * row,
                   /*offset=*/0);
  // A slice will be a part of a buffer: its pixels are those of the source.
  Value image = op.getA();
  while (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
      image.getDefiningOp()))
    image = image.getDefiningOp()->getOperand(0);
  auto slice = image.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice)
    return alignment;
  int64_t offset = slice.getStaticOffsets().back();
  int64_t pitch = slice.getSourceType().getShape().back();
  if (ShapedType::isDynamic(offset) || ShapedType::isDynamic(pitch))
    return 1;
  return std::gcd(std::gcd(alignment, offset), pitch);
}

/// A divisor with what replaces the division: for n < 2^30,
/// n / d = n * magic >> shift.
static void setDivisor(WindowShape &shape, WindowScalar divisor, int64_t d) {
  auto index = static_cast<unsigned>(divisor);
  int64_t shift = kDividendBits + llvm::Log2_64_Ceil(d);
  shape.scalars[index] = d;
  shape.scalars[index + 1] = (int64_t(1) << shift) / d + 1;
  shape.scalars[index + 2] = shift;
}

FailureOr<WindowShape> WindowShape::create(GemmOp op) {
  WindowAttr window = *op.getWindow();
  auto type = cast<MemRefType>(op.getA().getType());
  SmallVector<int64_t> strides;
  int64_t offset = 0;
  if (failed(type.getStridesAndOffset(strides, offset)) ||
      ShapedType::isDynamicShape(strides) || ShapedType::isDynamic(offset) ||
      (strides.back() != 1 && type.getDimSize(3) != 1))
    return op.emitOpError("has no kernel for an image of this layout: ")
           << type;
  int64_t height = type.getDimSize(1), width = type.getDimSize(2),
          channels = type.getDimSize(3);
  // Strides of dims of extent 1 mean nothing.
  int64_t pixelPitch = width == 1 ? channels : strides[2];
  int64_t rowPitch = height == 1 ? width * pixelPitch : strides[1];
  int64_t imagePitch = type.getDimSize(0) == 1 ? height * rowPitch : strides[0];

  WindowShape shape;
  shape.hasRuns =
      hasRunsOf(window) && (pixelPitch == channels || window.getKernelW() == 1);
  shape.padsZero = window.getPadValue() == 0;
  shape.inputDilationH = window.getInputDilationH();
  shape.inputDilationW = window.getInputDilationW();
  shape.groups = window.getGroups();
  shape.groupChannels = channels / shape.groups;
  shape.alignment =
      getAlignment(window, channels, pixelPitch, rowPitch, imagePitch, offset);
  if (!shape.hasRuns)
    shape.alignment =
        std::gcd(std::gcd(shape.alignment, pixelPitch), shape.groupChannels);

  int64_t unit = shape.isDilated() ? 1 : pixelPitch;
  auto set = [&](WindowScalar scalar, int64_t value) {
    shape.scalars[static_cast<unsigned>(scalar)] = value;
  };
  set(WindowScalar::Height, height);
  set(WindowScalar::Width, width * unit);
  set(WindowScalar::ImagePitch, imagePitch);
  set(WindowScalar::RowPitch, rowPitch);
  set(WindowScalar::PixelPitch, pixelPitch);
  setDivisor(shape, WindowScalar::Windows, window.getOutH() * window.getOutW());
  setDivisor(shape, WindowScalar::OutWidth, window.getOutW());
  setDivisor(shape, WindowScalar::Run,
             shape.hasRuns ? window.getKernelW() * channels
                           : shape.groupChannels);
  setDivisor(shape, WindowScalar::Taps, window.getKernelW());
  set(WindowScalar::StrideH, window.getStrideH());
  set(WindowScalar::StrideX, window.getStrideW() * unit);
  set(WindowScalar::PadH, window.getPadH());
  set(WindowScalar::PadX, window.getPadW() * unit);
  set(WindowScalar::DilationH, window.getDilationH());
  set(WindowScalar::DilationX, window.getDilationW() * unit);
  set(WindowScalar::PadByte, static_cast<uint8_t>(window.getPadValue()));

  // Positions and offsets within an image, pads included, are 32-bit. The tile
  // behind the last one may have taps of as many rows as it has bytes.
  constexpr int64_t kMaxBlockK = 128;
  auto reach = [](int64_t out, int64_t stride, int64_t taps, int64_t dilation,
                  int64_t pad) { return out * stride + taps * dilation + pad; };
  double rows = reach(window.getOutH(), window.getStrideH(),
                      window.getKernelH() + kMaxBlockK, window.getDilationH(),
                      window.getPadH());
  double columns =
      reach(window.getOutW(), window.getStrideW(), window.getKernelW(),
            window.getDilationW(), window.getPadW());
  if (std::max(rows, double(height) * window.getInputDilationH()) * rowPitch +
          std::max(columns, double(width) * window.getInputDilationW()) *
              pixelPitch >
      INT32_MAX)
    return op.emitOpError("has windows of an image of more than 2^31 - 1 "
                          "bytes with its pads: ")
           << type;
  return shape;
}

void WindowShape::printKey(llvm::raw_ostream &os) const {
  os << " window" << alignment << hasRuns << padsZero << " from "
     << inputDilationH << ' ' << inputDilationW << " groups" << (groups > 1);
}

//===----------------------------------------------------------------------===//
// WindowCopies
//===----------------------------------------------------------------------===//

WindowCopies::WindowCopies(DeviceBuilder &builder, const WindowShape &shape,
                           Value image, ArrayRef<Value> scalars)
    : b(builder), shape(shape), image(image), scalars(scalars) {
  constexpr int64_t kFourTimes = 0x01010101;
  if (!shape.padsZero)
    padWord = b.mul(get(WindowScalar::PadByte), kFourTimes);
}

Value WindowCopies::divide(Value value, WindowScalar divisor, Value &rest) {
  auto index = static_cast<unsigned>(divisor);
  Value product = b.mul(b.toI64(value), b.toI64(scalars[index + 1]));
  Value quotient = b.createOrFold<arith::TruncIOp>(
      b.getI32Type(),
      b.createOrFold<arith::ShRUIOp>(product, b.toI64(scalars[index + 2])));
  rest = b.sub(value, b.mul(quotient, scalars[index]));
  return quotient;
}

WindowCopies::Row WindowCopies::getRow(Value row, Value shared) {
  Value window, q;
  Value number = divide(row, WindowScalar::Windows, window);
  Value p = divide(window, WindowScalar::OutWidth, q);
  Value h =
      b.sub(b.mul(p, get(WindowScalar::StrideH)), get(WindowScalar::PadH));
  Value x =
      b.sub(b.mul(q, get(WindowScalar::StrideX)), get(WindowScalar::PadX));
  Value base = b.offset(
      image, b.mul(b.toI64(number), b.toI64(get(WindowScalar::ImagePitch))));
  if (!shape.isDilated()) {
    Value first = b.add(b.mul(h, get(WindowScalar::RowPitch)), x);
    base =
        b.offset(base, b.createOrFold<arith::ExtSIOp>(b.getI64Type(), first));
  }
  return {shared, base, h, x};
}

WindowCopies::Tap WindowCopies::getTap(Value depth) {
  Value x, channel;
  Value run = divide(depth, WindowScalar::Run, channel);
  Value r = run;
  if (shape.hasRuns) {
    x = channel;
  } else {
    Value s;
    r = divide(run, WindowScalar::Taps, s);
    x = b.mul(s, get(WindowScalar::DilationX));
  }
  Value h = b.mul(r, get(WindowScalar::DilationH));
  if (shape.isDilated())
    return {h, x, channel};
  Value offset = b.add(b.mul(h, get(WindowScalar::RowPitch)), x);
  return {h, x, shape.hasRuns ? offset : b.add(offset, channel)};
}

Value WindowCopies::getAddress(const Row &row, const Tap &tap, Value &exists) {
  Value h = b.add(row.h, tap.h), x = b.add(row.x, tap.x), offset = tap.offset;
  exists = b.i1(true);
  auto require = [&](Value condition) {
    exists = b.createOrFold<arith::AndIOp>(exists, condition);
  };
  if (shape.isDilated()) {
    // Negative positions are large as unsigned numbers, and stay so.
    Value pixelH = b.div(h, shape.inputDilationH);
    Value pixelX = b.div(x, shape.inputDilationW);
    require(b.equal(b.mul(pixelH, shape.inputDilationH), h));
    require(b.equal(b.mul(pixelX, shape.inputDilationW), x));
    h = pixelH;
    x = pixelX;
    offset = b.add(offset, b.add(b.mul(h, get(WindowScalar::RowPitch)),
                                 b.mul(x, get(WindowScalar::PixelPitch))));
  }
  require(b.less(h, get(WindowScalar::Height)));
  require(b.less(x, get(WindowScalar::Width)));
  return b.offset(row.base, b.toI64(offset));
}

void WindowCopies::issue(Value depth, Value stage) {
  int64_t width = shape.alignment;
  SmallVector<Tap> taps;
  for (int64_t i = 0; i < kChunk; i += width)
    taps.push_back(getTap(b.add(depth, i)));
  for (const Row &row : rows) {
    Value target = b.offset(stage, row.shared);
    for (auto [i, tap] : llvm::enumerate(taps)) {
      Value exists, piece = b.offset(target, i * width);
      Value source = getAddress(row, tap, exists);
      if (shape.padsZero) {
        b.asyncCopy(piece, source, width,
                    b.select(exists, b.i32(width), b.i32(0)));
        continue;
      }
      auto choice = scf::IfOp::create(b, exists, /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(choice.thenBlock());
      b.asyncCopy(piece, source, width, /*validBytes=*/Value());
      // As visible as the copies are: by the barrier before the stage is read.
      b.setInsertionPointToStart(choice.elseBlock());
      SmallVector<Value> words(width / 4, padWord);
      b.store(vector::FromElementsOp::create(
                  b, VectorType::get(words.size(), b.getI32Type()), words),
              piece, width);
    }
  }
}

void WindowCopies::copyNarrow(const Row &row, Value depth, Value stage) {
  int64_t width = shape.alignment;
  Type type = b.getIntegerType(8 * width);
  Value pad = b.i32(0);
  if (!shape.padsZero)
    pad = b.bitAnd(padWord, (int64_t(1) << (8 * width)) - 1);
  SmallVector<Value> words(kChunk / 4, b.i32(0));
  for (int64_t i = 0; i < kChunk; i += width) {
    Value exists;
    Value source = getAddress(row, getTap(b.add(depth, i)), exists);
    Value bits = b.load(type, b.select(exists, source, image), width);
    bits = b.select(exists,
                    b.createOrFold<arith::ExtUIOp>(b.getI32Type(), bits), pad);
    words[i / 4] = b.createOrFold<arith::OrIOp>(words[i / 4],
                                                b.shiftLeft(bits, 8 * (i % 4)));
  }
  Value vector = vector::FromElementsOp::create(
      b, VectorType::get(words.size(), b.getI32Type()), words);
  b.store(vector, b.offset(stage, row.shared), kChunk);
}
