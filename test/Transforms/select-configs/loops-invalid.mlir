// RUN: quant-opt %s --qopt-select-configs --split-input-file --verify-diagnostics

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
func.func @buffers(%x: memref<16x128xf32>, %y: memref<16xf32>) {
  // expected-error @below {{is on buffers: configurations are chosen before bufferization}}
  qopt.loops ins(%x : memref<16x128xf32>) outs(%y : memref<16xf32>) {
  ^bb0(%in: f32):
    %sum = qopt.reduce addf %in : f32
    qopt.yield %sum : f32
  } {extents = array<i64: 16, 128>, reductions = array<i1: false, true>, indexing_maps = [#id, #row]}
  return
}

// -----

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
func.func @lanes(%x: tensor<16x128xf32>) -> tensor<16xf32> {
  %e = tensor.empty() : tensor<16xf32>
  // expected-error @below {{cannot have #qopt.loops_config<threads, threads = 64, row_threads = 1, lanes = 2, items = 1>: its innermost parallel loop has 1 iterations beside the rows; use lanes that divide them}}
  %0 = qopt.loops ins(%x : tensor<16x128xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%in: f32):
    %sum = qopt.reduce addf %in : f32
    qopt.yield %sum : f32
  } {extents = array<i64: 16, 128>, reductions = array<i1: false, true>, indexing_maps = [#id, #row],
     config = #qopt.loops_config<threads, threads = 64, row_threads = 1, lanes = 2, items = 1>} -> tensor<16xf32>
  return %0 : tensor<16xf32>
}

// -----

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
func.func @not_a_power(%x: tensor<16x128xf32>) -> tensor<16xf32> {
  %e = tensor.empty() : tensor<16xf32>
  // expected-error @below {{lanes must be a power of two}}
  %0 = qopt.loops ins(%x : tensor<16x128xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%in: f32):
    %max = qopt.reduce maximumf %in : f32
    qopt.yield %max : f32
  } {extents = array<i64: 16, 128>, reductions = array<i1: false, true>, indexing_maps = [#id, #row],
     config = #qopt.loops_config<rows, threads = 64, row_threads = 32, lanes = 3, items = 2>} -> tensor<16xf32>
  return %0 : tensor<16xf32>
}

// -----

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
func.func @partial_sums(%x: tensor<16x2048xf32>) -> tensor<16xf32> {
  %e = tensor.empty() : tensor<16xf32>
  // expected-error @below {{sums of floats have 256 partial sums; use row_threads * lanes of at most as many}}
  %0 = qopt.loops ins(%x : tensor<16x2048xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%in: f32):
    %sum = qopt.reduce addf %in : f32
    qopt.yield %sum : f32
  } {extents = array<i64: 16, 2048>, reductions = array<i1: false, true>, indexing_maps = [#id, #row],
     config = #qopt.loops_config<rows, threads = 128, row_threads = 128, lanes = 4, items = 4>} -> tensor<16xf32>
  return %0 : tensor<16xf32>
}

// -----

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
func.func @loop_of_partial_sums(%x: tensor<16x2048xf32>) -> tensor<16xf32> {
  %e = tensor.empty() : tensor<16xf32>
  // expected-error @below {{rows of 2048 elements do not fit; use row_threads * lanes * items that is a multiple of 256}}
  %0 = qopt.loops ins(%x : tensor<16x2048xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%in: f32):
    %sum = qopt.reduce addf %in : f32
    qopt.yield %sum : f32
  } {extents = array<i64: 16, 2048>, reductions = array<i1: false, true>, indexing_maps = [#id, #row],
     config = #qopt.loops_config<rows, threads = 128, row_threads = 32, lanes = 4, items = 3>} -> tensor<16xf32>
  return %0 : tensor<16xf32>
}

// -----

#in = affine_map<(c, h, w) -> (h, w, c)>
#out = affine_map<(c, h, w) -> (c)>
func.func @strided_lanes(%x: tensor<9x9x32xi32>) -> tensor<32xi32> {
  %e = tensor.empty() : tensor<32xi32>
  // expected-error @below {{cannot have #qopt.loops_config<rows, threads = 64, row_threads = 8, lanes = 2, items = 6>: its innermost reduced loop has 3 iterations; use lanes that divide them}}
  %0 = qopt.loops ins(%x : tensor<9x9x32xi32>) outs(%e : tensor<32xi32>) {
  ^bb0(%in: i32):
    %sum = qopt.reduce addi %in : i32
    qopt.yield %sum : i32
  } {extents = array<i64: 32, 3, 3>, reductions = array<i1: false, true, true>, indexing_maps = [#in, #out],
     config = #qopt.loops_config<rows, threads = 64, row_threads = 8, lanes = 2, items = 6>} -> tensor<32xi32>
  return %0 : tensor<32xi32>
}

// -----

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
func.func @no_convolution(%x: tensor<16x128xi32>) -> tensor<16xi32> {
  %e = tensor.empty() : tensor<16xi32>
  // expected-error @below {{it is no 8-bit depthwise convolution with channels innermost and without dilation along the width}}
  %0 = qopt.loops ins(%x : tensor<16x128xi32>) outs(%e : tensor<16xi32>) {
  ^bb0(%in: i32):
    %sum = qopt.reduce addi %in : i32
    qopt.yield %sum : i32
  } {extents = array<i64: 16, 128>, reductions = array<i1: false, true>, indexing_maps = [#id, #row],
     config = #qopt.loops_config<depthwise, threads = 64, row_threads = 1, lanes = 4, items = 2>} -> tensor<16xi32>
  return %0 : tensor<16xi32>
}

// -----

// What is read between the elements of an image has no linear address.
func.func @not_linear(%x: tensor<16x8xi32>) -> tensor<16xi32> {
  %e = tensor.empty() : tensor<16xi32>
  // expected-error @below {{has no GPU kernel in this version: a subscript of operand #0 is not linear: affine_map<(d0, d1) -> (d0, d1 floordiv 2)>}}
  %0 = qopt.loops ins(%x : tensor<16x8xi32>) outs(%e : tensor<16xi32>) {
  ^bb0(%in: i32):
    %sum = qopt.reduce addi %in : i32
    qopt.yield %sum : i32
  } {extents = array<i64: 16, 16>, reductions = array<i1: false, true>, pads = [0 : i32],
     indexing_maps = [affine_map<(m, n) -> (m, n floordiv 2)>, affine_map<(m, n) -> (m)>]} -> tensor<16xi32>
  return %0 : tensor<16xi32>
}
