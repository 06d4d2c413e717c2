// RUN: not quant-opt %s --qopt-print-calibration=format=xml 2>&1 | FileCheck %s --check-prefix=FORMAT
// RUN: not quant-opt %s --qopt-print-calibration=table=%t.none.json 2>&1 | FileCheck %s --check-prefix=TABLE
// RUN: not quant-opt %s --qopt-print-calibration=table=%s 2>&1 | FileCheck %s --check-prefix=KIND

// FORMAT: error: print-calibration: unknown format 'xml': text or json
// TABLE: error: {{.*}}.none.json{{.*}}No such file or directory
// KIND: error: {{.*}}invalid.mlir
func.func @main() {
  return
}
