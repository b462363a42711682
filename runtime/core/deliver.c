// Owns how the guest gets into its signal handlers and out of them. A handler is run where the signal is taken, on the host stack below
// it, until the guest is back at the same PC; when it is anywhere else, host frames are left as after any other jump out of them.
#include "core.h"
#include "codecache.h"
#include "signals.h"
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

_Noreturn void dispatch(void);

// Whether the guest is back where it was.
static bool deliver(const struct arrival *a) {
  struct emu_state *s = &emu_state;
  uint64_t rip = s->rip;
  if (a->action.handler == (uint64_t)SIG_DFL) process_die(a->info.si_signo); // it is noted all the same, or it was another one when the signal came
  if (a->action.handler == (uint64_t)SIG_IGN) return signals_block(a->blocked_after), true;
  uint64_t frame = frame_push(a);
  if (!frame) {
    say("guest killed by SIGSEGV at %@: no stack for the frame of %s", rip, signal_name(a->info.si_signo));
    process_die(SIGSEGV); // force_sigsegv
  }
  uint64_t entry = s->rip;
  event_happens(EVENT_SIGNAL, (uint64_t)a->info.si_signo, (uint64_t)(int64_t)a->info.si_code, entry);
  signals_block(a->blocked_in_handler);
  deliver_waiting(); // the kernel makes all frames at once: the last signal's handler runs first
  if (s->rip != entry) return false;
  dispatch_leave_frames(); // a handler that faults at once comes to no check of its own
  for (;;) {
    void *region = emu_lookup_everything(s->rip);
    if (region == (void *)emu_leave) return false;
    emu_enter(region);
    if (s->rip == rip) return true;
    if (s->rip != a->action.restorer || s->gpr[RSP] != frame + 8) return false;
  }
}

void deliver_waiting(void) {
  struct arrival a;
  while (signals_next(&a))
    if (!deliver(&a)) return;
}

bool deliver_return(void) {
  uint64_t mask, held = signals_hold();
  if (signals_waiting()) return signals_release(held), false;
  if (!frame_pop(&mask)) {
    signals_release(held);
    emu_trap(emu_state.rip - 2, SIGSEGV, "rt_sigreturn without a frame");
  }
  signals_block(mask);
  if (emu_state.acid & EMU_TF) host_stack_restart(dispatch);
  return true;
}

// --- Boundaries in generated code ----------------------------------------------------------------------------------------------

// Registers. What generated code keeps of control words, exception flags and x87 it reads anew.
static bool same(const struct emu_state *a, const struct emu_state *b) {
  return !memcmp(a, b, offsetof(struct emu_state, fcw)) && !memcmp(a->ymm, b->ymm, sizeof a->ymm);
}

void emu_safepoint(void) {
  if (emu_state.host_limit == ~0ull) host_limit_lower(); // of regions that were withdrawn, each asks for itself behind this
  deliver_waiting();
  dispatch_leave_frames();
}

bool emu_visited(void) {
  struct emu_state before = emu_state;
  emu_safepoint();
  return !same(&before, &emu_state);
}

// --- Faults --------------------------------------------------------------------------------------------------------------

bool deliver_exact(struct arrival *fault) {
  signals_describe_fault(fault->info.si_signo, fault);
  return deliver(fault);
}

// What a fault in generated code leaves on the host stack: enough to go on as if nothing had happened.
struct interrupted {
  ucontext_t context; // the kernel's part of it
  struct arrival arrival;
  uint64_t pc;
  uint8_t fpu[] __attribute__((aligned(64))); // what context.uc_mcontext.fpregs points to
};

static _Noreturn void resume(struct interrupted *was) {
  uint64_t mask = signals_hold();
  memcpy(&was->context.uc_sigmask, &mask, 8);
  __asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall" : : "r"(&was->context) : "memory");
  __builtin_unreachable();
}

static _Noreturn void run_handler(struct interrupted *was) {
  uint8_t fpu_before[416], fpu_after[416];
  emu_state.rip = was->pc;
  struct emu_state before = emu_state;
  fpu_save(fpu_before);
  signals_describe_fault(was->arrival.info.si_signo, &was->arrival);
  bool back = deliver(&was->arrival);
  fpu_save(fpu_after);
  bool changed = cache_is_stale((uint64_t)was->context.uc_mcontext.gregs[REG_RIP]);
  if (back && !changed && same(&before, &emu_state) && !memcmp(fpu_before, fpu_after, sizeof fpu_before)) resume(was);
  host_stack_restart(dispatch);
}

// How far a rep movs or rep stos of the host has come that is a whole one of the guest.
static void note_repeated(const greg_t *regs) {
  const uint8_t *at = (const uint8_t *)regs[REG_RIP];
  if (*at++ != 0xf3) return;
  while (*at == 0x66 || (*at & 0xf0) == 0x40) at++;
  if ((*at & 0xfe) != 0xa4 && (*at & 0xfe) != 0xaa) return;
  emu_state.gpr[RCX] = (uint64_t)regs[REG_RCX], emu_state.gpr[RDI] = (uint64_t)regs[REG_RDI];
  if ((*at & 0xfe) == 0xa4) emu_state.gpr[RSI] = (uint64_t)regs[REG_RSI];
}

// On the core's signal stack: the rest happens on the host stack, as for any guest code.
void deliver_fault(const siginfo_t *info, void *host, uint64_t pc) {
  ucontext_t *context = host;
  greg_t *regs = context->uc_mcontext.gregs;
  const uint8_t *fpu = (const uint8_t *)context->uc_mcontext.fpregs;
  uint32_t magic, size = 512;
  memcpy(&magic, fpu + 464, 4);
  if (magic == 0x46505853) memcpy(&size, fpu + 468, 4); // FP_XSTATE_MAGIC1: extended_size
  struct interrupted *was = (struct interrupted *)(((uint64_t)regs[REG_RSP] - 128 - sizeof *was - size) & ~63ull);
  note_repeated(regs);
  memcpy(&was->context, context, 304);
  memcpy(was->fpu, fpu, size);
  was->context.uc_mcontext.fpregs = (void *)was->fpu;
  was->pc = pc;
  was->arrival = (struct arrival){.info = *info, .trap = (uint64_t)regs[REG_TRAPNO], .error = (uint64_t)regs[REG_ERR],
                                  .fault_address = (uint64_t)regs[REG_CR2]};
  if (info->si_signo == SIGFPE) was->arrival.info.si_addr = (void *)pc;
  regs[REG_RIP] = (greg_t)run_handler;
  regs[REG_RDI] = (greg_t)was;
  regs[REG_RSP] = (greg_t)((uint64_t)was - 64 - 8);
  regs[REG_EFL] &= ~0x400;
}
