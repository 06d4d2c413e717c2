// RUN: quant-opt %s --pass-pipeline='builtin.module(qopt-select-configs,qopt-prepare-kernels,qopt-bufferize-kernels,qopt-plan-memory,qopt-build-kernels)' | FileCheck %s

// One row of three taps: four columns for two points, 4 channels; the second
// point's weights are shifted.
// CHECK-LABEL:   llvm.func @loops_depthwise_i8_i32
// CHECK-COUNT-4:   llvm.load %{{.+}} {alignment = 4 : i64} : !llvm.ptr<1> -> vector<1xi32>
// CHECK:           llvm.load %{{.+}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
// CHECK-NOT:       llvm.load
// CHECK-COUNT-4:   vector.shuffle %{{.+}}, %{{.+}} [{{0, 4, 1, 5|2, 6, 3, 7}}]
// CHECK-COUNT-2:   vector.shuffle %{{.+}}, %{{.+}} [{{0, 1, 4, 5|2, 3, 6, 7}}]
// CHECK-COUNT-4:   nvvm.dot.accumulate.4way %{{.+}} <unsigned>, %{{.+}} <signed>
// CHECK-COUNT-4:   arith.shli
// CHECK-NOT:       vector.shuffle
// CHECK:           llvm.store %{{.+}} {alignment = 16 : i64} : vector<4xi32>
// CHECK:           llvm.store %{{.+}} {alignment = 16 : i64} : vector<4xi32>
// CHECK-LABEL:   func.func @main
// CHECK:           qopt.pack %{{.+}} {permutation = array<i64: 0, 2, 1>} : memref<1x3x4xi8{{.*}}> -> memref<1x4x4xi8>
func.func @main(%x: tensor<8x5x10x4xi8>) -> tensor<8x5x8x4xi32> {
  %w = arith.constant dense<[[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]]> : tensor<1x3x4xi8>
  %e = tensor.empty() : tensor<8x5x8x4xi32>
  %0 = qopt.loops ins(%x, %w : tensor<8x5x10x4xi8>, tensor<1x3x4xi8>) outs(%e : tensor<8x5x8x4xi32>) {
  ^bb0(%in: i8, %tap: i8):
    %a = arith.extui %in : i8 to i32
    %b = arith.extsi %tap : i8 to i32
    %p = arith.muli %a, %b : i32
    %sum = qopt.reduce addi %p : i32
    qopt.yield %sum : i32
  } {extents = array<i64: 8, 5, 8, 4, 1, 3>, reductions = array<i1: false, false, false, false, true, true>,
     indexing_maps = [affine_map<(n, p, q, c, r, s) -> (n, p + r, q + s, c)>,
                      affine_map<(n, p, q, c, r, s) -> (r, s, c)>,
                      affine_map<(n, p, q, c, r, s) -> (n, p, q, c)>],
     config = #qopt.loops_config<depthwise, threads = 64, row_threads = 1, lanes = 4, items = 2>}
     -> tensor<8x5x8x4xi32>
  return %0 : tensor<8x5x8x4xi32>
}
