#nchw = affine_map<(n, c, h, w) -> (n, c, h, w)>
#channel = affine_map<(n, c, h, w) -> (c)>
#row = affine_map<(i, j) -> (i, j)>
func.func @main(%x: tensor<1x2x6x6xf32> {qopt.name = "image"}, %flag: tensor<i1>) -> (tensor<1x3xf32>, tensor<1x3xf32>) {
  %w0 = arith.constant dense<0.5> : tensor<4x2x3x3xf32>
  %w1 = arith.constant dense_resource<w1> : tensor<2x2xf32>
  %w2 = arith.constant dense<[[1.0, -2.0, 0.25], [0.5, 3.0, -0.125], [1.0, 0.0, 2.0], [4.0, 0.5, 1.0]]> : tensor<4x3xf32>
  %scale = arith.constant dense<[1.0, 2.0, 0.5, 4.0]> : tensor<4xf32>
  %shift = arith.constant dense<[0.5, -1.0, 0.0, 2.0]> : tensor<4xf32>
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -3.40282347E+38 : f32
  %window = tensor.empty() : tensor<2x2xf32>
  %e0 = tensor.empty() : tensor<1x4x6x6xf32>
  %pad = tensor.pad %x low[0, 0, 1, 1] high[0, 0, 1, 1] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x2x6x6xf32> to tensor<1x2x8x8xf32>
  %i0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  %conv = linalg.conv_2d_nchw_fchw {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
      ins(%pad, %w0 : tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) outs(%i0 : tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  %norm = linalg.generic {indexing_maps = [#nchw, #channel, #channel, #nchw],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%conv, %scale, %shift : tensor<1x4x6x6xf32>, tensor<4xf32>, tensor<4xf32>) outs(%e0 : tensor<1x4x6x6xf32>) {
  ^bb0(%v: f32, %s: f32, %b: f32, %out: f32):
    %0 = arith.mulf %v, %s : f32
    %1 = arith.addf %0, %b : f32
    %2 = arith.cmpf ugt, %1, %zero : f32
    %3 = arith.select %2, %1, %zero : f32
    linalg.yield %3 : f32
  } -> tensor<1x4x6x6xf32>
  %e1 = tensor.empty() : tensor<1x4x3x3xf32>
  %i1 = linalg.fill ins(%low : f32) outs(%e1 : tensor<1x4x3x3xf32>) -> tensor<1x4x3x3xf32>
  %pool = linalg.pooling_nchw_max {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}
      ins(%norm, %window : tensor<1x4x6x6xf32>, tensor<2x2xf32>) outs(%i1 : tensor<1x4x3x3xf32>) -> tensor<1x4x3x3xf32>
  %z2 = arith.constant dense<0.0> : tensor<1x4xf32>
  %sum = linalg.generic {indexing_maps = [#nchw, affine_map<(n, c, h, w) -> (n, c)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%pool : tensor<1x4x3x3xf32>) outs(%z2 : tensor<1x4xf32>) {
  ^bb0(%v: f32, %acc: f32):
    %0 = arith.addf %v, %acc : f32
    linalg.yield %0 : f32
  } -> tensor<1x4xf32>
  %e3 = tensor.empty() : tensor<1x3xf32>
  %i3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<1x3xf32>) -> tensor<1x3xf32>
  %fc = linalg.matmul ins(%sum, %w2 : tensor<1x4xf32>, tensor<4x3xf32>) outs(%i3 : tensor<1x3xf32>) -> tensor<1x3xf32> loc("fc")
  %halves = tensor.expand_shape %sum [[0], [1, 2]] output_shape [1, 2, 2] : tensor<1x4xf32> into tensor<1x2x2xf32>
  %eb = tensor.empty() : tensor<1x2x2xf32>
  %copies = linalg.broadcast ins(%w1 : tensor<2x2xf32>) outs(%eb : tensor<1x2x2xf32>) dimensions = [0]
  %zb = arith.constant dense<0.0> : tensor<1x2x2xf32>
  %batch = linalg.batch_matmul ins(%halves, %copies : tensor<1x2x2xf32>, tensor<1x2x2xf32>) outs(%zb : tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  %flat = tensor.collapse_shape %batch [[0], [1, 2]] : tensor<1x2x2xf32> into tensor<1x4xf32>
  %fc2 = linalg.matmul ins(%flat, %w2 : tensor<1x4xf32>, tensor<4x3xf32>) outs(%i3 : tensor<1x3xf32>) -> tensor<1x3xf32>
  %both = tosa.add %fc, %fc2 : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  %ok = tensor.extract %flag[] : tensor<i1>
  cf.assert %ok, "not ok"
  %chosen = scf.if %ok -> tensor<1x3xf32> {
    scf.yield %both : tensor<1x3xf32>
  } else {
    scf.yield %fc : tensor<1x3xf32>
  }
  return %both, %chosen : tensor<1x3xf32>, tensor<1x3xf32>
}
{-#
  dialect_resources: {
    builtin: {
      w1: "0x080000000000803F0000003F0000004000008040"
    }
  }
#-}
