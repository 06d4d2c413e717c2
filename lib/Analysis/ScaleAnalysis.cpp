//===- ScaleAnalysis.cpp - Which edges should agree on a type -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/ScaleAnalysis.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Analysis/ValueRanges.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/IntEqClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::qopt;

/// A type with no statistics under it came with the model.
static quant::UniformQuantizedType getFinalType(ObserveOp op) {
  if (op.getStats() || !op.getType())
    return nullptr;
  return dyn_cast<quant::UniformQuantizedType>(*op.getType());
}

/// An observer right on another: the model requantizes there on purpose.
static bool isRequantization(ObserveOp op) {
  return op.getInput().getDefiningOp<ObserveOp>() != nullptr;
}

/// Control flow and functions; the regions of other ops compute elements.
static bool holdsTensorOps(Operation *op) {
  return isa<ModuleOp, FunctionOpInterface, RegionBranchOpInterface>(op);
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

ScaleAnalysis::ScaleAnalysis(ModuleOp module, PickNext pick) {
  numberValues(module);
  module->walk<WalkOrder::PreOrder>([&](Operation *op) {
    addLinks(op);
    return holdsTensorOps(op) ? WalkResult::advance() : WalkResult::skip();
  });
  solveFacts(pick);
  activateLinks();
  findDemands(module);
  solveStates(pick);
  makeGroups();
  for (Edge &edge : edges)
    findReaders(edge);
}

void ScaleAnalysis::number(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !isa<FloatType>(type.getElementType()))
    return;
  numbers[value] = values.size();
  values.push_back(value);
}

void ScaleAnalysis::numberValues(ModuleOp module) {
  module->walk<WalkOrder::PreOrder>([&](Operation *op) {
    for (Value result : op->getResults())
      number(result);
    if (!holdsTensorOps(op))
      return WalkResult::skip();
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value argument : block.getArguments())
          number(argument);
    return WalkResult::advance();
  });
  linksFrom.resize(values.size());
  linksTo.resize(values.size());
  initial.resize(values.size());
}

void ScaleAnalysis::addLink(Link::Kind kind, Operation *op, ValueRange from,
                            Value to, Interval limits) {
  auto target = numbers.find(to);
  if (target == numbers.end())
    return;
  Link link{kind, op, {}, target->second, limits};
  for (Value value : from)
    if (auto it = numbers.find(value); it != numbers.end())
      link.from.push_back(it->second);
  unsigned index = links.size();
  linksTo[link.to].push_back(index);
  for (unsigned value : link.from)
    if (linksFrom[value].empty() || linksFrom[value].back() != index)
      linksFrom[value].push_back(index);
  links.push_back(std::move(link));
}

void ScaleAnalysis::addLinks(Operation *op) {
  if (auto observer = dyn_cast<ObserveOp>(op)) {
    if (quant::UniformQuantizedType type = getFinalType(observer))
      initial[numbers.lookup(observer.getResult())] =
          ScaleState::final(type, edges.size());
    edgeOf[op] = edges.size();
    edges.emplace_back();
    edges.back().op = observer;
    linksOfUse[&observer.getInputMutable()].push_back(links.size());
    addLink(Link::Kind::Observe, op, observer.getInput(), observer.getResult());
    return;
  }
  SmallVector<SameScaleOp> sameScale = getSameScale(op);
  for (const SameScaleOp &entry : sameScale) {
    SmallVector<Value> from;
    for (OpOperand *operand : entry.operands) {
      from.push_back(operand->get());
      linksOfUse[operand].push_back(links.size());
    }
    size_t before = links.size();
    addLink(Link::Kind::SameScale, op, from, entry.result);
    if (links.size() == before) // no float tensor
      for (OpOperand *operand : entry.operands)
        linksOfUse[operand].pop_back();
  }
  if (!sameScale.empty())
    return;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (std::optional<Clamp> clamp = generic ? matchClamp(generic) : std::nullopt)
    addLink(Link::Kind::Clamp, op, getMainInput(generic)->get(),
            generic.getResult(0), {clamp->low, clamp->high});
}

/// What a tensor holds that no equation is about.
ValueFacts ScaleAnalysis::getInitialFacts(Value value) const {
  Operation *op = value.getDefiningOp();
  if (!op)
    return {Content::Reals, Interval::everything()};
  if (isa<tensor::EmptyOp>(op))
    return {};
  Value scalar = value;
  if (auto fill = dyn_cast<linalg::FillOp>(op))
    scalar = fill.getInputs()[0];
  // Reading all of a large constant for its limits would not pay.
  if (std::optional<double> c = getConstantScalar(scalar))
    return {Content::Nothing, {*c, *c}};
  if (getConstantElements(value))
    return {Content::Nothing, Interval::everything()};
  return {Content::Reals, getResultRange(op)};
}

//===----------------------------------------------------------------------===//
// Facts: forward
//===----------------------------------------------------------------------===//

void ScaleAnalysis::solveFacts(PickNext pick) {
  facts.resize(values.size());
  std::vector<SmallVector<unsigned>> dependents(values.size());
  for (const Link &link : links)
    for (unsigned value : link.from)
      dependents[value].push_back(link.to);
  auto transfer = [&](const Link &link) {
    ValueFacts result;
    for (unsigned value : link.from)
      result.join(facts[value]);
    switch (link.kind) {
    case Link::Kind::SameScale:
      return result;
    case Link::Kind::Observe:
      return ValueFacts{Content::Integers, result.range};
    case Link::Kind::Clamp:
      return ValueFacts{Content::Reals, result.range.clamp(link.limits)};
    }
    llvm_unreachable("unknown kind of link");
  };
  auto update = [&](unsigned value) {
    if (linksTo[value].empty())
      return facts[value].join(getInitialFacts(values[value]));
    bool rose = false;
    for (unsigned link : linksTo[value])
      rose |= facts[value].join(transfer(links[link]));
    return rose;
  };
  numSteps += solveFixedPoint(dependents, update, pick);
  for (Edge &edge : edges)
    edge.range = getFacts(edge.op.getInput()).range;
}

void ScaleAnalysis::activateLinks() {
  for (Link &link : links) {
    if (link.kind == Link::Kind::SameScale)
      link.isActive = facts[link.to].content == Content::Integers;
    if (link.kind == Link::Kind::Observe)
      link.isActive = !isRequantization(cast<ObserveOp>(link.op)) &&
                      facts[link.from.front()].content == Content::Integers;
    link.isJoint = link.kind == Link::Kind::SameScale && link.from.size() > 1;
    if (link.isActive)
      llvm::erase_if(link.from, [&](unsigned value) {
        return facts[value].content == Content::Nothing;
      });
  }
  // Constants take any type: they do not tie those together that read them.
  for (auto [fact, readingLinks] : llvm::zip(facts, linksFrom))
    if (fact.content == Content::Nothing)
      readingLinks.clear();
}

//===----------------------------------------------------------------------===//
// Types and demands: both ways
//===----------------------------------------------------------------------===//

void ScaleAnalysis::findDemands(ModuleOp module) {
  auto demand = [&](OpOperand *operand, unsigned demands) {
    if (auto it = numbers.find(operand->get()); it != numbers.end())
      initial[it->second].join(ScaleState::demand(demands));
  };
  module->walk([&](Operation *op) {
    if (!op->hasAttr(kQuantizeAttr))
      return;
    std::optional<Quantizable> match = matchQuantizable(op);
    if (!match)
      return;
    demand(match->activation,
           match->other ? kEightBits | kZeroPointZero : kEightBits);
    if (match->other)
      demand(match->other, kEightBits | kZeroPointZero);
  });
}

void ScaleAnalysis::solveStates(PickNext pick) {
  states.resize(values.size());
  std::vector<SmallVector<unsigned>> dependents(values.size());
  for (const Link &link : links)
    if (link.isActive)
      for (unsigned value : link.from) {
        dependents[value].push_back(link.to);
        dependents[link.to].push_back(value);
      }
  auto update = [&](unsigned value) {
    bool rose = states[value].join(initial[value]);
    for (unsigned index : linksTo[value])
      if (links[index].isActive)
        for (unsigned source : links[index].from)
          rose |= states[value].joinTypes(states[source]);
    // An observer answers the demands of its readers itself.
    for (unsigned index : linksFrom[value])
      if (links[index].isActive)
        rose |= links[index].kind == Link::Kind::SameScale
                    ? states[value].join(states[links[index].to])
                    : states[value].joinTypes(states[links[index].to]);
    return rose;
  };
  numSteps += solveFixedPoint(dependents, update, pick);
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

void ScaleAnalysis::makeGroups() {
  llvm::IntEqClasses classes(values.size());
  for (const Link &link : links)
    if (link.isActive)
      for (unsigned value : link.from)
        classes.join(value, link.to);
  classes.compress();
  DenseMap<unsigned, unsigned> groupOfClass;
  for (auto [index, edge] : llvm::enumerate(edges)) {
    unsigned value = numbers.lookup(edge.op.getResult());
    auto [it, isNew] = groupOfClass.try_emplace(classes[value], groups.size());
    if (isNew)
      groups.emplace_back();
    edge.group = it->second;
    edge.demands = states[value].getDemands();
    edge.isCarried = links[linksTo[value].front()].isActive;
    groups[edge.group].edges.push_back(index);
    groups[edge.group].state.join(states[value]);
  }
  for (const Link &link : links) {
    auto it = groupOfClass.find(classes[link.to]);
    if (link.isActive && link.isJoint && it != groupOfClass.end() &&
        !groups[it->second].joint)
      groups[it->second].joint = link.op;
  }
}

void ScaleAnalysis::findReaders(Edge &edge) const {
  llvm::SetVector<Operation *> readers;
  llvm::SetVector<Value> pending;
  pending.insert(edge.op.getResult());
  llvm::SetVector<unsigned> readingEdges;
  for (size_t i = 0; i < pending.size(); ++i) {
    // Uses are listed from the last to the first.
    SmallVector<OpOperand *> uses = llvm::map_to_vector(
        pending[i].getUses(), [](OpOperand &use) { return &use; });
    for (OpOperand *use : llvm::reverse(uses)) {
      bool isPassedOn = false;
      for (unsigned index : linksOfUse.lookup(use)) {
        const Link &link = links[index];
        if (!link.isActive)
          continue;
        isPassedOn = true;
        if (link.kind == Link::Kind::Observe)
          readingEdges.insert(edgeOf.lookup(link.op));
        else
          pending.insert(values[link.to]);
      }
      if (!isPassedOn)
        readers.insert(use->getOwner());
    }
  }
  edge.readers = llvm::to_vector(readers);
  edge.readingEdges = llvm::to_vector(readingEdges);
}

ValueFacts ScaleAnalysis::getFacts(Value value) const {
  auto it = numbers.find(value);
  return it == numbers.end()
             ? ValueFacts{Content::Reals, Interval::everything()}
             : facts[it->second];
}

ScaleState ScaleAnalysis::getState(Value value) const {
  auto it = numbers.find(value);
  return it == numbers.end() ? ScaleState() : states[it->second];
}

Operation *ScaleAnalysis::getMeetingOp(unsigned a, unsigned b) const {
  auto getNumber = [&](unsigned edge) {
    return numbers.lookup(ObserveOp(edges[edge].op).getResult());
  };
  unsigned start = getNumber(a), end = getNumber(b);
  // The shortest way; `cameBy` maps a value to the one before it and the link
  // between them.
  llvm::MapVector<unsigned, std::pair<unsigned, const Link *>> cameBy;
  cameBy[start] = {start, nullptr};
  auto visit = [&](unsigned from, const Link &link) {
    if (!link.isActive)
      return;
    cameBy.insert({link.to, {from, &link}});
    for (unsigned value : link.from)
      cameBy.insert({value, {from, &link}});
  };
  for (size_t i = 0; i < cameBy.size() && !cameBy.contains(end); ++i) {
    unsigned value = std::next(cameBy.begin(), i)->first;
    for (unsigned link : linksFrom[value])
      visit(value, links[link]);
    for (unsigned link : linksTo[value])
      visit(value, links[link]);
  }
  // Of the ops on the way, one that has several operands tells more.
  const Link *meeting = nullptr;
  for (unsigned value = end; value != start && cameBy.contains(value);) {
    auto [before, link] = cameBy.lookup(value);
    if (link->kind == Link::Kind::SameScale &&
        (!meeting || link->from.size() > meeting->from.size()))
      meeting = link;
    value = before;
  }
  return meeting ? meeting->op : nullptr;
}
