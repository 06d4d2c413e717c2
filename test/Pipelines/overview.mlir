// One matmul through all phases: the model of docs/Overview.md.
// RUN: quant-opt --quantize-int8 --to=import %s | FileCheck %s --check-prefix=IMPORT
// RUN: quant-opt --quantize-int8 --to=annotate %s | FileCheck %s --check-prefix=ANNOTATE
// RUN: quant-opt --quantize-int8 --to=calibrate --calibration-data=%S/Inputs/overview.npz %s | FileCheck %s --check-prefix=CALIBRATE
// RUN: quant-opt --quantize-int8 --to=propagate --calibration-data=%S/Inputs/overview.npz %s | FileCheck %s --check-prefix=PROPAGATE
// RUN: quant-opt --quantize-int8 --to=quantize --calibration-data=%S/Inputs/overview.npz %s | FileCheck %s --check-prefix=QUANTIZE
// RUN: quant-opt --quantize-int8 --calibration-data=%S/Inputs/overview.npz %s | FileCheck %s --check-prefix=LOWER

#row = affine_map<(d0, d1) -> (d0, d1)>
#col = affine_map<(d0, d1) -> (d1)>
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x2xf32> {
  %weight = arith.constant dense<[[0.5, -1.984375], [0.25, 1.0], [-0.9921875, 0.75]]> : tensor<3x2xf32>
  %bias = arith.constant dense<[0.125, -0.25]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x2xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x2xf32>) -> tensor<2x2xf32>
  %product = linalg.matmul ins(%x, %weight : tensor<2x3xf32>, tensor<3x2xf32>)
                           outs(%init : tensor<2x2xf32>) -> tensor<2x2xf32>
  %result = linalg.generic {indexing_maps = [#row, #col, #row], iterator_types = ["parallel", "parallel"]}
      ins(%product, %bias : tensor<2x2xf32>, tensor<2xf32>) outs(%empty : tensor<2x2xf32>) {
  ^bb0(%p: f32, %b: f32, %out: f32):
    %sum = arith.addf %p, %b : f32
    linalg.yield %sum : f32
  } -> tensor<2x2xf32>
  return %result : tensor<2x2xf32>
}
