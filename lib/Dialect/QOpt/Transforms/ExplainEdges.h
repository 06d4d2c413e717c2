//===- ExplainEdges.h - Why an edge has its type, in words ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_DIALECT_QOPT_TRANSFORMS_EXPLAINEDGES_H
#define QUANTOPT_LIB_DIALECT_QOPT_TRANSFORMS_EXPLAINEDGES_H

#include "AgreeOnTypes.h"

#include <string>
#include <vector>

namespace mlir::qopt {

/// The names of the contractions that read the edge.
std::vector<std::string> getContractionNames(const ScaleAnalysis::Edge &edge);

/// The names of all that reads the edge: ops, other edges, "the output".
std::vector<std::string> getReaderNames(const ScaleAnalysis &analysis,
                                        const ScaleAnalysis::Edge &edge);

/// Why edge `index` was decided so, as one line for people.
std::string explainEdge(const ScaleAnalysis &analysis,
                        ArrayRef<EdgeDecision> decisions, unsigned index);

/// Warns of final types that differ where edges of a group meet, with a note at
/// each producer.
void warnAboutConflict(const ScaleAnalysis &analysis,
                       const ScaleAnalysis::Group &group);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_DIALECT_QOPT_TRANSFORMS_EXPLAINEDGES_H
