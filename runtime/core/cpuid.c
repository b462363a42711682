// Owns what the guest's CPU is: the host's vendor, family, brand and caches, with those features that the translator lifts
// (translator/Emu.Translator/X86/Features.cs, in each runner as emu_features). SDM vol. 2 CPUID, APM vol. 3 appendix E.
#include "core.h"
#include <cpuid.h>
#include <signal.h>

// Masks; a leaf that is neither here nor in emu_features reads as zero.
static const uint32_t all = ~0u;
static const struct emu_leaf leaves[] = {
    {0x00, all, all, all, all}, // highest leaf, vendor
    {0x02, all, all, all, all}, // Intel caches
    {0x04, all, all, all, all}, // caches, which glibc tunes itself by
    {0x0b, all, all, all, all}, // topology
    {0x15, all, all, all, all}, // tsc frequency
    {0x16, all, all, all, all},
    {0x1f, all, all, all, all},       // topology
    {0x40000000, all, all, all, all}, // hypervisor
    {0x80000000, all, all, all, all},
    {0x80000002, all, all, all, all}, // brand
    {0x80000003, all, all, all, all},
    {0x80000004, all, all, all, all},
    {0x80000005, all, all, all, all}, // AMD caches
    {0x80000006, all, all, all, all},
    {0x80000007, 0, 0, 0, 0x00000100}, // invariant tsc
    {0x80000008, all, 0, all, 0},      // address sizes
    {0x8000001d, all, all, all, all},  // AMD caches
    {0x8000001e, all, all, all, all},  // AMD topology
};

// The state that xgetbv and leaf 0xd speak of: x87, SSE, AVX. SDM vol. 1, 13.4: 512 bytes of fxsave, 64 of header, 256 of upper halves.
enum { STATE = 7, STATE_SIZE = 832, AVX_SIZE = 256, AVX_OFFSET = 576 };

static struct emu_leaf masks(uint32_t number) {
  for (const struct emu_leaf *l = emu_features; l < emu_features_end; l++)
    if (l->number == number) return *l;
  for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++)
    if (leaves[i].number == number) return leaves[i];
  return (struct emu_leaf){number, 0, 0, 0, 0};
}

static struct emu_leaf saved_state(uint32_t index, uint32_t features) {
  switch (index) {
  case 0: return (struct emu_leaf){0xd, STATE, STATE_SIZE, STATE_SIZE, 0};
  case 1: return (struct emu_leaf){0xd, features, STATE_SIZE, 0, 0};
  case 2: return (struct emu_leaf){0xd, AVX_SIZE, AVX_OFFSET, 0, 0};
  default: return (struct emu_leaf){0xd, 0, 0, 0, 0};
  }
}

static bool hidden(struct emu_leaf mask) { return !(mask.eax | mask.ebx | mask.ecx | mask.edx); }

// Past the highest leaf Intel answers with the highest one's data and AMD with zero; zero is what every reader understands.
static bool past_highest(uint32_t number) {
  return number >= 0x10 && number > (uint32_t)__get_cpuid_max(number & 0xf0000000, NULL);
}

static struct emu_leaf ask(uint32_t number, uint32_t index) {
  struct emu_leaf mask = masks(number), said;
  bool subleaf_of_features = number == 7 && index > 0;
  if (hidden(mask) || subleaf_of_features || past_highest(number)) return (struct emu_leaf){number, 0, 0, 0, 0};
  __cpuid_count(number, index, said.eax, said.ebx, said.ecx, said.edx);
  if (number == 0xd) return saved_state(index, index == 1 ? said.eax & mask.eax : 0);
  return (struct emu_leaf){number, said.eax & mask.eax, said.ebx & mask.ebx, said.ecx & mask.ecx, said.edx & mask.edx};
}

uint32_t cpuid_1_edx(void) { return ask(1, 0).edx; }

void emu_helper_cpuid(void) {
  struct emu_leaf said = ask((uint32_t)emu_state.gpr[RAX], (uint32_t)emu_state.gpr[RCX]);
  emu_state.gpr[RAX] = said.eax;
  emu_state.gpr[RBX] = said.ebx;
  emu_state.gpr[RCX] = said.ecx;
  emu_state.gpr[RDX] = said.edx;
}

// XCR0, and with ecx = 1 which of its parts are in use (SDM vol. 1, 13.2, 13.6): those that could be, always.
void emu_helper_xgetbv(void) {
  if ((uint32_t)emu_state.gpr[RCX] > 1) emu_trap(emu_state.rip, SIGSEGV, "xgetbv of a register that is not there");
  emu_state.gpr[RAX] = STATE;
  emu_state.gpr[RDX] = 0;
}
