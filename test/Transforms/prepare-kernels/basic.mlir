// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-prepare-kernels)' --split-input-file | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>

// Calls are inlined, results become arguments that keep their names.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[X:.+]]: tensor<4x8xf32> {bufferization.writable = false, qopt.kind = "input", qopt.name = "x"}
// CHECK-SAME:    %[[Y:.+]]: memref<4x8xf32> {qopt.kind = "output", qopt.name = "y"}
// CHECK-SAME:    %[[Z:.+]]: memref<4x8xf32> {qopt.kind = "output"})
// CHECK-NOT:     call
// CHECK:         %[[R:.+]] = linalg.generic
// CHECK-DAG:     bufferization.materialize_in_destination %[[R]] in restrict writable %[[Y]]
// CHECK-DAG:     bufferization.materialize_in_destination %[[X]] in restrict writable %[[Z]]
// CHECK:         return{{$}}
// CHECK-NOT:   func.func private
func.func @main(%x: tensor<4x8xf32> {qopt.name = "x"})
    -> (tensor<4x8xf32> {qopt.name = "y"}, tensor<4x8xf32>) {
  %0 = call @twice(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0, %x : tensor<4x8xf32>, tensor<4x8xf32>
}
func.func private @twice(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %e = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.add ins(%x, %x : tensor<4x8xf32>, tensor<4x8xf32>)
                  outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// Elementwise ops become one, every float operation stays, and the producer of
// a reduction joins it.
// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic
// CHECK-SAME:      iterator_types = ["parallel", "reduction"]
// CHECK:           %[[MUL:.+]] = arith.mulf %{{.+}}, %{{.+}} : f32
// CHECK-NEXT:      %[[ADD:.+]] = arith.addf %[[MUL]], %{{.+}} : f32
// CHECK-NEXT:      arith.maximumf %{{.+}}, %{{.+}} : f32
// CHECK-NOT:     linalg.generic
func.func @main(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.mul ins(%x, %y : tensor<4x8xf32>, tensor<4x8xf32>)
                  outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = linalg.add ins(%0, %y : tensor<4x8xf32>, tensor<4x8xf32>)
                  outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %e1 = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<4xf32>) -> tensor<4xf32>
  %2 = linalg.reduce {arith.maximumf} ins(%1 : tensor<4x8xf32>)
                     outs(%f : tensor<4xf32>) dimensions = [1]
  return %2 : tensor<4xf32>
}

// -----

// Functions without exact instructions become arithmetic; instructions stay.
// CHECK-LABEL: func.func @main
// CHECK-NOT:     math.exp
// CHECK:         math.fma %{{.+}} : f64
// CHECK:         arith.truncf %{{.+}} : f64 to f32
// CHECK:         arith.maximumf
// CHECK:         math.sqrt
// CHECK:         arith.divf
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<8xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>,
      affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %low = arith.constant 1.0 : f32
    %1 = math.exp %in : f32
    %2 = arith.maximumf %1, %low : f32
    %3 = math.rsqrt %2 : f32
    linalg.yield %3 : f32
  } -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A splat that would be overwritten becomes a fill; others stay constants.
// CHECK-LABEL: func.func @main
// CHECK-DAG:     %[[ZERO:.+]] = arith.constant 0 : i32
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<3> : tensor<8x16xi8>
// CHECK-DAG:     qopt.pack %[[W]]
// CHECK:         %[[FILL:.+]] = linalg.fill ins(%[[ZERO]] : i32)
// CHECK:         linalg.generic
// CHECK-SAME:      outs(%[[FILL]] :
func.func @main(%x: tensor<4x16xi8>, %y: tensor<16x8xi8>)
    -> (tensor<4x8xi32>, tensor<4x8xi32>) {
  %w = arith.constant dense<3> : tensor<8x16xi8>
  %p = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<8x16xi8> -> tensor<64x64xi8>
  %init = tensor.empty() : tensor<4x8xi32>
  %g = qopt.gemm ins(%x, %p : tensor<4x16xi8>, tensor<64x64xi8>) outs(%init : tensor<4x8xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x8xi32>
  %zero = arith.constant dense<0> : tensor<4x8xi32>
  %0 = linalg.matmul ins(%x, %y : tensor<4x16xi8>, tensor<16x8xi8>)
                     outs(%zero : tensor<4x8xi32>) -> tensor<4x8xi32>
  return %0, %g : tensor<4x8xi32>, tensor<4x8xi32>
}

// -----

// A transpose in front of a contraction is read in place.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<4x8xi8>
// CHECK-NOT:     linalg.transpose
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%[[X]], %[[X]] : tensor<4x8xi8>, tensor<4x8xi8>)
func.func @main(%x: tensor<4x8xi8>) -> tensor<4x4xi32> {
  %zero = arith.constant dense<0> : tensor<4x4xi32>
  %e = tensor.empty() : tensor<8x4xi8>
  %t = linalg.transpose ins(%x : tensor<4x8xi8>) outs(%e : tensor<8x4xi8>)
      permutation = [1, 0]
  %0 = linalg.matmul ins(%x, %t : tensor<4x8xi8>, tensor<8x4xi8>)
                     outs(%zero : tensor<4x4xi32>) -> tensor<4x4xi32>
  return %0 : tensor<4x4xi32>
}

// -----

// Loops of a known number of iterations are unrolled.
// CHECK-LABEL: func.func @main
// CHECK-NOT:     scf.for
// CHECK-COUNT-3: arith.addf
// CHECK-NOT:     arith.addf
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %e = tensor.empty() : tensor<4xf32>
  %0 = scf.for %i = %c0 to %c3 step %c1 iter_args(%v = %x) -> tensor<4xf32> {
    %1 = linalg.add ins(%v, %x : tensor<4xf32>, tensor<4xf32>)
                    outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %1 : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

// Padding and concatenation become writes into slices.
// CHECK-LABEL: func.func @main
// CHECK:         linalg.fill
// CHECK:         tensor.insert_slice %{{.+}} into %{{.+}}[0, 1] [4, 4] [1, 1]
// CHECK:         tensor.insert_slice %{{.+}} into %{{.+}}[0, 0] [4, 6] [1, 1]
// CHECK:         tensor.insert_slice %{{.+}} into %{{.+}}[0, 6] [4, 4] [1, 1]
func.func @main(%x: tensor<4x4xi8>) -> tensor<4x10xi8> {
  %zero = arith.constant 7 : i8
  %p = tensor.pad %x low[0, 1] high[0, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : i8
  } : tensor<4x4xi8> to tensor<4x6xi8>
  %0 = tensor.concat dim(1) %p, %x : (tensor<4x6xi8>, tensor<4x4xi8>) -> tensor<4x10xi8>
  return %0 : tensor<4x10xi8>
}

// -----

// Division with rounding has no instruction.
// CHECK-LABEL: func.func @main
// CHECK-NOT:     floordivsi
// CHECK:         arith.divsi
func.func @main(%x: tensor<4xi32>, %y: tensor<4xi32>) -> tensor<4xi32> {
  %e = tensor.empty() : tensor<4xi32>
  %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>,
      affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
      iterator_types = ["parallel"]}
      ins(%x, %y : tensor<4xi32>, tensor<4xi32>) outs(%e : tensor<4xi32>) {
  ^bb0(%a: i32, %b: i32, %out: i32):
    %1 = arith.floordivsi %a, %b : i32
    linalg.yield %1 : i32
  } -> tensor<4xi32>
  return %0 : tensor<4xi32>
}
