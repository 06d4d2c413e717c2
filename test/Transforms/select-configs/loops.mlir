// RUN: quant-opt %s --qopt-select-configs | FileCheck %s
// RUN: quant-opt %s --qopt-select-configs | quant-opt --qopt-select-configs | FileCheck %s
// RUN: quant-opt %s --qopt-select-configs --remarks-filter=qopt --remark-policy=all -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: quant-opt %s --qopt-select-configs='loops-config="#qopt.loops_config<threads, threads = 64, row_threads = 1, lanes = 1, items = 1>"' | FileCheck %s --check-prefix=GIVEN
// RUN: not quant-opt %s --qopt-select-configs='loops-config="42 : i32"' 2>&1 | FileCheck %s --check-prefix=INVALID

// INVALID: error: loops-config '42 : i32' is no #qopt.loops_config<...>
// REMARK: [Analysis] loops-config | Category:qopt | Remark="attention: 1536x128 on sm_80: #qopt.loops_config<rows, {{.+}}>: {{[0-9.]+}} us, {{[0-9.]+}} waves, bound by {{.+}}"

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>

// CHECK: #[[$TAPS:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d4, d3, d5)>

// A row in registers of a part of a warp or of one: no barriers.
// CHECK-LABEL: func.func @softmax(
// CHECK:         config = #qopt.loops_config<rows, threads = {{[0-9]+}}, row_threads = {{8|16|32}}, lanes = {{4|8|16}}, items = {{[0-9]+}}>
// GIVEN-COUNT-6: config = #qopt.loops_config<threads, threads = 64, row_threads = 1, lanes = 1, items = 1>
func.func @softmax(%x: tensor<1536x128xf32>) -> tensor<1536x128xf32> {
  %e = tensor.empty() : tensor<1536x128xf32>
  %0 = qopt.loops ins(%x : tensor<1536x128xf32>) outs(%e : tensor<1536x128xf32>) {
  ^bb0(%in: f32):
    %max = qopt.reduce maximumf %in : f32
    %d = arith.subf %in, %max : f32
    %p = math.exp %d : f32
    %sum = qopt.reduce addf %p : f32
    %y = arith.divf %p, %sum : f32
    qopt.yield %y : f32
  } {extents = array<i64: 1536, 128>, reductions = array<i1: false, true>,
     indexing_maps = [#id, #id], name = "attention"} -> tensor<1536x128xf32>
  return %0 : tensor<1536x128xf32>
}

// A configuration that is there stays.
// CHECK-LABEL: func.func @kept(
// CHECK:         config = #qopt.loops_config<rows, threads = 64, row_threads = 64, lanes = 2, items = 1>
func.func @kept(%x: tensor<16x128xf32>) -> tensor<16xf32> {
  %e = tensor.empty() : tensor<16xf32>
  %0 = qopt.loops ins(%x : tensor<16x128xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%in: f32):
    %sum = qopt.reduce addf %in : f32
    qopt.yield %sum : f32
  } {extents = array<i64: 16, 128>, reductions = array<i1: false, true>, indexing_maps = [#id, #row],
     config = #qopt.loops_config<rows, threads = 64, row_threads = 64, lanes = 2, items = 1>} -> tensor<16xf32>
  return %0 : tensor<16xf32>
}

// A window: a thread has neighbouring channels.
// CHECK-LABEL: func.func @pool(
// CHECK:         config = #qopt.loops_config<threads, threads = {{[0-9]+}}, row_threads = 1, lanes = 16, items = 1>
func.func @pool(%x: tensor<32x112x112x64xi8>) -> tensor<32x56x56x64xi8> {
  %e = tensor.empty() : tensor<32x56x56x64xi8>
  %0 = qopt.loops ins(%x : tensor<32x112x112x64xi8>) outs(%e : tensor<32x56x56x64xi8>) {
  ^bb0(%in: i8):
    %max = qopt.reduce maxsi %in : i8
    qopt.yield %max : i8
  } {extents = array<i64: 32, 56, 56, 64, 3, 3>, reductions = array<i1: false, false, false, false, true, true>,
     indexing_maps = [affine_map<(n, p, q, c, r, s) -> (n, p * 2 + r - 1, q * 2 + s - 1, c)>,
                      affine_map<(n, p, q, c, r, s) -> (n, p, q, c)>], pads = [-128 : i8]}
     -> tensor<32x56x56x64xi8>
  return %0 : tensor<32x56x56x64xi8>
}

// Few, long columns: threads share them.
// CHECK-LABEL: func.func @mean(
// CHECK:         config = #qopt.loops_config<rows,
func.func @mean(%x: tensor<1x56x56x64xi8>) -> tensor<1x64xi32> {
  %e = tensor.empty() : tensor<1x64xi32>
  %0 = qopt.loops ins(%x : tensor<1x56x56x64xi8>) outs(%e : tensor<1x64xi32>) {
  ^bb0(%in: i8):
    %w = arith.extsi %in : i8 to i32
    %sum = qopt.reduce addi %w : i32
    qopt.yield %sum : i32
  } {extents = array<i64: 1, 64, 56, 56>, reductions = array<i1: false, false, true, true>,
     indexing_maps = [affine_map<(n, c, h, w) -> (n, h, w, c)>, affine_map<(n, c, h, w) -> (n, c)>]} -> tensor<1x64xi32>
  return %0 : tensor<1x64xi32>
}

// A depthwise convolution: its weights get the layout of the kernel.
// CHECK-LABEL: func.func @depthwise(
// CHECK:         %[[PACK:.+]] = qopt.pack %{{.+}} {permutation = array<i64: 0, 2, 1>} : tensor<3x3x32xi8> -> tensor<3x32x4xi8>
// CHECK:         qopt.loops ins(%{{.+}}, %[[PACK]] :
// CHECK:         config = #qopt.loops_config<depthwise, threads = 128, row_threads = 1, lanes = 16, items = {{[24]}}>
// CHECK-SAME:    indexing_maps = [#{{.+}}, #[[$TAPS]], #{{.+}}]
func.func @depthwise(%x: tensor<8x56x56x32xi8>) -> tensor<8x56x56x32xi32> {
  %w = arith.constant dense<1> : tensor<3x3x32xi8>
  %e = tensor.empty() : tensor<8x56x56x32xi32>
  %0 = qopt.loops ins(%x, %w : tensor<8x56x56x32xi8>, tensor<3x3x32xi8>) outs(%e : tensor<8x56x56x32xi32>) {
  ^bb0(%in: i8, %tap: i8):
    %a = arith.extui %in : i8 to i32
    %b = arith.extsi %tap : i8 to i32
    %p = arith.muli %a, %b : i32
    %sum = qopt.reduce addi %p : i32
    qopt.yield %sum : i32
  } {extents = array<i64: 8, 56, 56, 32, 3, 3>, reductions = array<i1: false, false, false, false, true, true>,
     indexing_maps = [affine_map<(n, p, q, c, r, s) -> (n, p + r - 1, q + s - 1, c)>,
                      affine_map<(n, p, q, c, r, s) -> (r, s, c)>,
                      affine_map<(n, p, q, c, r, s) -> (n, p, q, c)>], pads = [0 : i8, unit]}
     -> tensor<8x56x56x32xi32>
  return %0 : tensor<8x56x56x32xi32>
}

// Dilation along the width: no dp4a.
// CHECK-LABEL: func.func @dilated(
// CHECK-NOT:     qopt.pack
// CHECK:         config = #qopt.loops_config<threads, threads = {{[0-9]+}}, row_threads = 1, lanes = {{8|16}}, items = 1>
func.func @dilated(%x: tensor<8x56x56x32xi8>) -> tensor<8x54x52x32xi32> {
  %w = arith.constant dense<1> : tensor<3x3x32xi8>
  %e = tensor.empty() : tensor<8x54x52x32xi32>
  %0 = qopt.loops ins(%x, %w : tensor<8x56x56x32xi8>, tensor<3x3x32xi8>) outs(%e : tensor<8x54x52x32xi32>) {
  ^bb0(%in: i8, %tap: i8):
    %a = arith.extui %in : i8 to i32
    %b = arith.extsi %tap : i8 to i32
    %p = arith.muli %a, %b : i32
    %sum = qopt.reduce addi %p : i32
    qopt.yield %sum : i32
  } {extents = array<i64: 8, 54, 52, 32, 3, 3>, reductions = array<i1: false, false, false, false, true, true>,
     indexing_maps = [affine_map<(n, p, q, c, r, s) -> (n, p + r, q + s * 2, c)>,
                      affine_map<(n, p, q, c, r, s) -> (r, s, c)>,
                      affine_map<(n, p, q, c, r, s) -> (n, p, q, c)>]}
     -> tensor<8x54x52x32xi32>
  return %0 : tensor<8x54x52x32xi32>
}
