//===- TableSamples.h - Calibration tables for tests ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_TABLESAMPLES_H
#define QUANTOPT_TEST_UNIT_TABLESAMPLES_H

#include "../../lib/Artifact/Sha256.h"
#include "QuantOpt/Statistics/CalibrationTable.h"

#include <cmath>
#include <random>

namespace tabletest {

using mlir::qopt::CalibrationTable;
using mlir::qopt::SampleStatistics;

/// A table of two edges that has seen nothing.
inline CalibrationTable emptyTable() {
  CalibrationTable table;
  table.tool = "quant-opt 0.1.0";
  table.modelDigest = "0123456789abcdef";
  table.weightsDigest = "fedcba9876543210";
  mlir::qopt::ChannelLayout layout;
  layout.channels = 3;
  table.edges.push_back({"conv \"1\": \xc3\xa4", SampleStatistics()});
  table.edges.push_back({"fc", SampleStatistics(layout)});
  return table;
}

/// Adds runs number `begin` to `end` of all data in the world, as a file.
inline void calibrate(CalibrationTable &table, int begin, int end) {
  constexpr int kValues = 30, kSamples = 2; // Per run and edge.
  table.instructionSets = {"avx512_vnni"};
  table.samples += kSamples * (end - begin);
  table.runs += end - begin;
  std::string range = std::to_string(begin) + "-" + std::to_string(end);
  table.data.push_back(
      {"shard" + range + ".npz",
       mlir::qopt::artifact::sha256(range.data(), range.size()),
       uint64_t(end - begin)});
  for (int run = begin; run < end; ++run) {
    std::mt19937 random(run);
    for (CalibrationTable::Edge &edge : table.edges) {
      std::vector<float> values(kValues);
      for (float &value : values)
        value = std::ldexp(float(int32_t(random())), -34 + int(random() % 8));
      values[random() % kValues] = 0;
      if (random() % 4 == 0)
        values[random() % kValues] = NAN;
      if (random() % 4 == 0)
        values[random() % kValues] = -1e9f;
      edge.statistics.observe(values.data(), values.size(), kSamples);
    }
  }
}

/// A small table with something in every field.
inline CalibrationTable sampleTable() {
  CalibrationTable table = emptyTable();
  calibrate(table, 0, 2);
  calibrate(table, 2, 3);
  return table;
}

/// The text with the hash of what stands before the hash.
inline std::string withHash(const std::string &text) {
  const std::string begin = "  \"sha256\": \"", end = "\"\n}\n";
  std::string body = text.substr(0, text.rfind(begin));
  return body + begin + mlir::qopt::artifact::sha256(body.data(), body.size()) +
         end;
}

} // namespace tabletest

#endif // QUANTOPT_TEST_UNIT_TABLESAMPLES_H
