// Owns the loop that keeps the guest running, and the lookup of regions.
#include "core.h"
#include <signal.h>

_Noreturn void dispatch(void);

static void *find(uint64_t pc) {
  uint64_t mask = (uint64_t)emu_dispatch_mask;
  const char *table = (const char *)emu_dispatch_table;
  for (uint64_t at = (pc ^ pc << 4) & mask;; at = (at + sizeof(struct emu_entry)) & mask) {
    const struct emu_entry *e = (const struct emu_entry *)(table + at);
    if (e->pc == pc) return e->host;
    if (!e->pc) break;
  }
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
