// RUN: quant-opt %s --qopt-raise-qdq --split-input-file | FileCheck %s

// ONNX's QuantizeLinear and DequantizeLinear, as IREE imports them: the edge
// becomes an observer that knows the producer's parameters to the last bit, and
// that it divides.
// CHECK-LABEL: func.func @onnx(
// CHECK-SAME:    %[[X:.+]]: tensor<2x3xf32>)
// CHECK-NEXT:    %[[Y:.+]] = qopt.observe %[[X]] {divide, name = "qdq_0", type = !quant.uniform<i8:f32, 0.034750320017337799:4>}
// CHECK-NEXT:    return %[[Y]]
#id = affine_map<(d0, d1) -> (d0, d1)>
func.func @onnx(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %scale = arith.constant 0.03475032 : f32
  %zero = arith.constant 4.0 : f32
  %zero_i32 = arith.constant 4 : i32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %e8 = tensor.empty() : tensor<2x3xi8>
  %e = tensor.empty() : tensor<2x3xf32>
  %q = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x3xf32>) outs(%e8 : tensor<2x3xi8>) {
  ^bb0(%in: f32, %out: i8):
    %0 = arith.divf %in, %scale : f32
    %1 = math.roundeven %0 : f32
    %2 = arith.addf %1, %zero : f32
    %3 = arith.maximumf %2, %low : f32
    %4 = arith.minimumf %3, %high : f32
    %5 = arith.fptosi %4 : f32 to i8
    linalg.yield %5 : i8
  } -> tensor<2x3xi8>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%q : tensor<2x3xi8>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%in: i8, %out: f32):
    %0 = arith.extsi %in : i8 to i32
    %1 = arith.subi %0, %zero_i32 : i32
    %2 = arith.sitofp %1 : i32 to f32
    %3 = arith.mulf %2, %scale : f32
    linalg.yield %3 : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

// A weight with one scale per channel stays the producer's integers; its bias
// stays int32. Zero points that are all 0 are none.
// CHECK-LABEL: func.func @constants(
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<{{\[}}[1, -2], [127, -127], [0, 5]]> : tensor<3x2xi8>
// CHECK-DAG:     %[[WS:.+]] = quant.scast %[[W]] : tensor<3x2xi8> to tensor<3x2x!quant.uniform<i8<-127:127>:f32:0, {5.000000e-01,2.500000e-01,1.000000e+00}>>
// CHECK-DAG:     %[[WR:.+]] = quant.dcast %[[WS]]
// CHECK-DAG:     %[[B:.+]] = arith.constant dense<[70000, -3, 0]> : tensor<3xi32>
// CHECK-DAG:     %[[BS:.+]] = quant.scast %[[B]] : tensor<3xi32> to tensor<3x!quant.uniform<i32:f32:0, {1.250000e-01,6.250000e-02,2.500000e-01}>>
// CHECK-DAG:     %[[BR:.+]] = quant.dcast %[[BS]]
// CHECK:         return %[[WR]], %[[BR]]
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#v = affine_map<(d0) -> (d0)>
func.func @constants() -> (tensor<3x2xf32>, tensor<3xf32>) {
  %w = arith.constant dense<[[1, -2], [127, -127], [0, 5]]> : tensor<3x2xi8>
  %s = arith.constant dense<[0.5, 0.25, 1.0]> : tensor<3xf32>
  %z = arith.constant dense<0> : tensor<3xi8>
  %b = arith.constant dense<[70000, -3, 0]> : tensor<3xi32>
  %bs = arith.constant dense<[0.125, 0.0625, 0.25]> : tensor<3xf32>
  %bz = arith.constant dense<0> : tensor<3xi32>
  %e = tensor.empty() : tensor<3x2xf32>
  %e1 = tensor.empty() : tensor<3xf32>
  %wr = linalg.generic {indexing_maps = [#id, #row, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w, %s, %z : tensor<3x2xi8>, tensor<3xf32>, tensor<3xi8>) outs(%e : tensor<3x2xf32>) {
  ^bb0(%in: i8, %scale: f32, %zero: i8, %out: f32):
    %0 = arith.extsi %in : i8 to i32
    %1 = arith.extsi %zero : i8 to i32
    %2 = arith.subi %0, %1 : i32
    %3 = arith.sitofp %2 : i32 to f32
    %4 = arith.mulf %3, %scale : f32
    linalg.yield %4 : f32
  } -> tensor<3x2xf32>
  %br = linalg.generic {indexing_maps = [#v, #v, #v, #v], iterator_types = ["parallel"]}
      ins(%b, %bs, %bz : tensor<3xi32>, tensor<3xf32>, tensor<3xi32>) outs(%e1 : tensor<3xf32>) {
  ^bb0(%in: i32, %scale: f32, %zero: i32, %out: f32):
    %0 = arith.subi %in, %zero : i32
    %1 = arith.sitofp %0 : i32 to f32
    %2 = arith.mulf %1, %scale : f32
    linalg.yield %2 : f32
  } -> tensor<3xf32>
  return %wr, %br : tensor<3x2xf32>, tensor<3xf32>
}

// -----

// Integers that leave the model are quantized in front of the return; integers
// that enter are dequantized.
// CHECK-LABEL: func.func @edges_of_the_model(
// CHECK-SAME:    %[[Q:[^:]+]]: tensor<4xi8>, %[[X:[^:]+]]: tensor<4xf32>)
// CHECK-DAG:     %[[IN:.+]] = quant.scast %[[Q]] : tensor<4xi8> to tensor<4x!quant.uniform<u8:f32, 5.000000e-01:3>>
// CHECK-DAG:     %[[REAL:.+]] = quant.dcast %[[IN]]
// CHECK-DAG:     %[[CAST:.+]] = quant.qcast %[[X]] {qopt.divide} : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 2.500000e-01>>
// CHECK-DAG:     %[[OUT:.+]] = quant.scast %[[CAST]] : {{.+}} to tensor<4xi8>
// CHECK:         return %[[REAL]], %[[OUT]]
#v = affine_map<(d0) -> (d0)>
func.func @edges_of_the_model(%q: tensor<4xi8>, %x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi8>) {
  %s0 = arith.constant 0.5 : f32
  %s1 = arith.constant 0.25 : f32
  %z = arith.constant 3 : i32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %e8 = tensor.empty() : tensor<4xi8>
  %real = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%q : tensor<4xi8>) outs(%e : tensor<4xf32>) {
  ^bb0(%in: i8, %out: f32):
    %0 = arith.extui %in : i8 to i32
    %1 = arith.subi %0, %z : i32
    %2 = arith.sitofp %1 : i32 to f32
    %3 = arith.mulf %2, %s0 : f32
    linalg.yield %3 : f32
  } -> tensor<4xf32>
  %out = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%e8 : tensor<4xi8>) {
  ^bb0(%in: f32, %out: i8):
    %0 = arith.divf %in, %s1 : f32
    %1 = math.roundeven %0 : f32
    %2 = arith.maximumf %1, %low : f32
    %3 = arith.minimumf %2, %high : f32
    %4 = arith.fptosi %3 : f32 to i8
    linalg.yield %4 : i8
  } -> tensor<4xi8>
  return %real, %out : tensor<4xf32>, tensor<4xi8>
}

// -----

// Two quantizations of one value stay two; one after another stay both. The
// same one twice is one.
// CHECK-LABEL: func.func @several(
// CHECK-SAME:    %[[X:.+]]: tensor<4xf32>)
// CHECK-DAG:     %[[A:.+]] = qopt.observe %[[X]] {{.+}} !quant.uniform<i8:f32, 5.000000e-01>
// CHECK-DAG:     %[[B:.+]] = qopt.observe %[[X]] {{.+}} !quant.uniform<i8:f32, 2.500000e-01>
// CHECK-DAG:     %[[C:.+]] = qopt.observe %[[A]] {{.+}} !quant.uniform<i8:f32, 2.500000e-01>
// CHECK:         return %[[A]], %[[B]], %[[C]], %[[A]]
#v = affine_map<(d0) -> (d0)>
func.func @several(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %a = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  %ar = quant.dcast %a : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
  %b = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.25>>
  %br = quant.dcast %b : tensor<4x!quant.uniform<i8:f32, 0.25>> to tensor<4xf32>
  %c = quant.qcast %ar : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.25>>
  %cr = quant.dcast %c : tensor<4x!quant.uniform<i8:f32, 0.25>> to tensor<4xf32>
  %dr = quant.dcast %a : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
  return %ar, %br, %cr, %dr : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// What is quantized in the graph but constant is quantized here.
// CHECK-LABEL: func.func @constant_in_graph(
// CHECK:         %[[W:.+]] = arith.constant dense<[2, -128, 127]> : tensor<3xi8>
// CHECK:         %[[S:.+]] = quant.scast %[[W]] : tensor<3xi8> to tensor<3x!quant.uniform<i8:f32, 5.000000e-01>>
// CHECK:         %[[R:.+]] = quant.dcast %[[S]]
// CHECK:         return %[[R]]
#v = affine_map<(d0) -> (d0)>
func.func @constant_in_graph() -> tensor<3xf32> {
  %x = arith.constant dense<[1.25, -1.0e30, 80.0]> : tensor<3xf32>
  %a = quant.qcast %x : tensor<3xf32> to tensor<3x!quant.uniform<i8:f32, 0.5>>
  %r = quant.dcast %a : tensor<3x!quant.uniform<i8:f32, 0.5>> to tensor<3xf32>
  return %r : tensor<3xf32>
}
