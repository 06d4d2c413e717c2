//===- Table.h - Aligned columns of text ------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_RUN_TABLE_H
#define QUANTOPT_TOOLS_QUANT_RUN_TABLE_H

#include "QuantOpt/Support/Npz.h"

#include <algorithm>
#include <cstdio>

namespace mlir::qopt::run {

/// Rows of cells, printed with each column as wide as its widest cell.
class Table {
public:
  void add(std::vector<std::string> cells) { rows.push_back(std::move(cells)); }

  void print() const {
    std::vector<size_t> widths;
    for (const auto &row : rows)
      for (size_t i = 0; i < row.size(); ++i) {
        widths.resize(std::max(widths.size(), i + 1));
        widths[i] = std::max(widths[i], row[i].size());
      }
    for (const auto &row : rows) {
      std::string line;
      for (size_t i = 0; i < row.size(); ++i) {
        line += row[i];
        if (i + 1 < row.size())
          line.append(widths[i] - row[i].size() + 2, ' ');
      }
      line.erase(line.find_last_not_of(' ') + 1);
      printf("%s\n", line.c_str());
    }
  }

private:
  std::vector<std::vector<std::string>> rows;
};

/// A name as it is shown in tables: no control characters.
inline std::string shown(const std::string &name) {
  std::string quoted = quoteName(name);
  return quoted.substr(1, quoted.size() - 2);
}

} // namespace mlir::qopt::run

#endif // QUANTOPT_TOOLS_QUANT_RUN_TABLE_H
