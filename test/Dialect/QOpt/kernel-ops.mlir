// RUN: quant-opt %s | quant-opt | FileCheck %s
// RUN: quant-opt %s --mlir-print-op-generic | quant-opt | FileCheck %s

// CHECK-LABEL: func.func @gemm(
// CHECK-SAME:    %[[A:.+]]: tensor<128x768xi8>, %[[B:.+]]: tensor<3072x768xi8>, %[[M:.+]]: tensor<3072xf32>, %[[R:.+]]: tensor<128xf32>, %[[INIT:.+]]: tensor<128x3072xi8>
// CHECK:         qopt.gemm ins(%[[A]], %[[B]] : tensor<128x768xi8>, tensor<3072x768xi8>)
// CHECK-SAME:      epilogue(%[[M]], %[[R]] : tensor<3072xf32>, tensor<128xf32>)
// CHECK-SAME:      outs(%[[INIT]] : tensor<128x3072xi8>) {
// CHECK-NEXT:    ^bb0(%[[ACC:.+]]: i32, %[[M0:.+]]: f32, %[[R0:.+]]: f32):
// CHECK:           qopt.yield %{{.+}} : i8
// CHECK-NEXT:    } {a_unsigned
// CHECK-SAME:      config = #qopt.gemm_config<mma, block = [128, 256, 64], warp = [64, 64], stages = 4, split_k = 1>
// CHECK-SAME:      name = "layer"
// CHECK-SAME:      -> tensor<128x3072xi8>
func.func @gemm(%a: tensor<128x768xi8>, %b: tensor<3072x768xi8>, %m: tensor<3072xf32>,
                %r: tensor<128xf32>, %init: tensor<128x3072xi8>) -> tensor<128x3072xi8> {
  %0 = qopt.gemm ins(%a, %b : tensor<128x768xi8>, tensor<3072x768xi8>)
      epilogue(%m, %r : tensor<3072xf32>, tensor<128xf32>)
      outs(%init : tensor<128x3072xi8>) {
  ^bb0(%acc: i32, %m0: f32, %r0: f32):
    %1 = arith.sitofp %acc : i32 to f32
    %2 = arith.mulf %m0, %r0 : f32
    %3 = arith.mulf %1, %2 : f32
    %4 = arith.fptosi %3 : f32 to i8
    qopt.yield %4 : i8
  } {a_unsigned, name = "layer",
     config = #qopt.gemm_config<mma, block = [128, 256, 64], warp = [64, 64], stages = 4, split_k = 1>,
     epilogue_maps = [affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m)>]}
      -> tensor<128x3072xi8>
  return %0 : tensor<128x3072xi8>
}

// A padded, shared b; operands of every kind; on buffers there is no result.
// CHECK-LABEL: func.func @batched_buffers(
// CHECK:         %[[P:.+]] = qopt.pack %{{.+}} {permutation = array<i64: 1, 0>} : memref<10x7xf32> -> memref<7x10xf32>
// CHECK:         qopt.gemm ins(%{{.+}}, %[[P]] : memref<2x5x10xf32>, memref<7x10xf32>)
// CHECK-SAME:      epilogue({{.+}} : memref<f32>, memref<2xf32>, memref<2x5xf32>, memref<2x5x7xf32>, memref<8xf32>)
// CHECK:         } {epilogue_maps =
// CHECK-NOT:     ->
// CHECK:         return
func.func @batched_buffers(%a: memref<2x5x10xf32>, %w: memref<10x7xf32>, %s: memref<f32>,
                           %perBatch: memref<2xf32>, %perRow: memref<2x5xf32>,
                           %residual: memref<2x5x7xf32>, %perColumn: memref<8xf32>,
                           %d: memref<2x5x7xf32>) {
  %p = qopt.pack %w {permutation = array<i64: 1, 0>} : memref<10x7xf32> -> memref<7x10xf32>
  qopt.gemm ins(%a, %p : memref<2x5x10xf32>, memref<7x10xf32>)
      epilogue(%s, %perBatch, %perRow, %residual, %perColumn :
               memref<f32>, memref<2xf32>, memref<2x5xf32>, memref<2x5x7xf32>, memref<8xf32>)
      outs(%d : memref<2x5x7xf32>) {
  ^bb0(%acc: f32, %0: f32, %1: f32, %2: f32, %3: f32, %4: f32):
    %5 = arith.addf %acc, %0 : f32
    %6 = arith.addf %5, %1 : f32
    %7 = arith.addf %6, %2 : f32
    %8 = arith.addf %7, %3 : f32
    %9 = arith.addf %8, %4 : f32
    qopt.yield %9 : f32
  } {epilogue_maps = [affine_map<(b, m, n) -> ()>, affine_map<(b, m, n) -> (b)>,
                      affine_map<(b, m, n) -> (b, m)>, affine_map<(b, m, n) -> (b, m, n)>,
                      affine_map<(b, m, n) -> (n)>]}
  return
}

// CHECK-LABEL: func.func @pack(
// CHECK:         qopt.pack %{{.+}} {permutation = array<i64: 0, 2, 1>} : tensor<2x64x96xi8> -> tensor<2x128x64xi8>
func.func @pack(%w: tensor<2x64x96xi8>) -> tensor<2x128x64xi8> {
  %0 = qopt.pack %w {permutation = array<i64: 0, 2, 1>} : tensor<2x64x96xi8> -> tensor<2x128x64xi8>
  return %0 : tensor<2x128x64xi8>
}

// A gemm whose result nobody uses is dead; one on buffers is not.
// CHECK-LABEL: func.func @configurations(
// CHECK-SAME:    #qopt.gemm_config<dp4a, block = [4, 32, 512], warp = [4, 4], stages = 1, split_k = 1>
// CHECK-SAME:    #qopt.gemm_config<simt, block = [64, 64, 16], warp = [4, 4], stages = 1, split_k = 1>
func.func @configurations() attributes {
    dp4a = #qopt.gemm_config<dp4a, block = [4, 32, 512], warp = [4, 4], stages = 1, split_k = 1>,
    simt = #qopt.gemm_config<simt, block = [64, 64, 16], warp = [4, 4], stages = 1, split_k = 1>} {
  return
}
