//===- EmitPlanTest.cpp - Launches in IR to launch tables ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Target/EmitPlan.h"
#include "IRSnippet.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;
using artifact::Argument;
using artifact::BufferRef;
using artifact::Extent;

static std::string readInput(const char *name) {
  auto buffer = llvm::MemoryBuffer::getFile(
      QUANTOPT_TEST_DIR "/Target/Inputs/" + Twine(name));
  EXPECT_TRUE(static_cast<bool>(buffer));
  return buffer ? (*buffer)->getBuffer().str() : "";
}

static void expectExtent(const Extent &extent, const Extent &expected) {
  EXPECT_EQ(extent.scale, expected.scale);
  EXPECT_EQ(extent.offset, expected.offset);
  EXPECT_EQ(extent.divisor, expected.divisor);
  EXPECT_EQ(extent.factor, expected.factor);
}

static void expectBuffer(const Argument &argument, BufferRef::Kind kind,
                         uint32_t index, uint64_t offset, uint64_t size) {
  EXPECT_EQ(argument.kind, Argument::Kind::Buffer);
  EXPECT_EQ(argument.buffer.kind, kind);
  EXPECT_EQ(argument.buffer.index, index);
  EXPECT_EQ(argument.buffer.offset, offset);
  EXPECT_EQ(argument.buffer.size, size);
}

static void expectScalar(const Argument &argument, Argument::Kind kind,
                         const Extent &expected) {
  EXPECT_EQ(argument.kind, kind);
  expectExtent(argument.scalar, expected);
}

/// The plan of a module, the artifact its constants went to, and errors.
struct Emitted {
  explicit Emitted(StringRef text) : snippet(text) {
    if (!snippet.module)
      return;
    FailureOr<KernelsEntry> entry = findKernelsEntry(*snippet.module, "");
    if (failed(entry))
      return;
    ConstantPool constants;
    FailureOr<artifact::Plan> emitted = emitPlan(*entry, constants);
    if (succeeded(emitted))
      plan = std::move(*emitted);
    constants.finish(model);
  }

  IRSnippet snippet;
  std::optional<artifact::Plan> plan;
  artifact::Artifact model;
};

//===----------------------------------------------------------------------===//
// A whole form
//===----------------------------------------------------------------------===//

TEST(EmitPlan, Launches) {
  Emitted emitted(readInput("kernels-form.mlir"));
  ASSERT_TRUE(emitted.plan) << emitted.snippet.errors;
  artifact::Plan &plan = *emitted.plan;
  EXPECT_EQ(plan.arenaBytes, 512u);
  EXPECT_EQ(plan.workspaceBytes, 64u);
  ASSERT_EQ(plan.launches.size(), 3u);

  const artifact::Launch &product = plan.launches[0];
  EXPECT_EQ(product.kernel, "product");
  EXPECT_EQ(product.name, "fc");
  expectExtent(product.grid[0], {5, 4, 4, 1});
  expectExtent(product.grid[1], {0, 1, 1, 1});
  expectExtent(product.grid[2], {1, 0, 2, 3});
  EXPECT_EQ(product.block, (std::array<uint32_t, 3>{64, 1, 1}));
  EXPECT_EQ(product.sharedBytes, 1024u);
  ASSERT_EQ(product.arguments.size(), 6u);
  expectBuffer(product.arguments[0], BufferRef::Kind::Input, 0, 0, 24);
  expectBuffer(product.arguments[1], BufferRef::Kind::Constant, 0, 0, 128);
  // Rows 2 to 5 of 8 floats from column 4: the last element is 3 * 8 + 4.
  expectBuffer(product.arguments[2], BufferRef::Kind::Arena, 0, 256 + 20 * 4,
               (3 * 8 + 4) * 4);
  expectBuffer(product.arguments[3], BufferRef::Kind::Workspace, 0, 32, 8);
  expectScalar(product.arguments[4], Argument::Kind::Int32, {8, 0, 1, 1});
  expectScalar(product.arguments[5], Argument::Kind::Int64, {8, 0, 1, 1});

  const artifact::Launch &scale = plan.launches[1];
  EXPECT_EQ(scale.kernel, "scale");
  EXPECT_EQ(scale.name, "scale");
  EXPECT_EQ(scale.sharedBytes, 0u);
  expectBuffer(scale.arguments[0], BufferRef::Kind::Arena, 0, 256, 192);
  expectBuffer(scale.arguments[1], BufferRef::Kind::Constant, 1, 0, 16);
  expectBuffer(scale.arguments[2], BufferRef::Kind::Output, 0, 0, 192);
  expectScalar(scale.arguments[3], Argument::Kind::Int32, {0, 7, 1, 1});
  expectExtent(plan.launches[2].grid[0], {1, 0, 1, 1});
  expectBuffer(plan.launches[2].arguments[0], BufferRef::Kind::Constant, 2, 0,
               5);
}

TEST(EmitPlan, ConstantsAreStoredOnce) {
  Emitted emitted(readInput("kernels-form.mlir"));
  ASSERT_TRUE(emitted.plan) << emitted.snippet.errors;
  const std::vector<artifact::Constant> &constants = emitted.model.constants;
  ASSERT_EQ(constants.size(), 3u);
  EXPECT_EQ(constants[0].name, "weights");
  EXPECT_EQ(constants[0].dtype, QOPT_I8);
  EXPECT_EQ(constants[0].dims, (std::vector<int64_t>{3, 4}));
  ASSERT_EQ(constants[0].size, 12u);
  for (int i = 0; i < 12; ++i)
    EXPECT_EQ(constants[0].data[i], i + 1);
  // A splat is written out; its copy is the same constant.
  EXPECT_EQ(constants[1].name, "scales");
  ASSERT_EQ(constants[1].size, 16u);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(reinterpret_cast<const float *>(constants[1].data)[i], 0.5f);
  // Truth values are bytes.
  EXPECT_EQ(constants[2].dtype, QOPT_I1);
  EXPECT_EQ(std::vector<uint8_t>(constants[2].data, constants[2].data + 5),
            (std::vector<uint8_t>{1, 0, 1, 1, 0}));

  const std::vector<artifact::PackedConstant> &packed = emitted.plan->packed;
  ASSERT_EQ(packed.size(), 3u);
  EXPECT_EQ(packed[0].constant, 0u);
  EXPECT_EQ(packed[0].permutation, (std::vector<uint32_t>{1, 0}));
  EXPECT_EQ(packed[0].dims, (std::vector<int64_t>{8, 16}));
  EXPECT_EQ(packed[1].permutation, (std::vector<uint32_t>{0}));
  EXPECT_EQ(packed[1].dims, (std::vector<int64_t>{4}));
}

TEST(EmitPlan, TwoPlansShareConstants) {
  IRSnippet snippet(readInput("kernels-form.mlir"));
  ConstantPool constants;
  FailureOr<KernelsEntry> entry = findKernelsEntry(*snippet.module, "");
  ASSERT_TRUE(succeeded(entry));
  ASSERT_TRUE(succeeded(emitPlan(*entry, constants)));
  ASSERT_TRUE(succeeded(emitPlan(*entry, constants)));
  artifact::Artifact model;
  constants.finish(model);
  EXPECT_EQ(model.constants.size(), 3u);
}

TEST(EmitPlan, ArtifactIsValid) {
  Emitted emitted(readInput("kernels-form.mlir"));
  ASSERT_TRUE(emitted.plan) << emitted.snippet.errors;
  artifact::Artifact &model = emitted.model;
  model.batch = 6;
  model.anyBatch = false;
  model.inputs = {{"x", QOPT_I8, {6, 4}}};
  model.outputs = {{"y", QOPT_F32, {6, 8}}};
  model.modelText = "module {}";
  emitted.plan->chip = "sm_80";
  emitted.plan->ptx = "ptx";
  model.plans.push_back(std::move(*emitted.plan));
  EXPECT_EQ(artifact::validate(model), "");
}

//===----------------------------------------------------------------------===//
// Small forms
//===----------------------------------------------------------------------===//

/// One launch of a kernel with the operand `argument : type` on one input and
/// one output; `grid` is the number of blocks.
static std::string makeForm(const std::string &body, StringRef argument = "%x",
                            StringRef type = "memref<4xf32>",
                            StringRef parameter = "!llvm.ptr<1>",
                            StringRef grid = "%c1",
                            const std::string &globals = "") {
  return (R"mlir(
module attributes {gpu.container_module} {
  )mlir" + globals +
          R"mlir(
  func.func @main(%x: memref<4xf32> {qopt.kind = "input"}, %y: memref<4xf32> {qopt.kind = "output"},
                  %arena: memref<256xi8> {qopt.kind = "arena"},
                  %workspace: memref<0xi8> {qopt.kind = "workspace"}, %batch: index {qopt.kind = "batch"}) {
    %c1 = arith.constant 1 : index
    )mlir" +
          body + "\n    gpu.launch_func @kernels::@k blocks in (" + grid +
          ", %c1, %c1) threads in (%c1, %c1, %c1) args(" + argument + " : " +
          type + R"mlir()
    return
  }
  gpu.module @kernels {
    llvm.func @k(%a: )mlir" +
          parameter +
          R"mlir() attributes {gpu.kernel, nvvm.kernel} { llvm.return }
  }
})mlir")
      .str();
}

static void expectError(const std::string &text, StringRef message) {
  Emitted emitted(text);
  EXPECT_FALSE(emitted.plan);
  expectContains(emitted.snippet.errors, message);
}

/// The buffer that the only argument of the only launch refers to.
static BufferRef getBuffer(const std::string &text) {
  Emitted emitted(text);
  EXPECT_TRUE(emitted.plan) << emitted.snippet.errors << text;
  if (!emitted.plan)
    return {};
  return emitted.plan->launches[0].arguments[0].buffer;
}

TEST(EmitPlan, Views) {
  BufferRef nested = getBuffer(makeForm(R"mlir(
    %c8 = arith.constant 8 : index
    %c64 = arith.constant 64 : index
    %v = memref.view %arena[%c64][] : memref<256xi8> to memref<128xi8>
    %w = memref.view %v[%c8][] : memref<128xi8> to memref<2x8xf16>
    %r = memref.reinterpret_cast %w to offset: [3], sizes: [2, 2], strides: [8, 2]
        : memref<2x8xf16> to memref<2x2xf16, strided<[8, 2], offset: 3>>)mlir",
                                        "%r",
                                        "memref<2x2xf16, strided<[8, 2], "
                                        "offset: 3>>"));
  EXPECT_EQ(nested.kind, BufferRef::Kind::Arena);
  EXPECT_EQ(nested.offset, 64u + 8 + 3 * 2);
  EXPECT_EQ(nested.size, (8u + 2 + 1) * 2);

  BufferRef cast =
      getBuffer(makeForm(R"mlir(
    %s = memref.subview %y[2] [2] [1] : memref<4xf32> to memref<2xf32, strided<[1], offset: 2>>
    %d = memref.cast %s : memref<2xf32, strided<[1], offset: 2>> to memref<?xf32, strided<[?], offset: ?>>)mlir",
                         "%d", "memref<?xf32, strided<[?], offset: ?>>"));
  EXPECT_EQ(cast.kind, BufferRef::Kind::Output);
  EXPECT_EQ(cast.offset, 8u);
  EXPECT_EQ(cast.size, 8u);

  BufferRef expanded = getBuffer(
      makeForm("%e = memref.expand_shape %x [[0, 1]] output_shape [2, 2] : "
               "memref<4xf32> into memref<2x2xf32>\n"
               "%t = memref.transpose %e (i, j) -> (j, i) : memref<2x2xf32> to "
               "memref<2x2xf32, strided<[1, 2]>>",
               "%t", "memref<2x2xf32, strided<[1, 2]>>"));
  EXPECT_EQ(expanded.kind, BufferRef::Kind::Input);
  EXPECT_EQ(expanded.offset, 0u);
  EXPECT_EQ(expanded.size, 16u);

  BufferRef part = getBuffer(makeForm(
      "%g = memref.get_global @c : memref<2x2xi32>\n"
      "%s = memref.subview %g[1, 0] [1, 2] [1, 1] : memref<2x2xi32> to "
      "memref<1x2xi32, strided<[2, 1], offset: 2>>",
      "%s", "memref<1x2xi32, strided<[2, 1], offset: 2>>", "!llvm.ptr<1>",
      "%c1",
      "memref.global \"private\" constant @c : memref<2x2xi32> = dense<3>"));
  EXPECT_EQ(part.kind, BufferRef::Kind::Constant);
  EXPECT_EQ(part.offset, 8u);
  EXPECT_EQ(part.size, 8u);
}

TEST(EmitPlan, ResourcesAndReshapedPacks) {
  std::string text = makeForm(
      "%g = memref.get_global @c : memref<2x3xi8>\n"
      "%f = memref.collapse_shape %g [[0, 1]] : memref<2x3xi8> into "
      "memref<6xi8>\n"
      "%p = qopt.pack %f {permutation = array<i64: 0>} : memref<6xi8> -> "
      "memref<8xi8>",
      "%p", "memref<8xi8>", "!llvm.ptr<1>", "%c1",
      "memref.global \"private\" constant @c : memref<2x3xi8> = "
      "dense_resource<blob>");
  text += "{-# dialect_resources: { builtin: { blob: "
          "\"0x01000000010203040506\" } } #-}";
  Emitted emitted(text);
  ASSERT_TRUE(emitted.plan) << emitted.snippet.errors;
  const artifact::Constant &constant = emitted.model.constants[0];
  EXPECT_EQ(constant.dims, (std::vector<int64_t>{6}));
  EXPECT_EQ(std::vector<uint8_t>(constant.data, constant.data + 6),
            (std::vector<uint8_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(emitted.plan->packed[0].dims, (std::vector<int64_t>{8}));
}

/// The grid of a launch with `map` applied to the batch.
static std::optional<Extent> getGrid(const std::string &map) {
  Emitted emitted(makeForm("%g = affine.apply affine_map<()[s0] -> (" + map +
                               ")>()[%batch]",
                           "%x", "memref<4xf32>", "!llvm.ptr<1>", "%g"));
  if (emitted.plan)
    return emitted.plan->launches[0].grid[0];
  expectContains(emitted.snippet.errors, "has a grid that is ");
  return std::nullopt;
}

TEST(EmitPlan, Extents) {
  struct {
    const char *map;
    Extent extent;
  } cases[] = {
      {"7", {0, 7, 1, 1}},
      {"s0", {1, 0, 1, 1}},
      {"s0 * 197 + 3", {197, 3, 1, 1}},
      {"(s0 + 2) * 5 + s0", {6, 10, 1, 1}},
      {"(s0 * 197) ceildiv 128", {197, 127, 128, 1}},
      {"(s0 * 197 + 1) floordiv 128", {197, 1, 128, 1}},
      {"((s0 * 197) ceildiv 128) * 6", {197, 127, 128, 6}},
      {"((s0 * 3) floordiv 7) * 2 * 5", {3, 0, 7, 10}},
  };
  for (const auto &[map, extent] : cases) {
    std::optional<Extent> grid = getGrid(map);
    ASSERT_TRUE(grid) << map;
    expectExtent(*grid, extent);
  }
  for (const char *map :
       {"s0 mod 3", "(s0 floordiv 2) floordiv 3 + s0", "s0 - 1",
        "(s0 ceildiv 2) + 1", "-s0", "s0 * s0", "(s0 ceildiv 4) * -1"})
    EXPECT_FALSE(getGrid(map)) << map;
}

TEST(EmitPlan, ExtentsOfExtents) {
  Emitted emitted(
      makeForm("%m = affine.apply affine_map<()[s0] -> (s0 * 197)>()[%batch]\n"
               "%c128 = arith.constant 128 : index\n"
               "%g = affine.apply affine_map<(d0)[s0] -> (d0 ceildiv "
               "s0)>(%m)[%c128]\n",
               "%x", "memref<4xf32>", "!llvm.ptr<1>", "%g"));
  ASSERT_TRUE(emitted.plan) << emitted.snippet.errors;
  expectExtent(emitted.plan->launches[0].grid[0], {197, 127, 128, 1});
}

TEST(EmitPlan, WrongArguments) {
  expectError(makeForm("", "%arena", "memref<256xi8>", "i32"),
              "gives a 'memref<256xi8>' to a kernel's parameter of type 'i32'");
  expectError(makeForm("", "%batch", "index", "i32"),
              "gives a 'index' to a kernel's parameter of type 'i32'");
  expectError(makeForm("%f = arith.constant 1.0 : f32", "%f", "f32", "f32"),
              "has an argument of type 'f32'; kernels take buffers, i32 and "
              "i64");
  expectError(makeForm("%f = arith.constant -1 : i32", "%f", "i32", "i32"),
              "has an argument that is -1; expected");
  expectError(makeForm("%f = arith.addi %batch, %batch : index\n"
                       "%i = arith.index_cast %f : index to i32",
                       "%i", "i32", "i32"),
              "'arith.addi' op is no launch");
}

TEST(EmitPlan, WrongBuffers) {
  expectError(makeForm("%v = memref.view %arena[%batch][] : memref<256xi8> to "
                       "memref<4xf32>",
                       "%v"),
              "'memref.view' op has a byte shift that is no constant");
  expectError(makeForm("%v = memref.alloc() : memref<4xf32>", "%v"),
              "'memref.alloc' op ");
  expectError(makeForm("%v = memref.subview %x[%batch] [2] [1] : "
                       "memref<4xf32> to memref<2xf32, strided<[1], offset: "
                       "?>>",
                       "%v", "memref<2xf32, strided<[1], offset: ?>>"),
              "whose place is not known at compile time");
  expectError(makeForm("%v = qopt.pack %x {permutation = array<i64: 0>} : "
                       "memref<4xf32> -> memref<8xf32>",
                       "%v", "memref<8xf32>"),
              "packs what is no constant");
  const char *global = "memref.global \"private\" @c : memref<4xf32>";
  expectError(makeForm("%v = memref.get_global @c : memref<4xf32>", "%v",
                       "memref<4xf32>", "!llvm.ptr<1>", "%c1", global),
              "'memref.global' op has no elements");
  expectError(makeForm("%v = memref.get_global @c : memref<4xi4>", "%v",
                       "memref<4xi4>", "!llvm.ptr<1>", "%c1",
                       "memref.global \"private\" constant @c : memref<4xi4> "
                       "= dense<1>"),
              "whose place is not known at compile time");
}

TEST(EmitPlan, OtherOps) {
  expectError(makeForm("memref.copy %x, %y : memref<4xf32> to memref<4xf32>"),
              "'memref.copy' op is no launch: a kernels form has views, "
              "constants and launches only");
  expectError(makeForm("%c0 = arith.constant 0 : index\n"
                       "scf.for %i = %c0 to %c1 step %c1 {\n}"),
              "'scf.for' op is no launch");
}

TEST(EmitPlan, Signatures) {
  std::string form = makeForm("");
  auto expectRefused = [&](StringRef from, StringRef to, StringRef message) {
    std::string text = form;
    size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    text.replace(at, from.size(), to.str());
    expectError(text, message);
  };
  expectRefused("\"input\"", "\"weight\"",
                "'func.func' op is no entry of a kernels form: argument #0 of "
                "type 'memref<4xf32>' has qopt.kind 'weight'; expected");
  expectRefused(" {qopt.kind = \"output\"}", "", "argument #1 of type");
  expectRefused("memref<256xi8> {", "memref<64xi32> {", "argument #2 of type");
  expectRefused("%batch: index {qopt.kind = \"batch\"}",
                "%batch: memref<f32> {qopt.kind = \"input\"}",
                "expected buffers and the batch (index) as arguments");
  expectRefused("    return\n", "    cf.br ^b\n  ^b:\n    return\n",
                "has control flow");
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

/// Two launches on status words `first` and `second` of `count`.
static std::string makeChecks(int first, int second,
                              const std::string &firstAttributes,
                              const std::string &secondAttributes,
                              int count = 2) {
  auto launch = [](int word, const std::string &attributes) {
    std::string at = std::to_string(word), name = "%w" + at;
    std::string type = "memref<1xi64, strided<[1], offset: " + at + ">>";
    return "    " + name + " = memref.reinterpret_cast %status to offset: [" +
           at + "], sizes: [1], strides: [1] : memref<NUMxi64> to " + type +
           "\n    gpu.launch_func @kernels::@k blocks in (%c1, %c1, %c1) "
           "threads in (%c1, %c1, %c1) args(" +
           name + " : " + type + ") {" + attributes + "}\n";
  };
  std::string text = R"mlir(
module attributes {gpu.container_module} {
  func.func @main(%status: memref<NUMxi64> {qopt.kind = "status"},
                  %batch: index {qopt.kind = "batch"}) {
    %c1 = arith.constant 1 : index
)mlir" + launch(first, firstAttributes) +
                     (first == second ? "" : launch(second, secondAttributes)) +
                     R"mlir(    return
  }
  gpu.module @kernels {
    llvm.func @k(%a: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} { llvm.return }
  }
})mlir";
  const std::string marker = "NUM";
  for (size_t at; (at = text.find(marker)) != std::string::npos;)
    text.replace(at, marker.size(), std::to_string(count));
  return text;
}

TEST(EmitPlan, Checks) {
  const std::string both = "qopt.checks = [\"a\", \"b\"], "
                           "qopt.points_per_sample = 6 : i64",
                    one = "qopt.checks = [\"c\"]";
  Emitted emitted(makeChecks(0, 1, both, one));
  ASSERT_TRUE(emitted.plan) << emitted.snippet.errors;
  const artifact::Launch &first = emitted.plan->launches[0],
                         &second = emitted.plan->launches[1];
  EXPECT_EQ(first.checks, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(first.pointsPerSample, 6);
  expectBuffer(first.arguments[0], BufferRef::Kind::Status, 0, 0, 8);
  EXPECT_EQ(second.checks, (std::vector<std::string>{"c"}));
  EXPECT_EQ(second.pointsPerSample, 0);
  expectBuffer(second.arguments[0], BufferRef::Kind::Status, 0, 8, 8);

  const std::string foreign = "takes status words that are not its own";
  expectError(makeChecks(1, 0, both, one), foreign);
  expectError(makeChecks(0, 1, "", one), foreign);
  expectError(makeChecks(0, 1, both, ""), foreign);
  expectError(makeChecks(0, 1, both, one, 3),
              "has 3 status words for 2 launches with qopt.checks");
  expectError(makeChecks(0, 1, both, "qopt.checks = [1]"),
              "has qopt.checks that are no strings");
  expectError(makeChecks(0, 1, both, one + ", qopt.points_per_sample = -1"),
              "has negative qopt.points_per_sample");
  std::string many = "qopt.checks = [\"x\"";
  for (int i = 0; i < 256; ++i)
    many += ", \"x\"";
  expectError(makeChecks(0, 1, both, many + "]"),
              "has 257 checks; at most 256 fit a status word");
  // A check without a word: %x is no status.
  std::string none = makeForm("");
  const std::string end = "memref<4xf32>)\n    return";
  none.replace(none.find(end), end.size(),
               "memref<4xf32>) {qopt.checks = [\"a\"]}\n    return");
  expectError(none, "has qopt.checks but no status word");
}
