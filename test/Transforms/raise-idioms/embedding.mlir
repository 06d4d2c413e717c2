// RUN: quant-opt %s --qopt-raise-idioms --split-input-file | FileCheck %s

// Negative indices count from the end; the table stays an operand.
#id1 = affine_map<(d0) -> (d0)>
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: func.func @wrapped(
// CHECK-SAME:    %[[I:.+]]: tensor<2x3xi64>)
// CHECK:         %[[TABLE:.+]] = arith.constant dense_resource<table> : tensor<10x4xf32>
// CHECK:         %[[Y:.+]] = qopt.composite "embedding"(%[[TABLE]], %[[I]]) {
// CHECK-NEXT:    ^bb0(%[[T:.+]]: tensor<10x4xf32>, %{{.+}}: tensor<2x3xi64>):
// CHECK:           arith.cmpi slt
// CHECK:           arith.addi
// CHECK:           arith.select
// CHECK:           tensor.extract %[[T]]
// CHECK:           qopt.yield %{{.+}} : tensor<6x4xf32>
// CHECK:         return %[[Y]]
func.func @wrapped(%i: tensor<2x3xi64>) -> tensor<6x4xf32> {
  %table = arith.constant dense_resource<table> : tensor<10x4xf32>
  %zero = arith.constant 0 : i64
  %ten = arith.constant 10 : i64
  %ei = tensor.empty() : tensor<2x3xi64>
  %eb = tensor.empty() : tensor<2x3xi1>
  %e = tensor.empty() : tensor<6x4xf32>
  %negative = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i : tensor<2x3xi64>) outs(%eb : tensor<2x3xi1>) {
  ^bb0(%in: i64, %out: i1):
    %0 = arith.cmpi slt, %in, %zero : i64
    linalg.yield %0 : i1
  } -> tensor<2x3xi1>
  %wrapped = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i : tensor<2x3xi64>) outs(%ei : tensor<2x3xi64>) {
  ^bb0(%in: i64, %out: i64):
    %0 = arith.addi %in, %ten : i64
    linalg.yield %0 : i64
  } -> tensor<2x3xi64>
  %index = linalg.generic {indexing_maps = [#id, #id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%negative, %wrapped, %i : tensor<2x3xi1>, tensor<2x3xi64>, tensor<2x3xi64>) outs(%ei : tensor<2x3xi64>) {
  ^bb0(%c: i1, %a: i64, %b: i64, %out: i64):
    %0 = arith.select %c, %a, %b : i64
    linalg.yield %0 : i64
  } -> tensor<2x3xi64>
  %flat = tensor.collapse_shape %index [[0, 1]] : tensor<2x3xi64> into tensor<6xi64>
  %y = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%flat : tensor<6xi64>) outs(%e : tensor<6x4xf32>) {
  ^bb0(%in: i64, %out: f32):
    %0 = arith.index_cast %in : i64 to index
    %1 = linalg.index 1 : index
    %2 = tensor.extract %table[%0, %1] : tensor<10x4xf32>
    linalg.yield %2 : f32
  } -> tensor<6x4xf32>
  return %y : tensor<6x4xf32>
}

// The bounds are checked in the body; the indices are used elsewhere.
// CHECK-LABEL: func.func @checked(
// CHECK-SAME:    %[[I:.+]]: tensor<3xi64>)
// CHECK:         %[[J:.+]] = linalg.generic
// CHECK:         %[[Y:.+]] = qopt.composite "embedding"(%{{.+}}, %[[J]]) {
// CHECK:           cf.assert
// CHECK:         return %[[Y]], %[[J]]
func.func @checked(%i: tensor<3xi64>) -> (tensor<3x4xf32>, tensor<3xi64>) {
  %table = arith.constant dense_resource<table> : tensor<10x4xf32>
  %one = arith.constant 1 : i64
  %c10 = arith.constant 10 : index
  %ei = tensor.empty() : tensor<3xi64>
  %e = tensor.empty() : tensor<3x4xf32>
  %j = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]}
      ins(%i : tensor<3xi64>) outs(%ei : tensor<3xi64>) {
  ^bb0(%in: i64, %out: i64):
    %0 = arith.addi %in, %one : i64
    linalg.yield %0 : i64
  } -> tensor<3xi64>
  %y = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%j : tensor<3xi64>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%in: i64, %out: f32):
    %0 = arith.index_cast %in : i64 to index
    %1 = linalg.index 1 : index
    %2 = arith.cmpi slt, %0, %c10 : index
    cf.assert %2, "index must be smaller than dim size"
    %3 = tensor.extract %table[%0, %1] : tensor<10x4xf32>
    linalg.yield %3 : f32
  } -> tensor<3x4xf32>
  return %y, %j : tensor<3x4xf32>, tensor<3xi64>
}

{-#
  dialect_resources: {
    builtin: {
      table: "0x040000000000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F"
    }
  }
#-}
