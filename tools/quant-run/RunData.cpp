//===- RunData.cpp - Which samples go into which run ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RunData.h"

#include <algorithm>
#include <cstring>

using namespace mlir::qopt;
using namespace mlir::qopt::run;

//===----------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------===//

uint64_t mlir::qopt::run::findBatch(const std::vector<TensorSpec> &inputs) {
  const TensorSpec *first = nullptr;
  for (const TensorSpec &spec : inputs) {
    if (spec.shape.empty())
      continue;
    if (first && spec.shape[0] != first->shape[0])
      return 0;
    first = &spec;
  }
  return first ? first->shape[0] : 0;
}

uint64_t OutputPlan::rowElements() const {
  return batched ? spec.numElements() / spec.shape[0] : spec.numElements();
}

bool mlir::qopt::run::planOutputs(const std::vector<TensorSpec> &outputs,
                                  const BatchPlan &plan,
                                  std::vector<OutputPlan> &plans,
                                  std::string &error) {
  plans.clear();
  for (const TensorSpec &spec : outputs) {
    OutputPlan output = {spec, false, spec.shape};
    output.batched =
        plan.batch != 0 && !spec.shape.empty() && spec.shape[0] == plan.batch;
    if (output.batched) {
      output.shape[0] = plan.samples;
    } else if (plan.batch != 0 && plan.samples != plan.batch) {
      error = "output " + quoteName(spec.name) + " (" +
              shapeToString(spec.shape) + ") has no batch dimension of " +
              std::to_string(plan.batch) +
              ", so the model can only be run on exactly " +
              std::to_string(plan.batch) + " samples; the input has " +
              std::to_string(plan.samples);
      return false;
    }
    plans.push_back(std::move(output));
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Checking arrays
//===----------------------------------------------------------------------===//

static std::string listArrays(const NpzReader &reader) {
  constexpr size_t kMaxListed = 10;
  std::string list;
  for (size_t i = 0; i < reader.arrays().size(); ++i) {
    if (i == kMaxListed)
      return list + ", ...";
    list += (i ? ", " : "") + quoteName(reader.arrays()[i].name);
  }
  return list.empty() ? "none" : list;
}

/// Finds the array of an input by its name or number.
static const NpzArray *findArray(const NpzReader &reader,
                                 const std::string &name, size_t index,
                                 size_t numInputs, std::string &error) {
  if (!reader.isArchive()) {
    if (numInputs == 1)
      return &reader.arrays()[0];
    error = quoteName(reader.path()) + ": is a single array; the model has " +
            std::to_string(numInputs) + " inputs, which need an .npz file";
    return nullptr;
  }
  const NpzArray *array = reader.find(name);
  if (!array)
    array = reader.find("arg" + std::to_string(index));
  if (!array)
    error = quoteName(reader.path()) + ": no array " + quoteName(name) +
            " for input " + std::to_string(index) +
            "; the file has: " + listArrays(reader);
  return array;
}

/// How an array is called in messages.
static std::string describe(const NpzReader &reader, const NpzArray &array) {
  std::string text = quoteName(reader.path()) + ": ";
  return array.name.empty() ? text + "the array"
                            : text + "array " + quoteName(array.name);
}

/// Type and shape, but for the number of samples.
static bool checkArray(const NpzReader &reader, const NpzArray &array,
                       const TensorSpec &spec, bool isBatched,
                       std::string &error) {
  std::string subject = describe(reader, array) + " ";
  if (!array.problem.empty()) {
    error = subject + array.problem;
    return false;
  }
  if (isFloatType(array.type) != isFloatType(spec.type)) {
    error = subject + "has type " + elementTypeName(array.type) +
            "; expected " + (isFloatType(spec.type) ? "floats" : "integers") +
            " for " + elementTypeName(spec.type);
    return false;
  }
  bool fits = array.shape.size() == spec.shape.size();
  for (size_t i = isBatched ? 1 : 0; fits && i < spec.shape.size(); ++i)
    fits = array.shape[i] == spec.shape[i];
  if (fits)
    return true;
  std::string expected = shapeToString(spec.shape);
  if (isBatched)
    expected = "N" + expected.substr(std::to_string(spec.shape[0]).size()) +
               ", since the model takes " + expected;
  error = subject + "has shape " + shapeToString(array.shape) + "; expected " +
          expected;
  return false;
}

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

bool InputFeed::setSamples(const NpzReader &reader, const NpzArray &array,
                           std::string &error) {
  std::string subject = describe(reader, array) + " ";
  if (array.numRows() == 0) {
    error =
        subject + "has no samples: its shape is " + shapeToString(array.shape);
    return false;
  }
  if (!countedBy.empty() && batchPlan.samples != array.numRows()) {
    error = subject + "has " + std::to_string(array.numRows()) +
            " samples; expected " + std::to_string(batchPlan.samples) +
            " as in " + countedBy;
    return false;
  }
  batchPlan.samples = array.numRows();
  countedBy = quoteName(array.name);
  return true;
}

bool InputFeed::addInput(const NpzReader &reader, const TensorSpec &spec,
                         size_t index, size_t numInputs, std::string &error) {
  const NpzArray *array = findArray(reader, spec.name, index, numInputs, error);
  bool isScalar = spec.shape.empty();
  bool isBatched = batchPlan.batch != 0 && !isScalar;
  if (!array || !checkArray(reader, *array, spec, isBatched, error) ||
      (isBatched && !setSamples(reader, *array, error)))
    return false;
  Input input = {spec, isScalar, reader.stream(array->name, error), {}};
  if (!input.stream)
    return false;
  if (isScalar) {
    input.value.resize(spec.bytes);
    if (!input.stream->readAs(spec.type, 1, input.value.data(), error))
      return false;
  }
  inputs.push_back(std::move(input));
  return true;
}

std::unique_ptr<InputFeed> InputFeed::open(const NpzReader &reader,
                                           const std::vector<TensorSpec> &specs,
                                           std::string &error) {
  std::unique_ptr<InputFeed> feed(new InputFeed());
  feed->batchPlan.batch = findBatch(specs);
  for (size_t i = 0; i < specs.size(); ++i)
    if (!feed->addInput(reader, specs[i], i, specs.size(), error))
      return nullptr;
  return feed;
}

std::unique_ptr<InputFeed>
InputFeed::generate(const std::vector<TensorSpec> &specs) {
  std::unique_ptr<InputFeed> feed(new InputFeed());
  feed->generated = true;
  feed->batchPlan.batch = findBatch(specs);
  if (feed->batchPlan.batch)
    feed->batchPlan.samples = feed->batchPlan.batch;
  for (const TensorSpec &spec : specs)
    feed->inputs.push_back({spec, spec.shape.empty(), nullptr, {}});
  return feed;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// The same values on every machine and in every run.
static void fillWithGenerated(const TensorSpec &spec, void *buffer) {
  memset(buffer, 0, spec.bytes);
  if (!isFloatType(spec.type))
    return;
  uint32_t state = 12345;
  std::string error;
  for (uint64_t i = 0; i < spec.numElements(); ++i) {
    state = state * 1664525u + 1013904223u; // Numerical Recipes' generator.
    float value = float(int32_t(state) >> 8) * 0x1p-23f;
    convertElements(
        ElementType::F32, &value, spec.type,
        static_cast<char *>(buffer) + i * elementTypeSize(spec.type), 1, error);
  }
}

bool InputFeed::next(const TensorBuffers &buffers, std::string &error) {
  uint64_t run = nextRun++;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Input &input = inputs[i];
    char *buffer = static_cast<char *>(buffers[i]);
    if (generated) {
      fillWithGenerated(input.spec, buffer);
      continue;
    }
    if (input.isScalar) {
      memcpy(buffer, input.value.data(), input.value.size());
      continue;
    }
    // Without a batch dimension the one run takes all rows.
    uint64_t modelRows = input.spec.shape[0];
    uint64_t rows = batchPlan.batch ? batchPlan.samplesOf(run) : modelRows;
    if (!input.stream->readAs(input.spec.type, rows, buffer, error))
      return false;
    size_t rowBytes = modelRows ? input.spec.bytes / modelRows : 0;
    for (uint64_t row = rows; row < modelRows; ++row)
      memcpy(buffer + row * rowBytes, buffer + (rows - 1) * rowBytes, rowBytes);
  }
  return true;
}
