//===- TableFormat.h - What readers and writers of tables share -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/CalibrationTable.md has the format. Everything throws FormatError.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_STATISTICS_TABLEFORMAT_H
#define QUANTOPT_LIB_STATISTICS_TABLEFORMAT_H

#include "Json.h"
#include "QuantOpt/Statistics/CalibrationTable.h"

namespace mlir::qopt {

inline constexpr char kTableFormat[] = "quant-opt calibration table";
/// A reader refuses other versions.
inline constexpr int64_t kTableVersion = 1;

/// Bytes of a file, and edges: the state of an edge takes tens of KB in memory
/// however short its text is.
inline constexpr uint64_t kMaxTableBytes = uint64_t(1) << 28;
inline constexpr uint64_t kMaxTableEdges = 1 << 14;

/// Around the hash of all bytes before it, at the end of a file.
inline constexpr char kHashBegin[] = ",\n  \"sha256\": \"";
inline constexpr char kHashEnd[] = "\"\n}\n";

/// The fields of an edge that say in numbers what its state holds, by key, in
/// the order of the file.
std::vector<std::pair<const char *, artifact::OrderedJson>>
summarize(const SampleStatistics &samples);

/// Refuses a table that cannot be saved and read again.
void checkTable(const CalibrationTable &table);

/// The data in the order of the file, which is that of no particular machine.
void sortData(std::vector<CalibrationTable::DataFile> &data);

/// Adds `more`; `what` overflowed is an error.
void addCount(uint64_t &count, uint64_t more, const std::string &what);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_STATISTICS_TABLEFORMAT_H
