// RUN: rm -f %t.json
// RUN: quant-opt %s --qopt-write-report=file=%t.json | FileCheck %s
// RUN: FileCheck %s --check-prefix=JSON --input-file=%t.json
// RUN: %python -c "import json, sys; json.load(open(sys.argv[1]))" %t.json

// The report leaves the module and becomes JSON with the keys scripts rely on.
// CHECK:     module {
// CHECK-NOT: qopt.report

// JSON:      "edges": [
// JSON:          "clipped_fraction": 0,
// JSON:          "max": 3,
// JSON:          "method": "max",
// JSON:          "min": -1,
// JSON:          "name": "image",
// JSON:          "scale": 0.5,
// JSON:          "storage": "u8",
// JSON:          "zero_point": 2
// JSON:      "model": {
// JSON:        "inputs": [
// JSON:            "name": "image",
// JSON:            "type": "tensor<1x2xf32>"
// JSON:        "name": "main",
// JSON:        "outputs": [
// JSON:            "name": "out0",
// JSON:            "type": "tensor<1x2xf32>"
// JSON:      "ops": [
// JSON:          "kernel": null,
// JSON:          "location": "model.mlir:1:2",
// JSON:          "name": "fc",
// JSON:          "op": "matmul",
// JSON:          "precision": "int8",
// JSON:          "reason": "constant weights",
// JSON:          "sqnr_db": null
// JSON:          "name": "attention",
// JSON:          "precision": "f32",
// JSON:          "name": "exp",
// JSON:          "precision": "f32",
// JSON:      "schema": 1,
// JSON:      "summary": {
// JSON:        "calibration": {
// JSON:          "method": "max",
// JSON:          "peak_rss_bytes": 4096,
// JSON:          "samples": 64,
// JSON:          "seconds": 1.5
// JSON:        "compile_seconds":
// JSON:        "constants_bytes_after": 2,
// JSON:        "constants_bytes_before": 16,
// JSON:        "contractions": 2,
// JSON:        "contractions_int8": 1,
// JSON:        "dead_channels": 1,
// JSON:        "ops_float": 2,
// JSON:        "weights_bytes_after": 2,
// JSON:        "weights_bytes_before": 8
// JSON:      "tool": "quant-opt {{[0-9]+\.[0-9]+}}
// JSON:      "weights": [
// JSON:          "accumulator_max": 1048576,
// JSON:          "channels": 4,
// JSON:          "dead_channels": 1,
// JSON:          "first_dead_channels": [
// JSON-NEXT:       2
// JSON:          "floored_scales": 0,
// JSON:          "headroom_bits": 11,
// JSON:          "method": "max",
// JSON:          "name": "fc",
// JSON:          "scale_max": 0.25,
// JSON:          "scale_min": 0.125,
// JSON:          "sqnr_db": 42.5
// JSON:          "accumulator_max": 0,
// JSON:          "headroom_bits": null,
// JSON:          "sqnr_db": null
module attributes {qopt.report = {
    edges = [{clipped_fraction = 0.0 : f64, max = 3.0 : f64, method = "max", min = -1.0 : f64,
              name = "image", scale = 0.5 : f64, storage = "u8", zero_point = 2 : i64}],
    facts = [{name = "calibration_method", value = "max"},
             {name = "calibration_peak_rss_bytes", value = 4096.0 : f64},
             {name = "calibration_samples", value = 64.0 : f64},
             {name = "calibration_seconds", value = 1.5 : f64},
             {name = "constants_bytes_before", value = 16.0 : f64},
             {name = "dead_channels", value = 1.0 : f64},
             {name = "weights_bytes_after", value = 2.0 : f64},
             {name = "weights_bytes_before", value = 8.0 : f64}],
    ops = [{contraction, location = "model.mlir:1:2", name = "fc", op = "matmul", precision = "int8", reason = "constant weights"},
           {contraction, location = "model.mlir:3:4", name = "attention", op = "matmul", precision = "f32", reason = "both operands are run-time values"},
           {location = "model.mlir:5:6", name = "exp", op = "exp", precision = "f32", reason = "computed between"}],
    weights = [{accumulator_max = 1048576 : i64, channels = 4 : i64, dead_channels = 1 : i64,
                first_dead_channels = array<i64: 2>, floored_scales = 0 : i64, method = "max", name = "fc",
                scale_max = 0.25 : f64, scale_min = 0.125 : f64, sqnr_db = 42.5 : f64},
               {accumulator_max = 0 : i64, channels = 1 : i64, dead_channels = 1 : i64,
                first_dead_channels = array<i64: 0>, floored_scales = 0 : i64, method = "max", name = "zeros",
                scale_max = 1.0 : f64, scale_min = 1.0 : f64, sqnr_db = 0x7FF8000000000000 : f64}]}} {
  func.func @main(%x: tensor<1x2xf32> {qopt.name = "image"}) -> tensor<1x2xf32> {
    %w = arith.constant dense<[1, 2]> : tensor<2xi8>
    return %x : tensor<1x2xf32>
  }
}
