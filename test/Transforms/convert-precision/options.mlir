// RUN: quant-opt %s --qopt-convert-precision=precision=bf16 | FileCheck %s --check-prefix=BF16
// RUN: quant-opt %s --qopt-convert-precision=precision=f32 | FileCheck %s --check-prefix=F32
// RUN: quant-opt %s --qopt-convert-precision | FileCheck %s --check-prefix=F32

#row = affine_map<(d0, d1) -> (d0, d1)>

// bf16 has the range of f32: no bound is needed. Nor is it for f32.
// BF16-LABEL: @unbounded
// BF16: %[[H:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<4x8xbf16>)
// BF16: arith.truncf %{{.+}} : f32 to bf16
// BF16: linalg.generic {{.*}} ins(%[[H]] : tensor<4x8xbf16>) outs(%{{.+}} : tensor<4x8xi8>)
// BF16: arith.extf %{{.+}} : bf16 to f32
// F32-LABEL: @unbounded
// F32-NOT: f16
func.func @unbounded(%x: tensor<4x8xf32>) -> tensor<4x8xi8> {
  %e = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.addf %in, %in : f32
    linalg.yield %1 : f32
  } -> tensor<4x8xf32>
  %g = tensor.empty() : tensor<4x8xi8>
  %q = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<4x8xf32>) outs(%g : tensor<4x8xi8>) {
  ^bb0(%in: f32, %out: i8):
    %1 = arith.fptosi %in : f32 to i8
    linalg.yield %1 : i8
  } -> tensor<4x8xi8>
  return %q : tensor<4x8xi8>
}

// A range that nobody reads any more goes away in every precision.
// BF16-LABEL: @range
// BF16: arith.truncf %{{.+}} : f32 to bf16
// F32-LABEL: @range
// F32: arith.truncf %{{.+}} : f32 to bf16
func.func @range(%x: tensor<4x8xf32>) -> tensor<4x8xbf16> {
  %e = tensor.empty() : tensor<4x8xbf16>
  %0 = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xbf16>) {
  ^bb0(%in: f32, %out: bf16):
    %1 = arith.truncf %in {qopt.range = array<f64: -3.0, 5.0>} : f32 to bf16
    linalg.yield %1 : bf16
  } -> tensor<4x8xbf16>
  return %0 : tensor<4x8xbf16>
}

// The lowest f32 number is beyond bf16: what is masked with it stays f32.
// BF16-LABEL: @masked
// BF16-NOT: bf16
// F32-LABEL: @masked
func.func @masked(%x: tensor<4x8xf32>, %c: tensor<4x8xi1>) -> tensor<4x8xi8> {
  %e = tensor.empty() : tensor<4x8xf32>
  %mask = arith.constant -3.40282347E+38 : f32
  %0 = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x, %c : tensor<4x8xf32>, tensor<4x8xi1>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %keep: i1, %out: f32):
    %1 = arith.select %keep, %in, %mask : f32
    linalg.yield %1 : f32
  } -> tensor<4x8xf32>
  %g = tensor.empty() : tensor<4x8xi8>
  %q = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<4x8xf32>) outs(%g : tensor<4x8xi8>) {
  ^bb0(%in: f32, %out: i8):
    %1 = arith.fptosi %in : f32 to i8
    linalg.yield %1 : i8
  } -> tensor<4x8xi8>
  return %q : tensor<4x8xi8>
}
