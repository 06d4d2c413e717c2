// RUN: quant-opt %s --qopt-quantize --split-input-file --verify-diagnostics

func.func @weight_gone(%x: tensor<2x2xf32>, %y: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = qopt.observe %x {name = "a"} : tensor<2x2xf32>
  // expected-error @below {{was chosen for quantization but its operands are not observed}}
  %1 = linalg.matmul {qopt.quantize} ins(%0, %y : tensor<2x2xf32>, tensor<2x2xf32>)
                                     outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// -----

func.func @observer_gone(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<1.0> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  // expected-error @below {{was chosen for quantization but its operands are not observed}}
  %0 = linalg.matmul {qopt.quantize} ins(%x, %w : tensor<2x2xf32>, tensor<2x2xf32>)
                                     outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

func.func @not_f32(%x: tensor<2x2xf16>) -> tensor<2x2xf16> {
  %w = arith.constant dense<1.0> : tensor<2x2xf16>
  %zero = arith.constant dense<0.0> : tensor<2x2xf16>
  %0 = qopt.observe %x {name = "a"} : tensor<2x2xf16>
  // expected-error @below {{has weights that are not f32}}
  %1 = linalg.matmul {qopt.quantize} ins(%0, %w : tensor<2x2xf16>, tensor<2x2xf16>)
                                     outs(%zero : tensor<2x2xf16>) -> tensor<2x2xf16>
  return %1 : tensor<2x2xf16>
}

// -----

func.func @not_finite(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<[[1.0, 0x7F800000], [0.5, 2.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = qopt.observe %x {name = "a"} : tensor<2x2xf32>
  // expected-error @below {{has weights that are NaN or infinite}}
  %1 = linalg.matmul {qopt.quantize} ins(%0, %w : tensor<2x2xf32>, tensor<2x2xf32>)
                                     outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}
