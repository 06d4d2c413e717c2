// RUN: rm -f %t.*
// RUN: quant-opt %s --qopt-write-report=file=%t.html,%t.json -o /dev/null
// RUN: %python %S/Inputs/check-page.py %t.html | FileCheck %s
// RUN: FileCheck %s --check-prefix=PAGE --input-file=%t.html
// RUN: FileCheck %s --check-prefix=JSON --input-file=%t.json

// A row per op with what it reads; names are text, whatever they hold.
// CHECK:      # | Layer | Precision, and why | Values and limits | Integers | Clipped | Expected SQNR | Weights
// CHECK-NEXT: 1 | fc | matmul · | model.mlir:1:2 | int8 | constant weights | image | -1 | 126.5 | seen -1 … 3 | u8 | · max | -1 … 126.5 | scale 0.5 | zero point 2 | 25 % | 20 dB | 4 | channels, | 1 dead | 42.5 dB · max | scales 0.125 … 0.25 (×2) | 11 bits of headroom
// CHECK-NEXT: 2 | </bdi><script>alert(1)</script> | matmul | int8 | int8 by rule "a" & 'b' | image | -1 | 126.5 | seen -1 … 3 |
// CHECK-SAME:   fc:0 | -1.28 | 1.27 | seen 0 … 0 | u8 | {{.*}} | i8 | · entropy | -1.28 … 1.27 | scale 0.01 | zero point 0 | as 'image' | 25 % | 0 | 20 dB | –
// CHECK-NEXT: 3 | exp | exp | f32 | computed between
// CHECK-NEXT: 4 | elementwise_0 | model.mlir:7:8 | int16 | between integer tensors

// PAGE:     <title>main in int8</title>
// PAGE:     <span class="io"><bdi>image</bdi> <code>tensor&lt;1x2xf32&gt;</code></span>
// PAGE:     <b>2 <i>of 2</i></b><small>all of them</small>
// PAGE:     <span>Weights</span><b>2 bytes</b><small>from 8 bytes, 4 times smaller</small>
// PAGE:     <b>1</b><small>of 4, of 1 kind</small>
// PAGE:     <b>16 <i>samples</i></b><small>method max, 1.5 s</small>
// PAGE:     <b>1 <i>of 3</i></b><small>below 25 dB expected</small>
// PAGE:     <li class="problem"><b>low expected SQNR</b> <a href="#edge-0"><bdi>image</bdi></a>
// PAGE-SAME:  (fc, &lt;/bdi&gt;&lt;script&gt;alert(1)&lt;/script&gt;)
// PAGE:     <li class="hint"><b>dead channels</b> <a href="#op-0">
// PAGE:     <li class="hint"><b>few samples</b>
// PAGE:     <a href="#op-1" class="int8 k s" title="&lt;/bdi&gt;&lt;script&gt;alert(1)&lt;/script&gt; · matmul · int8: int8 by rule &quot;a&quot; &amp; &#39;b&#39;"></a>
// PAGE:     <a href="#op-2" class="float" title
// PAGE:     <a href="#op-3" class="wide" title="elementwise_0 · elementwise · int16: between integer tensors"></a>
// The integers hold -1 to 126.5, and all values lie in the lowest 32nd.
// PAGE:     <rect class="in" x="0" y="0" width="240" height="34"/><path class="bars" d="M0 34H{{[0-9VH]+}}z"/>
// PAGE:     <h2>Other edges <small>1</small></h2>

// JSON:      "edges": [
// JSON:        "histogram": {
// JSON-NEXT:     "counts": [
// JSON-NEXT:       0,
// JSON-NEXT:       4,
// JSON:          "high": 3,
// JSON-NEXT:     "low": -1
// JSON:        "limits": [
// JSON-NEXT:     -1,
// JSON-NEXT:     126.5
// JSON:        "reason": null
// JSON:        "histogram": null
// JSON:        "reason": "as 'image'"
module attributes {qopt.report = {
    edges = [{clipped_fraction = 2.500000e-01 : f64, expected_error = 0.01 : f64, max = 3.0 : f64, method = "max", min = -1.0 : f64,
              name = "image", readers = ["fc", "</bdi><script>alert(1)</script>"], scale = 0.5 : f64, storage = "u8", zero_point = 2 : i64},
             {clipped_fraction = 0.0 : f64, max = 0.0 : f64, method = "entropy", min = 0.0 : f64, name = "fc:0",
              readers = ["</bdi><script>alert(1)</script>"], reason = "as 'image'", scale = 0.01 : f64, storage = "i8", zero_point = 0 : i64},
             {clipped_fraction = 0.0 : f64, max = 1.0 : f64, method = "max", min = 0.0 : f64,
              name = "exp:0", scale = 0.0001 : f64, storage = "i16", zero_point = 0 : i64}],
    facts = [{name = "calibration_method", value = "max"},
             {name = "calibration_samples", value = 16.0 : f64},
             {name = "calibration_seconds", value = 1.5 : f64},
             {name = "weights_bytes_after", value = 2.0 : f64},
             {name = "weights_bytes_before", value = 8.0 : f64}],
    histograms = [{high = 3.0 : f64, low = -1.0 : f64, name = "image",
                   levels = array<i32: 0, 4, 8, 12, 16, 20, 24, 28, 0, 0, 0, 0, 0, 0, 0, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40,
                                       9, 9, 9, 9, 9, 9, 9, 9, 8, 8, 8, 8, 8, 8, 8, 8, 7, 7, 7, 7, 7, 7, 7, 7, 6, 6, 6, 6, 6, 6, 6, 1>}],
    ops = [{contraction, location = "model.mlir:1:2", name = "fc", op = "matmul", precision = "int8", reason = "constant weights"},
           {contraction, location = "unknown", name = "</bdi><script>alert(1)</script>", op = "matmul", precision = "int8", reason = "int8 by rule \"a\" & 'b'"},
           {location = "unknown", name = "exp", op = "exp", precision = "f32", reason = "computed between"},
           {location = "some/model.mlir:7:8", name = "elementwise_0", op = "elementwise", precision = "int16", reason = "between integer tensors"}],
    weights = [{accumulator_max = 1048576 : i64, channels = 4 : i64, dead_channels = 1 : i64,
                first_dead_channels = array<i64: 2>, floored_scales = 0 : i64, method = "max", name = "fc",
                scale_max = 0.25 : f64, scale_min = 0.125 : f64, sqnr_db = 42.5 : f64}]}} {
  func.func @main(%x: tensor<1x2xf32> {qopt.name = "image"}) -> tensor<1x2xf32> {
    return %x : tensor<1x2xf32>
  }
}
