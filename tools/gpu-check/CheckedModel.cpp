//===- CheckedModel.cpp - One artifact against expected bits ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CheckedModel.h"

#include "QuantOpt/Runtime/quant_opt_runtime.h"
#include "QuantOpt/Support/Npz.h"

#include <algorithm>
#include <cstring>
#include <vector>

using namespace mlir::qopt;
using namespace mlir::qopt::check;

/// What results are filled with before a run.
static constexpr uint8_t kPoison = 0xcd;

const char *check::getName(Outcome outcome) {
  switch (outcome) {
  case Outcome::Exact:
    return "exact";
  case Outcome::Different:
    return "different";
  case Outcome::NoData:
    return "no data";
  case Outcome::NotOpened:
    return "not opened";
  case Outcome::RunFailed:
    return "run failed";
  }
  return "?";
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static ElementType getElementType(qopt_dtype dtype) {
  switch (dtype) {
  case QOPT_F32:
    return ElementType::F32;
  case QOPT_F64:
    return ElementType::F64;
  case QOPT_F16:
    return ElementType::F16;
  case QOPT_BF16:
    return ElementType::BF16;
  case QOPT_I8:
    return ElementType::I8;
  case QOPT_U8:
    return ElementType::U8;
  case QOPT_I16:
    return ElementType::I16;
  case QOPT_I32:
    return ElementType::I32;
  case QOPT_I64:
    return ElementType::I64;
  case QOPT_I1:
    return ElementType::I1;
  }
  return ElementType::I8;
}

/// The bits of an element, zero-extended.
static uint64_t getBits(const uint8_t *element, size_t size) {
  uint64_t bits = 0;
  memcpy(&bits, element, size); // little-endian, as all supported machines are
  return bits;
}

static bool isNaN(uint64_t bits, qopt_dtype dtype) {
  switch (dtype) {
  case QOPT_F32:
    return (bits & 0x7fffffff) > 0x7f800000;
  case QOPT_F64:
    return (bits & 0x7fffffffffffffff) > 0x7ff0000000000000;
  case QOPT_F16:
    return (bits & 0x7fff) > 0x7c00;
  case QOPT_BF16:
    return (bits & 0x7fff) > 0x7f80;
  default:
    return false;
  }
}

/// An element for messages: its value, and its bits where it is a float.
static std::string print(const uint8_t *element, qopt_dtype dtype) {
  size_t size = qopt_dtype_size(dtype);
  uint64_t bits = getBits(element, size);
  char text[64];
  switch (dtype) {
  case QOPT_F32: {
    float value;
    memcpy(&value, element, size);
    snprintf(text, sizeof(text), "%.9g (0x%08x)", static_cast<double>(value),
             static_cast<unsigned>(bits));
    return text;
  }
  case QOPT_F64:
  case QOPT_F16:
  case QOPT_BF16:
    snprintf(text, sizeof(text), "0x%0*llx", static_cast<int>(2 * size),
             static_cast<unsigned long long>(bits));
    return text;
  case QOPT_U8:
  case QOPT_I1:
    return std::to_string(bits);
  default: {
    size_t unused = 64 - 8 * size;
    return std::to_string(static_cast<int64_t>(bits << unused) >> unused);
  }
  }
}

namespace {
/// A tensor of the model with its data from the file.
struct Tensor {
  qopt_tensor_info info;
  std::vector<uint8_t> data;
};
} // namespace

/// "[1, 2]" of element 5 of a 3x3 tensor.
static std::string printIndex(const qopt_tensor_info &info, uint64_t index) {
  std::string text;
  for (int32_t d = info.rank; d-- > 0;) {
    uint64_t extent = static_cast<uint64_t>(info.dims[d]);
    text = std::to_string(index % extent) + (text.empty() ? "" : ", ") + text;
    index /= extent;
  }
  return "[" + text + "]";
}

/// What differs in the first `bytes`, or beyond from kPoison; or an empty
/// string.
static std::string compare(const Tensor &expected,
                           const std::vector<uint8_t> &actual, size_t bytes) {
  const qopt_tensor_info &info = expected.info;
  size_t size = qopt_dtype_size(info.dtype);
  uint64_t count = bytes / size, different = 0, first = 0;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t want = getBits(&expected.data[i * size], size);
    uint64_t have = getBits(&actual[i * size], size);
    if (want == have || (isNaN(want, info.dtype) && isNaN(have, info.dtype)))
      continue;
    if (different++ == 0)
      first = i;
  }
  if (!different) {
    auto isPoison = [](uint8_t byte) { return byte == kPoison; };
    return std::all_of(actual.begin() + bytes, actual.end(), isPoison)
               ? ""
               : "'" + std::string(info.name) + "' is written behind its end";
  }
  return "'" + std::string(info.name) + "' differs in " +
         std::to_string(different) + " of " + std::to_string(count) +
         " elements, first at " + printIndex(info, first) + ": " +
         print(&actual[first * size], info.dtype) + ", expected " +
         print(&expected.data[first * size], info.dtype);
}

//===----------------------------------------------------------------------===//
// The model and its data
//===----------------------------------------------------------------------===//

namespace {
/// Closes a session at the end of a scope.
struct Session {
  ~Session() { qopt_session_close(handle); }
  qopt_session *handle = nullptr;
};
} // namespace

/// Reads the array of the tensor's name; false with a message.
static bool readTensor(const NpzReader &file, Tensor &tensor,
                       std::string &message) {
  std::string name = tensor.info.name;
  const NpzArray *array = file.find(name);
  std::vector<uint64_t> shape(tensor.info.dims,
                              tensor.info.dims + tensor.info.rank);
  ElementType type = getElementType(tensor.info.dtype);
  size_t bytes = 0;
  if (qopt_tensor_num_bytes(&tensor.info, &bytes) != QOPT_OK) {
    message = qopt_last_error();
    return false;
  }
  if (!array || !array->problem.empty()) {
    message = file.path() + ": " + (array ? array->problem : "no array") +
              " '" + name + "'";
    return false;
  }
  // NumPy has no bf16; signedness is the reader's business.
  if (array->shape != shape ||
      elementTypeSize(array->type) != elementTypeSize(type)) {
    message = file.path() + ": '" + name + "' is " +
              shapeToString(array->shape) + " " + elementTypeName(array->type) +
              ", expected " + shapeToString(shape) + " " +
              elementTypeName(type);
    return false;
  }
  tensor.data.resize(bytes);
  auto stream = file.stream(name, message);
  return stream && stream->read(array->numRows(), tensor.data.data(), message);
}

using GetInfo = qopt_status (*)(const qopt_session *, size_t,
                                qopt_tensor_info *);

/// The model's inputs or outputs with their data; false with a message.
static bool readTensors(const NpzReader &file, const qopt_session *session,
                        size_t count, GetInfo getInfo,
                        std::vector<Tensor> &tensors, std::string &message) {
  tensors.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (getInfo(session, i, &tensors[i].info) != QOPT_OK) {
      message = qopt_last_error();
      return false;
    }
    if (!readTensor(file, tensors[i], message))
      return false;
  }
  return true;
}

CheckResult check::checkModel(const std::string &path,
                              const std::string &device,
                              const std::string &target, size_t repeat) {
  CheckResult result;
  auto end = [&](Outcome outcome, const std::string &message) {
    result.outcome = outcome;
    result.message = message;
    return result;
  };
  qopt_session_options options = {};
  options.struct_size = sizeof(options);
  options.device = device.c_str();
  options.target = target.empty() ? nullptr : target.c_str();
  // Which kernels run is the caller's choice; no notice about it is needed.
  options.log = [](void *, const char *) {};
  Session session;
  if (qopt_session_open((path + ".qopt").c_str(), &options, &session.handle) !=
      QOPT_OK)
    return end(Outcome::NotOpened, qopt_last_error());
  result.device = qopt_session_description(session.handle);

  std::string message;
  auto file = NpzReader::open(path + ".npz", message);
  std::vector<Tensor> inputs, outputs;
  if (!file ||
      !readTensors(*file, session.handle,
                   qopt_session_num_inputs(session.handle),
                   qopt_session_input_info, inputs, message) ||
      !readTensors(*file, session.handle,
                   qopt_session_num_outputs(session.handle),
                   qopt_session_output_info, outputs, message))
    return end(Outcome::NoData, message);

  std::vector<std::vector<uint8_t>> zeros, results;
  std::vector<const void *> zeroPointers, inputPointers;
  std::vector<void *> resultPointers;
  for (const Tensor &input : inputs) {
    inputPointers.push_back(input.data.data());
    zeroPointers.push_back(zeros.emplace_back(input.data.size()).data());
  }
  for (const Tensor &output : outputs) {
    result.elements += output.data.size() / qopt_dtype_size(output.info.dtype);
    resultPointers.push_back(results.emplace_back(output.data.size()).data());
  }
  int64_t all = qopt_session_batch(session.handle);
  // Runs `batch` samples; returns false with the result's outcome and message.
  auto run = [&](int64_t batch, const std::vector<const void *> &pointers,
                 const std::string &what, bool compares) {
    for (std::vector<uint8_t> &bytes : results)
      std::fill(bytes.begin(), bytes.end(), kPoison);
    if (qopt_session_run_batch(session.handle, batch, pointers.data(),
                               resultPointers.data()) != QOPT_OK) {
      end(Outcome::RunFailed, what + ": " + qopt_last_error());
      return false;
    }
    for (size_t i = 0; compares && i < outputs.size(); ++i) {
      size_t bytes =
          batch == all ? results[i].size() : results[i].size() / all * batch;
      std::string difference = compare(outputs[i], results[i], bytes);
      if (difference.empty())
        continue;
      end(Outcome::Different, what + ": " + difference);
      return false;
    }
    return true;
  };
  bool ok = run(all, zeroPointers, "on zeros", /*compares=*/false);
  for (size_t i = 1; ok && i <= repeat; ++i)
    ok = run(all, inputPointers, "run " + std::to_string(i), true);
  if (ok && all > 1 && qopt_session_any_batch(session.handle)) {
    int64_t part = (all + 1) / 2;
    ok = run(part, inputPointers,
             std::to_string(part) + " of " + std::to_string(all) + " samples",
             true) &&
         run(all, inputPointers, "all samples after a part", true);
  }
  return result;
}
