//===- SumOfProducts.h - The reference of contraction tests -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A reference that knows nothing of MLIR: it takes each operand as a function
// of the loops.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_SUMOFPRODUCTS_H
#define QUANTOPT_TEST_UNIT_SUMOFPRODUCTS_H

#include "CpuModel.h"

namespace mlir::qopt::test {

using Strides = std::vector<int64_t>;

/// out[o·i] += lhs[l·i] * rhs[r·i] over all i in `extents`.
template <typename L, typename R, typename O>
std::vector<O> sumOfProducts(const Strides &extents, const std::vector<L> &lhs,
                             const Strides &l, const std::vector<R> &rhs,
                             const Strides &r, std::vector<O> out,
                             const Strides &o) {
  Strides i(extents.size(), 0);
  while (true) {
    int64_t at[3] = {0, 0, 0};
    for (size_t d = 0; d < i.size(); ++d) {
      at[0] += i[d] * l[d];
      at[1] += i[d] * r[d];
      at[2] += i[d] * o[d];
    }
    out.at(at[2]) +=
        static_cast<O>(lhs.at(at[0])) * static_cast<O>(rhs.at(at[1]));
    size_t d = i.size();
    while (d > 0 && ++i[d - 1] == extents[d - 1])
      i[--d] = 0;
    if (d == 0)
      return out;
  }
}

inline CpuOptions plain() {
  CpuOptions options;
  options.kernels = cpu::KernelPreference::Plain;
  return options;
}

/// Runs `text` with both kernel preferences. It is to call one kernel, or none
/// for types that kernels do not know.
template <typename T>
void expectBoth(const std::string &text, const std::vector<Buffer> &inputs,
                const std::vector<T> &expected, size_t numKernels = 1) {
  for (const CpuOptions &options : {CpuOptions(), plain()}) {
    CpuModel model(text, options);
    ASSERT_TRUE(model.get()) << model.error() << text;
    EXPECT_EQ(model.get()->kernels().size(), numKernels) << text;
    EXPECT_EQ(model.run1<T>(inputs), expected) << text;
  }
}

/// `func @main(%a, %b) -> result` around `op`, whose init is %zero.
inline std::string around(const std::string &a, const std::string &b,
                          const std::string &result, const std::string &type,
                          const std::string &op) {
  return "func.func @main(%a: " + a + ", %b: " + b + ") -> " + result +
         " {\n  %c0 = arith.constant 0" + (type[0] == 'f' ? ".0" : "") + " : " +
         type + "\n  %e = tensor.empty() : " + result +
         "\n  %zero = linalg.fill ins(%c0 : " + type + ") outs(%e : " + result +
         ") -> " + result + "\n  %r = " + op + "\n  return %r : " + result +
         "\n}\n";
}

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_UNIT_SUMOFPRODUCTS_H
