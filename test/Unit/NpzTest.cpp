//===- NpzTest.cpp - Reading and writing well-formed .npy and .npz --------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every element type, byte order, element order, version and kind of
// compression that NumPy writes, and what NpzWriter promises.
//
//===----------------------------------------------------------------------===//
#include "NpzTestFiles.h"

#include <gtest/gtest.h>

#include <numeric>
#include <sys/stat.h>
#include <thread>

using namespace mlir::qopt;
using namespace npztest;

namespace {

using Shape = std::vector<uint64_t>;

struct TypeCase {
  const char *code;
  ElementType type;
};
constexpr TypeCase kTypeCases[] = {
    {"f2", ElementType::F16}, {"f4", ElementType::F32},
    {"f8", ElementType::F64}, {"i1", ElementType::I8},
    {"i2", ElementType::I16}, {"i4", ElementType::I32},
    {"i8", ElementType::I64}, {"u1", ElementType::U8},
    {"u2", ElementType::U16}, {"u4", ElementType::U32},
    {"u8", ElementType::U64}, {"b1", ElementType::I1}};

/// 0, 1, ... as elements of `type`; for truth values their parity.
std::string counting(ElementType type, size_t count) {
  std::string bytes(count * elementTypeSize(type), '\0'), error;
  for (size_t i = 0; i < count; ++i) {
    int64_t integer = type == ElementType::I1 ? i % 2 : i;
    double number = double(i);
    const void *source = &number;
    if (!isFloatType(type))
      source = &integer;
    EXPECT_TRUE(convertElements(
        isFloatType(type) ? ElementType::F64 : ElementType::I64, source, type,
        &bytes[i * elementTypeSize(type)], 1, error))
        << error;
  }
  return bytes;
}

std::string reverseElements(std::string bytes, size_t size) {
  for (size_t i = 0; i < bytes.size(); i += size)
    std::reverse(bytes.begin() + i, bytes.begin() + i + size);
  return bytes;
}

std::string readBytes(const NpzReader &reader, const std::string &name) {
  std::string error;
  auto stream = reader.stream(name, error);
  EXPECT_TRUE(stream) << error;
  if (!stream)
    return "";
  const NpzArray &array = stream->array();
  std::string bytes(array.numElements() * elementTypeSize(array.type), '\0');
  EXPECT_TRUE(stream->read(array.numRows(), bytes.data(), error)) << error;
  return bytes;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

TEST(NpzReader, EveryTypeInBothByteOrders) {
  for (const TypeCase &test : kTypeCases) {
    size_t size = elementTypeSize(test.type);
    std::string data = counting(test.type, 6);
    for (char order : {'<', '>', '|'}) {
      if (order == '|' && size > 1)
        continue;
      std::string stored = order == '>' ? reverseElements(data, size) : data;
      std::string file = npy(order + std::string(test.code), "(2, 3)", stored);
      for (std::string bytes : {file, zip({{"x.npy", file}})}) {
        Opened opened(bytes);
        ASSERT_TRUE(opened.reader) << opened.error;
        const NpzArray &array = opened.reader->arrays().at(0);
        EXPECT_EQ(array.problem, "");
        EXPECT_EQ(array.type, test.type);
        EXPECT_EQ(array.shape, (Shape{2, 3}));
        EXPECT_EQ(readBytes(*opened.reader, array.name), data) << test.code;
      }
    }
  }
}

TEST(NpzReader, FortranOrderBecomesRowMajor) {
  const Shape shape = {2, 3, 4};
  std::vector<int32_t> expected(24), stored;
  std::iota(expected.begin(), expected.end(), 0);
  for (size_t k = 0; k < 4; ++k)
    for (size_t j = 0; j < 3; ++j)
      for (size_t i = 0; i < 2; ++i)
        stored.push_back(expected[(i * 3 + j) * 4 + k]);
  Opened opened(npy("<i4", "(2, 3, 4)", bytesOf(stored), true));
  ASSERT_TRUE(opened.reader) << opened.error;
  EXPECT_EQ(readBytes(*opened.reader, ""), bytesOf(expected));

  // Row by row and converted.
  std::string error;
  auto stream = opened.reader->stream("", error);
  ASSERT_TRUE(stream) << error;
  std::vector<double> row(12);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(stream->readAs(ElementType::F64, 1, row.data(), error))
        << error;
    EXPECT_EQ(row[0], 12.0 * i);
    EXPECT_EQ(row[11], 12.0 * i + 11);
  }
}

TEST(NpzReader, FortranOrderThatIsRowMajorNeedsNoMemory) {
  NpzLimits limits;
  limits.maxResidentBytes = 4;
  for (const char *shape : {"(6,)", "(1, 6)", "(6, 1, 1)", "(0, 6)", "()"}) {
    std::string dict = npyDict("<i2", shape, true);
    size_t count = std::string(shape) == "()" ? 1 : shape[1] == '0' ? 0 : 6;
    Opened opened(npyWithHeader(dict, counting(ElementType::I16, count)),
                  limits);
    EXPECT_EQ(opened.readError(), "") << shape;
  }
  Opened opened(npy("<i2", "(2, 3)", std::string(12, 'a'), true), limits);
  EXPECT_NE(opened.readError().find("Fortran order"), std::string::npos);
}

TEST(NpzReader, HeaderFormsOfAllVersions) {
  std::string data = counting(ElementType::F32, 3);
  for (std::string dict :
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }    \n",
        "{\"shape\":(3,),\"descr\":\"<f4\",\"fortran_order\":False}",
        "{'shape': (3L,), 'fortran_order': True, 'descr': '<f4'}\n",
        " { 'shape' : ( 3 , ) , 'fortran_order' : False , 'descr' : '<f4' }"})
    for (int major : {1, 2, 3}) {
      Opened opened(npyWithHeader(dict, data, major));
      ASSERT_TRUE(opened.reader) << opened.error;
      EXPECT_EQ(opened.reader->arrays()[0].problem, "") << dict;
      EXPECT_EQ(opened.reader->arrays()[0].shape, Shape{3});
    }
}

TEST(NpzReader, ScalarsAndEmptyArrays) {
  Opened scalar(npy("<f8", "()", bytesOf<double>({2.5})));
  std::string error;
  EXPECT_EQ(readAll<float>(*scalar.reader, "", ElementType::F32, error),
            std::vector<float>{2.5f});
  EXPECT_EQ(scalar.reader->arrays()[0].numRows(), 1u);
  for (const char *shape : {"(0,)", "(0, 5)", "(5, 0)"}) {
    Opened empty(zip({{"x.npy", npy("<f8", shape, "")}}));
    EXPECT_EQ(empty.readError("x"), "") << shape;
    EXPECT_EQ(empty.reader->find("x")->numElements(), 0u);
  }
}

TEST(NpzReader, TruthValuesAreNormalized) {
  Opened opened(npy("|b1", "(4,)", std::string("\0\1\2\xff", 4)));
  EXPECT_EQ(readBytes(*opened.reader, ""), std::string("\0\1\1\1", 4));
}

TEST(NpzReader, ListsAndFindsMembers) {
  std::string array = npy("|u1", "(2,)", "ab");
  Opened opened(zip({{"arg0.npy", array},
                     {"notes.txt", "hello"},
                     {"gr\xc3\xb6\xc3\x9f"
                      "e.npy",
                      array,
                      0,
                      {},
                      {},
                      {},
                      0x800},
                     {"folder/", ""},
                     {"folder/arg0.npy", array}}));
  ASSERT_TRUE(opened.reader) << opened.error;
  EXPECT_TRUE(opened.reader->isArchive());
  std::vector<std::string> names;
  for (const NpzArray &entry : opened.reader->arrays())
    names.push_back(entry.name);
  EXPECT_EQ(names, (std::vector<std::string>{"arg0",
                                             "gr\xc3\xb6\xc3\x9f"
                                             "e",
                                             "folder/arg0"}));
  EXPECT_EQ(opened.reader->find("arg1"), nullptr);
  EXPECT_EQ(readBytes(*opened.reader, names[1]), "ab");
  std::string error;
  EXPECT_EQ(opened.reader->stream("arg1", error), nullptr);
  EXPECT_EQ(error, "'memory.npz': no array 'arg1'");
}

TEST(NpzReader, CompressedAndLargeFileForms) {
  std::string array = npy("<i4", "(5,)", counting(ElementType::I32, 5));
  for (bool zip64 : {false, true}) {
    Opened opened(zip({{"s.npy", array, 0, {}, {}, {}, 0, zip64},
                       {"d.npy",
                        deflateStored(array),
                        8,
                        array.size(),
                        {},
                        crc32(array),
                        0,
                        zip64}}));
    ASSERT_TRUE(opened.reader) << opened.error;
    EXPECT_EQ(opened.readError("s"), "");
    EXPECT_EQ(opened.readError("d"), "");
  }
  Opened empty(zip({}));
  ASSERT_TRUE(empty.reader) << empty.error;
  EXPECT_TRUE(empty.reader->arrays().empty());
}

TEST(NpzReader, SeveralStreamsOnSeveralThreads) {
  TemporaryFolder folder;
  constexpr int kRows = 1000, kColumns = 33;
  std::vector<int32_t> values(kRows * kColumns);
  std::iota(values.begin(), values.end(), 0);
  std::string error;
  auto writer = NpzWriter::create(folder.path("x.npz"), error);
  size_t index;
  ASSERT_TRUE(writer->addArray("x", ElementType::I32, {kRows, kColumns}, &index,
                               error));
  ASSERT_TRUE(writer->append(index, values.data(), values.size(), error));
  ASSERT_TRUE(writer->finish(error)) << error;
  auto reader = NpzReader::open(folder.path("x.npz"), error);
  ASSERT_TRUE(reader) << error;
  std::vector<int> sound(4, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      std::string reason;
      auto stream = reader->stream("x", reason);
      std::vector<int32_t> rows(7 * kColumns);
      bool ok = stream != nullptr;
      for (int row = 0; ok && row < kRows;) {
        int count = std::min(kRows - row, 1 + t * 2);
        ok = stream->read(count, rows.data(), reason) &&
             std::equal(rows.begin(), rows.begin() + count * kColumns,
                        values.begin() + row * kColumns);
        row += count;
      }
      sound[t] = ok;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(sound, std::vector<int>(4, 1));
}

//===----------------------------------------------------------------------===//
// Conversion while reading
//===----------------------------------------------------------------------===//

TEST(NpzArrayStream, ConvertsLongRowsInPieces) {
  constexpr size_t kCount = 100000; // More than one internal piece.
  std::vector<float> values(kCount);
  std::iota(values.begin(), values.end(), -5.0f);
  Opened opened(npy(">f4", "(1, 100000)",
                    reverseElements(bytesOf(values), sizeof(float))));
  std::string error;
  std::vector<double> read =
      readAll<double>(*opened.reader, "", ElementType::F64, error);
  EXPECT_EQ(read, std::vector<double>(values.begin(), values.end())) << error;
}

TEST(NpzArrayStream, NamesTheValueThatDoesNotFit) {
  std::vector<int64_t> values(20000, 1);
  values[17001] = -129;
  Opened opened(zip({{"arg0.npy", npy("<i8", "(200, 100)", bytesOf(values))}}));
  std::string error;
  auto stream = opened.reader->stream("arg0", error);
  std::vector<int8_t> row(100);
  for (int i = 0; i < 170; ++i)
    ASSERT_TRUE(stream->readAs(ElementType::I8, 1, row.data(), error)) << error;
  EXPECT_FALSE(stream->readAs(ElementType::I8, 1, row.data(), error));
  EXPECT_EQ(error, "'memory.npz': array 'arg0' cannot be read as i8: element "
                   "17001 is -129, but i8 holds -128 to 127");
  std::string again;
  EXPECT_FALSE(stream->read(1, row.data(), again));
  EXPECT_EQ(again, error);
}

TEST(NpzArrayStream, RefusesTypesAndRowsThatAreNotThere) {
  Opened opened(npy("<f4", "(2,)", std::string(8, '\0')));
  std::string error;
  auto stream = opened.reader->stream("", error);
  int8_t bytes[3];
  EXPECT_FALSE(stream->readAs(ElementType::I8, 1, bytes, error));
  EXPECT_EQ(error, "'memory.npz': has type f32, which is not converted to i8");
  stream = opened.reader->stream("", error);
  float values[3];
  EXPECT_FALSE(stream->read(3, values, error));
  EXPECT_EQ(error, "'memory.npz': has 2 rows, of which 2 are left; asked for "
                   "3");
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

class NpzWriterTest : public testing::TestWithParam<NpzWriter::Compression> {
protected:
  TemporaryFolder folder;
  std::string path = folder.path("out.npz"), error;
};

INSTANTIATE_TEST_SUITE_P(Both, NpzWriterTest,
                         testing::Values(NpzWriter::Compression::Stored,
                                         NpzWriter::Compression::Deflated));

TEST_P(NpzWriterTest, RoundTripOfEveryTypeAndShape) {
  auto writer = NpzWriter::create(path, error, GetParam());
  ASSERT_TRUE(writer) << error;
  const Shape shapes[] = {{}, {1}, {7}, {0}, {3, 0}, {2, 3}, {2, 1, 3, 2}};
  std::vector<std::pair<std::string, std::string>> expected;
  for (const TypeCase &test : kTypeCases)
    for (const Shape &shape : shapes) {
      std::string name =
          std::string(test.code) + "/" + shapeToString(shape) + "\xc3\xa9";
      uint64_t count = 1;
      for (uint64_t extent : shape)
        count *= extent;
      std::string data = counting(test.type, count);
      size_t index;
      ASSERT_TRUE(writer->addArray(name, test.type, shape, &index, error))
          << error;
      // In two pieces.
      size_t half = count / 2, size = elementTypeSize(test.type);
      ASSERT_TRUE(writer->append(index, data.data(), half, error));
      ASSERT_TRUE(writer->append(index, data.data() + half * size, count - half,
                                 error));
      expected.emplace_back(name, data);
    }
  EXPECT_EQ(folder.files(), std::vector<std::string>{}) << "nothing too early";
  ASSERT_TRUE(writer->finish(error)) << error;
  EXPECT_EQ(folder.files(), std::vector<std::string>{"out.npz"});

  auto reader = NpzReader::open(path, error);
  ASSERT_TRUE(reader) << error;
  ASSERT_EQ(reader->arrays().size(), expected.size());
  for (const auto &[name, data] : expected)
    EXPECT_EQ(readBytes(*reader, name), data) << name;
}

TEST_P(NpzWriterTest, SameBytesEveryTime) {
  std::string files[2];
  for (std::string &file : files) {
    auto writer = NpzWriter::create(path, error, GetParam());
    size_t index;
    ASSERT_TRUE(writer->addArray("x", ElementType::U8, {3}, &index, error));
    ASSERT_TRUE(writer->append(index, "abc", 3, error));
    ASSERT_TRUE(writer->finish(error)) << error;
    file = readFile(path);
  }
  EXPECT_EQ(files[0], files[1]);
}

TEST(NpzWriter, HeaderIsWhatNumPyWrites) {
  TemporaryFolder folder;
  std::string error;
  auto writer = NpzWriter::create(folder.path("x.npz"), error,
                                  NpzWriter::Compression::Stored);
  size_t index;
  ASSERT_TRUE(writer->addArray("x", ElementType::F32, {2, 3}, &index, error));
  std::vector<float> values(6, 1.5f);
  ASSERT_TRUE(writer->append(index, values.data(), 6, error));
  ASSERT_TRUE(writer->finish(error)) << error;
  std::string dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, "
                     "3), }";
  dict.resize(128 - 10 - 1, ' ');
  EXPECT_NE(readFile(folder.path("x.npz"))
                .find(npyWithHeader(dict + "\n", bytesOf(values))),
            std::string::npos);
}

TEST_P(NpzWriterTest, LeavesNothingBehindWithoutFinish) {
  writeFile(path, "old");
  {
    auto writer = NpzWriter::create(path, error, GetParam());
    size_t index;
    ASSERT_TRUE(writer->addArray("x", ElementType::U8, {3}, &index, error));
    ASSERT_TRUE(writer->append(index, "ab", 2, error));
    EXPECT_FALSE(writer->finish(error));
    EXPECT_NE(error.find("array 'x' got 2 of 3 elements"), std::string::npos)
        << error;
  }
  EXPECT_EQ(folder.files(), std::vector<std::string>{"out.npz"});
  EXPECT_EQ(readFile(path), "old");
}

TEST_P(NpzWriterTest, ReplacesAnOldFileAndFollowsLinks) {
  std::string link = folder.path("link.npz");
  writeFile(path, "old");
  ASSERT_EQ(symlink("out.npz", link.c_str()), 0);
  auto writer = NpzWriter::create(link, error, GetParam());
  ASSERT_TRUE(writer) << error;
  size_t index;
  ASSERT_TRUE(writer->addArray("x", ElementType::U8, {1}, &index, error));
  ASSERT_TRUE(writer->append(index, "a", 1, error));
  ASSERT_TRUE(writer->finish(error)) << error;
  struct stat status;
  ASSERT_EQ(lstat(link.c_str(), &status), 0);
  EXPECT_TRUE(S_ISLNK(status.st_mode));
  EXPECT_TRUE(NpzReader::open(path, error)) << error;
}

TEST_P(NpzWriterTest, RefusesWhatCannotBeWritten) {
  EXPECT_EQ(NpzWriter::create("/dev/null", error), nullptr);
  EXPECT_EQ(error, "'/dev/null': exists and is not a regular file");
  EXPECT_EQ(NpzWriter::create(folder.path(""), error), nullptr);
  EXPECT_EQ(NpzWriter::create(folder.path("no/x.npz"), error), nullptr);
  auto writer = NpzWriter::create(path, error, GetParam());
  ASSERT_TRUE(writer) << error;
  EXPECT_FALSE(writer->finish(error));
  EXPECT_NE(error.find("no arrays"), std::string::npos);

  size_t index;
  auto add = [&](const std::string &name, ElementType type,
                 const Shape &shape) {
    return writer->addArray(name, type, shape, &index, error);
  };
  EXPECT_FALSE(add("", ElementType::U8, {1}));
  EXPECT_FALSE(add("x", ElementType::BF16, {1}));
  EXPECT_FALSE(add("x", ElementType::F64, {uint64_t(1) << 60}));
  EXPECT_FALSE(add("x", ElementType::F64, {0, uint64_t(-1), 4}));
  EXPECT_FALSE(add("x", ElementType::U8, Shape(33, 1)));
  EXPECT_TRUE(add("x", ElementType::U8, {1})) << error;
  EXPECT_FALSE(add("x", ElementType::U8, {1}));
  EXPECT_FALSE(writer->append(index, "ab", 2, error));
  EXPECT_FALSE(writer->append(index + 1, "a", 1, error));
  EXPECT_TRUE(writer->append(index, "a", 1, error));
  EXPECT_TRUE(writer->finish(error)) << error;
  EXPECT_FALSE(writer->finish(error));
}

} // namespace
