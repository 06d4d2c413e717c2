// RUN: quant-opt %s --qopt-convert-precision=precision=f16 --split-input-file --verify-diagnostics \
// RUN:   --remarks-filter=qopt --remark-policy=all | FileCheck %s

#row = affine_map<(d0, d1) -> (d0, d1)>

// Nothing is known of an argument: what is computed of it stays f32. bf16 has
// no such limit: see options.mlir.
// CHECK-LABEL: @unbounded
// CHECK-NOT: f16
// CHECK: return
func.func @unbounded(%x: tensor<4x8xf32>) -> tensor<4x8xi8> {
  %e = tensor.empty() : tensor<4x8xf32>
  // expected-remark @below {{a tensor: stays f32: nothing bounds its values}}
  %0 = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.addf %in, %in : f32
    linalg.yield %1 : f32
  } -> tensor<4x8xf32>
  %g = tensor.empty() : tensor<4x8xi8>
  %q = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<4x8xf32>) outs(%g : tensor<4x8xi8>) {
  ^bb0(%in: f32, %out: i8):
    %1 = arith.fptosi %in : f32 to i8
    linalg.yield %1 : i8
  } -> tensor<4x8xi8>
  return %q : tensor<4x8xi8>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>

// 128 * 600 is beyond f16; the reader extends nothing.
// CHECK-LABEL: @too_large
// CHECK-NOT: f16
// CHECK: return
func.func @too_large(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
  %e = tensor.empty() : tensor<4x8xf32>
  // expected-remark @below {{its values are only known to be in [-76876.8, 76276.2], beyond f16 numbers (65504)}}
  %0 = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x8xi8>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: i8, %out: f32):
    %s = arith.constant 600.0 : f32
    %1 = arith.sitofp %in : i8 to f32
    %2 = arith.mulf %1, %s : f32
    linalg.yield %2 : f32
  } -> tensor<4x8xf32>
  %g = tensor.empty() : tensor<4x8xi8>
  %q = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<4x8xf32>) outs(%g : tensor<4x8xi8>) {
  ^bb0(%in: f32, %out: i8):
    %1 = arith.fptosi %in : f32 to i8
    linalg.yield %1 : i8
  } -> tensor<4x8xi8>
  return %q : tensor<4x8xi8>
}

// -----

// A mask of -FLT_MAX would become -inf; weights of 1e-5 would lose their bits.
// CHECK-LABEL: @constants
// CHECK-DAG: arith.constant dense<[{{.*}}]> : tensor<2x2xf32>
// CHECK-DAG: arith.constant dense<[{{.*}}]> : tensor<2x2xf32>
// CHECK-DAG: arith.constant dense<[{{.*}}]> : tensor<2x2xf16>
// CHECK: return
func.func @constants(%i: tensor<2xi64>) -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  // expected-remark @below {{its values are in [-3.40282e+38, 1], beyond f16 numbers (65504)}}
  %mask = arith.constant dense<[[-3.40282347E+38, 0.0], [1.0, 0.0]]> : tensor<2x2xf32>
  // expected-remark @below {{its values are in [0, 2e-05], where f16 numbers are subnormal}}
  %small = arith.constant dense<[[1.0e-5, 0.0], [2.0e-5, 0.0]]> : tensor<2x2xf32>
  %infinite = arith.constant dense<[[0xFF800000, 0.0], [1.0, 0.0]]> : tensor<2x2xf32>
  %e = tensor.empty() : tensor<2x2xf32>
  %0:3 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>,
      affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]} ins(%i : tensor<2xi64>) outs(%e, %e, %e : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  ^bb0(%in: i64, %a: f32, %b: f32, %c: f32):
    %1 = arith.index_cast %in : i64 to index
    %2 = linalg.index 1 : index
    %3 = tensor.extract %mask[%1, %2] : tensor<2x2xf32>
    %4 = tensor.extract %small[%1, %2] : tensor<2x2xf32>
    %5 = tensor.extract %infinite[%1, %2] : tensor<2x2xf32>
    linalg.yield %3, %4, %5 : f32, f32, f32
  } -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>)
  return %0#0, %0#1, %0#2 : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>
#one = affine_map<(d0, d1) -> (d0)>

// Scales that decide integers stay exact: those of an epilogue, also one for
// each of two channel dimensions, and the scale of a row found at run time.
// CHECK-LABEL: @scales
// CHECK-NOT: f16
// CHECK: return
func.func @scales(%acc: tensor<4x8xi32>, %x: tensor<4x8xf32>) -> (tensor<4x8xi8>, tensor<4x8xi8>) {
  %m = arith.constant dense<1.0e-3> : tensor<4x8xf32>
  %zero = arith.constant 0.0 : f32
  %g = tensor.empty() : tensor<4x8xi8>
  %0 = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%acc, %m : tensor<4x8xi32>, tensor<4x8xf32>) outs(%g : tensor<4x8xi8>) {
  ^bb0(%in: i32, %scale: f32, %out: i8):
    %1 = arith.sitofp %in : i32 to f32
    %2 = arith.mulf %1, %scale : f32
    %3 = arith.fptosi %2 : f32 to i8
    linalg.yield %3 : i8
  } -> tensor<4x8xi8>
  %r = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %amax = linalg.generic {indexing_maps = [#row, #one], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%f : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = math.absf %in : f32
    %2 = arith.maximumf %1, %out : f32
    linalg.yield %2 : f32
  } -> tensor<4xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%amax : tensor<4xf32>) outs(%r : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %c = arith.constant 127.0 : f32
    %1 = arith.divf %c, %in : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  %q = linalg.generic {indexing_maps = [#row, #one, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%g : tensor<4x8xi8>) {
  ^bb0(%in: f32, %scale: f32, %out: i8):
    %2 = arith.mulf %in, %scale : f32
    %3 = arith.fptosi %2 : f32 to i8
    linalg.yield %3 : i8
  } -> tensor<4x8xi8>
  return %0, %q : tensor<4x8xi8>, tensor<4x8xi8>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>

// What goes round a loop and what leaves the model stays f32, through movement.
// CHECK-LABEL: @interfaces
// CHECK-NOT: f16
// CHECK: return
func.func @interfaces(%q: tensor<4x8xi8>) -> (tensor<32xf32>, tensor<4x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %e = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%q : tensor<4x8xi8>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: i8, %out: f32):
    %1 = arith.sitofp %in : i8 to f32
    linalg.yield %1 : f32
  } -> tensor<4x8xf32>
  %1 = scf.for %i = %c0 to %c4 step %c1 iter_args(%s = %0) -> tensor<4x8xf32> {
    %2 = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
        ins(%s : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %3 = math.tanh %in : f32
      linalg.yield %3 : f32
    } -> tensor<4x8xf32>
    scf.yield %2 : tensor<4x8xf32>
  }
  %flat = tensor.collapse_shape %0 [[0, 1]] : tensor<4x8xf32> into tensor<32xf32>
  return %flat, %1 : tensor<32xf32>, tensor<4x8xf32>
}
