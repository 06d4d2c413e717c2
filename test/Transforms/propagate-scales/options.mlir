// RUN: quant-opt %s --qopt-propagate-scales=activations=symmetric | FileCheck %s --check-prefix=SYMMETRIC
// RUN: quant-opt %s --qopt-propagate-scales=activations=asymmetric | FileCheck %s --check-prefix=ASYMMETRIC
// RUN: quant-opt %s --qopt-propagate-scales=storage-s8 | FileCheck %s --check-prefix=S8

// Each mode allows some storage kinds; storage-s8 shifts u8 by 128.
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  // SYMMETRIC: name = "two_sided", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
  // ASYMMETRIC: name = "two_sided", {{.+}} type = !quant.uniform<u8:f32, 5.000000e-01:64>
  // S8: name = "two_sided", {{.+}} type = !quant.uniform<i8:f32, 5.000000e-01:-64>
  %0 = qopt.observe %x {name = "two_sided", stats = #qopt.stats<min = -32.0, max = 95.5, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 1.0>,
      #qopt.candidate<u8_asymmetric, max, min = -32.0, max = 95.5, error = 0.25>]>} : tensor<2xf32>
  // SYMMETRIC: name = "one_sided", {{.+}} type = !quant.uniform<u8:f32, 5.000000e-01>
  // ASYMMETRIC: name = "one_sided", {{.+}} type = !quant.uniform<u8:f32, 2.500000e-01>
  // S8: name = "one_sided", {{.+}} type = !quant.uniform<i8:f32, 5.000000e-01:-128>
  %1 = qopt.observe %0 {name = "one_sided", stats = #qopt.stats<min = 0.0, max = 127.5, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 0.1>,
      #qopt.candidate<u8, max, min = 0.0, max = 127.5, error = 0.05>,
      #qopt.candidate<u8_asymmetric, max, min = 0.0, max = 63.75, error = 0.05>]>} : tensor<2xf32>
  return %1 : tensor<2xf32>
}
