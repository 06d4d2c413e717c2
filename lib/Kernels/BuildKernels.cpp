//===- BuildKernels.cpp - Kernel ops to kernels and launches ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The last step of the kernels phase: every op that computes becomes a kernel
// of one gpu.module and a launch. The result is the kernels form, see
// KernelsForm.h.
//
//===----------------------------------------------------------------------===//
#include "BatchAnalysis.h"
#include "LoopShape.h"
#include "LoopsShape.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/Entry.h"
#include "QuantOpt/Kernels/ChipInfo.h"
#include "QuantOpt/Kernels/Dialects.h"
#include "QuantOpt/Kernels/KernelLaunch.h"
#include "QuantOpt/Kernels/KernelsForm.h"
#include "QuantOpt/Kernels/LaunchCost.h"
#include "ShareKernels.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_BUILDKERNELS
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// What the entry may hold
//===----------------------------------------------------------------------===//

/// memref.copy -> linalg.generic that yields its input.
static void generalizeCopy(memref::CopyOp op) {
  OpBuilder builder(op);
  auto type = cast<MemRefType>(op.getSource().getType());
  SmallVector<AffineMap> maps(2,
                              builder.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> parallel(type.getRank(),
                                            utils::IteratorType::parallel);
  linalg::GenericOp::create(builder, op.getLoc(), op.getSource(),
                            op.getTarget(), maps, parallel,
                            [](OpBuilder &b, Location loc, ValueRange args) {
                              linalg::YieldOp::create(b, loc, args[0]);
                            });
  op.erase();
}

/// True for what a launch needs around it.
static bool isView(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() ||
         isa<memref::GetGlobalOp, PackOp, func::ReturnOp>(op) ||
         (isa<ViewLikeOpInterface>(op) && isMemoryEffectFree(op));
}

static LogicalResult verifyEntry(func::FuncOp entry) {
  if (!llvm::hasSingleElement(entry.getBody()))
    return entry.emitOpError() << kNoKernel << ": branches";
  for (Operation &op : entry.getBody().front())
    if (!isView(&op) && !isa<linalg::LinalgOp, GemmOp, LoopsOp>(op))
      return op.emitOpError() << kNoKernel;
  for (unsigned i = 0; i < entry.getNumArguments(); ++i)
    if (!entry.getArgAttrOfType<StringAttr>(i, kArgumentKindAttr) ||
        !isa<MemRefType>(entry.getArgument(i).getType()))
      return entry.emitOpError()
             << "argument #" << i
             << " must be a buffer with a qopt.kind: run qopt-prepare-kernels, "
                "qopt-bufferize-kernels and qopt-plan-memory first";
  return success();
}

/// Ops without elements need no launch.
static bool isEmpty(linalg::LinalgOp op) {
  auto iterators = op.getIteratorTypesArray();
  for (auto [extent, iterator] : llvm::zip(op.getStaticLoopRanges(), iterators))
    if (extent == 0 && iterator == utils::IteratorType::parallel)
      return true;
  return false;
}

/// What profiles and errors call the op.
static std::string getLaunchName(Operation *op, StringRef kernel) {
  if (auto gemm = dyn_cast<GemmOp>(op); gemm && gemm.getName())
    return gemm.getName()->str();
  if (auto loops = dyn_cast<LoopsOp>(op); loops && loops.getName())
    return loops.getName()->str();
  if (StringRef name = getOpName(op); !name.empty())
    return name.str();
  StringRef name = getLocationName(op->getLoc());
  return (name.empty() ? kernel : name).str();
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

namespace {
/// Replaces kernel ops by launches.
class LaunchBuilder {
public:
  LaunchBuilder(func::FuncOp entry, gpu::GPUModuleOp kernels,
                const ChipInfo &chip, const BatchPlan &plan, Value batch,
                Value workspace, Value status)
      : kernels(kernels), chip(chip), plan(plan), batch(batch),
        workspace(workspace), status(status) {}

  LogicalResult replace(Operation *op);
  /// Bytes of zeroed memory that the launches so far need.
  int64_t getWorkspaceBytes() const { return workspaceBytes; }
  /// Launches so far that check something.
  int64_t getNumStatusWords() const { return numStatusWords; }

private:
  FailureOr<KernelLaunch> build(Operation *op);
  /// `rows -> expression` of an op as an index.
  Value createExtent(ImplicitLocOpBuilder &b, Operation *op, AffineExpr expr);
  Value createScalar(ImplicitLocOpBuilder &b, Operation *op,
                     const KernelArgument &argument);
  /// The next status word.
  Value createStatusWord(ImplicitLocOpBuilder &b);
  void noteChecks(Operation *op, const KernelLaunch &launch, Operation *call);

  gpu::GPUModuleOp kernels;
  const ChipInfo &chip;
  const BatchPlan &plan;
  Value batch, workspace, status;
  int64_t workspaceBytes = 0, numStatusWords = 0;
};
} // namespace

static int64_t getRows(Operation *op) {
  if (auto gemm = dyn_cast<GemmOp>(op))
    return getGemmRows(gemm);
  if (auto loops = dyn_cast<LoopsOp>(op))
    return analyzeLoops(loops)->getRows();
  FailureOr<LoopShape> shape = analyzeLoops(cast<linalg::LinalgOp>(op));
  return shape->getRows();
}

Value LaunchBuilder::createExtent(ImplicitLocOpBuilder &b, Operation *op,
                                  AffineExpr expr) {
  MLIRContext *context = b.getContext();
  AffineExpr rows = getAffineConstantExpr(getRows(op), context);
  if (auto it = plan.rowsPerSample.find(op); it != plan.rowsPerSample.end())
    rows = getAffineSymbolExpr(0, context) * it->second;
  expr = simplifyAffineExpr(expr.replaceSymbols(rows), 0, 1);
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return arith::ConstantIndexOp::create(b, constant.getValue());
  return affine::AffineApplyOp::create(b, AffineMap::get(0, 1, expr), batch);
}

Value LaunchBuilder::createScalar(ImplicitLocOpBuilder &b, Operation *op,
                                  const KernelArgument &argument) {
  Value value = createExtent(b, op, argument.scalar);
  Type type = b.getIntegerType(argument.bits);
  if (auto constant = value.getDefiningOp<arith::ConstantIndexOp>()) {
    int64_t number = constant.value();
    constant.erase();
    return arith::ConstantIntOp::create(b, type, number);
  }
  return arith::IndexCastOp::create(b, type, value);
}

Value LaunchBuilder::createStatusWord(ImplicitLocOpBuilder &b) {
  SmallVector<OpFoldResult> offset = {b.getIndexAttr(numStatusWords++)};
  SmallVector<OpFoldResult> one = {b.getIndexAttr(1)};
  return memref::ReinterpretCastOp::create(
      b,
      MemRefType::get(
          {1}, b.getI64Type(),
          StridedLayoutAttr::get(b.getContext(), numStatusWords - 1, {1})),
      status, offset[0], one, one);
}

void LaunchBuilder::noteChecks(Operation *op, const KernelLaunch &launch,
                               Operation *call) {
  Builder builder(op->getContext());
  SmallVector<StringRef> messages(launch.checks.begin(), launch.checks.end());
  call->setAttr(kChecksAttr, builder.getStrArrayAttr(messages));
  int64_t rows = 0; // Of each sample.
  if (auto it = plan.rowsPerSample.find(op); it != plan.rowsPerSample.end())
    rows = it->second;
  else if (plan.batch == 1 && plan.fixedReason.empty())
    rows = getRows(op);
  if (rows != 0)
    call->setAttr(kPointsPerSampleAttr,
                  builder.getI64IntegerAttr(rows * launch.pointsPerRow));
}

FailureOr<KernelLaunch> LaunchBuilder::build(Operation *op) {
  if (auto gemm = dyn_cast<GemmOp>(op))
    return buildGemmKernel(gemm, kernels, chip);
  if (auto loops = dyn_cast<LoopsOp>(op))
    return buildLoopsKernel(loops, kernels, chip);
  return buildLoopKernel(cast<linalg::LinalgOp>(op), kernels, chip);
}

LogicalResult LaunchBuilder::replace(Operation *op) {
  FailureOr<KernelLaunch> launch = build(op);
  if (failed(launch))
    return failure();
  ImplicitLocOpBuilder b(op->getLoc(), op);
  SmallVector<Value> arguments;
  for (const KernelArgument &argument : launch->arguments) {
    switch (argument.kind) {
    case KernelArgument::Kind::Buffer:
      arguments.push_back(argument.buffer);
      break;
    case KernelArgument::Kind::Scalar:
      arguments.push_back(createScalar(b, op, argument));
      break;
    case KernelArgument::Kind::Workspace:
      arguments.push_back(workspace);
      break;
    case KernelArgument::Kind::Status:
      arguments.push_back(createStatusWord(b));
      break;
    }
  }
  workspaceBytes = std::max(workspaceBytes, launch->workspaceBytes);
  auto grid = [&](unsigned dim) {
    return createExtent(b, op, launch->grid[dim]);
  };
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value threads = arith::ConstantIndexOp::create(b, launch->threads);
  Value shared;
  if (launch->sharedBytes != 0)
    shared =
        arith::ConstantIntOp::create(b, b.getI32Type(), launch->sharedBytes);
  auto kernel = SymbolRefAttr::get(
      b.getContext(), kernels.getName(),
      FlatSymbolRefAttr::get(b.getContext(), launch->kernel));
  auto call = gpu::LaunchFuncOp::create(
      b, kernel, gpu::KernelDim3{grid(0), grid(1), grid(2)},
      gpu::KernelDim3{threads, one, one}, shared, arguments);
  call->setAttr(kNameAttr, b.getStringAttr(getLaunchName(op, launch->kernel)));
  if (!launch->checks.empty())
    noteChecks(op, *launch, call);
  noteLaunch(call, op, *launch, chip);
  return success();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

/// Adds a trailing argument of `kind`.
static FailureOr<Value> addArgument(func::FuncOp entry, Type type,
                                    StringRef kind) {
  unsigned position = entry.getNumArguments();
  Builder builder(entry.getContext());
  NamedAttribute attribute(builder.getStringAttr(kArgumentKindAttr),
                           builder.getStringAttr(kind));
  if (failed(entry.insertArgument(position, type,
                                  builder.getDictionaryAttr(attribute),
                                  entry.getLoc())))
    return failure();
  return Value(entry.getArgument(position));
}

static gpu::GPUModuleOp createKernelsModule(ModuleOp module,
                                            const ChipInfo &chip) {
  OpBuilder builder(module.getContext());
  builder.setInsertionPointToStart(module.getBody());
  auto kernels =
      gpu::GPUModuleOp::create(builder, module.getLoc(), kKernelsModule);
  Attribute target = NVVM::NVVMTargetAttr::get(
      builder.getContext(), /*optLevel=*/2, "nvptx64-nvidia-cuda", chip.name,
      /*targetFeatures=*/"");
  kernels.setTargetsAttr(builder.getArrayAttr(target));
  module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                  builder.getUnitAttr());
  return kernels;
}

/// Fills whose value kernels start from are not launched.
static void eraseInitialFills(ArrayRef<Operation *> ops,
                              DenseSet<Operation *> &erased) {
  for (Operation *op : ops)
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      for (OpOperand &init : linalgOp.getDpsInitsMutable())
        if (linalg::FillOp fill = findInitialFill(linalgOp, init))
          erased.insert(fill);
}

/// Views and constants that only replaced ops used.
static void eraseUnused(func::FuncOp entry) {
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(entry.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

namespace {
struct BuildKernels : public qopt::impl::BuildKernelsBase<BuildKernels> {
  using BuildKernelsBase::BuildKernelsBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    registerKernelDialects(registry);
  }

  void runOnOperation() override {
    const ChipInfo *chip = findChip(target);
    if (!chip) {
      InFlightDiagnostic error = getOperation().emitError();
      error << "unknown target '" << target << "'; known are";
      for (const ChipInfo &known : getChips())
        error << ' ' << known.name;
      return signalPassFailure();
    }
    FailureOr<func::FuncOp> entry = findEntry(getOperation(), this->entry);
    if (failed(entry) || failed(build(*entry, *chip)))
      signalPassFailure();
  }

private:
  LogicalResult build(func::FuncOp entry, const ChipInfo &chip);
  void noteBatch(const BatchPlan &plan);
};
} // namespace

void BuildKernels::noteBatch(const BatchPlan &plan) {
  Builder builder(&getContext());
  getOperation()->setAttr(kBatchAttr, builder.getI64IntegerAttr(plan.batch));
  if (!plan.fixedReason.empty())
    getOperation()->setAttr(kFixedBatchAttr,
                            builder.getStringAttr(plan.fixedReason));
}

LogicalResult BuildKernels::build(func::FuncOp entry, const ChipInfo &chip) {
  SmallVector<memref::CopyOp> copies(entry.getOps<memref::CopyOp>());
  llvm::for_each(copies, generalizeCopy);
  for (auto op : llvm::make_early_inc_range(entry.getOps<linalg::LinalgOp>()))
    if (isEmpty(op))
      op.erase();
  if (failed(verifyEntry(entry)))
    return failure();
  FailureOr<BatchPlan> plan = analyzeBatch(entry);
  if (failed(plan))
    return failure();
  noteBatch(*plan);

  auto bytes = [&](int64_t size) {
    return MemRefType::get({size}, IntegerType::get(&getContext(), 8));
  };
  FailureOr<Value> workspace = addArgument(entry, bytes(0), "workspace");
  auto words = [&](int64_t count) {
    return MemRefType::get({count}, IntegerType::get(&getContext(), 64));
  };
  FailureOr<Value> status = addArgument(entry, words(0), "status");
  FailureOr<Value> batch =
      addArgument(entry, IndexType::get(&getContext()), "batch");
  if (failed(workspace) || failed(status) || failed(batch))
    return failure();
  gpu::GPUModuleOp kernels = createKernelsModule(getOperation(), chip);
  LaunchBuilder launches(entry, kernels, chip, *plan, *batch, *workspace,
                         *status);
  SmallVector<Operation *> ops;
  for (Operation &op : entry.getBody().front())
    if (isa<linalg::LinalgOp, GemmOp, LoopsOp>(op))
      ops.push_back(&op);
  DenseSet<Operation *> fused;
  eraseInitialFills(ops, fused);
  for (Operation *op : ops)
    if (!fused.contains(op) && failed(launches.replace(op)))
      return failure();
  // Only now: builders look at the ops around theirs.
  for (Operation *op : llvm::reverse(ops))
    op->erase();
  shareKernels(kernels, entry);
  eraseUnused(entry);
  workspace->setType(bytes(launches.getWorkspaceBytes()));
  status->setType(words(launches.getNumStatusWords()));
  entry.setType(
      FunctionType::get(&getContext(), entry.getBody().getArgumentTypes(), {}));
  if (launches.getNumStatusWords() == 0)
    return entry.eraseArgument(cast<BlockArgument>(*status).getArgNumber());
  return success();
}
