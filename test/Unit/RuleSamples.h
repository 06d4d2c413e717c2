//===- RuleSamples.h - Rules files for tests --------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_RULESAMPLES_H
#define QUANTOPT_TEST_UNIT_RULESAMPLES_H

namespace rulestest {

/// Every key, with every kind of value it takes.
inline constexpr char kAllKeys[] = R"({"schema": 1, "rules": [
  {"match": {"name": "fc*", "kind": ["conv", "depthwise_conv"],
             "k": {"min": 9, "max": 576}, "n": {"min": 16}, "m": {"max": 1},
             "weights": 0, "groups": 1, "macs": {}, "position": "last"},
   "precision": "float", "reason": "the last one"},
  {"match": {"position": "first"}, "precision": "int8", "require": true},
  {"match": {"kind": "softmax"}, "bits": 16},
  {"bits": 8, "require": false}
]})";

inline constexpr char kNoRules[] = R"({"rules": [], "schema": 1})";

} // namespace rulestest

#endif // QUANTOPT_TEST_UNIT_RULESAMPLES_H
