//===- CalibrationData.cpp - Samples from npz files ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Files are read in order, rows streamed; nothing but one run is in memory.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Calibration/CalibrationData.h"

#include "QuantOpt/Support/Npz.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <algorithm>

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// One model input as the files must provide it.
struct InputSpec {
  std::string name;
  ElementType type;
  std::vector<uint64_t> shape; ///< of one run
  size_t bytes;
};

/// A file that was checked: it holds every input, `runs` times.
struct DataFile {
  std::unique_ptr<NpzReader> reader;
  uint64_t runs = 0;
  /// What was read so far.
  uint64_t consumed = 0;
  llvm::TruncatedBLAKE3<16> digest;
};
} // namespace

struct CalibrationData::Impl {
  std::vector<InputSpec> inputs;
  std::vector<DataFile> files;
  int64_t totalRuns = 0;

  std::mutex mutex;
  size_t currentFile = 0;
  int64_t nextRun = 0;
  /// Streams of the current file, one per input; empty before its first run.
  std::vector<std::unique_ptr<NpzArrayStream>> streams;
};

CalibrationData::CalibrationData(std::unique_ptr<Impl> impl)
    : impl(std::move(impl)) {}
CalibrationData::~CalibrationData() = default;

int64_t CalibrationData::getNumRuns() const { return impl->totalRuns; }

static std::optional<ElementType> getElementType(Type type) {
  if (type.isF32())
    return ElementType::F32;
  if (type.isF64())
    return ElementType::F64;
  if (type.isF16())
    return ElementType::F16;
  if (type.isInteger(1))
    return ElementType::I1;
  if (type.isInteger(8))
    return type.isUnsignedInteger() ? ElementType::U8 : ElementType::I8;
  if (type.isInteger(16))
    return ElementType::I16;
  if (type.isInteger(32))
    return ElementType::I32;
  if (type.isInteger(64))
    return ElementType::I64;
  return std::nullopt;
}

/// Folders become their .npz files, sorted by name.
static FailureOr<std::vector<std::string>>
expandPaths(ArrayRef<std::string> paths, Location loc) {
  std::vector<std::string> files;
  for (const std::string &path : paths) {
    if (!llvm::sys::fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> inside;
    std::error_code code;
    for (llvm::sys::fs::directory_iterator it(path, code), end;
         it != end && !code; it.increment(code))
      if (StringRef(it->path()).ends_with(".npz"))
        inside.push_back(it->path());
    if (code)
      return emitError(loc) << "calibration data: cannot read folder '" << path
                            << "': " << code.message();
    if (inside.empty())
      return emitError(loc)
             << "calibration data: folder '" << path << "' holds no .npz file";
    llvm::sort(inside);
    llvm::append_range(files, inside);
  }
  return files;
}

/// How often `array` holds `input`, or failure with what was expected.
static FailureOr<uint64_t> countRuns(const NpzArray &array,
                                     const InputSpec &input, StringRef path,
                                     Location loc) {
  auto fail = [&](const llvm::Twine &reason) {
    return emitError(loc) << "calibration data: array '" << input.name
                          << "' of '" << path << "' " << reason;
  };
  if (!array.problem.empty())
    return fail("cannot be read: " + array.problem);
  if (!isConvertible(array.type, input.type) ||
      isFloatType(array.type) != isFloatType(input.type))
    return fail(llvm::Twine("holds ") + elementTypeName(array.type) +
                ", but the model takes " + elementTypeName(input.type));
  std::string expected = shapeToString(input.shape);
  std::string found = shapeToString(array.shape);
  if (array.shape.size() != input.shape.size())
    return fail("has shape " + found + ", but the model takes " + expected +
                " per run (first dimension: any multiple)");
  if (input.shape.empty())
    return uint64_t(1);
  if (!std::equal(array.shape.begin() + 1, array.shape.end(),
                  input.shape.begin() + 1))
    return fail("has shape " + found + ", but the model takes " + expected +
                " per run: only the first dimension may differ");
  uint64_t batch = std::max<uint64_t>(input.shape[0], 1);
  uint64_t runs = array.shape[0] / batch;
  if (runs == 0)
    return fail("has shape " + found +
                ": fewer rows than one run of the model (" +
                llvm::Twine(batch) + ")");
  if (array.shape[0] % batch)
    emitRemark(loc) << "calibration data: the last " << array.shape[0] % batch
                    << " rows of array '" << input.name << "' of '" << path
                    << "' do not fill a batch of " << batch
                    << " and are not used";
  return runs;
}

static LogicalResult checkFile(DataFile &file, ArrayRef<InputSpec> inputs,
                               Location loc) {
  const std::string &path = file.reader->path();
  for (const InputSpec &input : inputs) {
    const NpzArray *array = file.reader->find(input.name);
    if (!array) {
      InFlightDiagnostic error =
          emitError(loc) << "calibration data: '" << path << "' has no array '"
                         << input.name << "' of shape "
                         << shapeToString(input.shape) << "; it has:";
      for (const NpzArray &other : file.reader->arrays())
        error << " " << quoteName(other.name);
      return error;
    }
    FailureOr<uint64_t> runs = countRuns(*array, input, path, loc);
    if (failed(runs))
      return failure();
    if (file.runs && file.runs != *runs)
      return emitError(loc)
             << "calibration data: the arrays of '" << path
             << "' differ in length: '" << input.name << "' is enough for "
             << *runs << " runs, the ones before it for " << file.runs;
    file.runs = *runs;
  }
  return success();
}

FailureOr<std::unique_ptr<CalibrationData>>
CalibrationData::open(ArrayRef<std::string> paths,
                      ArrayRef<CpuExecutable::TensorSpec> inputs,
                      Location loc) {
  auto impl = std::make_unique<Impl>();
  for (const CpuExecutable::TensorSpec &spec : inputs) {
    std::optional<ElementType> type = getElementType(spec.elementType);
    if (!type)
      return emitError(loc) << "calibration data: argument '" << spec.name
                            << "' has element type " << spec.elementType
                            << ", which no npz array can hold";
    impl->inputs.push_back({spec.name,
                            *type,
                            {spec.shape.begin(), spec.shape.end()},
                            static_cast<size_t>(spec.getNumBytes())});
  }
  if (impl->inputs.empty())
    return emitError(loc) << "calibration data: the model has no arguments";
  FailureOr<std::vector<std::string>> files = expandPaths(paths, loc);
  if (failed(files))
    return failure();
  for (const std::string &path : *files) {
    std::string error;
    DataFile file;
    file.reader = NpzReader::open(path, error);
    if (!file.reader)
      return emitError(loc) << "calibration data: " << error;
    if (failed(checkFile(file, impl->inputs, loc)))
      return failure();
    impl->totalRuns += file.runs;
    impl->files.push_back(std::move(file));
  }
  return std::unique_ptr<CalibrationData>(new CalibrationData(std::move(impl)));
}

bool CalibrationData::next(Sample &sample, int64_t &run, std::string &error) {
  std::lock_guard<std::mutex> lock(impl->mutex);
  while (impl->currentFile < impl->files.size() &&
         impl->files[impl->currentFile].consumed ==
             impl->files[impl->currentFile].runs) {
    ++impl->currentFile;
    impl->streams.clear();
  }
  if (impl->currentFile == impl->files.size())
    return false;
  DataFile &file = impl->files[impl->currentFile];
  if (impl->streams.empty())
    for (const InputSpec &input : impl->inputs) {
      impl->streams.push_back(file.reader->stream(input.name, error));
      if (!impl->streams.back())
        return false;
    }
  sample.resize(impl->inputs.size());
  for (size_t i = 0; i < impl->inputs.size(); ++i) {
    const InputSpec &input = impl->inputs[i];
    sample[i].resize(std::max<size_t>(input.bytes, 1));
    uint64_t rows = input.shape.empty() ? 1 : input.shape[0];
    if (!impl->streams[i]->readAs(input.type, rows, sample[i].data(), error))
      return false;
    file.digest.update(StringRef(sample[i].data(), input.bytes));
  }
  ++file.consumed;
  run = impl->nextRun++;
  return true;
}

static CalibrationTable::DataFile describe(const DataFile &file) {
  llvm::TruncatedBLAKE3<16> digest = file.digest; // more may be read
  auto bytes = digest.final();
  return {llvm::sys::path::filename(file.reader->path()).str(),
          llvm::toHex(ArrayRef<uint8_t>(bytes), /*LowerCase=*/true),
          file.consumed};
}

std::vector<CalibrationTable::DataFile> CalibrationData::getConsumed() const {
  std::lock_guard<std::mutex> lock(impl->mutex);
  std::vector<CalibrationTable::DataFile> result;
  for (const DataFile &file : impl->files)
    if (file.consumed)
      result.push_back(describe(file));
  return result;
}

bool CalibrationData::skip(ArrayRef<CalibrationTable::DataFile> consumed,
                           std::string &error) {
  int64_t runs = 0;
  for (const CalibrationTable::DataFile &file : consumed)
    runs += static_cast<int64_t>(file.runs);
  if (runs > getNumRuns()) {
    error = "the calibration to resume has seen " + std::to_string(runs) +
            " runs, but the data are enough for " +
            std::to_string(getNumRuns()) + " only";
    return false;
  }
  Sample sample;
  for (int64_t run = 0, i = 0; i < runs; ++i)
    if (!next(sample, run, error))
      return false;
  for (const CalibrationTable::DataFile &found : getConsumed())
    if (!llvm::is_contained(consumed, found)) {
      error = "the first " + std::to_string(found.runs) + " runs of '" +
              found.name +
              "' are not those the calibration to resume has seen: give the "
              "same files in the same order";
      return false;
    }
  return true;
}
