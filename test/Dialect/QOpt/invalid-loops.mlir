// What qopt.loops refuses.
// RUN: quant-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<4x8xf32>, %d: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{input #0 is read outside of dim 1 of 'tensor<4x8xf32>' and has no pad}}
  %0 = qopt.loops ins(%x : tensor<4x8xf32>) outs(%d : tensor<4xf32>) {
  ^bb0(%x0: f32):
    %s = qopt.reduce addf %x0 : f32
    qopt.yield %s : f32
  } {extents = array<i64: 4, 9>, reductions = array<i1: false, true>, indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>]} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<4x8xf32>, %d: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{pad #0 is 0 : i8, but elements are 'f32'}}
  %0 = qopt.loops ins(%x : tensor<4x8xf32>) outs(%d : tensor<4xf32>) {
  ^bb0(%x0: f32):
    %s = qopt.reduce addf %x0 : f32
    qopt.yield %s : f32
  } {extents = array<i64: 4, 8>, reductions = array<i1: false, true>, indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>], pads = [0 : i8]} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<4x8xf32>, %d: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{has 1 inputs, but 2 pads}}
  %0 = qopt.loops ins(%x : tensor<4x8xf32>) outs(%d : tensor<4xf32>) {
  ^bb0(%x0: f32):
    %s = qopt.reduce addf %x0 : f32
    qopt.yield %s : f32
  } {extents = array<i64: 4, 8>, reductions = array<i1: false, true>, indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>], pads = [unit, unit]} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<4x8xf32>, %d: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{has 2 extents, but 1 reductions}}
  %0 = qopt.loops ins(%x : tensor<4x8xf32>) outs(%d : tensor<4xf32>) {
  ^bb0(%x0: f32):
    %s = qopt.reduce addf %x0 : f32
    qopt.yield %s : f32
  } {extents = array<i64: 4, 8>, reductions = array<i1: true>, indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>]} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<4x8xf32>, %d: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{has 2 operands, but 1 maps}}
  %0 = qopt.loops ins(%x : tensor<4x8xf32>) outs(%d : tensor<4xf32>) {
  ^bb0(%x0: f32):
    %s = qopt.reduce addf %x0 : f32
    qopt.yield %s : f32
  } {extents = array<i64: 4, 8>, reductions = array<i1: false, true>, indexing_maps = [affine_map<(m, n) -> (m, n)>]} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<4x8xf32>, %d: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @below {{init #0 of type 'tensor<8xf32>' must have all parallel loops as dims}}
  %0 = qopt.loops ins(%x : tensor<4x8xf32>) outs(%d : tensor<8xf32>) {
  ^bb0(%x0: f32):
    %s = qopt.reduce addf %x0 : f32
    qopt.yield %s : f32
  } {extents = array<i64: 4, 8>, reductions = array<i1: false, true>, indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>]} -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

func.func @f(%x: tensor<4x8xf32>, %d: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{result #0 has no reduced loop, but its value depends on one}}
  %0 = qopt.loops ins(%x : tensor<4x8xf32>) outs(%d : tensor<4xf32>) {
  ^bb0(%x0: f32):
    %s = arith.addf %x0, %x0 : f32
    qopt.yield %s : f32
  } {extents = array<i64: 4, 8>, reductions = array<i1: false, true>, indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>]} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<4x8xf32>, %d: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{region must take one element per input}}
  %0 = qopt.loops ins(%x : tensor<4x8xf32>) outs(%d : tensor<4xf32>) {
  ^bb0(%x0: i32):
    %s = arith.constant 0.0 : f32
    qopt.yield %s : f32
  } {extents = array<i64: 4, 8>, reductions = array<i1: false, true>, indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>]} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<4x8xf32>, %d: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{region must yield}}
  %0 = qopt.loops ins(%x : tensor<4x8xf32>) outs(%d : tensor<4xf32>) {
  ^bb0(%x0: f32):
    %s = arith.constant 0 : i32
    qopt.yield %s : i32
  } {extents = array<i64: 4, 8>, reductions = array<i1: false, true>, indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>]} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<4x8xf32>, %d: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{needs positive extents, but one is 0}}
  %0 = qopt.loops ins(%x : tensor<4x8xf32>) outs(%d : tensor<4xf32>) {
  ^bb0(%x0: f32):
    %s = qopt.reduce addf %x0 : f32
    qopt.yield %s : f32
  } {extents = array<i64: 4, 0>, reductions = array<i1: false, true>, indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>]} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-error @below {{row_threads must be a power of two that divides 256, but is 24}}
#config = #qopt.loops_config<rows, threads = 256, row_threads = 24, lanes = 8, items = 1>

// -----

// expected-error @below {{a block of 48 threads; it must be whole warps, at most 1024 threads}}
#config = #qopt.loops_config<threads, threads = 48, row_threads = 1, lanes = 1, items = 1>
