!q = !quant.uniform<u8:f32, 0.5>
!r = !quant.uniform<u8:f32, 0.25>

// Right after, behind movement, and to another type; not the first one, nor the
// one behind arithmetic.
func.func @main(%x: tensor<2x3xf32>, %m: tensor<3x2xf32>) -> (tensor<2x3xf32>, tensor<6xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %0 = quant.qcast %x : tensor<2x3xf32> to tensor<2x3x!q>
  %1 = quant.dcast %0 : tensor<2x3x!q> to tensor<2x3xf32>
  %2 = quant.qcast %1 : tensor<2x3xf32> to tensor<2x3x!q>
  %3 = quant.dcast %2 : tensor<2x3x!q> to tensor<2x3xf32>
  %t = linalg.transpose ins(%1 : tensor<2x3xf32>) outs(%m : tensor<3x2xf32>) permutation = [1, 0]
  %c = tensor.collapse_shape %t [[0, 1]] : tensor<3x2xf32> into tensor<6xf32>
  %4 = quant.qcast %c : tensor<6xf32> to tensor<6x!q>
  %5 = quant.dcast %4 : tensor<6x!q> to tensor<6xf32>
  %6 = quant.qcast %1 : tensor<2x3xf32> to tensor<2x3x!r>
  %7 = quant.dcast %6 : tensor<2x3x!r> to tensor<2x3xf32>
  %sum = linalg.add ins(%1, %7 : tensor<2x3xf32>, tensor<2x3xf32>) outs(%x : tensor<2x3xf32>) -> tensor<2x3xf32>
  %8 = quant.qcast %sum : tensor<2x3xf32> to tensor<2x3x!q>
  %9 = quant.dcast %8 : tensor<2x3x!q> to tensor<2x3xf32>
  return %3, %5, %7, %9 : tensor<2x3xf32>, tensor<6xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}
