// RUN: quant-opt %s --split-input-file --verify-diagnostics

func.func @dynamic(%a: tensor<?x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{needs static shapes, but has 'tensor<?x8xi8>'}}
  %0 = qopt.gemm ins(%a, %b : tensor<?x8xi8>, tensor<6x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @mixed(%a: memref<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{mixes tensors and buffers}}
  %0 = qopt.gemm ins(%a, %b : memref<4x8xi8>, tensor<6x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @result_on_buffers(%a: memref<4x8xi8>, %b: memref<6x8xi8>, %d: memref<4x6xi32>) {
  // expected-error @below {{has one result on tensors and none on buffers}}
  %0 = qopt.gemm ins(%a, %b : memref<4x8xi8>, memref<6x8xi8>) outs(%d : memref<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @no_result(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{has one result on tensors and none on buffers}}
  qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []}
  return
}

// -----

func.func @result_type(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{result type must be that of the init operand}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x7xi32>
  return
}

// -----

func.func @rank(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4xi32>) {
  // expected-error @below {{needs operands of rank 2, or with one or two leading batch dims, but has 'tensor<4x8xi8>', 'tensor<6x8xi8>' and 'tensor<4xi32>'}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) outs(%d : tensor<4xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4xi32>
  return
}

// -----

func.func @rank_of_a(%a: tensor<1x4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{needs operands of rank 2, or with one or two leading batch dims}}
  %0 = qopt.gemm ins(%a, %b : tensor<1x4x8xi8>, tensor<6x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @rank_of_b(%a: tensor<4x8xi8>, %b: tensor<1x6x8xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{needs operands of rank 2, or with one or two leading batch dims}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<1x6x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @types(%a: tensor<4x8xi8>, %b: tensor<6x8xf32>, %d: tensor<4x6xi32>) {
  // expected-error @below {{multiplies i8, f16, bf16 or f32, but has 'tensor<4x8xi8>' and 'tensor<6x8xf32>'}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xf32>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @wide_integers(%a: tensor<4x8xi16>, %b: tensor<6x8xi16>, %d: tensor<4x6xi32>) {
  // expected-error @below {{multiplies i8, f16, bf16 or f32, but has 'tensor<4x8xi16>' and 'tensor<6x8xi16>'}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi16>, tensor<6x8xi16>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @unsigned_floats(%a: tensor<4x8xf32>, %b: tensor<6x8xf32>, %d: tensor<4x6xf32>) {
  // expected-error @below {{only i8 operands can be unsigned}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xf32>, tensor<6x8xf32>) outs(%d : tensor<4x6xf32>) {
  ^bb0(%acc: f32):
    qopt.yield %acc : f32
  } {epilogue_maps = [], b_unsigned} -> tensor<4x6xf32>
  return
}

// -----

func.func @batch(%a: tensor<2x4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<3x4x6xi32>) {
  // expected-error @below {{batches of a and the result differ: 'tensor<2x4x8xi8>' and 'tensor<3x4x6xi32>'}}
  %0 = qopt.gemm ins(%a, %b : tensor<2x4x8xi8>, tensor<6x8xi8>) outs(%d : tensor<3x4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<3x4x6xi32>
  return
}

// -----

func.func @batch_of_b(%a: tensor<2x4x8xi8>, %b: tensor<3x6x8xi8>, %d: tensor<2x4x6xi32>) {
  // expected-error @below {{batches of b and the result differ: 'tensor<3x6x8xi8>' and 'tensor<2x4x6xi32>'}}
  %0 = qopt.gemm ins(%a, %b : tensor<2x4x8xi8>, tensor<3x6x8xi8>) outs(%d : tensor<2x4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<2x4x6xi32>
  return
}

// -----

func.func @rows(%a: tensor<5x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{rows of a and the result differ: 'tensor<5x8xi8>' and 'tensor<4x6xi32>'}}
  %0 = qopt.gemm ins(%a, %b : tensor<5x8xi8>, tensor<6x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @few_columns(%a: tensor<4x8xi8>, %b: tensor<5x8xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{b must have at least 6 rows of 8 elements, but is 'tensor<5x8xi8>'}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<5x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @short_depth(%a: tensor<4x8xi8>, %b: tensor<6x7xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{b must have at least 6 rows of 8 elements, but is 'tensor<6x7xi8>'}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x7xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @padded_argument(%a: tensor<4x8xi8>, %b: tensor<8x8xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{only the result of qopt.pack may be padded, but b is 'tensor<8x8xi8>' for 6 rows of 8 elements}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<8x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @config_of_floats(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{does not fit operands of 'i8'}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], config = #qopt.gemm_config<simt, block = [64, 64, 16], warp = [4, 4], stages = 1, split_k = 1>} -> tensor<4x6xi32>
  return
}

// -----

func.func @config_of_integers(%a: tensor<4x8xf32>, %b: tensor<6x8xf32>, %d: tensor<4x6xf32>) {
  // expected-error @below {{does not fit operands of 'f32'}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xf32>, tensor<6x8xf32>) outs(%d : tensor<4x6xf32>) {
  ^bb0(%acc: f32):
    qopt.yield %acc : f32
  } {epilogue_maps = [], config = #qopt.gemm_config<dp4a, block = [4, 32, 512], warp = [4, 4], stages = 1, split_k = 1>} -> tensor<4x6xf32>
  return
}

// -----

func.func @number_of_maps(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>, %e: tensor<6xf32>) {
  // expected-error @below {{has 1 epilogue operands, but 0 maps}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) epilogue(%e : tensor<6xf32>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32, %x: f32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @map_dims(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>, %e: tensor<6xf32>) {
  // expected-error @below {{epilogue map #0 must map the 2 dims of the result to the 1 of the operand}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) epilogue(%e : tensor<6xf32>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32, %x: f32):
    qopt.yield %acc : i32
  } {epilogue_maps = [affine_map<(n) -> (n)>]} -> tensor<4x6xi32>
  return
}

// -----

func.func @map_results(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>, %e: tensor<6xf32>) {
  // expected-error @below {{epilogue map #0 must map the 2 dims of the result to the 1 of the operand}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) epilogue(%e : tensor<6xf32>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32, %x: f32):
    qopt.yield %acc : i32
  } {epilogue_maps = [affine_map<(m, n) -> (m, n)>]} -> tensor<4x6xi32>
  return
}

// -----

func.func @map_symbols(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>, %e: tensor<6xf32>) {
  // expected-error @below {{epilogue map #0 must map the 2 dims of the result to the 1 of the operand}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) epilogue(%e : tensor<6xf32>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32, %x: f32):
    qopt.yield %acc : i32
  } {epilogue_maps = [affine_map<(m, n)[s] -> (n)>]} -> tensor<4x6xi32>
  return
}

// -----

func.func @map_order(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>, %e: tensor<6x4xf32>) {
  // expected-error @below {{epilogue map #0 must list dims in order}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) epilogue(%e : tensor<6x4xf32>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32, %x: f32):
    qopt.yield %acc : i32
  } {epilogue_maps = [affine_map<(m, n) -> (n, m)>]} -> tensor<4x6xi32>
  return
}

// -----

func.func @map_expression(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>, %e: tensor<6xf32>) {
  // expected-error @below {{epilogue map #0 must list dims in order}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) epilogue(%e : tensor<6xf32>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32, %x: f32):
    qopt.yield %acc : i32
  } {epilogue_maps = [affine_map<(m, n) -> (m + n)>]} -> tensor<4x6xi32>
  return
}

// -----

func.func @operand_extent(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>, %e: tensor<6xf32>) {
  // expected-error @below {{epilogue operand #0 has extent 6 where 4 is needed}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) epilogue(%e : tensor<6xf32>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32, %x: f32):
    qopt.yield %acc : i32
  } {epilogue_maps = [affine_map<(m, n) -> (m)>]} -> tensor<4x6xi32>
  return
}

// -----

func.func @operand_short(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>, %e: tensor<5xf32>) {
  // expected-error @below {{epilogue operand #0 has extent 5 where 6 is needed}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) epilogue(%e : tensor<5xf32>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32, %x: f32):
    qopt.yield %acc : i32
  } {epilogue_maps = [affine_map<(m, n) -> (n)>]} -> tensor<4x6xi32>
  return
}

// -----

func.func @operand_padded(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>, %e: tensor<4x8xf32>) {
  // expected-error @below {{epilogue operand #0 has extent 8 where 6 is needed}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) epilogue(%e : tensor<4x8xf32>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32, %x: f32):
    qopt.yield %acc : i32
  } {epilogue_maps = [affine_map<(m, n) -> (m, n)>]} -> tensor<4x6xi32>
  return
}

// -----

func.func @region_accumulator(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{region must take the accumulator and one element per epilogue operand}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: f32):
    qopt.yield %acc : f32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @region_operands(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{region must take the accumulator and one element per epilogue operand}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32, %x: f32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @region_yield_type(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{region must yield one 'i32'}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    %1 = arith.sitofp %acc : i32 to f32
    qopt.yield %1 : f32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @region_yields_two(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>) {
  // expected-error @below {{region must yield one 'i32'}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc, %acc : i32, i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @region_is_isolated(%a: tensor<4x8xi8>, %b: tensor<6x8xi8>, %d: tensor<4x6xi32>, %x: i32) {
  // expected-note @below {{required by region isolation constraints}}
  %0 = qopt.gemm ins(%a, %b : tensor<4x8xi8>, tensor<6x8xi8>) outs(%d : tensor<4x6xi32>) {
  ^bb0(%acc: i32):
    // expected-error @below {{using value defined outside the region}}
    %1 = arith.addi %acc, %x : i32
    qopt.yield %1 : i32
  } {epilogue_maps = []} -> tensor<4x6xi32>
  return
}

// -----

func.func @pack_rank(%w: tensor<4x8xi8>) {
  // expected-error @below {{needs static types of one rank and element type, but has 'tensor<4x8xi8>' and 'tensor<32xi8>'}}
  %0 = qopt.pack %w {permutation = array<i64: 1, 0>} : tensor<4x8xi8> -> tensor<32xi8>
  return
}

// -----

func.func @pack_type(%w: tensor<4x8xi8>) {
  // expected-error @below {{needs static types of one rank and element type}}
  %0 = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<4x8xi8> -> tensor<4x8xf32>
  return
}

// -----

func.func @pack_dynamic(%w: tensor<?x8xi8>) {
  // expected-error @below {{needs static types of one rank and element type}}
  %0 = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<?x8xi8> -> tensor<4x8xi8>
  return
}

// -----

func.func @pack_mixed(%w: tensor<4x8xi8>) {
  // expected-error @below {{needs static types of one rank and element type}}
  %0 = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<4x8xi8> -> memref<4x8xi8>
  return
}

// -----

func.func @pack_permutation(%w: tensor<4x8xi8>) {
  // expected-error @below {{permutation must be one of the 2 dims}}
  %0 = qopt.pack %w {permutation = array<i64: 0, 0>} : tensor<4x8xi8> -> tensor<4x8xi8>
  return
}

// -----

func.func @pack_permutation_rank(%w: tensor<4x8xi8>) {
  // expected-error @below {{permutation must be one of the 2 dims}}
  %0 = qopt.pack %w {permutation = array<i64: 0>} : tensor<4x8xi8> -> tensor<4x8xi8>
  return
}

// -----

func.func @pack_shrinks(%w: tensor<4x8xi8>) {
  // expected-error @below {{cannot shrink dim 1 of 'tensor<4x8xi8>' to dim 0 of 'tensor<7x4xi8>'}}
  %0 = qopt.pack %w {permutation = array<i64: 1, 0>} : tensor<4x8xi8> -> tensor<7x4xi8>
  return
}

// -----

// expected-error @below {{extents must be from 1 to 4096}}
#config = #qopt.gemm_config<mma, block = [0, 64, 64], warp = [16, 16], stages = 2, split_k = 1>

// -----

// expected-error @below {{extents must be from 1 to 4096}}
#config = #qopt.gemm_config<mma, block = [64, 8192, 64], warp = [16, 16], stages = 2, split_k = 1>

// -----

// expected-error @below {{stages must be from 1 to 16}}
#config = #qopt.gemm_config<mma, block = [64, 64, 64], warp = [32, 32], stages = 17, split_k = 1>

// -----

// expected-error @below {{split_k must be from 1 to 1024}}
#config = #qopt.gemm_config<mma, block = [64, 64, 64], warp = [32, 32], stages = 2, split_k = 0>

// -----

// expected-error @below {{warp extents must divide block extents}}
#config = #qopt.gemm_config<mma, block = [64, 64, 64], warp = [48, 32], stages = 2, split_k = 1>

// -----

// expected-error @below {{split_k is for mma only}}
#config = #qopt.gemm_config<simt, block = [64, 64, 16], warp = [4, 4], stages = 1, split_k = 2>

// -----

// expected-error @below {{dp4a needs block_m = warp_m of at most 16 and block_k a multiple of 512}}
#config = #qopt.gemm_config<dp4a, block = [32, 32, 512], warp = [32, 4], stages = 1, split_k = 1>

// -----

// expected-error @below {{dp4a needs block_m = warp_m of at most 16 and block_k a multiple of 512}}
#config = #qopt.gemm_config<dp4a, block = [8, 32, 512], warp = [4, 4], stages = 1, split_k = 1>

// -----

// expected-error @below {{dp4a needs block_m = warp_m of at most 16 and block_k a multiple of 512}}
#config = #qopt.gemm_config<dp4a, block = [4, 32, 256], warp = [4, 4], stages = 1, split_k = 1>

// -----

// expected-error @below {{a block of 16 threads; it must be whole warps, at most 1024 threads}}
#config = #qopt.gemm_config<simt, block = [16, 16, 16], warp = [4, 4], stages = 1, split_k = 1>

// -----

// expected-error @below {{a block of 2048 threads; it must be whole warps, at most 1024 threads}}
#config = #qopt.gemm_config<mma, block = [256, 256, 64], warp = [16, 64], stages = 2, split_k = 1>

// -----

// expected-error @below {{mma needs warp extents that are multiples of 16}}
#config = #qopt.gemm_config<mma, block = [64, 64, 64], warp = [8, 32], stages = 2, split_k = 1>

// -----

// expected-error @below {{mma needs block_k 64 or 128, but it is 32}}
#config = #qopt.gemm_config<mma, block = [64, 64, 32], warp = [32, 32], stages = 2, split_k = 1>

// -----

// expected-error @below {{mma needs at least 2 stages}}
#config = #qopt.gemm_config<mma, block = [64, 64, 64], warp = [32, 32], stages = 1, split_k = 1>

// -----

// expected-error @below {{mma tiles of 64 and 1024 chunks of 16 bytes do not divide over 128 threads}}
#config = #qopt.gemm_config<mma, block = [16, 256, 64], warp = [16, 64], stages = 2, split_k = 1>

// -----

// expected-error @below {{simt needs warp extents that are multiples of 2}}
#config = #qopt.gemm_config<simt, block = [16, 16, 16], warp = [1, 4], stages = 1, split_k = 1>

// -----

// expected-error @below {{simt needs block_k that divides 32, but it is 24}}
#config = #qopt.gemm_config<simt, block = [64, 64, 24], warp = [4, 4], stages = 1, split_k = 1>

// -----

// expected-error @below {{simt tiles of 128 and 256 elements do not divide over 512 threads}}
#config = #qopt.gemm_config<simt, block = [32, 64, 4], warp = [2, 2], stages = 1, split_k = 1>
