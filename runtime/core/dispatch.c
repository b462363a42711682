// Owns the loop that keeps the guest running, and the lookup of regions.
#include "core.h"
#include <signal.h>

_Noreturn void dispatch(void);

static void *find(uint64_t pc) {
  uint64_t mask = (uint64_t)emu_dispatch_mask;
  for (uint64_t slot = (pc ^ pc >> 8) & mask; emu_dispatch_table[slot].pc; slot = (slot + 1) & mask)
    if (emu_dispatch_table[slot].pc == pc) return emu_dispatch_table[slot].host;
  return NULL;
}

__attribute__((preserve_all)) void *emu_lookup(uint64_t pc) {
  void *region = find(pc);
  if (region) return region;
  emu_state.rip = pc;
  return (void *)emu_leave;
}

static _Noreturn void missing(uint64_t pc) {
  char byte;
  if (!copy_in(&byte, pc, 1)) emu_trap(pc, SIGSEGV, "jump to memory that is not mapped");
  say("guest PC %@ was not translated ahead of time: rebuild the runner with this address as a root", pc);
  data_finish(1, EXIT_UNTRANSLATED);
  process_exit(EXIT_UNTRANSLATED);
}

void dispatch(void) {
  for (;;) {
    void *region = find(emu_state.rip);
    if (!region) missing(emu_state.rip);
    emu_enter(region);
  }
}
