// RUN: %quant_opt %s --qopt-export-kernels --split-input-file --verify-diagnostics

module {
  // expected-error @below {{is no entry of a kernels form: expected buffers and the batch (index) as arguments}}
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
}

// -----

module attributes {gpu.container_module} {
  func.func @main(%x: memref<4xf32> {qopt.kind = "input"}, %batch: index {qopt.kind = "batch"}) {
    // expected-error @below {{packs what is no constant: expected a memref.get_global, reshaped at most}}
    %0 = qopt.pack %x {permutation = array<i64: 0>} : memref<4xf32> -> memref<8xf32>
    return
  }
}

// -----

module attributes {gpu.container_module} {
  memref.global "private" @c : memref<4xf32>
  func.func @main(%x: memref<4xf32> {qopt.kind = "input"}, %batch: index {qopt.kind = "batch"}) {
    %c = memref.get_global @c : memref<4xf32>
    // expected-error @below {{packs @c, which has no elements}}
    %0 = qopt.pack %c {permutation = array<i64: 0>} : memref<4xf32> -> memref<8xf32>
    return
  }
}

// -----

module attributes {gpu.container_module} {
  gpu.module @kernels [#nvvm.target<chip = "sm_80">] {
    llvm.func @read(%a: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
      llvm.return
    }
  }
  func.func @main(%x: memref<4xf32> {qopt.kind = "input"}, %batch: index {qopt.kind = "batch"}) {
    %c1 = arith.constant 1 : index
    %0 = memref.subview %x[%batch] [2] [1] : memref<4xf32> to memref<2xf32, strided<[1], offset: ?>>
    // expected-error @below {{takes a buffer of type 'memref<2xf32, strided<[1], offset: ?>>', whose place is not known at compile time}}
    gpu.launch_func @kernels::@read blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1)
        args(%0 : memref<2xf32, strided<[1], offset: ?>>)
    return
  }
}
