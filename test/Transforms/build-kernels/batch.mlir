// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-prepare-kernels,qopt-bufferize-kernels,qopt-plan-memory,qopt-build-kernels)' --split-input-file | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#col = affine_map<(i, j) -> (j)>

// Rows need not be samples: three rows of each of four samples.
// CHECK-DAG:   #[[$ROWS:.+]] = affine_map<()[s0] -> (s0 * 3)>
// CHECK:       module attributes {{.*}}qopt.batch = 4 : i64}
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[BATCH:[a-z0-9]+]]: index {qopt.kind = "batch"})
// CHECK:         affine.apply #[[$ROWS]]()[%[[BATCH]]]
// CHECK:         gpu.launch_func
func.func @main(%x: tensor<4x3x8xf32>) -> tensor<4x3xf32> {
  %zero = arith.constant 0.0 : f32
  %0 = tensor.collapse_shape %x [[0, 1], [2]] : tensor<4x3x8xf32> into tensor<12x8xf32>
  %e = tensor.empty() : tensor<12xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<12xf32>) -> tensor<12xf32>
  %1 = linalg.reduce {arith.addf} ins(%0 : tensor<12x8xf32>) outs(%f : tensor<12xf32>) dimensions = [1]
  %2 = tensor.expand_shape %1 [[0, 1]] output_shape [4, 3] : tensor<12xf32> into tensor<4x3xf32>
  return %2 : tensor<4x3xf32>
}

// -----

// A sum over the samples: all launches have the compiled extents.
// CHECK:       module attributes {gpu.container_module, qopt.batch = 4 : i64,
// CHECK-SAME:    qopt.fixed_batch = "'linalg.generic' at {{.*}}batch.mlir:[[@LINE+11]]:8 reads other samples than those it computes"}
// CHECK-LABEL: func.func @main
// CHECK-NOT:     affine.apply
// CHECK:         return
#id = affine_map<(i, j) -> (i, j)>
#col = affine_map<(i, j) -> (j)>
func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e1 = tensor.empty() : tensor<8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<8xf32>) -> tensor<8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.reduce {arith.addf} ins(%x : tensor<4x8xf32>) outs(%f : tensor<8xf32>) dimensions = [0]
  %1 = linalg.generic {indexing_maps = [#id, #col, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %0 : tensor<4x8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %2 = arith.divf %a, %b : f32
    linalg.yield %2 : f32
  } -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

// One scale for all samples (dynamic quantization per tensor); the op's name is
// in the reason.
// CHECK:       module attributes {gpu.container_module, qopt.batch = 4 : i64,
// CHECK-SAME:    qopt.fixed_batch = "'amax' (linalg.generic) does not compute its result sample by sample"}
// CHECK-LABEL: func.func @main
// CHECK-NOT:     affine.apply
// CHECK:         return
#id = affine_map<(i, j) -> (i, j)>
#all = affine_map<(i, j) -> ()>
func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %e = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #all], iterator_types = ["reduction", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%f : tensor<f32>) {
  ^bb0(%a: f32, %out: f32):
    %2 = math.absf %a : f32
    %3 = arith.maximumf %2, %out : f32
    linalg.yield %3 : f32
  } -> tensor<f32> loc("amax")
  %1 = linalg.generic {indexing_maps = [#id, #all, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %0 : tensor<4x8xf32>, tensor<f32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %2 = arith.divf %a, %b : f32
    linalg.yield %2 : f32
  } -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

// Samples that read other samples.
// CHECK:       qopt.batch = 4 : i64, qopt.fixed_batch = "'linalg.generic' at {{.*}} reads other samples than those it computes"}
// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %e = tensor.empty() : tensor<4x4xf32>
  %0 = linalg.transpose ins(%x : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) permutation = [1, 0]
  return %0 : tensor<4x4xf32>
}

// -----

// No common outermost extent.
// CHECK:       qopt.batch = 1 : i64, qopt.fixed_batch = "the inputs and outputs have no common outermost extent to be the batch"}
// CHECK-LABEL: func.func @main
// CHECK-NOT:     affine.apply
// CHECK:         return
func.func @main(%x: tensor<4x8xf32>, %y: tensor<3x8xf32>) -> tensor<4x8xf32> {
  %0 = tensor.insert_slice %y into %x[1, 0] [3, 8] [1, 1] : tensor<3x8xf32> into tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// What does not depend on the samples and is read as a whole runs all its rows,
// whatever the batch.
// CHECK:       module attributes {gpu.container_module, qopt.batch = 4 : i64}
// CHECK-LABEL: func.func @main
// CHECK:         %[[ALL:.+]] = arith.constant 8 : i32
// CHECK:         gpu.launch_func {{.*}}args(%{{[a-z0-9_]+}} : memref<8x8xf32>, %{{[a-z0-9_]+}} : memref<8xf32>, %[[ALL]] : i32)
// CHECK:         affine.apply
// CHECK:         gpu.launch_func
#id = affine_map<(i, j) -> (i, j)>
#col = affine_map<(i, j) -> (j)>
func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %w = arith.constant dense_resource<w> : tensor<8x8xf32>
  %zero = arith.constant 0.0 : f32
  %e1 = tensor.empty() : tensor<8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<8xf32>) -> tensor<8xf32>
  %sum = linalg.reduce {arith.maximumf} ins(%w : tensor<8x8xf32>) outs(%f : tensor<8xf32>) dimensions = [1]
  %e = tensor.empty() : tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #col, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : tensor<4x8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %2 = arith.divf %a, %b : f32
    linalg.yield %2 : f32
  } -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}
{-# dialect_resources: { builtin: { w: "0x040000000000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F" } } #-}

// -----

// A constant written to an output goes only as far as there are samples;
// padding and concatenation within samples are cut as well.
// CHECK:       module attributes {gpu.container_module, qopt.batch = 4 : i64}
// CHECK-LABEL: func.func @main
// CHECK-COUNT-3: gpu.launch_func
// CHECK-NOT:   arith.constant {{[0-9]+}} : i32
func.func @main(%x: tensor<4x8xf32>) -> (tensor<4x2xf32>, tensor<4x12xf32>) {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]> : tensor<4x2xf32>
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 2] high[0, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<4x8xf32> to tensor<4x12xf32>
  return %w, %p : tensor<4x2xf32>, tensor<4x12xf32>
}

// -----

// A gather within each sample is cut; the table of another is a constant.
// CHECK:       module attributes {gpu.container_module, qopt.batch = 4 : i64}
// CHECK-LABEL: func.func @main
// CHECK:         affine.apply
// CHECK:         gpu.launch_func
#row = affine_map<(i, j) -> (i)>
#id = affine_map<(i, j) -> (i, j)>
func.func @main(%x: tensor<4x8xf32>, %ids: tensor<4xi32>) -> tensor<4x2xf32> {
  %e = tensor.empty() : tensor<4x2xf32>
  %0 = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<4xi32>) outs(%e : tensor<4x2xf32>) {
  ^bb0(%id: i32, %out: f32):
    %i = linalg.index 0 : index
    %j = arith.index_cast %id : i32 to index
    %1 = tensor.extract %x[%i, %j] : tensor<4x8xf32>
    linalg.yield %1 : f32
  } -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

// A gather across samples is not.
// CHECK:       qopt.fixed_batch = "'linalg.generic' at {{.*}} reads other samples than those it computes"}
// CHECK-LABEL: func.func @main
#row = affine_map<(i, j) -> (i)>
#id = affine_map<(i, j) -> (i, j)>
func.func @main(%x: tensor<4x8xf32>, %ids: tensor<4xi32>) -> tensor<4x8xf32> {
  %e = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<4xi32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%id: i32, %out: f32):
    %i = arith.index_cast %id : i32 to index
    %j = linalg.index 1 : index
    %1 = tensor.extract %x[%i, %j] : tensor<4x8xf32>
    linalg.yield %1 : f32
  } -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
