//===- NvvmCalls.cpp - NVVM ops to calls -----------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Instructions up to sm_80. Later ones are refused by name.
//
//===----------------------------------------------------------------------===//
#include "EntryPoints.h"
#include "Lowering.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

static LogicalResult refuse(Operation *op, const Twine &what = "") {
  return op->emitError("emulator: '")
         << op->getName() << "'" << (what.isTriviallyEmpty() ? "" : " ") << what
         << " has no emulation";
}

//===----------------------------------------------------------------------===//
// Special registers
//===----------------------------------------------------------------------===//

static std::optional<SpecialRegister> findSpecialRegister(StringRef name) {
  if (!name.consume_front("nvvm.read.ptx.sreg."))
    return std::nullopt;
  using Reg = SpecialRegister;
  return llvm::StringSwitch<std::optional<Reg>>(name)
      .Case("tid.x", Reg::ThreadIdX)
      .Case("tid.y", Reg::ThreadIdY)
      .Case("tid.z", Reg::ThreadIdZ)
      .Case("ntid.x", Reg::BlockDimX)
      .Case("ntid.y", Reg::BlockDimY)
      .Case("ntid.z", Reg::BlockDimZ)
      .Case("ctaid.x", Reg::BlockIdX)
      .Case("ctaid.y", Reg::BlockIdY)
      .Case("ctaid.z", Reg::BlockIdZ)
      .Case("nctaid.x", Reg::GridDimX)
      .Case("nctaid.y", Reg::GridDimY)
      .Case("nctaid.z", Reg::GridDimZ)
      .Case("laneid", Reg::LaneId)
      .Case("warpid", Reg::WarpId)
      .Case("nwarpid", Reg::NumWarps)
      .Case("warpsize", Reg::WarpSize)
      .Case("lanemask.eq", Reg::LaneMaskEq)
      .Case("lanemask.le", Reg::LaneMaskLe)
      .Case("lanemask.lt", Reg::LaneMaskLt)
      .Case("lanemask.ge", Reg::LaneMaskGe)
      .Case("lanemask.gt", Reg::LaneMaskGt)
      .Case("dynamic.smem.size", Reg::DynamicSharedSize)
      .Default(std::nullopt);
}

LogicalResult CallEmitter::rewriteNvvm(Operation *op) {
  if (auto reg = findSpecialRegister(op->getName().getStringRef())) {
    op->replaceAllUsesWith(
        ValueRange(call("emu.sreg", i32, {constant(static_cast<int64_t>(*reg))},
                        /*isPure=*/true)));
    op->erase();
    return success();
  }
  return rewriteSynchronization(op);
}

//===----------------------------------------------------------------------===//
// Barriers, fences, asynchronous copies
//===----------------------------------------------------------------------===//

LogicalResult CallEmitter::rewriteSynchronization(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](NVVM::Barrier0Op) {
        callAt(op, "emu.barrier_sync", {}, {constant(0), constant(-1)});
        op->erase();
        return success();
      })
      .Case([&](NVVM::BarrierOp barrier) {
        if (barrier.getReductionOp())
          return refuse(op, "with a reduction");
        Value id = barrier.getBarrierId();
        Value count = barrier.getNumberOfThreads();
        callAt(op, "emu.barrier_sync", {},
               {id ? id : constant(0), count ? count : constant(-1)});
        op->erase();
        return success();
      })
      .Case([&](NVVM::BarrierArriveOp barrier) {
        Value id = barrier.getBarrierId();
        callAt(op, "emu.barrier_arrive", {},
               {id ? id : constant(0), barrier.getNumberOfThreads()});
        op->erase();
        return success();
      })
      .Case([&](NVVM::SyncWarpOp sync) {
        callAt(op, "emu.sync_warp", {}, {sync.getMask()});
        op->erase();
        return success();
      })
      .Case([&](NVVM::MembarOp fence) {
        call("emu.fence", {},
             {constant(fence.getScope() != NVVM::MemScopeKind::CTA)});
        op->erase();
        return success();
      })
      .Case([&](NVVM::CpAsyncOp copy) {
        Value size = constant(copy.getSize());
        Value sourceSize = copy.getCpSize();
        callAt(op, "emu.async_copy", {},
               {copy.getDst(), copy.getSrc(), size,
                sourceSize ? sourceSize : size});
        op->erase();
        return success();
      })
      .Case([&](NVVM::CpAsyncCommitGroupOp) {
        call("emu.async_commit", {}, {});
        op->erase();
        return success();
      })
      .Case([&](NVVM::CpAsyncWaitGroupOp wait) {
        call("emu.async_wait", {}, {constant(wait.getN())});
        op->erase();
        return success();
      })
      .Default([&](Operation *) { return rewriteMatrix(op); });
}

//===----------------------------------------------------------------------===//
// Warps
//===----------------------------------------------------------------------===//

static ShuffleKind convert(NVVM::ShflKind kind) {
  switch (kind) {
  case NVVM::ShflKind::idx:
    return ShuffleKind::Idx;
  case NVVM::ShflKind::up:
    return ShuffleKind::Up;
  case NVVM::ShflKind::down:
    return ShuffleKind::Down;
  case NVVM::ShflKind::bfly:
    return ShuffleKind::Bfly;
  }
  llvm_unreachable("unknown shuffle kind");
}

static VoteKind convert(NVVM::VoteSyncKind kind) {
  switch (kind) {
  case NVVM::VoteSyncKind::any:
    return VoteKind::Any;
  case NVVM::VoteSyncKind::all:
    return VoteKind::All;
  case NVVM::VoteSyncKind::ballot:
    return VoteKind::Ballot;
  case NVVM::VoteSyncKind::uni:
    return VoteKind::Uni;
  }
  llvm_unreachable("unknown vote kind");
}

static std::optional<uint32_t> getMmaFlags(NVVM::MmaOp op) {
  auto shape = op.getShape();
  std::optional<NVVM::MMATypes> type = op.getMultiplicandAPtxType();
  if (type == NVVM::MMATypes::f16 || type == NVVM::MMATypes::bf16) {
    auto result = cast<LLVM::LLVMStructType>(op.getType());
    if (shape.getM() != 16 || shape.getN() != 8 || shape.getK() != 16 ||
        op.getMultiplicandBPtxType() != type ||
        !result.getBody().front().isF32())
      return std::nullopt;
    return type == NVVM::MMATypes::f16 ? kHalf : kBFloat;
  }
  if (shape.getM() != 16 || shape.getN() != 8 || shape.getK() != 32)
    return std::nullopt;
  uint32_t flags = 0;
  // Upstream saturates unless told otherwise.
  if (op.getIntOverflowBehavior() != NVVM::MMAIntOverflow::wrapped)
    flags |= kSaturate;
  if (op.getMultiplicandAPtxType() == NVVM::MMATypes::u8)
    flags |= kUnsignedA;
  else if (op.getMultiplicandAPtxType() != NVVM::MMATypes::s8)
    return std::nullopt;
  if (op.getMultiplicandBPtxType() == NVVM::MMATypes::u8)
    flags |= kUnsignedB;
  else if (op.getMultiplicandBPtxType() != NVVM::MMATypes::s8)
    return std::nullopt;
  return flags;
}

LogicalResult CallEmitter::rewriteMatrix(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](NVVM::ShflOp shuffle) {
        Type type = shuffle.getVal().getType();
        callAt(op, "emu.shuffle", {},
               {getRegisterAddress(0), shuffle.getThreadMask(),
                bitcast(shuffle.getVal(), i32), shuffle.getOffset(),
                shuffle.getMaskAndClamp(),
                constant(static_cast<int64_t>(convert(shuffle.getKind())))});
        numRegisters = std::max(numRegisters, 2);
        Value result = bitcast(loadRegister(0), type);
        if (auto structure =
                dyn_cast<LLVM::LLVMStructType>(shuffle.getType())) {
          Value isValid = LLVM::TruncOp::create(builder, i1, loadRegister(1));
          Value both = LLVM::PoisonOp::create(builder, structure);
          both = LLVM::InsertValueOp::create(builder, both, result,
                                             ArrayRef<int64_t>{0});
          result = LLVM::InsertValueOp::create(builder, both, isValid,
                                               ArrayRef<int64_t>{1});
        }
        shuffle.replaceAllUsesWith(result);
        op->erase();
        return success();
      })
      .Case([&](NVVM::VoteSyncOp vote) {
        Value predicate = LLVM::ZExtOp::create(builder, i32, vote.getPred());
        Value result =
            callAt(op, "emu.vote", i32,
                   {vote.getMask(), predicate,
                    constant(static_cast<int64_t>(convert(vote.getKind())))});
        if (vote.getType() == i1)
          result = LLVM::TruncOp::create(builder, i1, result);
        vote.replaceAllUsesWith(result);
        op->erase();
        return success();
      })
      .Case([&](NVVM::LdMatrixOp load) {
        auto shape = load.getShape();
        if (shape.getM() != 8 || shape.getN() != 8 ||
            load.getEltType() != NVVM::LdStMatrixEltType::B16)
          return refuse(op, "of other than 8x8 matrices of 16 bits");
        getRegisterAddress(load.getNum() - 1);
        callAt(op, "emu.load_matrix", {},
               {load.getPtr(), getRegisterAddress(0), constant(load.getNum()),
                constant(load.getLayout() == NVVM::MMALayout::col)});
        load.replaceAllUsesWith(loadRegisters(load.getType(), 0));
        op->erase();
        return success();
      })
      .Case([&](NVVM::MmaOp mma) {
        std::optional<uint32_t> flags = getMmaFlags(mma);
        if (!flags)
          return refuse(op, "of other than m16n8k32 on s8 or u8, or m16n8k16 "
                            "on f16 or bf16 with f32 sums");
        for (auto [i, value] : llvm::enumerate(mma->getOperands()))
          storeRegister(i, bitcast(value, i32));
        callAt(op, "emu.mma", {}, {getRegisterAddress(0), constant(*flags)});
        constexpr int kFirstAccumulator = 6;
        mma.replaceAllUsesWith(loadRegisters(mma.getType(), kFirstAccumulator));
        op->erase();
        return success();
      })
      .Case([&](NVVM::DotAccumulate4WayOp dot) {
        auto isSigned = [](NVVM::DotAccumulateType type) {
          return type == NVVM::DotAccumulateType::SIGNED;
        };
        uint32_t flags = 0;
        if (isSigned(dot.getAType()))
          flags |= kSignedA;
        if (isSigned(dot.getBType()))
          flags |= kSignedB;
        dot.replaceAllUsesWith(
            call("emu.dp4a", i32,
                 {bitcast(dot.getA(), i32), bitcast(dot.getB(), i32),
                  dot.getC(), constant(flags)},
                 /*isPure=*/true));
        op->erase();
        return success();
      })
      .Default([&](Operation *) { return refuse(op); });
}
