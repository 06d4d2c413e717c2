// RUN: not quant-opt %s --qopt-calibrate="data=%t.none.npz entry=vector" 2>&1 | FileCheck %s --check-prefix=FILE
// RUN: rm -rf %t && mkdir -p %t
// RUN: not quant-opt %s --qopt-calibrate="data=%t entry=vector" 2>&1 | FileCheck %s --check-prefix=FOLDER
// RUN: not quant-opt %s --qopt-calibrate="data=%S/Inputs/rows.npz entry=vector" 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not quant-opt %s --qopt-calibrate="data=%S/Inputs/rows.npz entry=wide" 2>&1 | FileCheck %s --check-prefix=SHAPE
// RUN: not quant-opt %s --qopt-calibrate="data=%S/Inputs/rows.npz entry=integers" 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not quant-opt %s --qopt-calibrate="data=%S/Inputs/rows.npz entry=nothing" 2>&1 | FileCheck %s --check-prefix=NOTHING
// RUN: not quant-opt %s --qopt-calibrate="data=%S/Inputs/rows.npz entry=checked" 2>&1 | FileCheck %s --check-prefix=ASSERT
// RUN: not quant-opt %s --qopt-calibrate="data=%S/Inputs/rows.npz entry=absent" 2>&1 | FileCheck %s --check-prefix=ENTRY

// FILE: error: calibration data: '{{.*}}.none.npz': cannot be opened: No such file or directory
// FOLDER: error: calibration data: folder '{{.*}}' holds no .npz file
// NAME: error: calibration data: '{{.*}}rows.npz' has no array 'arg0' of shape {{.*}}3{{.*}}; it has: 'image'
func.func @vector(%x: tensor<1x3xf32>) -> tensor<1x3xf32> {
  %0 = qopt.observe %x {name = "x"} : tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}
// SHAPE: error: calibration data: array 'image' of '{{.*}}rows.npz' {{.*}}40x2{{.*}}
func.func @wide(%x: tensor<1x3xf32> {qopt.name = "image"}) -> tensor<1x3xf32> {
  %0 = qopt.observe %x {name = "x"} : tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}
// TYPE: error: calibration data: array 'image' of '{{.*}}rows.npz' {{.*}}f32{{.*}}
func.func @integers(%x: tensor<1x2xi64> {qopt.name = "image"}) -> tensor<1x2xi64> {
  return %x : tensor<1x2xi64>
}
// NOTHING: error: calibration data: the model has no arguments
func.func @nothing() -> tensor<1xf32> {
  %0 = arith.constant dense<1.0> : tensor<1xf32>
  %1 = qopt.observe %0 {name = "x"} : tensor<1xf32>
  return %1 : tensor<1xf32>
}
// ASSERT: error: calibration failed: {{.*}}the sum is too large
func.func @checked(%x: tensor<1x2xf32> {qopt.name = "image"}) -> tensor<1x2xf32> {
  %c0 = arith.constant 0 : index
  %limit = arith.constant 14.0 : f32
  %v = tensor.extract %x[%c0, %c0] : tensor<1x2xf32>
  %ok = arith.cmpf olt, %v, %limit : f32
  cf.assert %ok, "the sum is too large"
  %0 = qopt.observe %x {name = "x"} : tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}
// ENTRY: error: no function 'absent' with a body; the module has: vector, wide, integers, nothing, checked
