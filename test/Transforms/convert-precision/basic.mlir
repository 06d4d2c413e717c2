// RUN: quant-opt %s --qopt-convert-precision=precision=f16 --split-input-file | FileCheck %s

#row = affine_map<(d0, d1) -> (d0, d1)>

// What is bounded is stored as f16 and computed in f32; the result of the model
// keeps its type.
// CHECK-LABEL: @elementwise
// CHECK-SAME: %[[Q:.+]]: tensor<4x8xi8>
// CHECK: %[[H:.+]] = linalg.generic {{.*}} ins(%[[Q]] : tensor<4x8xi8>) outs(%{{.+}} : tensor<4x8xf16>)
// CHECK: arith.sitofp %{{.+}} : i8 to f32
// CHECK: %[[Y:.+]] = arith.mulf %{{.+}} : f32
// CHECK: %[[T:.+]] = arith.truncf %[[Y]] : f32 to f16
// CHECK: linalg.yield %[[T]] : f16
// CHECK: linalg.generic {{.*}} ins(%[[H]], %[[H]] : tensor<4x8xf16>, tensor<4x8xf16>) outs(%{{.+}} : tensor<4x8xf32>)
// CHECK: ^bb0(%[[A:.+]]: f16, %[[B:.+]]: f16, %{{.+}}: f32):
// CHECK-DAG: %[[A32:.+]] = arith.extf %[[A]] : f16 to f32
// CHECK-DAG: %[[B32:.+]] = arith.extf %[[B]] : f16 to f32
// CHECK: arith.addf %[[A32]], %[[B32]] : f32
// CHECK: return %{{.+}} : tensor<4x8xf32>
func.func @elementwise(%q: tensor<4x8xi8>) -> tensor<4x8xf32> {
  %e = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%q : tensor<4x8xi8>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: i8, %out: f32):
    %s = arith.constant 0.25 : f32
    %1 = arith.sitofp %in : i8 to f32
    %2 = arith.mulf %1, %s : f32
    linalg.yield %2 : f32
  } -> tensor<4x8xf32>
  %3 = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%0, %0 : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %4 = arith.addf %a, %b : f32
    linalg.yield %4 : f32
  } -> tensor<4x8xf32>
  return %3 : tensor<4x8xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>

// A contraction that stayed float reads f16 twice and sums in f32. Its weights
// become f16 constants.
// CHECK-LABEL: @contraction
// CHECK-DAG: %[[W:.+]] = arith.constant dense<{{.*}}5.000000e-01, -1.999510e-01{{.*}}> : tensor<2x2xf16>
// CHECK: %[[X:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<4x2xf16>)
// CHECK: %[[Y:.+]] = linalg.generic {{.*}}"reduction"{{.*}} ins(%[[X]], %[[W]] : tensor<4x2xf16>, tensor<2x2xf16>) outs(%{{.+}} : tensor<4x2xf32>)
// CHECK: ^bb0(%[[A:.+]]: f16, %[[B:.+]]: f16, %[[OUT:.+]]: f32):
// CHECK-DAG: %[[A32:.+]] = arith.extf %[[A]]
// CHECK-DAG: %[[B32:.+]] = arith.extf %[[B]]
// CHECK: %[[P:.+]] = arith.mulf %[[A32]], %[[B32]] : f32
// CHECK: %[[S:.+]] = arith.addf %[[OUT]], %[[P]] : f32
// CHECK: return %[[Y]]
func.func @contraction(%q: tensor<4x2xi8>) -> tensor<4x2xf32> {
  %w = arith.constant dense<[[0.5, -0.2], [1.0, 0.25]]> : tensor<2x2xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<4x2xf32>) -> tensor<4x2xf32>
  %0 = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%q : tensor<4x2xi8>) outs(%e : tensor<4x2xf32>) {
  ^bb0(%in: i8, %out: f32):
    %1 = arith.sitofp %in : i8 to f32
    linalg.yield %1 : f32
  } -> tensor<4x2xf32>
  %2 = linalg.matmul ins(%0, %w : tensor<4x2xf32>, tensor<2x2xf32>)
      outs(%z : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %2 : tensor<4x2xf32>
}

// -----

// An embedding table is read as f16.
// CHECK-LABEL: @lookup
// CHECK-DAG: %[[TABLE:.+]] = arith.constant dense<{{.*}}> : tensor<3x2xf16>
// CHECK: linalg.generic {{.*}} outs(%{{.+}} : tensor<5x2xf32>)
// CHECK: %[[E:.+]] = tensor.extract %[[TABLE]]{{.*}} : tensor<3x2xf16>
// CHECK: %[[F:.+]] = arith.extf %[[E]] : f16 to f32
// CHECK: linalg.yield %[[F]] : f32
func.func @lookup(%i: tensor<5xi64>) -> tensor<5x2xf32> {
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %e = tensor.empty() : tensor<5x2xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]} ins(%i : tensor<5xi64>) outs(%e : tensor<5x2xf32>) {
  ^bb0(%in: i64, %out: f32):
    %1 = arith.index_cast %in : i64 to index
    %2 = linalg.index 1 : index
    %3 = tensor.extract %table[%1, %2] : tensor<3x2xf32>
    linalg.yield %3 : f32
  } -> tensor<5x2xf32>
  return %0 : tensor<5x2xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>

// Movement follows its source: the elements are copied, not converted.
// CHECK-LABEL: @movement
// CHECK: %[[H:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<4x8xf16>)
// CHECK: %[[S:.+]] = tensor.expand_shape %[[H]] {{.*}} : tensor<4x8xf16> into tensor<4x2x4xf16>
// CHECK: %[[P:.+]] = tensor.pad %[[S]]
// CHECK: tensor.yield %{{.+}} : f16
// CHECK: tensor<4x2x4xf16> to tensor<4x2x6xf16>
// CHECK: %[[C:.+]] = tensor.concat dim(1) %[[P]], %[[P]] : (tensor<4x2x6xf16>, tensor<4x2x6xf16>) -> tensor<4x4x6xf16>
// CHECK: %[[T:.+]] = linalg.generic {{.*}} ins(%[[C]] : tensor<4x4x6xf16>) outs(%{{.+}} : tensor<6x4x4xf16>)
// CHECK-NEXT: ^bb0(%[[IN:.+]]: f16, %{{.+}}: f16):
// CHECK-NEXT: linalg.yield %[[IN]] : f16
// CHECK: linalg.generic {{.*}} ins(%[[T]] : tensor<6x4x4xf16>) outs(%{{.+}} : tensor<6x4x4xi8>)
func.func @movement(%q: tensor<4x8xi8>) -> tensor<6x4x4xi8> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%q : tensor<4x8xi8>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: i8, %out: f32):
    %1 = arith.sitofp %in : i8 to f32
    linalg.yield %1 : f32
  } -> tensor<4x8xf32>
  %s = tensor.expand_shape %0 [[0], [1, 2]] output_shape [4, 2, 4] : tensor<4x8xf32> into tensor<4x2x4xf32>
  %p = tensor.pad %s low[0, 0, 1] high[0, 0, 1] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %zero : f32
  } : tensor<4x2x4xf32> to tensor<4x2x6xf32>
  %c = tensor.concat dim(1) %p, %p : (tensor<4x2x6xf32>, tensor<4x2x6xf32>) -> tensor<4x4x6xf32>
  %f = tensor.empty() : tensor<6x4x4xf32>
  %t = linalg.transpose ins(%c : tensor<4x4x6xf32>) outs(%f : tensor<6x4x4xf32>) permutation = [2, 1, 0]
  %g = tensor.empty() : tensor<6x4x4xi8>
  %r = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%t : tensor<6x4x4xf32>) outs(%g : tensor<6x4x4xi8>) {
  ^bb0(%in: f32, %out: i8):
    %1 = arith.fptosi %in : f32 to i8
    linalg.yield %1 : i8
  } -> tensor<6x4x4xi8>
  return %r : tensor<6x4x4xi8>
}

// -----

// Softmax of anything bounded: x - max(x) is not positive, exp of that is in
// [0, 1], and so is its share of the sum. The sum itself stays f32.
#a = affine_map<(d0, d1) -> (d0, d1)>
#b = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: @softmax
// CHECK: %[[X:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<4x8xf16>)
// CHECK: %[[MAX:.+]] = linalg.generic {{.*}} ins(%[[X]] : tensor<4x8xf16>) outs(%{{.+}} : tensor<4xf32>)
// CHECK: %[[E:.+]] = linalg.generic {{.*}} ins(%[[X]], %[[MAX]] : tensor<4x8xf16>, tensor<4xf32>) outs(%{{.+}} : tensor<4x8xf16>)
// CHECK: %[[SUM:.+]] = linalg.generic {{.*}} ins(%[[E]] : tensor<4x8xf16>) outs(%{{.+}} : tensor<4xf32>)
// CHECK: %[[Y:.+]] = linalg.generic {{.*}} ins(%[[E]], %[[SUM]] : tensor<4x8xf16>, tensor<4xf32>) outs(%{{.+}} : tensor<4x8xf16>)
func.func @softmax(%q: tensor<4x8xi8>) -> tensor<4x8xi8> {
  %low = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %r = tensor.empty() : tensor<4xf32>
  %x = linalg.generic {indexing_maps = [#a, #a], iterator_types = ["parallel", "parallel"]}
      ins(%q : tensor<4x8xi8>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: i8, %out: f32):
    %s = arith.constant 16.0 : f32
    %1 = arith.sitofp %in : i8 to f32
    %2 = arith.mulf %1, %s : f32
    linalg.yield %2 : f32
  } -> tensor<4x8xf32>
  %m0 = linalg.fill ins(%low : f32) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %m = linalg.generic {indexing_maps = [#a, #b], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%m0 : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.maximumf %in, %out : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  %p = linalg.generic {indexing_maps = [#a, #b, #a], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %max: f32, %out: f32):
    %1 = arith.subf %in, %max : f32
    %2 = math.exp %1 : f32
    linalg.yield %2 : f32
  } -> tensor<4x8xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%r : tensor<4xf32>) -> tensor<4xf32>
  %s = linalg.generic {indexing_maps = [#a, #b], iterator_types = ["parallel", "reduction"]}
      ins(%p : tensor<4x8xf32>) outs(%s0 : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.addf %in, %out : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#a, #b, #a], iterator_types = ["parallel", "parallel"]}
      ins(%p, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %sum: f32, %out: f32):
    %1 = arith.divf %in, %sum : f32
    linalg.yield %1 : f32
  } -> tensor<4x8xf32>
  %g = tensor.empty() : tensor<4x8xi8>
  %z = linalg.generic {indexing_maps = [#a, #a], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<4x8xf32>) outs(%g : tensor<4x8xi8>) {
  ^bb0(%in: f32, %out: i8):
    %1 = arith.fptosi %in : f32 to i8
    linalg.yield %1 : i8
  } -> tensor<4x8xi8>
  return %z : tensor<4x8xi8>
}

// -----

#id = affine_map<(d0) -> (d0)>

// In integer form: the extension joins the reader, the range is used and gone.
// CHECK-LABEL: @rounded
// CHECK: %[[H:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<4xf16>)
// CHECK: arith.truncf %{{.+}} : f32 to f16
// CHECK-NOT: qopt.range
// CHECK: linalg.generic {{.*}} ins(%[[H]] : tensor<4xf16>) outs(%{{.+}} : tensor<4xf16>)
// CHECK: arith.extf
// CHECK: arith.mulf
// CHECK: arith.truncf
func.func @rounded(%x: tensor<4xf32>) -> tensor<4xi8> {
  %e16 = tensor.empty() : tensor<4xf16>
  %e = tensor.empty() : tensor<4xf32>
  %h = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%e16 : tensor<4xf16>) {
  ^bb0(%in: f32, %out: f16):
    %1 = arith.truncf %in {qopt.range = array<f64: -3.0, 5.0>} : f32 to f16
    linalg.yield %1 : f16
  } -> tensor<4xf16>
  %f = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%h : tensor<4xf16>) outs(%e : tensor<4xf32>) {
  ^bb0(%in: f16, %out: f32):
    %1 = arith.extf %in : f16 to f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%f : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.mulf %in, %in : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  %g = tensor.empty() : tensor<4xi8>
  %q = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%y : tensor<4xf32>) outs(%g : tensor<4xi8>) {
  ^bb0(%in: f32, %out: i8):
    %1 = arith.fptosi %in : f32 to i8
    linalg.yield %1 : i8
  } -> tensor<4xi8>
  return %q : tensor<4xi8>
}
