//===- GemmKernel.cpp - What all gemm kernels share ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GemmKernel.h"

#include "QuantOpt/Kernels/ChipInfo.h"
#include "mlir/IR/AsmState.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace mlir::qopt;

static constexpr int64_t kMaxAlignment = 16;

//===----------------------------------------------------------------------===//
// GemmProblem
//===----------------------------------------------------------------------===//

/// Strides of a buffer whose last dim is contiguous.
static FailureOr<SmallVector<int64_t>> getStrides(GemmOp op, Value buffer,
                                                  int64_t &offset) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<int64_t> strides;
  if (failed(type.getStridesAndOffset(strides, offset)) ||
      ShapedType::isDynamicShape(strides) || ShapedType::isDynamic(offset))
    return op.emitOpError("has no kernel for a buffer of dynamic layout: ")
           << type;
  if (!strides.empty() && strides.back() != 1 && type.getShape().back() != 1)
    return op.emitOpError("has no kernel for a buffer whose rows are not "
                          "contiguous: ")
           << type;
  return strides;
}

/// The alignment of all rows of a buffer whose start is aligned to more than
/// kMaxAlignment.
static int64_t getRowAlignment(MemRefType type, ArrayRef<int64_t> strides,
                               int64_t offset) {
  int64_t bytes = (type.getElementTypeBitWidth() + 7) / 8;
  int64_t alignment = std::gcd(kMaxAlignment, offset * bytes);
  for (auto [extent, stride] :
       llvm::zip(type.getShape().drop_back(), strides.drop_back()))
    if (extent != 1)
      alignment = std::gcd(alignment, stride * bytes);
  return alignment;
}

/// `map`: from (batch..., row, column) to the dims of the buffer.
static FailureOr<MatrixLayout> getMatrixLayout(GemmOp op, Value buffer,
                                               AffineMap map) {
  int64_t offset = 0;
  FailureOr<SmallVector<int64_t>> strides = getStrides(op, buffer, offset);
  if (failed(strides))
    return failure();
  MatrixLayout layout;
  unsigned rowDim = map.getNumDims() - 2;
  for (auto [expr, stride] : llvm::zip(map.getResults(), *strides)) {
    unsigned dim = cast<AffineDimExpr>(expr).getPosition();
    if (dim == rowDim)
      layout.rowStride = stride;
    else if (dim < rowDim)
      layout.batchStrides[dim] = stride;
  }
  layout.rowAlignment =
      getRowAlignment(cast<MemRefType>(buffer.getType()), *strides, offset);
  // Kernels compute offsets within a row in 32 bits.
  if (layout.rowStride > INT32_MAX)
    return op.emitOpError("has rows of ")
           << layout.rowStride << " elements; kernels take up to 2^31 - 1";
  return layout;
}

static FailureOr<EpilogueOperand>
getEpilogueOperand(GemmOp op, Value buffer, AffineMap map, int64_t blockN) {
  EpilogueOperand operand;
  operand.buffer = buffer;
  auto type = cast<MemRefType>(buffer.getType());
  operand.elementType = type.getElementType();
  int64_t offset = 0;
  FailureOr<SmallVector<int64_t>> strides = getStrides(op, buffer, offset);
  if (failed(strides))
    return failure();
  unsigned rank = map.getNumDims();
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    unsigned dim = cast<AffineDimExpr>(expr).getPosition();
    if (dim + 1 == rank) {
      operand.hasColumn = true;
    } else if (dim + 2 == rank) {
      operand.hasRow = true;
      operand.rowStride = (*strides)[i];
    } else {
      operand.hasBatch = true;
      operand.batchStrides[dim] = (*strides)[i];
    }
  }
  if (operand.hasColumn) {
    operand.rowAlignment = getRowAlignment(type, *strides, offset);
    operand.paddedColumns =
        type.getShape().back() >=
        static_cast<int64_t>(llvm::alignTo(op.getN(), blockN));
  }
  return operand;
}

/// Narrows the problem to the columns of one group.
static void cutToGroup(GemmProblem &problem) {
  problem.n /= problem.window->groups;
  bool wholeTiles = problem.n % problem.config.getBlockN() == 0;
  auto elementBytes = [](Value buffer) {
    auto type = cast<MemRefType>(buffer.getType());
    return (type.getElementTypeBitWidth() + 7) / 8;
  };
  problem.paddedRowsB = wholeTiles;
  problem.d.rowAlignment =
      std::gcd(problem.d.rowAlignment,
               problem.n * elementBytes(problem.getOp().getInit()));
  for (EpilogueOperand &operand : problem.operands) {
    operand.paddedColumns &= wholeTiles;
    operand.rowAlignment =
        std::gcd(operand.rowAlignment, problem.n * operand.getElementBytes());
  }
}

FailureOr<GemmProblem> GemmProblem::create(GemmOp op) {
  GemmProblem problem;
  problem.op = op;
  problem.config = op.getConfigAttr();
  problem.batchShape.assign(op.getBatchShape());
  problem.batch = op.getBatch();
  problem.m = op.getM();
  problem.n = op.getN();
  problem.k = op.getK();
  FailureOr<MatrixLayout> a = getMatrixLayout(op, op.getA(), op.getMapA());
  FailureOr<MatrixLayout> b = getMatrixLayout(op, op.getB(), op.getMapB());
  FailureOr<MatrixLayout> d = getMatrixLayout(op, op.getInit(), op.getMapD());
  if (failed(a) || failed(b) || failed(d))
    return failure();
  problem.a = *a;
  problem.b = *b;
  problem.d = *d;
  for (int64_t extent : {problem.m, problem.n, problem.k})
    if (extent > INT32_MAX / 2)
      return op.emitOpError("has an extent of ")
             << extent << "; kernels take up to 2^30";
  ArrayRef<int64_t> shapeB = cast<MemRefType>(op.getB().getType()).getShape();
  GemmConfigAttr config = problem.config;
  AffineMap mapB = op.getMapB();
  AffineExpr n = getAffineDimExpr(mapB.getNumDims() - 2, op.getContext());
  problem.paddedRowsB = shapeB[*mapB.getResultPosition(n)] >=
                        int64_t(llvm::alignTo(problem.n, config.getBlockN()));
  // Depth of an mma block is in bytes.
  int64_t blockK = config.getBlockK();
  if (config.getKind() == GemmKind::Mma)
    blockK /= problem.getElementBytes();
  problem.paddedDepthB =
      shapeB.back() >= int64_t(llvm::alignTo(problem.k, blockK));
  for (auto [buffer, map] :
       llvm::zip(op.getEpilogueInputs(),
                 op.getEpilogueMaps().getAsValueRange<AffineMapAttr>())) {
    FailureOr<EpilogueOperand> operand =
        getEpilogueOperand(op, buffer, map, config.getBlockN());
    if (failed(operand))
      return failure();
    problem.operands.push_back(*operand);
  }
  if (op.getWindow()) {
    FailureOr<WindowShape> window = WindowShape::create(op);
    if (failed(window))
      return failure();
    problem.window = *window;
    problem.a.rowAlignment = window->alignment;
    if (window->groups > 1)
      cutToGroup(problem);
  }
  return problem;
}

int64_t GemmProblem::getElementBytes() const {
  return getElementTypeOrSelf(getOp().getA().getType())
             .getIntOrFloatBitWidth() /
         8;
}

std::string GemmProblem::getKey() const {
  GemmOp gemm = getOp();
  std::string key;
  llvm::raw_string_ostream os(key);
  bool tailN = n % config.getBlockN() != 0;
  int64_t depth = config.getKind() == GemmKind::Mma ? k * getElementBytes() : k;
  bool tailK = depth % config.getBlockK() != 0;
  os << "gemm " << getElementTypeOrSelf(gemm.getA().getType()) << ' ' << config
     << " a" << gemm.getAUnsigned() << a.rowAlignment << " b"
     << gemm.getBUnsigned() << b.rowAlignment << paddedRowsB << paddedDepthB
     << " d" << d.rowAlignment << " tails" << tailN << tailK << " batch"
     << batchShape.size();
  if (window)
    window->printKey(os);
  for (const EpilogueOperand &operand : operands)
    os << " [" << operand.elementType << operand.hasBatch << operand.hasRow
       << operand.hasColumn << operand.paddedColumns << operand.rowAlignment
       << ']';
  os << " -> ";
  printRegionKey(*gemm.getEpilogue(), os);
  return key;
}

std::string GemmProblem::getKernelName() const {
  GemmOp gemm = getOp();
  auto typeName = [](Type type, bool isUnsigned) {
    std::string text;
    llvm::raw_string_ostream os(text);
    os << type;
    if (type.isInteger())
      text[0] = isUnsigned ? 'u' : 's';
    return text;
  };
  Type input = getElementTypeOrSelf(gemm.getA().getType());
  Type output = getElementTypeOrSelf(gemm.getInit().getType());
  std::string name;
  llvm::raw_string_ostream os(name);
  os << (window ? "conv_" : "gemm_") << stringifyGemmKind(config.getKind())
     << '_' << typeName(input, gemm.getAUnsigned())
     << typeName(input, gemm.getBUnsigned()) << '_' << typeName(output, false)
     << '_' << config.getBlockM() << 'x' << config.getBlockN() << 'x'
     << config.getBlockK() << "_s" << config.getStages();
  if (config.getSplitK() > 1)
    os << "_k" << config.getSplitK();
  return name;
}

AffineExpr GemmProblem::getGridZ() const {
  MLIRContext *context = op->getContext();
  if (!isBatched())
    return getAffineConstantExpr(getNumGroups(), context);
  return getAffineSymbolExpr(0, context) * (batch / batchShape.front());
}

AffineExpr GemmProblem::getRowsOfBatch() const {
  MLIRContext *context = op->getContext();
  return isBatched() ? getAffineConstantExpr(m, context)
                     : getAffineSymbolExpr(0, context);
}

int64_t qopt::getGemmRows(GemmOp op) {
  return op.isBatched() ? op.getBatchShape().front() : op.getM();
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// Moves the pointers to the channels and columns of this block's group.
static void advanceToGroup(DeviceBuilder &b, const GemmProblem &problem,
                           GemmParameters &p) {
  Value group = b.toI64(b.blockIdZ());
  Value firstColumn = b.mul(group, b.toI64(p.n));
  auto elementBytes = (getElementTypeOrSelf(problem.getOp().getInit().getType())
                           .getIntOrFloatBitWidth() +
                       7) /
                      8;
  p.a = b.offset(p.a, b.mul(group, problem.window->groupChannels));
  p.b = b.offset(p.b, b.mul(firstColumn, b.toI64(p.ldb)));
  p.d = b.offset(p.d, b.mul(firstColumn, elementBytes));
  for (auto [operand, base] : llvm::zip(problem.operands, p.operands))
    if (operand.hasColumn)
      base = b.offset(base, b.mul(firstColumn, operand.getElementBytes()));
}

/// Elements from one batch to the next, dim by dim: of a, b, the result, and
/// the epilogue operands that have them.
static void forEachBatched(
    const GemmProblem &problem,
    function_ref<void(Value buffer, ArrayRef<int64_t> strides)> visit) {
  size_t rank = problem.batchShape.size();
  GemmOp op = problem.getOp();
  visit(op.getA(), ArrayRef(problem.a.batchStrides).take_front(rank));
  visit(op.getB(), ArrayRef(problem.b.batchStrides).take_front(rank));
  visit(op.getInit(), ArrayRef(problem.d.batchStrides).take_front(rank));
  for (const EpilogueOperand &operand : problem.operands)
    if (operand.hasBatch)
      visit(operand.buffer, ArrayRef(operand.batchStrides).take_front(rank));
}

/// Moves the pointers to the batch of this block. `next` gives the parameters.
static void enterBatch(DeviceBuilder &builder, const GemmProblem &problem,
                       GemmParameters &p, function_ref<Value()> next) {
  SmallVector<Value, kMaxBatchDims> indices = {builder.blockIdZ()};
  if (problem.batchShape.size() == 2) {
    Value inner = next();
    Value outer = builder.divDynamic(indices[0], inner);
    Value rest = builder.sub(indices[0], builder.mul(outer, inner));
    indices = {outer, rest};
  }
  SmallVector<Value *> pointers = {&p.a, &p.b, &p.d};
  for (auto [operand, base] : llvm::zip(problem.operands, p.operands))
    if (operand.hasBatch)
      pointers.push_back(&base);
  for (Value *pointer : pointers)
    for (Value index : indices)
      *pointer =
          builder.offset(*pointer, builder.mul(builder.toI64(index), next()));
}

GemmParameters qopt::createGemmKernel(DeviceBuilder &builder,
                                      gpu::GPUModuleOp kernels,
                                      const GemmProblem &problem,
                                      StringRef name) {
  Type pointer = builder.pointerType(MemorySpace::Global);
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  bool split = problem.config.getSplitK() > 1;
  SmallVector<Type> types(3 + problem.operands.size() + split, pointer);
  types.append(6, i32);
  for (const EpilogueOperand &operand : problem.operands)
    if (operand.hasRow && operand.hasColumn)
      types.push_back(i32);
  if (split)
    types.push_back(i32);
  if (problem.window)
    types.append(kNumWindowScalars, i32);
  if (problem.batchShape.size() == 2)
    types.push_back(i32);
  if (problem.isBatched())
    forEachBatched(problem, [&](Value, ArrayRef<int64_t> strides) {
      types.append(strides.size(), i64);
    });
  LLVM::LLVMFuncOp kernel = createKernel(builder, kernels, name, types,
                                         problem.config.getNumThreads());
  // Left alone, ptxas would rather spill a register than lose a block per
  // multiprocessor.
  if (problem.config.getKind() == GemmKind::Mma)
    kernel->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                    builder.getI32IntegerAttr(1));
  setKernelKey(kernel, problem.getKey());

  GemmParameters p;
  unsigned index = 0;
  auto next = [&]() -> Value { return kernel.getArgument(index++); };
  p.a = next();
  p.b = next();
  p.d = next();
  for (size_t i = 0; i < problem.operands.size(); ++i)
    p.operands.push_back(next());
  if (split)
    p.workspace = next();
  p.m = next();
  p.n = next();
  p.k = next();
  p.lda = next();
  p.ldb = next();
  p.ldd = next();
  for (const EpilogueOperand &operand : problem.operands)
    p.operandStrides.push_back(operand.hasRow && operand.hasColumn ? next()
                                                                   : Value());
  if (split)
    p.counterBytes = next();
  if (problem.window) {
    for (unsigned i = 0; i < kNumWindowScalars; ++i)
      p.window.push_back(next());
    if (problem.window->groups > 1)
      advanceToGroup(builder, problem, p);
  }
  if (problem.isBatched())
    enterBatch(builder, problem, p, next);
  return p;
}

SmallVector<KernelArgument> qopt::getGemmArguments(const GemmProblem &problem,
                                                   int64_t counterBytes) {
  GemmOp op = problem.getOp();
  SmallVector<KernelArgument> arguments;
  auto addBuffer = [&](Value buffer) {
    arguments.push_back({KernelArgument::Kind::Buffer, buffer, {}, 64});
  };
  auto addScalar = [&](AffineExpr value, unsigned bits = 32) {
    arguments.push_back({KernelArgument::Kind::Scalar, {}, value, bits});
  };
  auto constant = [&](int64_t value) {
    return getAffineConstantExpr(value, op.getContext());
  };
  addBuffer(op.getA());
  addBuffer(op.getB());
  addBuffer(op.getInit());
  for (const EpilogueOperand &operand : problem.operands)
    addBuffer(operand.buffer);
  bool split = problem.config.getSplitK() > 1;
  if (split)
    arguments.push_back({KernelArgument::Kind::Workspace, {}, {}, 64});
  addScalar(problem.getRowsOfBatch());
  for (int64_t value : {problem.n, problem.k, problem.a.rowStride,
                        problem.b.rowStride, problem.d.rowStride})
    addScalar(constant(value));
  for (const EpilogueOperand &operand : problem.operands)
    if (operand.hasRow && operand.hasColumn)
      addScalar(constant(operand.rowStride));
  if (split)
    addScalar(constant(counterBytes));
  if (problem.window)
    for (int64_t value : problem.window->scalars)
      addScalar(constant(value));
  if (!problem.isBatched())
    return arguments;
  if (problem.batchShape.size() == 2)
    addScalar(constant(problem.batchShape.back()));
  forEachBatched(problem, [&](Value buffer, ArrayRef<int64_t> strides) {
    int64_t bits = cast<MemRefType>(buffer.getType()).getElementTypeBitWidth();
    for (int64_t elements : strides) // In bytes.
      addScalar(constant(elements * ((bits + 7) / 8)), 64);
  });
  return arguments;
}

//===----------------------------------------------------------------------===//
// Entry point
//===----------------------------------------------------------------------===//

FailureOr<KernelLaunch> qopt::buildGemmKernel(GemmOp op,
                                              gpu::GPUModuleOp kernels,
                                              const ChipInfo &chip) {
  GemmConfigAttr config = op.getConfigAttr();
  if (!config)
    return op.emitOpError("has no configuration: run qopt-select-configs");
  FailureOr<GemmProblem> problem = GemmProblem::create(op);
  if (failed(problem))
    return failure();
  FailureOr<KernelLaunch> launch = failure();
  switch (config.getKind()) {
  case GemmKind::Mma:
    launch = buildGemmMma(*problem, kernels);
    break;
  case GemmKind::Dp4a:
    launch = buildGemmDp4a(*problem, kernels);
    break;
  case GemmKind::Simt:
    launch = buildGemmSimt(*problem, kernels);
    break;
  }
  if (failed(launch))
    return failure();
  if (launch->sharedBytes > chip.sharedPerBlock)
    return op.emitOpError("configuration ")
           << config << " needs " << launch->sharedBytes
           << " bytes of shared memory, but a block of " << chip.name << " has "
           << chip.sharedPerBlock << "; use fewer stages or smaller tiles";
  constexpr int64_t kMaxGridZ = 65535;
  if (problem->getNumGroups() > kMaxGridZ)
    return op.emitOpError("has ")
           << problem->getNumGroups() << " groups; kernels take up to "
           << kMaxGridZ;
  if (problem->batch > kMaxGridZ)
    return op.emitOpError("has a batch of ")
           << problem->batch << "; kernels take up to " << kMaxGridZ;
  return launch;
}
