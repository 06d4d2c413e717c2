//===- ChannelsLast.h - NCHW convolutions and pools to NHWC ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_FRONTEND_CHANNELSLAST_H
#define QUANTOPT_FRONTEND_CHANNELSLAST_H

#include "mlir/IR/PatternMatch.h"

namespace mlir::qopt {

/// Marks the transposes of this conversion while they sink.
inline constexpr StringLiteral kLayoutAttr = "qopt.layout";

/// A marked `linalg.transpose`: result dimension i is dimension
/// `permutation[i]` of `value`. `value` itself for the identity.
Value createLayoutTranspose(OpBuilder &builder, Location loc, Value value,
                            ArrayRef<int64_t> permutation);

/// Channels-first convolutions and pools, named (1-D, 2-D, 3-D, depthwise,
/// grouped) or generic -> channels-last ones between transposes.
void populateChannelsLastPatterns(RewritePatternSet &patterns);

} // namespace mlir::qopt

#endif // QUANTOPT_FRONTEND_CHANNELSLAST_H
