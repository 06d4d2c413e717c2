// RUN: quant-opt %s --split-input-file --verify-diagnostics

func.func @observes_integers(%x: tensor<2xi8>) {
  // expected-error @below {{observes float tensors, but the element type is 'i8'}}
  %0 = qopt.observe %x {name = "edge"} : tensor<2xi8>
  return
}

// -----

func.func @no_name(%x: tensor<2xf32>) {
  // expected-error @below {{needs a name that is not empty}}
  %0 = qopt.observe %x {name = ""} : tensor<2xf32>
  return
}

// -----

func.func @per_axis(%x: tensor<2xf32>) {
  // expected-error @below {{type must be a per-tensor !quant.uniform type, but is '!quant.uniform<i8:f32:0, {1.000000e+00,2.000000e+00}>'}}
  %0 = qopt.observe %x {name = "edge", type = !quant.uniform<i8:f32:0, {1.0, 2.0}>} : tensor<2xf32>
  return
}

// -----

func.func @expressed(%x: tensor<2xf32>) {
  // expected-error @below {{type expresses 'f16', but the edge holds 'f32'}}
  %0 = qopt.observe %x {name = "edge", type = !quant.uniform<i8:f16, 1.0>} : tensor<2xf32>
  return
}

// -----

func.func @shapes(%x: tensor<2x3xf32>) {
  // expected-error @below {{float and quantized shapes differ: 'tensor<2x3xf32>' and 'tensor<3x2xi8>'}}
  %q, %s = qopt.dynamic_quantize %x {per = #qopt<granularity tensor>} : tensor<2x3xf32> -> tensor<3x2xi8>, tensor<f32>
  return
}

// -----

func.func @scalar_row(%x: tensor<f32>) {
  // expected-error @below {{per row needs a tensor of rank 1 or more}}
  %q, %s = qopt.dynamic_quantize %x {per = #qopt<granularity row>} : tensor<f32> -> tensor<i8>, tensor<f32>
  return
}

// -----

func.func @row_scale(%x: tensor<2x3xf32>) {
  // expected-error @below {{scale must be 'tensor<2xf32>' for granularity 'row', but is 'tensor<f32>'}}
  %q, %s = qopt.dynamic_quantize %x {per = #qopt<granularity row>} : tensor<2x3xf32> -> tensor<2x3xi8>, tensor<f32>
  return
}

// -----

func.func @tensor_scale(%q: tensor<2x3xi8>, %s: tensor<2xf32>) {
  // expected-error @below {{scale must be 'tensor<f32>' for granularity 'tensor', but is 'tensor<2xf32>'}}
  %x = qopt.dynamic_dequantize %q, %s {per = #qopt<granularity tensor>} : tensor<2x3xi8>, tensor<2xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @composite_name() {
  // expected-error @below {{needs the name of its idiom}}
  qopt.composite "" () {
    qopt.yield
  } : () -> ()
  return
}

// -----

func.func @composite_arguments(%x: tensor<2xf32>) {
  // expected-error @below {{region arguments must have the types of the operands}}
  qopt.composite "softmax" (%x) {
    qopt.yield
  } : (tensor<2xf32>) -> ()
  return
}

// -----

func.func @composite_end() {
  // expected-error @below {{region must end in qopt.yield}}
  qopt.composite "softmax" () {
    llvm.unreachable
  } : () -> ()
  return
}

// -----

func.func @composite_results(%x: tensor<2xf32>) {
  // expected-error @below {{region must yield the types of the results}}
  %0 = qopt.composite "softmax" (%x) {
  ^bb0(%a: tensor<2xf32>):
    qopt.yield %a : tensor<2xf32>
  } : (tensor<2xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @composite_captures(%x: tensor<2xf32>) {
  // expected-note @below {{required by region isolation constraints}}
  %0 = qopt.composite "softmax" () {
    // expected-error @below {{using value defined outside the region}}
    qopt.yield %x : tensor<2xf32>
  } : () -> tensor<2xf32>
  return
}
