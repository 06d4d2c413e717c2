// One matmul through all phases: the model of docs/Overview.md.
// RUN: quant-opt --quantize-int8 --to=import %s | FileCheck %s --check-prefix=IMPORT
// RUN: quant-opt --quantize-int8 --to=annotate %s | FileCheck %s --check-prefix=ANNOTATE
// RUN: quant-opt --quantize-int8 --to=calibrate --calibration-data=%S/Inputs/overview.npz %s | FileCheck %s --check-prefix=CALIBRATE
// RUN: quant-opt --quantize-int8 --to=propagate --calibration-data=%S/Inputs/overview.npz %s | FileCheck %s --check-prefix=PROPAGATE
// RUN: quant-opt --quantize-int8 --to=quantize --calibration-data=%S/Inputs/overview.npz %s | FileCheck %s --check-prefix=QUANTIZE
// RUN: quant-opt --quantize-int8 --calibration-data=%S/Inputs/overview.npz %s | FileCheck %s --check-prefix=LOWER

// IMPORT-LABEL: func.func @main(
// IMPORT-NOT:     qopt.
// IMPORT:         linalg.matmul
// IMPORT:         linalg.generic
// IMPORT:           arith.addf

// ANNOTATE-LABEL: func.func @main(
// ANNOTATE-SAME:    %[[X:[^:]+]]: tensor<2x3xf32>
// ANNOTATE:         %[[SEEN:.+]] = qopt.observe %[[X]] {name = "arg0"} : tensor<2x3xf32>
// ANNOTATE:         linalg.matmul {qopt.name = "matmul_0", qopt.quantize} ins(%[[SEEN]],

// CALIBRATE:      qopt.observe %{{.+}} {channelMaxima = array<f32: 1.750000e+00, 1.9921875, 1.250000e+00>, name = "arg0",
// CALIBRATE-SAME:   stats = #qopt.stats<min = 0.0, max = 1.9921875, count = 18, nonfinite = 0,
// CALIBRATE-SAME:   candidates = [#qopt.candidate<u8, auto, min = 0.0, max = 1.9921875,
// CALIBRATE-NOT:    type =

// PROPAGATE:      qopt.observe %{{.+}} {{{.+}}name = "arg0", stats = {{.+}}, type = !quant.uniform<u8:f32, 7.812500e-03>}

// QUANTIZE-LABEL: func.func @main(
// QUANTIZE-NOT:     qopt.observe
// QUANTIZE:         %[[Q:.+]] = quant.qcast %{{.+}} : tensor<2x3xf32> to tensor<2x3x!quant.uniform<u8:f32, 7.812500e-03>>
// QUANTIZE-NEXT:    %[[X:.+]] = quant.dcast %[[Q]]
// QUANTIZE:         %[[W8:.+]] = arith.constant dense<{{\[}}[64, -127], [32, 64], [-127, 48]]> : tensor<3x2xi8>
// QUANTIZE-NEXT:    %[[WQ:.+]] = quant.scast %[[W8]] : {{.+}}!quant.uniform<i8<-127:127>:f32:1, {7.812500e-03,1.562500e-02}>
// QUANTIZE-NEXT:    %[[W:.+]] = quant.dcast %[[WQ]]
// QUANTIZE:         linalg.matmul {{.*}}ins(%[[X]], %[[W]] :

// LOWER-NOT:      qopt
// LOWER-NOT:      quant.
// LOWER-LABEL:    func.func @main(
// LOWER:            linalg.generic
// LOWER:              math.roundeven
// LOWER:              %[[U8:.+]] = arith.fptoui %{{.+}} : f32 to i8
// LOWER:            %[[ACC:.+]] = linalg.generic {{.+}} ins(%{{.+}}, %{{.+}} : tensor<2x3xi8>, tensor<3x2xi8>)
// LOWER:              arith.extui
// LOWER-NEXT:         arith.extsi
// LOWER-NEXT:         arith.muli
// LOWER-NEXT:         arith.addi
// LOWER:            arith.constant dense<[6.10351563E-5, 1.22070313E-4]> : tensor<2xf32>
// LOWER:            arith.constant dense<[1.250000e-01, -2.500000e-01]> : tensor<2xf32>
// LOWER:            linalg.generic {{.+}} ins(%[[ACC]],
// LOWER:              arith.sitofp
// LOWER-NEXT:         math.fma
// LOWER-NOT:        linalg.generic

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
