// RUN: quant-opt %s --qopt-annotate --qopt-quantize=per-tensor-weights | FileCheck %s
// RUN: quant-opt %s --qopt-annotate --qopt-quantize="require-int8=f?,*" -o /dev/null
// RUN: not quant-opt %s --qopt-annotate=keep-float=fc --qopt-quantize="require-int8=f?,other" -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REQUIRE
// RUN: not quant-opt %s --qopt-quantize=require-int8=[ -o /dev/null 2>&1 | FileCheck %s --check-prefix=GLOB

// One scale for the weight: [1, -4, 0.5, 2]·127/4 = [31.75, -127, 15.875, 63.5].
// CHECK:   %[[WI:.+]] = arith.constant dense<{{\[\[}}32, -127], [16, 64]]> : tensor<2x2xi8>
// CHECK:   quant.scast %[[WI]] : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8<-127:127>:f32, 0.031496062874794006>>

// A contraction that stays float is an error by option; so is a pattern that fits
// none, since it checks nothing.
// REQUIRE: error: {{.*}}'fc' stays float, which require-int8=f? forbids: kept float by --keep-float=fc
// REQUIRE: error: require-int8=other matches no contraction
// GLOB:    error: require-int8 pattern '[' is not a glob: invalid glob pattern, unmatched '['
func.func @main(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<[[1.0, -4.0], [0.5, 2.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<2x2xf32>, tensor<2x2xf32>)
                     outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32> loc("fc")
  return %0 : tensor<2x2xf32>
}
