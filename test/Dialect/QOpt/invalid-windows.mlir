// RUN: quant-opt %s --split-input-file --verify-diagnostics

func.func @rows(%x: tensor<1x4x4x16xi8>, %b: tensor<24x144xi8>, %e: tensor<5x24xi32>) -> tensor<5x24xi32> {
  // expected-error @below {{has 4 windows, but a result of 5 rows}}
  %d = qopt.gemm ins(%x, %b : tensor<1x4x4x16xi8>, tensor<24x144xi8>) outs(%e : tensor<5x24xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], window = #qopt.window<kernel = [3, 3], out = [2, 2], stride = [1, 1], dilation = [1, 1], pad = [0, 0], input_dilation = [1, 1], groups = 1, pad_value = 0>} -> tensor<5x24xi32>
  return %d : tensor<5x24xi32>
}

// -----

func.func @rank(%x: tensor<4x4x16xi8>, %b: tensor<24x144xi8>, %e: tensor<4x24xi32>) -> tensor<4x24xi32> {
  // expected-error @below {{with a window needs an image of rank 4, and b and a result of rank 2}}
  %d = qopt.gemm ins(%x, %b : tensor<4x4x16xi8>, tensor<24x144xi8>) outs(%e : tensor<4x24xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], window = #qopt.window<kernel = [3, 3], out = [2, 2], stride = [1, 1], dilation = [1, 1], pad = [0, 0], input_dilation = [1, 1], groups = 1, pad_value = 0>} -> tensor<4x24xi32>
  return %d : tensor<4x24xi32>
}

// -----

func.func @groups(%x: tensor<1x4x4x16xi8>, %b: tensor<24x48xi8>, %e: tensor<4x24xi32>) -> tensor<4x24xi32> {
  // expected-error @below {{has 16 channels in 3 groups}}
  %d = qopt.gemm ins(%x, %b : tensor<1x4x4x16xi8>, tensor<24x48xi8>) outs(%e : tensor<4x24xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], window = #qopt.window<kernel = [3, 3], out = [2, 2], stride = [1, 1], dilation = [1, 1], pad = [0, 0], input_dilation = [1, 1], groups = 3, pad_value = 0>} -> tensor<4x24xi32>
  return %d : tensor<4x24xi32>
}

// -----

func.func @depth(%x: tensor<1x4x4x16xi8>, %b: tensor<24x128xi8>, %e: tensor<4x24xi32>) -> tensor<4x24xi32> {
  // expected-error @below {{b must have at least 24 rows of 144 elements}}
  %d = qopt.gemm ins(%x, %b : tensor<1x4x4x16xi8>, tensor<24x128xi8>) outs(%e : tensor<4x24xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], window = #qopt.window<kernel = [3, 3], out = [2, 2], stride = [1, 1], dilation = [1, 1], pad = [0, 0], input_dilation = [1, 1], groups = 1, pad_value = 0>} -> tensor<4x24xi32>
  return %d : tensor<4x24xi32>
}

// -----

// The pad value reads as the image does.

func.func @signed(%x: tensor<1x4x4x16xi8>, %b: tensor<24x144xi8>, %e: tensor<4x24xi32>) -> tensor<4x24xi32> {
  // expected-error @below {{pads signed bytes with 200}}
  %d = qopt.gemm ins(%x, %b : tensor<1x4x4x16xi8>, tensor<24x144xi8>) outs(%e : tensor<4x24xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], window = #qopt.window<kernel = [3, 3], out = [2, 2], stride = [1, 1], dilation = [1, 1], pad = [0, 0], input_dilation = [1, 1], groups = 1, pad_value = 200>} -> tensor<4x24xi32>
  return %d : tensor<4x24xi32>
}

// -----

func.func @unsigned(%x: tensor<1x4x4x16xi8>, %b: tensor<24x144xi8>, %e: tensor<4x24xi32>) -> tensor<4x24xi32> {
  // expected-error @below {{pads unsigned bytes with -1}}
  %d = qopt.gemm ins(%x, %b : tensor<1x4x4x16xi8>, tensor<24x144xi8>) outs(%e : tensor<4x24xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {a_unsigned, epilogue_maps = [], window = #qopt.window<kernel = [3, 3], out = [2, 2], stride = [1, 1], dilation = [1, 1], pad = [0, 0], input_dilation = [1, 1], groups = 1, pad_value = -1>} -> tensor<4x24xi32>
  return %d : tensor<4x24xi32>
}

// -----

func.func @floats(%x: tensor<1x4x4x16xf32>, %b: tensor<24x144xf32>, %e: tensor<4x24xf32>) -> tensor<4x24xf32> {
  // expected-error @below {{pads floats with other values than 0}}
  %d = qopt.gemm ins(%x, %b : tensor<1x4x4x16xf32>, tensor<24x144xf32>) outs(%e : tensor<4x24xf32>) {
  ^bb0(%acc: f32):
    qopt.yield %acc : f32
  } {epilogue_maps = [], window = #qopt.window<kernel = [3, 3], out = [2, 2], stride = [1, 1], dilation = [1, 1], pad = [0, 0], input_dilation = [1, 1], groups = 1, pad_value = 1>} -> tensor<4x24xf32>
  return %d : tensor<4x24xf32>
}

// -----

// expected-error @below {{extents of a window must be positive, but one is 0}}
#stride = #qopt.window<kernel = [3, 3], out = [2, 2], stride = [0, 1], dilation = [1, 1], pad = [0, 0], input_dilation = [1, 1], groups = 1, pad_value = 0>
func.func private @stride() attributes {test.w = #stride}

// -----

// expected-error @below {{pads must not be negative, but one is -1}}
#pad = #qopt.window<kernel = [3, 3], out = [2, 2], stride = [1, 1], dilation = [1, 1], pad = [-1, 0], input_dilation = [1, 1], groups = 1, pad_value = 0>
func.func private @pad() attributes {test.w = #pad}

// -----

// expected-error @below {{pad_value must have 8 bits, but is 256}}
#value = #qopt.window<kernel = [3, 3], out = [2, 2], stride = [1, 1], dilation = [1, 1], pad = [0, 0], input_dilation = [1, 1], groups = 1, pad_value = 256>
func.func private @value() attributes {test.w = #value}
