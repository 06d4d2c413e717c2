// RUN: quant-opt %s | quant-opt | FileCheck %s
// RUN: quant-opt %s --verify-roundtrip -o /dev/null

// Numbers are printed so that they read back to the same bits.
// CHECK-LABEL: func.func private @numbers
// CHECK-SAME:    a = #qopt.candidate<s8, max, min = -0.1, max = 0.30000000000000004, error = 0.0>
// CHECK-SAME:    b = #qopt.candidate<u8, percentile, min = 0.0, max = 3.4028234663852886e+38, error = 1.0e-300>
// CHECK-SAME:    c = #qopt.candidate<u8_asymmetric, entropy, min = -5.0e-324, max = 16777217.0, error = 1.7976931348623157e+308>
// CHECK-SAME:    d = #qopt.candidate<s8, mse, min = -0.0, max = 0.0, error = 0.0>
func.func private @numbers() attributes {
  a = #qopt.candidate<s8, max, min = -0.1, max = 0.30000000000000004, error = 0.0>,
  b = #qopt.candidate<u8, percentile, min = 0.0, max = 3.4028234663852886e+38, error = 1.0e-300>,
  c = #qopt.candidate<u8_asymmetric, entropy, min = -4.9e-324, max = 16777217.0, error = 1.7976931348623157e+308>,
  d = #qopt.candidate<s8, mse, min = -0.0, max = 0.0, error = 0.0>
}

// CHECK-LABEL: func.func private @stats
// CHECK-SAME:    none = #qopt.stats<min = 0.0, max = 0.0, count = 0, nonfinite = 0, candidates = []>
// CHECK-SAME:    some = #qopt.stats<min = 1.0, max = 2.0, count = 9223372036854775807, nonfinite = 3, candidates = [#qopt.candidate<s8, max, min = -2.0, max = 2.0, error = 1.0>, #qopt.candidate<u8, max, min = 0.0, max = 2.0, error = 0.25>]>
func.func private @stats() attributes {
  none = #qopt.stats<min = 0.0, max = 0.0, count = 0, nonfinite = 0, candidates = []>,
  some = #qopt.stats<min = 1.0, max = 2.0, count = 9223372036854775807, nonfinite = 3, candidates = [
      #qopt.candidate<s8, max, min = -2.0, max = 2.0, error = 1.0>, #qopt.candidate<u8, max, min = 0.0, max = 2.0, error = 0.25>]>
}

// CHECK-LABEL: func.func private @granularity
// CHECK-SAME:    row = #qopt<granularity row>, tensor = #qopt<granularity tensor>
func.func private @granularity() attributes {row = #qopt<granularity row>, tensor = #qopt<granularity tensor>}

// What a candidate clips and costs is left out where it says nothing.
// CHECK-LABEL: func.func private @costs
// CHECK-SAME:    a = #qopt.candidate<s8, auto, min = -1.0, max = 1.0, error = 0.5, clipped = 0.25, cost = 0.125>
// CHECK-SAME:    b = #qopt.candidate<s8, auto, min = -1.0, max = 1.0, error = 0.5, cost = 0.125>
// CHECK-SAME:    c = #qopt.candidate<s8, auto, min = -1.0, max = 1.0, error = 0.5, clipped = 1.0>
// CHECK-SAME:    d = #qopt.candidate<s8, auto, min = -1.0, max = 1.0, error = 0.5>
// CHECK-SAME:    e = #qopt.stats<min = 0.0, max = 0.0, count = 5, nonfinite = 1, sentinels = 4, candidates = []>
func.func private @costs() attributes {
  a = #qopt.candidate<s8, auto, min = -1.0, max = 1.0, error = 0.5, clipped = 0.25, cost = 0.125>,
  b = #qopt.candidate<s8, auto, min = -1.0, max = 1.0, error = 0.5, cost = 0.125>,
  c = #qopt.candidate<s8, auto, min = -1.0, max = 1.0, error = 0.5, clipped = 1.0>,
  d = #qopt.candidate<s8, auto, min = -1.0, max = 1.0, error = 0.5, clipped = 0.0, cost = 0.5>,
  e = #qopt.stats<min = 0.0, max = 0.0, count = 5, nonfinite = 1, sentinels = 4, candidates = []>
}
