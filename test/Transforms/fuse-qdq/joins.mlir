// RUN: quant-opt %s --qopt-fuse-qdq --split-input-file | FileCheck %s

// Tensors of one type are put side by side as integers.
!t = !quant.uniform<i8:f32, 0.5>
// CHECK-LABEL: func.func @same(
// CHECK:         %[[C:.+]] = tensor.concat dim(0) %{{.+}}, %{{.+}} : (tensor<2xi8>, tensor<3xi8>) -> tensor<5xi8>
// CHECK:         %[[Q:.+]] = quant.scast %[[C]]
// CHECK:         quant.dcast %[[Q]]
func.func @same(%a: tensor<2xi8>, %b: tensor<3xi8>) -> tensor<5xf32> {
  %qa = quant.scast %a : tensor<2xi8> to tensor<2x!t>
  %da = quant.dcast %qa : tensor<2x!t> to tensor<2xf32>
  %qb = quant.scast %b : tensor<3xi8> to tensor<3x!t>
  %db = quant.dcast %qb : tensor<3x!t> to tensor<3xf32>
  %0 = tensor.concat dim(0) %da, %db : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

// Of different types: as they are.
// CHECK-LABEL: func.func @different(
// CHECK:         tensor.concat {{.+}} -> tensor<5xf32>
func.func @different(%a: tensor<2xi8>, %b: tensor<3xi8>) -> tensor<5xf32> {
  %qa = quant.scast %a : tensor<2xi8> to tensor<2x!quant.uniform<i8:f32, 0.5>>
  %da = quant.dcast %qa : tensor<2x!quant.uniform<i8:f32, 0.5>> to tensor<2xf32>
  %qb = quant.scast %b : tensor<3xi8> to tensor<3x!quant.uniform<i8:f32, 0.25>>
  %db = quant.dcast %qb : tensor<3x!quant.uniform<i8:f32, 0.25>> to tensor<3xf32>
  %0 = tensor.concat dim(0) %da, %db : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

// The quantization of what was joined moves to the parts: a float part is
// quantized where it is computed, one of the same type is not touched.
!t = !quant.uniform<i8:f32, 0.5>
// CHECK-LABEL: func.func @parts(
// CHECK-SAME:    %[[A:[^:]+]]: tensor<2xi8>, %[[B:[^:]+]]: tensor<3xf32>
// CHECK-NOT:     quant.dcast
// CHECK:         %[[Q:.+]] = quant.qcast %[[B]] {qopt.divide} : tensor<3xf32>
// CHECK:         %[[S:.+]] = quant.scast %[[Q]]
// CHECK:         tensor.concat dim(0) %[[A]], %[[S]] : (tensor<2xi8>, tensor<3xi8>) -> tensor<5xi8>
func.func @parts(%a: tensor<2xi8>, %b: tensor<3xf32>) -> tensor<5xi8> {
  %qa = quant.scast %a : tensor<2xi8> to tensor<2x!t>
  %da = quant.dcast %qa : tensor<2x!t> to tensor<2xf32>
  %0 = tensor.concat dim(0) %da, %b : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
  %1 = quant.qcast %0 {qopt.divide} : tensor<5xf32> to tensor<5x!t>
  %2 = quant.scast %1 : tensor<5x!t> to tensor<5xi8>
  return %2 : tensor<5xi8>
}

// -----

// A gather from a constant table gathers integers of a table quantized at
// compile time.
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
!t = !quant.uniform<i8:f32, 0.5>
// CHECK-LABEL: func.func @table(
// CHECK:         %[[T:.+]] = arith.constant dense<{{.+}}> : tensor<3x2xf32>
// CHECK:         %[[Q:.+]] = quant.qcast %[[T]] : tensor<3x2xf32>
// CHECK:         %[[S:.+]] = quant.scast %[[Q]]
// CHECK:         linalg.generic {{.+}} outs(%{{.+}} : tensor<4x2xi8>)
// CHECK:           tensor.extract %[[S]]
func.func @table(%i: tensor<4xi64>) -> tensor<4x2xi8> {
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %e = tensor.empty() : tensor<4x2xf32>
  %0 = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]} ins(%i : tensor<4xi64>) outs(%e : tensor<4x2xf32>) {
  ^bb0(%in: i64, %out: f32):
    %r = arith.index_cast %in : i64 to index
    %c = linalg.index 1 : index
    %x = tensor.extract %table[%r, %c] : tensor<3x2xf32>
    linalg.yield %x : f32
  } -> tensor<4x2xf32>
  %1 = quant.qcast %0 : tensor<4x2xf32> to tensor<4x2x!t>
  %2 = quant.scast %1 : tensor<4x2x!t> to tensor<4x2xi8>
  return %2 : tensor<4x2xi8>
}

// -----

// Slices, zeros around a slice, and broadcasts move integers; a zero is the zero
// point.
#id = affine_map<(d0, d1) -> (d0, d1)>
#col = affine_map<(d0, d1) -> (d1)>
!t = !quant.uniform<u8:f32, 0.5:200>
// CHECK-LABEL: func.func @movement(
// CHECK:         tensor.extract_slice {{.+}} : tensor<4xi8> to tensor<2xi8>
// CHECK:         %[[Z:.+]] = arith.constant -56 : i8
// CHECK:         %[[F:.+]] = linalg.fill ins(%[[Z]] : i8)
// CHECK:         tensor.insert_slice %{{.+}} into %[[F]][1] [2] [2] : tensor<2xi8> into tensor<5xi8>
// CHECK:         linalg.generic {{.+}} ins(%{{.+}} : tensor<5xi8>) outs(%{{.+}} : tensor<3x5xi8>)
// CHECK:         quant.dcast %{{.+}} : tensor<3x5x!quant.uniform<u8:f32, 5.000000e-01:200>> to tensor<3x5xf32>
func.func @movement(%x: tensor<4xi8>) -> tensor<3x5xf32> {
  %zero = arith.constant 0.0 : f32
  %q = quant.scast %x : tensor<4xi8> to tensor<4x!t>
  %d = quant.dcast %q : tensor<4x!t> to tensor<4xf32>
  %0 = tensor.extract_slice %d[1] [2] [1] : tensor<4xf32> to tensor<2xf32>
  %e = tensor.empty() : tensor<5xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<5xf32>) -> tensor<5xf32>
  %1 = tensor.insert_slice %0 into %f[1] [2] [2] : tensor<2xf32> into tensor<5xf32>
  %e2 = tensor.empty() : tensor<3x5xf32>
  %2 = linalg.generic {indexing_maps = [#col, #id], iterator_types = ["parallel", "parallel"]} ins(%1 : tensor<5xf32>) outs(%e2 : tensor<3x5xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<3x5xf32>
  return %2 : tensor<3x5xf32>
}
