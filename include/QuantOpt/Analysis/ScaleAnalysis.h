//===- ScaleAnalysis.h - Which edges should agree on a type -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A data-flow analysis over the float tensors of a module. It changes nothing;
// scale propagation decides with it.
//
// Forward: what a tensor holds (integers of observed edges, or results of
// arithmetic) and within which limits, through ops that work on integers as
// they are: data movement, slices, concat, selections, branches and values
// carried around loops. Then, where an op has integers only, types flow both
// ways through it and demands of readers backward.
//
// Edges connected by such ops are a group: all of them can stay integers of one
// type, without any requantization between them.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_SCALEANALYSIS_H
#define QUANTOPT_ANALYSIS_SCALEANALYSIS_H

#include "QuantOpt/Analysis/ScaleState.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::qopt {

/// An op whose result holds its operands' integers: `result` takes elements of
/// `operands` and of nothing else.
struct SameScaleOp {
  Operation *op = nullptr;
  SmallVector<OpOperand *> operands;
  Value result;
};

/// How `op` passes integers on: one entry per result (and per region argument
/// of a loop); none for other ops.
SmallVector<SameScaleOp> getSameScale(Operation *op);

class ScaleAnalysis {
public:
  /// An observer.
  struct Edge {
    ObserveOp op;
    unsigned group = 0;
    /// Limits of its values that the ops before it guarantee.
    Interval range;
    /// Demand bits of what reads it before any further observer.
    unsigned demands = kNoDemand;
    /// What reads its integers behind the ops that pass them on, by first use;
    /// other edges of its group apart.
    SmallVector<Operation *> readers;
    /// The other edges of its group that read it, by first use.
    SmallVector<unsigned> readingEdges;
    /// Its input holds integers of edges in its group and nothing else.
    bool isCarried = false;

    /// Nothing reads it but other edges of its group: its own type is seen by
    /// nobody.
    bool isPassedOn() const { return readers.empty() && !readingEdges.empty(); }
  };

  struct Group {
    /// Indices of edges, ascending.
    SmallVector<unsigned> edges;
    /// The join of all its edges' states.
    ScaleState state;
    /// The first op that puts elements of several tensors into one; null where
    /// edges only follow each other.
    Operation *joint = nullptr;
  };

  explicit ScaleAnalysis(
      ModuleOp module, PickNext pick = [](size_t size) { return size - 1; });

  /// Every observer, in program order.
  ArrayRef<Edge> getEdges() const { return edges; }
  ArrayRef<Group> getGroups() const { return groups; }
  ValueFacts getFacts(Value value) const;
  ScaleState getState(Value value) const;
  /// The op through which integers of two edges of one group meet.
  Operation *getMeetingOp(unsigned a, unsigned b) const;
  /// Visits of tensors until both fixed points were reached.
  size_t getNumSteps() const { return numSteps; }

private:
  /// An equation: `to` takes what `from` holds.
  struct Link {
    enum class Kind { SameScale, Observe, Clamp } kind;
    Operation *op;
    SmallVector<unsigned> from;
    unsigned to;
    Interval limits;
    /// Of integers only: types flow through it.
    bool isActive = false;
    /// Its op has several operands, constants included.
    bool isJoint = false;
  };

  void numberValues(ModuleOp module);
  void number(Value value);
  void addLinks(Operation *op);
  void addLink(Link::Kind kind, Operation *op, ValueRange from, Value to,
               Interval limits = Interval::everything());
  ValueFacts getInitialFacts(Value value) const;
  void solveFacts(PickNext pick);
  void solveStates(PickNext pick);
  void findDemands(ModuleOp module);
  void activateLinks();
  void makeGroups();
  void findReaders(Edge &edge) const;

  std::vector<Value> values;
  DenseMap<Value, unsigned> numbers;
  std::vector<Link> links;
  /// By value: the links it is in.
  std::vector<SmallVector<unsigned>> linksFrom, linksTo;
  /// By value: the links whose ops read it as they are, by use.
  DenseMap<OpOperand *, SmallVector<unsigned>> linksOfUse;
  std::vector<ValueFacts> facts;
  std::vector<ScaleState> initial, states;
  std::vector<Edge> edges;
  DenseMap<Operation *, unsigned> edgeOf;
  std::vector<Group> groups;
  size_t numSteps = 0;
};

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_SCALEANALYSIS_H
