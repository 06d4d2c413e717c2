// RUN: quant-opt %s --qopt-fold-constants | FileCheck %s

#id = affine_map<(d0) -> (d0)>

// A broadcast says more than a large constant; what it reads is evaluated.
// CHECK-LABEL: func.func @broadcast(
// CHECK:         %[[BIAS:.+]] = arith.constant dense<[1.000000e+00, 4.000000e+00]> : tensor<2xf32>
// CHECK:         linalg.broadcast ins(%[[BIAS]]
// CHECK:         tensor.expand_shape
// CHECK:         %[[FILL:.+]] = linalg.fill
// CHECK:         return %{{.+}}, %[[FILL]]
func.func @broadcast() -> (tensor<2x2x2xf32>, tensor<8xf32>) {
  %c = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %e2 = tensor.empty() : tensor<2xf32>
  %square = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%c : tensor<2xf32>) outs(%e2 : tensor<2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.mulf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<2xf32>
  %e = tensor.empty() : tensor<4x2xf32>
  %b = linalg.broadcast ins(%square : tensor<2xf32>) outs(%e : tensor<4x2xf32>) dimensions = [0]
  %x = tensor.expand_shape %b [[0, 1], [2]] output_shape [2, 2, 2] : tensor<4x2xf32> into tensor<2x2x2xf32>
  %e8 = tensor.empty() : tensor<8xf32>
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%e8 : tensor<8xf32>) -> tensor<8xf32>
  return %x, %f : tensor<2x2x2xf32>, tensor<8xf32>
}

// The host's exp is not the exp of run time.
// CHECK-LABEL: func.func @libm(
// CHECK:         math.exp
func.func @libm() -> tensor<2xf32> {
  %c = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %e = tensor.empty() : tensor<2xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%c : tensor<2xf32>) outs(%e : tensor<2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = math.exp %in : f32
    linalg.yield %s : f32
  } -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// Undefined results and failing assertions stay for run time.
// CHECK-LABEL: func.func @undefined(
// CHECK:         arith.divsi
// CHECK:         cf.assert
// CHECK:         arith.fptosi
// CHECK:         tensor.extract
func.func @undefined() -> (tensor<2xi32>, tensor<2xi32>, tensor<2xi8>, i32) {
  %c = arith.constant dense<[1, 0]> : tensor<2xi32>
  %e = tensor.empty() : tensor<2xi32>
  %two = arith.constant 2 : i32
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%c : tensor<2xi32>) outs(%e : tensor<2xi32>) {
  ^bb0(%in: i32, %out: i32):
    %s = arith.divsi %two, %in : i32
    linalg.yield %s : i32
  } -> tensor<2xi32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%c : tensor<2xi32>) outs(%e : tensor<2xi32>) {
  ^bb0(%in: i32, %out: i32):
    %ok = arith.cmpi eq, %in, %two : i32
    cf.assert %ok, "must be two"
    linalg.yield %in : i32
  } -> tensor<2xi32>
  %f = arith.constant dense<[1.0, 200.0]> : tensor<2xf32>
  %e8 = tensor.empty() : tensor<2xi8>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%f : tensor<2xf32>) outs(%e8 : tensor<2xi8>) {
  ^bb0(%in: f32, %out: i8):
    %s = arith.fptosi %in : f32 to i8
    linalg.yield %s : i8
  } -> tensor<2xi8>
  %outside = arith.constant 2 : index
  %3 = tensor.extract %c[%outside] : tensor<2xi32>
  return %0, %1, %2, %3 : tensor<2xi32>, tensor<2xi32>, tensor<2xi8>, i32
}

// An assertion that holds goes with its op.
// CHECK-LABEL: func.func @holds(
// CHECK-NEXT:    %[[C:.+]] = arith.constant dense<[1, 0]> : tensor<2xi32>
// CHECK-NEXT:    return %[[C]]
func.func @holds() -> tensor<2xi32> {
  %c = arith.constant dense<[1, 0]> : tensor<2xi32>
  %e = tensor.empty() : tensor<2xi32>
  %two = arith.constant 2 : i32
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%c : tensor<2xi32>) outs(%e : tensor<2xi32>) {
  ^bb0(%in: i32, %out: i32):
    %ok = arith.cmpi slt, %in, %two : i32
    cf.assert %ok, "must be less than two"
    linalg.yield %in : i32
  } -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// More work than an op may cost, and a result much larger than its sources.
// CHECK-LABEL: func.func @large(
// CHECK:         linalg.matmul
// CHECK:         tensor.pad
func.func @large() -> (tensor<512x512xf32>, tensor<1024x1024xf32>) {
  %c = arith.constant dense<2.0> : tensor<512x512xf32>
  %zero = arith.constant dense<0.0> : tensor<512x512xf32>
  %0 = linalg.matmul ins(%c, %c : tensor<512x512xf32>, tensor<512x512xf32>) outs(%zero : tensor<512x512xf32>) -> tensor<512x512xf32>
  %small = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %row = tensor.expand_shape %small [[0, 1]] output_shape [1, 2] : tensor<2xf32> into tensor<1x2xf32>
  %one = arith.constant 1.0 : f32
  %pad = tensor.pad %row low[0, 0] high[1023, 1022] {
  ^bb0(%i: index, %j: index):
    tensor.yield %one : f32
  } : tensor<1x2xf32> to tensor<1024x1024xf32>
  return %0, %pad : tensor<512x512xf32>, tensor<1024x1024xf32>
}

// Data, and casts that say how constants are quantized.
// CHECK-LABEL: func.func @data(
// CHECK:         tensor.extract_slice
// CHECK:         quant.dcast
func.func @data(%x: tensor<4xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = tensor.extract_slice %x[0] [2] [1] : tensor<4xf32> to tensor<2xf32>
  %q = arith.constant dense<[1, 2]> : tensor<2xi8>
  %s = quant.scast %q : tensor<2xi8> to tensor<2x!quant.uniform<i8:f32, 0.5>>
  %d = quant.dcast %s : tensor<2x!quant.uniform<i8:f32, 0.5>> to tensor<2xf32>
  return %0, %d : tensor<2xf32>, tensor<2xf32>
}
