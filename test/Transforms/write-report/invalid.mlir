// RUN: rm -rf %t && mkdir -p %t
// RUN: not quant-opt %s --qopt-write-report=file=%t/none/report.json 2>&1 | FileCheck %s -DFILE=%t/none/report.json
// RUN: not quant-opt %s --qopt-write-report="file=%t/report.json entry=other" 2>&1 | FileCheck %s --check-prefix=ENTRY
// RUN: not test -e %t/report.json

// CHECK: error: cannot write report '[[FILE]]': {{.*}}{{[Nn]}}o such file or directory
// ENTRY: error: no function 'other' with a body; the module has: main
func.func @main() {
  return
}
