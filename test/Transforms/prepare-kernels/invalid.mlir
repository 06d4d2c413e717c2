// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-prepare-kernels)' --split-input-file --verify-diagnostics

// expected-error @below {{cannot run on a GPU: argument #1 is 'f32', but must be a tensor of static shape}}
func.func @main(%x: tensor<4xf32>, %s: f32) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{cannot run on a GPU: result #0 is 'tensor<?xf32>', but must be a tensor of static shape}}
func.func @main(%x: tensor<4xf32>) -> tensor<?xf32> {
  %0 = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{has no GPU kernel in this version: it could not be inlined}}
  %0 = call @main(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>, %n: tensor<1xindex>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %i = tensor.extract %n[%c0] : tensor<1xindex>
  // expected-error @below {{has no GPU kernel in this version: the shape of 'tensor<?xf32>' is not known at compile time}}
  %0 = tensor.extract_slice %x[0] [%i] [1] : tensor<4xf32> to tensor<?xf32>
  %1 = linalg.add ins(%0, %0 : tensor<?xf32>, tensor<?xf32>)
                  outs(%0 : tensor<?xf32>) -> tensor<?xf32>
  %2 = tensor.insert_slice %1 into %x[0] [%i] [1] : tensor<?xf32> into tensor<4xf32>
  return %2 : tensor<4xf32>
}
