// RUN: quant-opt %s --qopt-propagate-scales --split-input-file --verify-diagnostics

// Two final types meet: a warning where they meet, with both producers.
func.func @concat(%x: tensor<2xf32>, %y: tensor<2xf32>, %z: tensor<2xf32>) -> tensor<6xf32> {
  // expected-note @below {{edge 'a' has the type '!quant.uniform<u8:f32, 3.000000e-01>'}}
  %a = qopt.observe %x {name = "a", type = !quant.uniform<u8:f32, 0.3>} : tensor<2xf32>
  %b = qopt.observe %y {name = "b", type = !quant.uniform<u8:f32, 0.3>} : tensor<2xf32>
  // expected-note @below {{edge 'c' has the type '!quant.uniform<i8:f32, 2.000000e-01>'}}
  %c = qopt.observe %z {name = "c", type = !quant.uniform<i8:f32, 0.2>} : tensor<2xf32>
  // expected-warning @below {{edges 'a' and 'c' meet here, but the model gives them different types: it is requantized, as the model says}}
  %0 = tensor.concat dim(0) %a, %b, %c : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<6xf32>
  %d = qopt.observe %0 {name = "d"} : tensor<6xf32>
  return %d : tensor<6xf32>
}

// -----

// Behind movement.
func.func @movement(%x: tensor<2x3xf32>, %empty: tensor<3x2xf32>) -> tensor<3x2xf32> {
  // expected-note @below {{edge 'a' has the type}}
  %a = qopt.observe %x {name = "a", type = !quant.uniform<u8:f32, 0.3>} : tensor<2x3xf32>
  // expected-warning @below {{edges 'a' and 'b' meet here}}
  %t = linalg.transpose ins(%a : tensor<2x3xf32>) outs(%empty : tensor<3x2xf32>) permutation = [1, 0]
  // expected-note @below {{edge 'b' has the type}}
  %b = qopt.observe %t {name = "b", type = !quant.uniform<u8:f32, 0.2>} : tensor<3x2xf32>
  return %b : tensor<3x2xf32>
}

// -----

// Around a loop.
func.func @loop(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-note @below {{edge 'initial' has the type}}
  %0 = qopt.observe %x {name = "initial", type = !quant.uniform<u8:f32, 0.3>} : tensor<2xf32>
  // expected-warning @below {{edges 'initial' and 'next' meet here}}
  %r = scf.for %i = %c0 to %c1 step %c1 iter_args(%h = %0) -> (tensor<2xf32>) {
    %sum = linalg.add ins(%h, %h : tensor<2xf32>, tensor<2xf32>) outs(%h : tensor<2xf32>) -> tensor<2xf32>
    // expected-note @below {{edge 'next' has the type}}
    %1 = qopt.observe %sum {name = "next", type = !quant.uniform<u8:f32, 0.2>} : tensor<2xf32>
    scf.yield %1 : tensor<2xf32>
  }
  return %r : tensor<2xf32>
}

// -----

// No conflict: one producer on the other requantizes, and two readers of one
// float tensor quantize it as each likes.
func.func @on_purpose(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %a = qopt.observe %x {name = "a", type = !quant.uniform<u8:f32, 0.3>} : tensor<2xf32>
  %b = qopt.observe %a {name = "b", type = !quant.uniform<i8:f32, 0.2>} : tensor<2xf32>
  %c = qopt.observe %x {name = "c", type = !quant.uniform<i8:f32, 0.1>} : tensor<2xf32>
  return %b, %c : tensor<2xf32>, tensor<2xf32>
}
