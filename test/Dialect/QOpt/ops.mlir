// RUN: quant-opt %s | quant-opt | FileCheck %s
// RUN: quant-opt %s --mlir-print-op-generic | quant-opt | FileCheck %s
// RUN: quant-opt %s --emit-bytecode | quant-opt | FileCheck %s
// RUN: quant-opt %s --verify-roundtrip -o /dev/null

// CHECK-LABEL: func.func @observe(
// CHECK-SAME:    %[[X:.+]]: tensor<2x?xf32>, %[[H:.+]]: tensor<2xf16>)
func.func @observe(%x: tensor<2x?xf32>, %h: tensor<2xf16>) {
  // CHECK: %[[O:.+]] = qopt.observe %[[X]] {name = "edge"} : tensor<2x?xf32>
  %0 = qopt.observe %x {name = "edge"} : tensor<2x?xf32>
  // CHECK: qopt.observe %[[O]] {name = "a/b:0", stats = #qopt.stats<min = -1.25, max = 3.5, count = 64, nonfinite = 1, candidates = [#qopt.candidate<s8, max, min = -3.5, max = 3.5, error = 1.5e-05>]>, type = !quant.uniform<i8:f32, 2.750000e-02>} : tensor<2x?xf32>
  %1 = qopt.observe %0 {name = "a/b:0",
      stats = #qopt.stats<min = -1.25, max = 3.5, count = 64, nonfinite = 1, candidates = [
          #qopt.candidate<s8, max, min = -3.5, max = 3.5, error = 1.5e-05>]>,
      type = !quant.uniform<i8:f32, 0.0275>} : tensor<2x?xf32>
  // CHECK: qopt.observe %[[H]] {name = "half", type = !quant.uniform<u8:f16, 5.000000e-01:3>} : tensor<2xf16>
  %2 = qopt.observe %h {name = "half", type = !quant.uniform<u8:f16, 0.5:3>} : tensor<2xf16>
  return
}

// CHECK-LABEL: func.func @dynamic(
// CHECK-SAME:    %[[X:.+]]: tensor<2x3xf32>)
func.func @dynamic(%x: tensor<2x3xf32>) {
  // CHECK: %[[Q:.+]], %[[S:.+]] = qopt.dynamic_quantize %[[X]] {per = #qopt<granularity row>} : tensor<2x3xf32> -> tensor<2x3xi8>, tensor<2xf32>
  %q, %s = qopt.dynamic_quantize %x {per = #qopt<granularity row>} : tensor<2x3xf32> -> tensor<2x3xi8>, tensor<2xf32>
  // CHECK: qopt.dynamic_dequantize %[[Q]], %[[S]] {per = #qopt<granularity row>} : tensor<2x3xi8>, tensor<2xf32> -> tensor<2x3xf32>
  %0 = qopt.dynamic_dequantize %q, %s {per = #qopt<granularity row>} : tensor<2x3xi8>, tensor<2xf32> -> tensor<2x3xf32>
  // CHECK: qopt.dynamic_quantize %[[X]] {per = #qopt<granularity tensor>} : tensor<2x3xf32> -> tensor<2x3xi8>, tensor<f32>
  %q1, %s1 = qopt.dynamic_quantize %x {per = #qopt<granularity tensor>} : tensor<2x3xf32> -> tensor<2x3xi8>, tensor<f32>
  return
}

// CHECK-LABEL: func.func @composite(
// CHECK-SAME:    %[[X:.+]]: tensor<2xf32>)
func.func @composite(%x: tensor<2xf32>) -> tensor<2xf32> {
  // CHECK:      %[[R:.+]] = qopt.composite "neg"(%[[X]]) {
  // CHECK-NEXT: ^bb0(%[[A:.+]]: tensor<2xf32>):
  // CHECK-NEXT:   %[[N:.+]] = arith.negf %[[A]] : tensor<2xf32>
  // CHECK-NEXT:   qopt.yield %[[N]] : tensor<2xf32>
  // CHECK-NEXT: } : (tensor<2xf32>) -> tensor<2xf32>
  %0 = qopt.composite "neg" (%x) {
  ^bb0(%a: tensor<2xf32>):
    %n = arith.negf %a : tensor<2xf32>
    qopt.yield %n : tensor<2xf32>
  } : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK:      qopt.composite "nothing"() {
  // CHECK-NEXT:   qopt.yield
  // CHECK-NEXT: } : () -> ()
  qopt.composite "nothing" () {
    qopt.yield
  } : () -> ()
  return %0 : tensor<2xf32>
}
