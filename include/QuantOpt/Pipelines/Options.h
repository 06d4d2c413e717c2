//===- Options.h - The options of a quantization job ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One struct: the driver's job flags and the options of the pipeline
// `quantize-int8{...}` are both generated from it.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_PIPELINES_OPTIONS_H
#define QUANTOPT_PIPELINES_OPTIONS_H

#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Pipelines/Phases.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir::qopt {

enum class WeightMode { PerChannel, PerTensor };
enum class StorageMode { Auto, S8 };
enum class PrecisionMode { F32, F16, BF16 };
enum class EmitKind { MLIR, PTX, Cubin, QOpt };

struct JobOptions : public PassPipelineOptions<JobOptions> {
  ListOption<std::string> calibrationData{
      *this, "calibration-data",
      llvm::cl::desc(
          "npz files, or folders of them, with one array per argument "
          "(arg0, arg1, ... or qopt.name)")};
  Option<CalibrationMethod> calibrationMethod{
      *this, "calibration-method",
      llvm::cl::desc("how ranges come from statistics"),
      llvm::cl::init(CalibrationMethod::Auto),
      llvm::cl::values(
          clEnumValN(CalibrationMethod::Auto, "auto", "least expected error"),
          clEnumValN(CalibrationMethod::Max, "max",
                     "exact minimum and maximum"),
          clEnumValN(CalibrationMethod::Percentile, "percentile",
                     "clip the tails"),
          clEnumValN(CalibrationMethod::Entropy, "entropy",
                     "least KL divergence"),
          clEnumValN(CalibrationMethod::MSE, "mse",
                     "least mean squared error"))};
  Option<double> percentile{
      *this, "percentile",
      llvm::cl::desc("of method percentile: percent of the values inside the "
                     "range"),
      llvm::cl::init(99.99)};
  Option<std::string> calibrationTable{
      *this, "calibration-table",
      llvm::cl::desc(
          "saved statistics to use instead of data (or to go on from "
          "after an interruption); a TensorRT calibration cache"),
      llvm::cl::init("")};
  Option<std::string> saveCalibration{
      *this, "save-calibration",
      llvm::cl::desc("file to save the statistics in"), llvm::cl::init("")};
  Option<std::string> saveInterrupted{
      *this, "save-interrupted",
      llvm::cl::desc("file for the statistics of an interrupted calibration "
                     "(default: that of --save-calibration)"),
      llvm::cl::init("")};
  Option<std::string> saveTensorRTCache{
      *this, "save-tensorrt-cache",
      llvm::cl::desc("file to write the symmetric ranges to as a TensorRT "
                     "calibration cache"),
      llvm::cl::init("")};
  Option<unsigned> threads{
      *this, "threads",
      llvm::cl::desc("samples run at once in calibration (0: one per core)"),
      llvm::cl::init(0)};
  ListOption<std::string> shapes{
      *this, "shape",
      llvm::cl::desc(
          "NAME:1x3x224x224 fixes dynamic dimensions of an argument")};
  Option<std::string> entry{
      *this, "entry",
      llvm::cl::desc("function to quantize (default: the only public one, else "
                     "main, else main_graph)"),
      llvm::cl::init("")};
  Option<std::string> policy{
      *this, "policy",
      llvm::cl::desc("preset that says which ops become integer: default, all, "
                     "accurate, tensorrt, cpu, sm_80, ..."),
      llvm::cl::init("default")};
  ListOption<std::string> rules{
      *this, "rules",
      llvm::cl::desc("JSON files with rules on which ops become integer; the "
                     "last one that fits an op decides")};
  ListOption<std::string> keepFloat{
      *this, "keep-float", llvm::cl::desc("glob of op names that stay float")};
  ListOption<std::string> requireInt8{
      *this, "require-int8", llvm::cl::ValueOptional,
      llvm::cl::desc("globs of contractions whose staying float is an error "
                     "(without a value: all)")};
  Option<ActivationMode> activations{
      *this, "activations",
      llvm::cl::desc("storage kinds activations may take"),
      llvm::cl::init(ActivationMode::Auto),
      llvm::cl::values(
          clEnumValN(ActivationMode::Auto, "auto", "least expected error"),
          clEnumValN(ActivationMode::Symmetric, "symmetric",
                     "zero point 0: s8, or u8 for one-sided edges"),
          clEnumValN(ActivationMode::Asymmetric, "asymmetric",
                     "u8 with a zero point"))};
  Option<ActivationBits> activationBits{
      *this, "activation-bits",
      llvm::cl::desc("storage of tensors that no contraction reads"),
      llvm::cl::init(ActivationBits::Auto),
      llvm::cl::values(
          clEnumValN(ActivationBits::Auto, "auto",
                     "8 bits where the expected error is small, else 16"),
          clEnumValN(ActivationBits::Eight, "8", "8 bits"),
          clEnumValN(ActivationBits::Sixteen, "16", "symmetric s16"))};
  Option<WeightMode> weights{
      *this, "weights", llvm::cl::desc("scales of weights"),
      llvm::cl::init(WeightMode::PerChannel),
      llvm::cl::values(
          clEnumValN(WeightMode::PerChannel, "per-channel",
                     "one per output channel"),
          clEnumValN(WeightMode::PerTensor, "per-tensor", "one per weight"))};
  Option<WeightMethod> weightMethod{
      *this, "weight-method",
      llvm::cl::desc("how scales of weights are chosen"),
      llvm::cl::init(WeightMethod::Max),
      llvm::cl::values(
          clEnumValN(WeightMethod::Max, "max",
                     "the largest magnitude is the largest integer"),
          clEnumValN(WeightMethod::MSE, "mse", "least squared error"))};
  Option<bool> dynamic{
      *this, "dynamic",
      llvm::cl::desc("quantize activations at run time even with data"),
      llvm::cl::init(false)};
  Option<StorageMode> storage{
      *this, "storage", llvm::cl::desc("8-bit storage types"),
      llvm::cl::init(StorageMode::Auto),
      llvm::cl::values(
          clEnumValN(StorageMode::Auto, "auto", "u8 and s8"),
          clEnumValN(StorageMode::S8, "s8", "s8 only, u8 shifted by 128"))};
  Option<PrecisionMode> precision{
      *this, "precision", llvm::cl::desc("precision of what stays float"),
      llvm::cl::init(PrecisionMode::F32),
      llvm::cl::values(clEnumValN(PrecisionMode::F32, "f32", ""),
                       clEnumValN(PrecisionMode::F16, "f16", ""),
                       clEnumValN(PrecisionMode::BF16, "bf16", ""))};
  ListOption<std::string> target{
      *this, "target",
      llvm::cl::desc("cpu, sm_80, sm_86, sm_87, sm_89, sm_90: go on to kernels "
                     "for these chips")};
  Option<EmitKind> emit{
      *this, "emit", llvm::cl::desc("what the output holds"),
      llvm::cl::init(EmitKind::MLIR),
      llvm::cl::values(
          clEnumValN(EmitKind::MLIR, "mlir", "MLIR text"),
          clEnumValN(EmitKind::PTX, "ptx", "PTX of one target"),
          clEnumValN(EmitKind::Cubin, "cubin", "cubin of one target"),
          clEnumValN(EmitKind::QOpt, "qopt", "deployable artifact"))};
  ListOption<std::string> report{
      *this, "report",
      llvm::cl::desc("files with what was done and why: a page where the name "
                     "ends in .html, else JSON")};
  Option<Phase> from{*this, "from", llvm::cl::desc("first phase to run"),
                     llvm::cl::init(Phase::Import), phaseValues()};
  Option<Phase> to{*this, "to",
                   llvm::cl::desc("last phase to run (default: lower; with GPU "
                                  "targets what --emit needs)"),
                   llvm::cl::init(Phase::Lower), phaseValues()};

private:
  static llvm::cl::ValuesClass phaseValues() {
    return llvm::cl::values(
        clEnumValN(Phase::Import, "import", "to normal form"),
        clEnumValN(Phase::Annotate, "annotate", "names and observers"),
        clEnumValN(Phase::Calibrate, "calibrate", "statistics"),
        clEnumValN(Phase::Propagate, "propagate", "types of edges"),
        clEnumValN(Phase::Quantize, "quantize", "to QDQ form"),
        clEnumValN(Phase::Lower, "lower", "to integer form"),
        clEnumValN(Phase::Kernels, "kernels", "to GPU kernels"),
        clEnumValN(Phase::Emit, "emit", "to the output format"));
  }
};

} // namespace mlir::qopt

#endif // QUANTOPT_PIPELINES_OPTIONS_H
