// RUN: quant-opt %s --qopt-lower-to-integer --split-input-file --verify-diagnostics

// Imported scales whose product f32 does not hold: 2^-80 · 2^-80 / 1 is 0.
func.func @zero_multiplier(%qx: tensor<1x1x!quant.uniform<i8:f32, 8.2718061255302767E-25>>) -> tensor<1x2x!quant.uniform<i8:f32, 1.0>> {
  %wi = arith.constant dense<[[3, 4]]> : tensor<1x2xi8>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %dx = quant.dcast %qx : tensor<1x1x!quant.uniform<i8:f32, 8.2718061255302767E-25>> to tensor<1x1xf32>
  %qw = quant.scast %wi : tensor<1x2xi8> to tensor<1x2x!quant.uniform<i8<-127:127>:f32:1, {0.25, 8.2718061255302767E-25}>>
  %dw = quant.dcast %qw : tensor<1x2x!quant.uniform<i8<-127:127>:f32:1, {0.25, 8.2718061255302767E-25}>> to tensor<1x2xf32>
  // expected-error @below {{the requantization of output channel 1 has no finite positive multiplier and finite offset (M = 0.000000e+00, B = 0.000000e+00) from the scales 8.271806e-25 of the activation, 8.271806e-25 of the weight and 1.000000e+00 of the result, and the bias 0.000000e+00: keep the op float or correct the scales}}
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x1xf32>, tensor<1x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  %qy = quant.qcast %0 : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i8:f32, 1.0>>
  return %qy : tensor<1x2x!quant.uniform<i8:f32, 1.0>>
}

// -----

// The same in real units: 2^100 · 2^100.
func.func @infinite_multiplier(%qx: tensor<1x1x!quant.uniform<i8:f32, 1.2676506002282294E+30>>) -> tensor<1x1xf32> {
  %wi = arith.constant dense<3> : tensor<1x1xi8>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %dx = quant.dcast %qx : tensor<1x1x!quant.uniform<i8:f32, 1.2676506002282294E+30>> to tensor<1x1xf32>
  %qw = quant.scast %wi : tensor<1x1xi8> to tensor<1x1x!quant.uniform<i8<-127:127>:f32, 1.2676506002282294E+30>>
  %dw = quant.dcast %qw : tensor<1x1x!quant.uniform<i8<-127:127>:f32, 1.2676506002282294E+30>> to tensor<1x1xf32>
  // expected-error @below {{the requantization of output channel 0 has no finite positive multiplier and finite offset (M = INF}}
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x1xf32>, tensor<1x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  return %0 : tensor<1x1xf32>
}

// -----

// A bias of 1e30 in steps of 2^-40 is no f32.
func.func @infinite_offset(%qx: tensor<1x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x1x!quant.uniform<i8:f32, 9.094947017729282E-13>> {
  %wi = arith.constant dense<3> : tensor<1x1xi8>
  %bias = arith.constant dense<1.0e30> : tensor<1xf32>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %dx = quant.dcast %qx : tensor<1x1x!quant.uniform<i8:f32, 0.5>> to tensor<1x1xf32>
  %qw = quant.scast %wi : tensor<1x1xi8> to tensor<1x1x!quant.uniform<i8<-127:127>:f32, 0.25>>
  %dw = quant.dcast %qw : tensor<1x1x!quant.uniform<i8<-127:127>:f32, 0.25>> to tensor<1x1xf32>
  // expected-error @below {{and the bias 1.000000e+30: keep the op float or correct the scales}}
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x1xf32>, tensor<1x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<1x1xf32>, tensor<1xf32>) outs(%zero : tensor<1x1xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.addf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x1xf32>
  %qy = quant.qcast %1 : tensor<1x1xf32> to tensor<1x1x!quant.uniform<i8:f32, 9.094947017729282E-13>>
  return %qy : tensor<1x1x!quant.uniform<i8:f32, 9.094947017729282E-13>>
}

// -----

// The extremes of scales that we choose: 2^-40 · 2^-40 / 2^40 and the reverse
// are normal.
func.func @chosen(%qx: tensor<1x1x!quant.uniform<i8:f32, 9.094947017729282E-13>>, %qz: tensor<1x1x!quant.uniform<i8:f32, 1.099511627776E+12>>)
    -> (tensor<1x1x!quant.uniform<i8:f32, 1.099511627776E+12>>, tensor<1x1x!quant.uniform<i8:f32, 9.094947017729282E-13>>) {
  %wi = arith.constant dense<3> : tensor<1x1xi8>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %dx = quant.dcast %qx : tensor<1x1x!quant.uniform<i8:f32, 9.094947017729282E-13>> to tensor<1x1xf32>
  %dz = quant.dcast %qz : tensor<1x1x!quant.uniform<i8:f32, 1.099511627776E+12>> to tensor<1x1xf32>
  %qw = quant.scast %wi : tensor<1x1xi8> to tensor<1x1x!quant.uniform<i8<-127:127>:f32, 9.094947017729282E-13>>
  %dw = quant.dcast %qw : tensor<1x1x!quant.uniform<i8<-127:127>:f32, 9.094947017729282E-13>> to tensor<1x1xf32>
  %qv = quant.scast %wi : tensor<1x1xi8> to tensor<1x1x!quant.uniform<i8<-127:127>:f32, 1.099511627776E+12>>
  %dv = quant.dcast %qv : tensor<1x1x!quant.uniform<i8<-127:127>:f32, 1.099511627776E+12>> to tensor<1x1xf32>
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x1xf32>, tensor<1x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  %1 = linalg.matmul ins(%dz, %dv : tensor<1x1xf32>, tensor<1x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  %qy = quant.qcast %0 : tensor<1x1xf32> to tensor<1x1x!quant.uniform<i8:f32, 1.099511627776E+12>>
  %qu = quant.qcast %1 : tensor<1x1xf32> to tensor<1x1x!quant.uniform<i8:f32, 9.094947017729282E-13>>
  return %qy, %qu : tensor<1x1x!quant.uniform<i8:f32, 1.099511627776E+12>>, tensor<1x1x!quant.uniform<i8:f32, 9.094947017729282E-13>>
}
