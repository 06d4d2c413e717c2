//===- CallEmitter.cpp - Device ops to calls: common parts -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The building blocks, memory accesses, and the choice of the family. x86 and
// AArch64 code generation treats the address spaces of NVPTX as flat, so that
// pointers need no conversion.
//
//===----------------------------------------------------------------------===//
#include "EntryPoints.h"
#include "Lowering.h"

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

static constexpr unsigned kSharedSpace = 3;

//===----------------------------------------------------------------------===//
// Building blocks
//===----------------------------------------------------------------------===//

CallEmitter::CallEmitter(ModuleOp host, ModuleImage &image)
    : host(host), image(image), builder(host.getLoc(), host.getContext()) {
  i1 = builder.getI1Type();
  i32 = builder.getI32Type();
  pointer = LLVM::LLVMPointerType::get(host.getContext());
  for (auto [index, global] : llvm::enumerate(image.sharedGlobals))
    sharedGlobals[global.name] = index;
}

Value CallEmitter::constant(int64_t value) {
  return LLVM::ConstantOp::create(
      builder, i32, builder.getI32IntegerAttr(static_cast<int32_t>(value)));
}

Value CallEmitter::toGeneric(Value value) {
  auto type = dyn_cast<LLVM::LLVMPointerType>(value.getType());
  if (!type || type.getAddressSpace() == 0)
    return value;
  return LLVM::AddrSpaceCastOp::create(builder, pointer, value);
}

Value CallEmitter::bitcast(Value value, Type type) {
  if (value.getType() == type)
    return value;
  return LLVM::BitcastOp::create(builder, type, value);
}

Value CallEmitter::call(StringRef symbol, Type result,
                        ArrayRef<Value> arguments, bool isPure) {
  SmallVector<Value> values;
  SmallVector<Type> types;
  for (Value argument : arguments) {
    values.push_back(toGeneric(argument));
    types.push_back(values.back().getType());
  }
  auto function = host.lookupSymbol<LLVM::LLVMFuncOp>(symbol);
  if (!function) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(host.getBody());
    Type resultType =
        result ? result : LLVM::LLVMVoidType::get(builder.getContext());
    function = LLVM::LLVMFuncOp::create(
        builder, symbol, LLVM::LLVMFunctionType::get(resultType, types));
    if (isPure) {
      auto none = LLVM::ModRefInfo::NoModRef;
      function.setMemoryEffectsAttr(LLVM::MemoryEffectsAttr::get(
          builder.getContext(), {none, none, none, none, none, none}));
      function.setPassthroughAttr(
          builder.getStrArrayAttr({"nounwind", "willreturn"}));
    }
  }
  auto call = LLVM::CallOp::create(builder, function, values);
  return result ? call.getResult() : Value();
}

/// "nvvm.barrier @kernel#12 file.mlir:7", with the innermost name or file of
/// the location.
static std::string describeForReports(Operation *op, StringRef function,
                                      unsigned number) {
  std::string text =
      (op->getName().getStringRef() + " @" + function + "#" + Twine(number))
          .str();
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    text += " " + name.getName().str();
  if (auto file = op->getLoc()->findInstanceOf<FileLineColLoc>())
    text += (" " + file.getFilename().strref().rsplit('/').second +
             (file.getFilename().strref().contains('/')
                  ? ""
                  : file.getFilename().strref()) +
             ":" + Twine(file.getLine()))
                .str();
  return text;
}

Value CallEmitter::makeOpId(Operation *op) {
  image.ops.push_back(describeForReports(op, functionName, opNumber));
  return constant(image.ops.size() - 1);
}

Value CallEmitter::callAt(Operation *op, StringRef symbol, Type result,
                          SmallVector<Value> arguments) {
  arguments.push_back(makeOpId(op));
  return call(symbol, result, arguments);
}

Value CallEmitter::getRegisterAddress(int index) {
  numRegisters = std::max(numRegisters, index + 1);
  if (index == 0)
    return registers;
  return LLVM::GEPOp::create(builder, pointer, i32, registers,
                             ArrayRef<LLVM::GEPArg>{index});
}

void CallEmitter::storeRegister(int index, Value value) {
  LLVM::StoreOp::create(builder, value, getRegisterAddress(index), 4);
}

Value CallEmitter::loadRegister(int index) {
  return LLVM::LoadOp::create(builder, i32, getRegisterAddress(index), 4);
}

Value CallEmitter::loadRegisters(Type type, int first) {
  auto structure = dyn_cast<LLVM::LLVMStructType>(type);
  if (!structure)
    return loadRegister(first);
  Value result = LLVM::PoisonOp::create(builder, type);
  for (auto [i, field] : llvm::enumerate(structure.getBody()))
    result = LLVM::InsertValueOp::create(
        builder, result, bitcast(loadRegister(first + i), field), i);
  return result;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Alignment that NVPTX assumes where the op gives none.
static uint64_t getNaturalAlignment(Type type, uint64_t bytes) {
  if (isa<VectorType>(type))
    return llvm::PowerOf2Ceil(bytes);
  return bytes;
}

LogicalResult CallEmitter::hookAccess(Operation *op, Value address, Type type,
                                      std::optional<uint64_t> alignment,
                                      uint32_t flags) {
  if (!type.isIntOrFloat() && !isa<VectorType, LLVM::LLVMPointerType>(type))
    return op->emitError("emulator: access of type ")
           << type << "; access integers, floats, vectors or pointers";
  uint64_t bytes = DataLayout(host).getTypeSize(type).getFixedValue();
  uint64_t aligned = alignment.value_or(getNaturalAlignment(type, bytes));
  callAt(op, "emu.access", {},
         {address, constant(bytes), constant(aligned), constant(flags)});
  return success();
}

/// Threads of one block only.
static bool isBlockScope(std::optional<StringRef> scope) {
  return scope && (*scope == "block" || *scope == "cta");
}

static uint32_t getAtomicFlags(LLVM::AtomicOrdering ordering,
                               std::optional<StringRef> scope) {
  uint32_t flags =
      kIsAtomic | (isBlockScope(scope) ? kIsBlockScope : kPlainRead);
  switch (ordering) {
  case LLVM::AtomicOrdering::not_atomic:
    return 0;
  case LLVM::AtomicOrdering::acquire:
    return flags | kIsAcquire;
  case LLVM::AtomicOrdering::release:
    return flags | kIsRelease;
  case LLVM::AtomicOrdering::acq_rel:
  case LLVM::AtomicOrdering::seq_cst:
    return flags | kIsAcquire | kIsRelease;
  default:
    return flags;
  }
}

/// Volatile accesses are relaxed ones (PTX ISA, "ld.volatile").
template <typename OpT> static uint32_t getAccessFlags(OpT op) {
  return getAtomicFlags(op.getOrdering(), op.getSyncscope()) |
         (op.getVolatile_() ? kIsAtomic : kPlainRead);
}

LogicalResult CallEmitter::rewriteMemory(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](LLVM::LoadOp load) {
        return hookAccess(op, load.getAddr(), load.getType(),
                          load.getAlignment(), getAccessFlags(load));
      })
      .Case([&](LLVM::StoreOp store) {
        return hookAccess(op, store.getAddr(), store.getValue().getType(),
                          store.getAlignment(),
                          getAccessFlags(store) | kIsWrite);
      })
      .Case([&](LLVM::AtomicRMWOp atomic) {
        return hookAccess(
            op, atomic.getPtr(), atomic.getVal().getType(),
            atomic.getAlignment(),
            getAtomicFlags(atomic.getOrdering(), atomic.getSyncscope()) |
                kIsWrite);
      })
      .Case([&](LLVM::AtomicCmpXchgOp atomic) {
        return hookAccess(
            op, atomic.getPtr(), atomic.getVal().getType(),
            atomic.getAlignment(),
            getAtomicFlags(atomic.getSuccessOrdering(), atomic.getSyncscope()) |
                kIsWrite);
      })
      .Case([&](LLVM::FenceOp fence) {
        call("emu.fence", {}, {constant(!isBlockScope(fence.getSyncscope()))});
        op->erase();
        return success();
      })
      .Case([&](LLVM::AddressOfOp address) {
        auto found = sharedGlobals.find(address.getGlobalName());
        if (found == sharedGlobals.end())
          return success();
        Value result = call("emu.shared_address", pointer,
                            {constant(found->second)}, /*isPure=*/true);
        address.replaceAllUsesWith(
            LLVM::AddrSpaceCastOp::create(builder, address.getType(), result)
                .getResult());
        op->erase();
        return success();
      })
      .Case([&](LLVM::CallIntrinsicOp intrinsic) {
        // The dialect has no op for it.
        if (intrinsic.getIntrin() != "llvm.nvvm.cp.async.wait.all")
          return checkHostOp(op);
        call("emu.async_wait", {}, {constant(-1)});
        op->erase();
        return success();
      })
      .Case([&](LLVM::IntToPtrOp cast) {
        auto type = cast.getType();
        auto pointerType = dyn_cast<LLVM::LLVMPointerType>(type);
        if (!pointerType || pointerType.getAddressSpace() != kSharedSpace)
          return success();
        Value offset = cast.getArg();
        if (offset.getType().getIntOrFloatBitWidth() > 32)
          offset = LLVM::TruncOp::create(builder, i32, offset);
        else if (offset.getType() != i32)
          offset = LLVM::ZExtOp::create(builder, i32, offset);
        Value result = call("emu.shared_from_integer", pointer, {offset},
                            /*isPure=*/true);
        cast.replaceAllUsesWith(
            LLVM::AddrSpaceCastOp::create(builder, type, result).getResult());
        op->erase();
        return success();
      })
      .Default([&](Operation *) { return checkHostOp(op); });
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// Functions of the mathematical library: their device versions are not the
/// host's.
static bool isInexactMath(Operation *op) {
  return isa<math::AcosOp, math::AcoshOp, math::AsinOp, math::AsinhOp,
             math::AtanOp, math::Atan2Op, math::AtanhOp, math::CbrtOp,
             math::CosOp, math::CoshOp, math::ErfOp, math::ErfcOp, math::ExpOp,
             math::Exp2Op, math::ExpM1Op, math::LogOp, math::Log10Op,
             math::Log1pOp, math::Log2Op, math::PowFOp, math::RsqrtOp,
             math::SinOp, math::SinhOp, math::TanOp, math::TanhOp, LLVM::ExpOp,
             LLVM::Exp2Op, LLVM::Exp10Op, LLVM::LogOp, LLVM::Log10Op,
             LLVM::Log2Op, LLVM::PowOp, LLVM::PowIOp, LLVM::SinOp, LLVM::CosOp,
             LLVM::TanOp, LLVM::ATanOp, LLVM::ASinOp, LLVM::ACosOp,
             LLVM::ATan2Op, LLVM::SinhOp, LLVM::CoshOp, LLVM::TanhOp>(op);
}

LogicalResult CallEmitter::checkHostOp(Operation *op) {
  if (isInexactMath(op))
    return op->emitError("emulator: '")
           << op->getName()
           << "' has no defined result on the device; expand it to arithmetic";
  if (isa<LLVM::InlineAsmOp, LLVM::CallIntrinsicOp, LLVM::MemcpyOp,
          LLVM::MemmoveOp, LLVM::MemsetOp, LLVM::MemcpyInlineOp,
          LLVM::MemsetInlineOp>(op))
    return op->emitError("emulator: '")
           << op->getName() << "' has no emulation";
  if (isa<arith::ArithDialect, cf::ControlFlowDialect, LLVM::LLVMDialect,
          math::MathDialect, scf::SCFDialect, ub::UBDialect,
          vector::VectorDialect>(op->getDialect()))
    return success();
  return op->emitError("emulator: '")
         << op->getName() << "' has no emulation; lower it first";
}

LogicalResult CallEmitter::rewrite(Operation *op) {
  builder.setInsertionPoint(op);
  builder.setLoc(op->getLoc());
  if (!op->getDialect())
    return op->emitError("emulator: unregistered op");
  if (isa<NVVM::NVVMDialect>(op->getDialect()))
    return rewriteNvvm(op);
  if (isa<QOptDialect>(op->getDialect()))
    return rewriteQOpt(op);
  return rewriteMemory(op);
}

LogicalResult CallEmitter::run(LLVM::LLVMFuncOp function) {
  functionName = function.getName().str();
  opNumber = 0;
  numRegisters = 0;
  SmallVector<Operation *> ops;
  function.getBody().walk<WalkOrder::PreOrder>(
      [&](Operation *op) { ops.push_back(op); });
  builder.setLoc(function.getLoc());
  builder.setInsertionPointToStart(&function.getBody().front());
  registers = LLVM::AllocaOp::create(builder, pointer, i32, constant(1),
                                     /*alignment=*/64);
  bool ok = true;
  for (Operation *op : ops) {
    ++opNumber;
    ok &= succeeded(rewrite(op));
  }
  builder.setInsertionPoint(registers);
  registers.getArraySizeMutable().assign(constant(std::max(numRegisters, 1)));
  return success(ok);
}

LogicalResult CallEmitter::rewriteQOpt(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](CvtRniOp convert) {
        convert.replaceAllUsesWith(
            call("emu.cvt_rni", i32, {convert.getInput()}, /*isPure=*/true));
        op->erase();
        return success();
      })
      .Case([&](CvtPackSatOp pack) {
        pack.replaceAllUsesWith(
            call("emu.cvt_pack_sat", i32,
                 {pack.getHigh(), pack.getLow(), pack.getRest(),
                  constant(pack.getIsUnsigned())},
                 /*isPure=*/true));
        op->erase();
        return success();
      })
      .Default([&](Operation *) { return checkHostOp(op); });
}
