//===- StripLeftovers.cpp - Exporters' own ops ------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Globals that never change are constants, barriers are identities, casts to
// torch's types and back cancel. `ml_program` is upstream's; ops of the other
// dialects are known by name only, and come in their generic form.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/Leftovers.h"

#include "llvm/ADT/StringMap.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_STRIPLEFTOVERS
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// A global of the module and the ops that use it.
struct Global {
  Operation *op = nullptr;
  SmallVector<Operation *> loads, stores;
};
} // namespace

static bool isNamed(Operation *op, std::initializer_list<StringRef> names) {
  return llvm::is_contained(names, op->getName().getStringRef());
}

static bool isGlobal(Operation *op) {
  return isNamed(op, {"ml_program.global", "util.global"});
}

static bool isLoad(Operation *op) {
  return isNamed(op, {"ml_program.global_load", "ml_program.global_load_const",
                      "util.global.load"});
}

static bool isStore(Operation *op) {
  return isNamed(op, {"ml_program.global_store",
                      "ml_program.global_store_graph", "util.global.store"});
}

/// What a global holds at first, or null.
static TypedAttr getInitialValue(Operation *global) {
  for (StringRef name : {"value", "initial_value"})
    if (auto value = global->getAttrOfType<TypedAttr>(name))
      if (isa<ElementsAttr, FloatAttr, IntegerAttr>(value))
        return value;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Globals
//===----------------------------------------------------------------------===//

/// Replaces the loads of `global`, which nothing stores to, by its value.
static LogicalResult replaceLoads(StringRef name, const Global &global) {
  TypedAttr value = getInitialValue(global.op);
  for (Operation *load : global.loads) {
    if (!value)
      return load->emitError()
             << "global '@" << name
             << "' has no value in the file; export the model with its weights";
    if (load->getNumResults() != 1 ||
        load->getResult(0).getType() != value.getType())
      return load->emitError() << "global '@" << name << "' is "
                               << value.getType() << ", not what is loaded";
    OpBuilder builder(load);
    load->getResult(0).replaceAllUsesWith(
        arith::ConstantOp::create(builder, load->getLoc(), value));
    load->erase();
  }
  return success();
}

/// Constants instead of globals; globals without users vanish.
static LogicalResult stripGlobals(ModuleOp module) {
  llvm::StringMap<Global> globals;
  module.walk([&](Operation *op) {
    if (isGlobal(op))
      if (auto name = op->getAttrOfType<StringAttr>("sym_name"))
        globals[name.getValue()].op = op;
    if (isLoad(op) || isStore(op))
      if (auto name = op->getAttrOfType<SymbolRefAttr>("global")) {
        Global &global = globals[name.getRootReference().getValue()];
        (isLoad(op) ? global.loads : global.stores).push_back(op);
      }
  });
  for (auto &[name, global] : globals) {
    if (!global.op) {
      Operation *user =
          global.loads.empty() ? global.stores.front() : global.loads.front();
      return user->emitError() << "there is no global named '@" << name << "'";
    }
    if (!global.loads.empty() && !global.stores.empty()) {
      InFlightDiagnostic diagnostic =
          global.stores.front()->emitError()
          << "global '@" << name
          << "' is state that the model changes, which cannot be imported; "
             "pass it in and out as an argument and a result";
      diagnostic.attachNote(global.loads.front()->getLoc()) << "loaded here";
      return diagnostic;
    }
    if (failed(replaceLoads(name, global)))
      return failure();
    // What is stored and never loaded changes no result.
    for (Operation *store : global.stores) {
      for (Value result : store->getResults())
        if (!result.use_empty())
          return store->emitError()
                 << "op '" << store->getName()
                 << "' cannot be imported: " << getLoweringAdvice("ml_program");
      store->erase();
    }
    global.op->erase();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Functions, identities, attributes
//===----------------------------------------------------------------------===//

/// `ml_program.func` and `.subgraph`, `util.func` -> `func.func`.
static LogicalResult convertFunction(Operation *op) {
  auto name = op->getAttrOfType<StringAttr>("sym_name");
  auto type = op->getAttrOfType<TypeAttr>("function_type");
  auto functionType =
      type ? dyn_cast<FunctionType>(type.getValue()) : FunctionType();
  if (!name || !functionType || op->getNumRegions() != 1)
    return op->emitError() << "op '" << op->getName()
                           << "' has no name, type or body to import";
  OpBuilder builder(op);
  auto function =
      func::FuncOp::create(builder, op->getLoc(), name, functionType);
  if (auto visibility = op->getAttrOfType<StringAttr>("sym_visibility"))
    function.setSymVisibilityAttr(visibility);
  if (auto attrs = op->getAttrOfType<ArrayAttr>("arg_attrs"))
    function.setArgAttrsAttr(attrs);
  if (auto attrs = op->getAttrOfType<ArrayAttr>("res_attrs"))
    function.setResAttrsAttr(attrs);
  function.getBody().takeBody(op->getRegion(0));
  for (Block &block : function.getBody()) {
    Operation *last = block.empty() ? nullptr : &block.back();
    if (!last || !isNamed(last, {"ml_program.return", "ml_program.output",
                                 "util.return"}))
      continue;
    builder.setInsertionPoint(last);
    func::ReturnOp::create(builder, last->getLoc(), last->getOperands());
    last->erase();
  }
  op->erase();
  return success();
}

/// Replaces ops that give what they take. True if `op` was one.
static bool stripIdentity(Operation *op) {
  if (isNamed(op, {"util.optimization_barrier", "util.assume.int",
                   "util.numeric.optional_narrow"}) &&
      op->getNumResults() <= op->getNumOperands()) {
    auto operands = op->getOperands().take_front(op->getNumResults());
    if (!llvm::equal(operands.getTypes(), op->getResultTypes()))
      return false;
    op->replaceAllUsesWith(operands);
    op->erase();
    return true;
  }
  // A cast to torch's types and back.
  if (isNamed(op, {"torch_c.to_builtin_tensor", "torch_c.to_f64",
                   "torch_c.to_i64", "torch_c.to_i1"}) &&
      op->getNumOperands() == 1 && op->getNumResults() == 1) {
    Operation *from = op->getOperand(0).getDefiningOp();
    if (!from ||
        !isNamed(from, {"torch_c.from_builtin_tensor", "torch_c.from_f64",
                        "torch_c.from_i64", "torch_c.from_i1"}) ||
        from->getNumOperands() != 1 ||
        from->getOperand(0).getType() != op->getResult(0).getType())
      return false;
    op->replaceAllUsesWith(from->getOperands());
    op->erase();
    if (from->use_empty())
      from->erase();
    return true;
  }
  if (isNamed(op, {"util.unfoldable_constant"}) && op->getNumResults() == 1)
    if (auto value = op->getAttrOfType<TypedAttr>("value");
        value && value.getType() == op->getResult(0).getType()) {
      OpBuilder builder(op);
      op->getResult(0).replaceAllUsesWith(
          arith::ConstantOp::create(builder, op->getLoc(), value));
      op->erase();
      return true;
    }
  return false;
}

/// Without the attributes of exporters' dialects; null stays null.
static DictionaryAttr stripAttributes(DictionaryAttr attrs) {
  if (!attrs)
    return attrs;
  SmallVector<NamedAttribute> kept;
  for (NamedAttribute attr : attrs)
    if (auto [dialect, rest] = attr.getName().getValue().split('.');
        rest.empty() || !isLeftoverDialect(dialect))
      kept.push_back(attr);
  return DictionaryAttr::get(attrs.getContext(), kept);
}

static void stripAttributes(Operation *op) {
  op->setDiscardableAttrs(stripAttributes(op->getDiscardableAttrDictionary()));
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (DictionaryAttr attrs = function.getArgAttrDict(i))
      function.setArgAttrs(i, stripAttributes(attrs));
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (DictionaryAttr attrs = function.getResultAttrDict(i))
      function.setResultAttrs(i, stripAttributes(attrs));
}

namespace {
struct StripLeftovers : public qopt::impl::StripLeftoversBase<StripLeftovers> {
  using StripLeftoversBase::StripLeftoversBase;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<Operation *> functions;
    for (Operation &op : module.getBody()->getOperations())
      if (isNamed(&op, {"ml_program.func", "ml_program.subgraph", "util.func"}))
        functions.push_back(&op);
    for (Operation *function : functions)
      if (failed(convertFunction(function)))
        return signalPassFailure();
    if (failed(stripGlobals(module)))
      return signalPassFailure();
    module.walk([](Operation *op) { (void)stripIdentity(op); });
    WalkResult result = module.walk([](Operation *op) {
      StringRef dialect = op->getName().getDialectNamespace();
      if (isLeftoverDialect(dialect)) {
        op->emitError() << "op '" << op->getName() << "' cannot be imported: "
                        << getLoweringAdvice(dialect);
        return WalkResult::interrupt();
      }
      stripAttributes(op);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
