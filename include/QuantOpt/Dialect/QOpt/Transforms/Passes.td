//===- Passes.td - Every pass, in the order of the phases -*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_DIALECT_QOPT_TRANSFORMS_PASSES_TD
#define QUANTOPT_DIALECT_QOPT_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

/// Every pass registers what it may create: loading only the pass plugin into a
/// host that registered little must be enough.
class QOptPass<string flag, string base> : Pass<flag, base> {
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::qopt::QOptDialect", "::mlir::quant::QuantDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

//===----------------------------------------------------------------------===//
// import
//===----------------------------------------------------------------------===//

def SpecializeShapes : QOptPass<"qopt-specialize-shapes", "::mlir::ModuleOp"> {
  let summary = "Fix the dynamic dimensions of the entry function's arguments";
  let description = [{
    Gives arguments the static shapes named in `shapes` and lets the casts this
    needs fold into their users. Fails where a shape contradicts the type; dynamic
    dimensions that stay are refused by `qopt-verify-input`.
    Example: test/Transforms/specialize-shapes/basic.mlir
  }];
  let options = [
    Option<"entry", "entry", "std::string", "",
           "Function to import (default: the only public one, else main)">,
    ListOption<"shapes", "shape", "std::string",
               "NAME:1x3x224x224, NAME being qopt.name or arg0, arg1, ...">
  ];
}

def StripLeftovers : QOptPass<"qopt-strip-leftovers", "::mlir::ModuleOp"> {
  let summary = "Remove what exporters leave behind and nothing needs";
  let description = [{
    Ops and attributes of exporters' own dialects (`util`, `ml_program`,
    `tm_tensor`, `torch_c`) that have an upstream meaning are replaced by it; the
    others are refused by name.
    Example: test/Transforms/strip-leftovers/basic.mlir
  }];
}

def FoldConstants : QOptPass<"qopt-fold-constants", "::mlir::ModuleOp"> {
  let summary = "Evaluate what depends on constants alone";
  let description = [{
    Linalg and tensor ops whose operands are constants (flipped weights of
    transposed convolutions, products of scales, slices of stacked weights) become
    constants; so do values that a loop computes from nothing but constants.
    Example: test/Transforms/fold-constants/basic.mlir
  }];
}

def RaiseQDQ : QOptPass<"qopt-raise-qdq", "::mlir::ModuleOp"> {
  let summary = "Recognize quantization that the producer has put in";
  let description = [{
    Quantize and dequantize in any spelling become: on an activation a
    `qopt.observe` with the producer's `type`; on a constant `quant.scast` and
    `quant.dcast`; at the edge of the model `quant.qcast` or `quant.dcast`. Scales
    and zero points are kept to the last bit.
    Example: test/Transforms/raise-qdq/basic.mlir
  }];
}

def LowerQuantizedOps
    : QOptPass<"qopt-lower-quantized-ops", "::mlir::ModuleOp"> {
  let summary = "Integer ops with zero points to plain sums of products";
  let description = [{
    Named ops that a producer has fused already (`linalg.quantized_matmul`,
    `linalg.conv_*_q` and what TOSA's int8 ops become) turn into the i32 sums of
    products of integer form and their zero-point terms.
    Example: test/Transforms/lower-quantized-ops/basic.mlir
  }];
}

def RaiseIdioms : QOptPass<"qopt-raise-idioms", "::mlir::ModuleOp"> {
  let summary = "Multi-op idioms become qopt.composite";
  let description = [{
    Softmax, layer norm, RMS norm, GELU, SiLU and their like, in the spellings of
    exporters, become one `qopt.composite` around their ops.
    Example: test/Transforms/raise-idioms/basic.mlir
  }];
}

def VerifyInput : QOptPass<"qopt-verify-input", "::mlir::ModuleOp"> {
  let summary = "Refuse by name and location what cannot be imported";
  let description = [{
    Guarantees: there is one entry function with a body; all ops are of upstream
    dialects the importer knows; shapes are static; `dense_resource` weights have
    data of the right size and alignment. Records in the report what the
    constants take as given.
  }];
  let options = [
    Option<"entry", "entry", "std::string", "",
           "Function to import (default: the only public one, else main)">
  ];
}

def NormalizeContractions
    : QOptPass<"qopt-normalize-contractions", "::mlir::ModuleOp"> {
  let summary = "One form for what exporters spell in many ways";
  let description = [{
    - A contraction that starts from a broadcast bias starts from zero, and the
      bias is added by an elementwise op.
    - `batch_matmul` with a broadcast 2-D weight becomes a `linalg.contract` that
      reads the weight itself.
    - An init operand whose value is never read becomes `tensor.empty`.
    - Transposes, broadcasts and reshapes of constants are evaluated.
    Example: test/Transforms/normalize-contractions/basic.mlir
  }];
}

def PropagateLayout : QOptPass<"qopt-propagate-layout", "::mlir::ModuleOp"> {
  let summary = "Make convolutions and pools channels-last";
  let description = [{
    Convolutions and pools exported as NCHW become NHWC between transposes, which
    sink through elementwise ops, padding, reshapes and concatenations until they
    meet their inverse.
    Example: test/Transforms/propagate-layout/basic.mlir
  }];
}

def FoldChannelAffine
    : QOptPass<"qopt-fold-channel-affine", "::mlir::ModuleOp"> {
  let summary = "Fold batch norm and per-channel scales into weights";
  let description = [{
    A per-channel affine function of a contraction with constant weights (batch
    norm in any number of ops, scales, biases) becomes scaled weights and one
    bias addition next to the contraction.
    Example: test/Transforms/fold-channel-affine/basic.mlir
  }];
}

def VerifyNormalForm : QOptPass<"qopt-verify-normal-form", "::mlir::ModuleOp"> {
  let summary = "Check the contract between import and annotate";
  let description = [{
    Static shapes, upstream ops on tensors, channels-last 2-D convolutions,
    usable weights. docs/Contracts.md, "Normal form".
  }];
}

def InlineComposites
    : QOptPass<"qopt-inline-composites", "::mlir::ModuleOp"> {
  let summary = "qopt.composite back to its ops";
  let description = [{
    Example: test/Transforms/inline-composites/basic.mlir
  }];
}

//===----------------------------------------------------------------------===//
// annotate
//===----------------------------------------------------------------------===//

def Annotate : QOptPass<"qopt-annotate", "::mlir::ModuleOp"> {
  let summary = "Choose and name the ops and edges that may become integer";
  let description = [{
    Requires: normal form. Gives every op a name and puts a `qopt.observe` on
    each value that a contraction with constant weights reads. What stays float
    gets a remark and a report row with the reason.
    Example: test/Transforms/annotate/basic.mlir
  }];
  let options = [
    Option<"policy", "policy", "std::string", "\"default\"",
           "Preset that says which ops become integer: docs/Policy.md">,
    ListOption<"rules", "rules", "std::string",
               "JSON files with rules, which win over the preset">,
    ListOption<"keepFloat", "keep-float", "std::string",
               "Globs of op names that stay float, whatever rules say">,
    Option<"entry", "entry", "std::string", "", "Function to annotate">
  ];
}

//===----------------------------------------------------------------------===//
// calibrate
//===----------------------------------------------------------------------===//

def Calibrate : QOptPass<"qopt-calibrate", "::mlir::ModuleOp"> {
  let summary = "Statistics and candidate ranges on every observer";
  let description = [{
    Requires: `qopt.observe` ops. Statistics come from running the model on the
    CPU for every sample of `data`, from the calibration table `table` (of
    quant-opt or of TensorRT), or from both where `table` is what an interrupted
    calibration has saved. Writes `stats` on the observers, with the ranges every
    method chooses. With neither it does nothing: activations are then quantized
    dynamically.
    Example: test/Transforms/calibrate/basic.mlir
  }];
  let options = [
    ListOption<"data", "data", "std::string",
               "npz files (or folders of them) with one array per argument">,
    Option<"table", "table", "std::string", "",
           "Calibration table to read instead of data">,
    Option<"saveTable", "save", "std::string", "",
           "File to save the calibration table in">,
    Option<"interrupted", "interrupted", "std::string", "",
           "File for what was collected when stopped early (default: `save`)">,
    Option<"percentile", "percentile", "double", "99.99",
           "Of method percentile: percent of the values inside the range">,
    Option<"threads", "threads", "unsigned", "0",
           "Samples run at once (0: one per core)">,
    Option<"entry", "entry", "std::string", "", "Function to run">
  ];
}

def PrintCalibration
    : QOptPass<"qopt-print-calibration", "::mlir::ModuleOp"> {
  let summary = "Print what calibration has found";
  let description = [{
    Prints to stderr, for each observer, the range it has seen and the ranges the
    methods would choose with what they would cost; or, with `table`, what a
    saved calibration table holds.
    Example: test/Transforms/print-calibration/basic.mlir
  }];
  let options = [
    Option<"format", "format", "std::string", "\"text\"", "text or json">,
    Option<"table", "table", "std::string", "",
           "A calibration table to print instead of the observers">
  ];
}

//===----------------------------------------------------------------------===//
// propagate
//===----------------------------------------------------------------------===//

def PropagateScales
    : QOptPass<"qopt-propagate-scales", "::mlir::ModuleOp"> {
  let summary = "Agree on one quantized type per edge";
  let description = [{
    Requires: statistics or a final type on observers (those without stay
    dynamic). Chooses for each edge among the candidate ranges of `method`
    (`auto`: of all methods) and the storage kinds that `activations` allows the
    one that costs least; asymmetric storage must win by enough to pay for its
    zero-point term. An edge that no contraction reads may be s16.
    Guarantees: edges that meet in an op on integers (concat, slices, reshapes,
    loop-carried values) have one type where that costs any of them at most
    1 dB. Final types stay as they are: where two of them meet, a warning names
    both producers.
    Example: test/Transforms/propagate-scales/basic.mlir, groups.mlir
  }];
  let options = [
    Option<"activations", "activations", "::mlir::qopt::ActivationMode",
           /*default=*/"::mlir::qopt::ActivationMode::Auto",
           "Which storage kinds edges may take",
           [{::llvm::cl::values(
              clEnumValN(::mlir::qopt::ActivationMode::Auto, "auto",
                         "the smallest expected error"),
              clEnumValN(::mlir::qopt::ActivationMode::Symmetric, "symmetric",
                         "s8 with zero point 0, one-sided edges u8"),
              clEnumValN(::mlir::qopt::ActivationMode::Asymmetric,
                         "asymmetric", "u8 with a zero point"))}]>,
    Option<"method", "method", "::mlir::qopt::CalibrationMethod",
           /*default=*/"::mlir::qopt::CalibrationMethod::Auto",
           "Whose ranges are taken",
           [{::llvm::cl::values(
              clEnumValN(::mlir::qopt::CalibrationMethod::Auto, "auto",
                         "the least expected cost"),
              clEnumValN(::mlir::qopt::CalibrationMethod::Max, "max",
                         "exact minimum and maximum"),
              clEnumValN(::mlir::qopt::CalibrationMethod::Percentile,
                         "percentile", "clip the tails"),
              clEnumValN(::mlir::qopt::CalibrationMethod::Entropy, "entropy",
                         "least KL divergence"),
              clEnumValN(::mlir::qopt::CalibrationMethod::MSE, "mse",
                         "least mean squared error"))}]>,
    Option<"tensorrtCache", "tensorrt-cache", "std::string", "",
           "File to write the chosen symmetric ranges to as a TensorRT "
           "calibration cache">,
    Option<"storageS8", "storage-s8", "bool", "false",
           "Store activations as s8 only: u8 becomes s8, zero points drop by 128">,
    Option<"activationBits", "activation-bits", "::mlir::qopt::ActivationBits",
           /*default=*/"::mlir::qopt::ActivationBits::Auto",
           "How wide edges that no contraction reads are stored",
           [{::llvm::cl::values(
              clEnumValN(::mlir::qopt::ActivationBits::Auto, "auto",
                         "8 bits where their expected error is small, else 16"),
              clEnumValN(::mlir::qopt::ActivationBits::Eight, "8",
                         "8 bits like all others"),
              clEnumValN(::mlir::qopt::ActivationBits::Sixteen, "16",
                         "symmetric s16"))}]>
  ];
}

//===----------------------------------------------------------------------===//
// quantize
//===----------------------------------------------------------------------===//

def Quantize : QOptPass<"qopt-quantize", "::mlir::ModuleOp"> {
  let summary = "Observers to casts, weights to integers: QDQ form";
  let description = [{
    An observer with a type becomes `quant.qcast` and `quant.dcast`; without one,
    the contractions that read it get `qopt.dynamic_quantize`. Weights become i8
    constants under `quant.scast` and `quant.dcast`, each scale chosen by
    `weight-method`. An op whose i32 accumulator could overflow stays float. Warns
    where output channels have no weights but 0 and where scales are clamped.
    Example: test/Transforms/quantize/basic.mlir
  }];
  let options = [
    Option<"perTensorWeights", "per-tensor-weights", "bool", "false",
           "One scale per weight instead of one per output channel">,
    Option<"weightMethod", "weight-method", "::mlir::qopt::WeightMethod",
           /*default=*/"::mlir::qopt::WeightMethod::Max",
           "How scales of weights are chosen",
           [{::llvm::cl::values(
              clEnumValN(::mlir::qopt::WeightMethod::Max, "max",
                         "the largest magnitude is the largest integer"),
              clEnumValN(::mlir::qopt::WeightMethod::MSE, "mse",
                         "the least squared error"))}]>,
    ListOption<"requireInt8", "require-int8", "std::string",
               "Globs of contractions whose staying float is an error">
  ];
}

def VerifyQDQForm : QOptPass<"qopt-verify-qdq-form", "::mlir::ModuleOp"> {
  let summary = "Check the contract between quantize and lower";
  let description = [{
    No observers; every cast pair has a type the lowering knows; weights are
    integer constants. docs/Contracts.md, "QDQ form".
  }];
}

//===----------------------------------------------------------------------===//
// lower
//===----------------------------------------------------------------------===//

def FuseQDQ : QOptPass<"qopt-fuse-qdq", "::mlir::ModuleOp"> {
  let summary = "Move dequantization past data movement to its consumers";
  let description = [{
    `move(dcast(q))` becomes `dcast(move(q))` for transposes, reshapes, zero
    padding and max pools, so that contractions see their dequantized operands.
    Example: test/Transforms/fuse-qdq/basic.mlir
  }];
}

def LowerToInteger : QOptPass<"qopt-lower-to-integer", "::mlir::ModuleOp"> {
  let summary = "QDQ form to integer form: upstream linalg and arith only";
  let description = [{
    A contraction between dequantized operands becomes an `i8 x i8 -> i32`
    generic and one f32 epilogue; bias, clamp and the following quantization join
    the epilogue. Remaining casts become elementwise ops. docs/Numerics.md
    defines every bit.
    Example: test/Transforms/lower-to-integer/basic.mlir
  }];
}

def FuseEpilogues : QOptPass<"qopt-fuse-epilogues", "::mlir::ModuleOp"> {
  let summary = "Elementwise ops between two tensors in memory become one";
  let description = [{
    Requires: integer form. Elementwise ops whose results only the ops of one
    group read are merged into one `linalg.generic` per group, so that no float
    tensor is left between integer ones. Never changes a bit.
    Example: test/Transforms/fuse-epilogues/basic.mlir
  }];
}

def ConvertPrecision
    : QOptPass<"qopt-convert-precision", "::mlir::ModuleOp"> {
  let summary = "What stayed float in 16 bits";
  let description = [{
    Runs twice: with `observed` on observers that have no type, whose edges it
    rounds to f16 or bf16 and back; and in integer form, where these and other
    float tensors are stored in 16 bits. Elementwise ops extend what they read and round what they
    store, once; contractions extend their operands and sum in f32. Arguments,
    results, what loops carry, results of reductions and parameters of epilogues
    stay f32. In f16 only what calibration saw or interval arithmetic bounds is
    stored; of the rest, remarks and report name the range.
    docs/Numerics.md, "16-bit floats".
    Example: test/Transforms/convert-precision/basic.mlir
  }];
  let options = [
    Option<"precision", "precision", "std::string", "\"f32\"",
           "f32 (changes nothing), f16 or bf16">,
    Option<"observed", "observed", "bool", "false",
           "Before quantize: round the edges that have observers without types">
  ];
}

def SpecializeInteger
    : QOptPass<"qopt-specialize-integer", "::mlir::ModuleOp"> {
  let summary = "s8 x s8 contractions as named ops";
  let description = [{
    For other stacks, which know their kernels by name: generics that sign-extend
    both operands become `linalg.matmul`, `linalg.conv_2d_nhwc_fhwc` and the like
    where there is such an op. No named op extends one operand without sign, so
    u8 x s8 generics stay as they are; `--storage=s8` leaves none.
    Example: test/Transforms/specialize-integer/basic.mlir
  }];
}

def VerifyIntegerForm
    : QOptPass<"qopt-verify-integer-form", "::mlir::ModuleOp"> {
  let summary = "Check that only upstream ops are left";
  let description = [{
    No op, type or attribute of `qopt` or `quant` is left.
    docs/Contracts.md, "Integer form".
  }];
}

def WriteReport : QOptPass<"qopt-write-report", "::mlir::ModuleOp"> {
  let summary = "Write the report and take it off the module";
  let description = [{
    The report gathered by the phases (`qopt.report`) goes to each `file`, as a
    page where its name ends in `.html` and as JSON otherwise, written to a
    temporary first; and, where remarks are enabled, to a remark per op, edge and
    weight. The attribute is removed either way. docs/Report.md.
    Example: test/Transforms/write-report/basic.mlir
  }];
  let options = [
    ListOption<"files", "file", "std::string", "JSON and HTML files to write">,
    Option<"entry", "entry", "std::string", "", "Function of the model">
  ];
}

//===----------------------------------------------------------------------===//
// kernels
//===----------------------------------------------------------------------===//

def FormKernels : QOptPass<"qopt-form-kernels", "::mlir::ModuleOp"> {
  let summary = "Contractions with their epilogues become kernel ops";
  let description = [{
    Requires: integer form. A contraction that is a product of matrices, `i8 x i8
    -> i32` in any mix of signs or `f32 x f32 -> f32`, becomes `qopt.gemm`:
    several batch, row, column or summed dims that lie next to each other count
    as one, vectors are matrices with one row or column. Constants are brought to
    [N, K] by `qopt.pack`; other operands must be contiguous along K. Where they
    are not, a transpose that made them is made in another order, or, for products
    of `min-transposed-macs`, one is added. What is no such product stays, with a
    remark that says why.

    The elementwise ops that follow join the region as the epilogue: ops of the
    same block with only parallel loops that read the accumulator or each other
    index by index, and besides only scalars, constants and tensors indexed by
    whole rows, columns, batches or everything; reshapes in between do not
    matter. Of these, in source order, the longest prefix is taken of which
    nothing but the last result is used elsewhere. So a value that others need
    ends the epilogue, but GELU, which uses its argument twice, does not. Ops
    that would call a math library end it, too.

    An initial value other than zero is added in the epilogue. Integer results
    are the same bits; sums of f32 start from it no longer.
    Example: test/Transforms/form-kernels/basic.mlir
  }];
  let options = [
    Option<"minTransposedMacs", "min-transposed-macs", "int64_t", "1 << 20",
           "Multiply-adds of a product for which an operand is transposed">
  ];
}

def MergeGemms : QOptPass<"qopt-merge-gemms", "::mlir::ModuleOp"> {
  let summary = "Gemms that read the same rows become one";
  let description = [{
    Requires: `qopt-form-kernels`. Gemms of one block with the same `a`, constant
    `b` and equal epilogues, up to constants per column, become one with the
    columns of all, and each result a slice of its: attention's queries and keys
    are one launch.
    Example: test/Transforms/merge-gemms/basic.mlir
  }];
}

def FormLoops : QOptPass<"qopt-form-loops", "::mlir::ModuleOp"> {
  let summary = "Reductions with the elementwise ops around them become kernel ops";
  let description = [{
    Requires: integer form, after `qopt-form-kernels`. A `linalg` op that reduces
    (a mean, a pool, a depthwise convolution, a softmax's maximum) becomes
    `qopt.loops` together with

    - the elementwise ops in front of it that only it and its other members read,
    - the ops that follow: elementwise ones on its result, or on what it reads, and
      further reductions of the same loops.

    So a softmax or a layer norm, in any spelling, is one op; its results are what
    others read of it. A `tensor.pad` of a constant in front of windows becomes a
    pad of the op's input. Sums of f32 have a fixed order (docs/Numerics.md);
    nothing else changes a bit. What combines elements in another way stays, with
    a remark.
    Example: test/Transforms/form-loops/basic.mlir
  }];
}

def SelectConfigs : QOptPass<"qopt-select-configs", "::mlir::ModuleOp"> {
  let summary = "A configuration for every kernel op, for one chip";
  let description = [{
    Gives each `qopt.gemm` on tensors the `config` for which the cost model
    (QuantOpt/Kernels/CostModel.h) expects the least time on `target`. A `config`
    that is there stays; it is an error if the chip cannot run it. No search, no
    GPU: the same op always gets the same configuration. A remark states the
    choice, the expected time, waves, and what limits it.

    Results of `qopt.pack` grow to whole tiles, and constants that the epilogue
    reads per column are packed to whole tiles of columns (mma), so that kernels
    read them without checks.
    Example: test/Transforms/select-configs/config_sm_80.mlir
  }];
  let options = [
    Option<"target", "target", "std::string", "\"sm_80\"",
           "Chip: sm_80, sm_86, sm_87, sm_89 or sm_90">,
    Option<"gemmConfig", "gemm-config", "std::string", "",
           "#qopt.gemm_config<...> for all gemms of its operand type">,
    Option<"loopsConfig", "loops-config", "std::string", "",
           "#qopt.loops_config<...> for all qopt.loops">
  ];
}

def ExpandGemm : QOptPass<"qopt-expand-gemm", "::mlir::ModuleOp"> {
  let summary = "Kernel ops on tensors back to linalg";
  let description = [{
    `qopt.gemm` becomes a contraction from zero and an elementwise generic,
    `qopt.loops` reductions and elementwise generics, `qopt.pack` a transpose and
    a pad: what a target without these kernels runs,
    and what kernels are compared with. Configurations are dropped.
    Example: test/Transforms/expand-gemm/basic.mlir
  }];
}

def PrepareKernels : QOptPass<"qopt-prepare-kernels", "::mlir::ModuleOp"> {
  let summary = "One function of few linalg ops, results as arguments";
  let description = [{
    Requires: integer form, with or without `qopt.gemm` and `qopt.pack`. Inlines
    calls, unrolls loops, spells ops as `linalg.generic`, fuses elementwise ops
    into their consumers, and replaces exp, tanh and erf by arithmetic. Results
    become buffers that the caller gives. Float operations stay as they are, one
    by one.
    Example: test/Transforms/prepare-kernels/basic.mlir
  }];
  let options = [
    Option<"entry", "entry", "std::string", "", "Function of the model">
  ];
}

def BufferizeKernels : QOptPass<"qopt-bufferize-kernels", "::mlir::ModuleOp"> {
  let summary = "From tensors to buffers, in place where possible";
  let description = [{
    Upstream's one-shot bufferization of a module made by `qopt-prepare-kernels`.
    Constants become globals.
    Example: test/Transforms/plan-memory/basic.mlir
  }];
}

def PlanMemory : QOptPass<"qopt-plan-memory", "::mlir::ModuleOp"> {
  let summary = "All buffers in one arena";
  let description = [{
    Every allocation becomes a view of one more argument, at a multiple of 256
    bytes; buffers that never live at the same time share memory.
    Example: test/Transforms/plan-memory/basic.mlir
  }];
  let options = [
    Option<"entry", "entry", "std::string", "", "Function of the model">
  ];
}

def BuildKernels : QOptPass<"qopt-build-kernels", "::mlir::ModuleOp"> {
  let summary = "Every op that computes becomes a kernel and a launch";
  let description = [{
    Requires: one function on buffers in one arena (`qopt-plan-memory`).
    Guarantees: the kernels form (QuantOpt/Kernels/KernelsForm.h): one
    `gpu.module` for `target`, and launches whose grids depend on the number of
    samples of a run. Where an op mixes samples, the module says so and the batch
    is the compiled one. What has no kernel is an error that names the op.
    Example: test/Transforms/build-kernels/basic.mlir
  }];
  let options = [
    Option<"target", "target", "std::string", "\"sm_80\"",
           "Chip to build for: sm_80, sm_86, sm_87, sm_89 or sm_90">,
    Option<"entry", "entry", "std::string", "", "Function of the model">
  ];
}

//===----------------------------------------------------------------------===//
// emit
//===----------------------------------------------------------------------===//

def ExportKernels : QOptPass<"qopt-export-kernels", "::mlir::ModuleOp"> {
  let summary = "The kernels form in upstream dialects only";
  let description = [{
    Requires: the kernels form (`qopt-build-kernels`).
    Guarantees: stock MLIR parses, verifies and lowers the module, without our
    dialect: device ops are intrinsics and inline PTX, `qopt.pack` is a constant
    laid out here, launches take the addresses of their buffers as kernels do, and
    targets name the PTX version. `qopt.kind`, `qopt.name`, `qopt.batch` and
    `qopt.fixed_batch` stay, with builtin values; other attributes of ours go.
    Example: test/Transforms/export-kernels/basic.mlir
  }];
  let options = [
    Option<"entry", "entry", "std::string", "", "Function of the model">
  ];
}

def LowerToNVVM : Pass<"qopt-lower-to-nvvm", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Device ops of qopt to NVVM and inline PTX";
  let description = [{
    `qopt.cvt_rni` becomes the intrinsic of `cvt.rni.s32.f32`, `qopt.cvt_pack_sat`
    becomes inline PTX. Upstream's conversions lower the rest of a GPU module.
    Example: test/Transforms/lower-to-nvvm/basic.mlir
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // QUANTOPT_DIALECT_QOPT_TRANSFORMS_PASSES_TD
