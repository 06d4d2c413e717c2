//===- Validate.cpp - What a runtime relies on ----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// After this, executing an artifact needs no checks: every address lies in its
// buffer, every number fits its type and every launch the limits of CUDA, for
// each batch that may be run. What kernels do with their arguments is theirs.
//
//===----------------------------------------------------------------------===//
#include "Format.h"
#include "QuantOpt/Artifact/StatusWord.h"

#include <algorithm>
#include <set>

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

namespace {
constexpr size_t kMaxNameBytes = 4096;
constexpr size_t kMaxRank = 32;
constexpr size_t kMaxTensors = 4096, kMaxConstants = 1 << 20, kMaxPlans = 64,
                 kMaxPacked = 1 << 20, kMaxLaunches = 1 << 20;
constexpr uint64_t kMaxBufferBytes = kMaxTensorBytes;
/// More than any tile needs: what padding may add to one extent.
constexpr int64_t kMaxPadding = 4096;
/// CUDA's limits of a launch.
constexpr int64_t kMaxGrid[] = {INT32_MAX, 65535, 65535};
constexpr uint32_t kMaxBlock[] = {1024, 1024, 64};
constexpr uint64_t kMaxThreads = 1024;
constexpr uint32_t kMaxSharedBytes = 227 * 1024;
constexpr uint64_t kMaxParameterBytes = 4096;
} // namespace

[[noreturn]] static void fail(const std::string &what) {
  throw FormatError(what);
}

static void checkCount(const char *what, size_t count, size_t most) {
  if (count > most)
    fail(std::string("has ") + std::to_string(count) + " " + what +
         "; expected at most " + std::to_string(most));
}

static void checkName(const std::string &subject, const std::string &name) {
  if (name.empty() || name.size() > kMaxNameBytes || !isPlainText(name))
    fail(subject + " has the name " + quote(name) + ": expected 1 to " +
         std::to_string(kMaxNameBytes) +
         " bytes of UTF-8 without control characters");
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// Returns the tensor's bytes.
static uint64_t checkTensor(const std::string &subject, qopt_dtype dtype,
                            const std::vector<int64_t> &dims) {
  uint64_t bytes;
  if (!dtypeName(dtype))
    fail(subject + " has an unknown element type");
  if (dims.size() > kMaxRank || !computeBytes(dtype, dims, bytes))
    fail(subject + " has shape " + shapeText(dims) + ", which is " +
         (dims.size() > kMaxRank ? "of too high a rank"
                                 : "negative or too large"));
  return bytes;
}

/// Returns the bytes of each.
static std::vector<uint64_t> checkSignature(const Artifact &artifact,
                                            const char *kind, bool isInput) {
  const auto &specs = isInput ? artifact.inputs : artifact.outputs;
  std::vector<uint64_t> bytes;
  std::set<std::string> names;
  checkCount(isInput ? "inputs" : "outputs", specs.size(), kMaxTensors);
  for (size_t i = 0; i < specs.size(); ++i) {
    const TensorSpec &spec = specs[i];
    checkName(kind + (" " + std::to_string(i)), spec.name);
    std::string subject = std::string(kind) + " " + quote(spec.name);
    if (!names.insert(spec.name).second)
      fail(subject + " occurs twice");
    bytes.push_back(checkTensor(subject, spec.dtype, spec.dims));
    bool hasBatch = !spec.dims.empty() && spec.dims[0] == artifact.batch;
    if (artifact.anyBatch && !hasBatch && !(isInput && spec.dims.empty()))
      fail(subject + " has shape " + shapeText(spec.dims) +
           ", which does not begin with the batch " +
           std::to_string(artifact.batch));
  }
  return bytes;
}

static void checkConstants(const std::vector<Constant> &constants) {
  std::set<std::string> names;
  checkCount("constants", constants.size(), kMaxConstants);
  for (size_t i = 0; i < constants.size(); ++i) {
    const Constant &constant = constants[i];
    checkName("constant " + std::to_string(i), constant.name);
    std::string subject = "constant " + quote(constant.name);
    if (!names.insert(constant.name).second)
      fail(subject + " occurs twice");
    uint64_t bytes = checkTensor(subject, constant.dtype, constant.dims);
    if (constant.size != bytes || (bytes && !constant.data))
      fail(subject + " has " + std::to_string(constant.size) +
           " bytes; expected " + std::to_string(bytes) + " for shape " +
           shapeText(constant.dims) + " of " + dtypeName(constant.dtype));
  }
}

//===----------------------------------------------------------------------===//
// Plans
//===----------------------------------------------------------------------===//

namespace {
/// Checks one plan against the sizes of the model.
class PlanChecker {
public:
  PlanChecker(const Artifact &artifact, const Plan &plan,
              const std::vector<uint64_t> &inputBytes,
              const std::vector<uint64_t> &outputBytes)
      : artifact(artifact), plan(plan), inputBytes(inputBytes),
        outputBytes(outputBytes) {}

  void check();

private:
  void checkImages() const;
  void checkPacked(const std::string &subject, const PackedConstant &packed);
  void checkExtent(const std::string &subject, const Extent &extent,
                   int64_t least, int64_t most) const;
  void checkBuffer(const std::string &subject, const BufferRef &buffer) const;
  void checkLaunch(const std::string &subject, const Launch &launch) const;
  void checkStatus(const std::string &subject, const Launch &launch);

  const Artifact &artifact;
  const Plan &plan;
  const std::vector<uint64_t> &inputBytes, &outputBytes;
  std::vector<uint64_t> packedBytes;
  uint64_t statusBytes = 0;
  /// Bytes of the words of the launches so far.
  uint64_t usedStatusBytes = 0;
};
} // namespace

int artifact::chipNumber(const std::string &chip) {
  constexpr size_t kPrefix = 3;
  if (chip.size() < kPrefix + 2 || chip.size() > kPrefix + 4 ||
      chip.compare(0, kPrefix, "sm_") != 0)
    return 0;
  size_t end = chip.size();
  if (chip[end - 1] == 'a' || chip[end - 1] == 'f')
    --end;
  int number = 0;
  for (size_t i = kPrefix; i < end; ++i) {
    if (chip[i] < '0' || chip[i] > '9')
      return 0;
    number = 10 * number + (chip[i] - '0');
  }
  return number >= 10 && number <= 999 ? number : 0;
}

void PlanChecker::checkImages() const {
  constexpr char kElfMagic[] = "\x7f"
                               "ELF";
  if (plan.ptx.empty() && plan.cubin.empty())
    fail("has neither a cubin nor PTX");
  if (plan.ptx.find('\0') != std::string::npos)
    fail("has PTX with a zero byte");
  if (!plan.cubin.empty() && plan.cubin.compare(0, 4, kElfMagic) != 0)
    fail("has a cubin that is no ELF file");
}

void PlanChecker::checkPacked(const std::string &subject,
                              const PackedConstant &packed) {
  if (packed.constant >= artifact.constants.size())
    fail(subject + "is made from constant " + std::to_string(packed.constant) +
         " of " + std::to_string(artifact.constants.size()));
  const Constant &constant = artifact.constants[packed.constant];
  size_t rank = constant.dims.size();
  if (packed.permutation.size() != rank || packed.dims.size() != rank)
    fail(subject + "has a rank that is not that of constant " +
         quote(constant.name));
  std::vector<bool> seen(rank);
  for (size_t d = 0; d < rank; ++d) {
    uint32_t from = packed.permutation[d];
    if (from >= rank || seen[from])
      fail(subject + "has a permutation that is none");
    seen[from] = true;
    int64_t extent = constant.dims[from];
    if (packed.dims[d] < extent || packed.dims[d] - extent > kMaxPadding)
      fail(subject + "has extent " + std::to_string(packed.dims[d]) +
           " where constant " + quote(constant.name) + " has " +
           std::to_string(extent) + ": expected no less, and at most " +
           std::to_string(kMaxPadding) + " more");
  }
  packedBytes.push_back(
      checkTensor(subject + "of constant " + quote(constant.name),
                  constant.dtype, packed.dims));
}

/// Extents grow with the batch, so the smallest and the largest that may be run
/// bound all values.
void PlanChecker::checkExtent(const std::string &subject, const Extent &extent,
                              int64_t least, int64_t most) const {
  int64_t product, sum, value;
  if (extent.scale < 0 || extent.offset < 0 || extent.divisor < 1 ||
      extent.factor < 1)
    fail(subject + " has a negative factor or no divisor");
  if (__builtin_mul_overflow(artifact.batch, extent.scale, &product) ||
      __builtin_add_overflow(product, extent.offset, &sum) ||
      __builtin_mul_overflow(sum / extent.divisor, extent.factor, &value))
    fail(subject + " does not fit 64 bits");
  int64_t smallest = evaluate(extent, artifact.anyBatch ? 1 : artifact.batch);
  int64_t largest = evaluate(extent, artifact.batch);
  if (smallest < least || largest > most)
    fail(subject + " goes from " + std::to_string(smallest) + " to " +
         std::to_string(largest) + "; expected " + std::to_string(least) +
         " to " + std::to_string(most));
}

void PlanChecker::checkBuffer(const std::string &subject,
                              const BufferRef &buffer) const {
  using Kind = BufferRef::Kind;
  const uint64_t *available = nullptr;
  auto find = [&](const std::vector<uint64_t> &sizes) {
    if (buffer.index < sizes.size())
      available = &sizes[buffer.index];
  };
  switch (buffer.kind) {
  case Kind::Input:
    find(inputBytes);
    break;
  case Kind::Output:
    find(outputBytes);
    break;
  case Kind::Constant:
    find(packedBytes);
    break;
  case Kind::Arena:
    available = buffer.index == 0 ? &plan.arenaBytes : nullptr;
    break;
  case Kind::Workspace:
    available = buffer.index == 0 ? &plan.workspaceBytes : nullptr;
    break;
  case Kind::Status:
    available = buffer.index == 0 ? &statusBytes : nullptr;
    break;
  }
  if (!available)
    fail(subject + " is in a buffer that is not there");
  if (buffer.offset > *available || buffer.size > *available - buffer.offset)
    fail(subject + " takes " + std::to_string(buffer.size) + " bytes from " +
         std::to_string(buffer.offset) + " of a buffer of " +
         std::to_string(*available));
}

static bool isSymbol(const std::string &name) {
  auto isLetter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '$';
  };
  auto isAllowed = [&](char c) {
    return isLetter(c) || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= kMaxNameBytes && isLetter(name[0]) &&
         std::all_of(name.begin(), name.end(), isAllowed);
}

void PlanChecker::checkLaunch(const std::string &subject,
                              const Launch &launch) const {
  if (!isSymbol(launch.kernel))
    fail(subject + "starts the kernel " + quote(launch.kernel) +
         ", which is no symbol of PTX");
  uint64_t threads = 1;
  for (size_t i = 0; i < launch.grid.size(); ++i) {
    checkExtent(subject + "extent " + std::to_string(i) + " of the grid",
                launch.grid[i], 1, kMaxGrid[i]);
    if (launch.block[i] < 1 || launch.block[i] > kMaxBlock[i])
      fail(subject + "has an extent of " + std::to_string(launch.block[i]) +
           " threads; expected 1 to " + std::to_string(kMaxBlock[i]));
    threads *= launch.block[i];
  }
  if (threads > kMaxThreads)
    fail(subject + "has " + std::to_string(threads) +
         " threads in a block; expected at most " +
         std::to_string(kMaxThreads));
  if (launch.sharedBytes > kMaxSharedBytes)
    fail(subject + "takes " + std::to_string(launch.sharedBytes) +
         " bytes of shared memory; expected at most " +
         std::to_string(kMaxSharedBytes));
  uint64_t parameterBytes = 0;
  for (size_t i = 0; i < launch.arguments.size(); ++i) {
    const Argument &argument = launch.arguments[i];
    std::string name = subject + "argument " + std::to_string(i);
    bool is32 = argument.kind == Argument::Kind::Int32;
    uint64_t size = is32 ? 4 : 8;
    parameterBytes = (parameterBytes + size - 1) / size * size + size;
    if (argument.kind == Argument::Kind::Buffer)
      checkBuffer(name, argument.buffer);
    else
      checkExtent(name, argument.scalar, 0, is32 ? INT32_MAX : INT64_MAX);
  }
  if (parameterBytes > kMaxParameterBytes)
    fail(subject + "has " + std::to_string(parameterBytes) +
         " bytes of parameters; expected at most " +
         std::to_string(kMaxParameterBytes));
}

/// Launches write to their own status word only.
void PlanChecker::checkStatus(const std::string &subject,
                              const Launch &launch) {
  size_t words = 0;
  for (const Argument &argument : launch.arguments) {
    const BufferRef &buffer = argument.buffer;
    if (argument.kind != Argument::Kind::Buffer ||
        buffer.kind != BufferRef::Kind::Status)
      continue;
    if (buffer.offset != usedStatusBytes || buffer.size != kStatusWordBytes)
      fail(subject + "takes " + std::to_string(buffer.size) +
           " bytes of status from " + std::to_string(buffer.offset) +
           "; expected " + std::to_string(kStatusWordBytes) + " from " +
           std::to_string(usedStatusBytes));
    ++words;
  }
  if (words != (launch.checks.empty() ? 0 : 1))
    fail(subject + "has " + std::to_string(words) + " status words for " +
         std::to_string(launch.checks.size()) + " checks");
  if (launch.checks.size() > kMaxChecks)
    fail(subject + "has " + std::to_string(launch.checks.size()) +
         " checks; expected at most " + std::to_string(kMaxChecks));
  if (launch.pointsPerSample < 0)
    fail(subject + "has negative points of samples");
  usedStatusBytes += words * kStatusWordBytes;
}

uint64_t artifact::statusBytes(const Plan &plan) {
  uint64_t bytes = 0;
  for (const Launch &launch : plan.launches)
    bytes += launch.checks.empty() ? 0 : kStatusWordBytes;
  return bytes;
}

void PlanChecker::check() {
  checkImages();
  if (plan.arenaBytes > kMaxBufferBytes ||
      plan.workspaceBytes > kMaxBufferBytes)
    fail("needs " + std::to_string(plan.arenaBytes) + " bytes of arena and " +
         std::to_string(plan.workspaceBytes) + " of workspace; expected at " +
         "most " + std::to_string(kMaxBufferBytes));
  checkCount("packed constants", plan.packed.size(), kMaxPacked);
  checkCount("launches", plan.launches.size(), kMaxLaunches);
  statusBytes = artifact::statusBytes(plan);
  uint64_t total = 0;
  for (size_t i = 0; i < plan.packed.size(); ++i) {
    checkPacked("packed constant " + std::to_string(i) + " ", plan.packed[i]);
    total += packedBytes.back();
    if (total > kMaxBufferBytes)
      fail("has packed constants of more than " +
           std::to_string(kMaxBufferBytes) + " bytes");
  }
  for (size_t i = 0; i < plan.launches.size(); ++i) {
    const Launch &launch = plan.launches[i];
    std::string name =
        launch.name.empty() ? "" : " (" + quote(launch.name) + ")";
    std::string subject = "launch " + std::to_string(i) + name + ": ";
    checkLaunch(subject, launch);
    checkStatus(subject, launch);
  }
}

//===----------------------------------------------------------------------===//
// The artifact
//===----------------------------------------------------------------------===//

static void checkAll(const Artifact &artifact) {
  if (artifact.batch < 1 || artifact.batch > INT32_MAX)
    fail("has batch " + std::to_string(artifact.batch) + "; expected 1 to " +
         std::to_string(INT32_MAX));
  if (artifact.modelText.empty())
    fail("has no text of the model");
  std::vector<uint64_t> inputBytes = checkSignature(artifact, "input", true);
  std::vector<uint64_t> outputBytes = checkSignature(artifact, "output", false);
  checkConstants(artifact.constants);
  checkCount("plans", artifact.plans.size(), kMaxPlans);
  std::set<std::string> chips;
  for (size_t i = 0; i < artifact.plans.size(); ++i) {
    const Plan &plan = artifact.plans[i];
    if (chipNumber(plan.chip) == 0)
      fail("plan " + std::to_string(i) + " is for the chip " +
           quote(plan.chip) + "; expected a name such as 'sm_80'");
    if (!chips.insert(plan.chip).second)
      fail("has two plans for the chip " + quote(plan.chip));
    try {
      PlanChecker(artifact, plan, inputBytes, outputBytes).check();
    } catch (const FormatError &error) {
      fail("plan " + quote(plan.chip) + ": " + error.what());
    }
  }
}

std::string artifact::validate(const Artifact &artifact) {
  return catchErrors([&] { checkAll(artifact); });
}
