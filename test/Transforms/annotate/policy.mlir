// RUN: rm -rf %t && mkdir -p %t && split-file %s %t
// RUN: quant-opt %t/model.mlir --qopt-annotate="rules=%t/rules.json keep-float=head,typo*" \
// RUN:   --remarks-filter=qopt --remark-policy=all 2>%t/remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t/remarks
// RUN: quant-opt %t/model.mlir --qopt-annotate=policy=accurate | FileCheck %s --check-prefix=ACCURATE
// RUN: not quant-opt %t/model.mlir --qopt-annotate=policy=best 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not quant-opt %t/model.mlir --qopt-annotate=rules=%t/bad.json 2>&1 | FileCheck %s --check-prefix=BAD
// RUN: not quant-opt %t/model.mlir --qopt-annotate=rules=%t/none.json 2>&1 | FileCheck %s --check-prefix=NONE

// What decided is in the report; what later phases must know is on the ops.
// CHECK:     {contraction, {{.*}}name = "stem", {{.*}}precision = "int8", reason = "int8 by rule 2 of rules.json: the stem after all"}
// CHECK:     {contraction, {{.*}}name = "middle", {{.*}}precision = "int8", reason = "constant weights"}
// CHECK:     {contraction, {{.*}}name = "head", {{.*}}precision = "f32", reason = "kept float by --keep-float=head"}
// CHECK:     linalg.matmul {qopt.name = "stem", qopt.quantize, qopt.require_int8 = "rule 2 of rules.json: the stem after all"}
// CHECK:     linalg.exp {qopt.edge_bits = 16 : i64, qopt.edge_bits_reason = "16 bits by rule 3 of rules.json", qopt.name = "exp_0"}
// CHECK:     linalg.matmul {qopt.name = "middle", qopt.quantize}
// CHECK:     linalg.matmul {qopt.name = "head"}

// REMARK-NOT: rule 1
// REMARK:     warning: rule 4 of rules.json matches no op of the model
// REMARK:     warning: --keep-float=typo* matches no op of the model
// REMARK-NOT: warning

// ACCURATE:   linalg.matmul {qopt.name = "stem"}
// ACCURATE:   linalg.exp {qopt.name = "exp_0"}
// ACCURATE:   linalg.matmul {qopt.name = "middle", qopt.quantize}
// ACCURATE:   linalg.matmul {qopt.name = "head"}

// UNKNOWN: error: unknown policy 'best'; this version knows default, all, accurate, tensorrt, cpu, sm_80, sm_86, sm_87, sm_89, sm_90
// BAD: error: rules file '{{.*}}bad.json': rule 1.match: has the unknown key 'names'
// NONE: error: rules file '{{.*}}none.json':

//--- rules.json
{"schema": 1, "rules": [
  {"match": {"kind": "matmul", "position": "first"}, "precision": "float"},
  {"match": {"name": "stem"}, "precision": "int8", "require": true, "reason": "the stem after all"},
  {"match": {"kind": "exp"}, "bits": 16},
  {"match": {"kind": "conv"}, "precision": "float"}
]}
//--- bad.json
{"schema": 1, "rules": [{"match": {"names": "a"}, "bits": 8}]}
//--- model.mlir
func.func @main(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<1.0> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32> loc("stem")
  %1 = linalg.exp ins(%0 : tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = linalg.matmul ins(%1, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32> loc("middle")
  %3 = linalg.matmul ins(%2, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32> loc("head")
  return %3 : tensor<2x2xf32>
}
