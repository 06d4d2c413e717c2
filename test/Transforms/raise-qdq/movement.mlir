// RUN: quant-opt %s --qopt-raise-qdq --split-input-file | FileCheck %s

// Between quantize and dequantize integers are moved: the same movement of real
// values, where padding is what its integer stands for.
// CHECK-LABEL: func.func @moved(
// CHECK-SAME:    %[[X:.+]]: tensor<1x2x2x3xf32>)
// CHECK:         %[[Q:.+]] = qopt.observe %[[X]] {{.+}} !quant.uniform<i8:f32, 5.000000e-01:-4>
// CHECK:         %[[T:.+]] = linalg.transpose ins(%[[Q]] : tensor<1x2x2x3xf32>) {{.+}} permutation = [0, 2, 3, 1]
// CHECK:         %[[P:.+]] = tensor.pad %[[T]] low[0, 1, 0, 0] high[0, 0, 0, 0]
// CHECK:           tensor.yield %[[ZERO:.+]] : f32
// CHECK:         %[[C:.+]] = tensor.collapse_shape %[[P]] {{\[}}[0, 1], [2], [3]] : tensor<1x3x3x2xf32> into tensor<3x3x2xf32>
// CHECK:         %[[S:.+]] = tensor.extract_slice %[[C]][0, 0, 0] [2, 3, 2] [1, 1, 1]
// CHECK:         %[[J:.+]] = tensor.concat dim(0) %[[C]], %[[S]]
// CHECK:         return %[[J]]
#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#id3 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
func.func @moved(%x: tensor<1x2x2x3xf32>) -> tensor<5x3x2xf32> {
  %scale = arith.constant 0.5 : f32
  %zero = arith.constant -4.0 : f32
  %zero_i8 = arith.constant -4 : i8
  %zero_i32 = arith.constant -4 : i32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %e8 = tensor.empty() : tensor<1x2x2x3xi8>
  %q = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<1x2x2x3xf32>) outs(%e8 : tensor<1x2x2x3xi8>) {
  ^bb0(%in: f32, %out: i8):
    %0 = arith.divf %in, %scale : f32
    %1 = math.roundeven %0 : f32
    %2 = arith.addf %1, %zero : f32
    %3 = arith.maximumf %2, %low : f32
    %4 = arith.minimumf %3, %high : f32
    %5 = arith.fptosi %4 : f32 to i8
    linalg.yield %5 : i8
  } -> tensor<1x2x2x3xi8>
  %et = tensor.empty() : tensor<1x2x3x2xi8>
  %t = linalg.transpose ins(%q : tensor<1x2x2x3xi8>) outs(%et : tensor<1x2x3x2xi8>) permutation = [0, 2, 3, 1]
  %p = tensor.pad %t low[0, 1, 0, 0] high[0, 0, 0, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %zero_i8 : i8
  } : tensor<1x2x3x2xi8> to tensor<1x3x3x2xi8>
  %c = tensor.collapse_shape %p [[0, 1], [2], [3]] : tensor<1x3x3x2xi8> into tensor<3x3x2xi8>
  %s = tensor.extract_slice %c[0, 0, 0] [2, 3, 2] [1, 1, 1] : tensor<3x3x2xi8> to tensor<2x3x2xi8>
  %j = tensor.concat dim(0) %c, %s : (tensor<3x3x2xi8>, tensor<2x3x2xi8>) -> tensor<5x3x2xi8>
  %e = tensor.empty() : tensor<5x3x2xf32>
  %y = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%j : tensor<5x3x2xi8>) outs(%e : tensor<5x3x2xf32>) {
  ^bb0(%in: i8, %out: f32):
    %0 = arith.extsi %in : i8 to i32
    %1 = arith.subi %0, %zero_i32 : i32
    %2 = arith.sitofp %1 : i32 to f32
    %3 = arith.mulf %2, %scale : f32
    linalg.yield %3 : f32
  } -> tensor<5x3x2xf32>
  return %y : tensor<5x3x2xf32>
}

// -----

// A max pool of integers is one of real values; padding that never wins is
// -infinity.
// CHECK-LABEL: func.func @max_pool(
// CHECK-SAME:    %[[X:.+]]: tensor<1x1x4x4xf32>)
// CHECK:         %[[Q:.+]] = qopt.observe %[[X]]
// CHECK:         %[[INF:.+]] = arith.constant 0xFF800000 : f32
// CHECK:         %[[P:.+]] = tensor.pad %[[Q]]
// CHECK:         %[[START:.+]] = linalg.fill ins(%{{.+}} : f32)
// CHECK:         %[[M:.+]] = linalg.pooling_nchw_max {{.+}}strides = dense<2>{{.+}} ins(%[[P]], %{{.+}} : tensor<1x1x5x5xf32>, tensor<3x3xf32>) outs(%[[START]]
// CHECK:         return %[[M]]
#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
func.func @max_pool(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32> {
  %scale = arith.constant 0.5 : f32
  %lowest = arith.constant -128 : i8
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %e8 = tensor.empty() : tensor<1x1x4x4xi8>
  %q = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<1x1x4x4xf32>) outs(%e8 : tensor<1x1x4x4xi8>) {
  ^bb0(%in: f32, %out: i8):
    %0 = arith.divf %in, %scale : f32
    %1 = math.roundeven %0 : f32
    %2 = arith.maximumf %1, %low : f32
    %3 = arith.minimumf %2, %high : f32
    %4 = arith.fptosi %3 : f32 to i8
    linalg.yield %4 : i8
  } -> tensor<1x1x4x4xi8>
  %p = tensor.pad %q low[0, 0, 1, 1] high[0, 0, 0, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %lowest : i8
  } : tensor<1x1x4x4xi8> to tensor<1x1x5x5xi8>
  %window = tensor.empty() : tensor<3x3xi8>
  %em = tensor.empty() : tensor<1x1x2x2xi8>
  %start = linalg.fill ins(%lowest : i8) outs(%em : tensor<1x1x2x2xi8>) -> tensor<1x1x2x2xi8>
  %m = linalg.pooling_nchw_max {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>}
      ins(%p, %window : tensor<1x1x5x5xi8>, tensor<3x3xi8>) outs(%start : tensor<1x1x2x2xi8>) -> tensor<1x1x2x2xi8>
  %e = tensor.empty() : tensor<1x1x2x2xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%m : tensor<1x1x2x2xi8>) outs(%e : tensor<1x1x2x2xf32>) {
  ^bb0(%in: i8, %out: f32):
    %0 = arith.extsi %in : i8 to i32
    %1 = arith.sitofp %0 : i32 to f32
    %2 = arith.mulf %1, %scale : f32
    linalg.yield %2 : f32
  } -> tensor<1x1x2x2xf32>
  return %y : tensor<1x1x2x2xf32>
}

// -----

// Constants are moved before they are dequantized, also by the index of the
// dequantize.
// CHECK-LABEL: func.func @moved_constant(
// CHECK:         arith.constant dense<{{\[}}[1, 4], [2, 5], [3, 6]]> : tensor<3x2xi8>
// CHECK:         quant.scast %{{.+}} : tensor<3x2xi8> to tensor<3x2x!quant.uniform<i8<-127:127>:f32:1, {5.000000e-01,2.500000e-01}>>
#id = affine_map<(d0, d1) -> (d0, d1)>
#swap = affine_map<(d0, d1) -> (d1, d0)>
#column = affine_map<(d0, d1) -> (d1)>
func.func @moved_constant() -> tensor<3x2xf32> {
  %w = arith.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  %s = arith.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %e = tensor.empty() : tensor<3x2xf32>
  %y = linalg.generic {indexing_maps = [#swap, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w, %s : tensor<2x3xi8>, tensor<2xf32>) outs(%e : tensor<3x2xf32>) {
  ^bb0(%in: i8, %scale: f32, %out: f32):
    %0 = arith.extsi %in : i8 to i32
    %1 = arith.sitofp %0 : i32 to f32
    %2 = arith.mulf %1, %scale : f32
    linalg.yield %2 : f32
  } -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}
