//===- DeviceMemory.h - Global memory of the emulated GPU ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Named allocations, aligned like those of cudaMalloc. Every access of a kernel
// is checked against their exact sizes; beyond the last byte's page there is
// none. Device memory is host memory: copy with memcpy.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_EMULATOR_DEVICEMEMORY_H
#define QUANTOPT_EMULATOR_DEVICEMEMORY_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mlir::qopt::emulator {

class DeviceMemory {
public:
  /// As cudaMalloc promises.
  static constexpr size_t kAlignment = 256;

  struct Allocation {
    char *begin = nullptr;
    size_t size = 0;
    std::string name;
    /// The mapping around it, guard pages included; null for memory that is
    /// not ours.
    char *mapping = nullptr;
    size_t mappingSize = 0;

    bool contains(const void *address, size_t bytes) const {
      size_t offset = static_cast<const char *>(address) - begin;
      return offset <= size && bytes <= size - offset;
    }
  };

  DeviceMemory() = default;
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  /// `size` bytes of poison (0xA5). `name` appears in reports. Null when out of
  /// memory.
  void *allocate(size_t size, StringRef name);
  /// `memory` is null or comes from allocate().
  void release(void *memory);
  /// Makes memory that somebody else owns known, for the constants of a module.
  void addForeign(void *begin, size_t size, StringRef name);
  void removeForeign(void *begin);

  /// Index of the allocation that holds all of [address, address + bytes), -1
  /// if there is none. Indices change with allocate() and release().
  int find(const void *address, size_t bytes) const;
  /// "name+offset" for the allocation at or next to `address`, with its size.
  std::string describe(const void *address) const;
  ArrayRef<Allocation> getAllocations() const { return allocations; }

private:
  void insert(Allocation allocation);

  /// By address.
  std::vector<Allocation> allocations;
};

} // namespace mlir::qopt::emulator

#endif // QUANTOPT_EMULATOR_DEVICEMEMORY_H
