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

inline constexpr uint64_t kMaxTableBytes = uint64_t(1) << 28;
/// What the edges take in memory: a state is tens of KB and, with values of
/// every magnitude, up to 2 MB, however short its text is.
inline constexpr uint64_t kMaxTableMemory = uint64_t(1) << 30;
inline constexpr uint64_t kMaxTableEdges = 1 << 14;

/// Around the hash, at the end of a file: that of all lines before its own.
inline constexpr char kHashBegin[] = "  \"sha256\": \"";
inline constexpr char kHashEnd[] = "\"\n}\n";

/// The fields of an edge that say in numbers what its state holds, by key, in
/// the order of the file.
std::vector<std::pair<const char *, artifact::OrderedJson>>
summarize(const SampleStatistics &samples);

/// Refuses a table that cannot be saved and read again.
void checkTable(const CalibrationTable &table);

/// The data in the order of the file, which is that of no particular machine.
void sortData(std::vector<CalibrationTable::DataFile> &data);

/// Adds `more` things, named by `what`; together at most 2^63 - 1.
void addCount(uint64_t &count, uint64_t more, const std::string &what);

/// Adds what an edge takes; together at most kMaxTableMemory.
void addMemory(uint64_t &bytes, const CalibrationTable::Edge &edge);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_STATISTICS_TABLEFORMAT_H
