// RUN: quant-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{unknown storage 's9'}}
func.func private @f() attributes {a = #qopt.candidate<s9, max, min = 0.0, max = 1.0, error = 0.0>}

// -----

// expected-error @below {{unknown method 'best'}}
func.func private @f() attributes {a = #qopt.candidate<s8, best, min = 0.0, max = 1.0, error = 0.0>}

// -----

// expected-error @below {{expected 'min'}}
func.func private @f() attributes {a = #qopt.candidate<s8, max, low = 0.0, max = 1.0, error = 0.0>}

// -----

// expected-error @below {{range must be finite}}
func.func private @f() attributes {a = #qopt.candidate<s8, max, min = 0.0, max = 1.0e400, error = 0.0>}

// -----

// expected-error @below {{min must not be greater than max}}
func.func private @f() attributes {a = #qopt.candidate<s8, max, min = 1.0, max = -1.0, error = 0.0>}

// -----

// expected-error @below {{the range of a candidate must contain 0}}
func.func private @f() attributes {a = #qopt.candidate<s8, max, min = 1.0, max = 2.0, error = 0.0>}

// -----

// expected-error @below {{storage u8 is one-sided: min must be 0}}
func.func private @f() attributes {a = #qopt.candidate<u8, max, min = -1.0, max = 2.0, error = 0.0>}

// -----

// expected-error @below {{error must be finite and not negative}}
func.func private @f() attributes {a = #qopt.candidate<s8, max, min = -1.0, max = 2.0, error = -1.0>}

// -----

// expected-error @below {{min must not be greater than max}}
func.func private @f() attributes {a = #qopt.stats<min = 2.0, max = 1.0, count = 1, nonfinite = 0, candidates = []>}

// -----

// expected-error @below {{counts must not be negative}}
func.func private @f() attributes {a = #qopt.stats<min = 0.0, max = 1.0, count = -1, nonfinite = 0, candidates = []>}

// -----

// expected-error @below {{more non-finite values than values}}
func.func private @f() attributes {a = #qopt.stats<min = 0.0, max = 1.0, count = 1, nonfinite = 2, candidates = []>}

// -----

// A candidate list holds candidates.
// expected-error @below {{invalid kind of attribute specified}}
func.func private @f() attributes {a = #qopt.stats<min = 0.0, max = 1.0, count = 1, nonfinite = 0, candidates = [1]>}

// -----

// expected-error @below {{clipped must be between 0 and 1}}
func.func private @f() attributes {a = #qopt.candidate<s8, max, min = -1.0, max = 2.0, error = 1.0, clipped = 1.5>}

// -----

// expected-error @below {{cost must be finite and not negative}}
func.func private @f() attributes {a = #qopt.candidate<s8, max, min = -1.0, max = 2.0, error = 1.0, cost = -1.0>}

// -----

// expected-error @below {{expected 'cost'}}
func.func private @f() attributes {a = #qopt.candidate<s8, max, min = -1.0, max = 2.0, error = 1.0, price = 1.0>}

// -----

// expected-error @below {{more sentinels than finite values}}
func.func private @f() attributes {a = #qopt.stats<min = 0.0, max = 1.0, count = 2, nonfinite = 1, sentinels = 2, candidates = []>}
