//===- CpuBackend.cpp - The runtime's device "cpu" -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// CpuExecutable behind the C table that libQuantOptRuntime loads: reads a model
// from a file or from memory, with a context of its own, and compiles it.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Runtime/CpuBackend.h"

#include "QuantOpt/Execution/CpuExecutable.h"
#include "QuantOpt/Frontend/Entry.h"
#include "QuantOpt/Frontend/LoadModel.h"
#include "QuantOpt/Pipelines/Pipelines.h"
#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/SourceMgr.h"

#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// An open model. The executable reads weights from the context's attributes.
struct Session {
  explicit Session(const DialectRegistry &registry)
      : context(registry, MLIRContext::Threading::DISABLED) {}

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<CpuExecutable> executable;
};
} // namespace

static void storeError(char **error, const std::string &message) {
  *error = static_cast<char *>(malloc(message.size() + 1));
  if (*error)
    memcpy(*error, message.c_str(), message.size() + 1);
}

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

/// `loc: severity: text` lines of all diagnostics, as the driver prints them.
static void appendDiagnostic(Diagnostic &diagnostic, std::string &messages) {
  llvm::raw_string_ostream os(messages);
  if (!messages.empty())
    os << '\n';
  if (auto file = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
    os << file.getFilename().getValue() << ':' << file.getLine() << ':'
       << file.getColumn() << ": ";
  switch (diagnostic.getSeverity()) {
  case DiagnosticSeverity::Error:
    os << "error: ";
    break;
  case DiagnosticSeverity::Warning:
    os << "warning: ";
    break;
  case DiagnosticSeverity::Note:
    os << "note: ";
    break;
  case DiagnosticSeverity::Remark:
    os << "remark: ";
    break;
  }
  os << diagnostic.str();
  for (Diagnostic &note : diagnostic.getNotes())
    appendDiagnostic(note, messages);
}

/// Parses text. Bytecode, whose reader trusts its input more, is refused.
static qopt_status parseModel(std::unique_ptr<llvm::MemoryBuffer> buffer,
                              Session &session, std::string &messages) {
  std::string quoted = ("'" + buffer->getBufferIdentifier() + "'").str();
  std::string problem;
  if (isBytecode(buffer->getMemBufferRef())) {
    messages = quoted + " is MLIR bytecode, not text";
    return QOPT_UNSUPPORTED;
  }
  llvm::SourceMgr sources;
  session.module = loadModel(std::move(buffer), LoadOptions(), sources,
                             &session.context, problem);
  if (!problem.empty())
    messages = quoted + ": " + problem;
  return session.module ? QOPT_OK : QOPT_INVALID_MODEL;
}

/// Gives every resource that has no data the constant of its name. Data of the
/// wrong size are found where the resource is read.
static void attachConstants(ModuleOp module,
                            ArrayRef<qopt_cpu_constant> constants) {
  llvm::StringMap<const qopt_cpu_constant *> byName;
  for (const qopt_cpu_constant &constant : constants)
    byName[constant.name] = &constant;
  AttrTypeWalker walker;
  walker.addWalk([&](DenseResourceElementsAttr attr) {
    DenseResourceElementsHandle handle = attr.getRawHandle();
    const qopt_cpu_constant *constant = byName.lookup(handle.getKey());
    if (!constant || handle.getBlob())
      return;
    handle.getResource()->setBlob(UnmanagedAsmResourceBlob::allocateWithAlign(
        ArrayRef(static_cast<const char *>(constant->data), constant->size),
        alignof(uint64_t)));
  });
  module.walk([&](Operation *op) { walker.walk(op->getAttrDictionary()); });
}

/// Float models may be TOSA, as they may be for quantization.
static LogicalResult lowerTosa(ModuleOp module) {
  bool hasTosa = module
                     .walk([](Operation *op) {
                       return isa<tosa::TosaDialect>(op->getDialect())
                                  ? WalkResult::interrupt()
                                  : WalkResult::advance();
                     })
                     .wasInterrupted();
  if (!hasTosa)
    return success();
  PassManager pm(module.getContext());
  buildTosaLowering(pm);
  return pm.run(module);
}

/// Compiles what `read` puts into the session.
static qopt_status
openModel(function_ref<qopt_status(Session &, std::string &)> read,
          const qopt_cpu_options &options, Session &session,
          std::string &messages) {
  ScopedDiagnosticHandler handler(
      &session.context, [&](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Remark)
          appendDiagnostic(diagnostic, messages);
      });
  if (qopt_status status = read(session, messages); status != QOPT_OK)
    return status;
  FailureOr<func::FuncOp> entry = findEntry(
      *session.module, options.entry ? StringRef(options.entry) : StringRef());
  if (failed(entry))
    return QOPT_INVALID_ARGUMENT;
  CpuOptions cpuOptions;
  if (options.kernels == QOPT_KERNELS_PLAIN)
    cpuOptions.kernels = cpu::KernelPreference::Plain;
  if (failed(lowerTosa(*session.module)))
    return QOPT_UNSUPPORTED;
  FailureOr<std::unique_ptr<CpuExecutable>> executable =
      CpuExecutable::compile(*session.module, entry->getName(), cpuOptions);
  if (failed(executable))
    return QOPT_UNSUPPORTED;
  session.executable = std::move(*executable);
  return QOPT_OK;
}

static qopt_status
openSession(function_ref<qopt_status(Session &, std::string &)> read,
            const qopt_cpu_options *options, void **session, char **error) {
  // A caller of an earlier version knows fewer options.
  qopt_cpu_options known = {};
  memcpy(&known, options, std::min(options->struct_size, sizeof(known)));
  DialectRegistry registry;
  registerQuantOpt(registry);
  auto opened = std::make_unique<Session>(registry);
  std::string messages;
  qopt_status status = openModel(read, known, *opened, messages);
  if (status == QOPT_OK)
    *session = opened.release();
  else
    storeError(error, messages);
  return status;
}

static qopt_status open(const char *path, const qopt_cpu_options *options,
                        void **session, char **error) {
  auto read = [&](Session &opened, std::string &messages) {
    auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!buffer) {
      messages = std::string("cannot read '") + path +
                 "': " + buffer.getError().message();
      return QOPT_INVALID_MODEL;
    }
    return parseModel(std::move(*buffer), opened, messages);
  };
  return openSession(read, options, session, error);
}

static qopt_status openMemory(const char *text, size_t size, const char *name,
                              const qopt_cpu_constant *constants,
                              size_t numConstants,
                              const qopt_cpu_options *options, void **session,
                              char **error) {
  auto read = [&](Session &opened, std::string &messages) {
    qopt_status status = parseModel(
        llvm::MemoryBuffer::getMemBufferCopy(StringRef(text, size), name),
        opened, messages);
    if (status == QOPT_OK)
      attachConstants(*opened.module, ArrayRef(constants, numConstants));
    return status;
  };
  return openSession(read, options, session, error);
}

static void close(void *session) { delete static_cast<Session *>(session); }

//===----------------------------------------------------------------------===//
// Signature
//===----------------------------------------------------------------------===//

/// The boundary types that CpuExecutable allows.
static qopt_dtype getDType(Type type) {
  if (type.isF16())
    return QOPT_F16;
  if (type.isBF16())
    return QOPT_BF16;
  if (type.isF32())
    return QOPT_F32;
  if (type.isF64())
    return QOPT_F64;
  if (type.isInteger(1))
    return QOPT_I1;
  if (type.isInteger(8))
    return QOPT_I8;
  if (type.isInteger(16))
    return QOPT_I16;
  if (type.isInteger(32))
    return QOPT_I32;
  return QOPT_I64; // index as well
}

static qopt_status describe(ArrayRef<CpuExecutable::TensorSpec> specs,
                            size_t index, qopt_tensor_info *info) {
  if (index >= specs.size())
    return QOPT_INVALID_ARGUMENT;
  const CpuExecutable::TensorSpec &spec = specs[index];
  info->name = spec.name.c_str();
  info->dtype = getDType(spec.elementType);
  info->rank = spec.shape.size();
  info->dims = spec.shape.data();
  return QOPT_OK;
}

static const CpuExecutable &getExecutable(void *session) {
  return *static_cast<Session *>(session)->executable;
}

static size_t numInputs(void *session) {
  return getExecutable(session).inputs().size();
}

static qopt_status inputInfo(void *session, size_t index,
                             qopt_tensor_info *info) {
  return describe(getExecutable(session).inputs(), index, info);
}

static size_t numOutputs(void *session) {
  return getExecutable(session).outputs().size();
}

static qopt_status outputInfo(void *session, size_t index,
                              qopt_tensor_info *info) {
  return describe(getExecutable(session).outputs(), index, info);
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

static qopt_status run(void *session, const void *const *inputs,
                       void *const *outputs, char **error) {
  const CpuExecutable &executable = getExecutable(session);
  llvm::Error failure =
      executable.run(ArrayRef(inputs, executable.inputs().size()),
                     ArrayRef(outputs, executable.outputs().size()));
  if (!failure)
    return QOPT_OK;
  qopt_status status = QOPT_RUN_FAILED;
  std::string message;
  llvm::handleAllErrors(std::move(failure), [&](llvm::StringError &reason) {
    message = reason.getMessage();
    if (reason.convertToErrorCode() == std::errc::not_enough_memory)
      status = QOPT_OUT_OF_MEMORY;
  });
  storeError(error, message);
  return status;
}

static void freeError(char *error) { free(error); }

const qopt_cpu_backend *qopt_get_cpu_backend(void) {
  static const qopt_cpu_backend backend = {
      QOPT_CPU_BACKEND_ABI_VERSION,
      open,
      openMemory,
      close,
      numInputs,
      inputInfo,
      numOutputs,
      outputInfo,
      run,
      freeError,
  };
  return &backend;
}
