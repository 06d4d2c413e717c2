//===- DeviceMemory.cpp - Global memory of the emulated GPU ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Emulator/DeviceMemory.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>
#include <sys/mman.h>

using namespace mlir::qopt::emulator;

static constexpr size_t kPage = 4096;
static constexpr int kPoison = 0xA5;

DeviceMemory::~DeviceMemory() {
  for (Allocation &allocation : allocations)
    if (allocation.mapping)
      munmap(allocation.mapping, allocation.mappingSize);
}

void DeviceMemory::insert(Allocation allocation) {
  auto position = llvm::upper_bound(
      allocations, allocation, [](const Allocation &a, const Allocation &b) {
        return a.begin < b.begin;
      });
  allocations.insert(position, std::move(allocation));
}

void *DeviceMemory::allocate(size_t size, StringRef name) {
  // [guard][... allocation, ends with the page][guard]
  size_t body = llvm::alignTo(std::max<size_t>(size, 1), kAlignment);
  Allocation allocation;
  allocation.mappingSize = llvm::alignTo(body, kPage) + 2 * kPage;
  if (allocation.mappingSize < size)
    return nullptr;
  void *mapping = mmap(nullptr, allocation.mappingSize, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED)
    return nullptr;
  allocation.mapping = static_cast<char *>(mapping);
  char *end = allocation.mapping + allocation.mappingSize - kPage;
  mprotect(allocation.mapping, kPage, PROT_NONE);
  mprotect(end, kPage, PROT_NONE);
  allocation.begin = end - body;
  allocation.size = size;
  allocation.name = name.str();
  memset(allocation.begin, kPoison, body);
  void *result = allocation.begin;
  insert(std::move(allocation));
  return result;
}

void DeviceMemory::release(void *memory) {
  auto found = llvm::find_if(allocations, [&](const Allocation &allocation) {
    return memory && allocation.begin == memory && allocation.mapping;
  });
  if (found == allocations.end())
    return;
  munmap(found->mapping, found->mappingSize);
  allocations.erase(found);
}

void DeviceMemory::addForeign(void *begin, size_t size, StringRef name) {
  Allocation allocation;
  allocation.begin = static_cast<char *>(begin);
  allocation.size = size;
  allocation.name = name.str();
  insert(std::move(allocation));
}

void DeviceMemory::removeForeign(void *begin) {
  llvm::erase_if(allocations, [&](const Allocation &allocation) {
    return allocation.begin == begin && !allocation.mapping;
  });
}

int DeviceMemory::find(const void *address, size_t bytes) const {
  const char *wanted = static_cast<const char *>(address);
  auto after = llvm::upper_bound(
      allocations, wanted,
      [](const char *a, const Allocation &b) { return a < b.begin; });
  if (after == allocations.begin())
    return -1;
  --after;
  return after->contains(address, bytes) ? after - allocations.begin() : -1;
}

std::string DeviceMemory::describe(const void *address) const {
  const char *wanted = static_cast<const char *>(address);
  const Allocation *nearest = nullptr;
  size_t best = 0;
  for (const Allocation &allocation : allocations) {
    const char *end = allocation.begin + allocation.size;
    size_t distance = wanted < allocation.begin ? allocation.begin - wanted
                      : wanted < end            ? 0
                                                : wanted - end;
    if (!nearest || distance < best) {
      nearest = &allocation;
      best = distance;
    }
  }
  if (!nearest)
    return "unknown address (nothing is allocated)";
  int64_t offset = wanted - nearest->begin;
  return (Twine(nearest->name) + (offset < 0 ? "" : "+") + Twine(offset) +
          " (of " + Twine(nearest->size) + " bytes)")
      .str();
}
