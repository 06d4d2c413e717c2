//===- OneDnnConvolution.cpp - Convolutions through oneDNN ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Input and output are given to oneDNN as dense NHWC (what int8 needs to be
// fast), copied only where they are not; filters go to the layout oneDNN likes
// best. One-dimensional convolutions run as images of height 1, for which
// oneDNN has its best kernels. Where images are not dense in the batch, the
// primitive handles one image and is run for each.
//
//===----------------------------------------------------------------------===//

#include "OneDnnSupport.h"

namespace mlir::qopt::cpu {
namespace {

using Dims = dnnl::memory::dims;

/// An activation: as oneDNN sees one run's share, and the copy of that share.
struct Activation {
  dnnl::memory::desc desc;
  std::vector<CopyDim> toDense; ///< From the caller's layout; empty: none.
};

/// The filter as a dense tensor, and the copy that makes it one (empty: none).
struct Filter {
  dnnl::memory::desc dense;
  std::vector<CopyDim> toDense;
};

/// One convolution through one primitive, run once or once per image.
class OneDnnConvolution : public Kernel {
public:
  explicit OneDnnConvolution(const ConvolutionSpec &spec);

  void run(const void *input, const void *filter, void *output) const override;
  const char *implementation() const override { return name.c_str(); }

  /// Whether oneDNN only has an implementation that our loops beat: reference
  /// code, an int8 im2col for odd group sizes that reaches a few GOP/s, or one
  /// that accesses memory behind tensors whose channels do not fill vectors.
  bool isUnsuitable() const {
    return name.find("ref") != std::string::npos ||
           name.find("gemm_s8") != std::string::npos ||
           name.find("jit_dw:sse41") != std::string::npos;
  }

private:
  ConvolutionSpec spec;
  int64_t runs = 1; ///< Primitive executions: 1, or one for each image.
  Activation input, output;
  bool addsInPlace = false;
  std::unique_ptr<PackedOperand> weights;
  std::unique_ptr<ReentrantPrimitive> primitive;
  std::string name;
};

} // namespace

/// Drops spatial dimensions in which nothing happens, and fills up in front
/// with such dimensions to two: every result is an image or a volume.
static ConvolutionSpec withImageRank(const ConvolutionSpec &given) {
  ConvolutionSpec spec = given;
  std::vector<unsigned> kept;
  for (unsigned d = 0; d < given.rank; ++d)
    if (given.inputSize[d] != 1 || given.outputSize[d] != 1)
      kept.push_back(d);
  spec.rank = std::max<unsigned>(2, static_cast<unsigned>(kept.size()));
  unsigned fill = spec.rank - static_cast<unsigned>(kept.size());
  for (unsigned d = 0; d < spec.rank; ++d) {
    bool isUnit = d < fill;
    unsigned from = isUnit ? 0 : kept[d - fill];
    spec.inputSize[d] = isUnit ? 1 : given.inputSize[from];
    spec.outputSize[d] = isUnit ? 1 : given.outputSize[from];
    spec.kernelSize[d] = isUnit ? 1 : given.kernelSize[from];
    spec.strides[d] = isUnit ? 1 : given.strides[from];
    spec.dilations[d] = isUnit ? 1 : given.dilations[from];
    auto move = [&](ConvolutionSpec::Strides &to,
                    const ConvolutionSpec::Strides &source) {
      to.spatial[d] = isUnit ? 0 : source.spatial[from];
    };
    move(spec.inputStrides, given.inputStrides);
    move(spec.filterStrides, given.filterStrides);
    move(spec.outputStrides, given.outputStrides);
  }
  // Input that no tap reads would make oneDNN expect more outputs.
  for (unsigned d = 0; d < spec.rank; ++d) {
    int64_t used = (spec.outputSize[d] - 1) * spec.strides[d] +
                   (spec.kernelSize[d] - 1) * spec.dilations[d] + 1;
    if (spec.inputSize[d] - used >= spec.strides[d])
      spec.inputSize[d] = used;
  }
  return spec;
}

/// Whether one image is dense with the channels (of all groups) innermost.
static bool isDenseNhwc(unsigned rank, int64_t groups, int64_t channels,
                        const int64_t *size,
                        const ConvolutionSpec::Strides &strides) {
  if ((channels > 1 && strides.channel != 1) ||
      (groups > 1 && strides.group != channels))
    return false;
  int64_t expected = groups * channels;
  for (unsigned d = rank; d-- > 0; expected *= size[d])
    if (size[d] > 1 && strides.spatial[d] != expected)
      return false;
  return true;
}

/// N, C, spatial sizes in oneDNN's order, as NHWC in memory.
static dnnl::memory::desc nhwcDesc(unsigned rank, ElementType type,
                                   int64_t batch, int64_t channels,
                                   const int64_t *size) {
  Dims dims = {batch, channels};
  dims.insert(dims.end(), size, size + rank);
  return dnnl::memory::desc(dims, oneDnnType(type),
                            rank == 3 ? dnnl::memory::format_tag::ndhwc
                                      : dnnl::memory::format_tag::nhwc);
}

/// The copy of `batch` images between the caller's layout and dense NHWC.
static std::vector<CopyDim> nhwcCopy(unsigned rank, int64_t batch,
                                     int64_t groups, int64_t channels,
                                     const int64_t *size,
                                     const ConvolutionSpec::Strides &strides) {
  std::vector<CopyDim> dims = {{groups, strides.group, channels},
                               {channels, strides.channel, 1}};
  int64_t dense = groups * channels;
  for (unsigned d = rank; d-- > 0; dense *= size[d])
    dims.push_back({size[d], strides.spatial[d], dense});
  dims.push_back({batch, strides.outer, dense});
  return dims;
}

/// Filters become dense [g]oihw first: the only source from which oneDNN's
/// reorders compute what its int8 kernels append to the weights.
static Filter describe(const ConvolutionSpec &spec) {
  const ConvolutionSpec::Strides &strides = spec.filterStrides;
  Dims sizes = {spec.groups, spec.outputChannels, spec.inputChannels};
  Dims sources = {strides.group, strides.outer, strides.channel};
  sizes.insert(sizes.end(), spec.kernelSize, spec.kernelSize + spec.rank);
  sources.insert(sources.end(), strides.spatial, strides.spatial + spec.rank);
  if (spec.groups == 1) {
    sizes.erase(sizes.begin());
    sources.erase(sources.begin());
  }
  Filter filter;
  Dims denseStrides(sizes.size());
  bool isDense = true;
  int64_t stride = 1;
  for (size_t d = sizes.size(); d-- > 0; stride *= sizes[d]) {
    denseStrides[d] = stride;
    filter.toDense.push_back({sizes[d], sources[d], stride});
    isDense &= sizes[d] == 1 || sources[d] == stride;
  }
  if (isDense)
    filter.toDense.clear();
  filter.dense =
      dnnl::memory::desc(sizes, oneDnnType(spec.filterType), denseStrides);
  return filter;
}

OneDnnConvolution::OneDnnConvolution(const ConvolutionSpec &given)
    : spec(withImageRank(given)) {
  SingleThreaded singleThreaded;
  unsigned rank = spec.rank;
  ElementType outType = resultType(spec.inputType);
  int64_t inChannels = spec.groups * spec.inputChannels;
  int64_t outChannels = spec.groups * spec.outputChannels;
  bool inDense = isDenseNhwc(rank, spec.groups, spec.inputChannels,
                             spec.inputSize, spec.inputStrides);
  bool outDense = isDenseNhwc(rank, spec.groups, spec.outputChannels,
                              spec.outputSize, spec.outputStrides);
  auto imageElements = [rank](int64_t channels, const int64_t *size) {
    for (unsigned d = 0; d < rank; ++d)
      channels *= size[d];
    return channels;
  };
  bool imagesAdjoin =
      spec.batch == 1 ||
      (spec.inputStrides.outer == imageElements(inChannels, spec.inputSize) &&
       spec.outputStrides.outer == imageElements(outChannels, spec.outputSize));
  runs = inDense && outDense && imagesAdjoin ? 1 : spec.batch;
  int64_t images = spec.batch / runs;

  input.desc =
      nhwcDesc(rank, spec.inputType, images, inChannels, spec.inputSize);
  output.desc = nhwcDesc(rank, outType, images, outChannels, spec.outputSize);
  if (!inDense)
    input.toDense = nhwcCopy(rank, images, spec.groups, spec.inputChannels,
                             spec.inputSize, spec.inputStrides);
  output.toDense = nhwcCopy(rank, images, spec.groups, spec.outputChannels,
                            spec.outputSize, spec.outputStrides);

  Filter filter = describe(spec);
  dnnl::memory::desc anyDesc(filter.dense.dims(), oneDnnType(spec.filterType),
                             dnnl::memory::format_tag::any);

  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attr.set_fpmath_mode(dnnl::fpmath_mode::strict);
  // oneDNN's sum goes through f32, which is not exact for s32.
  addsInPlace = spec.accumulate && outDense && outType == ElementType::F32;
  if (addsInPlace) {
    dnnl::post_ops ops;
    ops.append_sum(1.0f);
    attr.set_post_ops(ops);
  }
  if (outDense && (!spec.accumulate || addsInPlace))
    output.toDense.clear();

  Dims strides(spec.strides, spec.strides + rank), dilations, padding(rank, 0);
  for (unsigned d = 0; d < rank; ++d)
    dilations.push_back(spec.dilations[d] - 1);
  dnnl::convolution_forward::primitive_desc desc(
      dnnl::convolution_forward::desc(dnnl::prop_kind::forward_inference,
                                      dnnl::algorithm::convolution_direct,
                                      input.desc, anyDesc, output.desc, strides,
                                      dilations, padding, padding),
      attr, oneDnnEngine());
  name = std::string("onednn:") + desc.impl_info_str();
  if (isUnsuitable())
    return;
  weights = std::make_unique<PackedOperand>(spec.filterType,
                                            spec.filterConstant, filter.toDense,
                                            filter.dense, desc.weights_desc());
  primitive = std::make_unique<ReentrantPrimitive>(
      dnnl::convolution_forward(desc), desc.scratchpad_desc(),
      std::initializer_list<ReentrantPrimitive::Argument>{
          {DNNL_ARG_SRC, input.desc},
          {DNNL_ARG_WEIGHTS, desc.weights_desc()},
          {DNNL_ARG_DST, output.desc}});
}

void OneDnnConvolution::run(const void *inputData, const void *filterData,
                            void *outputData) const try {
  SingleThreaded singleThreaded;
  ElementType outType = resultType(spec.inputType);
  void *packed = weights->get(filterData);
  for (int64_t i = 0; i < runs; ++i) {
    const void *from = advance(inputData, i * spec.inputStrides.outer,
                               byteWidth(spec.inputType));
    void *to =
        advance(outputData, i * spec.outputStrides.outer, byteWidth(outType));
    if (!input.toDense.empty()) {
      void *copy = scratch(ScratchSlot::Lhs, input.desc.get_size());
      copyStrided(input.toDense, byteWidth(spec.inputType), from, copy);
      from = copy;
    }
    if (output.toDense.empty()) {
      primitive->execute({const_cast<void *>(from), packed, to});
      continue;
    }
    void *sums = scratch(ScratchSlot::Out, output.desc.get_size());
    primitive->execute({const_cast<void *>(from), packed, sums});
    std::vector<CopyDim> back = output.toDense;
    for (CopyDim &dim : back)
      std::swap(dim.srcStride, dim.dstStride);
    if (spec.accumulate)
      addStrided(std::move(back), outType, sums, to);
    else
      copyStrided(std::move(back), byteWidth(outType), sums, to);
  }
} catch (const std::exception &error) {
  fatal(error.what());
}

std::unique_ptr<Kernel>
createOneDnnConvolution(const ConvolutionSpec &spec) try {
  if (spec.filterType == ElementType::U8)
    return nullptr; // oneDNN's int8 weights are signed.
  auto kernel = std::make_unique<OneDnnConvolution>(spec);
  if (kernel->isUnsuitable())
    return nullptr;
  return kernel;
} catch (const std::exception &) {
  return nullptr; // No such primitive; others take over.
}

} // namespace mlir::qopt::cpu
