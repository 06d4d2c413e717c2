// RUN: quant-opt %s --qopt-write-report | FileCheck %s
// RUN: quant-opt %s --qopt-write-report=file=%t.json -o /dev/null
// RUN: FileCheck %s --check-prefix=JSON --input-file=%t.json

// Without a file the report is only taken off; a module that has none gives an
// empty one, with null for what is not known.
// CHECK-NOT: qopt.report
// JSON:      "edges": [],
// JSON:      "ops": [],
// JSON:        "method": "dynamic",
// JSON:        "peak_rss_bytes": null,
// JSON:        "samples": null,
// JSON:        "seconds": null
// JSON:      "contractions": 0,
// JSON:      "weights_bytes_before": null
func.func @main() {
  return
}
