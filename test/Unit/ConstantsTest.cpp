//===- ConstantsTest.cpp - Reading constants, and looking at text first ---===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "IRSnippet.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Frontend/TextScan.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace mlir::qopt;
using mlir::qopt::test::expectContains;

namespace {
using Floats = std::vector<float>;

class Constants : public testing::Test {
protected:
  Constants()
      : context(test::IRSnippet::makeRegistry()),
        handler(&context, [this](Diagnostic &d) {
          errors += d.str();
          return success();
        }) {
    context.loadAllAvailableDialects();
  }

  RankedTensorType tensor(ArrayRef<int64_t> shape, Type element) {
    return RankedTensorType::get(shape, element);
  }
  LogicalResult verify(ElementsAttr attr) {
    errors.clear();
    return verifyResource(attr,
                          [&] { return emitError(UnknownLoc::get(&context)); });
  }
  /// A resource over memory of ours.
  ElementsAttr makeResource(RankedTensorType type, const char *data,
                            size_t size) {
    return DenseResourceElementsAttr::get(
        type, "blob",
        UnmanagedAsmResourceBlob::allocateWithAlign(ArrayRef<char>(data, size),
                                                    /*align=*/1));
  }

  MLIRContext context;
  std::string errors;
  ScopedDiagnosticHandler handler;
  Builder b{&context};
};

TEST_F(Constants, ByteSizes) {
  EXPECT_EQ(*getDenseByteSize(tensor({2, 3}, b.getF32Type())), 24);
  EXPECT_EQ(*getDenseByteSize(tensor({2, 3}, b.getI8Type())), 6);
  EXPECT_EQ(*getDenseByteSize(tensor({2, 3}, b.getI1Type())), 6);
  EXPECT_EQ(*getDenseByteSize(tensor({3}, b.getIndexType())), 24);
  EXPECT_EQ(*getDenseByteSize(tensor({}, b.getF64Type())), 8);
  EXPECT_EQ(*getDenseByteSize(tensor({0, 3}, b.getF32Type())), 0);
  EXPECT_TRUE(failed(getDenseByteSize(tensor({2}, b.getIntegerType(4)))));
  EXPECT_TRUE(
      failed(getDenseByteSize(tensor({ShapedType::kDynamic}, b.getF32Type()))));
  EXPECT_TRUE(failed(getDenseByteSize(
      tensor({int64_t(1) << 32, int64_t(1) << 32}, b.getF32Type()))));
}

TEST_F(Constants, ReadsInlineSplatsAndResources) {
  Type f32 = b.getF32Type();
  auto inlined = DenseElementsAttr::get(tensor({3}, f32),
                                        ArrayRef<float>{1.0f, -2.0f, 0.5f});
  EXPECT_EQ(*readFloats(inlined), Floats({1.0f, -2.0f, 0.5f}));

  auto splat = DenseElementsAttr::get(tensor({2, 2}, f32), 3.0f);
  EXPECT_EQ(*readFloats(splat), Floats({3.0f, 3.0f, 3.0f, 3.0f}));

  alignas(8) static const float values[] = {1.0f, 2.0f};
  ElementsAttr resource =
      makeResource(tensor({2}, f32), reinterpret_cast<const char *>(values), 8);
  EXPECT_TRUE(succeeded(verify(resource)));
  EXPECT_EQ(*readFloats(resource), Floats({1.0f, 2.0f}));

  auto wide = DenseElementsAttr::get(tensor({2}, b.getF64Type()),
                                     ArrayRef<double>{0.1, 2.0});
  EXPECT_EQ(*readFloats(wide), Floats({0.1f, 2.0f}));

  auto bytes = DenseElementsAttr::get(tensor({2}, b.getI8Type()),
                                      ArrayRef<int8_t>{-128, 127});
  EXPECT_EQ(*readInt8s(bytes), std::vector<int8_t>({-128, 127}));

  auto none = DenseElementsAttr::get(tensor({0}, f32), ArrayRef<float>());
  EXPECT_TRUE(readFloats(none)->empty());
}

TEST_F(Constants, FloatsInPlace) {
  Type f32 = b.getF32Type();
  alignas(8) static const float values[] = {1.0f, 2.0f, 3.0f};
  const char *bytes = reinterpret_cast<const char *>(values);
  FailureOr<FloatElements> resource =
      FloatElements::get(makeResource(tensor({2}, f32), bytes, 8));
  ASSERT_TRUE(succeeded(resource));
  EXPECT_EQ(resource->getValues().data(), values);
  EXPECT_EQ(resource->getValues().size(), 2u);
  // What is not stored as aligned f32 elements is copied.
  FailureOr<FloatElements> moved =
      FloatElements::get(DenseElementsAttr::get(tensor({3}, f32), 3.0f));
  ASSERT_TRUE(succeeded(moved));
  FloatElements splat = std::move(*moved);
  EXPECT_EQ(splat.getValues(), ArrayRef<float>({3.0f, 3.0f, 3.0f}));
  FailureOr<FloatElements> wide = FloatElements::get(DenseElementsAttr::get(
      tensor({2}, b.getF64Type()), ArrayRef<double>{0.1, 2.0}));
  ASSERT_TRUE(succeeded(wide));
  EXPECT_EQ(wide->getValues(), ArrayRef<float>({0.1f, 2.0f}));
  FailureOr<FloatElements> none = FloatElements::get(
      DenseElementsAttr::get(tensor({0}, f32), ArrayRef<float>()));
  ASSERT_TRUE(succeeded(none));
  EXPECT_TRUE(none->getValues().empty());
  EXPECT_TRUE(
      failed(FloatElements::get(makeResource(tensor({2}, f32), bytes, 12))));
  EXPECT_TRUE(failed(FloatElements::get(
      DenseElementsAttr::get(tensor({1}, b.getI32Type()), int32_t(1)))));
}

TEST_F(Constants, RefusesOtherTypes) {
  auto half = DenseElementsAttr::get(tensor({1}, b.getF16Type()),
                                     APFloat(APFloat::IEEEhalf(), "1.0"));
  EXPECT_TRUE(failed(readFloats(half)));
  auto ints = DenseElementsAttr::get(tensor({1}, b.getI32Type()), int32_t(1));
  EXPECT_TRUE(failed(readFloats(ints)));
  EXPECT_TRUE(failed(readInt8s(ints)));
  auto bits = DenseElementsAttr::get(tensor({1}, b.getI1Type()), true);
  EXPECT_TRUE(failed(readRawBytes(bits)));
}

TEST_F(Constants, BadResources) {
  alignas(8) static const char bytes[16] = {};
  RankedTensorType type = tensor({2}, b.getF32Type());

  ElementsAttr small = makeResource(type, bytes, 4);
  EXPECT_TRUE(failed(verify(small)));
  expectContains(errors, "holds 4 bytes, but its type");
  EXPECT_TRUE(failed(readFloats(small)));

  ElementsAttr large = makeResource(type, bytes, 12);
  EXPECT_TRUE(failed(verify(large)));
  EXPECT_TRUE(failed(readFloats(large)));

  ElementsAttr unaligned = makeResource(type, bytes + 1, 8);
  EXPECT_TRUE(failed(verify(unaligned)));
  expectContains(errors, "is not aligned to 4 bytes");
  // Reading copies bytes, so that alignment does not matter to it.
  EXPECT_TRUE(succeeded(readFloats(unaligned)));
}

TEST_F(Constants, MissingBlob) {
  test::IRSnippet snippet(
      "func.func @f() {\n"
      "%0 = arith.constant dense_resource<gone> : tensor<2xf32>\n"
      "return\n}");
  auto op = snippet.get<arith::ConstantOp>();
  auto attr = cast<ElementsAttr>(op.getValue());
  EXPECT_TRUE(failed(verifyResource(attr, [&] { return op.emitError(); })));
  expectContains(snippet.errors, "'gone' has no data in this file");
  EXPECT_TRUE(failed(readFloats(attr)));
}

TEST_F(Constants, SmallOnesAreInlineLargeOnesResources) {
  std::vector<float> few(128, 1.5f), many(129, 1.5f);
  few[0] = many[0] = 2.5f;
  ElementsAttr small =
      makeFloatElements(tensor({128}, b.getF32Type()), few, "w");
  ElementsAttr large =
      makeFloatElements(tensor({129}, b.getF32Type()), many, "w");
  EXPECT_TRUE(isa<DenseElementsAttr>(small));
  EXPECT_TRUE(isa<DenseResourceElementsAttr>(large));
  EXPECT_EQ(*readFloats(small), few);
  EXPECT_EQ(*readFloats(large), many);
  EXPECT_TRUE(succeeded(verify(large)));
}

//===----------------------------------------------------------------------===//
// scanText
//===----------------------------------------------------------------------===//

/// The message of scanText, empty if it accepts `text`.
std::string scan(llvm::StringRef text, bool allowBytecode = false) {
  std::string message;
  LogicalResult result =
      scanText(llvm::MemoryBufferRef(text, "test"), allowBytecode, message);
  EXPECT_EQ(failed(result), !message.empty());
  return message;
}

std::string repeat(llvm::StringRef text, unsigned count) {
  std::string result;
  while (count--)
    result += text;
  return result;
}

TEST(ScanText, AcceptsText) {
  EXPECT_EQ(scan(""), "");
  EXPECT_EQ(scan("func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {\n}"), "");
}

TEST(ScanText, NestingUpToTheLimit) {
  for (llvm::StringRef open : {"(", "[", "{", "<"}) {
    EXPECT_EQ(scan(repeat(open, kMaxNesting)), "");
    EXPECT_EQ(scan("\n\n" + repeat(open, kMaxNesting + 1)),
              "line 3: brackets nest deeper than 256");
  }
  // Closed brackets do not count, in a row of any length.
  EXPECT_EQ(scan(repeat("({[<>]})", 10000)), "");
  // Neither do arrows, nor closing brackets without opening ones.
  EXPECT_EQ(scan(repeat("->", 1000) + repeat("(", kMaxNesting)), "");
  EXPECT_EQ(scan(repeat(")", 1000) + repeat("(", kMaxNesting)), "");
  EXPECT_NE(scan(repeat(")", 1000) + repeat("(", kMaxNesting + 1)), "");
  EXPECT_NE(scan(repeat("(->", kMaxNesting + 1)), "");
}

TEST(ScanText, MinusSignsInARow) {
  EXPECT_EQ(scan(repeat("-", kMaxNesting)), "");
  expectContains(scan("\n" + repeat("-", kMaxNesting + 1)),
                 "line 2: more than 256 minus signs in a row");
  EXPECT_EQ(scan("// " + repeat("-", 1000)), "");
}

TEST(ScanText, StringsAndCommentsAreSkipped) {
  std::string deep = repeat("(", 1000);
  EXPECT_EQ(scan("\"" + deep + "\""), "");
  EXPECT_EQ(scan("\"\\\"" + deep + "\""), "");
  EXPECT_EQ(scan("// " + deep + "\n"), "");
  EXPECT_EQ(scan("// " + deep), "");
  EXPECT_NE(scan("// comment\n" + deep), "");
  EXPECT_NE(scan("\"text\"" + deep), "");
  // A string that does not end is the parser's to report.
  EXPECT_EQ(scan("\"" + deep), "");
  EXPECT_EQ(scan("\"\\"), "");
  EXPECT_EQ(scan("/"), "");
}

TEST(ScanText, ZeroBytes) {
  EXPECT_EQ(scan(llvm::StringRef("module\n{\0}", 10)),
            "line 2: holds a zero byte; MLIR text was expected");
}

TEST(ScanText, Bytecode) {
  llvm::StringRef bytecode("ML\xefR\0\0\0", 7);
  expectContains(scan(bytecode), "--allow-bytecode");
  EXPECT_EQ(scan(bytecode, /*allowBytecode=*/true), "");
}
} // namespace
