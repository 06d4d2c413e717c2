//===- LoadModel.cpp - Models whose weights never pass the parser --*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Three steps: the scan finds the weights, threads decode them into one
// temporary file, and a small copy of the text, in which names stand for them,
// is parsed. A weight that turns out to be no hex stays in that text, for the
// parser to complain about.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Frontend/LoadModel.h"

#include "HexDigits.h"

#include "QuantOpt/Frontend/TextScan.h"
#include "QuantOpt/Support/TemporaryStorage.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

#include <atomic>
#include <cstring>
#include <sys/mman.h>
#include <thread>

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// What decoding found about a weight.
enum class State {
  InText, ///< Stays as it is written.
  Splat,  ///< All elements are equal: the text of one is enough.
  Stored
};

struct Weight {
  HexLiteral literal;
  size_t offset = 0; ///< In the storage, in bytes.
  State state = State::InText;
};

/// The weights of one text on their way into the storage.
class Hoister {
public:
  Hoister(llvm::MemoryBuffer &buffer, MLIRContext *context)
      : buffer(buffer), text(buffer.getBuffer()), context(context) {}

  /// Finds the weights; failure with a message if the text is refused.
  LogicalResult scan(const LoadOptions &options, std::string &message);
  bool empty() const { return weights.empty(); }
  /// Moves the weights to the storage. Failure if there is no place for them.
  LogicalResult decode(std::string &message);
  /// The text with names for what is stored. Null: no names are free.
  std::unique_ptr<llvm::MemoryBuffer> rewrite();
  /// Gives the resources that the parser met their bytes.
  void bind();

private:
  /// Physical pages of a mapped file can be read again at any time.
  void releaseText(StringRef part) const;
  /// False after an I/O error.
  bool decode(Weight &weight, std::vector<uint8_t> &bytes);
  DialectResourceBlobManager &getManager() {
    return DenseResourceElementsHandle::getManagerInterface(context)
        .getBlobManager();
  }
  /// Calls `visit` for the text around the weights.
  void forEachGap(function_ref<void(StringRef)> visit) const;
  std::string getName(size_t index) const {
    return namePrefix + std::to_string(index);
  }
  bool chooseNames();

  llvm::MemoryBuffer &buffer;
  StringRef text;
  MLIRContext *context;
  std::vector<Weight> weights;
  std::shared_ptr<TemporaryStorage> storage;
  std::string namePrefix;
};
} // namespace

//===----------------------------------------------------------------------===//
// Scan
//===----------------------------------------------------------------------===//

void Hoister::releaseText(StringRef part) const {
  if (buffer.getBufferKind() != llvm::MemoryBuffer::MemoryBuffer_MMap)
    return;
  uintptr_t pageSize = llvm::sys::Process::getPageSizeEstimate();
  uintptr_t begin = llvm::alignTo(uintptr_t(part.begin()), pageSize);
  uintptr_t end = llvm::alignDown(uintptr_t(part.end()), pageSize);
  if (begin < end)
    (void)madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}

LogicalResult Hoister::scan(const LoadOptions &options, std::string &message) {
  std::vector<HexLiteral> literals;
  ScanOptions scan;
  scan.allowBytecode = options.allowBytecode;
  scan.minBytes = options.minWeightBytes;
  scan.literals = &literals;
  scan.passed = [&](StringRef part) { releaseText(part); };
  if (failed(scanText(buffer.getMemBufferRef(), scan, message)))
    return failure();

  // A key given twice, or known to the context from elsewhere, is not ours to
  // bind by name.
  llvm::StringMap<unsigned> uses;
  for (const HexLiteral &literal : literals)
    if (literal.kind == HexLiteral::Kind::Resource)
      ++uses[literal.key];
  for (HexLiteral &literal : literals)
    if (literal.kind == HexLiteral::Kind::Dense ||
        (uses.lookup(literal.key) == 1 && !getManager().lookup(literal.key)))
      weights.push_back({std::move(literal)});
  return success();
}

//===----------------------------------------------------------------------===//
// Decode
//===----------------------------------------------------------------------===//

/// Each weight starts at a multiple of this many bytes: a cache line, and what
/// any element or vector type needs.
static constexpr size_t kAlignment = 64;
/// Bytes decoded and written at a time: the second-level cache holds them.
static constexpr size_t kChunkBytes = size_t(1) << 18;

static size_t getAlignment(const HexLiteral &literal) {
  return std::max<size_t>(kAlignment, literal.alignment);
}

/// Whether `bytes`, a part of a weight, consist of repetitions of `element`.
static bool isSplat(ArrayRef<uint8_t> bytes, ArrayRef<uint8_t> element) {
  size_t width = element.size();
  return memcmp(bytes.data(), element.data(), width) == 0 &&
         memcmp(bytes.data(), bytes.data() + width, bytes.size() - width) == 0;
}

bool Hoister::decode(Weight &weight, std::vector<uint8_t> &bytes) {
  const HexLiteral &literal = weight.literal;
  uint8_t element[sizeof(uint64_t)];
  bool splat = literal.kind == HexLiteral::Kind::Dense;
  for (size_t done = 0; done < literal.numBytes; done += bytes.size()) {
    bytes.resize(std::min(kChunkBytes, literal.numBytes - done));
    StringRef digits = text.substr(literal.digits + 2 * done, 2 * bytes.size());
    if (!decodeHex(digits.data(), bytes.size(), bytes.data()))
      return true;
    releaseText(digits);
    if (splat && done == 0)
      memcpy(element, bytes.data(), literal.elementBytes);
    splat = splat && isSplat(bytes, ArrayRef(element, literal.elementBytes));
    if (!storage->write(weight.offset + done, bytes.data(), bytes.size()))
      return false;
  }
  weight.state = splat ? State::Splat : State::Stored;
  return true;
}

LogicalResult Hoister::decode(std::string &message) {
  size_t size = 0;
  for (Weight &weight : weights) {
    weight.offset = llvm::alignTo(size, getAlignment(weight.literal));
    size = weight.offset + weight.literal.numBytes;
  }
  storage = TemporaryStorage::create(size);
  if (!storage) {
    message =
        "there is no memory for " + std::to_string(size) + " bytes of weights";
    return failure();
  }
  std::atomic<size_t> next = 0;
  std::atomic<int> error = 0;
  auto work = [&] {
    std::vector<uint8_t> bytes;
    bytes.reserve(kChunkBytes);
    for (size_t i; !error && (i = next++) < weights.size();)
      if (!decode(weights[i], bytes))
        error = errno;
  };
  // One more thread hides the system's work for the other.
  std::thread helper;
  if (size > 32 * kChunkBytes)
    helper = std::thread(work);
  work();
  if (helper.joinable())
    helper.join();
  storage->finish();
  if (!error)
    return success();
  message = "cannot write weights to a temporary file: " +
            std::string(strerror(error)) +
            "; set TMPDIR to a folder with more space";
  return failure();
}

//===----------------------------------------------------------------------===//
// Rewrite and parse
//===----------------------------------------------------------------------===//

void Hoister::forEachGap(function_ref<void(StringRef)> visit) const {
  size_t position = 0;
  for (const Weight &weight : weights) {
    visit(text.slice(position, weight.literal.begin));
    position = weight.literal.end;
  }
  visit(text.substr(position));
}

bool Hoister::chooseNames() {
  for (StringRef prefix : {"weight_", "hoisted_weight_", "quantopt_weight_",
                           "quantopt_hoisted_weight_"}) {
    bool isFree = true;
    forEachGap([&](StringRef gap) { isFree &= !gap.contains(prefix); });
    namePrefix = prefix.str();
    for (size_t i = 0; i < weights.size() && isFree; ++i)
      isFree = !getManager().lookup(getName(i));
    if (isFree)
      return true;
  }
  return false;
}

std::unique_ptr<llvm::MemoryBuffer> Hoister::rewrite() {
  if (!chooseNames())
    return nullptr;
  SmallString<0> result;
  size_t index = 0;
  forEachGap([&](StringRef gap) {
    result += gap;
    if (index == weights.size())
      return;
    const auto &[literal, offset, state] = weights[index];
    StringRef original = text.slice(literal.begin, literal.end);
    bool isDense = literal.kind == HexLiteral::Kind::Dense;
    if (state == State::InText)
      result += original;
    else if (state == State::Splat) // The parser expands one element.
      result += (original.take_front(literal.digits - literal.begin +
                                     2 * literal.elementBytes) +
                 "\">")
                    .str();
    else if (isDense)
      result += "dense_resource<" + getName(index) + ">";
    else // An empty blob with the same alignment.
      result +=
          (original.take_front(literal.digits - literal.begin) + "\"").str();
    ++index;
  });
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(
      std::move(result), buffer.getBufferIdentifier());
}

void Hoister::bind() {
  for (auto [index, weight] : llvm::enumerate(weights)) {
    if (weight.state != State::Stored)
      continue;
    const HexLiteral &literal = weight.literal;
    bool isDense = literal.kind == HexLiteral::Kind::Dense;
    auto *entry = getManager().lookup(isDense ? getName(index) : literal.key);
    if (!entry)
      continue;
    ArrayRef<char> data(storage->data() + weight.offset, literal.numBytes);
    entry->setBlob(AsmResourceBlob(
        data, isDense ? kAlignment : literal.alignment,
        [storage = storage](void *, size_t, size_t) {},
        /*dataIsMutable=*/false));
  }
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

std::unique_ptr<llvm::MemoryBuffer>
mlir::qopt::openModel(StringRef path, std::string &message) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(
      path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (buffer)
    return std::move(*buffer);
  message =
      ("cannot open input file '" + path + "': " + buffer.getError().message())
          .str();
  return nullptr;
}

/// The parser wants a zero byte after the text, which a file whose size is a
/// multiple of the page size does not have.
static std::unique_ptr<llvm::MemoryBuffer>
terminate(std::unique_ptr<llvm::MemoryBuffer> buffer) {
  bool isMapped =
      buffer->getBufferKind() == llvm::MemoryBuffer::MemoryBuffer_MMap;
  if (!isMapped ||
      buffer->getBufferSize() % llvm::sys::Process::getPageSizeEstimate() != 0)
    return buffer;
  return llvm::MemoryBuffer::getMemBufferCopy(buffer->getBuffer(),
                                              buffer->getBufferIdentifier());
}

OwningOpRef<ModuleOp>
mlir::qopt::loadModel(std::unique_ptr<llvm::MemoryBuffer> buffer,
                      const LoadOptions &options, llvm::SourceMgr &sources,
                      MLIRContext *context, std::string &message) {
  message.clear();
  Hoister hoister(*buffer, context);
  if (failed(hoister.scan(options, message)))
    return nullptr;
  std::unique_ptr<llvm::MemoryBuffer> rewritten;
  if (!hoister.empty() &&
      llvm::endianness::native == llvm::endianness::little) {
    if (failed(hoister.decode(message)))
      return nullptr;
    rewritten = hoister.rewrite();
  }
  bool isRewritten = rewritten != nullptr;
  sources.AddNewSourceBuffer(isRewritten ? std::move(rewritten)
                                         : terminate(std::move(buffer)),
                             llvm::SMLoc());
  OwningOpRef<ModuleOp> module =
      parseSourceFile<ModuleOp>(sources, ParserConfig(context));
  if (module && isRewritten)
    hoister.bind();
  return module;
}
