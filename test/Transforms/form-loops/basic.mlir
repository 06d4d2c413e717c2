// Softmax, layer norm, means and windows become one op each.
// RUN: quant-opt --qopt-form-loops --split-input-file %s | FileCheck %s

#all = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>

// A softmax in five ops, quantized at both ends: the scores are read as they
// are, and the quantization that only the members read is in front.
// CHECK-LABEL: func @softmax
// CHECK-NOT:   linalg.generic
// CHECK:       %[[Y:.*]] = qopt.loops ins(%arg0 : tensor<4x100xi32>)
// CHECK-NEXT:  ^bb0(%[[X:.*]]: i32):
// CHECK:         %[[F:.*]] = arith.mulf
// CHECK-NEXT:    %[[MAX:.*]] = qopt.reduce maximumf %[[F]] : f32
// CHECK-NEXT:    %[[D:.*]] = arith.subf %[[F]], %[[MAX]]
// CHECK-NEXT:    %[[E:.*]] = math.exp %[[D]]
// CHECK-NEXT:    %[[S:.*]] = qopt.reduce addf %[[E]] : f32
// The sum starts from +0, which changes a sum of -0.
// CHECK-NEXT:    %[[SUM:.*]] = arith.addf %[[S]], %{{.*}}
// CHECK-NEXT:    %[[P:.*]] = arith.divf %[[E]], %[[SUM]]
// CHECK:         qopt.yield %{{.*}} : i8
// CHECK:       extents = array<i64: 4, 100>
// CHECK-SAME:  reductions = array<i1: false, true>
// CHECK:       return %[[Y]]
func.func @softmax(%x: tensor<4x100xi32>) -> tensor<4x100xi8> {
  %lowest = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %full = tensor.empty() : tensor<4x100xf32>
  %rows = tensor.empty() : tensor<4xf32>
  %f = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x100xi32>) outs(%full : tensor<4x100xf32>) {
  ^bb0(%a: i32, %o: f32):
    %scale = arith.constant 0.125 : f32
    %v = arith.sitofp %a : i32 to f32
    %w = arith.mulf %v, %scale : f32
    linalg.yield %w : f32
  } -> tensor<4x100xf32>
  %max0 = linalg.fill ins(%lowest : f32) outs(%rows : tensor<4xf32>) -> tensor<4xf32>
  %max = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%f : tensor<4x100xf32>) outs(%max0 : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.maximumf %a, %o : f32
    linalg.yield %v : f32
  } -> tensor<4xf32>
  %wide = tensor.expand_shape %max [[0, 1]] output_shape [4, 1] : tensor<4xf32> into tensor<4x1xf32>
  %e = linalg.generic {indexing_maps = [#all, affine_map<(m, n) -> (m, 0)>, #all], iterator_types = ["parallel", "parallel"]}
      ins(%f, %wide : tensor<4x100xf32>, tensor<4x1xf32>) outs(%full : tensor<4x100xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.subf %a, %b : f32
    %w = math.exp %v : f32
    linalg.yield %w : f32
  } -> tensor<4x100xf32>
  %sum0 = linalg.fill ins(%zero : f32) outs(%rows : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%e : tensor<4x100xf32>) outs(%sum0 : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.addf %a, %o : f32
    linalg.yield %v : f32
  } -> tensor<4xf32>
  %bytes = tensor.empty() : tensor<4x100xi8>
  %y = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%e, %sum : tensor<4x100xf32>, tensor<4xf32>) outs(%bytes : tensor<4x100xi8>) {
  ^bb0(%a: f32, %b: f32, %o: i8):
    %scale = arith.constant 255.0 : f32
    %v = arith.divf %a, %b : f32
    %w = arith.mulf %v, %scale : f32
    %q = arith.fptoui %w : f32 to i8
    linalg.yield %q : i8
  } -> tensor<4x100xi8>
  return %y : tensor<4x100xi8>
}

// -----

// What others read leaves the kernel as well: the sums, and the result.
// CHECK-LABEL: func @two_results
// CHECK:       %[[Y:.*]]:2 = qopt.loops ins(%arg0, %arg1 : tensor<4x64xi8>, tensor<64xf32>)
// CHECK:         %[[SUM:.*]] = qopt.reduce addi
// CHECK:         qopt.yield %[[SUM]], %{{.*}} : i32, f32
// CHECK:       -> tensor<4xi32>, tensor<4x64xf32>
// CHECK:       return %[[Y]]#0, %[[Y]]#1
func.func @two_results(%x: tensor<4x64xi8>, %g: tensor<64xf32>) -> (tensor<4xi32>, tensor<4x64xf32>) {
  %zero = arith.constant 0 : i32
  %rows = tensor.empty() : tensor<4xi32>
  %full = tensor.empty() : tensor<4x64xf32>
  %sum0 = linalg.fill ins(%zero : i32) outs(%rows : tensor<4xi32>) -> tensor<4xi32>
  %sum = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x64xi8>) outs(%sum0 : tensor<4xi32>) {
  ^bb0(%a: i8, %o: i32):
    %v = arith.extsi %a : i8 to i32
    %w = arith.addi %v, %o : i32
    linalg.yield %w : i32
  } -> tensor<4xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>, affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum, %g : tensor<4x64xi8>, tensor<4xi32>, tensor<64xf32>) outs(%full : tensor<4x64xf32>) {
  ^bb0(%a: i8, %b: i32, %c: f32, %o: f32):
    %v = arith.extsi %a : i8 to i32
    %w = arith.subi %v, %b : i32
    %f = arith.sitofp %w : i32 to f32
    %r = arith.mulf %f, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x64xf32>
  return %sum, %y : tensor<4xi32>, tensor<4x64xf32>
}

// -----

// A padded depthwise convolution with its requantization: windows of the image
// without the pad, and the pad's value where they reach out of it.
// Dims and loops of one iteration are gone.
// CHECK:       #[[$IMAGE:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0 * 2 + d3 - 1, d1 * 2 + d4 - 1, d2)>
// CHECK-LABEL: func @depthwise
// CHECK-NOT:   tensor.pad
// CHECK:       %[[X:.*]] = tensor.collapse_shape %arg0
// CHECK:       qopt.loops ins(%[[X]], %arg1, %arg2 : tensor<8x8x16xi8>, tensor<3x3x16xi8>, tensor<16xf32>)
// CHECK:         %[[ACC:.*]] = qopt.reduce addi
// CHECK:         arith.sitofp %[[ACC]]
// CHECK:         qopt.yield %{{.*}} : i8
// CHECK:       extents = array<i64: 4, 4, 16, 3, 3>
// CHECK-SAME:  indexing_maps = [#[[$IMAGE]],
// CHECK-SAME:  pads = [7 : i8, unit, unit]
// CHECK-SAME:  reductions = array<i1: false, false, false, true, true>
func.func @depthwise(%x: tensor<1x8x8x16xi8>, %w: tensor<3x3x16xi8>, %m: tensor<16xf32>) -> tensor<1x4x4x16xi8> {
  %seven = arith.constant 7 : i8
  %zero = arith.constant 0 : i32
  %padded = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %seven : i8
  } : tensor<1x8x8x16xi8> to tensor<1x10x10x16xi8>
  %e = tensor.empty() : tensor<1x4x4x16xi32>
  %init = linalg.fill ins(%zero : i32) outs(%e : tensor<1x4x4x16xi32>) -> tensor<1x4x4x16xi32>
  %acc = linalg.generic {indexing_maps = [affine_map<(n, p, q, c, r, s) -> (n, p * 2 + r, q * 2 + s, c)>, affine_map<(n, p, q, c, r, s) -> (r, s, c)>, affine_map<(n, p, q, c, r, s) -> (n, p, q, c)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%padded, %w : tensor<1x10x10x16xi8>, tensor<3x3x16xi8>) outs(%init : tensor<1x4x4x16xi32>) {
  ^bb0(%a: i8, %b: i8, %o: i32):
    %v = arith.extui %a : i8 to i32
    %u = arith.extsi %b : i8 to i32
    %p = arith.muli %v, %u : i32
    %s = arith.addi %o, %p : i32
    linalg.yield %s : i32
  } -> tensor<1x4x4x16xi32>
  %bytes = tensor.empty() : tensor<1x4x4x16xi8>
  %y = linalg.generic {indexing_maps = [affine_map<(n, p, q, c) -> (n, p, q, c)>, affine_map<(n, p, q, c) -> (c)>, affine_map<(n, p, q, c) -> (n, p, q, c)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%acc, %m : tensor<1x4x4x16xi32>, tensor<16xf32>) outs(%bytes : tensor<1x4x4x16xi8>) {
  ^bb0(%a: i32, %b: f32, %o: i8):
    %v = arith.sitofp %a : i32 to f32
    %u = arith.mulf %v, %b : f32
    %q = arith.fptosi %u : f32 to i8
    linalg.yield %q : i8
  } -> tensor<1x4x4x16xi8>
  return %y : tensor<1x4x4x16xi8>
}

// -----

// Rows and columns in the middle: a mean over height and width, channels last,
// and what is computed with it per pixel.
// CHECK-LABEL: func @over_pixels
// CHECK:       qopt.loops ins(%arg0 : tensor<2x5x7x16xf32>)
// CHECK:         %[[SUM:.*]] = qopt.reduce addf %[[X:.*]] : f32
// CHECK:         arith.subf %[[X]], %{{.*}}
// CHECK:       extents = array<i64: 2, 5, 7, 16>
// CHECK-SAME:  reductions = array<i1: false, true, true, false>
func.func @over_pixels(%x: tensor<2x5x7x16xf32>) -> tensor<2x5x7x16xf32> {
  %zero = arith.constant -0.0 : f32
  %rows = tensor.empty() : tensor<2x16xf32>
  %full = tensor.empty() : tensor<2x5x7x16xf32>
  %sum0 = linalg.fill ins(%zero : f32) outs(%rows : tensor<2x16xf32>) -> tensor<2x16xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(n, h, w, c) -> (n, h, w, c)>, affine_map<(n, h, w, c) -> (n, c)>], iterator_types = ["parallel", "reduction", "reduction", "parallel"]}
      ins(%x : tensor<2x5x7x16xf32>) outs(%sum0 : tensor<2x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.addf %o, %a : f32
    linalg.yield %v : f32
  } -> tensor<2x16xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, h, w, c) -> (n, h, w, c)>, affine_map<(n, h, w, c) -> (n, c)>, affine_map<(n, h, w, c) -> (n, h, w, c)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %sum : tensor<2x5x7x16xf32>, tensor<2x16xf32>) outs(%full : tensor<2x5x7x16xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %count = arith.constant 0.0285714287 : f32
    %m = arith.mulf %b, %count : f32
    %v = arith.subf %a, %m : f32
    linalg.yield %v : f32
  } -> tensor<2x5x7x16xf32>
  return %y : tensor<2x5x7x16xf32>
}

// -----

// A pad that no window reads is a kernel, too.
// CHECK:       #[[$SOURCE:.*]] = affine_map<(d0, d1) -> (d0 - 1, d1 - 2)>
// CHECK-LABEL: func @pad
// CHECK:       qopt.loops ins(%arg0 : tensor<4x6xi8>)
// CHECK:         qopt.yield %{{.*}} : i8
// CHECK:       indexing_maps = [#[[$SOURCE]],
// CHECK-SAME:  pads = [-3 : i8]
func.func @pad(%x: tensor<4x6xi8>) -> tensor<6x9xi8> {
  %v = arith.constant -3 : i8
  %y = tensor.pad %x low[1, 2] high[1, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %v : i8
  } : tensor<4x6xi8> to tensor<6x9xi8>
  return %y : tensor<6x9xi8>
}
