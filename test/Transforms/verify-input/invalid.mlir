// RUN: quant-opt %s --qopt-verify-input --split-input-file --verify-diagnostics \
// RUN:   --allow-unregistered-dialect

// expected-error @below {{the module has no public function with a body to work on}}
module {
  func.func private @declared(tensor<1xf32>) -> tensor<1xf32>
  func.func private @hidden() {
    return
  }
}

// -----

// expected-error @below {{several public functions: name one with entry= (the module has: first, second)}}
module {
  func.func @first() {
    return
  }
  func.func @second() {
    return
  }
}

// -----

// expected-error @below {{control flow between blocks cannot be imported}}
func.func @blocks(%x: tensor<1xf32>) -> tensor<1xf32> {
  cf.br ^exit
^exit:
  return %x : tensor<1xf32>
}

// -----

// expected-error @below {{unranked tensors cannot be imported}}
func.func @unranked(%x: tensor<*xf32>) {
  return
}

// -----

// expected-error @below {{has the dynamic shape 'tensor<?x4xf32>'; fix the arguments' shapes with --shape=NAME:1x3x224x224}}
func.func @dynamic_argument(%x: tensor<?x4xf32>) {
  return
}

// -----

func.func @dynamic_result(%n: index) {
  // expected-error @below {{has the dynamic shape 'tensor<?xf32>'; fix the arguments' shapes}}
  %0 = tensor.empty(%n) : tensor<?xf32>
  return
}

// -----

// expected-error @below {{has the type 'tensor<1099511627777xi8>', which is too large to be real}}
func.func @large(%x: tensor<1099511627777xi8>) {
  return
}

// -----

// expected-error @below {{has the type 'tensor<4294967296x4294967296x4xi8>', which is too large to be real}}
func.func @overflow(%x: tensor<4294967296x4294967296x4xi8>) {
  return
}

// -----

func.func @dialect(%x: tensor<1xf32>) -> tensor<1xf32> {
  // expected-error @below {{op 'torch.aten.relu' cannot be imported: dialect 'torch' is not one of func, linalg, tensor, arith, math, scf, cf, tosa; lower it before with torch-mlir-opt}}
  %0 = "torch.aten.relu"(%x) : (tensor<1xf32>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

// A registered dialect that is not an input's.
func.func @memref() {
  // expected-error @below {{op 'memref.alloc' cannot be imported: dialect 'memref' is not one of}}
  %0 = memref.alloc() : memref<4xf32>
  return
}
