//===- Ptxas.cpp - PTX to machine code through NVIDIA's assembler -*- C++ -*-=//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Target/Ptxas.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Finding it
//===----------------------------------------------------------------------===//

static constexpr StringLiteral kPtxas = "ptxas";
static constexpr StringLiteral kPathVariable = "QUANTOPT_PTXAS";

std::optional<std::string> mlir::qopt::findPtxas() {
  using llvm::sys::Process;
  // What the user names is taken or complained about, never replaced.
  if (std::optional<std::string> path = Process::GetEnv(kPathVariable))
    return path->empty() ? std::nullopt : path;
  if (llvm::ErrorOr<std::string> path = llvm::sys::findProgramByName(kPtxas))
    return *path;
  SmallVector<std::string, 2> folders;
  if (std::optional<std::string> home = Process::GetEnv("CUDA_HOME"))
    folders.push_back(*home);
  folders.push_back("/usr/local/cuda");
  for (const std::string &folder : folders) {
    SmallString<128> bin(folder);
    llvm::sys::path::append(bin, "bin");
    if (llvm::ErrorOr<std::string> path =
            llvm::sys::findProgramByName(kPtxas, StringRef(bin)))
      return *path;
  }
  return std::nullopt;
}

StringRef mlir::qopt::getPtxasHint() {
  return "install the CUDA toolkit (package cuda-nvcc, or `pip install "
         "nvidia-cuda-nvcc`) and put ptxas on PATH, or name it in "
         "$QUANTOPT_PTXAS";
}

//===----------------------------------------------------------------------===//
// Its output
//===----------------------------------------------------------------------===//

/// The number before `unit` in "0 bytes stack frame, 8 bytes spill stores".
static int64_t getAmount(StringRef line, StringRef unit) {
  size_t end = line.find(unit);
  if (end == StringRef::npos)
    return 0;
  StringRef digits = line.take_front(end).rtrim();
  size_t begin = digits.find_last_not_of("0123456789");
  digits = begin == StringRef::npos ? digits : digits.drop_front(begin + 1);
  int64_t amount = 0;
  return digits.getAsInteger(10, amount) ? 0 : amount;
}

/// The text between quotes in "Compiling entry function 'k' for 'sm_80'".
static StringRef getQuoted(StringRef line) {
  return line.split('\'').second.split('\'').first;
}

PtxasLog mlir::qopt::parsePtxasLog(StringRef text) {
  PtxasLog log;
  // Device functions have properties of their own, which are not a kernel's.
  bool inKernel = false;
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  for (StringRef line : lines) {
    line = line.rtrim();
    ResourceUsage *kernel = log.kernels.empty() ? nullptr : &log.kernels.back();
    if (line.contains("warning") || line.contains("(C7")) {
      log.warnings.push_back(line.trim().str());
    } else if (line.contains("Compiling entry function")) {
      log.kernels.emplace_back().kernel = getQuoted(line).str();
    } else if (line.contains("Function properties for")) {
      StringRef name = line.rsplit(' ').second;
      inKernel = kernel && name == kernel->kernel;
    } else if (line.contains("bytes stack frame") && inKernel) {
      kernel->stackFrame = getAmount(line, "bytes stack frame");
      kernel->spillStores = getAmount(line, "bytes spill stores");
      kernel->spillLoads = getAmount(line, "bytes spill loads");
    } else if (line.contains(": Used ") && kernel) {
      kernel->registers = getAmount(line, "registers");
      kernel->barriers = getAmount(line, "barriers");
      kernel->sharedBytes = getAmount(line, "bytes smem");
    }
  }
  return log;
}

/// The complaints in what a failing ptxas printed, at most `kMaxLines`, with
/// the temporary file's name taken out.
static std::string getComplaints(StringRef text, StringRef ptxPath) {
  constexpr size_t kMaxLines = 5;
  std::string complaints;
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  size_t count = 0;
  for (StringRef line : lines) {
    line = line.trim();
    bool isInfo = line.contains("info    :") || line.ends_with("spill loads");
    if (line.empty() || isInfo ||
        line.contains("Ptx assembly aborted due to errors") ||
        ++count > kMaxLines)
      continue;
    line.consume_front("ptxas ");
    if (line.consume_front(ptxPath))
      line = line.ltrim(", ");
    if (!complaints.empty())
      complaints += "; ";
    for (size_t at; (at = line.find(ptxPath)) != StringRef::npos;) {
      complaints += line.take_front(at).str() + "PTX";
      line = line.drop_front(at + ptxPath.size());
    }
    complaints += line.str();
  }
  if (count > kMaxLines)
    complaints += "; and " + std::to_string(count - kMaxLines) + " more";
  return complaints;
}

//===----------------------------------------------------------------------===//
// Running it
//===----------------------------------------------------------------------===//

namespace {
/// A file that is gone at the end of its scope, or of the process.
class TemporaryFile {
public:
  std::error_code create(StringRef suffix) {
    std::error_code code =
        llvm::sys::fs::createTemporaryFile("quant-opt", suffix, path);
    if (!code)
      llvm::sys::RemoveFileOnSignal(path);
    return code;
  }
  ~TemporaryFile() {
    if (path.empty())
      return;
    llvm::sys::fs::remove(path);
    llvm::sys::DontRemoveFileOnSignal(path);
  }
  StringRef getPath() const { return path; }

  std::error_code write(StringRef contents) const {
    std::error_code code;
    llvm::raw_fd_ostream os(path, code);
    if (code)
      return code;
    os << contents;
    os.flush();
    code = os.error();
    os.clear_error();
    return code;
  }
  llvm::ErrorOr<std::string> read() const {
    auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!buffer)
      return buffer.getError();
    return (*buffer)->getBuffer().str();
  }

private:
  SmallString<128> path;
};
} // namespace

/// Why a ptxas that ran gave no cubin.
static std::string explainFailure(StringRef program, StringRef chip, int status,
                                  StringRef log, StringRef ptxPath) {
  std::string complaints = getComplaints(log, ptxPath);
  StringRef text = complaints;
  if (text.contains("is not defined for option 'gpu-name'") ||
      text.contains("Unsupported .version"))
    return (program + " is too old for " + chip + " (" + complaints + "); " +
            getPtxasHint())
        .str();
  if (complaints.empty())
    complaints =
        "it says nothing and exits with status " + std::to_string(status);
  return (program + " fails for " + chip + ": " + complaints).str();
}

llvm::Expected<Cubin> mlir::qopt::assemble(StringRef ptx, StringRef chip) {
  auto fail = [](const Twine &message) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
  };
  std::optional<std::string> program = findPtxas();
  if (!program)
    return fail("a cubin needs ptxas, which is not there: " + getPtxasHint());
  TemporaryFile source, image, log;
  std::error_code code = source.create("ptx");
  if (!code)
    code = image.create("cubin");
  if (!code)
    code = log.create("log");
  if (!code)
    code = source.write(ptx);
  if (code)
    return fail("cannot write a temporary file for ptxas: " + code.message());

  std::string arch = ("-arch=" + chip).str();
  SmallVector<StringRef> args = {*program,         "-v", "-O3",          arch,
                                 source.getPath(), "-o", image.getPath()};
  std::optional<StringRef> redirects[] = {StringRef(), log.getPath(),
                                          log.getPath()};
  std::string error;
  bool notExecuted = false;
  int status = llvm::sys::ExecuteAndWait(
      *program, args, /*Env=*/std::nullopt, redirects, /*SecondsToWait=*/0,
      /*MemoryLimit=*/0, &error, &notExecuted);
  if (notExecuted || status < 0)
    return fail("cannot run '" + *program + "': " + StringRef(error).rtrim() +
                "; " + getPtxasHint());
  llvm::ErrorOr<std::string> text = log.read();
  StringRef messages = text ? StringRef(*text) : StringRef();
  if (status != 0)
    return fail(
        explainFailure(*program, chip, status, messages, source.getPath()));
  llvm::ErrorOr<std::string> bytes = image.read();
  if (!bytes || !StringRef(*bytes).starts_with("\177ELF"))
    return fail("'" + *program + "' gives no cubin for " + chip +
                ", though it reports success");
  return Cubin{std::move(*bytes), parsePtxasLog(messages)};
}

FailureOr<Cubin>
mlir::qopt::assemble(StringRef ptx, StringRef chip,
                     function_ref<InFlightDiagnostic()> emitError) {
  llvm::Expected<Cubin> cubin = assemble(ptx, chip);
  if (!cubin)
    return emitError() << llvm::toString(cubin.takeError());
  return std::move(*cubin);
}
