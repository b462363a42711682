// Owns the end of a guest that faults: one line naming guest PC and symbol, then the same death as natively.
#include "core.h"
#include "codecache.h"
#include "sandbox.h"
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

static _Thread_local bool ending; // this thread has begun to end the process: another fault ends it at once

// The plugins run no more.
static _Noreturn void die_of_probe(int signal, uint64_t host_pc, uint64_t address) {
  const char *name = signal_name(signal), *probe = emu_state.probe;
  char file[SOURCE_NAME];
  uint64_t line = locate_in_source(host_pc, file);
  emu_state.probe = NULL; // another fault is the runtime's own
  ending = true;
  if (line)
    say("%s in the %s, %s:%u, address %x", name, probe, file, line, address);
  else
    say("%s in the %s, address %x, host PC %x", name, probe, address, host_pc);
  data_finish(2, (uint64_t)signal);
  signals_die(signal);
}

// Where fetching an instruction fails: at its own address, or in the next page, where it goes on.
static uint64_t fetch_address(uint64_t pc) {
  uint8_t byte;
  return guest_executable(pc) && copy_in(&byte, pc, 1) ? page_up(pc + 1) : pc;
}

// Others are no addresses: #GP (SDM vol. 1, 3.3.7.1).
static bool is_canonical(uint64_t pc) { return (int64_t)(pc << 16) >> 16 == (int64_t)pc; }

// Where `int N` has no gate for user mode, the error code names that (SDM vol. 3, 6.13). It has one for #OF, which comes behind the instruction.
static void describe_protection(struct arrival *a) {
  uint8_t code[2];
  if (!copy_in(code, emu_state.rip, 2) || code[0] != 0xcd) return;
  if (code[1] == 4)
    a->trap = 4, emu_state.rip += 2;
  else
    a->error = code[1] * 8u + 2;
}

// int3, int1, and TF: all come behind the instruction.
static void describe_trap(struct arrival *a, const char *text) {
  bool is_breakpoint = !strcmp(text, "int3"), steps = !strcmp(text, SINGLE_STEP);
  uint8_t code = 0;
  if (is_breakpoint) emu_state.rip += copy_in(&code, emu_state.rip, 1) && code == 0xcd ? 2 : 1;
  a->trap = is_breakpoint ? 3 : 1;
  if (is_breakpoint) return;
  if (!steps) emu_state.rip++;
  a->info.si_code = steps ? TRAP_TRACE : TRAP_BRKPT, a->info.si_addr = (void *)emu_state.rip;
}

// What the CPU's exceptions say of themselves (arch/x86/kernel/traps.c).
static bool handled(uint64_t pc, int signal, const char *text) {
  struct arrival a = {.info = {.si_signo = signal, .si_code = SI_KERNEL}, .trap = 13}; // #GP
  if (!signals_wants(signal)) return false;
  emu_state.rip = pc;
  if (signal == SIGSEGV) describe_protection(&a);
  if (signal == SIGILL) a.info.si_code = ILL_ILLOPN, a.info.si_addr = (void *)pc, a.trap = 6;
  if (signal == SIGTRAP) describe_trap(&a, text);
  if (!strncmp(text, "jump to", 7) && is_canonical(pc)) {
    uint8_t byte;
    uint64_t at = fetch_address(pc);
    bool is_mapped = sandbox_may(NEED_FILES) ? !RAW3(SYS_mincore, page_down(at), PAGE, &byte) : copy_in(&byte, at, 1);
    a.info.si_code = is_mapped ? SEGV_ACCERR : SEGV_MAPERR, a.info.si_addr = (void *)at;
    a.trap = 14, a.error = copy_in(&byte, at, 1) ? 0x15 : 0x14, a.fault_address = at; // a fetch by user mode; the page is there
  }
  deliver_exact(&a);
  return true;
}

void emu_trap(uint64_t pc, uint64_t kind, const char *text) {
  if (handled(pc, (int)kind, text)) host_stack_restart(dispatch);
  say("guest killed by %s at %@: %s", signal_name((int)kind), pc, text);
  process_die((int)kind);
}

void emu_trapped(void) {
  if (!strcmp(emu_state.trap_text, SETS_TRAP_FLAG)) step_begins();
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

static void fault(int signal, siginfo_t *info, void *context) {
  greg_t *host_pc = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
  if (touch_fails((uint64_t *)host_pc)) return;
  if (signal == SIGSEGV && info->si_code > 0 && guest_stored((uint64_t)info->si_addr)) return;
  if (info->si_code <= 0) return signals_sent(signal, info, context); // kill, tgkill, sigqueue (include/uapi/asm-generic/siginfo.h)
  uint64_t resume = raw_fault_exit((uint64_t)*host_pc);
  if (!resume) resume = images_fault_exit((uint64_t)*host_pc);
  if (resume) {
    *host_pc = (greg_t)resume;
    return;
  }
  if (emu_state.probe) die_of_probe(signal, (uint64_t)*host_pc, (uint64_t)info->si_addr);
  if (ending) signals_die(signal);
  uint64_t pc = signals_wants(signal) ? locate((uint64_t)*host_pc) : 0;
  if (pc && !host_stack_guard((uint64_t)info->si_addr)) {
    if (is_exact((uint64_t)*host_pc)) return deliver_fault(info, context, pc);
    say("the registers at %@, for the guest's handler of %s, are lost: there is no fallback translator", pc, signal_name(signal));
  }
  ending = true;
  explain(signal, (uint64_t)*host_pc, (uint64_t)info->si_addr);
  process_die(signal);
}

void on_fault(int signal, siginfo_t *info, void *context) {
  signals_enter();
  fault(signal, info, context);
  signals_leave(context);
}
