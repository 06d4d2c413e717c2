// RUN: quant-opt %s --qopt-propagate-scales=activations=symmetric --split-input-file --verify-diagnostics

func.func @no_candidate(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{edge 'edge' has statistics without a candidate for the allowed storage kinds and method 'auto': calibrate it again}}
  %0 = qopt.observe %x {name = "edge", stats = #qopt.stats<min = -1.0, max = 3.0, count = 2, nonfinite = 0, candidates = []>} : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @not_allowed(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{edge 'edge' has statistics without a candidate}}
  %0 = qopt.observe %x {name = "edge", stats = #qopt.stats<min = -1.0, max = 3.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<u8_asymmetric, max, min = -1.0, max = 3.0, error = 0.25>]>} : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// Only the symmetric mode takes s8 for what may be one-sided: a TensorRT cache
// knows nothing else.
func.func @other_method(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = qopt.observe %x {name = "edge", stats = #qopt.stats<min = 0.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 0.25>]>} : tensor<2xf32>
  return %0 : tensor<2xf32>
}
