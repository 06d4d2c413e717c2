// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-prepare-kernels,qopt-bufferize-kernels,qopt-plan-memory,qopt-build-kernels)' --split-input-file | FileCheck %s

// A launch that checks conditions gets a status word of its own; the kernel
// raises it by an atomic maximum where one fails. Indices stay in their buffers.
// CHECK-LABEL: llvm.func @gather_i64_f32
// CHECK-SAME:    %[[STATUS:[a-z0-9]+]]: !llvm.ptr<1>, %[[POINTS:[a-z0-9]+]]: i32)
// CHECK:         scf.if
// CHECK:           arith.cmpi slt
// CHECK:           %[[FAILED:.+]] = arith.xori %{{.+}}, %true{{[_0-9]*}}
// CHECK:           scf.if %[[FAILED]] {
// CHECK:             arith.shli %{{.+}}, %c8_i64{{[_0-9]*}}
// CHECK:             %[[CODE:.+]] = arith.xori %{{.+}}, %c-1_i64{{[_0-9]*}}
// CHECK:             llvm.atomicrmw umax %[[STATUS]], %[[CODE]] syncscope("device") monotonic {alignment = 8 : i64}
// CHECK:           }
// The index is checked where nothing else says that it is inside.
// CHECK:           llvm.freeze
// CHECK:           arith.cmpi ult
// CHECK:           llvm.atomicrmw umax
// CHECK:           arith.maxsi
// CHECK:           arith.minsi
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[WORDS:[a-z0-9]+]]: memref<2xi64> {qopt.kind = "status"}, %{{[a-z0-9]+}}: index {qopt.kind = "batch"})
// CHECK:         %[[FIRST:.+]] = memref.reinterpret_cast %[[WORDS]] to offset: [0], sizes: [1], strides: [1] : memref<2xi64> to memref<1xi64, strided<[1]>>
// CHECK:         gpu.launch_func @kernels::@gather_i64_f32
// CHECK-SAME:      %[[FIRST]] :
// CHECK-SAME:      {qopt.checks = ["too large", "index out of bounds: dimension 0 has 8 elements"], qopt.name = "{{.+}}", qopt.points_per_sample = 3 : i64
// CHECK:         %[[SECOND:.+]] = memref.reinterpret_cast %[[WORDS]] to offset: [1]
// CHECK:         gpu.launch_func
// CHECK-SAME:      %[[SECOND]] :
// CHECK-SAME:      {qopt.checks = ["must be positive"], qopt.name
func.func @main(%ids: tensor<2x3xi64>, %table: tensor<2x8xf32>) -> (tensor<2x3xf32>, tensor<2x8xf32>) {
  %c9 = arith.constant 9 : i64
  %zero = arith.constant 0.0 : f32
  %rows = arith.constant dense_resource<t> : tensor<8xf32>
  %e = tensor.empty() : tensor<2x3xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]} ins(%ids : tensor<2x3xi64>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%in: i64, %out: f32):
    %ok = arith.cmpi slt, %in, %c9 : i64
    cf.assert %ok, "too large"
    %i = arith.index_cast %in : i64 to index
    %v = tensor.extract %rows[%i] : tensor<8xf32>
    linalg.yield %v : f32
  } -> tensor<2x3xf32>
  %e1 = tensor.empty() : tensor<2x8xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]} ins(%table : tensor<2x8xf32>) outs(%e1 : tensor<2x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %ok = arith.cmpf oge, %in, %zero : f32
    cf.assert %ok, "must be positive"
    linalg.yield %in : f32
  } -> tensor<2x8xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<2x8xf32>
}

{-# dialect_resources: { builtin: { t: "0x040000000000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F" } } #-}

// -----

// Without checks there is no such argument.
// CHECK-LABEL: func.func @main
// CHECK-NOT:     "status"
// CHECK:         gpu.launch_func
// CHECK-NOT:     qopt.checks
func.func @main(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %e = tensor.empty() : tensor<2x8xf32>
  %0 = linalg.abs ins(%x : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}
