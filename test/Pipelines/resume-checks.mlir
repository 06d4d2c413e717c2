// RUN: not quant-opt --from=lower %s 2>&1 | FileCheck %s
// RUN: not quant-opt --from=annotate --to=annotate %s 2>&1 | FileCheck %s --check-prefix=NORMAL

// A job that starts in the middle checks the contract of that place first.
// CHECK:  resume-checks.mlir:[[# @LINE + 4]]:8: error:
// NORMAL: resume-checks.mlir:[[# @LINE + 4]]:8: error: op 'tosa.add' is not part of normal form: import left it behind
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  // Observers are not part of QDQ form, TOSA is not part of normal form.
  %0 = qopt.observe %x {name = "x"} : tensor<2xf32>
  %1 = tosa.add %0, %0 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}
