//===- CalibrationTable.h - Saved calibration statistics --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/CalibrationTable.md documents the file format. A table holds the
// complete statistics of every edge, so that tables made on many machines merge
// into the one a single run would have made, and so that another method needs
// no data.
//
// Functions that can fail return false and set `error` to a message that names
// the file, what was found and what was expected. Needs neither LLVM nor
// exceptions.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_STATISTICS_CALIBRATIONTABLE_H
#define QUANTOPT_STATISTICS_CALIBRATIONTABLE_H

#include "QuantOpt/Statistics/SampleStatistics.h"

namespace mlir::qopt {

struct CalibrationTable {
  /// A file the samples came from.
  struct DataFile {
    std::string name;   ///< without folders
    std::string digest; ///< of its contents, lower-case hex
    uint64_t runs = 0;  ///< runs taken from it, from its start
    bool operator==(const DataFile &other) const {
      return name == other.name && digest == other.digest && runs == other.runs;
    }
  };
  struct Edge {
    std::string name;
    SampleStatistics statistics;
  };

  /// "quant-opt 0.1.0": who made the statistics. Of a table merged from those
  /// of several versions: all of them, sorted, separated by ", ".
  std::string tool;
  /// Digest of the model's normal form without the values of its constants,
  /// and of those values; lower-case hex.
  std::string modelDigest, weightsDigest;
  /// Instruction sets the activations were computed with, sorted, each once.
  std::vector<std::string> instructionSets;
  /// Samples (rows of data) and runs of the model (batches).
  uint64_t samples = 0, runs = 0;
  /// False for what an interrupted calibration has saved.
  bool complete = true;
  /// A set; files list it sorted. The sum of its runs is `runs`.
  std::vector<DataFile> data;
  /// In the order of the model. Names are UTF-8, each is there once.
  std::vector<Edge> edges;
};

/// What is at `path`, by its contents; the file may still be damaged.
enum class TableKind { QuantOpt, TensorRT, Unknown };
bool identifyTable(const std::string &path, TableKind &kind,
                   std::string &error);

bool readCalibrationTable(const std::string &path, CalibrationTable &table,
                          std::string &error);
/// The same from memory; `path` is for messages.
bool parseCalibrationTable(const std::string &text, const std::string &path,
                           CalibrationTable &table, std::string &error);
/// Equal tables give equal text, whatever the order of data and instruction
/// sets.
std::string printCalibrationTable(const CalibrationTable &table);
/// Writes a temporary beside `path` and renames it; what is no regular file,
/// such as /dev/stdout, is written directly. Refuses what could not be read
/// again: digests and names that are not what the fields above say.
bool writeCalibrationTable(const CalibrationTable &table,
                           const std::string &path, std::string &error);

/// Adds what `other` has seen. The tables must be complete, of one model, with
/// the same edges and weights, and of different data; otherwise `error` names
/// what differs and `table` stays. `otherPath` is for messages. Tools and
/// instruction sets are united. Any order and any tree of merges gives the same
/// table.
bool mergeCalibrationTables(CalibrationTable &table,
                            const CalibrationTable &other,
                            const std::string &otherPath, std::string &error);

/// What a TensorRT calibration cache says: symmetric scales, max|x| / 127, in
/// the order of the file. A scale is finite and not negative; 0 is that of a
/// tensor of zeros.
struct TensorRTCache {
  std::string header; ///< "TRT-8203-EntropyCalibration2"
  std::vector<std::pair<std::string, float>> scales;
};
bool readTensorRTCache(const std::string &path, TensorRTCache &cache,
                       std::string &error);
bool parseTensorRTCache(const std::string &text, const std::string &path,
                        TensorRTCache &cache, std::string &error);
std::string printTensorRTCache(const TensorRTCache &cache);
/// As writeCalibrationTable. Names that are not UTF-8 without control
/// characters, or that are there twice, are refused.
bool writeTensorRTCache(const TensorRTCache &cache, const std::string &path,
                        std::string &error);

} // namespace mlir::qopt

#endif // QUANTOPT_STATISTICS_CALIBRATIONTABLE_H
