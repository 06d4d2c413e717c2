//===- Externalize.cpp - Take a model's code out of its context --*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Copies the functions reachable from the entry without their constants, which
// stay where they are and are bound by address: large weights are neither
// copied, nor hashed, nor folded, nor put into LLVM IR. Ops of the qopt dialect
// become plain calls, everything else must be upstream IR that this back end
// knows.
//
//===----------------------------------------------------------------------===//
#include "CpuCompiler.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

//===----------------------------------------------------------------------===//
// What can be executed
//===----------------------------------------------------------------------===//

static LogicalResult verifyElementType(Type type) {
  return success(type.isF16() || type.isBF16() || type.isF32() ||
                 type.isF64() || type.isIndex() ||
                 (type.isSignlessInteger() &&
                  llvm::is_contained({1u, 8u, 16u, 32u, 64u},
                                     type.getIntOrFloatBitWidth())));
}

/// Reports the first thing about `op` that cannot be executed.
static LogicalResult verifyExecutable(Operation *op) {
  for (Region &region : op->getRegions())
    if (!region.empty() && !region.hasOneBlock())
      return op->emitError()
             << "cannot be executed on the CPU: unstructured control flow";
  static const llvm::StringSet<> kDialects = {"affine", "arith", "builtin",
                                              "func",   "index", "linalg",
                                              "math",   "tensor"};
  bool known =
      kDialects.contains(op->getName().getDialectNamespace()) ||
      isa<cf::AssertOp, scf::ForOp, scf::WhileOp, scf::ConditionOp, scf::IfOp,
          scf::IndexSwitchOp, scf::YieldOp, ObserveOp, CompositeOp, YieldOp,
          quant::QuantizeCastOp, quant::DequantizeCastOp, quant::StorageCastOp>(
          op);
  if (!known || !op->isRegistered())
    return op->emitError() << "cannot be executed on the CPU: only upstream "
                              "linalg, tensor, arith, math and func ops and "
                              "sequential scf ops can";
  for (Type type : op->getResultTypes()) {
    auto shaped = dyn_cast<ShapedType>(type);
    // Casts are lowered before anything else looks at their types.
    if (isa<quant::QuantizeCastOp, quant::StorageCastOp>(op) &&
        isa<RankedTensorType>(type) &&
        isa<quant::QuantizedType>(shaped.getElementType()))
      continue;
    if (shaped && (!isa<RankedTensorType>(type) ||
                   failed(verifyElementType(shaped.getElementType()))))
      return op->emitError()
             << "cannot be executed on the CPU: result of type " << type;
  }
  if (auto observe = dyn_cast<ObserveOp>(op)) {
    auto type = cast<RankedTensorType>(observe.getInput().getType());
    if (!type.getElementType().isF32() || !type.hasStaticShape())
      return op->emitError()
             << "only f32 tensors of static shape can be observed, not "
             << type;
  }
  return success();
}

/// The entry takes and gives static tensors only.
static LogicalResult verifySignature(func::FuncOp entry) {
  if (entry.isExternal())
    return entry.emitError() << "the entry function has no body";
  auto check = [&](Type type) -> LogicalResult {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (tensor && tensor.hasStaticShape() && !tensor.getEncoding() &&
        succeeded(verifyElementType(tensor.getElementType())) &&
        succeeded(getDenseByteSize(tensor)))
      return success();
    return entry.emitError() << "arguments and results must be tensors of "
                                "static shape to be executed on the CPU, not "
                             << type;
  };
  for (Type type : entry.getArgumentTypes())
    if (failed(check(type)))
      return failure();
  for (Type type : entry.getResultTypes())
    if (failed(check(type)))
      return failure();
  return success();
}

/// `entry` and every function that calls lead to, in call order.
static FailureOr<SetVector<func::FuncOp>> findReachable(ModuleOp module,
                                                        func::FuncOp entry) {
  SetVector<func::FuncOp> reachable;
  reachable.insert(entry);
  for (size_t i = 0; i < reachable.size(); ++i) {
    func::FuncOp function = reachable[i];
    WalkResult result = function.walk([&](func::CallOp call) {
      auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
      if (!callee || callee.isExternal()) {
        call.emitError() << "cannot be executed on the CPU: function '"
                         << call.getCallee() << "' has no body";
        return WalkResult::interrupt();
      }
      reachable.insert(callee);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return failure();
  }
  return reachable;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

/// i1 is stored in bits by attributes, in bytes by loads.
static std::unique_ptr<char[]> unpackBools(DenseElementsAttr attr) {
  auto bytes = std::make_unique<char[]>(attr.getNumElements());
  size_t i = 0;
  for (bool value : attr.getValues<bool>())
    bytes[i++] = value;
  return bytes;
}

/// Binds `attr`, a constant that is not a splat.
static FailureOr<Weight> bindWeight(ElementsAttr attr, Operation *op) {
  auto emitError = [&] { return op->emitError(); };
  FailureOr<int64_t> size = getDenseByteSize(attr.getShapedType());
  if (failed(size))
    return op->emitError() << "cannot be executed on the CPU: constant of type "
                           << attr.getType();
  Weight weight;
  ArrayRef<char> data;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    if (failed(verifyResource(attr, emitError)))
      return failure();
    data = resource.getRawHandle().getBlob()->getData();
  } else if (auto dense = dyn_cast<DenseIntOrFPElementsAttr>(attr)) {
    if (dense.getElementType().isInteger(1)) {
      weight.owned = unpackBools(dense);
      data = ArrayRef(weight.owned.get(), *size);
    } else {
      data = dense.getRawData();
    }
  }
  if (static_cast<int64_t>(data.size()) != *size)
    return op->emitError() << "constant holds " << data.size()
                           << " bytes, but its type " << attr.getType()
                           << " needs " << *size;
  constexpr uintptr_t kMaxAlignment = 8;
  if (reinterpret_cast<uintptr_t>(data.data()) % kMaxAlignment &&
      !attr.getElementType().isInteger(8)) {
    weight.owned = std::make_unique<char[]>(*size);
    memcpy(weight.owned.get(), data.data(), *size);
    data = ArrayRef(weight.owned.get(), *size);
  }
  weight.data = data.data();
  return weight;
}

namespace {
/// Rewrites the copied functions.
class Externalizer {
public:
  Externalizer(ModuleOp clone) : clone(clone), builder(clone.getContext()) {}

  /// Constants into calls of weight markers. Splats stay.
  LogicalResult externalizeConstants();
  /// Observe op number N, as counted in the original, into marker N.
  void externalizeObserve(ObserveOp op, std::optional<int64_t> index);
  /// Composites into the ops they hold.
  void inlineComposites();

  std::vector<Weight> takeWeights() { return std::move(weights); }

private:
  func::FuncOp getMarker(StringRef prefix, int64_t index, FunctionType type);

  ModuleOp clone;
  OpBuilder builder;
  std::vector<Weight> weights;
};
} // namespace

func::FuncOp Externalizer::getMarker(StringRef prefix, int64_t index,
                                     FunctionType type) {
  std::string name = (prefix + Twine(index)).str();
  if (auto existing = clone.lookupSymbol<func::FuncOp>(name))
    return existing;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(clone.getBody());
  auto marker = func::FuncOp::create(builder, clone.getLoc(), name, type);
  marker.setPrivate();
  return marker;
}

LogicalResult Externalizer::externalizeConstants() {
  DenseMap<Attribute, int64_t> indexOf;
  SmallVector<arith::ConstantOp> constants;
  clone.walk([&](arith::ConstantOp op) {
    if (isa<ShapedType>(op.getType()))
      constants.push_back(op);
  });
  for (arith::ConstantOp op : constants) {
    auto attr = dyn_cast<ElementsAttr>(op.getValue());
    if (!attr)
      return op.emitError() << "cannot be executed on the CPU: constant of "
                               "type "
                            << op.getType();
    auto dense = dyn_cast<DenseElementsAttr>(attr);
    if ((dense && dense.isSplat()) ||
        attr.getShapedType().getNumElements() == 0)
      continue;
    auto [it, isNew] = indexOf.try_emplace(attr, weights.size());
    if (isNew) {
      FailureOr<Weight> weight = bindWeight(attr, op);
      if (failed(weight))
        return failure();
      weights.push_back(std::move(*weight));
    }
    func::FuncOp marker = getMarker(kWeightMarker, it->second,
                                    builder.getFunctionType({}, op.getType()));
    builder.setInsertionPoint(op);
    auto call = func::CallOp::create(builder, op.getLoc(), marker);
    op.replaceAllUsesWith(call.getResult(0));
    op.erase();
  }
  return success();
}

void Externalizer::externalizeObserve(ObserveOp op,
                                      std::optional<int64_t> index) {
  if (index) {
    func::FuncOp marker =
        getMarker(kObserveMarker, *index,
                  builder.getFunctionType(op.getInput().getType(), {}));
    builder.setInsertionPoint(op);
    func::CallOp::create(builder, op.getLoc(), marker, op.getInput());
  }
  Value result = op.getInput();
  // A type without statistics is the producer's: the edge is rounded.
  if (op.getType() && !op.getStats()) {
    builder.setInsertionPoint(op);
    result = buildFakeQuantize(builder, op);
  }
  op.replaceAllUsesWith(result);
  op.erase();
}

void Externalizer::inlineComposites() {
  // Post-order: inner composites first.
  clone.walk([&](CompositeOp op) {
    Block &body = op.getBody().front();
    Operation *yield = body.getTerminator();
    for (auto [arg, input] : llvm::zip(body.getArguments(), op.getInputs()))
      arg.replaceAllUsesWith(input);
    for (auto [result, value] :
         llvm::zip(op.getResults(), yield->getOperands()))
      result.replaceAllUsesWith(value);
    yield->erase();
    op->getBlock()->getOperations().splice(Block::iterator(op),
                                           body.getOperations());
    op.erase();
  });
}

//===----------------------------------------------------------------------===//
// Entry point
//===----------------------------------------------------------------------===//

FailureOr<ExternalizedModel>
cpu::externalizeModel(ModuleOp module, func::FuncOp entry, bool keepObservers) {
  if (failed(verifySignature(entry)))
    return failure();
  // What casts and observers become; a model of casts alone has none of it.
  module.getContext()
      ->loadDialect<arith::ArithDialect, linalg::LinalgDialect,
                    math::MathDialect, tensor::TensorDialect>();
  auto reachable = findReachable(module, entry);
  if (failed(reachable))
    return failure();
  for (func::FuncOp function : *reachable) {
    WalkResult result = function.walk<WalkOrder::PreOrder>([](Operation *op) {
      return failed(verifyExecutable(op)) ? WalkResult::interrupt()
                                          : WalkResult::advance();
    });
    if (result.wasInterrupted())
      return failure();
  }

  DenseMap<Operation *, int64_t> observeIndex;
  module.walk(
      [&](ObserveOp op) { observeIndex.try_emplace(op, observeIndex.size()); });

  OwningOpRef<ModuleOp> clone = ModuleOp::create(module.getLoc());
  Externalizer externalizer(*clone);
  SmallVector<std::pair<ObserveOp, int64_t>> observes;
  for (func::FuncOp function : *reachable) {
    IRMapping mapping;
    auto copy = cast<func::FuncOp>(function->clone(mapping));
    clone->push_back(copy);
    if (function != entry)
      copy.setPrivate();
    copy.removeArgAttrsAttr();
    copy.removeResAttrsAttr();
    function.walk([&](ObserveOp op) {
      observes.emplace_back(cast<ObserveOp>(mapping.lookup(op.getOperation())),
                            observeIndex.lookup(op));
    });
    if (failed(lowerQuantTypes(copy)))
      return failure();
    nameChecks(copy);
    copy.walk([](Operation *op) {
      op->setDiscardableAttrs(ArrayRef<NamedAttribute>());
    });
  }
  for (auto [op, index] : observes)
    externalizer.externalizeObserve(op, keepObservers ? std::optional(index)
                                                      : std::nullopt);
  externalizer.inlineComposites();
  if (failed(externalizer.externalizeConstants()))
    return failure();

  ExternalizedModel model;
  model.weights = externalizer.takeWeights();
  llvm::raw_string_ostream os(model.bytecode);
  if (failed(writeBytecodeToFile(*clone, os)))
    return entry.emitError() << "cannot be serialized";
  return model;
}
