//===- InterpretMovement.cpp - Ops that choose among elements -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each op is evaluated once, on the numbers of the elements; then values, steps
// and the integers behind them all move alike.
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::differential;

namespace {
/// Element `index` of operand `operand`; operand -1 is padding.
struct Source {
  int operand = -1;
  int64_t index = 0;
};
} // namespace

/// The op of the body that the only result comes from: null for an argument
/// that is an input.
static bool yieldsInput(linalg::LinalgOp op, unsigned &input) {
  if (op.getNumDpsInits() != 1)
    return false;
  auto argument =
      dyn_cast<BlockArgument>(op.getBlock()->getTerminator()->getOperand(0));
  if (!argument || argument.getOwner() != op.getBlock())
    return false;
  input = argument.getArgNumber();
  return input < static_cast<unsigned>(op.getNumDpsInputs());
}

static tensor::ExtractOp getYieldedExtract(linalg::LinalgOp op) {
  if (op.getNumDpsInits() != 1 || op.getNumReductionLoops() != 0)
    return nullptr;
  return op.getBlock()
      ->getTerminator()
      ->getOperand(0)
      .getDefiningOp<tensor::ExtractOp>();
}

bool Interpreter::isMovement(Operation &op) {
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
          tensor::ExtractSliceOp, tensor::InsertSliceOp, tensor::ConcatOp>(op))
    return true;
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return pad.getConstantPaddingValue() != nullptr;
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  if (!structured || !structured.hasPureTensorSemantics())
    return false;
  unsigned input;
  return (yieldsInput(structured, input) &&
          isa<ShapedType>(structured->getOperand(input).getType())) ||
         getYieldedExtract(structured);
}

/// Row-major position of `index` + `offset` * ... in `shape`.
static int64_t flatten(ArrayRef<int64_t> shape, ArrayRef<int64_t> index) {
  int64_t flat = 0;
  for (auto [size, i] : llvm::zip(shape, index))
    flat = flat * size + i;
  return flat;
}

static std::vector<Source> moveSlice(ArrayRef<int64_t> inShape,
                                     ArrayRef<int64_t> outShape,
                                     ArrayRef<int64_t> offsets,
                                     ArrayRef<int64_t> sizes,
                                     ArrayRef<int64_t> strides) {
  std::vector<Source> sources;
  (void)outShape; // Extents of 1 may be dropped, which changes no position.
  SmallVector<int64_t> from(inShape.size());
  forEachIndex(sizes, [&](int64_t, ArrayRef<int64_t> index) {
    for (size_t d = 0; d < from.size(); ++d)
      from[d] = offsets[d] + index[d] * strides[d];
    sources.push_back({0, flatten(inShape, from)});
  });
  return sources;
}

static std::vector<Source> movePad(tensor::PadOp pad, ArrayRef<int64_t> inShape,
                                   ArrayRef<int64_t> outShape) {
  std::vector<Source> sources;
  SmallVector<int64_t> from(inShape.size());
  forEachIndex(outShape, [&](int64_t, ArrayRef<int64_t> index) {
    bool inside = true;
    for (size_t d = 0; d < from.size(); ++d) {
      from[d] = index[d] - pad.getStaticLow()[d];
      inside &= from[d] >= 0 && from[d] < inShape[d];
    }
    sources.push_back(inside ? Source{0, flatten(inShape, from)} : Source());
  });
  return sources;
}

static std::vector<Source> moveConcat(int64_t dim, ArrayRef<TensorRef> operands,
                                      ArrayRef<int64_t> outShape) {
  std::vector<Source> sources;
  forEachIndex(outShape, [&](int64_t, ArrayRef<int64_t> index) {
    SmallVector<int64_t> from(index);
    int operand = 0;
    while (from[dim] >= operands[operand]->shape[dim])
      from[dim] -= operands[operand++]->shape[dim];
    sources.push_back({operand, flatten(operands[operand]->shape, from)});
  });
  return sources;
}

/// Values that belong to the elements, one vector per operand.
template <typename T, typename Get>
static std::vector<T> gather(const std::vector<Source> &sources, T padding,
                             Get get) {
  std::vector<T> result;
  result.reserve(sources.size());
  for (Source source : sources)
    result.push_back(source.operand < 0 ? padding
                                        : get(source.operand)[source.index]);
  return result;
}

/// The integers behind the result; null where an operand has none, or where
/// they were quantized in different ways.
static std::shared_ptr<const Quantized>
moveQuantized(const std::vector<Source> &sources, ArrayRef<TensorRef> operands,
              std::optional<double> padding) {
  const Quantized *first = nullptr;
  for (const TensorRef &operand : operands) {
    const Quantized *q = operand->quantized.get();
    if (!q || (first &&
               (q->range != first->range || q->isDynamic != first->isDynamic)))
      return nullptr;
    first = first ? first : q;
  }
  if (!first || first->q.empty())
    return nullptr;
  auto result = std::make_shared<Quantized>();
  result->range = first->range;
  result->isDynamic = first->isDynamic;
  result->isConstant = llvm::all_of(operands, [](const TensorRef &operand) {
    return operand->quantized->isConstant;
  });
  result->isPerTensor = llvm::all_of(operands, [&](const TensorRef &operand) {
    const Quantized &q = *operand->quantized;
    return q.isPerTensor && q.scale.front() == first->scale.front() &&
           q.zeroPoint.front() == first->zeroPoint.front();
  });
  // Zero is z; -inf in front of a max pool is the lowest integer.
  if (padding && *padding != 0.0 && *padding != -INFINITY && *padding > -1e38)
    return nullptr;
  if (padding && !llvm::all_equal(first->scale))
    return nullptr;
  int32_t paddingInteger =
      padding && *padding == 0.0 ? first->zeroPoint.front() : first->range.lo;
  result->q = gather<int32_t>(sources, paddingInteger, [&](int i) -> auto & {
    return operands[i]->quantized->q;
  });
  result->scale =
      gather<float>(sources, first->scale.front(), [&](int i) -> auto & {
        return operands[i]->quantized->scale;
      });
  result->zeroPoint =
      gather<int32_t>(sources, first->zeroPoint.front(), [&](int i) -> auto & {
        return operands[i]->quantized->zeroPoint;
      });
  return result;
}

/// The sums behind the result of a reshape.
static std::shared_ptr<const Accumulator>
moveAccumulator(Operation &op, const TensorRef &operand) {
  // A reshape keeps the order of the elements.
  if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op) ||
      !op.getOperand(0).hasOneUse() || !operand->accumulator)
    return nullptr;
  auto moved = std::make_shared<Accumulator>(*operand->accumulator);
  // A bias after it belongs to other dimensions.
  moved->isOpen = false;
  return moved;
}

bool Interpreter::runMovement(Operation &op) {
  SmallVector<TensorRef> operands;
  std::vector<Source> sources;
  std::optional<double> padding;
  Tensor result = makeTensor(op.getResult(0).getType());
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)) {
    operands = {get(op.getOperand(0))};
    for (size_t i = 0; i < result.size(); ++i)
      sources.push_back({0, int64_t(i)});
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    operands = {get(slice.getSource())};
    sources = moveSlice(
        operands[0]->shape, result.shape, getIndices(slice.getMixedOffsets()),
        getIndices(slice.getMixedSizes()), getIndices(slice.getMixedStrides()));
  } else if (auto slice = dyn_cast<tensor::InsertSliceOp>(op)) {
    operands = {get(slice.getSource()), get(slice.getDest())};
    for (size_t i = 0; i < result.size(); ++i)
      sources.push_back({1, int64_t(i)});
    std::vector<Source> targets = moveSlice(
        result.shape, {}, getIndices(slice.getMixedOffsets()),
        getIndices(slice.getMixedSizes()), getIndices(slice.getMixedStrides()));
    for (auto [i, target] : llvm::enumerate(targets))
      sources[target.index] = {0, int64_t(i)};
  } else if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
    for (Value input : concat.getInputs())
      operands.push_back(get(input));
    sources = moveConcat(concat.getDim(), operands, result.shape);
  } else if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    operands = {get(pad.getSource())};
    sources = movePad(pad, operands[0]->shape, result.shape);
    Value constant = pad.getConstantPaddingValue();
    if (!get(constant) && !runOp(*constant.getDefiningOp()))
      return false;
    Scalar value = get(constant)->data.front();
    bool isFloat = isa<FloatType>(pad.getSourceType().getElementType());
    padding = isFloat ? value.f : double(value.i);
  } else {
    auto structured = cast<linalg::LinalgOp>(op);
    unsigned input = 0;
    Value table;
    if (tensor::ExtractOp extract = getYieldedExtract(structured))
      table = extract.getTensor();
    else
      yieldsInput(structured, input);
    operands = {get(table ? table : op.getOperand(input))};
    // The body on the numbers of the elements.
    Tensor numbers = *operands[0];
    for (size_t i = 0; i < numbers.size(); ++i)
      numbers.data[i] = ofInt(i);
    numbers.step.clear();
    auto numbered = std::make_shared<const Tensor>(std::move(numbers));
    SmallVector<TensorRef> arguments;
    for (Value operand : op.getOperands())
      arguments.push_back(get(operand));
    if (!table)
      arguments[input] = numbered;
    std::vector<Tensor> moved;
    if (!evaluateBody(
            structured, arguments,
            [&](Value v) { return v == table ? numbered : get(v); },
            /*withSteps=*/false, moved))
      return false;
    for (Scalar number : moved[0].data)
      sources.push_back({0, number.i});
  }

  bool isFloat = isa<FloatType>(getElementTypeOrSelf(result.type));
  Scalar paddingScalar = isFloat ? ofFloat(padding.value_or(0.0))
                                 : ofInt(int64_t(padding.value_or(0.0)));
  result.data = gather<Scalar>(sources, paddingScalar, [&](int i) -> auto & {
    return operands[i]->data;
  });
  if (llvm::any_of(operands, [](auto &t) { return !t->step.empty(); }))
    for (Source source : sources)
      result.step.push_back(
          source.operand < 0 ? 0.0
                             : operands[source.operand]->getStep(source.index));
  for (const TensorRef &operand : operands)
    result.isInexact |= operand->isInexact;
  result.quantized = moveQuantized(sources, operands, padding);
  result.accumulator = moveAccumulator(op, operands[0]);
  set(op.getResult(0), std::move(result));
  return true;
}
