//===- MyPass.h - A pass of another project --------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MYPASS_H
#define MYPASS_H

namespace my {
/// Registers `my-count-integer-contractions`.
void registerMyPass();
} // namespace my

#endif // MYPASS_H
