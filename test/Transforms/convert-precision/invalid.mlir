// RUN: quant-opt %s --qopt-convert-precision=precision=f8 --verify-diagnostics

// expected-error @below {{precision must be f32, f16 or bf16, not 'f8'}}
module {
  func.func @f() {
    return
  }
}
