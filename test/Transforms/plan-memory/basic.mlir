// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-prepare-kernels,qopt-bufferize-kernels,qopt-plan-memory)' --split-input-file | FileCheck %s

// A chain of temporaries: the third has the place of the first. Slots
// begin at multiples of 256 bytes.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[X:.+]]: memref<5x7xf32> {{.*}}qopt.kind = "input"
// CHECK-SAME:    %[[Y:.+]]: memref<5xf32> {{.*}}qopt.kind = "output"
// CHECK-SAME:    %[[ARENA:.+]]: memref<512xi8> {qopt.kind = "arena"})
// CHECK-SAME:    attributes {qopt.memory = {arena = 512 : i64, buffers = 4 : i64, lower_bound = 512 : i64}}
// CHECK-NOT:     alloc
// CHECK:         %[[O0:.+]] = arith.constant 0 : index
// CHECK:         %[[A:.+]] = memref.view %[[ARENA]][%[[O0]]][] : memref<512xi8> to memref<5xf32>
// CHECK:         linalg.generic {{.*}} outs(%[[A]] :
// CHECK:         %[[O1:.+]] = arith.constant 256 : index
// CHECK:         %[[B:.+]] = memref.view %[[ARENA]][%[[O1]]][] : memref<512xi8> to memref<7xf32>
// CHECK:         linalg.generic {{.*}} ins(%[[A]], {{.*}} outs(%[[B]] :
// CHECK:         %[[O2:.+]] = arith.constant 0 : index
// CHECK:         %[[C:.+]] = memref.view %[[ARENA]][%[[O2]]][] : memref<512xi8> to memref<5xf32>
// CHECK:         linalg.generic {{.*}} outs(%[[C]] :
// CHECK:         linalg.generic {{.*}} outs(%[[Y]] :
func.func @main(%x: tensor<5x7xf32>) -> tensor<5xf32> {
  %zero = arith.constant 0.0 : f32
  %e5 = tensor.empty() : tensor<5xf32>
  %e7 = tensor.empty() : tensor<7xf32>
  %f5 = linalg.fill ins(%zero : f32) outs(%e5 : tensor<5xf32>) -> tensor<5xf32>
  %f7 = linalg.fill ins(%zero : f32) outs(%e7 : tensor<7xf32>) -> tensor<7xf32>
  %ones = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]> : tensor<7xf32>
  %a = linalg.matvec ins(%x, %ones : tensor<5x7xf32>, tensor<7xf32>) outs(%f5 : tensor<5xf32>) -> tensor<5xf32>
  %b = linalg.vecmat ins(%a, %x : tensor<5xf32>, tensor<5x7xf32>) outs(%f7 : tensor<7xf32>) -> tensor<7xf32>
  %c = linalg.matvec ins(%x, %b : tensor<5x7xf32>, tensor<7xf32>) outs(%f5 : tensor<5xf32>) -> tensor<5xf32>
  %d = linalg.vecmat ins(%c, %x : tensor<5xf32>, tensor<5x7xf32>) outs(%f7 : tensor<7xf32>) -> tensor<7xf32>
  %y = linalg.matvec ins(%x, %d : tensor<5x7xf32>, tensor<7xf32>) outs(%f5 : tensor<5xf32>) -> tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

// Constants are globals, not part of the arena.
// CHECK:       memref.global "private" constant @{{.+}} : memref<4xf32> = dense<[1.0
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[X:.+]]: memref<4xf32>
// CHECK-SAME:    memref<256xi8> {qopt.kind = "arena"}
// CHECK:         memref.get_global
// CHECK:         %[[A:.+]] = memref.view
// CHECK:         linalg.generic {{.*}} outs(%[[A]] :
func.func @main(%x: tensor<4xf32>) -> (tensor<f32>, tensor<f32>) {
  %w = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.sqrt ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %e0 = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %1 = linalg.dot ins(%0, %w : tensor<4xf32>, tensor<4xf32>) outs(%f : tensor<f32>) -> tensor<f32>
  %2 = linalg.dot ins(%0, %x : tensor<4xf32>, tensor<4xf32>) outs(%f : tensor<f32>) -> tensor<f32>
  return %1, %2 : tensor<f32>, tensor<f32>
}
