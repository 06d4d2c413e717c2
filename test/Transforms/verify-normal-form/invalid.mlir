// RUN: quant-opt %s --qopt-verify-normal-form --split-input-file --verify-diagnostics \
// RUN:   --allow-unregistered-dialect

func.func @tosa(%x: tensor<1xf32>) -> tensor<1xf32> {
  // expected-error @below {{op 'tosa.add' is not part of normal form: import left it behind}}
  %0 = tosa.add %x, %x : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

func.func @unregistered(%x: tensor<1xf32>) {
  // expected-error @below {{op 'torch.relu' is not part of normal form}}
  "torch.relu"(%x) : (tensor<1xf32>) -> ()
  return
}

// -----

func.func @channels_first(%x: tensor<1x2x4x4xf32>, %w: tensor<1x2x2x2xf32>, %init: tensor<1x1x3x3xf32>) -> tensor<1x1x3x3xf32> {
  // expected-error @below {{is not channels-last: run qopt-propagate-layout}}
  %0 = linalg.conv_2d_nchw_fchw ins(%x, %w : tensor<1x2x4x4xf32>, tensor<1x2x2x2xf32>)
                                outs(%init : tensor<1x1x3x3xf32>) -> tensor<1x1x3x3xf32>
  return %0 : tensor<1x1x3x3xf32>
}

// -----

func.func @depthwise(%x: tensor<1x2x4x4xf32>, %w: tensor<2x2x2xf32>, %init: tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32> {
  // expected-error @below {{is not channels-last}}
  %0 = linalg.depthwise_conv_2d_nchw_chw ins(%x, %w : tensor<1x2x4x4xf32>, tensor<2x2x2xf32>)
                                         outs(%init : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  return %0 : tensor<1x2x3x3xf32>
}

// -----

func.func @pool(%x: tensor<1x2x4x4xf32>, %window: tensor<2x2xf32>, %init: tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32> {
  // expected-error @below {{is not channels-last}}
  %0 = linalg.pooling_nchw_max ins(%x, %window : tensor<1x2x4x4xf32>, tensor<2x2xf32>)
                               outs(%init : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  return %0 : tensor<1x2x3x3xf32>
}

// -----

func.func @buffers(%x: memref<2x2xf32>) {
  // expected-error @below {{works on buffers; normal form is on tensors}}
  linalg.matmul ins(%x, %x : memref<2x2xf32>, memref<2x2xf32>) outs(%x : memref<2x2xf32>)
  return
}

// -----

func.func @dynamic(%n: index) {
  // expected-error @below {{has the dynamic type 'tensor<?xf32>'; normal form is static}}
  %0 = tensor.empty(%n) : tensor<?xf32>
  return
}

// -----

func.func @resource() -> tensor<2xf32> {
  // expected-error @below {{resource 'w' holds 4 bytes, but its type 'tensor<2xf32>' needs 8}}
  %0 = arith.constant dense_resource<w> : tensor<2xf32>
  return %0 : tensor<2xf32>
}
{-# dialect_resources: { builtin: { w: "0x040000000000803F" } } #-}

// -----

func.func @conv_3d(%x: tensor<1x2x4x4x4xf32>, %w: tensor<1x2x2x2x2xf32>, %init: tensor<1x1x3x3x3xf32>) -> tensor<1x1x3x3x3xf32> {
  // expected-error @below {{is not channels-last}}
  %0 = linalg.conv_3d_ncdhw_fcdhw ins(%x, %w : tensor<1x2x4x4x4xf32>, tensor<1x2x2x2x2xf32>)
                                  outs(%init : tensor<1x1x3x3x3xf32>) -> tensor<1x1x3x3x3xf32>
  return %0 : tensor<1x1x3x3x3xf32>
}

// -----

func.func @branch(%ok: i1, %x: tensor<1xf32>) -> tensor<1xf32> {
  // expected-error @below {{op 'scf.if' chooses by a value of run time what is computed; export the branch that is needed}}
  %0 = scf.if %ok -> tensor<1xf32> {
    %1 = arith.addf %x, %x : tensor<1xf32>
    scf.yield %1 : tensor<1xf32>
  } else {
    scf.yield %x : tensor<1xf32>
  }
  return %0 : tensor<1xf32>
}

// -----

func.func @dynamic_loop(%n: index, %x: tensor<1xf32>) -> tensor<1xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error @below {{how often the loop runs is not constant; export the model with a fixed sequence length}}
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%y = %x) -> (tensor<1xf32>) {
    %1 = arith.addf %y, %y : tensor<1xf32>
    scf.yield %1 : tensor<1xf32>
  }
  return %0 : tensor<1xf32>
}

// -----

func.func @no_step(%x: tensor<1xf32>) -> tensor<1xf32> {
  %c0 = arith.constant 0 : index
  // expected-error @below {{how often the loop runs is not constant}}
  %0 = scf.for %i = %c0 to %c0 step %c0 iter_args(%y = %x) -> (tensor<1xf32>) {
    scf.yield %y : tensor<1xf32>
  }
  return %0 : tensor<1xf32>
}

// -----

func.func @while(%x: tensor<1xf32>, %go: i1) -> tensor<1xf32> {
  // expected-error @below {{op 'scf.while' is not part of normal form; use scf.for with constant bounds}}
  %0 = scf.while (%y = %x) : (tensor<1xf32>) -> tensor<1xf32> {
    scf.condition(%go) %y : tensor<1xf32>
  } do {
  ^bb0(%y: tensor<1xf32>):
    scf.yield %y : tensor<1xf32>
  }
  return %0 : tensor<1xf32>
}
