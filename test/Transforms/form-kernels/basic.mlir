// RUN: quant-opt %s --qopt-form-kernels --split-input-file | FileCheck %s

// What integer form makes of a layer: product, scale, bias and ReLU,
// quantization. One kernel computes all of it; constants lie in the region; the
// weights are packed to [N, K]; the filled tensor is gone.

#mk = affine_map<(m, n, k) -> (m, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn3 = affine_map<(m, n, k) -> (m, n)>
#mn = affine_map<(m, n) -> (m, n)>
#n = affine_map<(m, n) -> (n)>

// CHECK-DAG:   #[[$N:.+]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @layer(
// CHECK-SAME:    %[[X:.+]]: tensor<8x64xi8>, %[[SCALE:.+]]: tensor<96xf32>, %[[BIAS:.+]]: tensor<96xf32>)
// CHECK:         %[[W:.+]] = arith.constant dense<3> : tensor<64x96xi8>
// CHECK-NOT:     linalg
// CHECK:         %[[P:.+]] = qopt.pack %[[W]] {permutation = array<i64: 1, 0>} : tensor<64x96xi8> -> tensor<96x64xi8>
// CHECK:         %[[E:.+]] = tensor.empty() : tensor<8x96xi8>
// CHECK:         %[[Y:.+]] = qopt.gemm ins(%[[X]], %[[P]] : tensor<8x64xi8>, tensor<96x64xi8>)
// CHECK-SAME:      epilogue(%[[SCALE]], %[[BIAS]] : tensor<96xf32>, tensor<96xf32>) outs(%[[E]] : tensor<8x96xi8>) {
// CHECK-NEXT:    ^bb0(%[[ACC:.+]]: i32, %[[S:.+]]: f32, %[[B:.+]]: f32):
// CHECK-DAG:       %[[ZERO:.+]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG:       %[[R:.+]] = arith.constant 8.000000e+00 : f32
// CHECK-DAG:       %[[HIGH:.+]] = arith.constant 2.550000e+02 : f32
// CHECK-NOT:       arith.constant
// CHECK:           %[[F:.+]] = arith.sitofp %[[ACC]] : i32 to f32
// CHECK-NEXT:      %[[FMA:.+]] = math.fma %[[F]], %[[S]], %[[ZERO]] : f32
// CHECK-NEXT:      %[[SUM:.+]] = arith.addf %[[FMA]], %[[B]] : f32
// CHECK-NEXT:      %[[RELU:.+]] = arith.maximumf %[[SUM]], %[[ZERO]] : f32
// CHECK-NEXT:      %[[MUL:.+]] = arith.mulf %[[RELU]], %[[R]] : f32
// CHECK-NEXT:      %[[RNE:.+]] = math.roundeven %[[MUL]] : f32
// CHECK-NEXT:      %[[MIN:.+]] = arith.minimumf %[[RNE]], %[[HIGH]] : f32
// CHECK-NEXT:      %[[Q:.+]] = arith.fptoui %[[MIN]] : f32 to i8
// CHECK-NEXT:      qopt.yield %[[Q]] : i8
// CHECK-NEXT:    } {a_unsigned, epilogue_maps = [#[[$N]], #[[$N]]], name = "gemm_0"} -> tensor<8x96xi8>
// CHECK-NEXT:    return %[[Y]]
func.func @layer(%x: tensor<8x64xi8>, %scale: tensor<96xf32>, %bias: tensor<96xf32>) -> tensor<8x96xi8> {
  %w = arith.constant dense<3> : tensor<64x96xi8>
  %zeros = arith.constant dense<0.0> : tensor<96xf32>
  %c0 = arith.constant 0 : i32
  %f0 = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x96xi32>
  %fill = linalg.fill ins(%c0 : i32) outs(%e : tensor<8x96xi32>) -> tensor<8x96xi32>
  %acc = linalg.generic {indexing_maps = [#mk, #kn, #mn3], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<8x64xi8>, tensor<64x96xi8>) outs(%fill : tensor<8x96xi32>) {
  ^bb0(%a: i8, %b: i8, %out: i32):
    %0 = arith.extui %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %out, %2 : i32
    linalg.yield %3 : i32
  } -> tensor<8x96xi32>
  %ef = tensor.empty() : tensor<8x96xf32>
  %real = linalg.generic {indexing_maps = [#mn, #n, #n, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%acc, %scale, %zeros : tensor<8x96xi32>, tensor<96xf32>, tensor<96xf32>) outs(%ef : tensor<8x96xf32>) {
  ^bb0(%a: i32, %s: f32, %z: f32, %out: f32):
    %0 = arith.sitofp %a : i32 to f32
    %1 = math.fma %0, %s, %z : f32
    linalg.yield %1 : f32
  } -> tensor<8x96xf32>
  %relu = linalg.generic {indexing_maps = [#mn, #n, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%real, %bias : tensor<8x96xf32>, tensor<96xf32>) outs(%ef : tensor<8x96xf32>) {
  ^bb0(%a: f32, %s: f32, %out: f32):
    %0 = arith.addf %a, %s : f32
    %1 = arith.maximumf %0, %f0 : f32
    linalg.yield %1 : f32
  } -> tensor<8x96xf32>
  %eq = tensor.empty() : tensor<8x96xi8>
  %q = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%relu : tensor<8x96xf32>) outs(%eq : tensor<8x96xi8>) {
  ^bb0(%a: f32, %out: i8):
    %r = arith.constant 8.0 : f32
    %0 = arith.mulf %a, %r : f32
    %1 = math.roundeven %0 : f32
    %high = arith.constant 255.0 : f32
    %2 = arith.minimumf %1, %high : f32
    %3 = arith.fptoui %2 : f32 to i8
    linalg.yield %3 : i8
  } -> tensor<8x96xi8>
  return %q : tensor<8x96xi8>
}

// -----

// A contraction alone: the accumulator is the result.
// CHECK-LABEL: func.func @f32(
// CHECK:         qopt.gemm ins(%{{.+}}, %{{.+}} : tensor<4x8xf32>, tensor<6x8xf32>) outs(%{{.+}} : tensor<4x6xf32>) {
// CHECK-NEXT:    ^bb0(%[[ACC:.+]]: f32):
// CHECK-NEXT:      qopt.yield %[[ACC]] : f32
// CHECK-NEXT:    } {epilogue_maps = [], name = "gemm_0"}
func.func @f32(%a: tensor<4x8xf32>, %b: tensor<6x8xf32>) -> tensor<4x6xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %0 = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%a, %b : tensor<4x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<4x6xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

// Named integer ops extend signed (or unsigned, by their cast); names come from
// locations and are told apart.
// CHECK-LABEL: func.func @named(
// CHECK:         qopt.gemm
// CHECK:         } {epilogue_maps = [], name = "/fc/MatMul"}
// CHECK:         qopt.gemm
// CHECK:         } {a_unsigned, b_unsigned, epilogue_maps = [], name = "/fc/MatMul#1"}
func.func @named(%a: tensor<4x8xi8>) -> (tensor<4x6xi32>, tensor<4x6xi32>) {
  %w = arith.constant dense<1> : tensor<8x6xi8>
  %zero = arith.constant dense<0> : tensor<4x6xi32>
  %0 = linalg.matmul ins(%a, %w : tensor<4x8xi8>, tensor<8x6xi8>) outs(%zero : tensor<4x6xi32>) -> tensor<4x6xi32> loc("/fc/MatMul")
  %1 = linalg.matmul {cast = #linalg.type_fn<cast_unsigned>} ins(%a, %w : tensor<4x8xi8>, tensor<8x6xi8>) outs(%zero : tensor<4x6xi32>) -> tensor<4x6xi32> loc("/fc/MatMul")
  return %0, %1 : tensor<4x6xi32>, tensor<4x6xi32>
}

// -----

// Vectors are matrices with one row or column.

// CHECK-LABEL: func.func @vecmat(
// CHECK:         %[[A:.+]] = tensor.expand_shape %{{.+}} {{\[\[}}0, 1]] output_shape [1, 8] : tensor<8xi8> into tensor<1x8xi8>
// CHECK:         %[[P:.+]] = qopt.pack %{{.+}} {permutation = array<i64: 1, 0>} : tensor<8x6xi8> -> tensor<6x8xi8>
// CHECK:         %[[R:.+]] = qopt.gemm ins(%[[A]], %[[P]] : {{.+}}) outs(%{{.+}} : tensor<1x6xi32>)
// CHECK:         tensor.collapse_shape %[[R]] {{\[\[}}0, 1]] : tensor<1x6xi32> into tensor<6xi32>
func.func @vecmat(%x: tensor<8xi8>) -> tensor<6xi32> {
  %w = arith.constant dense<1> : tensor<8x6xi8>
  %zero = arith.constant dense<0> : tensor<6xi32>
  %0 = linalg.vecmat ins(%x, %w : tensor<8xi8>, tensor<8x6xi8>) outs(%zero : tensor<6xi32>) -> tensor<6xi32>
  return %0 : tensor<6xi32>
}

// The constant gives the columns, whichever operand it is.
// CHECK-LABEL: func.func @matvec_weight_first(
// CHECK:         %[[A:.+]] = tensor.expand_shape %{{.+}} : tensor<8xi8> into tensor<1x8xi8>
// CHECK:         %[[P:.+]] = qopt.pack %{{.+}} {permutation = array<i64: 0, 1>} : tensor<6x8xi8> -> tensor<6x8xi8>
// CHECK:         qopt.gemm ins(%[[A]], %[[P]] : {{.+}}) outs(%{{.+}} : tensor<1x6xi32>)
func.func @matvec_weight_first(%x: tensor<8xi8>) -> tensor<6xi32> {
  %w = arith.constant dense<1> : tensor<6x8xi8>
  %zero = arith.constant dense<0> : tensor<6xi32>
  %0 = linalg.matvec ins(%w, %x : tensor<6x8xi8>, tensor<8xi8>) outs(%zero : tensor<6xi32>) -> tensor<6xi32>
  return %0 : tensor<6xi32>
}

// CHECK-LABEL: func.func @matvec(
// CHECK:         %[[P:.+]] = qopt.pack %{{.+}} {permutation = array<i64: 0, 1>} : tensor<1x8xi8> -> tensor<1x8xi8>
// CHECK:         qopt.gemm ins(%{{.+}}, %[[P]] : tensor<6x8xi8>, tensor<1x8xi8>) outs(%{{.+}} : tensor<6x1xi32>)
func.func @matvec(%x: tensor<6x8xi8>) -> tensor<6xi32> {
  %w = arith.constant dense<1> : tensor<8xi8>
  %zero = arith.constant dense<0> : tensor<6xi32>
  %0 = linalg.matvec ins(%x, %w : tensor<6x8xi8>, tensor<8xi8>) outs(%zero : tensor<6xi32>) -> tensor<6xi32>
  return %0 : tensor<6xi32>
}

// CHECK-LABEL: func.func @dot(
// CHECK:         qopt.gemm ins(%{{.+}}, %{{.+}} : tensor<1x8xf32>, tensor<1x8xf32>) outs(%{{.+}} : tensor<1x1xf32>)
// CHECK:         tensor.collapse_shape %{{.+}} [] : tensor<1x1xf32> into tensor<f32>
func.func @dot(%x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<f32> {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %0 = linalg.dot ins(%x, %y : tensor<8xf32>, tensor<8xf32>) outs(%zero : tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// An initial value is added in the epilogue: here a bias that is broadcast.
// CHECK-LABEL: func.func @initial_value(
// CHECK-SAME:    %[[X:.+]]: tensor<4x8xi8>, %[[BIAS:.+]]: tensor<6xi32>)
// CHECK-NOT:     linalg
// CHECK:         qopt.gemm ins(%[[X]], %{{.+}} : {{.+}}) epilogue(%[[BIAS]] : tensor<6xi32>) outs(%{{.+}} : tensor<4x6xi32>) {
// CHECK-NEXT:    ^bb0(%[[ACC:.+]]: i32, %[[B:.+]]: i32):
// CHECK-NEXT:      %[[SUM:.+]] = arith.addi %[[ACC]], %[[B]] : i32
// CHECK-NEXT:      qopt.yield %[[SUM]]
func.func @initial_value(%x: tensor<4x8xi8>, %bias: tensor<6xi32>) -> tensor<4x6xi32> {
  %w = arith.constant dense<1> : tensor<8x6xi8>
  %e = tensor.empty() : tensor<4x6xi32>
  %init = linalg.broadcast ins(%bias : tensor<6xi32>) outs(%e : tensor<4x6xi32>) dimensions = [0]
  %0 = linalg.matmul ins(%x, %w : tensor<4x8xi8>, tensor<8x6xi8>) outs(%init : tensor<4x6xi32>) -> tensor<4x6xi32>
  return %0 : tensor<4x6xi32>
}
