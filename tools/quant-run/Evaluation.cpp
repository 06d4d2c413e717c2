//===- Evaluation.cpp - What is made of the outputs -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Evaluation.h"

#include <cmath>
#include <cstring>

using namespace mlir::qopt;
using namespace mlir::qopt::run;

OutputView mlir::qopt::run::viewOutput(const OutputPlan &plan,
                                       const RunResult &result, size_t model,
                                       size_t output) {
  return {plan, (*result.outputs[model])[output], plan.rows(result.samples)};
}

/// The view's elements as f64.
static bool toDouble(const OutputView &view, std::vector<double> &values,
                     std::string &error) {
  values.resize(view.numElements());
  return convertElements(view.plan.spec.type, view.data, ElementType::F64,
                         values.data(), values.size(), error);
}

bool Summary::consume(const RunResult &result, std::string &error) {
  for (size_t i = 0; i < plans.size(); ++i) {
    if (!toDouble(viewOutput(plans[i], result, 0, i), values, error))
      return false;
    statistics[i].add(values.data(), values.size());
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// NumPy has no bf16; f32 holds its values.
static ElementType fileType(ElementType type) {
  return type == ElementType::BF16 ? ElementType::F32 : type;
}

std::unique_ptr<OutputFile>
OutputFile::create(const std::string &path,
                   const std::vector<OutputPlan> &plans, std::string &error) {
  std::unique_ptr<OutputFile> file(new OutputFile(plans));
  file->writer = NpzWriter::create(path, error, NpzWriter::Compression::Stored);
  if (!file->writer)
    return nullptr;
  for (const OutputPlan &plan : plans) {
    size_t index;
    if (!file->writer->addArray(plan.spec.name, fileType(plan.spec.type),
                                plan.shape, &index, error))
      return nullptr;
    file->arrays.push_back(index);
  }
  return file;
}

bool OutputFile::consume(const RunResult &result, std::string &error) {
  for (size_t i = 0; i < plans.size(); ++i) {
    OutputView view = viewOutput(plans[i], result, 0, i);
    ElementType type = plans[i].spec.type;
    const void *data = view.data;
    if (fileType(type) != type) {
      converted.resize(view.numElements() * elementTypeSize(fileType(type)));
      if (!convertElements(type, data, fileType(type), converted.data(),
                           view.numElements(), error))
        return false;
      data = converted.data();
    }
    if (!writer->append(arrays[i], data, view.numElements(), error))
      return false;
  }
  return true;
}

bool OutputFile::finish(std::string &error) { return writer->finish(error); }

//===----------------------------------------------------------------------===//
// References
//===----------------------------------------------------------------------===//

static std::string describe(const NpzReader &reader, const NpzArray &array) {
  return quoteName(reader.path()) + ": array " + quoteName(array.name) + " ";
}

std::unique_ptr<ReferenceCheck>
ReferenceCheck::open(const NpzReader &reader,
                     const std::vector<OutputPlan> &plans,
                     const BatchPlan &batch, std::string &error) {
  std::unique_ptr<ReferenceCheck> check(new ReferenceCheck(plans));
  for (size_t i = 0; i < plans.size(); ++i) {
    const OutputPlan &plan = plans[i];
    const NpzArray *array = reader.find(plan.spec.name);
    if (!array)
      array = reader.find("out" + std::to_string(i));
    if (!array && !reader.isArchive() && plans.size() == 1)
      array = &reader.arrays()[0];
    if (!array) {
      check->missing.push_back(i);
      continue;
    }
    if (!array->problem.empty()) {
      error = describe(reader, *array) + array->problem;
      return nullptr;
    }
    if (array->shape != plan.shape) {
      error = describe(reader, *array) + "has shape " +
              shapeToString(array->shape) + "; expected " +
              shapeToString(plan.shape) + " as output " +
              quoteName(plan.spec.name) + " of " +
              std::to_string(batch.samples) + " samples";
      return nullptr;
    }
    Compared compared = {
        i, array->name, {}, {}, reader.stream(array->name, error)};
    if (!compared.stream)
      return nullptr;
    // Of a batched output of one dimension, that one is the samples.
    bool hasRows = plan.shape.size() > (plan.batched ? 1 : 0);
    uint64_t width = hasRows ? plan.shape.back() : 1;
    if (width > 1)
      compared.agreement.emplace(width);
    check->compared.push_back(std::move(compared));
  }
  if (!check->compared.empty())
    return check;
  error = quoteName(reader.path()) + ": has none of the outputs; expected ";
  for (size_t i = 0; i < plans.size(); ++i)
    error += (i ? ", " : "") + quoteName(plans[i].spec.name);
  return nullptr;
}

bool ReferenceCheck::consume(const RunResult &result, std::string &error) {
  for (Compared &item : compared) {
    OutputView view = viewOutput(plans[item.output], result, 0, item.output);
    if (!toDouble(view, values, error))
      return false;
    reference.resize(values.size());
    uint64_t rows =
        view.plan.batched ? view.rows : item.stream->array().numRows();
    if (!item.stream->readAs(ElementType::F64, rows, reference.data(), error))
      return false;
    item.errors.add(reference.data(), values.data(), values.size());
    if (item.agreement)
      item.agreement->add(reference.data(), values.data(),
                          values.size() / view.plan.shape.back());
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Labels
//===----------------------------------------------------------------------===//

/// The number of scores that `output` has for each of the labels; 0 if they do
/// not go together.
static uint64_t findClasses(const OutputPlan &output,
                            const std::vector<uint64_t> &labels) {
  if (!output.batched || !isFloatType(output.spec.type))
    return 0;
  const std::vector<uint64_t> &shape = output.shape;
  // One score each, maybe with a last dimension of 1 on either side.
  auto withoutLastOne = [](std::vector<uint64_t> dims) {
    if (dims.size() > 1 && dims.back() == 1)
      dims.pop_back();
    return dims;
  };
  if (withoutLastOne(shape) == withoutLastOne(labels))
    return 1;
  std::vector<uint64_t> rows(shape.begin(), shape.end() - 1);
  return rows == labels || rows == withoutLastOne(labels) ? shape.back() : 0;
}

std::unique_ptr<LabelCheck>
LabelCheck::open(const NpzReader &reader, const std::string &key,
                 const std::vector<OutputPlan> &plans, const BatchPlan &batch,
                 std::string &error) {
  const NpzArray *array = reader.find(key);
  if (!array) {
    error = quoteName(reader.path()) + ": no array " + quoteName(key) +
            " for --labels";
    return nullptr;
  }
  std::string subject = describe(reader, *array);
  if (!array->problem.empty()) {
    error = subject + array->problem;
  } else if (isFloatType(array->type)) {
    error = subject + "has type " + elementTypeName(array->type) +
            "; expected integer labels";
  } else if (batch.batch == 0) {
    error = "--labels needs a model with a batch dimension";
  } else {
    for (size_t i = 0; i < plans.size(); ++i) {
      uint64_t classes = findClasses(plans[i], array->shape);
      if (classes == 0)
        continue;
      std::unique_ptr<LabelCheck> check(new LabelCheck(key, plans, i, classes));
      check->stream = reader.stream(key, error);
      return check->stream ? std::move(check) : nullptr;
    }
    error = subject + "has shape " + shapeToString(array->shape) +
            ", which goes with no output; expected " +
            std::to_string(batch.samples) + " labels";
  }
  return nullptr;
}

bool LabelCheck::consume(const RunResult &result, std::string &error) {
  OutputView view = viewOutput(plan(), result, 0, output);
  if (!toDouble(view, values, error))
    return false;
  labels.resize(values.size() / classes);
  if (!stream->readAs(ElementType::I64, view.rows, labels.data(), error))
    return false;
  uint64_t allowed = isBinary() ? 2 : classes;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || uint64_t(labels[i]) >= allowed) {
      error = "label " + std::to_string(numLabels + i) + " of array " +
              quoteName(key) + " is " + std::to_string(labels[i]) +
              "; expected 0 to " + std::to_string(allowed - 1) +
              " for output " + quoteName(view.plan.spec.name);
      return false;
    }
    if (isBinary()) {
      scores.push_back(values[i]);
      positive.push_back(labels[i] == 1);
    } else {
      topK.add(values.data() + i * classes, size_t(labels[i]));
    }
  }
  numLabels += labels.size();
  return true;
}

//===----------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------===//

/// Row-major indices of element `element`, `firstSample` rows into `shape`.
static std::vector<uint64_t> toIndex(const OutputPlan &plan, uint64_t element,
                                     uint64_t firstSample) {
  const std::vector<uint64_t> &shape = plan.spec.shape;
  std::vector<uint64_t> index(shape.size());
  for (size_t i = shape.size(); i-- > 0; element /= shape[i])
    index[i] = element % shape[i];
  if (plan.batched)
    index[0] += firstSample;
  return index;
}

bool BitCheck::consume(const RunResult &result, std::string &) {
  for (size_t i = 0; i < plans.size(); ++i) {
    OutputView a = viewOutput(plans[i], result, 0, i);
    OutputView b = viewOutput(plans[i], result, 1, i);
    ElementType type = plans[i].spec.type;
    size_t size = elementTypeSize(type);
    elements += a.numElements();
    const char *first = static_cast<const char *>(a.data);
    const char *second = static_cast<const char *>(b.data);
    if (a.numElements() == 0 ||
        memcmp(first, second, a.numElements() * size) == 0)
      continue;
    for (uint64_t e = 0; e < a.numElements(); ++e) {
      if (memcmp(first + e * size, second + e * size, size) == 0)
        continue;
      double x = elementAsDouble(type, first, e);
      double y = elementAsDouble(type, second, e);
      if (std::isnan(x) && std::isnan(y))
        continue;
      ++differing;
      errors.add(&x, &y, 1);
      if (!firstDifference)
        firstDifference = {i, toIndex(plans[i], e, result.firstSample),
                           elementAsText(type, first, e),
                           elementAsText(type, second, e)};
    }
  }
  return true;
}
