// Three indices for each of four samples are looked up in a table of five rows
// and added, with the checks that exporters write.
func.func @main(%ids: tensor<4x3xi64> {qopt.name = "ids"}) -> (tensor<4x8xi32> {qopt.name = "sums"}) {
  %table = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [10, 20, 30, 40, 50, 60, 70, 80],
      [100, 200, 300, 400, 500, 600, 700, 800], [-1, -2, -3, -4, -5, -6, -7, -8],
      [1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000]]> : tensor<5x8xi32>
  %c5 = arith.constant 5 : i64
  %c0 = arith.constant 0 : i64
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<4x3x8xi32>
  %rows = linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (b, i)>, affine_map<(b, i, j) -> (b, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids : tensor<4x3xi64>) outs(%e : tensor<4x3x8xi32>) attrs = {qopt.name = "embedding"} {
  ^bb0(%in: i64, %out: i32):
    %row = arith.index_cast %in : i64 to index
    %column = linalg.index 2 : index
    %small = arith.cmpi slt, %in, %c5 : i64
    cf.assert %small, "index must be smaller than dim size"
    %large = arith.cmpi sge, %in, %c0 : i64
    cf.assert %large, "index must be larger or equal to 0"
    %v = tensor.extract %table[%row, %column] : tensor<5x8xi32>
    linalg.yield %v : i32
  } -> tensor<4x3x8xi32>
  %e1 = tensor.empty() : tensor<4x8xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e1 : tensor<4x8xi32>) -> tensor<4x8xi32>
  %sums = linalg.reduce {arith.addi} ins(%rows : tensor<4x3x8xi32>) outs(%f : tensor<4x8xi32>) dimensions = [1]
  return %sums : tensor<4x8xi32>
}
