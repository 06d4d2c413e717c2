// RUN: quant-opt %s --qopt-verify-input | FileCheck %s

// Everything an exporter writes is accepted, and left as it is: TOSA, linalg,
// resources of the right size, loops and checks inside the one block.
// CHECK-LABEL: func.func @main
// CHECK:         tosa.add
// CHECK:         linalg.matmul
// CHECK:         cf.assert
// CHECK:         scf.if
func.func @main(%x: tensor<1x2xf32>, %ok: i1) -> tensor<1x2xf32> {
  %w = arith.constant dense_resource<weight> : tensor<2x2xf32>
  %mask = arith.constant dense_resource<mask> : tensor<3xi1>
  %none = arith.constant dense_resource<none> : tensor<0x4xf32>
  %0 = tosa.add %x, %x : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %1 = linalg.matmul ins(%0, %w : tensor<1x2xf32>, tensor<2x2xf32>)
                     outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  cf.assert %ok, "index is out of range"
  %2 = scf.if %ok -> tensor<1x2xf32> {
    scf.yield %1 : tensor<1x2xf32>
  } else {
    scf.yield %x : tensor<1x2xf32>
  }
  return %2 : tensor<1x2xf32>
}

{-#
  dialect_resources: {
    builtin: {
      weight: "0x080000000000803F000000400000404000008040",
      mask: "0x01000000010001",
      none: "0x04000000"
    }
  }
#-}
