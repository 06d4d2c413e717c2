//===- DeviceBuilder.cpp - Writing kernel code -----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "DeviceBuilder.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

Value DeviceBuilder::i32(int64_t value) {
  return arith::ConstantOp::create(*this, getI32IntegerAttr(value));
}

Value DeviceBuilder::i64(int64_t value) {
  return arith::ConstantOp::create(*this, getI64IntegerAttr(value));
}

Value DeviceBuilder::i1(bool value) {
  return arith::ConstantOp::create(*this, getBoolAttr(value));
}

static Value constantLike(DeviceBuilder &b, Value other, int64_t value) {
  return other.getType().isInteger(64) ? b.i64(value) : b.i32(value);
}

Value DeviceBuilder::add(Value a, Value b) {
  return createOrFold<arith::AddIOp>(a, b);
}
Value DeviceBuilder::add(Value a, int64_t b) {
  return b == 0 ? a : add(a, constantLike(*this, a, b));
}
Value DeviceBuilder::sub(Value a, Value b) {
  return createOrFold<arith::SubIOp>(a, b);
}
Value DeviceBuilder::mul(Value a, Value b) {
  return createOrFold<arith::MulIOp>(a, b);
}
Value DeviceBuilder::mul(Value a, int64_t b) {
  if (b > 0 && llvm::isPowerOf2_64(b))
    return shiftLeft(a, llvm::Log2_64(b));
  return mul(a, constantLike(*this, a, b));
}
Value DeviceBuilder::div(Value a, int64_t b) {
  if (b == 1)
    return a;
  if (llvm::isPowerOf2_64(b))
    return createOrFold<arith::ShRUIOp>(
        a, constantLike(*this, a, llvm::Log2_64(b)));
  return createOrFold<arith::DivUIOp>(a, constantLike(*this, a, b));
}
Value DeviceBuilder::rem(Value a, int64_t b) {
  if (llvm::isPowerOf2_64(b))
    return bitAnd(a, b - 1);
  return createOrFold<arith::RemUIOp>(a, constantLike(*this, a, b));
}
Value DeviceBuilder::divDynamic(Value a, Value b) {
  return createOrFold<arith::DivUIOp>(a, b);
}
Value DeviceBuilder::bitAnd(Value a, int64_t b) {
  return bitAnd(a, constantLike(*this, a, b));
}
Value DeviceBuilder::bitAnd(Value a, Value b) {
  return createOrFold<arith::AndIOp>(a, b);
}
Value DeviceBuilder::bitXor(Value a, Value b) {
  return createOrFold<arith::XOrIOp>(a, b);
}
Value DeviceBuilder::shiftLeft(Value a, int64_t b) {
  return b == 0 ? a : createOrFold<arith::ShLIOp>(a, constantLike(*this, a, b));
}
Value DeviceBuilder::minUnsigned(Value a, Value b) {
  return createOrFold<arith::MinUIOp>(a, b);
}
Value DeviceBuilder::minSigned(Value a, Value b) {
  return createOrFold<arith::MinSIOp>(a, b);
}
Value DeviceBuilder::maxSigned(Value a, Value b) {
  return createOrFold<arith::MaxSIOp>(a, b);
}
Value DeviceBuilder::less(Value a, Value b) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, a, b);
}
Value DeviceBuilder::equal(Value a, Value b) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, a, b);
}
Value DeviceBuilder::select(Value condition, Value a, Value b) {
  return createOrFold<arith::SelectOp>(condition, a, b);
}
Value DeviceBuilder::ceilDiv(Value a, int64_t b) {
  return div(add(a, b - 1), b);
}
Value DeviceBuilder::toI64(Value a) {
  if (a.getType().isInteger(64))
    return a;
  return createOrFold<arith::ExtUIOp>(getI64Type(), a);
}

//===----------------------------------------------------------------------===//
// Special registers
//===----------------------------------------------------------------------===//

Value DeviceBuilder::threadId() {
  return NVVM::ThreadIdXOp::create(*this, getI32Type());
}
Value DeviceBuilder::blockIdX() {
  return NVVM::BlockIdXOp::create(*this, getI32Type());
}
Value DeviceBuilder::blockIdY() {
  return NVVM::BlockIdYOp::create(*this, getI32Type());
}
Value DeviceBuilder::blockIdZ() {
  return NVVM::BlockIdZOp::create(*this, getI32Type());
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

LLVM::LLVMPointerType DeviceBuilder::pointerType(MemorySpace space) {
  return LLVM::LLVMPointerType::get(getContext(), static_cast<unsigned>(space));
}

Value DeviceBuilder::offset(Value base, Value bytes) {
  if (std::optional<int64_t> constant = getConstantIntValue(bytes))
    return offset(base, *constant);
  return LLVM::GEPOp::create(*this, base.getType(), getI8Type(), base,
                             ArrayRef<LLVM::GEPArg>{bytes});
}

Value DeviceBuilder::offset(Value base, int64_t bytes) {
  if (bytes == 0)
    return base;
  // Indices beyond 32 bits must be values.
  if (!llvm::isInt<30>(bytes))
    return LLVM::GEPOp::create(*this, base.getType(), getI8Type(), base,
                               ArrayRef<LLVM::GEPArg>{i64(bytes)});
  return LLVM::GEPOp::create(
      *this, base.getType(), getI8Type(), base,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
}

Value DeviceBuilder::load(Type type, Value pointer, int64_t alignment) {
  return LLVM::LoadOp::create(*this, type, pointer, alignment);
}

void DeviceBuilder::store(Value value, Value pointer, int64_t alignment) {
  LLVM::StoreOp::create(*this, value, pointer, alignment);
}

Value DeviceBuilder::vectorElement(Value vector, int64_t index) {
  return vector::ExtractOp::create(*this, vector, index);
}

Value DeviceBuilder::structElement(Value structure, int64_t index) {
  return LLVM::ExtractValueOp::create(*this, structure, index);
}

//===----------------------------------------------------------------------===//
// Synchronization
//===----------------------------------------------------------------------===//

void DeviceBuilder::barrier() { NVVM::BarrierOp::create(*this); }

void DeviceBuilder::asyncCommit() { NVVM::CpAsyncCommitGroupOp::create(*this); }

void DeviceBuilder::asyncWait(int64_t pending) {
  NVVM::CpAsyncWaitGroupOp::create(*this, pending);
}

void DeviceBuilder::asyncCopy(Value shared, Value global, int64_t bytes,
                              Value validBytes) {
  // 16 bytes may bypass L1; narrower copies exist only with it.
  auto cache = bytes == 16 ? NVVM::LoadCacheModifierKind::CG
                           : NVVM::LoadCacheModifierKind::CA;
  NVVM::CpAsyncOp::create(*this, shared, global, bytes, cache, validBytes);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

void DeviceBuilder::ifThen(Value condition, function_ref<void()> body) {
  if (std::optional<int64_t> constant = getConstantIntValue(condition)) {
    if (*constant)
      body();
    return;
  }
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  body();
}

SmallVector<Value>
DeviceBuilder::loop(Value end, int64_t step, ValueRange init,
                    function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto op = scf::ForOp::create(*this, constantLike(*this, end, 0), end,
                               constantLike(*this, end, step), init);
  InsertionGuard guard(*this);
  setInsertionPointToStart(op.getBody());
  SmallVector<Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
  setInsertionPointToEnd(op.getBody());
  if (op.getBody()->empty() ||
      !op.getBody()->back().hasTrait<OpTrait::IsTerminator>())
    scf::YieldOp::create(*this, next);
  return op.getResults();
}

//===----------------------------------------------------------------------===//
// Kernels of a module
//===----------------------------------------------------------------------===//

static constexpr llvm::StringLiteral kSharedMemory = "dynamic_shared";

LLVM::LLVMFuncOp qopt::createKernel(DeviceBuilder &builder,
                                    gpu::GPUModuleOp kernels, StringRef name,
                                    ArrayRef<Type> parameters,
                                    int64_t threads) {
  builder.setInsertionPointToEnd(kernels.getBody());
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(builder.getContext()), parameters);
  auto kernel = LLVM::LLVMFuncOp::create(builder, name, type);
  UnitAttr unit = builder.getUnitAttr();
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), unit);
  kernel->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), unit);
  kernel->setAttr(
      NVVM::NVVMDialect::getReqntidAttrName(),
      builder.getDenseI32ArrayAttr({static_cast<int32_t>(threads), 1, 1}));
  builder.setInsertionPointToStart(kernel.addEntryBlock(builder));
  return kernel;
}

Value qopt::getSharedMemory(DeviceBuilder &builder, gpu::GPUModuleOp kernels) {
  if (!kernels.lookupSymbol(kSharedMemory)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(kernels.getBody());
    LLVM::GlobalOp::create(
        builder, LLVM::LLVMArrayType::get(builder.getI8Type(), 0),
        /*isConstant=*/false, LLVM::Linkage::External, kSharedMemory,
        /*value=*/Attribute(), /*alignment=*/1024,
        static_cast<unsigned>(MemorySpace::Shared));
  }
  return LLVM::AddressOfOp::create(
      builder, builder.pointerType(MemorySpace::Shared), kSharedMemory);
}

LLVM::LLVMFuncOp qopt::findKernel(gpu::GPUModuleOp kernels, StringRef key) {
  for (auto kernel : kernels.getOps<LLVM::LLVMFuncOp>())
    if (auto attr = kernel->getAttrOfType<StringAttr>(kKernelKeyAttr))
      if (attr.getValue() == key)
        return kernel;
  return nullptr;
}

void qopt::setKernelKey(LLVM::LLVMFuncOp kernel, StringRef key) {
  kernel->setAttr(kKernelKeyAttr, StringAttr::get(kernel.getContext(), key));
}

/// Constants around the block stand for themselves, other values around it are
/// numbered in the order of their first use.
static void printOperand(Value operand, Block &block,
                         DenseMap<Value, unsigned> &numbers,
                         llvm::raw_ostream &os) {
  Operation *definition = operand.getDefiningOp();
  if (definition && definition->getBlock() != &block &&
      definition->hasTrait<OpTrait::ConstantLike>()) {
    os << definition->getAttrDictionary() << ' ';
    return;
  }
  os << numbers.try_emplace(operand, numbers.size()).first->second << ' ';
}

void qopt::printRegionKey(Block &block, llvm::raw_ostream &os) {
  DenseMap<Value, unsigned> numbers;
  for (Value argument : block.getArguments())
    numbers.try_emplace(argument, numbers.size());
  for (Operation &op : block) {
    os << op.getName() << '(';
    for (Value operand : op.getOperands())
      printOperand(operand, block, numbers, os);
    os << ')' << op.getAttrDictionary() << ':';
    for (Value result : op.getResults()) {
      numbers.try_emplace(result, numbers.size());
      os << result.getType();
    }
    os << ';';
  }
}

std::string qopt::makeKernelName(gpu::GPUModuleOp kernels, StringRef base) {
  std::string name = base.str();
  for (int i = 1; kernels.lookupSymbol(name); ++i)
    name = (base + "_" + Twine(i)).str();
  return name;
}
