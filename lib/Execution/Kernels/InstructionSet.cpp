//===- InstructionSet.cpp - Which vector instructions may be used ---------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Detects what the machine, the operating system and the environment variable
// DNNL_MAX_CPU_ISA allow, and keeps oneDNN 2.6 from using AMX where it would
// crash:
// - oneDNN reads tile sizes from CPUID leaf 0x1D. Virtual machines exist that
//   announce AMX without that leaf; oneDNN then loads an empty tile
//   configuration and dies of SIGILL.
// - Linux gives tile registers only to processes that ask for them, and refuses
//   where a thread has a small alternative signal stack.
//
//===----------------------------------------------------------------------===//

#include "OneDnnSupport.h"

#include <cctype>
#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace mlir::qopt::cpu {

/// Whether DNNL_MAX_CPU_ISA names an instruction set below AMX. Other values
/// mean "no limit" to oneDNN.
static bool environmentExcludesAmx() {
  const char *value = std::getenv("ONEDNN_MAX_CPU_ISA");
  if (!value)
    value = std::getenv("DNNL_MAX_CPU_ISA");
  if (!value)
    return false;
  std::string name(value);
  for (char &c : name)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  static const char *const kBelowAmx[] = {"SSE41",
                                          "AVX",
                                          "AVX2",
                                          "AVX2_VNNI",
                                          "AVX512_MIC",
                                          "AVX512_MIC_4OPS",
                                          "AVX512_CORE",
                                          "AVX512_CORE_VNNI",
                                          "AVX512_CORE_BF16"};
  for (const char *below : kBelowAmx)
    if (name == below)
      return true;
  return false;
}

#if defined(__x86_64__) && defined(__linux__)
/// Whether CPUID announces AMX with int8.
static bool cpuHasAmxInt8() {
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
    return false;
  constexpr unsigned kAmxTile = 1u << 24, kAmxInt8 = 1u << 25;
  return (edx & kAmxTile) && (edx & kAmxInt8);
}

/// Whether CPUID describes the tile palette (leaf 0x1D), as oneDNN needs.
static bool cpuDescribesTiles() {
  unsigned eax, ebx, ecx, edx;
  constexpr unsigned kTileLeaf = 0x1D;
  return __get_cpuid_max(0, nullptr) >= kTileLeaf &&
         __get_cpuid_count(kTileLeaf, 0, &eax, &ebx, &ecx, &edx) && eax >= 1;
}

/// Asks Linux for the tile registers, for this process.
static bool requestTiles() {
  constexpr int kGetPermission = 0x1022, kRequestPermission = 0x1023;
  constexpr unsigned long kTileData = 18; // XFEATURE_XTILEDATA
  unsigned long granted = 0;
  if (syscall(SYS_arch_prctl, kGetPermission, &granted) != 0)
    return false;
  if (granted & (1ul << kTileData))
    return true;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#else
static bool cpuHasAmxInt8() { return false; }
static bool cpuDescribesTiles() { return false; }
static bool requestTiles() { return false; }
#endif

namespace {
struct Detection {
  VectorLevel level = VectorLevel::Portable;
  bool oneDnnInt8Safe = true;
  const char *name = "unknown";
};
} // namespace

static const char *isaName(dnnl_cpu_isa_t isa) {
  switch (isa) {
  case dnnl_cpu_isa_sse41:
    return "sse41";
  case dnnl_cpu_isa_avx:
    return "avx";
  case dnnl_cpu_isa_avx2:
    return "avx2";
  case dnnl_cpu_isa_avx2_vnni:
    return "avx2_vnni";
  case dnnl_cpu_isa_avx512_mic:
    return "avx512_mic";
  case dnnl_cpu_isa_avx512_mic_4ops:
    return "avx512_mic_4ops";
  case dnnl_cpu_isa_avx512_core:
    return "avx512_core";
  case dnnl_cpu_isa_avx512_core_vnni:
    return "avx512_core_vnni";
  case dnnl_cpu_isa_avx512_core_bf16:
    return "avx512_core_bf16";
  case dnnl_cpu_isa_avx512_core_amx:
    return "avx512_core_amx";
  default:
    return "unknown";
  }
}

/// The level of what oneDNN may use, as far as our loops know it.
static VectorLevel levelOf(unsigned isa) {
  auto includes = [isa](unsigned other) { return (isa & other) == other; };
  if (includes(dnnl_cpu_isa_avx512_core_vnni))
    return VectorLevel::Avx512Vnni;
  if (includes(dnnl_cpu_isa_avx512_core))
    return VectorLevel::Avx512;
  if (includes(dnnl_cpu_isa_avx2))
    return VectorLevel::Avx2;
  return VectorLevel::Portable;
}

static Detection detect() {
  Detection result;
  // AMX first: oneDNN fixes its instruction set at its first use.
  bool hasAmx = cpuHasAmxInt8() && !environmentExcludesAmx();
  bool tilesGranted = hasAmx && requestTiles();
  if (hasAmx && !(tilesGranted && cpuDescribesTiles()) &&
      dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx512_core_bf16) != dnnl_success)
    // Someone used oneDNN in this process before: keep off its AMX kernels.
    result.oneDnnInt8Safe =
        dnnl_get_effective_cpu_isa() != dnnl_cpu_isa_avx512_core_amx;

  dnnl_cpu_isa_t effective = dnnl_get_effective_cpu_isa();
  result.name = isaName(effective);
#if defined(__x86_64__)
  VectorLevel allowed = levelOf(effective);
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2");
  bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512vl");
  bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  if (vnni && allowed >= VectorLevel::Avx512Vnni)
    result.level = tilesGranted ? VectorLevel::Amx : VectorLevel::Avx512Vnni;
  else if (avx512 && allowed >= VectorLevel::Avx512)
    result.level = VectorLevel::Avx512;
  else if (avx2 && allowed >= VectorLevel::Avx2)
    result.level = VectorLevel::Avx2;
#endif
  return result;
}

static const Detection &detection() {
  static const Detection result = detect();
  return result;
}

VectorLevel vectorLevel() { return detection().level; }

bool oneDnnInt8IsSafe() { return detection().oneDnnInt8Safe; }

const char *instructionSet() { return detection().name; }

} // namespace mlir::qopt::cpu
