// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-prepare-kernels)' --split-input-file | FileCheck %s

// A sum of floats that no qopt.loops took: its elements, and their halves added
// until one is left. Every addition of the order is there, and no other one.
// CHECK-LABEL: func.func @main
// CHECK:         %[[E:.+]] = tensor.insert_slice %{{.+}} into %{{.+}}[0, 0] [4, 6] [1, 1] : tensor<4x6xf32> into tensor<4x8xf32>
// CHECK-DAG:     tensor.extract_slice %[[E]][0, 0] [4, 4] [1, 1]
// CHECK-DAG:     tensor.extract_slice %[[E]][0, 4] [4, 4] [1, 1]
// CHECK:         %[[A:.+]] = linalg.generic
// CHECK-SAME:      iterator_types = ["parallel", "parallel"]
// CHECK:           arith.addf
// CHECK:         tensor.extract_slice %[[A]][0, 2] [4, 2] [1, 1]
// CHECK:         %[[B:.+]] = linalg.generic
// CHECK:           arith.addf
// CHECK:         tensor.extract_slice %[[B]][0, 1] [4, 1] [1, 1]
// CHECK:         linalg.generic
// CHECK-COUNT-2:   arith.addf
// CHECK-NOT:     arith.addf
func.func @main(%x: tensor<4x6xf32>, %init: tensor<4xf32>) -> tensor<4xf32> {
  %0 = linalg.reduce {arith.addf} ins(%x : tensor<4x6xf32>) outs(%init : tensor<4xf32>) dimensions = [1]
  return %0 : tensor<4xf32>
}

// -----

// Of more than 256 elements each 256th is added up first, in increasing order.
// CHECK-LABEL: func.func @main
// CHECK-DAG:     %[[NONE:.+]] = arith.constant -0.000000e+00 : f32
// CHECK:         %[[P:.+]] = tensor.expand_shape %{{.+}} {{\[\[}}0, 1]] output_shape [3, 256] : tensor<768xf32> into tensor<3x256xf32>
// CHECK:         %[[FILL:.+]] = linalg.fill ins(%[[NONE]] : f32) outs(%{{.+}} : tensor<256xf32>)
// CHECK:         linalg.generic
// CHECK-SAME:      iterator_types = ["reduction", "parallel"]
// CHECK-SAME:      ins(%[[P]] : tensor<3x256xf32>) outs(%[[FILL]] : tensor<256xf32>)
// CHECK-COUNT-8: tensor<{{[0-9]+}}xf32>, tensor<{{[0-9]+}}xf32>) outs
func.func @main(%x: tensor<700xf32>, %init: tensor<f32>) -> tensor<f32> {
  %0 = linalg.reduce {arith.addf} ins(%x : tensor<700xf32>) outs(%init : tensor<f32>) dimensions = [0]
  return %0 : tensor<f32>
}

// -----

// Integers have no order, and a product of tensors is a contraction.
// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic
// CHECK-SAME:      iterator_types = ["parallel", "reduction"]
// CHECK:           arith.addi
// CHECK:         linalg.generic
// CHECK-SAME:      iterator_types = ["parallel", "reduction"]
// CHECK:           arith.mulf
// CHECK-NEXT:      arith.addf
// CHECK-NOT:     linalg.generic
func.func @main(%x: tensor<4x6xi32>, %a: tensor<4x6xf32>, %b: tensor<6xf32>, %i: tensor<4xi32>, %f: tensor<4xf32>) -> (tensor<4xi32>, tensor<4xf32>) {
  %0 = linalg.reduce {arith.addi} ins(%x : tensor<4x6xi32>) outs(%i : tensor<4xi32>) dimensions = [1]
  %1 = linalg.matvec ins(%a, %b : tensor<4x6xf32>, tensor<6xf32>) outs(%f : tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xi32>, tensor<4xf32>
}
