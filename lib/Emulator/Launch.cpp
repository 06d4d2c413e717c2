//===- Launch.cpp - Running one kernel -------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checks the launch parameters, gives every resident block a slot with shared
// memory and stacks, and starts blocks in them until the grid is done.
//
//===----------------------------------------------------------------------===//
#include "Launch.h"

#include "Machine.h"

#include <chrono>
#include <mutex>
#include <sys/mman.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

static constexpr size_t kPage = 4096;

namespace {
/// What a GPU's arithmetic does: round to nearest, no exceptions, subnormals
/// kept. Fibers inherit it.
class FloatingPointMode {
public:
#if defined(__x86_64__)
  FloatingPointMode() : saved(_mm_getcsr()) { _mm_setcsr(kDefaultMxcsr); }
  ~FloatingPointMode() { _mm_setcsr(saved); }

private:
  static constexpr unsigned kDefaultMxcsr = 0x1F80;
  unsigned saved;
#else
  FloatingPointMode() {}
  ~FloatingPointMode() {}
#endif
};

/// Address space and stacks that launches share.
struct Resources {
  std::mutex mutex;
  StackPool stacks;
  char *window = nullptr;

  /// Reserves the shared-memory window once. False when out of address space.
  bool reserveWindow() {
    if (window)
      return true;
    void *memory = mmap(nullptr, 2 * kWindowSize, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
      return false;
    window = reinterpret_cast<char *>(
        llvm::alignTo(reinterpret_cast<uint64_t>(memory), kWindowSize));
    return true;
  }
};

/// Sets `machine` for the duration of a launch.
class CurrentMachine {
public:
  explicit CurrentMachine(Machine &m) { machine = &m; }
  ~CurrentMachine() {
    machine = nullptr;
    self = nullptr;
  }
};
} // namespace

static Resources &getResources() {
  static Resources resources;
  return resources;
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

/// What the driver or the hardware would refuse.
static bool checkLaunch(const Machine &m) {
  auto fail = [&](const Twine &message) {
    report("launch of " + m.kernel.name + ": " + message);
    return false;
  };
  uint64_t threads = 1, blocks = 1;
  for (unsigned i = 0; i < 3; ++i) {
    threads *= m.blockShape[i];
    blocks *= m.grid[i];
  }
  if (threads == 0 || threads > kMaxThreadsPerBlock)
    return fail("block of " + Twine(threads) +
                " threads, 1 to 1024 are possible");
  if (blocks == 0 || m.grid[1] > 65535 || m.grid[2] > 65535 ||
      m.grid[0] > 0x7fffffffu || blocks > UINT32_MAX)
    return fail("grid (" + Twine(m.grid[0]) + ", " + Twine(m.grid[1]) + ", " +
                Twine(m.grid[2]) + ") is empty or too large");
  if (m.kernel.requiredThreads && threads != m.kernel.requiredThreads)
    return fail("block of " + Twine(threads) +
                " threads, the kernel requires " +
                Twine(m.kernel.requiredThreads));
  if (m.kernel.maxThreads && threads > m.kernel.maxThreads)
    return fail("block of " + Twine(threads) + " threads, the kernel allows " +
                Twine(m.kernel.maxThreads));
  uint64_t shared =
      uint64_t(m.dynamicBegin) - kReservedShared + m.dynamicShared;
  if (shared > m.options.sharedMemoryLimit)
    return fail(Twine(shared) + " bytes of shared memory, a block may have " +
                Twine(m.options.sharedMemoryLimit));
  return true;
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

static std::unique_ptr<ThreadBlock> makeSlot(Machine &m, uint32_t slot,
                                             const StackPool &stacks) {
  auto block = std::make_unique<ThreadBlock>();
  block->slot = slot;
  block->shared = m.window + uint64_t(slot) * kSlotSize;
  mprotect(block->shared, llvm::alignTo(m.sharedEnd, kPage),
           PROT_READ | PROT_WRITE);
  for (uint32_t i = 0; i < m.threadsPerBlock; ++i) {
    if (i % kWarpSize == 0) {
      auto warp = std::make_unique<Warp>();
      warp->block = block.get();
      warp->index = i / kWarpSize;
      m.warps.push_back(warp.get());
      block->warps.push_back(std::move(warp));
    }
    auto thread = std::make_unique<Thread>();
    thread->index = i;
    thread->lane = i % kWarpSize;
    thread->warp = block->warps.back().get();
    thread->warp->lanes[thread->lane] = thread.get();
    thread->block = block.get();
    thread->stack = stacks.get(size_t(slot) * m.threadsPerBlock + i);
    block->threads.push_back(std::move(thread));
  }
  return block;
}

/// Fills shared memory with noise in which no small number occurs.
static void poisonShared(Machine &m, ThreadBlock &block) {
  constexpr uint64_t kHighBits = 0x8080808080808080u;
  for (uint32_t i = 0; i < m.sharedEnd; i += sizeof(uint64_t)) {
    uint64_t noise = m.random.next() | kHighBits;
    memcpy(block.shared + i, &noise, sizeof(noise));
  }
}

static void startBlock(Machine &m, ThreadBlock &block) {
  block.linear = m.waitingBlocks.back();
  m.waitingBlocks.pop_back();
  block.index = {block.linear % m.grid[0], block.linear / m.grid[0] % m.grid[1],
                 block.linear / m.grid[0] / m.grid[1]};
  poisonShared(m, block);
  if (m.options.sharedRaces)
    block.shadow.reset(m.sharedEnd);
  for (auto &warp : block.warps) {
    warp->alive = 0;
    warp->priority = m.random.next();
  }
  for (auto &thread : block.threads) {
    thread->done = false;
    thread->waitsAt = kNoOp;
    thread->steps = 0;
    thread->time = 1;
    thread->clock.clear();
    thread->committedGroups = 0;
    thread->order = ThreadOrder();
    thread->warp->alive |= 1u << thread->lane;
    startThread(*thread);
  }
  for (auto &warp : block.warps)
    warp->runnable = warp->alive;
  block.alive = m.threadsPerBlock;
  m.alive += m.threadsPerBlock;
}

static void finishBlock(Machine &m, ThreadBlock &block) {
  for (auto &warp : block.warps)
    warp->accesses.flush(m.totals);
  resetBarriers(block);
}

/// The next block to start is the last.
static std::vector<uint32_t> makeBlockOrder(Machine &m) {
  std::vector<uint32_t> order(m.grid[0] * m.grid[1] * m.grid[2]);
  for (uint32_t i = 0, e = order.size(); i < e; ++i)
    order[i] = e - 1 - i;
  if (m.options.schedule != Schedule::Lockstep)
    for (uint32_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[m.random.below(i)]);
  return order;
}

//===----------------------------------------------------------------------===//
// Launch
//===----------------------------------------------------------------------===//

static void run(Machine &m) {
  if (!checkLaunch(m))
    return;
  Resources &resources = getResources();
  m.waitingBlocks = makeBlockOrder(m);
  uint32_t numSlots =
      std::clamp<uint32_t>(m.options.residentBlocks, 1, m.waitingBlocks.size());
  numSlots = std::min<uint32_t>(numSlots, kWindowSize / kSlotSize);
  if (!resources.reserveWindow() ||
      !resources.stacks.reserve(size_t(numSlots) * m.threadsPerBlock)) {
    report("out of address space for " + Twine(m.threadsPerBlock) +
           " threads per block");
    return;
  }
  m.window = resources.window;
  m.globalShadows.resize(m.memory.getAllocations().size());
  for (uint32_t slot = 0; slot < numSlots; ++slot)
    m.slots.push_back(makeSlot(m, slot, resources.stacks));
  FloatingPointMode mode;
  runGrid([&](ThreadBlock &block) { startBlock(m, block); },
          [&](ThreadBlock &block) { finishBlock(m, block); });
  if (m.options.counters)
    m.result.counters = m.totals.get(m.kernel.module->ops);
}

LaunchResult emulator::launchKernel(const KernelImage &kernel,
                                    DeviceMemory &memory,
                                    std::array<uint32_t, 3> grid,
                                    std::array<uint32_t, 3> block,
                                    uint32_t dynamicSharedBytes,
                                    void *const *params,
                                    const LaunchOptions &options) {
  std::lock_guard<std::mutex> lock(getResources().mutex);
  auto begin = std::chrono::steady_clock::now();
  Machine m(kernel, memory, options);
  CurrentMachine current(m);
  m.grid = grid;
  m.blockShape = block;
  m.threadsPerBlock = block[0] * block[1] * block[2];
  m.params = params;
  m.dynamicShared = dynamicSharedBytes;
  m.dynamicBegin = llvm::alignTo(kReservedShared + kernel.staticShared,
                                 kernel.dynamicAlignment);
  m.sharedEnd = m.dynamicBegin + dynamicSharedBytes;
  run(m);
  std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - begin;
  m.result.seconds = seconds.count();
  return std::move(m.result);
}
