// RUN: quant-opt --load-dialect-plugin=%quantopt_test_dialect %s --split-input-file --verify-diagnostics \
// RUN:   --qopt-annotate --qopt-quantize --qopt-lower-to-integer --remarks-filter=qopt --remark-policy=all

// The op's own error stops the pass; nothing crashes.
func.func @no_integer_form(%x: tensor<4x1xf32>) -> tensor<4x1xf32> {
  %w = arith.constant dense<127.0> : tensor<1x1xf32>
  // expected-error @below {{'test_q.dense' op has no integer form}}
  %0 = test_q.dense %x, %w {no_integer_form} : tensor<4x1xf32>, tensor<1x1xf32> -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}

// -----

// A weight that is no constant leaves the op float, as for any contraction.
func.func @run_time_weight(%x: tensor<4x1xf32>, %w: tensor<1x1xf32>) -> tensor<4x1xf32> {
  // expected-remark @below {{dense_0: its second operand is neither a constant nor a tensor of its own}}
  %0 = test_q.dense %x, %w : tensor<4x1xf32>, tensor<1x1xf32> -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}
