// RUN: quant-opt %s --qopt-fold-constants | FileCheck %s

// A loop over constants alone is executed.
// CHECK-LABEL: func.func @constant_loop(
// CHECK-DAG:     arith.constant dense<[0, 1, 4, 9]> : tensor<4xindex>
// CHECK-DAG:     arith.constant 4 : i32
// CHECK-NOT:     scf.for
func.func @constant_loop() -> (tensor<4xindex>, i32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %init = tensor.empty() : tensor<4xindex>
  %0:2 = scf.for %i = %c0 to %c4 step %c1 iter_args(%t = %init, %n = %zero) -> (tensor<4xindex>, i32) {
    %square = arith.muli %i, %i : index
    %e = tensor.from_elements %square : tensor<1xindex>
    %next = tensor.insert_slice %e into %t[%i] [1] [1] : tensor<1xindex> into tensor<4xindex>
    %m = arith.addi %n, %one : i32
    scf.yield %next, %m : tensor<4xindex>, i32
  }
  return %0#0, %0#1 : tensor<4xindex>, i32
}

// In a loop over data, what depends on constants alone is a constant.
// CHECK-LABEL: func.func @invariant(
// CHECK:         scf.for
// CHECK:           %[[W:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 3.000000e+00], [2.000000e+00, 4.000000e+00]]>
// CHECK-NEXT:      linalg.matmul ins(%{{.+}}, %[[W]]
// CHECK-NOT:       linalg.transpose
func.func @invariant(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %0 = scf.for %i = %c0 to %c4 step %c1 iter_args(%h = %x) -> (tensor<1x2xf32>) {
    %empty = tensor.empty() : tensor<2x2xf32>
    %t = linalg.transpose ins(%w : tensor<2x2xf32>) outs(%empty : tensor<2x2xf32>) permutation = [1, 0]
    %next = linalg.matmul ins(%h, %t : tensor<1x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
    scf.yield %next : tensor<1x2xf32>
  }
  return %0 : tensor<1x2xf32>
}

// CHECK-LABEL: func.func @branch(
// CHECK-NEXT:    %[[C:.+]] = arith.constant dense<2.000000e+00> : tensor<2xf32>
// CHECK-NEXT:    return %[[C]]
func.func @branch() -> tensor<2xf32> {
  %flags = arith.constant dense<[true, false]> : tensor<2xi1>
  %c1 = arith.constant 1 : index
  %flag = tensor.extract %flags[%c1] : tensor<2xi1>
  %0 = scf.if %flag -> tensor<2xf32> {
    %a = arith.constant dense<1.0> : tensor<2xf32>
    scf.yield %a : tensor<2xf32>
  } else {
    %b = arith.constant dense<2.0> : tensor<2xf32>
    scf.yield %b : tensor<2xf32>
  }
  return %0 : tensor<2xf32>
}
