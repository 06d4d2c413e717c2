// RUN: quant-opt %s --qopt-specialize-shapes="entry=second shape=arg0:3" | FileCheck %s

// `entry` names the function where several are public.
// CHECK-LABEL: func.func @first(%{{.+}}: tensor<?xf32>) -> tensor<?xf32>
func.func @first(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
// CHECK-LABEL: func.func @second(%{{.+}}: tensor<3xf32>) -> tensor<3xf32>
func.func @second(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
