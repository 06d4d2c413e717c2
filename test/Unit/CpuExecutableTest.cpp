//===- CpuExecutableTest.cpp - Models on the CPU ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The interface of CpuExecutable: signatures, observers, errors, threads. What
// is computed is tested in CpuContractionsTest and CpuLoopsTest.
//
//===----------------------------------------------------------------------===//
#include "CpuModel.h"

#include "QuantOpt/Runtime/CpuBackend.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"

#include <atomic>
#include <cmath>
#include <thread>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

using Floats = std::vector<float>;

/// x -> 2·x on 4 floats, as text to put into functions.
static std::string doubled(const char *result, const char *operand) {
  return std::string("%e_") + result + " = tensor.empty() : tensor<4xf32>\n%" +
         result +
         " = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, "
         "affine_map<(i) -> (i)>], iterator_types = [\"parallel\"]} ins(%" +
         operand + " : tensor<4xf32>) outs(%e_" + result +
         " : tensor<4xf32>) {\n^bb0(%in: f32, %out: f32):\n%s = arith.addf "
         "%in, %in : f32\nlinalg.yield %s : f32\n} -> tensor<4xf32>\n";
}

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

TEST(CpuExecutable, DescribesItsSignature) {
  CpuModel model(R"(
    func.func @main(%a: tensor<2x3xf32> {qopt.name = "image"}, %b: tensor<i64>)
        -> (tensor<i64>, tensor<2x3xf32> {qopt.name = "scores"}) {
      return %b, %a : tensor<i64>, tensor<2x3xf32>
    })");
  ASSERT_TRUE(model.get()) << model.error();
  auto inputs = model.get()->inputs(), outputs = model.get()->outputs();
  ASSERT_EQ(inputs.size(), 2u);
  EXPECT_EQ(inputs[0].name, "image");
  EXPECT_EQ(inputs[0].shape, (SmallVector<int64_t>{2, 3}));
  EXPECT_TRUE(inputs[0].elementType.isF32());
  EXPECT_EQ(inputs[0].getNumBytes(), 24);
  EXPECT_EQ(inputs[1].name, "arg1");
  EXPECT_TRUE(inputs[1].shape.empty());
  EXPECT_EQ(inputs[1].getNumBytes(), 8);
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0].name, "out0");
  EXPECT_EQ(outputs[1].name, "scores");
}

TEST(CpuExecutable, ResultsThatAreArgumentsOrEachOther) {
  CpuModel model("func.func @main(%a: tensor<4xf32>) -> (tensor<4xf32>, "
                 "tensor<4xf32>, tensor<4xf32>) {\n" +
                 doubled("d", "a") +
                 "return %d, %a, %d : tensor<4xf32>, tensor<4xf32>, "
                 "tensor<4xf32>\n}");
  Floats a = {1, 2, 3, 4}, d = {2, 4, 6, 8};
  auto outputs = model.run({a});
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_EQ(outputs[0].as<float>(), d);
  EXPECT_EQ(outputs[1].as<float>(), a);
  EXPECT_EQ(outputs[2].as<float>(), d);
}

TEST(CpuExecutable, NoResultsNoArguments) {
  CpuModel nothing("func.func @main() { return }");
  EXPECT_TRUE(nothing.run({}).empty());
  CpuModel constant(R"(func.func @main() -> tensor<3xf32> {
    %0 = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
    return %0 : tensor<3xf32>
  })");
  EXPECT_EQ(constant.run1<float>({}), (Floats{1, 2, 3}));
  CpuModel empty("func.func @main(%a: tensor<0x4xf32>) -> tensor<0x4xf32> { "
                 "return %a : tensor<0x4xf32> }");
  EXPECT_TRUE(empty.run1<float>({Floats()}).empty());
}

TEST(CpuExecutable, ElementTypes) {
  CpuModel model(R"(
    #id = affine_map<(i) -> (i)>
    func.func @main(%b: tensor<3xi1>, %i: tensor<3xi64>, %s: tensor<3xi16>,
                    %h: tensor<3xf16>, %d: tensor<3xf64>, %x: tensor<3xindex>)
        -> (tensor<3xi1>, tensor<3xi64>, tensor<3xf64>, tensor<3xf16>,
            tensor<3xindex>) {
      %one = arith.constant true
      %e1 = tensor.empty() : tensor<3xi1>
      %0 = linalg.generic {indexing_maps = [#id, #id],
          iterator_types = ["parallel"]}
          ins(%b : tensor<3xi1>) outs(%e1 : tensor<3xi1>) {
      ^bb0(%in: i1, %out: i1):
        %v = arith.xori %in, %one : i1
        linalg.yield %v : i1
      } -> tensor<3xi1>
      %e64 = tensor.empty() : tensor<3xi64>
      %1 = linalg.generic {indexing_maps = [#id, #id, #id, #id],
          iterator_types = ["parallel"]}
          ins(%b, %i, %s : tensor<3xi1>, tensor<3xi64>, tensor<3xi16>)
          outs(%e64 : tensor<3xi64>) {
      ^bb0(%c: i1, %p: i64, %q: i16, %out: i64):
        %w = arith.extsi %q : i16 to i64
        %v = arith.select %c, %p, %w : i64
        linalg.yield %v : i64
      } -> tensor<3xi64>
      %ed = tensor.empty() : tensor<3xf64>
      %2 = linalg.generic {indexing_maps = [#id, #id, #id],
          iterator_types = ["parallel"]}
          ins(%h, %d : tensor<3xf16>, tensor<3xf64>) outs(%ed : tensor<3xf64>) {
      ^bb0(%p: f16, %q: f64, %out: f64):
        %w = arith.extf %p : f16 to f64
        %v = arith.mulf %w, %q : f64
        linalg.yield %v : f64
      } -> tensor<3xf64>
      %eh = tensor.empty() : tensor<3xf16>
      %3 = linalg.generic {indexing_maps = [#id, #id],
          iterator_types = ["parallel"]}
          ins(%h : tensor<3xf16>) outs(%eh : tensor<3xf16>) {
      ^bb0(%p: f16, %out: f16):
        %v = arith.addf %p, %p : f16
        linalg.yield %v : f16
      } -> tensor<3xf16>
      %ex = tensor.empty() : tensor<3xindex>
      %4 = linalg.generic {indexing_maps = [#id, #id],
          iterator_types = ["parallel"]}
          ins(%x : tensor<3xindex>) outs(%ex : tensor<3xindex>) {
      ^bb0(%p: index, %out: index):
        %n = linalg.index 0 : index
        %v = arith.addi %p, %n : index
        linalg.yield %v : index
      } -> tensor<3xindex>
      return %0, %1, %2, %3, %4 : tensor<3xi1>, tensor<3xi64>, tensor<3xf64>,
          tensor<3xf16>, tensor<3xindex>
    })");
  // 1, -2, 0.5 as f16.
  std::vector<uint16_t> half = {0x3c00, 0xc000, 0x3800};
  auto outputs = model.run(
      {std::vector<uint8_t>{1, 0, 1}, std::vector<int64_t>{7, 8, 9},
       std::vector<int16_t>{-1, -2, -3}, half, std::vector<double>{3, 4, 5},
       std::vector<int64_t>{10, 20, 30}});
  ASSERT_EQ(outputs.size(), 5u);
  EXPECT_EQ(outputs[0].as<uint8_t>(), (std::vector<uint8_t>{0, 1, 0}));
  EXPECT_EQ(outputs[1].as<int64_t>(), (std::vector<int64_t>{7, -2, 9}));
  EXPECT_EQ(outputs[2].as<double>(), (std::vector<double>{3, -8, 2.5}));
  EXPECT_EQ(outputs[3].as<uint16_t>(),
            (std::vector<uint16_t>{0x4000, 0xc400, 0x3c00}));
  EXPECT_EQ(outputs[4].as<int64_t>(), (std::vector<int64_t>{10, 21, 32}));
}

TEST(CpuExecutable, ConstantsOfEveryForm) {
  CpuModel model(R"(
    func.func @main() -> (tensor<4xi1>, tensor<2xi8>, tensor<2xf32>,
                          tensor<4xf32>, tensor<2x2xi64>) {
      %0 = arith.constant dense<[true, false, false, true]> : tensor<4xi1>
      %1 = arith.constant dense<[-128, 127]> : tensor<2xi8>
      %2 = arith.constant dense_resource<blob> : tensor<2xf32>
      %3 = arith.constant dense<1.5> : tensor<4xf32>
      %4 = arith.constant dense<[[1, 2], [3, -4]]> : tensor<2x2xi64>
      return %0, %1, %2, %3, %4 : tensor<4xi1>, tensor<2xi8>, tensor<2xf32>,
          tensor<4xf32>, tensor<2x2xi64>
    }
    {-# dialect_resources: { builtin: { blob: "0x040000000000803F00000040" } } #-}
  )");
  auto outputs = model.run({});
  ASSERT_EQ(outputs.size(), 5u) << model.error();
  EXPECT_EQ(outputs[0].as<uint8_t>(), (std::vector<uint8_t>{1, 0, 0, 1}));
  EXPECT_EQ(outputs[1].as<int8_t>(), (std::vector<int8_t>{-128, 127}));
  EXPECT_EQ(outputs[2].as<float>(), (Floats{1, 2}));
  EXPECT_EQ(outputs[3].as<float>(), (Floats{1.5, 1.5, 1.5, 1.5}));
  EXPECT_EQ(outputs[4].as<int64_t>(), (std::vector<int64_t>{1, 2, 3, -4}));
}

TEST(CpuExecutable, CallsOtherFunctions) {
  CpuModel model("func.func private @twice(%a: tensor<4xf32>) -> tensor<4xf32> "
                 "{\n" +
                 doubled("d", "a") +
                 "return %d : tensor<4xf32>\n}\nfunc.func @main(%a: "
                 "tensor<4xf32>) -> tensor<4xf32> {\n%0 = call @twice(%a) : "
                 "(tensor<4xf32>) -> tensor<4xf32>\n%1 = call @twice(%0) : "
                 "(tensor<4xf32>) -> tensor<4xf32>\nreturn %1 : "
                 "tensor<4xf32>\n}\nfunc.func @other() { return }");
  EXPECT_EQ(model.run1<float>({Floats{1, 2, 3, 4}}), (Floats{4, 8, 12, 16}));
}

//===----------------------------------------------------------------------===//
// Observers
//===----------------------------------------------------------------------===//

TEST(CpuExecutable, ObserversSeeValuesInOrder) {
  std::vector<std::pair<int64_t, Floats>> seen;
  CpuOptions options;
  options.observer = [&](int64_t index, const float *data, int64_t count) {
    seen.emplace_back(index, Floats(data, data + count));
  };
  // An input, a result, a slice of it (not contiguous), inside a composite, and
  // a value that nobody else uses.
  const std::string text = R"(
    #id = affine_map<(i, j) -> (i, j)>
    func.func @main(%a: tensor<2x3xf32>) -> tensor<2x2xf32> {
      %0 = qopt.observe %a {name = "a"} : tensor<2x3xf32>
      %e = tensor.empty() : tensor<2x3xf32>
      %1 = linalg.generic {indexing_maps = [#id, #id],
          iterator_types = ["parallel", "parallel"]}
          ins(%0 : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
      ^bb0(%in: f32, %out: f32):
        %s = arith.addf %in, %in : f32
        linalg.yield %s : f32
      } -> tensor<2x3xf32>
      %2 = qopt.composite "double" (%1) {
      ^bb0(%x: tensor<2x3xf32>):
        %5 = qopt.observe %x {name = "b"} : tensor<2x3xf32>
        qopt.yield %5 : tensor<2x3xf32>
      } : (tensor<2x3xf32>) -> tensor<2x3xf32>
      %3 = tensor.extract_slice %2[0, 1] [2, 2] [1, 1]
          : tensor<2x3xf32> to tensor<2x2xf32>
      %4 = qopt.observe %3 {name = "c"} : tensor<2x2xf32>
      %5 = qopt.observe %2 {name = "unused"} : tensor<2x3xf32>
      return %4 : tensor<2x2xf32>
    })";
  CpuModel model(text, options);
  EXPECT_EQ(model.run1<float>({Floats{1, 2, 3, 4, 5, 6}}),
            (Floats{4, 6, 10, 12}))
      << model.error();
  Floats twice = {2, 4, 6, 8, 10, 12};
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[0], std::pair(int64_t(0), Floats{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(seen[1], std::pair(int64_t(1), twice));
  EXPECT_EQ(seen[2], std::pair(int64_t(2), Floats{4, 6, 10, 12}));
  EXPECT_EQ(seen[3], std::pair(int64_t(3), twice));

  // Without an observer the ops are identities.
  CpuModel silent(text);
  EXPECT_EQ(silent.run1<float>({Floats{1, 2, 3, 4, 5, 6}}),
            (Floats{4, 6, 10, 12}));
  EXPECT_EQ(seen.size(), 4u);
}

/// What is observed is the value at that point, even if its buffer is reused.
TEST(CpuExecutable, ObserversInLoops) {
  std::vector<Floats> seen;
  CpuOptions options;
  options.observer = [&](int64_t, const float *data, int64_t count) {
    seen.emplace_back(data, data + count);
  };
  CpuModel model("func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
                 "%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : "
                 "index\n%c3 = arith.constant 3 : index\n%r = scf.for %i = %c0 "
                 "to %c3 step %c1 iter_args(%x = %a) -> tensor<4xf32> {\n"
                 "%o = qopt.observe %x {name = \"x\"} : tensor<4xf32>\n" +
                     doubled("d", "o") +
                     "scf.yield %d : tensor<4xf32>\n}\nreturn %r : "
                     "tensor<4xf32>\n}",
                 options);
  EXPECT_EQ(model.run1<float>({Floats{1, 2, 3, 4}}), (Floats{8, 16, 24, 32}))
      << model.error();
  EXPECT_EQ(seen,
            (std::vector<Floats>{{1, 2, 3, 4}, {2, 4, 6, 8}, {4, 8, 12, 16}}));
}

//===----------------------------------------------------------------------===//
// Checks at run time
//===----------------------------------------------------------------------===//

TEST(CpuExecutable, FailingAssertsAreErrors) {
  CpuModel model(R"(
    func.func @main(%a: tensor<4xi64>) -> tensor<4xi64> {
      %c9 = arith.constant 9 : i64
      %e = tensor.empty() : tensor<4xi64>
      %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>,
          affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
          ins(%a : tensor<4xi64>) outs(%e : tensor<4xi64>) {
      ^bb0(%in: i64, %out: i64):
        %ok = arith.cmpi slt, %in, %c9 : i64
        cf.assert %ok, "values must be below nine"
        linalg.yield %in : i64
      } -> tensor<4xi64>
      %c0 = arith.constant 0 : index
      %first = tensor.extract %0[%c0] : tensor<4xi64>
      %zero = arith.constant 0 : i64
      %positive = arith.cmpi sgt, %first, %zero : i64
      cf.assert %positive, "the first value must be positive"
      return %0 : tensor<4xi64>
    })");
  using Ints = std::vector<int64_t>;
  EXPECT_EQ(model.run1<int64_t>({Ints{1, 2, 3, 4}}), (Ints{1, 2, 3, 4}));
  EXPECT_EQ(model.runError({Ints{1, 2, 9, 4}}),
            "model.mlir:10:9, sample 2: values must be below nine");
  EXPECT_EQ(model.runError({Ints{0, 2, 3, 4}}),
            "model.mlir:17:7: the first value must be positive");
  // Nothing is left behind.
  for (int i = 0; i < 100; ++i)
    EXPECT_NE(model.runError({Ints{1, 2, 9, 4}}), "");
  EXPECT_EQ(model.run1<int64_t>({Ints{1, 2, 3, 4}}), (Ints{1, 2, 3, 4}));
}

TEST(CpuExecutable, IndicesOutOfBoundsAreErrors) {
  CpuModel model(R"(
    func.func @main(%table: tensor<5x3xf32>, %ids: tensor<4xi64>)
        -> tensor<4x3xf32> {
      %e = tensor.empty() : tensor<4x3xf32>
      %0 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>,
          affine_map<(i, j) -> (i, j)>],
          iterator_types = ["parallel", "parallel"]}
          ins(%ids : tensor<4xi64>) outs(%e : tensor<4x3xf32>) {
      ^bb0(%in: i64, %out: f32):
        %row = arith.index_cast %in : i64 to index
        %column = linalg.index 1 : index
        %v = tensor.extract %table[%row, %column] : tensor<5x3xf32>
        linalg.yield %v : f32
      } -> tensor<4x3xf32>
      return %0 : tensor<4x3xf32>
    })");
  using Ints = std::vector<int64_t>;
  Floats table(15);
  for (int i = 0; i < 15; ++i)
    table[i] = i;
  EXPECT_EQ(model.run1<float>({table, Ints{4, 0, 1, 4}}),
            (Floats{12, 13, 14, 0, 1, 2, 3, 4, 5, 12, 13, 14}));
  for (int64_t bad : {int64_t(5), int64_t(-1), int64_t(1) << 40,
                      std::numeric_limits<int64_t>::min()})
    EXPECT_EQ(model.runError({table, Ints{4, 0, bad, 4}}),
              "model.mlir:12:14: index out of bounds: dimension 0 has 5 "
              "elements");
}

TEST(CpuExecutable, SlicesOutOfBoundsAreErrors) {
  CpuModel model(R"(
    func.func @main(%x: tensor<8xf32>, %at: tensor<i64>) -> tensor<8xf32> {
      %i = tensor.extract %at[] : tensor<i64>
      %offset = arith.index_cast %i : i64 to index
      %s = tensor.extract_slice %x[%offset] [3] [2]
          : tensor<8xf32> to tensor<3xf32>
      %c0 = arith.constant 0.0 : f32
      %e = tensor.empty() : tensor<8xf32>
      %z = linalg.fill ins(%c0 : f32) outs(%e : tensor<8xf32>) -> tensor<8xf32>
      %r = tensor.insert_slice %s into %z[%offset] [3] [1]
          : tensor<3xf32> into tensor<8xf32>
      return %r : tensor<8xf32>
    })");
  using Ints = std::vector<int64_t>;
  Floats x = {0, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(model.run1<float>({x, Ints{3}}), (Floats{0, 0, 0, 3, 5, 7, 0, 0}))
      << model.error();
  EXPECT_NE(model.runError({x, Ints{4}}), "");
  EXPECT_NE(model.runError({x, Ints{-1}}), "");
}

/// NaN has no integer value: whatever the conversion gives must be caught.
TEST(CpuExecutable, IndicesFromNaN) {
  CpuModel model(R"(
    func.func @main(%x: tensor<8xf32>, %at: tensor<f32>) -> tensor<f32> {
      %f = tensor.extract %at[] : tensor<f32>
      %i = arith.fptosi %f : f32 to i64
      %at0 = arith.index_cast %i : i64 to index
      %v = tensor.extract %x[%at0] : tensor<8xf32>
      %r = tensor.from_elements %v : tensor<f32>
      return %r : tensor<f32>
    })");
  Floats x = {0, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(model.run1<float>({x, Floats{3.7f}}), (Floats{3})) << model.error();
  EXPECT_NE(model.runError({x, Floats{NAN}}), "");
  EXPECT_NE(model.runError({x, Floats{INFINITY}}), "");
}

//===----------------------------------------------------------------------===//
// Errors of compilation
//===----------------------------------------------------------------------===//

static void expectCompileError(const std::string &text,
                               const std::string &message) {
  CpuModel model(text);
  EXPECT_FALSE(model.get()) << text;
  EXPECT_NE(model.error().find(message), std::string::npos)
      << text << "\ngave: " << model.error();
}

TEST(CpuExecutable, RefusesWhatItCannotRun) {
  expectCompileError("func.func @other() { return }", "no function 'main'");
  expectCompileError("func.func private @main()", "has no body");
  expectCompileError("func.func @main(%a: tensor<?xf32>) { return }",
                     "tensors of static shape");
  expectCompileError("func.func @main(%a: f32) { return }",
                     "tensors of static shape");
  expectCompileError("func.func @main(%a: tensor<4xi5>) { return }",
                     "tensors of static shape");
  expectCompileError("func.func @main(%a: "
                     "tensor<1000000000000x1000000000000xf32>) { return }",
                     "tensors of static shape");
  expectCompileError(R"(func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {
    %q = quant.qcast %a : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32:0, {0.1,0.1,0.2,0.2}>>
    %d = quant.dcast %q : tensor<4x!quant.uniform<i8:f32:0, {0.1,0.1,0.2,0.2}>> to tensor<4xf32>
    return %d : tensor<4xf32>
  })",
                     "model.mlir\":2:10): cannot be executed on the CPU");
  expectCompileError(R"(func.func @main(%a: tensor<i1>) {
    %c = tensor.extract %a[] : tensor<i1>
    cf.cond_br %c, ^bb1, ^bb1
  ^bb1:
    return
  })",
                     "unstructured control flow");
  expectCompileError("func.func private @f()\nfunc.func @main() { call @f() : "
                     "() -> () return }",
                     "function 'f' has no body");
  expectCompileError("func.func @main() { call @main() : () -> () return }",
                     "recursion");
  expectCompileError(R"(func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {
    %0 = arith.constant dense_resource<gone> : tensor<4xf32>
    return %0 : tensor<4xf32>
  })",
                     "resource 'gone' has no data");
  expectCompileError(R"(func.func @main() -> tensor<4xf32> {
    %0 = arith.constant dense_resource<blob> : tensor<4xf32>
    return %0 : tensor<4xf32>
  }
  {-# dialect_resources: { builtin: { blob: "0x040000000000803F00000040" } } #-}
  )",
                     "resource 'blob' holds 8 bytes");
  expectCompileError(R"(func.func @main(%n: tensor<index>) -> tensor<1xf32> {
    %i = tensor.extract %n[] : tensor<index>
    %e = tensor.empty(%i) : tensor<?xf32>
    %s = tensor.extract_slice %e[0] [1] [1] : tensor<?xf32> to tensor<1xf32>
    return %s : tensor<1xf32>
  })",
                     "not known at compile time");
  expectCompileError(R"(func.func @main(%a: tensor<4xf64>) -> tensor<4xf64> {
    %0 = qopt.observe %a {name = "x"} : tensor<4xf64>
    return %0 : tensor<4xf64>
  })",
                     "only f32 tensors");
}

TEST(CpuExecutable, WrongNumberOfBuffers) {
  CpuModel model("func.func @main(%a: tensor<4xf32>) { return }");
  ASSERT_TRUE(model.get());
  EXPECT_NE(llvm::toString(model.get()->run({}, {})), "");
}

//===----------------------------------------------------------------------===//
// Threads and floating-point modes
//===----------------------------------------------------------------------===//

TEST(CpuExecutable, RunsOnManyThreads) {
  CpuModel model(R"(
    func.func @main(%a: tensor<16x16xf32>, %fail: tensor<i1>)
        -> tensor<16x16xf32> {
      %w = arith.constant dense_resource<w> : tensor<1x16xf32>
      %c0 = arith.constant 0.0 : f32
      %e = tensor.empty() : tensor<16x16xf32>
      %z = linalg.fill ins(%c0 : f32) outs(%e : tensor<16x16xf32>)
          -> tensor<16x16xf32>
      %0 = linalg.matmul ins(%a, %a : tensor<16x16xf32>, tensor<16x16xf32>)
          outs(%z : tensor<16x16xf32>) -> tensor<16x16xf32>
      %1 = linalg.matmul ins(%0, %a : tensor<16x16xf32>, tensor<16x16xf32>)
          outs(%z : tensor<16x16xf32>) -> tensor<16x16xf32>
      %f = tensor.extract %fail[] : tensor<i1>
      cf.assert %f, "told to fail"
      return %1 : tensor<16x16xf32>
    }
    {-# dialect_resources: { builtin: { w: "0x040000000000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F" } } #-}
  )");
  ASSERT_TRUE(model.get()) << model.error();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Floats a = smallIntegers<float>(256, t, -2, 2), expected(256, 0.0f),
             square(256, 0.0f), out(256);
      for (int pass = 0; pass < 2; ++pass)
        for (int i = 0; i < 16; ++i)
          for (int j = 0; j < 16; ++j)
            for (int k = 0; k < 16; ++k)
              (pass ? expected : square)[i * 16 + j] +=
                  (pass ? square : a)[i * 16 + k] * a[k * 16 + j];
      for (int run = 0; run < 200; ++run) {
        uint8_t succeed = run % 7 != t;
        const void *inputs[] = {a.data(), &succeed};
        void *outputs[] = {out.data()};
        std::string error = llvm::toString(model.get()->run(inputs, outputs));
        wrong += error.empty() != succeed;
        wrong += succeed && out != expected;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

#if defined(__x86_64__)
TEST(CpuExecutable, UsesAndRestoresFloatingPointModes) {
  CpuModel model("func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n" +
                 doubled("d", "a") + "return %d : tensor<4xf32>\n}");
  ASSERT_TRUE(model.get());
  constexpr unsigned kFlushToZero = 0x8040, kRoundUp = 0x4000;
  unsigned saved = _mm_getcsr(), modes = saved | kFlushToZero | kRoundUp;
  Floats a = {1e-40f, 1, 2, 3};
  float expected = a[0] + a[0];
  _mm_setcsr(modes);
  Floats out = model.run1<float>({a});
  unsigned after = _mm_getcsr();
  _mm_setcsr(saved);
  EXPECT_EQ(after & ~0x3fu, modes & ~0x3fu);
  EXPECT_EQ(out[0], expected);
}
#endif

//===----------------------------------------------------------------------===//
// The runtime's table
//===----------------------------------------------------------------------===//

TEST(CpuBackend, OpensAndRunsFiles) {
  SmallString<128> path;
  ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("model", "mlir", path));
  llvm::FileRemover remover(path);
  {
    std::error_code ec;
    llvm::raw_fd_ostream os(path, ec);
    os << "func.func @net(%a: tensor<4xf32> {qopt.name = \"x\"}, %b: "
          "tensor<i1>) -> tensor<4xf32> {\n%t = tensor.extract %b[] : "
          "tensor<i1>\ncf.assert %t, \"b must hold\"\n"
       << doubled("d", "a") << "return %d : tensor<4xf32>\n}\n";
  }
  const qopt_cpu_backend *backend = qopt_get_cpu_backend();
  ASSERT_EQ(backend->abi_version, QOPT_CPU_BACKEND_ABI_VERSION);
  qopt_cpu_options options = {};
  options.struct_size = sizeof(options);
  void *session = nullptr;
  char *error = nullptr;
  ASSERT_EQ(backend->open(path.c_str(), &options, &session, &error), QOPT_OK)
      << error;
  EXPECT_EQ(backend->num_inputs(session), 2u);
  EXPECT_EQ(backend->num_outputs(session), 1u);
  qopt_tensor_info info;
  ASSERT_EQ(backend->input_info(session, 0, &info), QOPT_OK);
  EXPECT_STREQ(info.name, "x");
  EXPECT_EQ(info.dtype, QOPT_F32);
  ASSERT_EQ(info.rank, 1);
  EXPECT_EQ(info.dims[0], 4);
  ASSERT_EQ(backend->input_info(session, 1, &info), QOPT_OK);
  EXPECT_EQ(info.dtype, QOPT_I1);
  EXPECT_EQ(info.rank, 0);
  ASSERT_EQ(backend->output_info(session, 0, &info), QOPT_OK);
  EXPECT_STREQ(info.name, "out0");

  Floats a = {1, 2, 3, 4}, out(4);
  uint8_t flag = 1;
  const void *inputs[] = {a.data(), &flag};
  void *outputs[] = {out.data()};
  EXPECT_EQ(backend->run(session, inputs, outputs, &error), QOPT_OK);
  EXPECT_EQ(out, (Floats{2, 4, 6, 8}));
  flag = 0;
  EXPECT_EQ(backend->run(session, inputs, outputs, &error), QOPT_RUN_FAILED);
  EXPECT_NE(std::string(error).find(":3:1: b must hold"), std::string::npos)
      << error;
  backend->free_error(error);
  backend->close(session);

  options.entry = "missing";
  EXPECT_EQ(backend->open(path.c_str(), &options, &session, &error),
            QOPT_INVALID_ARGUMENT);
  EXPECT_NE(std::string(error).find("no function 'missing'"),
            std::string::npos);
  backend->free_error(error);
  EXPECT_EQ(backend->open("no/such/file.mlir", &options, &session, &error),
            QOPT_INVALID_MODEL);
  EXPECT_NE(std::string(error).find("no/such/file.mlir"), std::string::npos);
  backend->free_error(error);
  backend->free_error(nullptr);
}
