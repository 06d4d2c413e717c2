// RUN: quant-opt --load-dialect-plugin=%quantopt_test_dialect %s --qopt-annotate \
// RUN:   | FileCheck %s --check-prefix=ANNOTATE
// RUN: quant-opt --load-dialect-plugin=%quantopt_test_dialect %s --qopt-annotate --qopt-quantize \
// RUN:   | FileCheck %s --check-prefix=QUANTIZE
// RUN: quant-opt --load-dialect-plugin=%quantopt_test_dialect %s --qopt-annotate --qopt-quantize \
// RUN:   --qopt-lower-to-integer --qopt-verify-integer-form | FileCheck %s --check-prefix=DYNAMIC
// RUN: quant-opt --load-dialect-plugin=%quantopt_test_dialect %s \
// RUN:   --pass-pipeline='builtin.module(quantize-int8)' | FileCheck %s --check-prefix=DYNAMIC

// An op of another project, known only through QuantizableOpInterface, takes
// part in every phase, and in the whole pipeline.

// ANNOTATE: %[[X:.+]] = qopt.observe %{{.+}} {name = "arg0"}
// ANNOTATE: test_q.dense %[[X]], %{{.+}} {qopt.name = "dense_0", qopt.quantize}

// The rows of w are its channels.
// QUANTIZE-DAG: %[[Q:.+]], %[[S:.+]] = qopt.dynamic_quantize %{{.+}} {per = #qopt<granularity tensor>}
// QUANTIZE-DAG: %[[X:.+]] = qopt.dynamic_dequantize %[[Q]], %[[S]]
// QUANTIZE-DAG: %[[W:.+]] = quant.dcast %{{.+}} : tensor<3x2x!quant.uniform<i8<-127:127>:f32:0, {1.000000e+00,2.000000e+00,4.000000e+00}>>
// QUANTIZE: test_q.dense %[[X]], %[[W]]

// The op builds its own accumulator; quantization and epilogue are ours.
// DYNAMIC: %[[W:.+]] = arith.constant dense<{{\[\[}}127, 1], [-127, 2], [3, 127]]> : tensor<3x2xi8>
// DYNAMIC: %[[ACC:.+]] = test_q.integer_dense %{{.+}}, %[[W]] : tensor<4x2xi8>, tensor<3x2xi8> -> tensor<4x3xi32>
// DYNAMIC: linalg.generic {{.+}} ins(%[[ACC]], %{{.+}} : tensor<4x3xi32>, tensor<f32>, tensor<3xf32>, tensor<3xf32>)
func.func @main(%x: tensor<4x2xf32>) -> tensor<4x3xf32> {
  %w = arith.constant dense<[[127.0, 1.0], [-254.0, 4.0], [12.0, 508.0]]> : tensor<3x2xf32>
  %0 = test_q.dense %x, %w : tensor<4x2xf32>, tensor<3x2xf32> -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}
