//===- PtxasTest.cpp - Running ptxas and reading what it says --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Logs are those of CUDA 13.0's and 11.1's ptxas. What ptxas can do wrong is
// played by scripts.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Target/Ptxas.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Logs
//===----------------------------------------------------------------------===//

TEST(PtxasLog, SeveralKernels) {
  PtxasLog log = parsePtxasLog(
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function 'gemm' for 'sm_80'\n"
      "ptxas info    : Function properties for gemm\n"
      "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 222 registers, used 1 barriers, 416 bytes cmem[0]\n"
      "ptxas info    : Compile time = 72.976 ms\n"
      "ptxas info    : Compiling entry function 'copy_1' for 'sm_80'\n"
      "ptxas info    : Function properties for copy_1\n"
      "    16 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 30 registers, used 0 barriers, 8192 bytes smem\n"
      "ptxas info    : Compile time = 12.052 ms\n");
  ASSERT_EQ(log.kernels.size(), 2u);
  const ResourceUsage &gemm = log.kernels[0], &copy = log.kernels[1];
  EXPECT_EQ(gemm.kernel, "gemm");
  EXPECT_EQ(gemm.registers, 222);
  EXPECT_EQ(gemm.barriers, 1);
  EXPECT_EQ(gemm.sharedBytes, 0);
  EXPECT_EQ(gemm.spillStores + gemm.spillLoads + gemm.stackFrame, 0);
  EXPECT_EQ(copy.kernel, "copy_1");
  EXPECT_EQ(copy.registers, 30);
  EXPECT_EQ(copy.barriers, 0);
  EXPECT_EQ(copy.sharedBytes, 8192);
  EXPECT_EQ(copy.stackFrame, 16);
  EXPECT_TRUE(log.warnings.empty());
}

TEST(PtxasLog, Spills) {
  PtxasLog log = parsePtxasLog(
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function 'gemm' for 'sm_80'\n"
      "ptxas info    : Function properties for gemm\n"
      "    960 bytes stack frame, 2932 bytes spill stores, 2492 bytes spill "
      "loads\n"
      "ptxas info    : Used 64 registers, used 1 barriers, 960 bytes "
      "cumulative stack size, 404 bytes cmem[0]\n"
      "ptxas info    : Compile time = 192.974 ms\n");
  ASSERT_EQ(log.kernels.size(), 1u);
  EXPECT_EQ(log.kernels[0].spillStores, 2932);
  EXPECT_EQ(log.kernels[0].spillLoads, 2492);
  EXPECT_EQ(log.kernels[0].stackFrame, 960);
  EXPECT_EQ(log.kernels[0].registers, 64);
}

TEST(PtxasLog, NotesAndWarnings) {
  PtxasLog log = parsePtxasLog(
      "ptxas info    : (C7519) warpgroup.arrive is injected in around line 16 "
      "by compiler to allow use of registers in GMMA in function 'wg'\n"
      "ptxas info    : (C7514) Potential Performance Loss: wgmma.mma_async "
      "instructions are serialized due to non wgmma instructions reading "
      "accumulator registers of  a wgmma between start and end of the pipeline "
      "stage in the function 'wg'\n"
      "ptxas warning : Stack size for entry function 'wg' cannot be statically "
      "determined\n"
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function 'wg' for 'sm_90a'\n"
      "ptxas info    : Function properties for wg\n"
      "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 30 registers, used 0 barriers, 8192 bytes smem\n");
  ASSERT_EQ(log.warnings.size(), 3u);
  EXPECT_EQ(log.warnings[0].rfind("ptxas info    : (C7519) warpgroup", 0), 0u);
  EXPECT_EQ(log.warnings[1].rfind("ptxas info    : (C7514) Potential", 0), 0u);
  EXPECT_EQ(log.warnings[2].rfind("ptxas warning : Stack size", 0), 0u);
  ASSERT_EQ(log.kernels.size(), 1u);
  EXPECT_EQ(log.kernels[0].registers, 30);
}

/// Before CUDA 12: several functions of a kernel, no count of barriers.
TEST(PtxasLog, OldFormatAndDeviceFunctions) {
  PtxasLog log = parsePtxasLog(
      "ptxas info    : 0 bytes gmem\r\n"
      "ptxas info    : Compiling entry function 'k' for 'sm_80'\r\n"
      "ptxas info    : Function properties for k\r\n"
      "    8 bytes stack frame, 4 bytes spill stores, 4 bytes spill loads\r\n"
      "ptxas info    : Used 12 registers, 48 bytes smem, 372 bytes cmem[0]\r\n"
      "ptxas info    : Function properties for helper\r\n"
      "    64 bytes stack frame, 32 bytes spill stores, 32 bytes spill "
      "loads\r\n");
  ASSERT_EQ(log.kernels.size(), 1u);
  EXPECT_EQ(log.kernels[0].kernel, "k");
  EXPECT_EQ(log.kernels[0].registers, 12);
  EXPECT_EQ(log.kernels[0].sharedBytes, 48);
  EXPECT_EQ(log.kernels[0].spillStores, 4);
  EXPECT_EQ(log.kernels[0].stackFrame, 8);
}

TEST(PtxasLog, Garbage) {
  for (StringRef text :
       {"", "\n\n", "bytes stack frame", "Compiling entry function '",
        ": Used registers", "    x bytes stack frame, 3 bytes spill stores",
        "Function properties for", "\xff\xfe\0: Used"}) {
    PtxasLog log = parsePtxasLog(text);
    EXPECT_LE(log.kernels.size(), 1u);
    EXPECT_TRUE(log.warnings.empty());
  }
  PtxasLog log = parsePtxasLog(
      "ptxas info : Compiling entry function 'k' for 'sm_80'\n"
      "ptxas info : Used 99999999999999999999999 registers, used barriers\n");
  ASSERT_EQ(log.kernels.size(), 1u);
  EXPECT_EQ(log.kernels[0].registers, 0);
}

//===----------------------------------------------------------------------===//
// Running it
//===----------------------------------------------------------------------===//

namespace {
/// A folder for temporary files, with a ptxas that is a script.
class PtxasProcess : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("ptxas-test", folder));
    for (const char *name : {"QUANTOPT_PTXAS", "PATH", "CUDA_HOME", "TMPDIR"})
      saved.emplace_back(name, getenv(name) ? getenv(name) : "");
    SmallString<128> temporary(folder);
    llvm::sys::path::append(temporary, "tmp");
    ASSERT_FALSE(llvm::sys::fs::create_directory(temporary));
    setenv("TMPDIR", temporary.c_str(), 1);
    temporaryFolder = temporary.str().str();
  }
  void TearDown() override {
    for (const auto &[name, value] : saved) {
      if (value.empty())
        unsetenv(name);
      else
        setenv(name, value.c_str(), 1);
    }
    llvm::sys::fs::remove_directories(folder);
  }

  /// Writes an executable script `name` below the folder; returns its path.
  std::string makeScript(const std::string &body,
                         const std::string &name = "ptxas") {
    SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    EXPECT_FALSE(
        llvm::sys::fs::create_directories(llvm::sys::path::parent_path(path)));
    std::error_code code;
    {
      llvm::raw_fd_ostream os(path, code);
      os << "#!/bin/sh\n" << body << "\n";
    }
    EXPECT_FALSE(llvm::sys::fs::setPermissions(path, llvm::sys::fs::all_all));
    return path.str().str();
  }
  void useScript(const std::string &body) {
    setenv("QUANTOPT_PTXAS", makeScript(body).c_str(), 1);
  }

  /// The error of assembling, and that nothing was left behind.
  std::string getError(StringRef chip = "sm_80") {
    llvm::Expected<Cubin> cubin = assemble("ptx text", chip);
    EXPECT_EQ(countTemporaryFiles(), 0);
    if (cubin)
      return "no error";
    return llvm::toString(cubin.takeError());
  }
  int countTemporaryFiles() {
    int count = 0;
    std::error_code code;
    for (llvm::sys::fs::directory_iterator it(temporaryFolder, code), end;
         it != end && !code; it.increment(code))
      ++count;
    return count;
  }
  static void expectContains(const std::string &text, const std::string &part) {
    EXPECT_NE(text.find(part), std::string::npos)
        << "expected '" << part << "' in '" << text << "'";
  }

  SmallString<128> folder;
  std::string temporaryFolder;
  std::vector<std::pair<const char *, std::string>> saved;
};
} // namespace

/// A script sees: -v -O3 -arch=CHIP SOURCE -o IMAGE.
TEST_F(PtxasProcess, GivesImageAndUsage) {
  useScript("test \"$1 $2 $3 $5\" = '-v -O3 -arch=sm_86 -o' || exit 9\n"
            "{ printf '\\177ELF'; cat \"$4\"; } > \"$6\"\n"
            "echo \"ptxas info : Compiling entry function 'k' for 'sm_86'\"\n"
            "echo 'ptxas info : Used 7 registers, used 2 barriers' >&2");
  llvm::Expected<Cubin> cubin = assemble("ptx text", "sm_86");
  ASSERT_TRUE(static_cast<bool>(cubin)) << llvm::toString(cubin.takeError());
  EXPECT_EQ(cubin->image, "\177ELFptx text");
  ASSERT_EQ(cubin->log.kernels.size(), 1u);
  EXPECT_EQ(cubin->log.kernels[0].registers, 7);
  EXPECT_EQ(cubin->log.kernels[0].barriers, 2);
  EXPECT_EQ(countTemporaryFiles(), 0);
}

TEST_F(PtxasProcess, ErrorsInPtx) {
  useScript("echo \"ptxas $4, line 4; error   : Unknown modifier '.bar'\" >&2\n"
            "echo 'ptxas fatal   : Ptx assembly aborted due to errors' >&2\n"
            "echo partial > \"$6\"; exit 255");
  std::string error = getError();
  expectContains(error, "fails for sm_80: line 4; error   : Unknown modifier "
                        "'.bar'");
  EXPECT_EQ(error.find("aborted"), std::string::npos);
  EXPECT_EQ(error.find(temporaryFolder), std::string::npos) << error;
}

TEST_F(PtxasProcess, ManyErrors) {
  useScript("for i in 1 2 3 4 5 6 7 8; do echo \"ptxas $4, line $i; error : x\""
            "; done; exit 255");
  expectContains(getError(), "line 5; error : x; and 3 more");
}

TEST_F(PtxasProcess, TooOld) {
  useScript("echo \"ptxas fatal   : Value 'sm_90' is not defined for option "
            "'gpu-name'\" >&2; exit 255");
  std::string error = getError("sm_90");
  expectContains(error, "is too old for sm_90 (");
  expectContains(error, "install the CUDA toolkit");
  useScript("echo \"ptxas $4, line 1; fatal   : Unsupported .version 7.8; "
            "current version is '7.1'\" >&2; exit 255");
  error = getError("sm_89");
  expectContains(error, "is too old for sm_89 (line 1; fatal   : Unsupported "
                        ".version 7.8; current version is '7.1'); install");
}

TEST_F(PtxasProcess, SaysNothing) {
  useScript("exit 3");
  expectContains(getError(), "it says nothing and exits with status 3");
}

TEST_F(PtxasProcess, Crashes) {
  useScript("kill -SEGV $$");
  expectContains(getError(), "cannot run '");
}

TEST_F(PtxasProcess, GivesGarbage) {
  useScript("echo garbage > \"$6\"");
  expectContains(getError(), "gives no cubin for sm_80");
  useScript(": > \"$6\"");
  expectContains(getError(), "gives no cubin for sm_80");
  useScript("rm \"$6\"");
  expectContains(getError(), "gives no cubin for sm_80");
}

TEST_F(PtxasProcess, NoProgram) {
  setenv("QUANTOPT_PTXAS", folder.c_str(), 1);
  expectContains(getError(), "cannot run '" + folder.str().str() + "'");
  setenv("QUANTOPT_PTXAS", "/no/such/ptxas", 1);
  expectContains(getError(), "cannot run '/no/such/ptxas'");
  // Set and empty: to do without, whatever is installed.
  setenv("QUANTOPT_PTXAS", "", 1);
  EXPECT_FALSE(findPtxas());
  std::string error = getError();
  expectContains(error, "a cubin needs ptxas, which is not there: install the "
                        "CUDA toolkit");
  expectContains(error, "$QUANTOPT_PTXAS");
}

TEST_F(PtxasProcess, NoTemporaryFolder) {
  useScript("exit 0");
  setenv("TMPDIR", "/no/such/folder", 1);
  llvm::Expected<Cubin> cubin = assemble("ptx", "sm_80");
  ASSERT_FALSE(static_cast<bool>(cubin));
  expectContains(llvm::toString(cubin.takeError()),
                 "cannot write a temporary file for ptxas: No such file");
}

TEST_F(PtxasProcess, Search) {
  unsetenv("QUANTOPT_PTXAS");
  std::string onPath = makeScript("exit 0", "path/ptxas");
  std::string inHome = makeScript("exit 0", "cuda/bin/ptxas");
  setenv("PATH", (folder + "/path").str().c_str(), 1);
  setenv("CUDA_HOME", (folder + "/cuda").str().c_str(), 1);
  EXPECT_EQ(findPtxas(), onPath);
  setenv("PATH", "/no/such/folder", 1);
  EXPECT_EQ(findPtxas(), inHome);
  setenv("QUANTOPT_PTXAS", "/somewhere/else", 1);
  EXPECT_EQ(findPtxas(), "/somewhere/else");
}

/// File names of their own: processes do not meet.
TEST_F(PtxasProcess, SeveralAtOnce) {
  useScript("{ printf '\\177ELF'; cat \"$4\"; } > \"$6\"; sleep 0.1");
  std::vector<std::string> images(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < images.size(); ++i)
    threads.emplace_back([&, i] {
      llvm::Expected<Cubin> cubin = assemble(std::to_string(i), "sm_80");
      images[i] = cubin ? cubin->image : llvm::toString(cubin.takeError());
    });
  for (std::thread &thread : threads)
    thread.join();
  for (size_t i = 0; i < images.size(); ++i)
    EXPECT_EQ(images[i], "\177ELF" + std::to_string(i));
  EXPECT_EQ(countTemporaryFiles(), 0);
}

//===----------------------------------------------------------------------===//
// The real one
//===----------------------------------------------------------------------===//

TEST(Ptxas, Assembles) {
  if (!findPtxas())
    GTEST_SKIP() << "no ptxas here: " << getPtxasHint().str();
  llvm::Expected<Cubin> cubin =
      assemble(".version 7.0\n.target sm_80\n.address_size 64\n"
               ".visible .entry k() { ret; }\n",
               "sm_80");
  ASSERT_TRUE(static_cast<bool>(cubin)) << llvm::toString(cubin.takeError());
  EXPECT_EQ(cubin->image.substr(0, 4), "\177ELF");
  ASSERT_EQ(cubin->log.kernels.size(), 1u);
  EXPECT_EQ(cubin->log.kernels[0].kernel, "k");
  EXPECT_GT(cubin->log.kernels[0].registers, 0);

  llvm::Expected<Cubin> wrong =
      assemble(".version 7.0\n.target sm_80\n.address_size 64\n"
               ".visible .entry k() { foo.bar; ret; }\n",
               "sm_80");
  ASSERT_FALSE(static_cast<bool>(wrong));
  EXPECT_NE(llvm::toString(wrong.takeError()).find("line 4"),
            std::string::npos);
}
