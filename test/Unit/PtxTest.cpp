//===- PtxTest.cpp - PTX text and the checks on it -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Target/Ptx.h"
#include "IRSnippet.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

/// A kernel `@k` that computes f32 %y from f32 %x, %z and stores it.
static std::string makeKernel(StringRef body) {
  return R"mlir(
gpu.module @kernels {
  llvm.func @k(%p: !llvm.ptr<1>, %q: !llvm.ptr<1>)
      attributes {gpu.kernel, nvvm.kernel, nvvm.reqntid = array<i32: 32, 1, 1>} {
    %x = llvm.load %p {alignment = 4 : i64} : !llvm.ptr<1> -> f32
    %z = llvm.load %q {alignment = 4 : i64} : !llvm.ptr<1> -> f32
    )mlir" +
         body.str() + R"mlir(
    llvm.store %y, %p {alignment = 4 : i64} : f32, !llvm.ptr<1>
    llvm.return
  }
})mlir";
}

/// The PTX of the module, or what was reported.
static std::string translate(StringRef text, StringRef chip = "sm_80") {
  IRSnippet snippet(text);
  if (!snippet.module)
    return "";
  FailureOr<std::string> ptx =
      translateToPtx(snippet.get<gpu::GPUModuleOp>(), chip);
  return succeeded(ptx) ? *ptx : snippet.errors;
}

//===----------------------------------------------------------------------===//
// Arithmetic keeps its bits
//===----------------------------------------------------------------------===//

TEST(Ptx, FloatOperations) {
  struct {
    const char *body, *instruction;
  } cases[] = {
      {"%y = arith.addf %x, %z : f32", "add.rn.f32"},
      {"%y = arith.subf %x, %z : f32", "sub.rn.f32"},
      {"%y = arith.mulf %x, %z : f32", "mul.rn.f32"},
      {"%y = arith.divf %x, %z : f32", "div.rn.f32"},
      {"%y = math.fma %x, %z, %x : f32", "fma.rn.f32"},
      {"%y = math.sqrt %x : f32", "sqrt.rn.f32"},
      {"%y = math.absf %x : f32", "abs.f32"},
      {"%y = arith.negf %x : f32", "neg.f32"},
      {"%y = math.roundeven %x : f32", "cvt.rni.f32.f32"},
      {"%y = math.floor %x : f32", "cvt.rmi.f32.f32"},
      {"%y = math.ceil %x : f32", "cvt.rpi.f32.f32"},
      {"%y = math.trunc %x : f32", "cvt.rzi.f32.f32"},
      {"%y = arith.maximumf %x, %z : f32", "max.NaN.f32"},
      {"%y = arith.minimumf %x, %z : f32", "min.NaN.f32"},
      {"%y = arith.maxnumf %x, %z : f32", "max.f32"},
      {"%i = arith.fptosi %x : f32 to i32\n%y = arith.sitofp %i : i32 to f32",
       "cvt.rzi.s32.f32"},
      {"%i = arith.bitcast %x : f32 to i32\n%y = arith.sitofp %i : i32 to f32",
       "cvt.rn.f32.s32"},
      {"%h = arith.truncf %x : f32 to f16\n%y = arith.extf %h : f16 to f32",
       "cvt.rn.f16.f32"},
      {"%d = llvm.load %p {alignment = 8 : i64} : !llvm.ptr<1> -> f64\n"
       "%e = arith.mulf %d, %d : f64\n%y = arith.truncf %e : f64 to f32",
       "mul.rn.f64"},
      {"%i = qopt.cvt_rni %x\n%y = arith.sitofp %i : i32 to f32",
       "cvt.rni.s32.f32"},
      {"%i = arith.bitcast %x : f32 to i32\n%j = arith.bitcast %z : f32 to "
       "i32\n"
       "%c = arith.constant 0 : i32\n%k = qopt.cvt_pack_sat %i, %j, %c\n"
       "%y = arith.bitcast %k : i32 to f32",
       "cvt.pack.sat.s8.s32.b32"},
      {"%i = arith.bitcast %x : f32 to i32\n%j = arith.bitcast %z : f32 to "
       "i32\n"
       "%k = qopt.cvt_pack_sat %i, %j, %j {is_unsigned}\n"
       "%y = arith.bitcast %k : i32 to f32",
       "cvt.pack.sat.u8.s32.b32"},
      {"%r = math.isnan %x : f32\n%y = arith.select %r, %z, %x : f32",
       "setp.nan.f32"},
  };
  for (const auto &[body, instruction] : cases) {
    std::string ptx = translate(makeKernel(body));
    expectContains(ptx, "\n\t" + std::string(instruction) + " ");
  }
}

TEST(Ptx, ReciprocalSquareRootIsTwoRoundings) {
  std::string ptx = translate(makeKernel("%y = math.rsqrt %x : f32"));
  expectContains(ptx, "sqrt.rn.f32");
  expectContains(ptx, "rcp.rn.f32");
}

TEST(Ptx, MultiplyAndAddAreNotContracted) {
  std::string ptx = translate(makeKernel(R"mlir(
    %m = arith.mulf %x, %z : f32
    %y = arith.addf %m, %x : f32)mlir"));
  expectContains(ptx, "mul.rn.f32");
  expectContains(ptx, "add.rn.f32");
  EXPECT_FALSE(StringRef(ptx).contains("fma")) << ptx;
}

TEST(Ptx, LoopsKeepTheOrderOfSums) {
  std::string ptx = translate(makeKernel(R"mlir(
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %y = scf.for %i = %c0 to %c64 step %c1 iter_args(%s = %z) -> (f32) {
      %i64 = arith.index_cast %i : index to i64
      %pi = llvm.getelementptr %p[%i64] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      %v = llvm.load %pi {alignment = 4 : i64} : !llvm.ptr<1> -> f32
      %n = arith.addf %s, %v : f32
      scf.yield %n : f32
    })mlir"));
  // One chain: each sum is an operand of the next one.
  SmallVector<StringRef> lines;
  StringRef(ptx).split(lines, '\n');
  StringRef last;
  unsigned count = 0;
  for (StringRef line : lines) {
    line = line.trim().rtrim(';');
    if (!line.consume_front("add.rn.f32"))
      continue;
    SmallVector<StringRef> operands;
    line.split(operands, ',');
    if (count++ > 0) {
      EXPECT_TRUE(operands[1].trim() == last || operands[2].trim() == last)
          << ptx;
    }
    last = operands[0].trim();
  }
  EXPECT_GE(count, 1u) << ptx;
}

TEST(Ptx, Vectors) {
  std::string ptx = translate(makeKernel(R"mlir(
    %v = llvm.load %p {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
    %b = vector.broadcast %z : f32 to vector<4xf32>
    %m = arith.mulf %v, %b : vector<4xf32>
    %f = vector.fma %m, %b, %v : vector<4xf32>
    %e = vector.extract %f[0] : f32 from vector<4xf32>
    %g = vector.extract %f[3] : f32 from vector<4xf32>
    %h = vector.from_elements %e, %g, %e, %g : vector<4xf32>
    llvm.store %h, %q {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
    %y = vector.reduction <add>, %f, %x : vector<4xf32> into f32)mlir"));
  expectContains(ptx, "ld.global.v4.b32");
  expectContains(ptx, "st.global.v4.b32");
  expectContains(ptx, "fma.rn.f32");
  expectContains(ptx, "add.rn.f32");
}

//===----------------------------------------------------------------------===//
// What is refused
//===----------------------------------------------------------------------===//

TEST(Ptx, InexactMathIsRefusedAtTheOp) {
  for (const char *op : {"exp", "exp2", "log", "sin", "cos", "tanh", "erf"})
    expectContains(
        translate(makeKernel("%y = math." + std::string(op) + " %x : f32")),
        "'math." + std::string(op) +
            "' op has no exact instruction: kernels need it expanded to "
            "arithmetic");
  expectContains(translate(makeKernel("%y = math.powf %x, %z : f32")),
                 "'math.powf' op has no exact instruction");
  expectContains(
      translate(makeKernel("%y = llvm.intr.exp2(%x) : (f32) -> f32")),
      "'llvm.intr.exp2' op has no exact instruction");
  expectContains(
      translate(makeKernel("%y = llvm.intr.fmuladd(%x, %z, %x) : (f32, f32, "
                           "f32) -> f32")),
      "'llvm.intr.fmuladd' op has no exact instruction");
}

TEST(Ptx, IntrinsicCallsAreChecked) {
  expectContains(
      translate(makeKernel("%y = llvm.call_intrinsic \"llvm.sin.f32\"(%x) : "
                           "(f32) -> f32")),
      "calls 'llvm.sin.f32', which has no exact instruction");
  expectContains(
      translate(makeKernel("%y = llvm.call_intrinsic "
                           "\"llvm.nvvm.lg2.approx.f\"(%x) : (f32) -> f32")),
      "is approximate");
  expectContains(
      translate(makeKernel("%y = llvm.call_intrinsic "
                           "\"llvm.nvvm.add.rz.f\"(%x, %z) : (f32, f32) -> "
                           "f32")),
      "has no rounding mode .rn");
}

TEST(Ptx, FastMathIsRefused) {
  expectContains(
      translate(makeKernel("%y = arith.addf %x, %z fastmath<contract> : f32")),
      "'arith.addf' op has fast-math flags");
  expectContains(translate(makeKernel("%y = math.sqrt %x fastmath<afn> : f32")),
                 "'math.sqrt' op has fast-math flags");
  expectContains(translate(makeKernel("%y = llvm.fmul %x, %z {fastmathFlags = "
                                      "#llvm.fastmath<nnan>} : f32")),
                 "'llvm.fmul' op has fast-math flags");
}

TEST(Ptx, LibrariesAreRefused) {
  std::string text = makeKernel("%y = llvm.call @__nv_expf(%x) : (f32) -> f32");
  text.insert(text.find("  llvm.func @k"),
              "  llvm.func @__nv_expf(f32) -> f32\n");
  expectContains(translate(text), "is not defined: kernels call no libraries");
}

TEST(Ptx, UnknownChip) {
  expectContains(translate(makeKernel("%y = arith.addf %x, %z : f32"), "sm_42"),
                 "'sm_42' is no known chip");
}

TEST(Ptx, OtherDialectsAreRefused) {
  expectContains(translate(makeKernel(R"mlir(
    %m = memref.alloca() : memref<f32>
    %y = memref.load %m[] : memref<f32>)mlir")),
                 "memref.alloca");
}

//===----------------------------------------------------------------------===//
// Versions
//===----------------------------------------------------------------------===//

static std::string makeMma(StringRef typeA, StringRef typeB) {
  return (R"mlir(
    %c0 = arith.constant 0 : i32
    %m = nvvm.mma.sync A[%c0, %c0, %c0, %c0] B[%c0, %c0] C[%c0, %c0, %c0, %c0]
        {intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>, layoutA = #nvvm.mma_layout<row>,
         layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<)mlir" +
          typeA + ">, multiplicandBPtxType = #nvvm.mma_type<" + typeB +
          R"mlir(>, shape = #nvvm.shape<m = 16, n = 8, k = 32>}
        : (i32, i32, i32) -> !llvm.struct<(i32, i32, i32, i32)>
    %i = llvm.extractvalue %m[0] : !llvm.struct<(i32, i32, i32, i32)>
    %y = arith.bitcast %i : i32 to f32)mlir")
      .str();
}

TEST(Ptx, LowestVersion) {
  struct {
    const char *chip, *version, *mixed;
  } cases[] = {{"sm_80", "7.0", "7.1"},
               {"sm_86", "7.1", "7.1"},
               {"sm_87", "7.4", "7.4"},
               {"sm_89", "7.8", "7.8"},
               {"sm_90", "7.8", "7.8"}};
  for (const auto &[chip, version, mixed] : cases) {
    std::string header = std::string("\n.target ") + chip + "\n";
    std::string same = translate(makeKernel(makeMma("s8", "s8")), chip);
    expectContains(same, ".version " + std::string(version) + header);
    expectContains(same, "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32");
    EXPECT_FALSE(StringRef(same).contains("satfinite"));
    std::string other = translate(makeKernel(makeMma("u8", "s8")), chip);
    expectContains(other, ".version " + std::string(mixed) + header);
    expectContains(other, "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32");
  }
}

TEST(Ptx, KernelAttributes) {
  std::string ptx = translate(makeKernel("%y = arith.addf %x, %z : f32"));
  expectContains(ptx, ".visible .entry k(");
  expectContains(ptx, ".reqntid 32");
}

TEST(Ptx, InputIsNotChanged) {
  IRSnippet snippet(makeKernel("%y = arith.addf %x, %z : f32"));
  auto print = [&] {
    std::string text;
    llvm::raw_string_ostream(text) << *snippet.module;
    return text;
  };
  std::string before = print();
  ASSERT_TRUE(
      succeeded(translateToPtx(snippet.get<gpu::GPUModuleOp>(), "sm_80")));
  EXPECT_EQ(before, print());
}

//===----------------------------------------------------------------------===//
// The check itself
//===----------------------------------------------------------------------===//

/// What verifyPtxArithmetic says about one line of a kernel.
static std::string verifyLine(StringRef line) {
  IRSnippet snippet("");
  std::string ptx = (".version 7.0\n.visible .entry gemm_1(\n)\n{\n\t" + line +
                     "\n\tret;\n}\n")
                        .str();
  LogicalResult result = verifyPtxArithmetic(
      ptx, [&] { return snippet.module->emitError("kernels "); });
  EXPECT_EQ(failed(result), !snippet.errors.empty());
  return snippet.errors;
}

TEST(VerifyPtx, Accepts) {
  for (StringRef line :
       {"add.rn.f32 %f1, %f2, %f3;", "add.s32 %r1, %r2, %r3;",
        "@%p1 fma.rn.f32 %f1, %f2, %f3, %f4;", "mad.lo.s32 %r1, %r2, %r3, 1;",
        "mul.wide.u32 %rd1, %r1, 4;", "max.NaN.f32 %f1, %f2, %f3;",
        "cvt.rzi.s32.f32 %r1, %f1;", "rcp.rn.f32 %f1, %f2;",
        "// mul.f32 in a comment", "atom.global.add.u32 %r1, [%rd1], 1;",
        "$L__BB0_1:", ".reg .f32 %f<3>;", "div.u32 %r1, %r2, %r3;",
        "sub.rn.f64 %fd1, %fd2, %fd3;", "mov.b32 %sin, %r1;",
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%r1}, {%r2};"})
    EXPECT_EQ(verifyLine(line), "") << line.str();
}

TEST(VerifyPtx, Refuses) {
  struct {
    const char *line, *reason;
  } cases[] = {
      {"mul.f32 %f1, %f2, %f3;", "has no rounding mode .rn"},
      {"@!%p1 add.f32 %f1, %f2, %f3;", "has no rounding mode .rn"},
      {"sub.rz.f32 %f1, %f2, %f3;", "has no rounding mode .rn"},
      {"fma.rm.f64 %f1, %f2, %f3, %f4;", "has no rounding mode .rn"},
      {"mad.f32 %f1, %f2, %f3, %f4;", "has no rounding mode .rn"},
      {"div.full.f32 %f1, %f2, %f3;", "has no rounding mode .rn"},
      {"add.f16x2 %r1, %r2, %r3;", "has no rounding mode .rn"},
      {"div.approx.f32 %f1, %f2, %f3;", "is approximate"},
      {"sqrt.approx.ftz.f32 %f1, %f2;", "is approximate"},
      {"ex2.approx.f32 %f1, %f2;", "is approximate"},
      {"tanh.f32 %f1, %f2;", "is approximate"},
      {"add.rn.ftz.f32 %f1, %f2, %f3;", "flushes subnormal numbers"},
      {"cvt.rni.ftz.s32.f32 %r1, %f1;", "flushes subnormal numbers"},
      {"call.uni (retval0), __nv_expf, (param0);", "calls the device library"},
      {"red.global.add.f32 [%rd1], %f1;",
       "adds floats in an order that varies"},
      {"{ mov.b32 %r1, %r2; mul.f32 %f1, %f2, %f3; }",
       "has no rounding mode .rn"},
  };
  for (const auto &[line, reason] : cases) {
    std::string message = verifyLine(line);
    expectContains(message,
                   "kernels do not keep their bits: line 5 of the PTX");
    expectContains(message, "in kernel 'gemm_1'");
    expectContains(message, reason);
    expectContains(message, StringRef(line).split("//").first.trim());
  }
}
