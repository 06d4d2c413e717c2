//===- CpuKernelsOracle.h - Random specs and their exact results --*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Buffers that end at a guard page, specs drawn at random, and the results
// computed in wide arithmetic by the plainest possible loops.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_CPUKERNELSORACLE_H
#define QUANTOPT_TEST_UNIT_CPUKERNELSORACLE_H

#include "QuantOpt/Execution/CpuKernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <sstream>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

extern "C" int omp_get_max_threads(void);
extern "C" void omp_set_num_threads(int);

namespace mlir::qopt::cpu {
namespace {

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

size_t byteWidth(ElementType type) {
  return type == ElementType::F32 || type == ElementType::S32 ? 4 : 1;
}

bool isFloat(ElementType type) { return type == ElementType::F32; }

/// Memory whose last byte is the last before an inaccessible page.
class Buffer {
public:
  Buffer(ElementType type, int64_t elements)
      : type(type), count(elements), bytes(elements * byteWidth(type)) {
    size_t page = sysconf(_SC_PAGESIZE);
    mapped = (bytes + page - 1) / page * page + page;
    base = static_cast<char *>(mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base + mapped - page, page, PROT_NONE);
    pointer = base + mapped - page - bytes;
  }
  Buffer(const Buffer &other) : Buffer(other.type, other.count) {
    std::memcpy(pointer, other.pointer, bytes);
  }
  Buffer &operator=(const Buffer &) = delete;
  ~Buffer() { munmap(base, mapped); }

  template <typename T = void> T *data() const {
    return reinterpret_cast<T *>(pointer);
  }
  int64_t size() const { return count; }

  /// The integer value of one 8-bit element.
  int32_t integer(int64_t i) const {
    return type == ElementType::S8 ? data<int8_t>()[i]
                                   : static_cast<int32_t>(data<uint8_t>()[i]);
  }

  /// Random values; integers mostly from the ends of their range.
  void fill(std::mt19937 &random) {
    for (int64_t i = 0; i < count; ++i) {
      uint32_t draw = random();
      if (type == ElementType::F32)
        data<float>()[i] = static_cast<float>(draw % 2001) / 1000.0f - 1.0f;
      else if (type == ElementType::S32)
        data<uint32_t>()[i] = draw;
      else
        data<uint8_t>()[i] =
            draw % 4 == 0   ? draw >> 8
            : draw % 4 == 1 ? (type == ElementType::S8 ? 127 : 255)
            : draw % 4 == 2 ? (type == ElementType::S8 ? 128 : 254)
                            : 255;
    }
  }
  void fill(uint8_t byte) { std::memset(pointer, byte, bytes); }

private:
  ElementType type;
  int64_t count;
  size_t bytes, mapped;
  char *base;
  char *pointer;
};

/// One dimension of a sum or an output.
struct Extent {
  int64_t extent, stride;
};

/// Elements that an operand with these dimensions reaches (at least 1).
int64_t reach(const std::vector<Extent> &dims) {
  int64_t last = 0;
  for (const Extent &dim : dims)
    last += std::max<int64_t>(dim.extent - 1, 0) * dim.stride;
  return last + 1;
}

//===----------------------------------------------------------------------===//
// Definitions
//===----------------------------------------------------------------------===//

/// What one output should hold, by adding one product after the other.
struct Sum {
  uint32_t integer = 0;
  double real = 0, magnitude = 0;
  int64_t terms = 0;

  void add(const Buffer &lhs, int64_t i, const Buffer &rhs, int64_t j,
           bool floats) {
    ++terms;
    if (floats) {
      double product = static_cast<double>(lhs.data<float>()[i]) *
                       static_cast<double>(rhs.data<float>()[j]);
      real += product;
      magnitude += std::fabs(product);
    } else {
      integer += static_cast<uint32_t>(lhs.integer(i) * rhs.integer(j));
    }
  }
};

/// Calls `visit(outIndex, sum)` for each output.
using Visit = std::function<void(int64_t, const Sum &)>;

void evaluate(const ContractionSpec &s, const Buffer &lhs, const Buffer &rhs,
              const Visit &visit) {
  for (int64_t b = 0; b < s.batch; ++b)
    for (int64_t m = 0; m < s.m; ++m)
      for (int64_t n = 0; n < s.n; ++n) {
        Sum sum;
        for (int64_t k = 0; k < s.k; ++k)
          sum.add(
              lhs,
              b * s.lhsStrides[0] + m * s.lhsStrides[1] + k * s.lhsStrides[2],
              rhs,
              b * s.rhsStrides[0] + k * s.rhsStrides[1] + n * s.rhsStrides[2],
              isFloat(s.lhsType));
        visit(b * s.outStrides[0] + m * s.outStrides[1] + n * s.outStrides[2],
              sum);
      }
}

/// Calls `body(index)` for each index below the first `rank` sizes.
void forEach(const int64_t *size, unsigned rank,
             const std::function<void(const int64_t *)> &body) {
  int64_t index[3] = {0, 0, 0};
  int64_t extent[3] = {1, 1, 1};
  std::copy_n(size, rank, extent);
  for (index[0] = 0; index[0] < extent[0]; ++index[0])
    for (index[1] = 0; index[1] < extent[1]; ++index[1])
      for (index[2] = 0; index[2] < extent[2]; ++index[2])
        body(index);
}

int64_t offset(const ConvolutionSpec::Strides &strides, unsigned rank,
               int64_t outer, int64_t group, int64_t channel,
               const int64_t *position) {
  int64_t result =
      outer * strides.outer + group * strides.group + channel * strides.channel;
  for (unsigned d = 0; d < rank; ++d)
    result += position[d] * strides.spatial[d];
  return result;
}

void evaluate(const ConvolutionSpec &s, const Buffer &lhs, const Buffer &rhs,
              const Visit &visit) {
  for (int64_t b = 0; b < s.batch; ++b)
    for (int64_t g = 0; g < s.groups; ++g)
      for (int64_t o = 0; o < s.outputChannels; ++o)
        forEach(s.outputSize, s.rank, [&](const int64_t *p) {
          Sum sum;
          for (int64_t c = 0; c < s.inputChannels; ++c)
            forEach(s.kernelSize, s.rank, [&](const int64_t *t) {
              int64_t position[3];
              for (unsigned d = 0; d < s.rank; ++d)
                position[d] = p[d] * s.strides[d] + t[d] * s.dilations[d];
              sum.add(lhs, offset(s.inputStrides, s.rank, b, g, c, position),
                      rhs, offset(s.filterStrides, s.rank, o, g, c, t),
                      isFloat(s.inputType));
            });
          visit(offset(s.outputStrides, s.rank, b, g, o, p), sum);
        });
}

//===----------------------------------------------------------------------===//
// Both kinds of spec alike
//===----------------------------------------------------------------------===//

ElementType lhsType(const ContractionSpec &s) { return s.lhsType; }
ElementType lhsType(const ConvolutionSpec &s) { return s.inputType; }
ElementType rhsType(const ContractionSpec &s) { return s.rhsType; }
ElementType rhsType(const ConvolutionSpec &s) { return s.filterType; }

int64_t lhsSize(const ContractionSpec &s) {
  return reach({{s.batch, s.lhsStrides[0]},
                {s.m, s.lhsStrides[1]},
                {s.k, s.lhsStrides[2]}});
}
int64_t rhsSize(const ContractionSpec &s) {
  return reach({{s.batch, s.rhsStrides[0]},
                {s.k, s.rhsStrides[1]},
                {s.n, s.rhsStrides[2]}});
}
int64_t outSize(const ContractionSpec &s) {
  return reach({{s.batch, s.outStrides[0]},
                {s.m, s.outStrides[1]},
                {s.n, s.outStrides[2]}});
}

int64_t size(const ConvolutionSpec &s, const ConvolutionSpec::Strides &strides,
             int64_t outer, int64_t channels, const int64_t *spatial) {
  std::vector<Extent> dims = {{outer, strides.outer},
                              {s.groups, strides.group},
                              {channels, strides.channel}};
  for (unsigned d = 0; d < s.rank; ++d)
    dims.push_back({spatial[d], strides.spatial[d]});
  return reach(dims);
}
int64_t lhsSize(const ConvolutionSpec &s) {
  return size(s, s.inputStrides, s.batch, s.inputChannels, s.inputSize);
}
int64_t rhsSize(const ConvolutionSpec &s) {
  return size(s, s.filterStrides, s.outputChannels, s.inputChannels,
              s.kernelSize);
}
int64_t outSize(const ConvolutionSpec &s) {
  return size(s, s.outputStrides, s.batch, s.outputChannels, s.outputSize);
}

std::unique_ptr<Kernel> create(const ContractionSpec &s, KernelPreference p,
                               std::string &error) {
  return createContraction(s, p, error);
}
std::unique_ptr<Kernel> create(const ConvolutionSpec &s, KernelPreference p,
                               std::string &error) {
  return createConvolution(s, p, error);
}

std::string describe(const ContractionSpec &s) {
  std::ostringstream os;
  os << "contraction types " << int(s.lhsType) << int(s.rhsType) << " b"
     << s.batch << " m" << s.m << " n" << s.n << " k" << s.k;
  for (auto *strides : {s.lhsStrides, s.rhsStrides, s.outStrides})
    os << " [" << strides[0] << "," << strides[1] << "," << strides[2] << "]";
  os << " accumulate " << s.accumulate << " constant " << s.lhsConstant
     << s.rhsConstant;
  return os.str();
}
std::string describe(const ConvolutionSpec &s) {
  std::ostringstream os;
  os << "convolution types " << int(s.inputType) << int(s.filterType) << " b"
     << s.batch << " g" << s.groups << " i" << s.inputChannels << " o"
     << s.outputChannels;
  for (unsigned d = 0; d < s.rank; ++d)
    os << " (in " << s.inputSize[d] << " out " << s.outputSize[d] << " window "
       << s.kernelSize[d] << " stride " << s.strides[d] << " dilation "
       << s.dilations[d] << ")";
  for (auto &strides : {s.inputStrides, s.filterStrides, s.outputStrides})
    os << " [" << strides.outer << "," << strides.group << ","
       << strides.channel << ": " << strides.spatial[0] << ","
       << strides.spatial[1] << "," << strides.spatial[2] << "]";
  os << " accumulate " << s.accumulate << " constant " << s.filterConstant;
  return os.str();
}

/// The first difference between `out` and the definition, or "". `before` is
/// what the output held; elements that no output owns must still hold it.
template <typename Spec>
std::string compare(const Spec &spec, const Buffer &lhs, const Buffer &rhs,
                    const Buffer &before, const Buffer &out) {
  std::ostringstream os;
  bool floats = isFloat(lhsType(spec));
  Buffer expected(before);
  evaluate(spec, lhs, rhs, [&](int64_t index, const Sum &sum) {
    if (!floats) {
      uint32_t &value = expected.data<uint32_t>()[index];
      value = sum.integer + (spec.accumulate ? value : 0);
      return;
    }
    float initial = spec.accumulate ? before.data<float>()[index] : 0;
    double real = sum.real + initial;
    // The bound for a sum of n terms in any order.
    double bound = static_cast<double>(sum.terms + 1) * std::ldexp(1.0, -24) *
                       (sum.magnitude + std::fabs(initial)) +
                   1e-30;
    float value = out.data<float>()[index];
    if (!(std::fabs(value - real) <= bound) && os.str().empty())
      os << "at " << index << ": " << value << " instead of " << real;
    expected.data<float>()[index] = value;
  });
  for (int64_t i = 0; i < out.size() && os.str().empty(); ++i)
    if (out.data<uint32_t>()[i] != expected.data<uint32_t>()[i])
      os << "at " << i << ": " << out.data<int32_t>()[i] << " instead of "
         << expected.data<int32_t>()[i];
  return os.str();
}

/// Checks Auto and Plain, two runs each (a constant operand is then packed).
template <typename Spec> void check(const Spec &spec, std::mt19937 &random) {
  Buffer lhs(lhsType(spec), lhsSize(spec)), rhs(rhsType(spec), rhsSize(spec));
  Buffer before(isFloat(lhsType(spec)) ? ElementType::F32 : ElementType::S32,
                outSize(spec));
  lhs.fill(random);
  rhs.fill(random);
  before.fill(random);
  for (KernelPreference preference :
       {KernelPreference::Auto, KernelPreference::Plain}) {
    std::string error;
    std::unique_ptr<Kernel> kernel = create(spec, preference, error);
    ASSERT_NE(kernel, nullptr) << error << " " << describe(spec);
    for (int run = 0; run < 2; ++run) {
      Buffer out(before);
      kernel->run(lhs.data(), rhs.data(), out.data());
      ASSERT_EQ(compare(spec, lhs, rhs, before, out), "")
          << describe(spec) << " by " << kernel->implementation();
    }
  }
}

//===----------------------------------------------------------------------===//
// Random specs
//===----------------------------------------------------------------------===//

class Generator {
public:
  explicit Generator(uint32_t seed) : random(seed) {}

  std::mt19937 random;

  int64_t upTo(int64_t last) { return 1 + random() % last; }
  bool chance(int percent) { return int(random() % 100) < percent; }

  void types(ElementType &lhs, ElementType &rhs) {
    static constexpr ElementType kBytes[] = {ElementType::S8, ElementType::U8};
    if (chance(30)) {
      lhs = rhs = ElementType::F32;
      return;
    }
    lhs = kBytes[random() % 2];
    rhs = chance(75) ? ElementType::S8 : ElementType::U8;
  }

  /// Distinct elements: dimensions in random or the given order (outermost
  /// first), with or without gaps.
  std::vector<int64_t> layout(const std::vector<int64_t> &extents,
                              bool keepOrder) {
    std::vector<size_t> order(extents.size());
    for (size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    if (!keepOrder)
      std::shuffle(order.begin(), order.end(), random);
    std::vector<int64_t> strides(extents.size());
    int64_t stride = chance(90) ? 1 : 2;
    bool gaps = chance(25);
    for (size_t i = order.size(); i-- > 0;) {
      strides[order[i]] = stride;
      stride = stride * std::max<int64_t>(extents[order[i]], 1) +
               (gaps ? random() % 3 : 0);
    }
    return strides;
  }

  ContractionSpec contraction() {
    ContractionSpec s;
    types(s.lhsType, s.rhsType);
    s.batch = chance(50) ? 1 : upTo(5);
    s.m = chance(25) ? 1 : upTo(chance(20) ? 200 : 40);
    s.n = chance(15) ? 1 : upTo(chance(20) ? 200 : 70);
    s.k = upTo(chance(20) ? 1500 : 150);
    if (chance(30))
      s.k = (s.k + 63) / 64 * 64;
    auto set = [&](int64_t *to, std::vector<int64_t> extents, bool isOut) {
      std::vector<int64_t> strides = layout(extents, chance(60));
      std::copy(strides.begin(), strides.end(), to);
      if (!isOut && chance(15))
        to[random() % 3] = 0; // Broadcast.
    };
    set(s.lhsStrides, {s.batch, s.m, s.k}, false);
    set(s.rhsStrides, {s.batch, s.k, s.n}, false);
    set(s.outStrides, {s.batch, s.m, s.n}, true);
    s.accumulate = chance(30);
    s.lhsConstant = chance(15);
    s.rhsConstant = chance(50);
    return s;
  }

  ConvolutionSpec convolution() {
    ConvolutionSpec s;
    types(s.inputType, s.filterType);
    s.rank = chance(60) ? 2 : 1 + random() % 3;
    s.batch = chance(60) ? 1 : upTo(3);
    if (chance(25)) { // Depthwise.
      s.groups = upTo(70);
      if (chance(10))
        s.outputChannels = 2;
    } else {
      s.groups = chance(75) ? 1 : upTo(4);
      s.inputChannels = chance(30) ? upTo(4) : upTo(chance(20) ? 130 : 40);
      s.outputChannels = chance(25) ? upTo(8) : upTo(chance(20) ? 130 : 40);
    }
    int64_t largest = s.rank == 1 ? 40 : s.rank == 2 ? 12 : 5;
    for (unsigned d = 0; d < s.rank; ++d) {
      s.outputSize[d] = upTo(largest);
      s.kernelSize[d] = chance(35) ? 1 : upTo(s.rank == 3 ? 3 : 5);
      s.strides[d] = chance(70) ? 1 : upTo(3);
      s.dilations[d] = chance(80) ? 1 : upTo(3);
      s.inputSize[d] = (s.outputSize[d] - 1) * s.strides[d] +
                       (s.kernelSize[d] - 1) * s.dilations[d] + 1;
      if (chance(20)) // Elements that no tap reads.
        s.inputSize[d] += upTo(3);
    }
    auto set = [&](ConvolutionSpec::Strides &to, int64_t outer,
                   int64_t channels, const int64_t *spatial) {
      std::vector<int64_t> extents = {outer};
      extents.insert(extents.end(), spatial, spatial + s.rank);
      extents.push_back(s.groups);
      extents.push_back(channels);
      std::vector<int64_t> strides = layout(extents, chance(70));
      to.outer = strides[0];
      for (unsigned d = 0; d < s.rank; ++d)
        to.spatial[d] = strides[1 + d];
      to.group = strides[1 + s.rank];
      to.channel = strides[2 + s.rank];
    };
    set(s.inputStrides, s.batch, s.inputChannels, s.inputSize);
    set(s.filterStrides, s.outputChannels, s.inputChannels, s.kernelSize);
    set(s.outputStrides, s.batch, s.outputChannels, s.outputSize);
    s.accumulate = chance(30);
    s.filterConstant = chance(60);
    return s;
  }
};

/// A dense row-major matrix product.
ContractionSpec matmul(ElementType lhs, ElementType rhs, int64_t m, int64_t n,
                       int64_t k) {
  ContractionSpec s;
  s.lhsType = lhs;
  s.rhsType = rhs;
  s.m = m;
  s.n = n;
  s.k = k;
  s.lhsStrides[1] = k;
  s.lhsStrides[2] = 1;
  s.rhsStrides[1] = n;
  s.rhsStrides[2] = 1;
  s.outStrides[1] = n;
  s.outStrides[2] = 1;
  s.rhsConstant = true;
  return s;
}

/// A dense NHWC convolution with an OHWI filter.
ConvolutionSpec conv2d(ElementType input, ElementType filter, int64_t groups,
                       int64_t in, int64_t out, int64_t size, int64_t window,
                       int64_t stride = 1) {
  ConvolutionSpec s;
  s.inputType = input;
  s.filterType = filter;
  s.groups = groups;
  s.inputChannels = in;
  s.outputChannels = out;
  for (int d = 0; d < 2; ++d) {
    s.inputSize[d] = size;
    s.kernelSize[d] = window;
    s.strides[d] = stride;
    s.outputSize[d] = (size - window) / stride + 1;
  }
  auto nhwc = [](int64_t groups, int64_t channels, const int64_t *size) {
    ConvolutionSpec::Strides strides;
    strides.channel = 1;
    strides.group = channels;
    strides.spatial[1] = groups * channels;
    strides.spatial[0] = size[1] * strides.spatial[1];
    strides.outer = size[0] * strides.spatial[0];
    return strides;
  };
  s.inputStrides = nhwc(groups, in, s.inputSize);
  s.outputStrides = nhwc(groups, out, s.outputSize);
  s.filterStrides = nhwc(1, in, s.kernelSize);
  s.filterStrides.group = out * s.filterStrides.outer;
  s.filterConstant = true;
  return s;
}

constexpr ElementType kF32 = ElementType::F32, kS8 = ElementType::S8,
                      kU8 = ElementType::U8;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

} // namespace
} // namespace mlir::qopt::cpu

#endif // QUANTOPT_TEST_UNIT_CPUKERNELSORACLE_H
