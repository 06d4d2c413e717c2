//===- NarrowTensors.cpp - f32 tensors in 16 bits --------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One walk in program order. Elementwise ops decide whether their results are
// narrow; movement and concatenation follow their sources; contractions read
// narrow operands; every reader extends inside its body. A value that some
// reader needs in f32 after all is extended by an op of its own.
//
//===----------------------------------------------------------------------===//
#include "NarrowTensors.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/FunctionBounds.h"
#include "QuantOpt/Analysis/MulAdd.h"
#include "QuantOpt/Conversion/RoundConstants.h"
#include "QuantOpt/Support/HalfPrecision.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

/// What intervals ignore: the rounding of f32 arithmetic.
static constexpr double kSlack = 1.001;

static bool readsInit(linalg::LinalgOp op, unsigned result) {
  return !op.getBlock()->getArgument(op.getNumDpsInputs() + result).use_empty();
}

static bool isFloatContraction(linalg::LinalgOp op) {
  std::optional<MulAdd> mulAdd = matchMulAdd(op);
  return mulAdd && mulAdd->lhs == MulAdd::Factor::F32;
}

namespace {
class Narrower {
public:
  Narrower(func::FuncOp function, FloatType type, NarrowingListener listener)
      : function(function), type(type), listener(listener), ranges(function) {}
  void run();

private:
  void pinInterfaces();
  void visitLinalg(linalg::LinalgOp op);
  void visitMovement(Operation *op, ArrayRef<Value> sources);
  void noteStatistics(linalg::LinalgOp op);
  /// Whether result `i` of an elementwise op becomes narrow.
  bool decide(linalg::LinalgOp op, unsigned i, ArrayRef<Value> inputs);
  /// The narrow twin of `value` where there is one or one costs nothing: of
  /// constants, fills and empty tensors.
  Value getTwin(Value value);
  Value roundConstant(arith::ConstantOp op);
  /// The twin of an operand of a contraction, made if needed.
  Value getOperandTwin(Value value);
  std::string describeBounds(Value value);
  std::string describeMasks(linalg::LinalgOp op);
  bool isStored(Value value);
  void narrowLookups(linalg::LinalgOp op);
  /// Readers of `wide` get `narrow`, now or at the end.
  void replace(Value wide, Value narrow) {
    twins[wide] = narrow;
    replaced.push_back(wide);
    dead.insert(wide.getDefiningOp());
  }
  /// Readers of `from` get `to`, of the same type.
  void forward(Value from, Value to);
  void finish();

  func::FuncOp function;
  FloatType type;
  NarrowingListener listener;
  FunctionBounds ranges;
  /// Narrow tensors that hold the rounded values of f32 ones.
  DenseMap<Value, Value> twins;
  /// The f32 tensors whose readers all get the twin.
  SmallVector<Value> replaced;
  /// Ops whose work others do now. They go at the end: until then values are
  /// keys.
  llvm::SetVector<Operation *> dead;
  /// Constants that do not fit, told once.
  DenseSet<Value> misfits;
  DenseSet<Value> pinned;
  /// Results of reductions, and what is computed of them alone.
  DenseSet<Value> statistics;
};
} // namespace

/// What leaves the function or goes round a loop stays f32, with whatever it is
/// moved from.
void Narrower::pinInterfaces() {
  SmallVector<Value> worklist;
  function.walk([&](Operation *op) {
    if (isa<func::ReturnOp, func::CallOp, scf::YieldOp, scf::ConditionOp,
            LoopLikeOpInterface>(op))
      llvm::append_range(worklist, op->getOperands());
  });
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (!isF32Tensor(value) || !pinned.insert(value).second)
      continue;
    Operation *op = value.getDefiningOp();
    if (!op)
      continue;
    llvm::append_range(worklist, getMoved(op));
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      if (Value copied = getCopied(linalgOp))
        worklist.push_back(copied);
  }
}

void Narrower::noteStatistics(linalg::LinalgOp op) {
  auto isStatistic = [&](Value input) {
    return statistics.contains(input) || getConstantElements(input);
  };
  bool computed = false;
  if (op.getNumReductionLoops()) {
    // Not pools, whose results are as many as their operands about.
    computed = !isFloatContraction(op) &&
               llvm::all_of(op.getIndexingMapsArray(), [](AffineMap map) {
                 return map.isProjectedPermutation(/*allowZeroInResults=*/true);
               });
  } else {
    computed = llvm::any_of(op.getDpsInputs(),
                            [&](Value v) { return statistics.contains(v); }) &&
               llvm::all_of(op.getDpsInputs(), isStatistic);
  }
  for (Value result : op->getResults())
    if (computed && isF32Tensor(result))
      statistics.insert(result);
}

Value Narrower::roundConstant(arith::ConstantOp op) {
  std::string misfit;
  ElementsAttr rounded =
      qopt::roundConstant(cast<ElementsAttr>(op.getValue()), type, misfit);
  if (!rounded) {
    if (misfits.insert(op).second)
      listener(op.getLoc(), misfit);
    return nullptr;
  }
  OpBuilder builder(op);
  return makeConstant(builder, op.getLoc(), rounded);
}

Value Narrower::getTwin(Value value) {
  auto it = twins.find(value);
  if (it != twins.end())
    return it->second;
  if (!isF32Tensor(value))
    return nullptr;
  Value twin;
  if (auto constant = value.getDefiningOp<arith::ConstantOp>()) {
    if (!misfits.contains(value))
      twin = roundConstant(constant);
  } else if (auto empty = value.getDefiningOp<tensor::EmptyOp>()) {
    OpBuilder builder(empty);
    twin = tensor::EmptyOp::create(builder, empty.getLoc(),
                                   empty.getType().getShape(), type);
  } else if (auto fill = value.getDefiningOp<linalg::FillOp>()) {
    FloatAttr number;
    if (!matchPattern(fill.value(), m_Constant(&number)))
      return nullptr;
    double scalar = number.getValueAsDouble();
    if (!std::isinf(scalar) && !describeMisfit(scalar, scalar, type).empty())
      return nullptr;
    OpBuilder builder(fill);
    auto splat = DenseElementsAttr::get(
        RankedTensorType::get({}, builder.getF32Type()), float(scalar));
    std::string misfit;
    auto rounded = dyn_cast_or_null<DenseElementsAttr>(
        qopt::roundConstant(splat, type, misfit));
    if (!rounded)
      return nullptr;
    Value number16 = arith::ConstantOp::create(
        builder, fill.getLoc(), rounded.getSplatValue<TypedAttr>());
    Value empty = tensor::EmptyOp::create(
        builder, fill.getLoc(),
        cast<RankedTensorType>(value.getType()).getShape(), type);
    twin = linalg::FillOp::create(builder, fill.getLoc(), number16, empty)
               .getResult(0);
  }
  if (twin)
    twins[value] = twin;
  return twin;
}

/// Why `value` may not fit; empty if it does.
std::string Narrower::describeBounds(Value value) {
  if (!type.isF16())
    return "";
  Bounds range = ranges.get(value);
  return describeBoundMisfit(range.low * kSlack, range.high * kSlack, type);
}

Value Narrower::getOperandTwin(Value value) {
  if (Value twin = getTwin(value))
    return twin;
  if (!isF32Tensor(value) || misfits.contains(value))
    return nullptr;
  std::string misfit = describeBounds(value);
  if (!misfit.empty()) {
    misfits.insert(value);
    listener(value.getLoc(), misfit);
    return nullptr;
  }
  OpBuilder builder(function.getContext());
  builder.setInsertionPointAfterValue(value);
  return twins[value] = convertTensor(builder, value.getLoc(), value, type);
}

/// A constant that is data rather than the parameters of a channel.
bool Narrower::isStored(Value value) {
  if (!getConstantElements(value))
    return true;
  auto shape = cast<RankedTensorType>(value.getType()).getShape();
  return llvm::count_if(shape, [](int64_t extent) { return extent > 1; }) > 1;
}

bool Narrower::decide(linalg::LinalgOp op, unsigned i, ArrayRef<Value> inputs) {
  Value result = op->getResult(i);
  if (!isF32Tensor(result) || pinned.contains(result) ||
      statistics.contains(result) || readsInit(op, i) || result.use_empty())
    return false;
  if (Value copied = getCopied(op))
    return llvm::any_of(llvm::zip(op.getDpsInputs(), inputs), [&](auto pair) {
      return std::get<0>(pair) == copied &&
             std::get<0>(pair) != std::get<1>(pair);
    });
  std::string misfit =
      type.isF16() ? describeBounds(result) : describeMasks(op);
  if (!misfit.empty())
    listener(op.getLoc(), misfit);
  return misfit.empty();
}

/// bf16 has the range of f32 but for the last 0.4 %, where masks are: the
/// lowest f32 number would become infinite, and a row of these NaN.
std::string Narrower::describeMasks(linalg::LinalgOp op) {
  std::string misfit;
  op.getBlock()->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands()) {
      Bounds range = ranges.get(operand);
      if (std::isfinite(range.getMagnitude()) && misfit.empty() &&
          range.getMagnitude() > quantmath::kMaxBF16)
        misfit =
            "it reads masks; " + describeMisfit(range.low, range.high, type);
    }
  });
  return misfit;
}

/// table[i] → extf(narrow table[i]).
void Narrower::narrowLookups(linalg::LinalgOp op) {
  op.getBlock()->walk([&](tensor::ExtractOp lookup) {
    Value twin = getTwin(lookup.getTensor());
    if (!twin || dead.contains(lookup))
      return;
    OpBuilder builder(lookup);
    Value element = tensor::ExtractOp::create(builder, lookup.getLoc(), twin,
                                              lookup.getIndices());
    lookup.replaceAllUsesWith(
        convertScalar(builder, lookup.getLoc(), element, builder.getF32Type()));
    dead.insert(lookup);
  });
}

void Narrower::forward(Value from, Value to) {
  from.replaceAllUsesWith(to);
  ranges.copy(from, to);
  if (pinned.contains(from))
    pinned.insert(to);
  if (statistics.contains(from))
    statistics.insert(to);
}

void Narrower::visitLinalg(linalg::LinalgOp op) {
  if (isa<linalg::FillOp>(op) || !op.hasPureTensorSemantics())
    return;
  noteStatistics(op);
  bool isContraction = isFloatContraction(op);
  // Parameters of an epilogue decide integers: they stay exact.
  bool readsAccumulator = llvm::any_of(op.getDpsInputs(), [](Value input) {
    return getElementTypeOrSelf(input.getType()).isInteger(32);
  });
  SmallVector<Value> inputs;
  bool changes = false;
  for (Value input : op.getDpsInputs()) {
    Value twin;
    if (isContraction)
      twin = getOperandTwin(input);
    else if (twins.contains(input) || (getConstantElements(input) &&
                                       isStored(input) && !readsAccumulator))
      twin = getTwin(input);
    changes |= bool(twin);
    inputs.push_back(twin ? twin : input);
  }
  SmallVector<bool> isNarrow(op->getNumResults(), false);
  if (op.getNumReductionLoops() == 0)
    for (unsigned i = 0; i < isNarrow.size(); ++i)
      changes |= isNarrow[i] = decide(op, i, inputs);

  // Named ops have no lookups.
  if (isa<linalg::GenericOp>(*op))
    narrowLookups(op);
  if (!changes)
    return;
  if (op.getNumReductionLoops() || llvm::is_contained(isNarrow, true))
    listener(op.getLoc(), "");
  linalg::GenericOp narrow = rebuildNarrow(op, inputs, isNarrow, type);
  dead.insert(op);
  for (auto [from, to, becameNarrow] :
       llvm::zip(op->getResults(), narrow.getResults(), isNarrow)) {
    if (becameNarrow)
      replace(from, to);
    else
      forward(from, to);
  }
}

void Narrower::visitMovement(Operation *op, ArrayRef<Value> sources) {
  Value result = op->getResult(0);
  if (llvm::all_of(sources, [&](Value v) { return statistics.contains(v); }))
    statistics.insert(result);
  if (!isF32Tensor(result) || pinned.contains(result) ||
      llvm::none_of(sources, [&](Value v) { return twins.contains(v); }))
    return;
  IRMapping mapping;
  for (Value source : sources) {
    Value twin = getTwin(source);
    if (!twin)
      return;
    mapping.map(source, twin);
  }
  OpBuilder builder(op);
  if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    Value padding = pad.getConstantPaddingValue();
    FloatAttr number;
    if (!matchPattern(padding, m_Constant(&number)))
      return;
    APFloat value = number.getValue();
    bool loses;
    value.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                  &loses);
    if (value.isInfinity() && !number.getValue().isInfinity())
      return;
    mapping.map(padding,
                arith::ConstantOp::create(builder, op->getLoc(),
                                          FloatAttr::get(type, value)));
  }
  Operation *copy = builder.clone(*op, mapping);
  copy->getResult(0).setType(
      cast<RankedTensorType>(result.getType()).clone(type));
  replace(result, copy->getResult(0));
}

void Narrower::run() {
  pinInterfaces();
  SmallVector<Operation *> ops;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    ops.push_back(op);
    return isa<linalg::LinalgOp, tensor::PadOp>(op) ? WalkResult::skip()
                                                    : WalkResult::advance();
  });
  for (Operation *op : ops) {
    if (auto generic = dyn_cast<linalg::GenericOp>(op);
        generic && isExtension(generic, type) &&
        !pinned.contains(generic.getResult(0)))
      replace(generic.getResult(0), generic.getDpsInputs()[0]);
    else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      visitLinalg(linalgOp);
    else if (SmallVector<Value> sources = getMoved(op); !sources.empty())
      visitMovement(op, sources);
  }
  finish();
}

void Narrower::finish() {
  for (Value wide : replaced) {
    auto isLive = [&](OpOperand &use) {
      for (Operation *op = use.getOwner(); op != function;
           op = op->getParentOp())
        if (dead.contains(op))
          return false;
      return true;
    };
    if (llvm::none_of(wide.getUses(), isLive))
      continue;
    OpBuilder builder(function.getContext());
    builder.setInsertionPointAfterValue(twins[wide]);
    Value extended = convertTensor(builder, wide.getLoc(), twins[wide],
                                   builder.getF32Type());
    wide.replaceUsesWithIf(extended, isLive);
  }
  // Uses before definitions, nested ops before those that hold them.
  SmallVector<Operation *> order;
  function.walk([&](Operation *op) {
    if (dead.contains(op))
      order.push_back(op);
  });
  for (Operation *op : llvm::reverse(order))
    op->dropAllUses();
  for (Operation *op : order)
    op->erase();
  IRRewriter rewriter(function.getContext());
  (void)runRegionDCE(rewriter, function->getRegions());
}

void mlir::qopt::narrowTensors(func::FuncOp function, FloatType type,
                               NarrowingListener listener) {
  Narrower(function, type, listener).run();
}
