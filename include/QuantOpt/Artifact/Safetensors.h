//===- Safetensors.h - Tensors as a .safetensors file -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format of huggingface/safetensors: the size of a header (8 bytes,
// little-endian), the header (JSON: name -> type, shape, begin and end), the
// data. The reader takes untrusted files and is strict: every byte of the data
// belongs to exactly one tensor, sizes go with shapes, no key occurs twice.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ARTIFACT_SAFETENSORS_H
#define QUANTOPT_ARTIFACT_SAFETENSORS_H

#include "QuantOpt/Artifact/Artifact.h"

namespace mlir::qopt::artifact {

/// What a reader refuses to go beyond.
constexpr uint64_t kMaxSafetensorsHeaderBytes = uint64_t(1) << 26;

/// Lists the tensors of a file in memory, in the order of its data; their
/// `data` point into it and are as aligned as the file made them. Returns an
/// empty string, or what is wrong.
std::string readSafetensors(const void *data, uint64_t size,
                            std::vector<Constant> &tensors);

/// What goes before the data: length and header, padded so that the data begin
/// at a multiple of 64 bytes. The data are the tensors in the order of
/// `order`, without gaps. On failure (a name or size that cannot be written)
/// returns an empty string and sets `error`.
std::string formatSafetensorsHeader(const std::vector<Constant> &tensors,
                                    const std::vector<size_t> &order,
                                    std::string &error);

/// The order that aligns every tensor to its elements: larger element types
/// first, else as given.
std::vector<size_t> orderByAlignment(const std::vector<Constant> &tensors);

} // namespace mlir::qopt::artifact

#endif // QUANTOPT_ARTIFACT_SAFETENSORS_H
