// RUN: quant-opt %s --qopt-calibrate=data=%S/Inputs/nan.npz 2>&1 | FileCheck %s --check-prefix=NAN
// RUN: quant-opt %s --qopt-calibrate=data=%S/Inputs/folder/a.npz 2>&1 | FileCheck %s --check-prefix=FEW
// RUN: quant-opt %s --qopt-calibrate=data=%S/Inputs/odd.npz 2>&1 | FileCheck %s --check-prefix=REST

// Ranges ignore what is not finite, and say so; few samples are a warning; rows
// that do not fill a batch are dropped with a remark.
// NAN:     warning: edge 'image' held 2 values that are NaN or infinite in calibration; its range ignores them
// NAN:     min = -5.0, max = 14.75, count = 80, nonfinite = 2
// NAN-NOT: warning
// FEW:     warning: calibrated with 20 samples; fewer than 32 hardly show an edge's range
// FEW:     count = 40
// REST:    remark: calibration data: the last 1 rows of array 'image' of '{{.*}}odd.npz' do not fill a batch of 2 and are not used
// REST:    {name = "calibration_samples", value = 3.400000e+01 : f64}
func.func @main(%x: tensor<2x2xf32> {qopt.name = "image"}) -> tensor<2x2xf32> {
  %0 = qopt.observe %x {name = "image"} : tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}
