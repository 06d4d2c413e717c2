// RUN: quant-opt %s --qopt-quantize --qopt-lower-to-integer --split-input-file | FileCheck %s

// Every way to write a contraction becomes a generic with the op's own maps, on
// i8 operands, with one multiplier per output channel.

// CHECK-DAG:   #[[$A:.+]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG:   #[[$W:.+]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG:   #[[$Y:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func.func @matmul(
// CHECK:         linalg.generic {indexing_maps = [#[[$A]], #[[$W]], #[[$Y]]], iterator_types = ["parallel", "parallel", "reduction"]} ins(%{{.+}}, %{{.+}} : tensor<2x3xi8>, tensor<3x4xi8>) outs(%{{.+}} : tensor<2x4xi32>)
// CHECK:         ins(%{{.+}} : tensor<2x4xi32>, tensor<4xf32>, tensor<4xf32>)
func.func @matmul(%x: tensor<2x3xf32>) -> tensor<2x4xf32> {
  %w = arith.constant dense<1.0> : tensor<3x4xf32>
  %zero = arith.constant dense<0.0> : tensor<2x4xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<2x3xf32>
  %1 = linalg.matmul {qopt.quantize} ins(%0, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%zero : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// -----

// CHECK-DAG:   #[[$A:.+]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-DAG:   #[[$W:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-LABEL: func.func @transposed(
// CHECK:         linalg.generic {indexing_maps = [#[[$A]], #[[$W]], #{{.+}}], {{.+}}} ins(%{{.+}}, %{{.+}} : tensor<3x2xi8>, tensor<4x3xi8>) outs(%{{.+}} : tensor<2x4xi32>)
// CHECK:         ins(%{{.+}} : tensor<2x4xi32>, tensor<4xf32>, tensor<4xf32>)
func.func @transposed(%x: tensor<3x2xf32>) -> tensor<2x4xf32> {
  %w = arith.constant dense<1.0> : tensor<4x3xf32>
  %zero = arith.constant dense<0.0> : tensor<2x4xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<3x2xf32>
  %1 = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      {qopt.quantize} ins(%0, %w : tensor<3x2xf32>, tensor<4x3xf32>) outs(%zero : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// -----

// The weight is the first operand: its rows are the channels, and its elements
// are the signed ones.
// CHECK-LABEL: func.func @weight_first(
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %{{.+}} : tensor<4x3xi8>, tensor<3x2xi8>) outs(%{{.+}} : tensor<4x2xi32>)
// CHECK-NEXT:      ^bb0(%[[W:.+]]: i8, %[[X:.+]]: i8, %{{.+}}: i32):
// CHECK-NEXT:      arith.extsi %[[W]]
// CHECK-NEXT:      arith.extui %[[X]]
// CHECK:         linalg.generic {indexing_maps = [#[[ID:.+]], #[[ROW:[^,]+]], #[[ROW]], #[[ID]]], {{.+}}} ins(%{{.+}} : tensor<4x2xi32>, tensor<4xf32>, tensor<4xf32>)
func.func @weight_first(%x: tensor<3x2xf32>) -> tensor<4x2xf32> {
  %w = arith.constant dense<1.0> : tensor<4x3xf32>
  %zero = arith.constant dense<0.0> : tensor<4x2xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<u8:f32, 1.0>} : tensor<3x2xf32>
  %1 = linalg.matmul {qopt.quantize} ins(%w, %0 : tensor<4x3xf32>, tensor<3x2xf32>) outs(%zero : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %1 : tensor<4x2xf32>
}

// -----

// A weight per batch has a scale per batch and column.
// CHECK-LABEL: func.func @batch_matmul(
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %{{.+}} : tensor<5x2x3xi8>, tensor<5x3x4xi8>) outs(%{{.+}} : tensor<5x2x4xi32>)
// CHECK:         ins(%{{.+}} : tensor<5x2x4xi32>, tensor<5x4xf32>, tensor<5x4xf32>)
func.func @batch_matmul(%x: tensor<5x2x3xf32>) -> tensor<5x2x4xf32> {
  %w = arith.constant dense<1.0> : tensor<5x3x4xf32>
  %zero = arith.constant dense<0.0> : tensor<5x2x4xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<5x2x3xf32>
  %1 = linalg.batch_matmul {qopt.quantize} ins(%0, %w : tensor<5x2x3xf32>, tensor<5x3x4xf32>) outs(%zero : tensor<5x2x4xf32>) -> tensor<5x2x4xf32>
  return %1 : tensor<5x2x4xf32>
}

// -----

// CHECK-LABEL: func.func @batch_broadcast(
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %{{.+}} : tensor<5x2x3xi8>, tensor<3x4xi8>) outs(%{{.+}} : tensor<5x2x4xi32>)
// CHECK:         ins(%{{.+}} : tensor<5x2x4xi32>, tensor<4xf32>, tensor<4xf32>)
func.func @batch_broadcast(%x: tensor<5x2x3xf32>) -> tensor<5x2x4xf32> {
  %w = arith.constant dense<1.0> : tensor<3x4xf32>
  %zero = arith.constant dense<0.0> : tensor<5x2x4xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<5x2x3xf32>
  %1 = linalg.batch_matmul indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (k, n)>, affine_map<(b, m, n, k) -> (b, m, n)>]
      {qopt.quantize} ins(%0, %w : tensor<5x2x3xf32>, tensor<3x4xf32>) outs(%zero : tensor<5x2x4xf32>) -> tensor<5x2x4xf32>
  return %1 : tensor<5x2x4xf32>
}

// -----

// CHECK-LABEL: func.func @contract(
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %{{.+}} : tensor<5x2x3xi8>, tensor<4x3xi8>) outs(%{{.+}} : tensor<5x2x4xi32>)
// CHECK:         ins(%{{.+}} : tensor<5x2x4xi32>, tensor<4xf32>, tensor<4xf32>)
func.func @contract(%x: tensor<5x2x3xf32>) -> tensor<5x2x4xf32> {
  %w = arith.constant dense<1.0> : tensor<4x3xf32>
  %zero = arith.constant dense<0.0> : tensor<5x2x4xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<5x2x3xf32>
  %1 = linalg.contract indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
      {qopt.quantize} ins(%0, %w : tensor<5x2x3xf32>, tensor<4x3xf32>) outs(%zero : tensor<5x2x4xf32>) -> tensor<5x2x4xf32>
  return %1 : tensor<5x2x4xf32>
}

// -----

// Two reduced dimensions, the product and the sum with operands exchanged.
// CHECK-LABEL: func.func @generic(
// CHECK:         linalg.generic {{.+}} ["parallel", "parallel", "reduction", "reduction"]} ins(%{{.+}}, %{{.+}} : tensor<2x3x4xi8>, tensor<3x5x4xi8>) outs(%{{.+}} : tensor<5x2xi32>)
// CHECK:         linalg.generic {indexing_maps = [#[[ID:.+]], #[[ROW:[^,]+]], #[[ROW]], #[[ID]]], {{.+}}} ins(%{{.+}} : tensor<5x2xi32>, tensor<5xf32>, tensor<5xf32>)
func.func @generic(%x: tensor<2x3x4xf32>) -> tensor<5x2xf32> {
  %w = arith.constant dense<1.0> : tensor<3x5x4xf32>
  %zero = arith.constant dense<0.0> : tensor<5x2xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<2x3x4xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(n, m, k, l) -> (m, k, l)>, affine_map<(n, m, k, l) -> (k, n, l)>, affine_map<(n, m, k, l) -> (n, m)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%0, %w : tensor<2x3x4xf32>, tensor<3x5x4xf32>) outs(%zero : tensor<5x2xf32>) attrs = {qopt.quantize} {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %b, %a : f32
    %s = arith.addf %p, %acc : f32
    linalg.yield %s : f32
  } -> tensor<5x2xf32>
  return %1 : tensor<5x2xf32>
}

// -----

// CHECK-LABEL: func.func @matvec(
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %{{.+}} : tensor<4x3xi8>, tensor<3xi8>) outs(%{{.+}} : tensor<4xi32>)
// CHECK:         ins(%{{.+}} : tensor<4xi32>, tensor<4xf32>, tensor<4xf32>)
func.func @matvec(%x: tensor<3xf32>) -> tensor<4xf32> {
  %w = arith.constant dense<1.0> : tensor<4x3xf32>
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<3xf32>
  %1 = linalg.matvec {qopt.quantize} ins(%w, %0 : tensor<4x3xf32>, tensor<3xf32>) outs(%zero : tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// One output channel: the multiplier is a 0-d tensor.
// CHECK-LABEL: func.func @matrix_times_vector(
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %{{.+}} : tensor<2x3xi8>, tensor<3xi8>) outs(%{{.+}} : tensor<2xi32>)
// CHECK:         ins(%{{.+}} : tensor<2xi32>, tensor<f32>, tensor<f32>)
func.func @matrix_times_vector(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  %w = arith.constant dense<1.0> : tensor<3xf32>
  %zero = arith.constant dense<0.0> : tensor<2xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<2x3xf32>
  %1 = linalg.matvec {qopt.quantize} ins(%0, %w : tensor<2x3xf32>, tensor<3xf32>) outs(%zero : tensor<2xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

// -----

// CHECK-LABEL: func.func @dot(
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %{{.+}} : tensor<3xi8>, tensor<3xi8>) outs(%{{.+}} : tensor<i32>)
// CHECK:         ins(%{{.+}} : tensor<i32>, tensor<f32>, tensor<f32>)
func.func @dot(%x: tensor<3xf32>) -> tensor<f32> {
  %w = arith.constant dense<1.0> : tensor<3xf32>
  %zero = arith.constant dense<0.0> : tensor<f32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<3xf32>
  %1 = linalg.dot {qopt.quantize} ins(%0, %w : tensor<3xf32>, tensor<3xf32>) outs(%zero : tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}
