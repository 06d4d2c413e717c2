//===- LoadModelTest.cpp - Weights that do not pass the parser ------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loaded module is compared with what the parser alone makes of the text:
// the same ops, elements and diagnostics, on good and on damaged files.
//
//===----------------------------------------------------------------------===//
#include "../../lib/Frontend/HexDigits.h"
#include "IRSnippet.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Frontend/LoadModel.h"
#include "QuantOpt/Frontend/TextScan.h"
#include "QuantOpt/Support/TemporaryStorage.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/SourceMgr.h"

#include <random>

using namespace mlir;
using namespace mlir::qopt;
using mlir::qopt::test::expectContains;

namespace {

/// `count` pseudo-random bytes in hex.
std::string hexOf(size_t count, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string bytes;
  while (bytes.size() < count)
    bytes += char(random());
  return llvm::toHex(bytes);
}

std::string repeat(llvm::StringRef text, size_t count) {
  std::string result;
  while (count--)
    result += text;
  return result;
}

//===----------------------------------------------------------------------===//
// Digits
//===----------------------------------------------------------------------===//

TEST(HexDigits, EveryPairOfCharacters) {
  for (unsigned high = 0; high < 256; ++high)
    for (unsigned low = 0; low < 256; ++low) {
      char digits[] = {char(high), char(low)};
      std::string expected;
      bool isHex = llvm::tryGetFromHex(llvm::StringRef(digits, 2), expected);
      uint8_t byte;
      ASSERT_EQ(decodeHex(digits, 1, &byte), isHex) << high << " " << low;
      if (isHex) {
        ASSERT_EQ(byte, uint8_t(expected[0]));
      }
    }
}

TEST(HexDigits, BlocksOfAnySize) {
  for (size_t size : {0, 1, 31, 2047, 2048, 2049, 10000}) {
    std::string digits = hexOf(size);
    std::vector<uint8_t> bytes(size);
    ASSERT_TRUE(decodeHex(digits.data(), size, bytes.data()));
    EXPECT_EQ(llvm::toHex(bytes), digits);
    if (size) {
      digits.back() = 'g';
      EXPECT_FALSE(decodeHex(digits.data(), size, bytes.data()));
    }
  }
}

//===----------------------------------------------------------------------===//
// Both ways to a module
//===----------------------------------------------------------------------===//

/// What became of a text.
struct Outcome {
  bool ok = false;
  /// Ops with their lines and attributes, each tensor by type and bytes.
  std::string module;
  /// Lines and messages.
  std::string diagnostics;
  /// Tensors that are resources.
  unsigned numResources = 0;
};

class LoadModel : public testing::Test {
protected:
  static constexpr size_t kMinBytes = 8;

  static unsigned getLine(Location loc) {
    auto file = loc->findInstanceOf<FileLineColLoc>();
    return file ? file.getLine() : 0;
  }

  static void describe(Attribute attr, llvm::raw_ostream &os, Outcome &result) {
    if (auto array = dyn_cast<ArrayAttr>(attr)) {
      for (Attribute element : array)
        describe(element, os << " ", result);
      return;
    }
    auto elements = dyn_cast<ElementsAttr>(attr);
    if (!elements) {
      os << attr;
      return;
    }
    if (isa<DenseResourceElementsAttr>(attr))
      ++result.numResources;
    FailureOr<std::vector<char>> bytes = readRawBytes(elements);
    if (failed(bytes)) {
      os << attr;
      return;
    }
    os << elements.getType() << " " << isa<SplatElementsAttr>(attr) << " "
       << llvm::toHex(ArrayRef(reinterpret_cast<const uint8_t *>(bytes->data()),
                               bytes->size()));
  }

  static Outcome outcome(llvm::StringRef text, bool plain,
                         size_t minBytes = kMinBytes) {
    MLIRContext context(test::IRSnippet::makeRegistry(),
                        MLIRContext::Threading::DISABLED);
    context.loadAllAvailableDialects();
    Outcome result;
    llvm::raw_string_ostream diagnostics(result.diagnostics);
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &d) {
      diagnostics << getLine(d.getLocation()) << ": " << d << "\n";
    });
    LoadOptions options;
    options.minWeightBytes = plain ? SIZE_MAX : minBytes;
    llvm::SourceMgr sources;
    std::string message;
    OwningOpRef<ModuleOp> module =
        loadModel(llvm::MemoryBuffer::getMemBufferCopy(text, "model.mlir"),
                  options, sources, &context, message);
    diagnostics << message;
    result.ok = bool(module);
    if (!module)
      return result;
    llvm::raw_string_ostream os(result.module);
    module->walk([&](Operation *op) {
      os << getLine(op->getLoc()) << ": " << op->getName();
      for (NamedAttribute attr : op->getAttrs()) {
        os << " " << attr.getName() << " = ";
        describe(attr.getValue(), os, result);
      }
      os << "\n";
    });
    return result;
  }

  /// After a string that does not end, MLIR's lexer reads one byte behind the
  /// text: what it says then differs from run to run.
  static llvm::StringRef getFirstLine(const Outcome &outcome) {
    return llvm::StringRef(outcome.diagnostics).split('\n').first;
  }

  /// Expects the same from both ways; returns how many weights became
  /// resources that the parser would not have made.
  static unsigned expectSame(llvm::StringRef text,
                             size_t minBytes = kMinBytes) {
    Outcome expected = outcome(text, /*plain=*/true);
    Outcome actual = outcome(text, /*plain=*/false, minBytes);
    EXPECT_EQ(actual.ok, expected.ok) << text.str();
    EXPECT_EQ(actual.module, expected.module) << text.str();
    EXPECT_EQ(getFirstLine(actual), getFirstLine(expected)) << text.str();
    return actual.numResources - expected.numResources;
  }

  /// A constant of `type` with these hex digits.
  static std::string constant(llvm::StringRef type, llvm::StringRef digits) {
    return ("func.func @f() {\n  %0 = arith.constant dense<\"0x" + digits +
            "\"> : " + type + "\n  return\n}\n")
        .str();
  }
};

TEST_F(LoadModel, EveryElementType) {
  struct Case {
    const char *type;
    size_t bytes;
  } cases[] = {{"tensor<4x5xf32>", 80},     {"tensor<2x3x4xf16>", 48},
               {"tensor<24xbf16>", 48},     {"tensor<3x3xf64>", 72},
               {"tensor<16xi8>", 16},       {"tensor<16xsi8>", 16},
               {"tensor<16xui8>", 16},      {"tensor<8xi16>", 16},
               {"tensor<4xi32>", 16},       {"tensor<4x1xi64>", 32},
               {"tensor<1x1x1x8xui64>", 64}};
  for (const Case &c : cases)
    EXPECT_EQ(expectSame(constant(c.type, hexOf(c.bytes))), 1u) << c.type;
  // Left to the parser: other encodings, sizes and kinds of type.
  EXPECT_EQ(expectSame(constant("tensor<128xi1>", hexOf(16))), 0u);
  EXPECT_EQ(expectSame(constant("tensor<4xindex>", hexOf(32))), 0u);
  EXPECT_EQ(expectSame(constant("vector<4xf32>", hexOf(16))), 0u);
  EXPECT_EQ(expectSame(constant("tensor<2xcomplex<f32>>", hexOf(16))), 0u);
  EXPECT_EQ(expectSame(constant("tensor<4xf32, 7 : i32>", hexOf(16))), 0u);
  EXPECT_EQ(expectSame(constant("tensor<f64>", hexOf(8))), 0u);
}

TEST_F(LoadModel, CaseAndSpaces) {
  std::string lower = llvm::StringRef(hexOf(16)).lower();
  EXPECT_EQ(expectSame(constant("tensor<4xf32>", lower)), 1u);
  EXPECT_EQ(expectSame("func.func @f() {\n  %0 = arith.constant dense<\"0x" +
                       lower + "\">:tensor<4xf32> return }"),
            1u);
  EXPECT_EQ(expectSame("func.func @f() {\n  %0 = arith.constant dense < \"0x" +
                       lower + "\" > : tensor<4xf32> return }"),
            0u);
}

TEST_F(LoadModel, SplatsStaySplats) {
  for (llvm::StringRef element : {"00000000", "000000BF", "0000C07F"}) {
    std::string digits = repeat(element, 5000);
    EXPECT_EQ(expectSame(constant("tensor<5000xf32>", digits)), 0u);
    digits.back() = digits.back() == '1' ? '2' : '1';
    EXPECT_EQ(expectSame(constant("tensor<5000xf32>", digits)), 1u);
  }
  // Chunks are compared with the first element, not with each other.
  std::string large = repeat("00000000", 262144) + repeat("01000000", 262144);
  EXPECT_EQ(expectSame(constant("tensor<524288xi32>", large)), 1u);
  // One element for all, as it is written.
  EXPECT_EQ(expectSame(constant("tensor<5000xf64>", hexOf(8)), 4), 0u);
}

TEST_F(LoadModel, WrongHexIsTheParsersToReport) {
  std::string digits = hexOf(80);
  llvm::StringRef type = "tensor<4x5xf32>";
  for (size_t position : {0, 1, 80, 159}) {
    std::string bad = digits;
    bad[position] = 'x';
    EXPECT_EQ(expectSame(constant(type, bad)), 0u);
    bad[position] = '\n';
    EXPECT_EQ(expectSame(constant(type, bad)), 0u);
    bad[position] = '\\';
    EXPECT_EQ(expectSame(constant(type, bad)), 0u);
  }
  EXPECT_EQ(expectSame(constant(type, digits + "0")), 0u);
  EXPECT_EQ(expectSame(constant(type, digits + "00")), 0u);
  EXPECT_EQ(expectSame(constant(type, "")), 0u);
  EXPECT_FALSE(outcome(constant(type, digits + "00"), false).ok);
}

TEST_F(LoadModel, AbsurdTypes) {
  std::string digits = hexOf(64);
  for (llvm::StringRef type :
       {"tensor<1073741824xf32>", "tensor<4294967296x4294967296x16xf32>",
        "tensor<99999999999999999999xf32>", "tensor<-1xf32>", "tensor<?xf32>",
        "tensor<*xf32>", "tensor<0x16xf32>", "tensor<16xf32", "tensor<16x>"})
    EXPECT_EQ(expectSame(constant(type, digits)), 0u) << type.str();
}

TEST_F(LoadModel, OtherPlacesOfAttributes) {
  std::string weight = "dense<\"0x" + hexOf(16) + "\"> : tensor<4xf32>";
  // Aliases, dictionaries, arrays, generic ops.
  EXPECT_EQ(expectSame("#w = " + weight +
                       "\nmodule attributes {t.a = #w, t.b = [" + weight +
                       "]} {}"),
            2u);
  EXPECT_EQ(
      outcome("#w = " + weight + "\nmodule attributes {t.a = #w} {}", false)
          .numResources,
      1u);
  EXPECT_EQ(expectSame("\"builtin.module\"() ({^bb0:}) {t.a = " + weight +
                       "} : () -> ()"),
            1u);
  // Text of other dialects, comments and strings is no attribute.
  EXPECT_EQ(expectSame("// " + weight + "\nmodule {}"), 0u);
  std::string quoted = weight;
  quoted.insert(quoted.find('"'), "\\");
  quoted.insert(quoted.rfind('"'), "\\");
  EXPECT_EQ(expectSame("module attributes {t.a = \"" + quoted + "\"} {}"), 0u);
  EXPECT_EQ(expectSame("module attributes {t.a = #none<" + weight + ">} {}"),
            0u);
  EXPECT_EQ(expectSame("module attributes {t.a = #none.of<" + weight + ">} {}"),
            0u);
  EXPECT_EQ(expectSame("module attributes {t.a = x" + weight + "} {}"), 0u);
}

TEST_F(LoadModel, NamesAreNotTheModels) {
  std::string weight = "dense<\"0x" + hexOf(16) + "\"> : tensor<4xf32>";
  std::string text =
      "module attributes {t.a = " + weight +
      ", t.b = dense_resource<weight_0> : tensor<2xf32>} {}\n"
      "{-# dialect_resources: {builtin: {weight_0: \"0x04000000" +
      hexOf(8, 2) + "\", hoisted_weight_0: \"0x04000000" + hexOf(8, 3) +
      "\"}} #-}\n";
  EXPECT_EQ(expectSame(text), 1u);
  EXPECT_EQ(outcome(text, false).numResources, 2u);
  // No name is free: all as the parser makes it.
  text += "// quantopt_weight_ quantopt_hoisted_weight_\n";
  EXPECT_EQ(expectSame(text), 0u);
}

TEST_F(LoadModel, SmallAndManyWeights) {
  std::string text = "func.func @f() {\n";
  for (unsigned i = 0; i < 300; ++i)
    text += "  %" + std::to_string(i) + " = arith.constant dense<\"0x" +
            hexOf(4 * (i + 2), i) + "\"> : tensor<" + std::to_string(i + 2) +
            "xf32>\n";
  text += "  return\n}\n";
  EXPECT_EQ(expectSame(text), 300u);
  EXPECT_EQ(expectSame(text, 4 * 151), 151u);
}

//===----------------------------------------------------------------------===//
// Resources
//===----------------------------------------------------------------------===//

/// A module with a tensor<4xf32> resource and these resource entries.
std::string withResources(llvm::StringRef entries, llvm::StringRef key = "w") {
  return ("module attributes {t.a = dense_resource<" + key +
          "> : tensor<4xf32>} {}\n{-#\n  dialect_resources: {\n    builtin: "
          "{\n" +
          entries + "\n    }\n  }\n#-}\n")
      .str();
}

TEST_F(LoadModel, ResourcesKeepBytesAndAlignment) {
  for (llvm::StringRef align : {"01000000", "04000000", "40000000", "00100000"})
    expectSame(withResources("w: \"0x" + align.str() + hexOf(16) + "\""));
  expectSame(withResources("\"w\": \"0x04000000" + hexOf(16) + "\""));
  expectSame(
      withResources("\"a b\": \"0x04000000" + hexOf(16) + "\"", "\"a b\""));

  MLIRContext context(test::IRSnippet::makeRegistry());
  context.loadAllAvailableDialects();
  LoadOptions options;
  options.minWeightBytes = kMinBytes;
  llvm::SourceMgr sources;
  std::string message;
  OwningOpRef<ModuleOp> module =
      loadModel(llvm::MemoryBuffer::getMemBufferCopy(
                    withResources("w: \"0x80000000" + hexOf(16) + "\"")),
                options, sources, &context, message);
  ASSERT_TRUE(module);
  auto attr = (*module)->getAttrOfType<DenseResourceElementsAttr>("t.a");
  EXPECT_EQ(attr.getRawHandle().getKey(), "w");
  const AsmResourceBlob *blob = attr.getRawHandle().getBlob();
  ASSERT_TRUE(blob);
  EXPECT_EQ(blob->getDataAlignment(), 128u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(blob->getData().data()) % 128, 0u);
  EXPECT_FALSE(blob->isMutable());
}

TEST_F(LoadModel, DamagedResources) {
  std::string data = hexOf(16);
  for (const std::string &entries : std::initializer_list<std::string>{
           "w: \"0x03000000" + data + "\"",   // No power of two.
           "w: \"0x0000008G" + data + "\"",   // No digit.
           "w: \"0x04000000" + data + "G0\"", //
           "w: \"0x04000000" + data + "0\"",  // Odd.
           "w: \"0400000000" + data + "\"",   // No prefix.
           "w: \"0x04000000" + data + "00\"", // Other sizes than the type's.
           std::string("w: \"0x04000000\""),  //
           std::string("w: \"0x0400\""),      //
           "w: \"0x04000000" + data,          // No end.
           "w: \"0x04000000" + data + "\", w: \"0x04000000" + hexOf(16, 2) +
               "\"",
           "w: \"0x04000000" + data + "\" v: \"0x04000000" + data + "\"",
           "w: true", "w: 5", "5: \"0x04000000" + data + "\"",
           "w: {v: \"0x04000000" + data + "\"}",
           "v: \"0x04000000" + data + "\""}) {
    Outcome expected = outcome(withResources(entries), /*plain=*/true);
    Outcome actual = outcome(withResources(entries), /*plain=*/false);
    EXPECT_EQ(actual.ok, expected.ok) << entries;
    EXPECT_EQ(actual.module, expected.module) << entries;
    EXPECT_EQ(getFirstLine(actual), getFirstLine(expected)) << entries;
  }
}

TEST_F(LoadModel, AbsurdAlignmentsNeverReachTheParser) {
  // MLIR's parser ends the process for these.
  for (llvm::StringRef align : {"00000000", "00000080", "00000200"}) {
    std::string entry = "w: \"0x" + align.str() + hexOf(16) + "\"";
    for (const std::string &entries :
         {entry, "v: \"0x04000000" + hexOf(16) + "\",\n// {\n" + entry,
          entry + " 5"}) {
      Outcome result = outcome(withResources(entries), /*plain=*/false);
      EXPECT_FALSE(result.ok);
      expectContains(result.diagnostics,
                     "resource 'w' asks for an alignment of ");
    }
  }
  expectContains(
      outcome(withResources("w: \"0x00000000\""), false).diagnostics,
      "line 5: resource 'w' asks for an alignment of 0 bytes; 1 to 65536 were "
      "expected");
}

TEST_F(LoadModel, OtherSections) {
  std::string blob = "\"0x04000000" + hexOf(16) + "\"";
  expectSame("module {}\n{-# external_resources: { x: { w: " + blob +
             " } } #-}");
  expectSame("module {}\n{-# dialect_resources: { arith: { w: " + blob +
             " } } #-}");
  expectSame("module {}\n{-# dialect_resources: { builtin: { w: " + blob +
             " // comment\n } } #-}");
  expectSame("module {}\n{-# dialect_resources: { builtin: { w: " + blob +
             " } }, external_resources: { x: { v: true } } #-}");
  expectSame("module {}\n{-# " + repeat("{", 300));
  expectSame("module {}\n{-# " + repeat("a: {", 300));
}

//===----------------------------------------------------------------------===//
// Damaged text
//===----------------------------------------------------------------------===//

/// Weights of both kinds and the places where the scan has to take care.
std::string richText() {
  return "#map = affine_map<(d0) -> (d0)> // \"not a string\n"
         "module attributes {t.s = \"a \\\" \\\\\"} {\n"
         "  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {\n"
         "    %0 = arith.constant dense<\"0x" +
         hexOf(16) +
         "\"> : tensor<4xf32>\n"
         "    %1 = arith.constant dense_resource<w> : tensor<2x2xf32>\n"
         "    %2 = tensor.collapse_shape %1 [[0, 1]] : tensor<2x2xf32> into "
         "tensor<4xf32>\n"
         "    %3 = arith.addf %0, %2 : tensor<4xf32>\n"
         "    return %3 : tensor<4xf32>\n  }\n}\n"
         "{-#\n  dialect_resources: {\n    builtin: {\n      w: "
         "\"0x04000000" +
         hexOf(16, 2) + "\",\n      v: \"0x08000000" + hexOf(24, 3) +
         "\"\n    }\n  }\n#-}\n";
}

TEST_F(LoadModel, TruncatedAnywhere) {
  std::string text = richText();
  EXPECT_EQ(expectSame(text), 1u);
  for (size_t size = 0; size < text.size(); ++size)
    expectSame(llvm::StringRef(text).take_front(size));
}

TEST_F(LoadModel, Mutants) {
  std::mt19937 random(20261121);
  llvm::StringRef alphabet = "\"\\<>{}()-#!/\n\r:,x0Fd ";
  for (unsigned i = 0; i < 1500; ++i) {
    std::string text = richText();
    for (unsigned edits = 1 + random() % 3; edits > 0; --edits) {
      size_t position = random() % text.size();
      char c = alphabet[random() % alphabet.size()];
      switch (random() % 3) {
      case 0:
        text[position] = c;
        break;
      case 1:
        text.insert(position, 1, c);
        break;
      default:
        text.erase(position, 1 + random() % 4);
      }
    }
    expectSame(text);
    if (HasFailure())
      FAIL() << "mutant " << i;
  }
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

class LoadModelFile : public LoadModel {
protected:
  void SetUp() override {
    ASSERT_FALSE(
        llvm::sys::fs::createTemporaryFile("load-model", "mlir", path));
  }
  void TearDown() override { llvm::sys::fs::remove(path); }

  void write(llvm::StringRef text) {
    std::error_code code;
    llvm::raw_fd_ostream os(path, code);
    os << text;
  }
  /// Loads the file; the digits of its first tensor constant.
  std::string load() {
    MLIRContext context(test::IRSnippet::makeRegistry());
    context.loadAllAvailableDialects();
    llvm::SourceMgr sources;
    std::string message, digits;
    std::unique_ptr<llvm::MemoryBuffer> buffer = openModel(path, message);
    EXPECT_TRUE(buffer) << message;
    OwningOpRef<ModuleOp> module =
        loadModel(std::move(buffer), LoadOptions(), sources, &context, message);
    EXPECT_TRUE(module) << message;
    module->walk([&](arith::ConstantOp op) {
      FailureOr<std::vector<char>> bytes =
          readRawBytes(cast<ElementsAttr>(op.getValue()));
      digits = llvm::toHex(ArrayRef(
          reinterpret_cast<const uint8_t *>(bytes->data()), bytes->size()));
    });
    return digits;
  }

  llvm::SmallString<128> path;
};

TEST_F(LoadModelFile, LargeWeights) {
  // More than one chunk, so that parts of the mapped text are given back.
  std::string digits = hexOf(12 << 20);
  write(constant("tensor<3145728xf32>", digits));
  EXPECT_EQ(load(), digits);
}

TEST_F(LoadModelFile, SizesAroundPages) {
  for (size_t size : {65535, 65536, 65537}) {
    std::string text = constant("tensor<4xf32>", "DEADBEEF");
    text.resize(size, ' ');
    write(text);
    EXPECT_EQ(load(), repeat("DEADBEEF", 4)) << size;
    // The same with a weight that the parser does not see.
    text = constant("tensor<2048xf32>", hexOf(8192));
    text.resize(size, ' ');
    write(text);
    EXPECT_EQ(load(), hexOf(8192)) << size;
  }
}

TEST_F(LoadModelFile, NoFileForWeights) {
  const char *old = getenv("TMPDIR");
  std::string saved = old ? old : "";
  setenv("TMPDIR", "/nonexistent", 1);
  std::string digits = hexOf(100000);
  write(constant("tensor<25000xf32>", digits));
  EXPECT_EQ(load(), digits);
  EXPECT_FALSE(TemporaryStorage::create(100)->isFile());
  old ? setenv("TMPDIR", saved.c_str(), 1) : unsetenv("TMPDIR");
}

TEST_F(LoadModelFile, MissingFiles) {
  std::string message;
  EXPECT_FALSE(openModel("/nonexistent/model.mlir", message));
  expectContains(message, "cannot open input file '/nonexistent/model.mlir'");
}

TEST(TemporaryStorage, PagesComeBack) {
  constexpr size_t size = 100000;
  std::shared_ptr<TemporaryStorage> storage = TemporaryStorage::create(size);
  ASSERT_TRUE(storage);
  std::string bytes = hexOf(size / 2);
  ASSERT_TRUE(storage->write(0, bytes.data(), 40000));
  ASSERT_TRUE(storage->write(40000, bytes.data() + 40000, size - 40000));
  for (size_t offset : {0, 1, 5000, 99999}) {
    EXPECT_EQ(llvm::StringRef(storage->data(), size), bytes);
    releasePages(storage->data() + offset, size - offset);
  }
  EXPECT_EQ(llvm::StringRef(storage->data(), size), bytes);
  // Other memory keeps its contents.
  std::vector<char> heap(1 << 20, 'x');
  releasePages(heap.data(), heap.size());
  EXPECT_EQ(heap, std::vector<char>(1 << 20, 'x'));
  releasePages(storage->data(), size + (1 << 20)); // Reaches beyond it.
  EXPECT_EQ(llvm::StringRef(storage->data(), size), bytes);
}

} // namespace
