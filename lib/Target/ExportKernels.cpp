//===- ExportKernels.cpp - The kernels form for stock MLIR -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What of the kernels form is ours becomes upstream's: device ops, packed
// constants, and buffers, which launches take as the pointers that the kernels
// have as parameters. A stock mlir-opt lowers the result with passes of its own
// (docs/Kernels.md, "For stock MLIR").
//
//===----------------------------------------------------------------------===//
#include "LowerKernels.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/Entry.h"
#include "QuantOpt/Kernels/ChipInfo.h"
#include "QuantOpt/Kernels/Dialects.h"
#include "QuantOpt/Kernels/KernelsForm.h"
#include "QuantOpt/Target/BufferPlace.h"
#include "QuantOpt/Target/EmitPlan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_EXPORTKERNELS
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Packed constants
//===----------------------------------------------------------------------===//

/// The bytes of `result[i0, ...] = source[j0, ...]`, `j[permutation[d]] =
/// i[d]`, zero where that is out of bounds.
static std::vector<char> packBytes(ArrayRef<char> source,
                                   ArrayRef<int64_t> sourceShape,
                                   ArrayRef<int64_t> permutation,
                                   ArrayRef<int64_t> shape,
                                   int64_t elementBytes) {
  size_t rank = shape.size();
  SmallVector<int64_t> sourceStrides(rank, elementBytes), strides(rank);
  int64_t stride = elementBytes, total = elementBytes;
  for (size_t d = rank; d-- > 0;) {
    sourceStrides[d] = stride;
    stride *= sourceShape[d];
    strides[d] = total;
    total *= shape[d];
  }
  std::vector<char> result(total, 0);
  if (source.empty() || total == 0)
    return result;
  // Recursion over the dims of the result; what is shorter ends earlier.
  auto copy = [&](auto &&self, size_t dim, const char *from, char *to) -> void {
    if (dim == rank) {
      memcpy(to, from, elementBytes);
      return;
    }
    int64_t step = sourceStrides[permutation[dim]];
    int64_t extent = std::min(shape[dim], sourceShape[permutation[dim]]);
    if (dim + 1 == rank && step == elementBytes) {
      memcpy(to, from, extent * elementBytes);
      return;
    }
    for (int64_t i = 0; i < extent; ++i)
      self(self, dim + 1, from + i * step, to + i * strides[dim]);
  };
  copy(copy, 0, source.data(), result.data());
  return result;
}

/// The constant that `pack` reads, in the shape that it sees; an error at the
/// op if it is none.
static FailureOr<memref::GlobalOp>
findPackedGlobal(PackOp pack, SymbolTableCollection &symbols) {
  Value source = pack.getSource();
  auto type = cast<MemRefType>(source.getType());
  FailureOr<BufferPlace> place = findBufferPlace(source, pack);
  if (failed(place))
    return failure();
  auto get = place->base.getDefiningOp<memref::GetGlobalOp>();
  if (!get || place->offset != 0 || !type.getLayout().isIdentity() ||
      type.getNumElements() != get.getType().getNumElements())
    return pack.emitOpError("packs what is no constant: expected a "
                            "memref.get_global, reshaped at most");
  auto global =
      symbols.lookupNearestSymbolFrom<memref::GlobalOp>(get, get.getNameAttr());
  if (!global || !isa_and_nonnull<ElementsAttr>(
                     global.getInitialValue().value_or(Attribute())))
    return pack.emitOpError("packs ")
           << get.getNameAttr() << ", which has no elements";
  return global;
}

namespace {
/// Replaces packs by globals that hold what they make, equal ones once.
class PackedConstants {
public:
  explicit PackedConstants(ModuleOp module)
      : symbols(tables.getSymbolTable(module)) {}

  LogicalResult replace(PackOp pack);
  /// Sources that nothing reads any more.
  void eraseUnusedSources(ModuleOp module);

private:
  FailureOr<memref::GlobalOp> getOrCreate(PackOp pack, memref::GlobalOp source);

  SymbolTableCollection tables;
  SymbolTable &symbols;
  /// By source, permutation and type of the result.
  DenseMap<std::tuple<Operation *, Attribute, Type>, memref::GlobalOp> packed;
  SetVector<memref::GlobalOp> sources;
};
} // namespace

FailureOr<memref::GlobalOp>
PackedConstants::getOrCreate(PackOp pack, memref::GlobalOp source) {
  auto type = cast<MemRefType>(pack.getResult().getType());
  // A reshaped source is another one.
  auto key = std::make_tuple(
      source.getOperation(),
      Attribute(ArrayAttr::get(pack.getContext(),
                               {pack.getPermutationAttr(),
                                TypeAttr::get(pack.getSource().getType())})),
      Type(type));
  memref::GlobalOp &global = packed[key];
  if (global)
    return global;
  auto elements = cast<ElementsAttr>(*source.getInitialValue());
  if (failed(verifyResource(elements, [&] { return source.emitOpError(); })))
    return failure();
  FailureOr<std::vector<char>> bytes = readRawBytes(elements);
  if (failed(bytes))
    return pack.emitOpError("packs elements of type ")
           << type.getElementType() << "; expected whole bytes";
  std::vector<char> result =
      packBytes(*bytes, cast<MemRefType>(pack.getSource().getType()).getShape(),
                pack.getPermutation(), type.getShape(), getElementBytes(type));
  std::string name = (source.getSymName() + "_packed").str();
  ElementsAttr attr = makeConstantElements(
      RankedTensorType::get(type.getShape(), type.getElementType()),
      std::move(result), name);
  OpBuilder builder(source);
  global = memref::GlobalOp::create(
      builder, pack.getLoc(), name, builder.getStringAttr("private"),
      MemRefType::get(type.getShape(), type.getElementType()), attr,
      /*constant=*/true, builder.getI64IntegerAttr(kArenaAlignment));
  symbols.insert(global);
  return global;
}

LogicalResult PackedConstants::replace(PackOp pack) {
  FailureOr<memref::GlobalOp> source = findPackedGlobal(pack, tables);
  if (failed(source))
    return failure();
  FailureOr<memref::GlobalOp> global = getOrCreate(pack, *source);
  if (failed(global))
    return failure();
  sources.insert(*source);
  OpBuilder builder(pack);
  auto get = memref::GetGlobalOp::create(builder, pack.getLoc(),
                                         global->getType(), global->getName());
  pack.getResult().replaceAllUsesWith(get);
  pack.erase();
  return success();
}

void PackedConstants::eraseUnusedSources(ModuleOp module) {
  DenseSet<StringAttr> used;
  module.walk([&](memref::GetGlobalOp get) {
    used.insert(get.getNameAttr().getAttr());
  });
  for (memref::GlobalOp source : sources)
    if (source.isPrivate() && !used.contains(source.getSymNameAttr()))
      symbols.erase(source);
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

namespace {
/// Launches take the addresses of their buffers: stock lowerings of memrefs
/// would pass descriptors, or addresses without the offsets of views.
class Addresses {
public:
  LogicalResult replaceOperands(gpu::LaunchFuncOp launch);

private:
  Value getBase(Value base);

  DenseMap<Value, Value> bases;
};
} // namespace

/// The address of `base` as a pointer to global memory.
Value Addresses::getBase(Value base) {
  Value &pointer = bases[base];
  if (pointer)
    return pointer;
  OpBuilder builder(base.getContext());
  builder.setInsertionPointAfterValue(base);
  Location loc = base.getLoc();
  Value address =
      memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, base);
  address =
      arith::IndexCastOp::create(builder, loc, builder.getI64Type(), address);
  constexpr unsigned kGlobalMemory = 1;
  return pointer = LLVM::IntToPtrOp::create(
             builder, loc,
             LLVM::LLVMPointerType::get(builder.getContext(), kGlobalMemory),
             address);
}

LogicalResult Addresses::replaceOperands(gpu::LaunchFuncOp launch) {
  for (OpOperand &operand : launch.getKernelOperandsMutable()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    FailureOr<BufferPlace> place = findBufferPlace(operand.get(), launch);
    if (failed(place))
      return failure();
    Value pointer = getBase(place->base);
    if (place->offset != 0) {
      OpBuilder builder(launch);
      Location loc = launch.getLoc();
      Value offset = arith::ConstantIntOp::create(
          builder, loc, builder.getI64Type(), place->offset);
      pointer =
          LLVM::GEPOp::create(builder, loc, pointer.getType(),
                              builder.getI8Type(), pointer, ValueRange(offset));
    }
    operand.set(pointer);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

/// Views and constants that launches no longer use.
static void eraseUnused(func::FuncOp entry) {
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(entry.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// Drops attributes that only our passes read. Those of KernelsForm.h stay:
/// their values are builtin, and MLIR keeps discardable attributes of dialects
/// that it does not know.
static void dropInternalAttributes(ModuleOp module) {
  StringRef prefix = QOptDialect::getDialectNamespace();
  module.walk([&](Operation *op) {
    for (NamedAttribute attr :
         llvm::to_vector(op->getDiscardableAttrDictionary())) {
      StringRef name = attr.getName();
      if (attr.getName().getReferencedDialect() &&
          name.split('.').first == prefix && name != kBatchAttr &&
          name != kFixedBatchAttr && name != kNameAttr)
        op->removeDiscardableAttr(attr.getName());
    }
  });
}

/// Targets name the PTX version that the instructions need: without, LLVM takes
/// the first that knows the chip.
static void setPtxVersion(gpu::GPUModuleOp kernels) {
  if (!kernels.getTargetsAttr())
    return;
  Builder builder(kernels.getContext());
  SmallVector<Attribute> targets;
  for (Attribute attr : kernels.getTargetsAttr()) {
    auto target = dyn_cast<NVVM::NVVMTargetAttr>(attr);
    const ChipInfo *chip = target ? findChip(target.getChip()) : nullptr;
    if (chip && target.getFeatures().empty())
      attr = NVVM::NVVMTargetAttr::get(
          builder.getContext(), target.getO(), target.getTriple(),
          target.getChip(),
          ("+ptx" + Twine(getPtxVersion(kernels, *chip))).str(),
          target.getFlags(), target.getLink());
    targets.push_back(attr);
  }
  kernels.setTargetsAttr(builder.getArrayAttr(targets));
}

namespace {
struct ExportKernels : public qopt::impl::ExportKernelsBase<ExportKernels> {
  using ExportKernelsBase::ExportKernelsBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    registerKernelDialects(registry);
  }

  void runOnOperation() override {
    FailureOr<KernelsEntry> entry =
        findKernelsEntry(getOperation(), this->entry);
    if (failed(entry) || failed(exportEntry(entry->function)))
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    populateLowerToNVVMPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    dropInternalAttributes(getOperation());
    for (auto kernels : getOperation().getOps<gpu::GPUModuleOp>())
      setPtxVersion(kernels);
  }

private:
  LogicalResult exportEntry(func::FuncOp entry);
};
} // namespace

LogicalResult ExportKernels::exportEntry(func::FuncOp entry) {
  PackedConstants constants(getOperation());
  for (PackOp pack : llvm::make_early_inc_range(entry.getOps<PackOp>()))
    if (failed(constants.replace(pack)))
      return failure();
  Addresses addresses;
  for (auto launch : entry.getOps<gpu::LaunchFuncOp>())
    if (failed(addresses.replaceOperands(launch)))
      return failure();
  eraseUnused(entry);
  constants.eraseUnusedSources(getOperation());
  return success();
}
