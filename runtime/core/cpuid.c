// Owns what the guest's CPU is: the host's vendor, family, brand and caches, with features masked to x86-64-v2, which is
// what is lifted. SDM vol. 2 CPUID, APM vol. 3 appendix E; x86-64-v2 is the psABI's micro-architecture level.
#include "core.h"
#include <cpuid.h>
#include <signal.h>

struct leaf {
  uint32_t number, eax, ebx, ecx, edx; // masks; a leaf not listed reads as zero
};
static const uint32_t all = ~0u;

static const struct leaf leaves[] = {
    {0x00, all, all, all, all},               // highest leaf, vendor
    {0x01, all, all, 0x80b82201, 0x1f8bfbff}, // sse3 ssse3 cx16 sse4.1 sse4.2 x2apic popcnt hypervisor; up to sse2
    {0x02, all, all, all, all},               // Intel caches
    {0x04, all, all, all, all},               // caches, which glibc tunes itself by
    {0x07, 0, 0x00000200, 0, 0x00000010},     // erms, fsrm
    {0x0b, all, all, all, all},               // topology
    {0x15, all, all, all, all},               // tsc frequency
    {0x16, all, all, all, all},
    {0x1f, all, all, all, all},       // topology
    {0x40000000, all, all, all, all}, // hypervisor
    {0x80000000, all, all, all, all},
    {0x80000001, all, all, 0x00400003, 0x2d93fbff}, // lahf cmp_legacy topoext; syscall nx rdtscp lm
    {0x80000002, all, all, all, all},               // brand
    {0x80000003, all, all, all, all},
    {0x80000004, all, all, all, all},
    {0x80000005, all, all, all, all}, // AMD caches
    {0x80000006, all, all, all, all},
    {0x80000007, 0, 0, 0, 0x00000100}, // invariant tsc
    {0x80000008, all, 0, all, 0},      // address sizes
    {0x8000001d, all, all, all, all},  // AMD caches
    {0x8000001e, all, all, all, all},  // AMD topology
};

static struct leaf masks(uint32_t number) {
  for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++)
    if (leaves[i].number == number) return leaves[i];
  return (struct leaf){number, 0, 0, 0, 0};
}

static bool hidden(struct leaf mask) { return !(mask.eax | mask.ebx | mask.ecx | mask.edx); }

// Past the highest leaf Intel answers with the highest one's data and AMD with zero; zero is what every reader understands.
static bool past_highest(uint32_t number) {
  return number >= 0x10 && number > (uint32_t)__get_cpuid_max(number & 0xf0000000, NULL);
}

static struct leaf ask(uint32_t number, uint32_t index) {
  struct leaf mask = masks(number), said;
  bool subleaf_of_features = number == 7 && index > 0;
  if (hidden(mask) || subleaf_of_features || past_highest(number)) return (struct leaf){number, 0, 0, 0, 0};
  __cpuid_count(number, index, said.eax, said.ebx, said.ecx, said.edx);
  return (struct leaf){number, said.eax & mask.eax, said.ebx & mask.ebx, said.ecx & mask.ecx, said.edx & mask.edx};
}

uint32_t cpuid_1_edx(void) { return ask(1, 0).edx; }

void emu_helper_cpuid(void) {
  struct leaf said = ask((uint32_t)emu_state.gpr[RAX], (uint32_t)emu_state.gpr[RCX]);
  emu_state.gpr[RAX] = said.eax;
  emu_state.gpr[RBX] = said.ebx;
  emu_state.gpr[RCX] = said.ecx;
  emu_state.gpr[RDX] = said.edx;
}

// OSXSAVE is not reported, so xgetbv is #UD (SDM vol. 2).
void emu_helper_xgetbv(void) { emu_trap(emu_state.rip, SIGILL, "xgetbv without OSXSAVE"); }
