//===- TextScan.cpp - A look at untrusted text before MLIR parses it ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Strings and comments end where MLIR's lexer ends them. Where the text is not
// what printers write, the scan stops to look for weights and leaves everything
// to the parser: it decides what is wrong.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Frontend/TextScan.h"

#include "HexDigits.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;
using namespace mlir::qopt;

namespace {
class TextScanner {
public:
  TextScanner(StringRef text, const ScanOptions &options)
      : text(text), end(text.end()), options(options),
        findWeights(options.literals), lastPassed(text.begin()) {}

  LogicalResult run(std::string &message);

private:
  /// The closing quote of the string whose opening one is at `p`, or `end`.
  const char *findStringEnd(const char *p);
  /// The last character of the comment at `p`.
  const char *findCommentEnd(const char *p) const;
  /// Tells the caller that the text before `p` is done.
  void pass(const char *p);

  /// Notes the weight in the string between the quotes `open` and `close`, if
  /// `dense<` and a type stand around it.
  void noteDense(const char *open, const char *close);
  /// Notes the weights of the `{-# ... #-}` at `p` and returns its end; returns
  /// `p` if it holds more than keys, strings and braces, and null, with
  /// `problem` set, if the parser must not see it.
  const char *scanMetadata(const char *p, unsigned &line);
  void noteResource(StringRef key, const char *open, const char *close);
  /// The parser allocates resources with the alignment that their text asks
  /// for, and dies of absurd ones. Failure, with `problem` set, for those.
  LogicalResult checkAlignment(StringRef key, StringRef string, unsigned line);

  StringRef text;
  const char *end;
  const ScanOptions &options;
  /// False from where the text is not understood any more.
  bool findWeights;
  const char *lastPassed;
  /// Why the text is refused.
  std::string problem;
};
} // namespace

static bool isIdentifierChar(char c) {
  return llvm::isAlnum(c) || c == '_' || c == '$' || c == '.';
}

//===----------------------------------------------------------------------===//
// Strings and comments
//===----------------------------------------------------------------------===//

/// Caches hold it, and it is long enough to be searched at full speed.
static constexpr ptrdiff_t kChunk = 1 << 20;

void TextScanner::pass(const char *p) {
  if (options.passed && p - lastPassed >= kChunk) {
    options.passed(StringRef(lastPassed, p - lastPassed));
    lastPassed = p;
  }
}

const char *TextScanner::findStringEnd(const char *p) {
  const char *open = p++;
  while (p != end) {
    const char *chunkEnd = p + std::min<ptrdiff_t>(end - p, kChunk);
    const auto *quote = static_cast<const char *>(memchr(p, '"', chunkEnd - p));
    if (!quote) {
      // What surrounds a weight is read again, its digits are not.
      if (p - open >= kChunk)
        pass(p);
      p = chunkEnd;
      continue;
    }
    const char *escape = quote;
    while (escape - 1 > open && escape[-1] == '\\')
      --escape;
    if ((quote - escape) % 2 == 0)
      return quote;
    p = quote + 1;
  }
  return end;
}

const char *TextScanner::findCommentEnd(const char *p) const {
  while (p + 1 != end && p[1] != '\n' && p[1] != '\r')
    ++p;
  return p;
}

//===----------------------------------------------------------------------===//
// Weights in attributes
//===----------------------------------------------------------------------===//

/// Bytes of an element in a weight, for the types whose bytes a
/// `dense_resource` holds as they are written in hex; 0 for others.
static unsigned getElementBytes(StringRef type) {
  if (type == "f16" || type == "bf16")
    return 2;
  if (type == "f32")
    return 4;
  if (type == "f64")
    return 8;
  if (!type.consume_front("i") && !type.consume_front("si") &&
      !type.consume_front("ui"))
    return 0;
  if (type == "8")
    return 1;
  if (type == "16")
    return 2;
  if (type == "32")
    return 4;
  return type == "64" ? 8 : 0;
}

/// Reads ": tensor<2x3xf32>" at the start of `rest`: element size and the size
/// of all in bytes. Nothing for other types.
static std::optional<std::pair<unsigned, size_t>> readType(StringRef rest) {
  rest = rest.ltrim(" \t");
  if (!rest.consume_front(":"))
    return std::nullopt;
  rest = rest.ltrim(" \t");
  if (!rest.consume_front("tensor<"))
    return std::nullopt;
  size_t count = 1;
  while (!rest.empty() && llvm::isDigit(rest.front())) {
    size_t extent;
    if (rest.consumeInteger(10, extent) || !rest.consume_front("x") ||
        __builtin_mul_overflow(count, extent, &count))
      return std::nullopt;
  }
  StringRef element = rest.take_while(llvm::isAlnum);
  unsigned width = getElementBytes(element);
  if (width == 0 || !rest.drop_front(element.size()).starts_with(">") ||
      __builtin_mul_overflow(count, width, &count))
    return std::nullopt;
  return std::pair(width, count);
}

void TextScanner::noteDense(const char *open, const char *close) {
  constexpr StringLiteral prefix = "dense<", hex = "0x";
  size_t quote = open - text.begin();
  StringRef before = text.take_front(quote), string(open + 1, close - open - 1);
  if (string.size() / 2 < options.minBytes || !before.ends_with(prefix) ||
      !string.starts_with(hex) || string.size() % 2 != 0)
    return;
  before = before.drop_back(prefix.size());
  if (!before.empty() && (isIdentifierChar(before.back()) ||
                          StringRef("#!%@^-\"").contains(before.back())))
    return;
  StringRef after(close + 1, end - close - 1);
  if (!after.consume_front(">"))
    return;
  auto type = readType(after.take_front(4096));
  size_t numBytes = string.size() / 2 - 1;
  if (!type || type->second != numBytes || type->first == numBytes)
    return;
  HexLiteral literal;
  literal.kind = HexLiteral::Kind::Dense;
  literal.begin = quote - prefix.size();
  literal.end = close + 2 - text.begin();
  literal.digits = quote + 1 + hex.size();
  literal.numBytes = numBytes;
  literal.elementBytes = type->first;
  options.literals->push_back(std::move(literal));
}

//===----------------------------------------------------------------------===//
// Weights in resources
//===----------------------------------------------------------------------===//

LogicalResult TextScanner::checkAlignment(StringRef key, StringRef string,
                                          unsigned line) {
  constexpr uint32_t maxAlignment = 1 << 16;
  uint8_t bytes[sizeof(uint32_t)];
  if (!string.consume_front("0x") || string.size() < 2 * sizeof(bytes) ||
      !decodeHex(string.data(), sizeof(bytes), bytes))
    return success(); // The parser's to report.
  uint32_t alignment = llvm::support::endian::read32le(bytes);
  if (alignment != 0 && alignment <= maxAlignment)
    return success();
  problem = ("line " + Twine(line) + ": resource '" + key.take_front(100) +
             "' asks for an alignment of " + Twine(alignment) +
             " bytes; 1 to " + Twine(maxAlignment) + " were expected")
                .str();
  return failure();
}

void TextScanner::noteResource(StringRef key, const char *open,
                               const char *close) {
  // "0x", the alignment as 4 little-endian bytes, the data.
  constexpr size_t prefix = 2 + 2 * sizeof(uint32_t);
  constexpr unsigned maxAlignment = 4096;
  StringRef string(open + 1, close - open - 1);
  if (string.size() / 2 < options.minBytes || !string.starts_with("0x") ||
      string.size() % 2 != 0)
    return;
  uint8_t bytes[sizeof(uint32_t)];
  if (!decodeHex(string.data() + 2, sizeof(bytes), bytes))
    return;
  uint32_t alignment = llvm::support::endian::read32le(bytes);
  if (!llvm::isPowerOf2_32(alignment) || alignment > maxAlignment)
    return;
  HexLiteral literal;
  literal.kind = HexLiteral::Kind::Resource;
  literal.begin = open - text.begin();
  literal.end = close + 1 - text.begin();
  literal.digits = literal.begin + 1 + prefix;
  literal.numBytes = (string.size() - prefix) / 2;
  literal.key = key.str();
  literal.alignment = alignment;
  options.literals->push_back(std::move(literal));
}

const char *TextScanner::scanMetadata(const char *p, unsigned &line) {
  const char *const begin = p;
  const unsigned firstLine = line;
  const size_t numLiterals = options.literals->size();
  SmallVector<StringRef, 8> path; // The keys whose braces are open.
  StringRef key;
  bool isValue = false;
  p += strlen("{-#");
  while (p != end) {
    if (StringRef(p, end - p).starts_with("//")) {
      p = findCommentEnd(p) + 1;
    } else if (llvm::isSpace(*p) || *p == ',') {
      line += *p == '\n';
      isValue &= *p != ',';
      ++p;
    } else if (*p == ':') {
      isValue = true;
      ++p;
    } else if (llvm::isAlpha(*p) || *p == '_') {
      StringRef word = StringRef(p, end - p).take_while(isIdentifierChar);
      if (!isValue)
        key = word;
      p = word.end();
    } else if (*p == '"') {
      const char *close = findStringEnd(p);
      if (close == end)
        break;
      StringRef string(p + 1, close - p - 1);
      if (!isValue) {
        if (string.size() > 4096 || string.contains('\\'))
          break;
        key = string;
      } else if (path.size() == 2 && path[0] == "dialect_resources") {
        if (failed(checkAlignment(key, string, line)))
          return nullptr;
        if (findWeights && path[1] == "builtin")
          noteResource(key, p, close);
      }
      if (string.take_front(2) != "0x" && string.contains('\n'))
        break;
      p = close + 1;
    } else if (*p == '{') {
      if (!isValue || path.size() == kMaxNesting / 2)
        break;
      path.push_back(key);
      isValue = false;
      ++p;
    } else if (*p == '}') {
      if (path.empty())
        break;
      path.pop_back();
      isValue = false;
      ++p;
    } else if (StringRef(p, end - p).starts_with("#-}") && path.empty()) {
      return p + strlen("#-}");
    } else {
      break;
    }
  }
  // Not what printers write: once more as any other text.
  findWeights = false;
  options.literals->resize(numLiterals);
  line = firstLine;
  return begin;
}

//===----------------------------------------------------------------------===//
// All text
//===----------------------------------------------------------------------===//

LogicalResult TextScanner::run(std::string &message) {
  unsigned depth = 0, line = 1;
  // Depth outside of the outermost open `#name<` or `!name<`, whose text a
  // dialect may read in its own way.
  std::optional<unsigned> foreignDepth;
  const char *begin = text.begin();
  for (const char *p = begin; p < end; ++p) {
    switch (*p) {
    case '\n':
      ++line;
      pass(p);
      break;
    case '"': {
      const char *close = findStringEnd(p);
      if (close == end)
        return success(); // The parser says where it began.
      if (findWeights && !foreignDepth)
        noteDense(p, close);
      // MLIR ends the string, and its work, at a line break. Hex has none, or
      // is found to be wrong when it is decoded.
      if (findWeights && !StringRef(p + 1, close - p - 1).starts_with("0x") &&
          memchr(p, '\n', close - p))
        findWeights = false;
      p = close;
      break;
    }
    case '/':
      if (p + 1 != end && p[1] == '/') {
        findWeights &= !foreignDepth;
        p = findCommentEnd(p);
      }
      break;
    case '<': {
      if (!foreignDepth && findWeights) {
        const char *name = p;
        while (name != begin && (isIdentifierChar(name[-1]) || name[-1] == '-'))
          --name;
        if (name != begin && (name[-1] == '#' || name[-1] == '!'))
          foreignDepth = depth;
      }
      [[fallthrough]];
    }
    case '(':
    case '[':
    case '{':
      if (++depth > kMaxNesting) {
        message = "line " + std::to_string(line) +
                  ": brackets nest deeper than " + std::to_string(kMaxNesting);
        return failure();
      }
      if (depth == 1 && options.literals &&
          StringRef(p, end - p).starts_with("{-#")) {
        const char *after = scanMetadata(p, line);
        if (!after) {
          message = problem;
          return failure();
        }
        if (after != p) {
          depth = 0;
          p = after - 1;
        }
      }
      break;
    case '>':
      // Not the arrow "->".
      if (p != begin && p[-1] == '-')
        break;
      [[fallthrough]];
    case ')':
    case ']':
    case '}':
      depth -= depth > 0;
      if (foreignDepth && depth <= *foreignDepth)
        foreignDepth.reset();
      break;
    case '-':
      // Signs nest too, without brackets.
      if (p + kMaxNesting < end &&
          StringRef(p, kMaxNesting).find_first_not_of('-') == StringRef::npos) {
        message = "line " + std::to_string(line) + ": more than " +
                  std::to_string(kMaxNesting) + " minus signs in a row";
        return failure();
      }
      break;
    case '\0':
      message = "line " + std::to_string(line) +
                ": holds a zero byte; MLIR text was expected";
      return failure();
    default:
      break;
    }
  }
  return success();
}

LogicalResult mlir::qopt::scanText(llvm::MemoryBufferRef buffer,
                                   const ScanOptions &options,
                                   std::string &message) {
  StringRef text = buffer.getBuffer();
  if (!text.starts_with("ML\xefR"))
    return TextScanner(text, options).run(message);
  if (options.allowBytecode)
    return success();
  message = "is MLIR bytecode, which upstream's reader does not check well "
            "enough for untrusted files; pass --allow-bytecode for your own";
  return failure();
}

LogicalResult mlir::qopt::scanText(llvm::MemoryBufferRef buffer,
                                   bool allowBytecode, std::string &message) {
  ScanOptions options;
  options.allowBytecode = allowBytecode;
  return scanText(buffer, options, message);
}
