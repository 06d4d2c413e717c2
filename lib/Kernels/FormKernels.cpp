//===- FormKernels.cpp - Contractions and epilogues to kernel ops -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Decides what one kernel computes; how it computes it is decided by
// qopt-select-configs. The choice does not depend on the target. What stays
// linalg becomes a loop kernel later.
//
//===----------------------------------------------------------------------===//
#include "ConvWindow.h"
#include "EpilogueFusion.h"
#include "MatrixProduct.h"
#include "ResultLayout.h"
#include "SimplifyMovement.h"

#include "QuantOpt/Analysis/MulAdd.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Execution/Lowering.h"
#include "QuantOpt/Kernels/Bufferization.h"

#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_FORMKERNELS
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// contraction(init = x) → contraction(init = 0) + x.
static void extractInit(linalg::LinalgOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  OpOperand *init = op.getDpsInitOperand(0);
  Value start = init->get();
  auto type = cast<RankedTensorType>(start.getType());
  Value zero = arith::ConstantOp::create(
      builder, loc, builder.getZeroAttr(type.getElementType()));
  Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                        type.getElementType());
  init->set(linalg::FillOp::create(builder, loc, zero, empty).getResult(0));

  builder.setInsertionPointAfter(op);
  SmallVector<AffineMap> maps(3,
                              builder.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> parallel(type.getRank(),
                                            utils::IteratorType::parallel);
  auto sum = linalg::GenericOp::create(
      builder, loc, type, ValueRange{op->getResult(0), start}, empty, maps,
      parallel, [](OpBuilder &b, Location loc, ValueRange args) {
        Value value =
            isa<FloatType>(args[0].getType())
                ? arith::AddFOp::create(b, loc, args[0], args[1]).getResult()
                : arith::AddIOp::create(b, loc, args[0], args[1]);
        linalg::YieldOp::create(b, loc, value);
      });
  op->getResult(0).replaceAllUsesExcept(sum.getResult(0), sum);
}

namespace {
struct FormKernels : public qopt::impl::FormKernelsBase<FormKernels> {
  using FormKernelsBase::FormKernelsBase;

  /// A host that loads only the pass plugin must be able to bufferize, too.
  void getDependentDialects(DialectRegistry &registry) const override {
    FormKernelsBase::getDependentDialects(registry);
    registerKernelBufferization(registry);
  }

  void runOnOperation() override {
    usedNames.clear();
    numUnnamed = 0;
    if (failed(simplifyMovement(getOperation())))
      return signalPassFailure();
    SmallVector<linalg::LinalgOp> contractions;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (isHalfMulAdd(op))
        contractions.push_back(op);
    });
    for (linalg::LinalgOp op : contractions)
      form(op);
    contractions.clear();
    // Other products of 16-bit floats are those of f32.
    getOperation().walk([](func::FuncOp op) { separateExtensions(op); });
    getOperation().walk([&](linalg::LinalgOp op) {
      if (matchMulAdd(op))
        contractions.push_back(op);
    });
    for (linalg::LinalgOp op : contractions)
      form(dropUnitTaps(op));
    // Transposes that all readers look through must be gone before the rest is
    // counted as users.
    eraseUnusedOps(getOperation());
    SmallVector<GemmOp> gemms;
    getOperation().walk([&](GemmOp op) { gemms.push_back(op); });
    llvm::for_each(gemms, absorbTranspose);
    eraseUnusedOps(getOperation());
  }

private:
  std::string makeName(Location loc);
  void form(linalg::LinalgOp op);
  void buildGemm(const MatrixProduct &product, WindowAttr window,
                 const FusedEpilogue &epilogue, StringRef name);

  llvm::StringSet<> usedNames;
  unsigned numUnnamed = 0;
};
} // namespace

std::string FormKernels::makeName(Location loc) {
  std::string base = getLocationName(loc).str();
  if (base.empty())
    base = "gemm_" + std::to_string(numUnnamed++);
  std::string name = base;
  for (unsigned i = 1; !usedNames.insert(name).second; ++i)
    name = base + "#" + std::to_string(i);
  return name;
}

void FormKernels::form(linalg::LinalgOp op) {
  std::string reason;
  std::optional<MatrixProduct> product;
  WindowAttr window;
  if (!readsWindows(op)) {
    product = matchMatrixProduct(op, minTransposedMacs, reason);
  } else if (auto conv = matchConvolution(op, reason)) {
    product = conv->product;
    window = conv->window;
  }
  if (!product) {
    StringRef name = getLocationName(op.getLoc());
    remark::missed(op.getLoc(),
                   remark::RemarkOpts::name("no-gemm").category("qopt"))
        << ((name.empty() ? op->getName().getStringRef() : name) +
            ": a loop kernel computes it: " + reason)
               .str();
    return;
  }
  if (product->init)
    extractInit(op);
  FusedEpilogue epilogue = findEpilogue(op->getResult(0), product->result.shape,
                                        product->result.map);
  std::string name = makeName(op.getLoc());
  remark::passed(op.getLoc(), remark::RemarkOpts::name("gemm").category("qopt"))
      << name + ": a gemm with " + std::to_string(epilogue.members.size()) +
             " elementwise ops in its epilogue";
  buildGemm(*product, window, epilogue, name);
  for (Operation *member : llvm::reverse(epilogue.ops))
    if (member->use_empty())
      member->erase();
  if (op->use_empty())
    op->erase();
}

void FormKernels::buildGemm(const MatrixProduct &product, WindowAttr window,
                            const FusedEpilogue &epilogue, StringRef name) {
  linalg::LinalgOp op = product.op;
  Location loc = op.getLoc();
  // Behind the last member, where all operands are there.
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfterValue(epilogue.result);
  Value a = window ? buildReshape(builder, loc, product.a.view.value,
                                  product.a.dims.shape)
                   : buildMatrixOperand(builder, loc, product.a);
  Value b = buildMatrixOperand(builder, loc, product.b);
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (const FusedTensor &operand : epilogue.operands) {
    operands.push_back(
        buildReshape(builder, loc, operand.value, operand.shape));
    SmallVector<AffineExpr> dims;
    for (unsigned dim : operand.dims)
      dims.push_back(builder.getAffineDimExpr(dim));
    maps.push_back(AffineMap::get(product.result.map.getNumDims(), 0, dims,
                                  builder.getContext()));
  }
  auto resultType = cast<RankedTensorType>(epilogue.result.getType());
  Value init = tensor::EmptyOp::create(builder, loc, product.result.shape,
                                       resultType.getElementType());
  ArrayAttr operandMaps;
  if (!window)
    operandMaps = getOperandMaps(product.a.dims.map, product.b.dims.map,
                                 product.result.map);
  auto gemm =
      GemmOp::create(builder, loc, TypeRange{init.getType()}, a, b, operands,
                     init, builder.getAffineMapArrayAttr(maps),
                     product.a.isUnsigned, product.b.isUnsigned, operandMaps,
                     window, builder.getStringAttr(name), GemmConfigAttr());
  buildEpilogue(gemm.getBody(), loc, epilogue, op->getResult(0));
  Value result =
      buildReshape(builder, loc, gemm.getResult(0), product.result.partExtents,
                   resultType.getShape());
  Value(epilogue.result).replaceAllUsesWith(result);
}
