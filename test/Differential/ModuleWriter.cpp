//===- ModuleWriter.cpp - Text of a module, op by op ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ModuleWriter.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace mlir::qopt;
using namespace mlir::qopt::differential;

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string differential::join(const std::vector<std::string> &parts,
                               const std::string &separator) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i)
    text += (i ? separator : "") + parts[i];
  return text;
}

std::string differential::listInts(const Shape &values) {
  std::vector<std::string> parts;
  for (int64_t value : values)
    parts.push_back(std::to_string(value));
  return join(parts);
}

std::string differential::listDims(size_t rank) {
  std::vector<std::string> parts;
  for (size_t d = 0; d < rank; ++d)
    parts.push_back("d" + std::to_string(d));
  return join(parts);
}

std::string differential::makeMap(size_t rank,
                                  const std::vector<size_t> &dims) {
  std::vector<std::string> parts;
  for (size_t d : dims)
    parts.push_back("d" + std::to_string(d));
  return "(" + listDims(rank) + ") -> (" + join(parts) + ")";
}

std::string differential::identityMap(size_t rank) {
  return "(" + listDims(rank) + ") -> (" + listDims(rank) + ")";
}

int64_t differential::product(const Shape &shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

std::string Value::type() const {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + element + ">";
}

//===----------------------------------------------------------------------===//
// Building blocks
//===----------------------------------------------------------------------===//

Value ModuleWriter::define(const std::string &text, Shape shape,
                           const std::string &element) {
  constexpr int64_t kMostElements = 20000;
  Value value{fresh(), std::move(shape), element};
  for (int64_t size : value.shape)
    valid &= size > 0;
  valid = valid && product(value.shape) <= kMostElements;
  body += "    " + value.name + " = " + text + "\n";
  return value;
}

Value ModuleWriter::require(bool condition) {
  valid &= condition;
  return Value{"%invalid", {1}};
}

static std::string hexBytes(const void *data, size_t size) {
  static const char digits[] = "0123456789ABCDEF";
  std::string text = "0x";
  for (size_t i = 0; i < size; ++i) {
    auto byte = static_cast<const unsigned char *>(data)[i];
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

Value ModuleWriter::constant(const std::vector<float> &values, Shape shape) {
  Value type{"", shape};
  std::string hex = hexBytes(values.data(), values.size() * sizeof(float));
  return define("arith.constant dense<\"" + hex + "\"> : " + type.type(),
                shape);
}

Value ModuleWriter::constant(const std::vector<int64_t> &values, Shape shape,
                             const std::string &element) {
  Value type{"", shape, element};
  size_t bytes = std::stoul(element.substr(1)) / 8;
  std::vector<char> data;
  for (int64_t value : values)
    data.insert(data.end(), reinterpret_cast<const char *>(&value),
                reinterpret_cast<const char *>(&value) + bytes);
  return define("arith.constant dense<\"" + hexBytes(data.data(), data.size()) +
                    "\"> : " + type.type(),
                shape, element);
}

Value ModuleWriter::scalar(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  uint32_t bigEndian = __builtin_bswap32(bits);
  Value result{fresh(), {}};
  body += "    " + result.name + " = arith.constant " +
          hexBytes(&bigEndian, sizeof bigEndian) + " : f32\n";
  return result;
}

Value ModuleWriter::empty(Shape shape, const std::string &element) {
  Value type{"", shape, element};
  return define("tensor.empty() : " + type.type(), shape, element);
}

Value ModuleWriter::fill(float value, Shape shape) {
  Value number = scalar(value), init = empty(shape);
  return define("linalg.fill ins(" + number.name + " : f32) outs(" + init.name +
                    " : " + init.type() + ") -> " + init.type(),
                shape);
}

Value ModuleWriter::generic(const std::vector<Value> &inputs,
                            const std::vector<std::string> &maps,
                            const Value &init, const std::string &outMap,
                            const std::vector<std::string> &iterators,
                            const std::string &text,
                            const std::string &yielded) {
  std::vector<std::string> mapTexts, iteratorTexts, names, types, arguments;
  for (size_t i = 0; i < inputs.size(); ++i) {
    mapTexts.push_back("affine_map<" + maps[i] + ">");
    names.push_back(inputs[i].name);
    types.push_back(inputs[i].type());
    arguments.push_back("%i" + std::to_string(i) + ": " + inputs[i].element);
  }
  mapTexts.push_back("affine_map<" + outMap + ">");
  arguments.push_back("%o: " + init.element);
  for (const std::string &iterator : iterators)
    iteratorTexts.push_back("\"" + iterator + "\"");
  std::string ins =
      inputs.empty() ? "" : " ins(" + join(names) + " : " + join(types) + ")";
  return define("linalg.generic {indexing_maps = [" + join(mapTexts) +
                    "], iterator_types = [" + join(iteratorTexts) + "]}" + ins +
                    " outs(" + init.name + " : " + init.type() +
                    ") {\n    ^bb0(" + join(arguments) + "):\n" + text +
                    "      linalg.yield " + yielded + " : " + init.element +
                    "\n    } -> " + init.type(),
                init.shape, init.element);
}

Value ModuleWriter::elementwise(const std::vector<Value> &inputs,
                                const std::string &text,
                                std::vector<std::string> maps,
                                const std::string &element) {
  Shape shape = inputs.front().shape;
  size_t rank = shape.size();
  for (size_t i = maps.size(); i < inputs.size(); ++i) {
    require(inputs[i].shape == shape);
    maps.push_back(identityMap(rank));
  }
  return generic(inputs, maps, empty(shape, element), identityMap(rank),
                 std::vector<std::string>(rank, "parallel"), text);
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

std::vector<float> differential::randomWeights(const Shape &shape, int64_t axis,
                                               float size, bool plain,
                                               Random &random) {
  std::vector<float> factors(shape[axis], size);
  if (!plain)
    for (float &factor : factors) {
      if (random.oneIn(6))
        factor = 0.0f;
      else if (random.oneIn(4))
        factor = std::ldexp(factor, static_cast<int>(random.range(-12, 6)));
    }
  int64_t inner = 1;
  for (size_t d = axis + 1; d < shape.size(); ++d)
    inner *= shape[d];
  std::vector<float> values(product(shape));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = factors[i / inner % shape[axis]] * random.bell();
  return values;
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

static Value writeNode(ModuleWriter &w, const Node &node,
                       const std::vector<Value> &in, ModelText &model,
                       int64_t &numArguments) {
  auto addInput = [&](Shape shape, int64_t limit) {
    model.inputs.push_back({shape, limit, node.seed});
    return Value{"%arg" + std::to_string(numArguments++), shape,
                 limit ? "i64" : "f32"};
  };
  Random random(node.seed);
  switch (node.kind) {
  case Kind::Argument:
    return addInput(node.dims, 0);
  case Kind::Matmul: {
    Value sum = w.matmul(node, in[0]);
    w.noteSum(sum, in[0]);
    return sum;
  }
  case Kind::BatchMatmul:
    return w.batchMatmul(node, in[0], in[1]);
  case Kind::Conv: {
    Value sum = w.conv(node, in[0]);
    w.noteSum(sum, in[0]);
    return sum;
  }
  case Kind::Bias: {
    if (node.dims[0] >= int64_t(in[0].shape.size()))
      return w.require(false);
    auto scales = w.sumScales.find(in[0].name);
    // Some exporters leave the bias in floating point.
    if (scales != w.sumScales.end() && node.variant % 3)
      return w.biasIntegers(in[0], node.dims[0], scales->second, random);
    return w.bias(in[0], node.dims[0],
                  randomWeights({in[0].shape[node.dims[0]]}, 0, 0.5f,
                                node.seed % 2 == 0, random));
  }
  case Kind::Affine:
    return w.affine(node, in[0]);
  case Kind::Binary:
    return w.binary(node.variant, in[0], in[1]);
  case Kind::Unary:
    return w.unary(node.variant, in[0]);
  case Kind::MaxPool:
  case Kind::AveragePool:
    return w.pool(node, in[0]);
  case Kind::GlobalMean:
    return w.globalMean(node, in[0]);
  case Kind::Concat:
    return w.concat(in, node.dims[0]);
  case Kind::Slice:
    return w.slice(in[0], node.dims[0], node.dims[1], node.dims[2]);
  case Kind::Transpose:
    return w.transpose(in[0], node.dims);
  case Kind::Reshape:
    return w.reshape(in[0], node.dims);
  case Kind::Pad: {
    if (node.dims[0] >= int64_t(in[0].shape.size()))
      return w.require(false);
    Shape low(in[0].shape.size(), 0), high = low;
    low[node.dims[0]] = node.dims[1];
    high[node.dims[0]] = node.dims[2];
    return w.pad(in[0], low, high, 0.0f);
  }
  case Kind::Gather: {
    // dims: rows, width, indices.
    if (node.dims.size() != 3 || node.dims[0] < 1)
      return w.require(false);
    Shape shape = {node.dims[0], node.dims[1]};
    if (product(shape) < 1)
      return w.require(false);
    Value table = w.constant(
        randomWeights(shape, 0, 1.0f, node.seed % 2 == 0, random), shape);
    return w.gather(table, addInput({node.dims[2]}, node.dims[0]));
  }
  case Kind::Resize:
    return w.resize(in[0], node.channelsFirst);
  case Kind::Softmax:
    return w.softmax(node.variant, in[0]);
  case Kind::LayerNorm:
    return w.layerNorm(node, in[0]);
  case Kind::Recurrence:
    return w.recurrence(node, in[0]);
  case Kind::FakeQuant:
    return w.fakeQuant(node, in[0]);
  }
  return w.require(false);
}

/// Runs the writer over all nodes.
static bool writeNodes(const Recipe &recipe, ModuleWriter &writer,
                       ModelText &model, std::vector<Value> &values) {
  int64_t numArguments = 0;
  for (const Node &node : recipe.nodes) {
    std::vector<Value> inputs;
    for (int input : node.inputs)
      inputs.push_back(values[input]);
    values.push_back(writeNode(writer, node, inputs, model, numArguments));
    if (!writer.valid)
      return false;
  }
  return !recipe.outputs.empty() && !model.inputs.empty();
}

std::optional<ModelText> differential::writeModule(const Recipe &recipe) {
  ModuleWriter writer;
  ModelText model;
  std::vector<Value> values;
  if (!writeNodes(recipe, writer, model, values))
    return std::nullopt;
  std::vector<std::string> arguments, types, names;
  for (size_t i = 0; i < model.inputs.size(); ++i) {
    const Input &input = model.inputs[i];
    Value argument{"%arg" + std::to_string(i), input.shape,
                   input.limit ? "i64" : "f32"};
    arguments.push_back(argument.name + ": " + argument.type());
  }
  for (int output : recipe.outputs) {
    types.push_back(values[output].type());
    names.push_back(values[output].name);
  }
  model.text = "module {\n  func.func @main(" + join(arguments) + ") -> (" +
               join(types) + ") {\n" + writer.body + "    return " +
               join(names) + " : " + join(types) + "\n  }\n}\n";
  return model;
}

std::vector<std::vector<int64_t>>
differential::getShapes(const Recipe &recipe) {
  ModuleWriter writer;
  ModelText model;
  std::vector<Value> values;
  std::vector<std::vector<int64_t>> shapes;
  (void)writeNodes(recipe, writer, model, values);
  if (!writer.valid)
    return {};
  for (const Value &value : values)
    shapes.push_back(value.shape);
  return shapes;
}
