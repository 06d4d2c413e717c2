//===- Npy.cpp - The header of a .npy file --------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A parser for the one form of dict literal that headers have: string keys in
// any order, each once; nothing is evaluated. Also what an array's description
// answers from its shape.
//
//===----------------------------------------------------------------------===//
#include "NpyHeader.h"

#include <cstdio>
#include <cstring>

using namespace mlir::qopt;
using namespace mlir::qopt::npy;

bool npy::checkedMultiply(uint64_t a, uint64_t b, uint64_t &product) {
  return !__builtin_mul_overflow(a, b, &product);
}

//===----------------------------------------------------------------------===//
// The array's description
//===----------------------------------------------------------------------===//

uint64_t NpzArray::numRows() const { return shape.empty() ? 1 : shape[0]; }

uint64_t NpzArray::rowElements() const {
  uint64_t count = 1;
  for (size_t i = 1; i < shape.size(); ++i)
    count *= shape[i];
  return count;
}

uint64_t NpzArray::rowBytes() const {
  return rowElements() * elementTypeSize(type);
}

uint64_t NpzArray::numElements() const { return numRows() * rowElements(); }

std::string mlir::qopt::shapeToString(const std::vector<uint64_t> &shape) {
  std::string text;
  for (uint64_t extent : shape)
    text += (text.empty() ? "" : "x") + std::to_string(extent);
  return shape.empty() ? "scalar" : text;
}

std::string mlir::qopt::quoteName(const std::string &name) {
  constexpr size_t kMaxShown = 200;
  std::string text = "'";
  for (size_t i = 0; i < name.size() && i < kMaxShown; ++i) {
    unsigned char c = name[i];
    char escaped[8];
    if (c < 0x20 || c == 0x7f) {
      snprintf(escaped, sizeof(escaped), "\\x%02x", c);
      text += escaped;
    } else {
      text += char(c);
    }
  }
  return text + (name.size() > kMaxShown ? "...'" : "'");
}

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

namespace {
struct TypeCode {
  char kind;
  char size;
  ElementType type;
};
constexpr TypeCode kTypeCodes[] = {
    {'f', '2', ElementType::F16}, {'f', '4', ElementType::F32},
    {'f', '8', ElementType::F64}, {'b', '1', ElementType::I1},
    {'i', '1', ElementType::I8},  {'i', '2', ElementType::I16},
    {'i', '4', ElementType::I32}, {'i', '8', ElementType::I64},
    {'u', '1', ElementType::U8},  {'u', '2', ElementType::U16},
    {'u', '4', ElementType::U32}, {'u', '8', ElementType::U64}};
} // namespace

/// Why a well-formed type that is not in the table is not read.
static std::string describeUnsupported(const std::string &descr) {
  std::string type = "has type " + quoteName(descr) + ", which ";
  switch (descr.size() > 1 ? descr[1] : '\0') {
  case 'O':
    return type + "holds Python objects, which are never unpickled; save the "
                  "values with a numeric dtype";
  case 'U':
  case 'S':
    return type + "holds strings, not numbers";
  case 'c':
    return type + "holds complex numbers, which are not supported";
  case 'M':
  case 'm':
    return type + "holds dates or times, which are not supported";
  case 'V':
    return type + "holds raw bytes; where they are bfloat16 or float8, convert "
                  "them with astype('float32') before saving";
  }
  return type + "is not supported; expected f2, f4, f8, i1, i2, i4, i8, u1, "
                "u2, u4, u8 or b1";
}

/// "<f4": byte order, kind and size.
static bool parseType(const std::string &descr, Header &header,
                      std::string &error) {
  if (descr.size() == 3)
    for (const TypeCode &code : kTypeCodes) {
      if (descr[1] != code.kind || descr[2] != code.size)
        continue;
      header.type = code.type;
      header.bigEndian = descr[0] == '>';
      if (descr[0] == '<' || descr[0] == '>' ||
          (code.size == '1' && (descr[0] == '|' || descr[0] == '=')))
        return true;
      error = "has type " + quoteName(descr) +
              ", which does not say its byte order";
      return false;
    }
  error = describeUnsupported(descr);
  return false;
}

//===----------------------------------------------------------------------===//
// The dict
//===----------------------------------------------------------------------===//

namespace {
class DictParser {
public:
  DictParser(const char *text, size_t size, const NpzLimits &limits,
             Header &header, std::string &error)
      : begin(text), next(text), end(text + size), limits(limits),
        header(header), error(error) {}

  bool parse() {
    bool seenDescr = false, seenOrder = false, seenShape = false;
    std::string descr;
    if (!expect('{'))
      return false;
    while (!consume('}')) {
      std::string key;
      if (!parseString(key) || !expect(':'))
        return false;
      bool ok = key == "descr" ? once(key, seenDescr) && parseDescr(descr)
                : key == "fortran_order" ? once(key, seenOrder) && parseOrder()
                : key == "shape" ? once(key, seenShape) && parseShape()
                                 : fail("unknown key " + quoteName(key));
      if (!ok)
        return false;
      if (!consume(',')) {
        if (!expect('}'))
          return false;
        break;
      }
    }
    skipSpace();
    if (next != end)
      return fail("text after the dict");
    if (!seenDescr || !seenOrder || !seenShape)
      return fail(std::string("no key '") +
                  (!seenDescr   ? "descr"
                   : !seenOrder ? "fortran_order"
                                : "shape") +
                  "'");
    return parseType(descr, header, error) && checkSize();
  }

private:
  bool fail(const std::string &what) {
    error = "has a malformed header: " + what + " at byte " +
            std::to_string(next - begin);
    return false;
  }

  void skipSpace() {
    while (next != end &&
           (*next == ' ' || *next == '\n' || *next == '\t' || *next == '\r'))
      ++next;
  }

  /// Skips `c` if it comes next.
  bool consume(char c) {
    skipSpace();
    if (next == end || *next != c)
      return false;
    ++next;
    return true;
  }

  bool expect(char c) {
    return consume(c) || fail(std::string("expected '") + c + "'");
  }

  bool once(const std::string &key, bool &seen) {
    if (seen)
      return fail("key " + quoteName(key) + " occurs twice");
    seen = true;
    return true;
  }

  /// A string in either kind of quotes, without escapes.
  bool parseString(std::string &text) {
    skipSpace();
    if (next == end || (*next != '\'' && *next != '"'))
      return fail("expected a string");
    char quote = *next++;
    const char *start = next;
    while (next != end && *next != quote && *next != '\\' && *next != '\n')
      ++next;
    if (next == end || *next != quote)
      return fail("expected the end of a string");
    text.assign(start, next);
    ++next;
    return true;
  }

  bool parseDescr(std::string &descr) {
    skipSpace();
    if (next != end && *next == '[') {
      error = "has a structured type, which is not supported";
      return false;
    }
    return parseString(descr);
  }

  bool consumeWord(const char *word) {
    size_t size = strlen(word);
    if (size_t(end - next) < size || memcmp(next, word, size) != 0)
      return false;
    next += size;
    return true;
  }

  bool parseOrder() {
    skipSpace();
    header.fortranOrder = consumeWord("True");
    return header.fortranOrder || consumeWord("False") ||
           fail("expected True or False");
  }

  /// "()", "(3,)", "(3, 4)"; Python 2 wrote "3L".
  bool parseShape() {
    if (!expect('('))
      return false;
    header.shape.clear();
    bool comma = true;
    while (!consume(')')) {
      if (!comma)
        return fail("expected ',' or ')'");
      uint64_t extent;
      if (!parseExtent(extent))
        return false;
      if (header.shape.size() == limits.maxRank)
        return fail("more than " + std::to_string(limits.maxRank) +
                    " dimensions");
      header.shape.push_back(extent);
      comma = consume(',');
      if (!comma && header.shape.size() == 1)
        return fail("expected ',': a shape of one dimension is (n,)");
    }
    return true;
  }

  bool parseExtent(uint64_t &extent) {
    skipSpace();
    if (next == end || *next < '0' || *next > '9')
      return fail("expected a dimension, an integer of 0 or more");
    if (*next == '0' && next + 1 != end && next[1] >= '0' && next[1] <= '9')
      return fail("a dimension begins with 0");
    extent = 0;
    for (; next != end && *next >= '0' && *next <= '9'; ++next)
      if (!checkedMultiply(extent, 10, extent) ||
          __builtin_add_overflow(extent, uint64_t(*next - '0'), &extent) ||
          extent > uint64_t(INT64_MAX))
        return fail("a dimension does not fit 64 bits");
    if (next != end && *next == 'L')
      ++next;
    return true;
  }

  /// Bounds the data, also where an extent of 0 hides what others multiply to.
  bool checkSize() {
    uint64_t size = elementTypeSize(header.type);
    bool empty = false, several = false;
    size_t largeDims = 0;
    for (uint64_t extent : header.shape) {
      empty |= extent == 0;
      largeDims += extent > 1;
      several |= largeDims > 1;
      if (!checkedMultiply(size, extent ? extent : 1, size) ||
          size > limits.maxArrayBytes) {
        error = "has shape " + shapeToString(header.shape) + " of " +
                elementTypeName(header.type) +
                ", which takes more than the limit of " +
                std::to_string(limits.maxArrayBytes) + " bytes";
        return false;
      }
    }
    // Both orders are one where at most one extent is not 1.
    header.fortranOrder &= several && !empty;
    return true;
  }

  const char *begin, *next, *end;
  const NpzLimits &limits;
  Header &header;
  std::string &error;
};
} // namespace

bool npy::parseHeader(const char *text, size_t size, const NpzLimits &limits,
                      Header &header, std::string &error) {
  return DictParser(text, size, limits, header, error).parse();
}

std::string npy::formatHeader(ElementType type,
                              const std::vector<uint64_t> &shape) {
  std::string dict = "{'descr': '";
  for (const TypeCode &code : kTypeCodes)
    if (code.type == type)
      dict += {code.size == '1' ? '|' : '<', code.kind, code.size};
  dict += "', 'fortran_order': False, 'shape': (";
  for (uint64_t extent : shape)
    dict += std::to_string(extent) + (shape.size() == 1 ? "," : ", ");
  if (shape.size() > 1)
    dict.resize(dict.size() - 2);
  dict += "), }";

  constexpr size_t kAlignment = 64, kLengthSize = 2;
  size_t unpadded = kPreambleSize + kLengthSize + dict.size() + 1;
  dict.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  dict += '\n';
  std::string header(kMagic, kMagicSize);
  header += {'\x01', '\x00', char(dict.size() & 0xff), char(dict.size() >> 8)};
  return header + dict;
}
