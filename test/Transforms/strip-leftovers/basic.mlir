// RUN: quant-opt %s --qopt-strip-leftovers --split-input-file --allow-unregistered-dialect | FileCheck %s

// torch-mlir's linalg-on-tensors output: a seed that nothing reads.
// CHECK-LABEL: module
// CHECK-NOT:     torch.
// CHECK-NOT:     ml_program
// CHECK:         func.func @main(%{{.+}}: tensor<2xf32>) -> tensor<2xf32> {
module attributes {torch.debug_module_name = "Net"} {
  ml_program.global private mutable @global_seed(dense<0> : tensor<i64>) : tensor<i64>
  func.func @main(%x: tensor<2xf32> {torch.type_bound = "none"}) -> tensor<2xf32>
      attributes {torch.assume_strict_symbolic_shapes, torch.onnx_meta.ir_version = 10 : si64} {
    return %x : tensor<2xf32>
  }
}

// -----

// Weights as globals, loaded each way; a mutable one that nothing changes; one
// that is only stored to.
// CHECK-LABEL: module
// CHECK-NOT:     ml_program
// CHECK:         func.func @main(%{{.+}}: tensor<2xf32>)
// CHECK-DAG:       %[[A:.+]] = arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK-DAG:       %[[B:.+]] = arith.constant dense_resource<weight> : tensor<2xf32>
// CHECK-DAG:       %[[C:.+]] = arith.constant dense<3.000000e+00> : tensor<2xf32>
// CHECK:           return %[[A]], %[[B]], %[[C]]
module {
  ml_program.global private @a(dense<[1.0, 2.0]> : tensor<2xf32>) : tensor<2xf32>
  ml_program.global private @b(dense_resource<weight> : tensor<2xf32>) : tensor<2xf32>
  ml_program.global private mutable @c(dense<3.0> : tensor<2xf32>) : tensor<2xf32>
  ml_program.global private mutable @log(dense<0.0> : tensor<2xf32>) : tensor<2xf32>
  func.func @main(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
    %a = ml_program.global_load_const @a : tensor<2xf32>
    %b = ml_program.global_load @b : tensor<2xf32>
    %c = ml_program.global_load @c : tensor<2xf32>
    ml_program.global_store @log = %x : tensor<2xf32>
    return %a, %b, %c : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
  }
}

{-#
  dialect_resources: {
    builtin: {
      weight: "0x040000000000803F00000040"
    }
  }
#-}

// -----

// Functions of ml_program are functions.
// CHECK-LABEL: module
// CHECK:         func.func @main(%[[X:.+]]: tensor<2xf32>) -> tensor<2xf32> {
// CHECK-NEXT:      return %[[X]]
// CHECK:         func.func private @graph
ml_program.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  ml_program.return %x : tensor<2xf32>
}
ml_program.subgraph private @graph(%x: tensor<2xf32>) -> tensor<2xf32> {
  ml_program.output %x : tensor<2xf32>
}

// -----

// IREE's ops in their generic form.
// CHECK-LABEL: module
// CHECK-NOT:     util
// CHECK:         func.func @main(%[[X:.+]]: tensor<2xf32>)
// CHECK-DAG:       %[[W:.+]] = arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK-DAG:       %[[U:.+]] = arith.constant dense<4.000000e+00> : tensor<2xf32>
// CHECK:           return %[[X]], %[[W]], %[[U]]
module {
  "util.global"() <{initial_value = dense<[1.0, 2.0]> : tensor<2xf32>, sym_name = "w", sym_visibility = "private", type = tensor<2xf32>}> : () -> ()
  "util.func"() <{function_type = (tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>), sym_name = "main"}> ({
  ^bb0(%x: tensor<2xf32>):
    %w = "util.global.load"() <{global = @w}> : () -> tensor<2xf32>
    %b = "util.optimization_barrier"(%x) : (tensor<2xf32>) -> tensor<2xf32>
    %u = "util.unfoldable_constant"() <{value = dense<4.0> : tensor<2xf32>}> : () -> tensor<2xf32>
    "util.return"(%b, %w, %u) : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> ()
  }) : () -> ()
}

// -----

// A cast to torch's types and back.
// CHECK-LABEL: module
// CHECK:         func.func @main(%[[X:.+]]: tensor<2xf32>) -> tensor<2xf32> {
// CHECK-NEXT:      return %[[X]]
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = "torch_c.from_builtin_tensor"(%x) : (tensor<2xf32>) -> !torch.vtensor<[2],f32>
  %1 = "torch_c.to_builtin_tensor"(%0) : (!torch.vtensor<[2],f32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}
