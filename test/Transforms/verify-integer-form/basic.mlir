// RUN: quant-opt %s --qopt-verify-integer-form | FileCheck %s

// Upstream ops on storage types; the report may still be there, and names of
// arguments are the model's, not a phase's.
// CHECK: qopt.report
// CHECK: func.func @main(%{{.+}}: tensor<2xi8> {qopt.name = "image"})
module attributes {qopt.report = {edges = [], facts = [], ops = []}} {
  func.func @main(%x: tensor<2xi8> {qopt.name = "image"}) -> tensor<2xi8> {
    return %x : tensor<2xi8>
  }
}
