//===- CheckedModel.h - One artifact against expected bits -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_GPU_CHECK_CHECKEDMODEL_H
#define QUANTOPT_TOOLS_GPU_CHECK_CHECKEDMODEL_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace mlir::qopt::check {

enum class Outcome {
  Exact,     ///< all bits as expected
  Different, ///< ran; `message` says what differs
  NoData,    ///< the .npz is missing or does not fit the model
  NotOpened, ///< the runtime refuses the artifact on this device
  RunFailed, ///< a run ended with an error
};

/// "exact", "different", "no data", "not opened", "run failed".
const char *getName(Outcome outcome);

struct CheckResult {
  Outcome outcome = Outcome::Exact;
  std::string message;
  /// The device in words, where it was opened.
  std::string device;
  /// Compared elements of one run.
  uint64_t elements = 0;
};

/// Opens `path`.qopt on `device` (with the kernels for `target`, where given)
/// and runs it on the inputs in `path`.npz: once on zeros, so that no result of
/// an earlier run can pass for this one's, then `repeat` times, comparing each;
/// then, where the model takes fewer samples, on half of them and on all again.
CheckResult checkModel(const std::string &path, const std::string &device,
                       const std::string &target, size_t repeat);

} // namespace mlir::qopt::check

#endif // QUANTOPT_TOOLS_GPU_CHECK_CHECKEDMODEL_H
