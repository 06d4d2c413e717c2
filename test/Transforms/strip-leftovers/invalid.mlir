// RUN: quant-opt %s --qopt-strip-leftovers --split-input-file --verify-diagnostics \
// RUN:   --allow-unregistered-dialect

ml_program.global private mutable @state(dense<0.0> : tensor<2xf32>) : tensor<2xf32>
func.func @state_of_a_cell(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-note @below {{loaded here}}
  %0 = ml_program.global_load @state : tensor<2xf32>
  // expected-error @below {{global '@state' is state that the model changes, which cannot be imported; pass it in and out as an argument and a result}}
  ml_program.global_store @state = %x : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

ml_program.global private @weight(#ml_program.extern : tensor<2xf32>) : tensor<2xf32>
func.func @external() -> tensor<2xf32> {
  // expected-error @below {{global '@weight' has no value in the file; export the model with its weights}}
  %0 = ml_program.global_load_const @weight : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @missing() -> tensor<2xf32> {
  // expected-error @below {{there is no global named '@weight'}}
  %0 = "util.global.load"() <{global = @weight}> : () -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

"util.global"() <{initial_value = dense<1.0> : tensor<2xf32>, sym_name = "w", type = tensor<2xf32>}> : () -> ()
func.func @mismatch() -> tensor<3xf32> {
  // expected-error @below {{global '@w' is 'tensor<2xf32>', not what is loaded}}
  %0 = "util.global.load"() <{global = @w}> : () -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @attention(%q: tensor<1x4x8xf32>, %out: tensor<1x4x8xf32>) -> tensor<1x4x8xf32> {
  // expected-error @below {{op 'tm_tensor.attention' cannot be imported: decompose it when exporting (attention: with the math backend or attn_implementation="eager")}}
  %0 = "tm_tensor.attention"(%q, %q, %q, %out) : (tensor<1x4x8xf32>, tensor<1x4x8xf32>, tensor<1x4x8xf32>, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return %0 : tensor<1x4x8xf32>
}

// -----

func.func @half_lowered(%x: !torch.vtensor<[2],f32>) -> tensor<2xf32> {
  // expected-error @below {{op 'torch_c.to_builtin_tensor' cannot be imported: lower it before with torch-mlir-opt (or iree-opt)}}
  %0 = "torch_c.to_builtin_tensor"(%x) : (!torch.vtensor<[2],f32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @iree(%x: tensor<2xf32>) {
  // expected-error @below {{op 'hal.tensor.export' cannot be imported: the file has been through IREE's compiler}}
  %0 = "hal.tensor.export"(%x) : (tensor<2xf32>) -> !hal.buffer_view
  return
}

// -----

// expected-error @below {{op 'util.func' has no name, type or body to import}}
"util.func"() ({
  "util.return"() : () -> ()
}) : () -> ()
