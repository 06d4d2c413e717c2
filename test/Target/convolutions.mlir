// RUN: quant-opt --from=kernels --target=sm_80 --explain --emit=qopt -o %t.qopt %s 2>&1 | FileCheck %s --check-prefix=FORM
// RUN: quant-run %t.qopt --verify --device=emulator,cpu | FileCheck %s

// Convolutions from their matching to kernels, against the CPU, which knows
// nothing of windows. All of them are gemms.

// FORM-NOT:     a loop kernel
// FORM-COUNT-6: a gemm with
// FORM-NOT:     a gemm with
// CHECK: emulator of sm_80 and cpu agree in all bits of

#x1 = affine_map<(n, p, q, k, r, s, c) -> (n, p + r, q + s, c)>
#w1 = affine_map<(n, p, q, k, r, s, c) -> (k, r, s, c)>
#y1 = affine_map<(n, p, q, k, r, s, c) -> (n, p, q, k)>
#x2 = affine_map<(n, p, q, g, k, r, s, c) -> (n, p + r * 2, q + s * 2, g, c)>
#w2 = affine_map<(n, p, q, g, k, r, s, c) -> (g, k, r, s, c)>
#y2 = affine_map<(n, p, q, g, k, r, s, c) -> (n, p, q, g, k)>
#x3 = affine_map<(n, p, q, k, r, s, c) -> (n, p + r, q + s, c)>
#w3 = affine_map<(n, p, q, k, r, s, c) -> (r, s, c, k)>
#y3 = affine_map<(n, p, q, k, r, s, c) -> (n, p, q, k)>
#x4 = affine_map<(n, p, q, k, r, s, c) -> (n, p * 2 + r, q * 2 + s, c)>
#w4 = affine_map<(n, p, q, k, r, s, c) -> (k, r, s, c)>
#y4 = affine_map<(n, p, q, k, r, s, c) -> (n, p, q, k)>
#x5 = affine_map<(n, p, q, k, r, s, c) -> (n, p + r, q + s, c)>
#w5 = affine_map<(n, p, q, k, r, s, c) -> (k, c, r, s)>
#y5 = affine_map<(n, p, q, k, r, s, c) -> (n, p, q, k)>
#x6 = affine_map<(n, q, k, s, c) -> (n, q * 3 + s, c)>
#w6 = affine_map<(n, q, k, s, c) -> (k, s, c)>
#y6 = affine_map<(n, q, k, s, c) -> (n, q, k)>

func.func @main(%x: tensor<3x6x7x20xi8>)
    -> (tensor<3x6x7x8xi32>,
        tensor<3x6x7x5x3xi32>,
        tensor<3x12x14x6xi32>,
        tensor<3x3x4x9xi32>,
        tensor<3x4x6x7xi32>,
        tensor<3x13x4xi32>) {
  %c0 = arith.constant 0 : i32
  %pad1 = arith.constant -9 : i8
  %s1 = tensor.extract_slice %x[0, 0, 0, 6] [3, 6, 7, 5] [1, 1, 1, 1] : tensor<3x6x7x20xi8> to tensor<3x6x7x5xi8>
  %p1 = tensor.pad %s1 low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %pad1 : i8
  } : tensor<3x6x7x5xi8> to tensor<3x8x9x5xi8>
  // Some of the channels: an image whose pixels are not side by side.
  %w1 = arith.constant dense<"0xA54DCA182530BB1D6D132CDED6237B2ED91E3F721FCB1971174494D6493C9D5C3460BE31201E69FEDAA0EEE8B9997F5C7C2999FDAFE593253CD654AF4DFAD71427A0AEB3FEE9232F8AF2211F9EE491C5B10BECB5563BFC1E6F93427ECBC8FE2955E5CD8E46DC8ED4B7C2764D2A5A4D767706F85D8690024AD6BDA3401BE9C8CBCCC935F6CD1F61226AE15338AE1A34004D33BA0D246AC04C81B1BAF23E3BF9EEF5F79F2B4934AF87F5520B69B94B0D982E85BB55B672A872637ACD7466FCB60E0E8FF18463B0E4B2BA29703474F064AC68F700F5B02B3DC666F45BDEAA2CCAEDCD2B5157410E4DEE4AF2B34F430A073447DE636C0E806C957BA684D6431FB5EAD7424D09E15D024C5848F23D1FA6F7361D7F618D1532E70E20E2A6668DE7F47E8467E546D53EC8E2A1257BDB256C9B3E4FBB498146EF7030CBF9537252DCCEADD764B6A32FBB09ADEAE109C4A997203975352B878B145C8A42D884CF4CFDA72D8E1D5DD92589082D"> : tensor<8x3x3x5xi8>
  %e1 = tensor.empty() : tensor<3x6x7x8xi32>
  %z1 = linalg.fill ins(%c0 : i32) outs(%e1 : tensor<3x6x7x8xi32>) -> tensor<3x6x7x8xi32>
  %y1 = linalg.generic {indexing_maps = [#x1, #w1, #y1],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%p1, %w1 : tensor<3x8x9x5xi8>, tensor<8x3x3x5xi8>)
      outs(%z1 : tensor<3x6x7x8xi32>) {
  ^bb0(%a: i8, %b: i8, %acc: i32):
    %ea = arith.extsi %a : i8 to i32
    %eb = arith.extsi %b : i8 to i32
    %ab = arith.muli %ea, %eb : i32
    %sum = arith.addi %acc, %ab : i32
    linalg.yield %sum : i32
  } -> tensor<3x6x7x8xi32>
  %pad2 = arith.constant 7 : i8
  %p2 = tensor.pad %x low[0, 2, 2, 0] high[0, 2, 2, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %pad2 : i8
  } : tensor<3x6x7x20xi8> to tensor<3x10x11x20xi8>
  %g2 = tensor.expand_shape %p2 [[0], [1], [2], [3, 4]] output_shape [3, 10, 11, 5, 4]
      : tensor<3x10x11x20xi8> into tensor<3x10x11x5x4xi8>
  // Groups, dilated and padded.
  %w2 = arith.constant dense<"0x852A7122873EE805ADD58942167A385286195C679F9C6994E45B8AB1098012070961F37DE436DDFDC99D6E75AF6547CFB11B42072482DC531C2BC3907C9617EB5E5089E40186BAA8A57D119E6FB65D00ABC32AF38E667F022E872D49CC15C90B999B772B4FC7A6FD4C914A16DB4708752B0F1544B835C0E719097DFA8701E9232F21F2812687786976EBFCC327F5931765274BA9829B4406F61FF889326FFA9492EDEEEE3C669F2BF20894EA27E689C66B6B262E4886B8438F39BA76FEF8C90C5101FBE6CF9A48D5B0C0A13DA900A6ADCB3D64069481BE21C9C727B8DB8C188F341A924C7F88DFA161BFDB0ECC682919D2E64692F8194157F1D4AF90988285CF7A9AF7C93D5552266AFE70E7AAE6DA47627C2E59AF2EA37ABC84670AD3C4D36BC08AAD1FFF8EB8406E2F8A7FC4CCE4DD9F0B4110D9F2FA0025C8EFE57F37724F4D37EA2B14004077139B4180DF3932249962C6857200059AEB8EA17CF3787E0ED29D1C0B63FFD7298374D9BD74FC11ADD7B9CA6503952269FD669F6376EE71879737FD5F72F8D51C4AC91B6D0C48D41A1E5EC9E6A0392854A8615EEF109FC1BFA9E2563701288F29B3D73F6AC2B69EDD2C19F264BEE462A5BAF20FD27ECF14C011ED201F836320ADB98BAB1686A28D9801210C7736F3EEC580DCFC43FE5D049B4D78A7A3EBB92865C8517ED02111F6A652DA3524872B6A31D7FFE4587744D5EB783E96968F89BE828565E07E5F7D784E9060A721CA807D7633ED1234"> : tensor<5x3x3x3x4xi8>
  %e2 = tensor.empty() : tensor<3x6x7x5x3xi32>
  %z2 = linalg.fill ins(%c0 : i32) outs(%e2 : tensor<3x6x7x5x3xi32>) -> tensor<3x6x7x5x3xi32>
  %y2 = linalg.generic {indexing_maps = [#x2, #w2, #y2],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%g2, %w2 : tensor<3x10x11x5x4xi8>, tensor<5x3x3x3x4xi8>)
      outs(%z2 : tensor<3x6x7x5x3xi32>) {
  ^bb0(%a: i8, %b: i8, %acc: i32):
    %ea = arith.extsi %a : i8 to i32
    %eb = arith.extsi %b : i8 to i32
    %ab = arith.muli %ea, %eb : i32
    %sum = arith.addi %acc, %ab : i32
    linalg.yield %sum : i32
  } -> tensor<3x6x7x5x3xi32>
  %pad3 = arith.constant -3 : i8
  %e3_ = tensor.empty() : tensor<3x13x15x20xi8>
  %f3 = linalg.fill ins(%pad3 : i8) outs(%e3_ : tensor<3x13x15x20xi8>) -> tensor<3x13x15x20xi8>
  %i3 = tensor.insert_slice %x into %f3[0, 1, 1, 0] [3, 6, 7, 20] [1, 2, 2, 1] : tensor<3x6x7x20xi8> into tensor<3x13x15x20xi8>
  // A transposed convolution.
  %w3 = arith.constant dense<"0x02F376E5BF1496773D19616326BE5BE5850336B36F13BCAE48166882136805A7D1BE5E9F276810FDF720D033CA4F2E53CB8AD1919DD51A9FB6D4D509BA64C8CF6803DE50D83A2ECFBAEB5342071A48CB2DBD574AB29152572237C4FB659A4016F7A11BC62C5271CF64F25D6F15CC50C4B73F4C7E621513A53CC7E99CD79D7FD9C7BCE4E05B0B01FAEE78E4EA5BF2CC362241B7DCBB2EE21414422AA0281BC1450D21386343FB93547121B38151A58CE94982F56A8679A3BE12655DCE528EA7C056873A18B8E73581C9BE87C0BC4AB8A929E2755A1897819EA00011714C94DDD5BA1843FA74170B1B01B59B36B672D39A4468BBF35144077C4CE631204A8ACD87051CB3E3FC7F5400161F0CCF5F79511D35066448D366D4599E209918F403C0DFEE29E75973358576133FAB861A88DF87976F2B075685786751A762C7A87AC2F0F1030DDF779D6CC827574A100D393652B0480E0F154615221721BA6621C4367E69683911112C93F43343326896A3ACD8850AB3839018BCA4F3930FD30FDF32B1F0186E2E9357DF0067931B02B2FB30FB5EFDB18551916D76FF543829FB35A7B630CDCA2CD80CBE699B86DB57C277EB4011B2A74FE6A556EDE0837640ABEC7962889A4F4F7EA7B25278A7608434543464C44D4B9A98DE8C6437368F69C6ED1106"> : tensor<2x2x20x6xi8>
  %e3 = tensor.empty() : tensor<3x12x14x6xi32>
  %z3 = linalg.fill ins(%c0 : i32) outs(%e3 : tensor<3x12x14x6xi32>) -> tensor<3x12x14x6xi32>
  %y3 = linalg.generic {indexing_maps = [#x3, #w3, #y3],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%i3, %w3 : tensor<3x13x15x20xi8>, tensor<2x2x20x6xi8>)
      outs(%z3 : tensor<3x12x14x6xi32>) {
  ^bb0(%a: i8, %b: i8, %acc: i32):
    %ea = arith.extsi %a : i8 to i32
    %eb = arith.extsi %b : i8 to i32
    %ab = arith.muli %ea, %eb : i32
    %sum = arith.addi %acc, %ab : i32
    linalg.yield %sum : i32
  } -> tensor<3x12x14x6xi32>
  // One tap with a stride.
  %w4 = arith.constant dense<"0xCCDF7197ED0B4883CF027CDCD775755C3FE8DDA08532D67CCC5080D8F7E90AD15DA705C7FA3613806F5266B233E968F308BDAFD2E96B5EC83EB61C818CC3CC1F0626D6D7B48737729BCD70C8EC6C54422362F0734AB4D3EF9640F0B57588C081DA5FF6018FB77D9AA4F5F8DB2BB94E9BC51D2BA647B007056B2496803349775FE7B14E6ACE552E9865FD6D28E03B3C87D67747F2FC1DF7EF49FB7EFF540352A4EFFE97EEBFDAD6265CB80E0A17A930F7F849116D"> : tensor<9x1x1x20xi8>
  %e4 = tensor.empty() : tensor<3x3x4x9xi32>
  %z4 = linalg.fill ins(%c0 : i32) outs(%e4 : tensor<3x3x4x9xi32>) -> tensor<3x3x4x9xi32>
  %y4 = linalg.generic {indexing_maps = [#x4, #w4, #y4],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w4 : tensor<3x6x7x20xi8>, tensor<9x1x1x20xi8>)
      outs(%z4 : tensor<3x3x4x9xi32>) {
  ^bb0(%a: i8, %b: i8, %acc: i32):
    %ea = arith.extsi %a : i8 to i32
    %eb = arith.extsi %b : i8 to i32
    %ab = arith.muli %ea, %eb : i32
    %sum = arith.addi %acc, %ab : i32
    linalg.yield %sum : i32
  } -> tensor<3x3x4x9xi32>
  // A constant in another order.
  %w5 = arith.constant dense<"0xD440AD30BBAEF26B91DEAFD8801A9495B5FCCEAA8BB068FC3CA962A299412C14CCCF19CC9937031761F31EC04B2A6C14EA59335C12D73306BC479E849A5ED711A30ADC1BFE143CD7CFE42207C64FF3D3342AF16C4D07DA02043E2D6F3E42F1098D7CE65F19BB4A2B96FFEB821A10051F0728C79F9F54F91EA1BCE0F0554A3BB953D5F4C5E78BAA958F1FAA074D9EDB7EC0C6C077E79100A48689D8501593484B8CFFB12BF8C366779E1DCAEE698204C5EB2CB52077CB84A4F467606C622F5C94B9B7CE4C7E16FCBF36BEED294FA10FB08F0A301168F86D858FDA31E4438213AD665CC12A0E1A11BDEAF920CB3D2E83A3772DC95DE551BD7871581383B41E0E1884F71C334AA2026598E135F1A5BE83C73FBFF6C256E17A4906EF6312507027BF47E431C50B26E7ADA577F43BBB49A9711D5CE74AE04C88D6D27E4F0D8A97AB5585FB37A2E9F73A4E1D6CF4923D8367BADD857A7931C794D4531D964908E2AE47E200925FB8DE14D16F8D5C465C755964282CFD8C596946629D670521D01CB1AB90FC2E07D1F444887F5FBB1253BE02B6E4243DB67DA4C31F9537FDE40D440A7C2D725D55349F800F0931638509ED7AE334B3305B178B3FEEFC8F383E3ECF4674744BECCB5409C7D712CA1AB9ADCD7BABDFA4CD1BA64BB47FD805BA375F23A6DD660A7347D7CBE8171411888B1233803E06DE791493399CB1553D1E892BEE4BE13F4396D0938C7C2C93E871C567BBEB9BF4F09E0F7CAA7160C4CA06B4537AA5A6FB8A916E971D0B5122B2E11FC6E1B537734FD5ACB447678D30F38941D33402D23CFECB4CD58F38C2E7EA93B495B4C8C4A403FFC2E3995E9B4ADFC1762DA9A57CA668DA050D1883FE999FDFDCC7EDB714B3E705227532D1BFCD4E60D7F9CDE1AF2F57B9A2BB269F593896AFD750946A60D35D1E36B415D205019D029BCB32070F6459FE884965D23E4A50360E332657FBEFDC1F06A54979B58D5610883220B262E6C50A1B70CA16E11B7A7F72165158A103E99BD681FD227CC771D39ECCF80B7C2C5857B7C25F0394CAB93AABC5ABCE213FD8B37DC661EF91B079DF118E0CAE4F7B422F648A41E2EF7A51BCB46ECFC06A98F36874E74385E1BC7ECE6C403E2E8AC50E4A9F07C72C5A76A4603722B99862219F2D739340CC90B6CEED438D5A0FBBB3D30CEC7FCDB432"> : tensor<7x20x3x2xi8>
  %e5 = tensor.empty() : tensor<3x4x6x7xi32>
  %z5 = linalg.fill ins(%c0 : i32) outs(%e5 : tensor<3x4x6x7xi32>) -> tensor<3x4x6x7xi32>
  %y5 = linalg.generic {indexing_maps = [#x5, #w5, #y5],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w5 : tensor<3x6x7x20xi8>, tensor<7x20x3x2xi8>)
      outs(%z5 : tensor<3x4x6x7xi32>) {
  ^bb0(%a: i8, %b: i8, %acc: i32):
    %ea = arith.extsi %a : i8 to i32
    %eb = arith.extsi %b : i8 to i32
    %ab = arith.muli %ea, %eb : i32
    %sum = arith.addi %acc, %ab : i32
    linalg.yield %sum : i32
  } -> tensor<3x4x6x7xi32>
  %l6 = tensor.collapse_shape %x [[0], [1, 2], [3]] : tensor<3x6x7x20xi8> into tensor<3x42x20xi8>
  // One dimension.
  %w6 = arith.constant dense<"0x5D953A8A7014CF1452DC659B4FC2149F5B74FE82DEB200399215187D3813A36BB02CD5C9718F2EB2D9E2AEE71B69DB41FA601685595378857F1E56B7B1D22F679F4645F9F7797B03E344B39944487BAA3CD9564FECCF693A9406B8F969161E8F9B64389EE53952A6E3EFB99456241705EFF82AA98737FADEFA61A404B72E92807D28460E0CCA4A97BC5F56349EA7C25EB6A375BC45BD817A1D1536CE196EFDD8FF50992948745346E2CD2D14E1F5616FBE0110D94991241CD7AD20E0045A54C19702E2B264F02BA5EBDB4FCD291EA998D7BCF64699AF0E6071E52B4BBED5B87BE1CA853A745C67397181306080FA74EA733929D025E1443A34EBC85762F32F46BF1DCF7918BE15076DEB993D45DA2C673AB556BBAE05823E7ABEB6FA16B433B6A739117C82B562E40AE13A0AF93825845E4C94C2498089E3070CAF4DF9F71012265DC8F351E5C97526B8A86E9F43166C56B8EFA9EFC6B5A003ABF7AA740A7FEB174A498BC48B2086B647113066DA32B9907948249BAEB97DB3CFAB1EACA5F6BC7C78B24D456903E8CFE4CA9A5621499A"> : tensor<4x5x20xi8>
  %e6 = tensor.empty() : tensor<3x13x4xi32>
  %z6 = linalg.fill ins(%c0 : i32) outs(%e6 : tensor<3x13x4xi32>) -> tensor<3x13x4xi32>
  %y6 = linalg.generic {indexing_maps = [#x6, #w6, #y6],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%l6, %w6 : tensor<3x42x20xi8>, tensor<4x5x20xi8>)
      outs(%z6 : tensor<3x13x4xi32>) {
  ^bb0(%a: i8, %b: i8, %acc: i32):
    %ea = arith.extsi %a : i8 to i32
    %eb = arith.extsi %b : i8 to i32
    %ab = arith.muli %ea, %eb : i32
    %sum = arith.addi %acc, %ab : i32
    linalg.yield %sum : i32
  } -> tensor<3x13x4xi32>
  return %y1, %y2, %y3, %y4, %y5, %y6
      : tensor<3x6x7x8xi32>,
        tensor<3x6x7x5x3xi32>,
        tensor<3x12x14x6xi32>,
        tensor<3x3x4x9xi32>,
        tensor<3x4x6x7xi32>,
        tensor<3x13x4xi32>
}
