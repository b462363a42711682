// Owns the end of a guest that faults: one line naming guest PC and symbol, then the same death as natively.
#include "core.h"
#include "codecache.h"
#include "signals.h"
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

_Noreturn void dispatch(void);

const char *signal_name(int signal) {
  switch (signal) {
  case SIGSEGV: return "SIGSEGV";
  case SIGBUS: return "SIGBUS";
  case SIGFPE: return "SIGFPE";
  case SIGILL: return "SIGILL";
  case SIGTRAP: return "SIGTRAP";
  }
  const char *name = strsignal(signal);
  return name ? name : "a real-time signal";
}

static _Noreturn void die(int signal) {
  data_finish(2, (uint64_t)signal);
  signals_die(signal);
}

// What the CPU's exceptions say of themselves (arch/x86/kernel/traps.c).
static bool handled(uint64_t pc, int signal, const char *text) {
  struct arrival a = {.info = {.si_signo = signal, .si_code = SI_KERNEL}, .trap = 13}; // #GP
  if (!signals_wants(signal) || !strncmp(text, "unsupported", 11)) return false;
  emu_state.rip = pc;
  if (signal == SIGILL) a.info.si_code = ILL_ILLOPN, a.info.si_addr = (void *)pc, a.trap = 6;
  if (signal == SIGTRAP) emu_state.rip++, a.trap = 3;
  if (!strncmp(text, "jump to", 7)) {
    uint8_t byte;
    bool is_mapped = !RAW3(SYS_mincore, page_down(pc), PAGE, &byte);
    a.info.si_code = is_mapped ? SEGV_ACCERR : SEGV_MAPERR, a.info.si_addr = (void *)pc;
    a.trap = 14, a.error = copy_in(&byte, pc, 1) ? 0x15 : 0x14, a.fault_address = pc; // a fetch by user mode; the page is there
  }
  deliver_exact(&a);
  return true;
}

void emu_trap(uint64_t pc, uint64_t kind, const char *text) {
  if (handled(pc, (int)kind, text)) host_stack_restart(dispatch);
  say("guest killed by %s at %@: %s", signal_name((int)kind), pc, text);
  die((int)kind);
}

void emu_trapped(void) {
  if (!handled(emu_state.rip, (int)emu_state.trap_signal, emu_state.trap_text))
    emu_trap(emu_state.rip, emu_state.trap_signal, emu_state.trap_text);
}

static void explain(int signal, uint64_t host_pc, uint64_t address) {
  const char *name = signal_name(signal);
  bool memory = signal == SIGSEGV || signal == SIGBUS;
  uint64_t pc = locate(host_pc);
  if (memory && host_stack_guard(address))
    say("guest killed by %s at %@: its calls need more than the %u MiB of host stack", name, pc, host_stack_size() >> 20);
  else if (!pc)
    say("%s in the runtime itself, host PC %x, address %x, after guest PC %@", name, host_pc, address, emu_state.rip);
  else if (memory)
    say("guest killed by %s at %@, address %x", name, pc, address);
  else
    say("guest killed by %s at %@", name, pc);
}

// Whether the guest's registers are in emu_state where this code faults.
static bool is_exact(uint64_t host_pc) {
  return cache_holds(host_pc) ? cache_region_of(host_pc)->flags & (REGION_FIRST_TIER | REGION_EXACT_FAULTS) : emu_exact_faults;
}

void on_fault(int signal, siginfo_t *info, void *context) {
  greg_t *host_pc = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
  if (signal == SIGSEGV && info->si_code > 0 && guest_stored((uint64_t)info->si_addr)) return;
  if (info->si_code <= 0) return signals_sent(signal, info, context); // kill, tgkill, sigqueue (include/uapi/asm-generic/siginfo.h)
  uint64_t resume = copy_fault_exit((uint64_t)*host_pc);
  if (!resume) resume = images_fault_exit((uint64_t)*host_pc);
  if (resume) {
    *host_pc = (greg_t)resume;
    return;
  }
  uint64_t pc = signals_wants(signal) ? locate((uint64_t)*host_pc) : 0;
  if (pc && !host_stack_guard((uint64_t)info->si_addr)) return deliver_fault(info, context, pc, is_exact((uint64_t)*host_pc));
  explain(signal, (uint64_t)*host_pc, (uint64_t)info->si_addr);
  die(signal);
}
