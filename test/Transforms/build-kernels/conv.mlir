// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-form-kernels,qopt-select-configs,qopt-prepare-kernels,qopt-bufferize-kernels,qopt-plan-memory,qopt-build-kernels)' --split-input-file | FileCheck %s

// A convolution is cut by images: its rows are 16 per sample, and its grid has
// one block per group in z.

#x = affine_map<(n, p, q, g, k, r, s, c) -> (n, p + r, q + s, g, c)>
#w = affine_map<(n, p, q, g, k, r, s, c) -> (g, k, r, s, c)>
#y = affine_map<(n, p, q, g, k, r, s, c) -> (n, p, q, g, k)>

// CHECK-DAG:   #[[$ROWS:.+]] = affine_map<()[s0] -> (s0 * 16)>
// CHECK-DAG:   #[[$GRID:.+]] = affine_map<()[s0] -> (s0)>
// CHECK:       module attributes {{.*}}qopt.batch = 4 : i64}
// CHECK-NOT:   qopt.fixed_batch
// CHECK:       llvm.func @conv_mma_s8s8_s32_16x64x128
// CHECK:         nvvm.cp.async.shared.global %{{.+}}, %{{.+}}, 8, cache = ca, %{{.+}}
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[BATCH:[a-z0-9]+]]: index {qopt.kind = "batch"})
// CHECK:         affine.apply #[[$ROWS]]()[%[[BATCH]]]
// CHECK:         %[[Z:.+]] = arith.constant 2 : index
// CHECK:         gpu.launch_func @kernels::@conv_mma_s8s8_s32_16x64x128{{[_a-z0-9]*}} blocks in (%{{.+}}, %{{.+}}, %[[Z]])
func.func @main(%x: tensor<4x6x6x16xi8>) -> tensor<4x4x4x2x8xi32> {
  %xg = tensor.expand_shape %x [[0], [1], [2], [3, 4]] output_shape [4, 6, 6, 2, 8]
      : tensor<4x6x6x16xi8> into tensor<4x6x6x2x8xi8>
  %w = arith.constant dense<3> : tensor<2x8x3x3x8xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<4x4x4x2x8xi32>
  %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<4x4x4x2x8xi32>) -> tensor<4x4x4x2x8xi32>
  %y = linalg.generic {indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel",
                        "reduction", "reduction", "reduction"]}
      ins(%xg, %w : tensor<4x6x6x2x8xi8>, tensor<2x8x3x3x8xi8>)
      outs(%z : tensor<4x4x4x2x8xi32>) {
  ^bb0(%a: i8, %b: i8, %acc: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %acc, %2 : i32
    linalg.yield %3 : i32
  } -> tensor<4x4x4x2x8xi32>
  return %y : tensor<4x4x4x2x8xi32>
}

// -----

// One image whose rows are the samples: windows reach into other samples.

// CHECK:       qopt.fixed_batch = "'conv' (qopt.gemm) does not compute its result sample by sample"
func.func @main(%x: tensor<6x6x16xi8>) -> tensor<6x6x8xi32> {
  %xg = tensor.expand_shape %x [[0, 1], [2], [3]] output_shape [1, 6, 6, 16]
      : tensor<6x6x16xi8> into tensor<1x6x6x16xi8>
  %pad = arith.constant 0 : i8
  %padded = tensor.pad %xg low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %pad : i8
  } : tensor<1x6x6x16xi8> to tensor<1x8x8x16xi8>
  %w = arith.constant dense<3> : tensor<8x3x3x16xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x6x6x8xi32>
  %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<1x6x6x8xi32>) -> tensor<1x6x6x8xi32>
  %y = linalg.conv_2d_nhwc_fhwc
      ins(%padded, %w : tensor<1x8x8x16xi8>, tensor<8x3x3x16xi8>)
      outs(%z : tensor<1x6x6x8xi32>) -> tensor<1x6x6x8xi32> loc("conv")
  %r = tensor.collapse_shape %y [[0, 1], [2], [3]] : tensor<1x6x6x8xi32> into tensor<6x6x8xi32>
  return %r : tensor<6x6x8xi32>
}
