// Owns the guest's signal actions. The kernel gets default and ignore as they are; five signals are the core's own, and what
// the guest asked of those is acted out here. Guest handlers are remembered but cannot be run yet.
#include "core.h"
#include "signals.h"
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

static struct action guest[65];
static stack_t guest_stack = {.ss_flags = SS_DISABLE};
static uint8_t host_stack[64 << 10] __attribute__((aligned(64))); // for handlers; the frame holds all of AVX-512

// SA_RESTORER of the kernel's struct (psABI has no default); libc's sigaction keeps two signals to itself, so it is not used.
void restore(void);
__asm__(".pushsection .text\n"
        "restore: mov $15, %eax\n"
        "         syscall\n"
        ".popsection\n");

static const uint64_t RESTORER = 0x04000000;

static long set(int signal, struct action *action, struct action *old) {
  return RAW4(SYS_rt_sigaction, signal, action, old, 8);
}

static bool core_owned(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL || signal == SIGTRAP;
}

static void set_handler(int signal, void (*handler)(int, siginfo_t *, void *)) {
  struct action action = {(uint64_t)handler, SA_SIGINFO | SA_ONSTACK | SA_RESTART | RESTORER, (uint64_t)restore, 0};
  set(signal, &action, NULL);
}

void signals_die(int signal) {
  struct action action = {(uint64_t)SIG_DFL, 0, 0, 0};
  uint64_t mask = 1ull << (signal - 1);
  set(signal, &action, NULL);
  RAW4(SYS_rt_sigprocmask, SIG_UNBLOCK, &mask, NULL, 8);
  RAW3(SYS_tgkill, RAW0(SYS_getpid), RAW0(SYS_gettid), signal);
  for (;;) RAW1(SYS_exit_group, 128 + signal);
}

static _Noreturn void undeliverable(int signal) {
  say("guest handler at %@ for %s cannot be run yet: signal handlers are a later version's", guest[signal].handler,
      signal_name(signal));
  data_finish(2, (uint64_t)signal);
  signals_die(signal);
}

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)info, (void)context;
  undeliverable(signal);
}

void signals_sent(int signal) {
  if (guest[signal].handler == (uint64_t)SIG_IGN) return;
  if (guest[signal].handler != (uint64_t)SIG_DFL) undeliverable(signal);
  data_finish(2, (uint64_t)signal);
  signals_die(signal);
}

static const int owned[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

// Actions inherited through exec (only SIG_IGN can be) are the guest's first ones.
void signals_init(void) {
  stack_t stack = {.ss_sp = host_stack, .ss_size = sizeof host_stack};
  RAW2(SYS_sigaltstack, &stack, NULL);
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) {
    set(owned[i], NULL, &guest[owned[i]]);
    set_handler(owned[i], on_fault);
  }
}

// An ignored signal stays ignored through exec.
void signals_before_exec(void) {
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    if (guest[owned[i]].handler == (uint64_t)SIG_IGN) set(owned[i], &guest[owned[i]], NULL);
}

void signals_after_failed_exec(void) {
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) set_handler(owned[i], on_fault);
}

static void take(int signal, struct action *action) {
  bool handled = action->handler != (uint64_t)SIG_DFL && action->handler != (uint64_t)SIG_IGN;
  if (!core_owned(signal)) {
    if (handled)
      set_handler(signal, on_signal);
    else
      set(signal, action, NULL);
  }
  guest[signal] = *action;
}

// kernel/signal.c: rt_sigaction, in its order of checks.
static long action_call(int signal, uint64_t new, uint64_t old, uint64_t size) {
  struct action action, before;
  if (size != 8) return -EINVAL;
  if (new && !copy_in(&action, new, sizeof action)) return -EFAULT;
  if (signal < 1 || signal > 64 || (new && (signal == SIGKILL || signal == SIGSTOP))) return -EINVAL;
  bool handled = guest[signal].handler != (uint64_t)SIG_DFL && guest[signal].handler != (uint64_t)SIG_IGN;
  if (core_owned(signal) || handled)
    before = guest[signal];
  else
    set(signal, NULL, &before);
  if (new) {
    action.mask &= ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1));
    take(signal, &action);
  }
  return old && !copy_out(old, &before, sizeof before) ? -EFAULT : 0;
}

// kernel/signal.c: do_sigaltstack. Remembered only: no handler runs on it yet.
static long stack_call(uint64_t new, uint64_t old) {
  stack_t stack, before = guest_stack;
  if (new) {
    if (!copy_in(&stack, new, sizeof stack)) return -EFAULT;
    int mode = stack.ss_flags & ~(int)(1u << 31); // SS_AUTODISARM
    if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK) return -EINVAL;
    if (mode != SS_DISABLE && stack.ss_size < 2048) return -ENOMEM; // MINSIGSTKSZ
    if (mode == SS_DISABLE) stack.ss_sp = NULL, stack.ss_size = 0;
    guest_stack = stack;
  }
  return old && !copy_out(old, &before, sizeof before) ? -EFAULT : 0;
}

long signals_call(long number, const uint64_t args[6]) {
  switch (number) {
  case SYS_rt_sigaction: return action_call((int)args[0], args[1], args[2], args[3]);
  case SYS_sigaltstack: return stack_call(args[0], args[1]);
  }
  emu_trap(emu_state.rip - 2, SIGSEGV, "rt_sigreturn outside a signal handler");
}
