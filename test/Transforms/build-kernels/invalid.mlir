// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-build-kernels)' --split-input-file --verify-diagnostics

func.func @main(%x: memref<8xf32> {qopt.kind = "input"}, %y: memref<8xf32> {qopt.kind = "output"}) {
  // expected-error @below {{has no GPU kernel in this version: 'math.log' has no exact code for GPUs}}
  linalg.log ins(%x : memref<8xf32>) outs(%y : memref<8xf32>)
  return
}

// -----

func.func @main(%x: memref<8xi32> {qopt.kind = "input"}, %y: memref<8xi32> {qopt.kind = "output"}) {
  // expected-error @below {{has no GPU kernel in this version: 'scf.if' in its body}}
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : memref<8xi32>) outs(%y : memref<8xi32>) {
  ^bb0(%in: i32, %out: i32):
    %c9 = arith.constant 9 : i32
    %0 = arith.cmpi slt, %in, %c9 : i32
    %1 = scf.if %0 -> i32 {
      scf.yield %in : i32
    } else {
      scf.yield %c9 : i32
    }
    linalg.yield %1 : i32
  }
  return
}

// -----

func.func @main(%x: memref<8xi32> {qopt.kind = "input"}, %y: memref<8xi32> {qopt.kind = "output"}) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'memref.load' op has no GPU kernel in this version}}
  %0 = memref.load %x[%c0] : memref<8xi32>
  linalg.fill ins(%0 : i32) outs(%y : memref<8xi32>)
  return
}

// -----

func.func @main(%x: memref<8xi32, strided<[1], offset: ?>> {qopt.kind = "input"}, %y: memref<8xi32> {qopt.kind = "output"}) {
  %0 = memref.cast %x : memref<8xi32, strided<[1], offset: ?>> to memref<8xi32, strided<[?], offset: ?>>
  // expected-error @below {{has no GPU kernel in this version: operand #0 has a layout that is not known at compile time}}
  memref.copy %0, %y : memref<8xi32, strided<[?], offset: ?>> to memref<8xi32>
  return
}

// -----

func.func @main(%x: memref<8xi4> {qopt.kind = "input"}, %y: memref<8xi4> {qopt.kind = "output"}) {
  // expected-error @below {{has no GPU kernel in this version: elements of type 'i4'}}
  memref.copy %x, %y : memref<8xi4> to memref<8xi4>
  return
}

// -----

func.func @main(%x: memref<8x8xf32> {qopt.kind = "input"}, %y: memref<8xf32> {qopt.kind = "output"}) {
  // expected-error @below {{has no GPU kernel in this version: iterations share elements of an output}}
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<8x8xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  }
  return
}

// -----

// expected-error @below {{argument #0 must be a buffer with a qopt.kind: run qopt-prepare-kernels, qopt-bufferize-kernels and qopt-plan-memory first}}
func.func @main(%x: memref<8xf32>, %y: memref<8xf32>) {
  return
}
