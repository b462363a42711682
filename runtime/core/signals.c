// Owns the guest's signal actions and mask. The kernel gets default and ignore as they are. A handler of the guest becomes the core's
// own, which only notes what has arrived: the guest runs its handler at the next boundary (deliver.c). Five signals are the core's.
#include "core.h"
#include "codecache.h"
#include "sandbox.h"
#include "signals.h"
#include <errno.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

enum { ACTIONS = 65 };
static struct action of_process[ACTIONS];
// A process that shares another one's memory has actions of its own: its first thread's. (They end with that thread.)
static _Thread_local struct action of_thread[ACTIONS], *guest = of_process;
static uint8_t first_stacks[SIGNAL_STACKS] __attribute__((aligned(64)));

// Arrivals that wait. One, as everything is blocked until it is taken; signals of the core's own that somebody sends may add to it.
enum { WAITING = 8 };
static _Thread_local struct arrival waiting[WAITING];
static _Thread_local volatile int arrived;
static _Thread_local const uint64_t *waits_with; // the mask of a call that waits with one of its own (sigsuspend, ppoll)
static _Thread_local uint64_t blocked; // the guest's view of those that the host never blocks

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

static bool core_owned(int signal) { return OWNED_SIGNALS & signal_bit(signal); }

// Passes are told of the ends of threads: then no signal ends the guest behind the core's back, but SIGKILL.
static bool ends_are_told(void) { return event_watched(EVENT_THREAD_EXIT); }

// Whether the core has a handler for the default action (kernel/signal.c: those that end the process).
static bool noted_by_default(int signal) {
  const uint64_t others = signal_bit(SIGKILL) | signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU) | signal_bit(SIGCONT) |
                          signal_bit(SIGCHLD) | signal_bit(SIGURG) | signal_bit(SIGWINCH) | OWNED_SIGNALS;
  return ends_are_told() && !(others & signal_bit(signal));
}

static bool handled(const struct action *action) {
  return action->handler != (uint64_t)SIG_DFL && action->handler != (uint64_t)SIG_IGN;
}

static void set_handler(int signal, void (*handler)(int, siginfo_t *, void *), uint64_t flags, uint64_t mask) {
  struct action action = {(uint64_t)handler, flags | SA_SIGINFO | SA_ONSTACK | RESTORER, (uint64_t)restore, mask & ~OWNED_SIGNALS};
  set(signal, &action, NULL);
}

// Where no call may be made: a fault whose signal is blocked ends the process by it (kernel/signal.c: force_sig_info_to_task).
static void die_of_fault(int signal) {
  mask_set(~0ull);
  switch (signal) {
  case SIGILL: __asm__ volatile("ud2");
  case SIGTRAP: __asm__ volatile("int3");
  case SIGFPE: __asm__ volatile("xor %%edx, %%edx; div %%edx" : : : "rax", "rdx");
  }
  __asm__ volatile("hlt");
}

void signals_die(int signal) {
  struct action action = {(uint64_t)SIG_DFL, 0, 0, 0};
  if (!sandbox_may(NEED_MASK) && core_owned(signal)) die_of_fault(signal);
  set(signal, &action, NULL);
  mask_set(mask_read() & ~signal_bit(signal));
  RAW3(SYS_tgkill, RAW0(SYS_getpid), RAW0(SYS_gettid), signal);
  for (;;) RAW1(SYS_exit_group, 128 + signal);
}

// --- Masks --------------------------------------------------------------------------------------------------------------

// What is blocked while the handler of an arrival runs, where `mask` was before.
static void stand_on(struct arrival *a, uint64_t mask) {
  a->blocked_after = mask;
  a->blocked_in_handler = mask | a->action.mask | (a->action.flags & SA_NODEFER ? 0 : signal_bit(a->info.si_signo));
}

// What still waits comes on top of whatever is done to the mask now, and keeps the kernel's mask full.
void signals_block(uint64_t mask) {
  signals_hold();
  blocked = mask & OWNED_SIGNALS;
  for (int i = 0; i < arrived; i++) stand_on(&waiting[i], mask);
  if (!arrived) signals_release(mask);
}

static uint64_t mask_after(int how, bool sets, uint64_t before, uint64_t mask) { return !sets || how == SIG_BLOCK ? before | mask : how == SIG_UNBLOCK ? before & ~mask : mask; }

// Where the signals that the host never blocks stay as they are, the kernel does it in one call (swapcontext makes one each time).
static long mask_in_kernel(int how, bool sets, uint64_t mask, uint64_t *before) {
  uint64_t host = mask & ~OWNED_SIGNALS;
  const uint64_t args[6] = {(uint64_t)how, sets ? (uint64_t)&host : 0, (uint64_t)before, 8};
  long result = raw_guest(SYS_rt_sigprocmask, args);
  if (!result) mask_is(mask_after(how, sets, *before, host));
  *before |= blocked;
  return result;
}

// kernel/signal.c: rt_sigprocmask. A signal that came before is taken with the mask that it came with: the call is begun again behind it.
static long mask_call(int how, uint64_t new, uint64_t old, uint64_t size) {
  uint64_t mask = 0;
  if (size != 8) return -EINVAL;
  if (new && !copy_in(&mask, new, 8)) return -EFAULT;
  if (new && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK) return -EINVAL;
  uint64_t before;
  if ((mask_after(how, new, blocked, mask) & OWNED_SIGNALS) == blocked) {
    long result = mask_in_kernel(how, new, mask, &before);
    if (result) return result;
  } else {
    uint64_t held = signals_hold();
    if (arrived) return signals_release(held), RESTART;
    before = held | blocked;
    signals_block(mask_after(how, new, before, mask));
  }
  return old && !copy_out(old, &before, 8) ? -EFAULT : 0;
}

// A call that waits with a mask of its own: handlers run with it, and the old one is back after them (set_user_sigmask).
long signals_wait(long number, const uint64_t args[6]) {
  uint64_t mask, pair[2] = {0};
  uint64_t at = number == SYS_rt_sigsuspend ? args[0] : number == SYS_ppoll ? args[3] : number == SYS_pselect6 ? args[5] : args[4];
  if (number == SYS_pselect6 && at && copy_in(pair, at, 16)) at = pair[0];
  waits_with = at && copy_in(&mask, at, 8) ? &mask : NULL;
  long result = raw_guest(number, args);
  waits_with = NULL;
  return result;
}

// One of the core's that has been taken is not held back by the kernel any more.
static long signals_take(const uint64_t args[6]) {
  long signal = raw_guest(SYS_rt_sigtimedwait, args);
  if (signal > 0 && OWNED_SIGNALS & signal_bit((int)signal)) mask_set(mask_read() & ~OWNED_SIGNALS);
  return signal;
}

// Other threads may change actions. Nothing interrupts who holds the lock, for every handler asks for it.
static uint64_t lock_actions(void) {
  uint64_t before = mask_set(~0ull);
  lock(LOCK_ACTIONS);
  return before;
}

static void unlock_actions(uint64_t before) {
  unlock(LOCK_ACTIONS);
  signals_release(before);
}

// --- Arrivals ----------------------------------------------------------------------------------------------------------

static void describe(int signal, struct arrival *a) {
  uint64_t held = lock_actions();
  a->action = guest[signal];
  if (a->action.flags & SA_RESETHAND) guest[signal].handler = (uint64_t)SIG_DFL;
  unlock_actions(held);
}

void signals_describe_fault(int signal, struct arrival *a) {
  uint64_t before = signals_hold(); // until the handler's mask is there
  describe(signal, a);
  stand_on(a, arrived ? waiting[0].blocked_after : before | blocked);
}

// Everything but the core's own is blocked from here on until the guest is in its handler: one at a time, in the kernel's order.
static void note(int signal, siginfo_t *info, ucontext_t *context) {
  if (arrived == WAITING) return say("%s lost: too many at once", signal_name(signal));
  struct arrival *a = &waiting[arrived];
  uint64_t *host_pc = (uint64_t *)&context->uc_mcontext.gregs[REG_RIP];
  uint64_t *after = (uint64_t *)&context->uc_sigmask; // the kernel's sigset_t has 8 bytes
  uint64_t before = arrived ? waiting[0].blocked_after : *after | blocked;
  *a = (struct arrival){.info = *info};
  if (signal == SIGSYS && info->si_code == SYS_SECCOMP) a->info.si_call_addr = (void *)emu_state.rip;
  describe(signal, a);
  stand_on(a, raw_interrupted(*host_pc) && waits_with ? *waits_with : before);
  a->blocked_after = before;
  arrived++;
  emu_state.host_limit = ~0ull;
  *after = ~OWNED_SIGNALS;
  raw_interrupt(host_pc);
}

// What the handlers of the core are entered and left with: the kernel sets the mask itself.
void signals_enter(void) { mask_is(~OWNED_SIGNALS); }
void signals_leave(const void *context) {
  uint64_t mask;
  memcpy(&mask, &((const ucontext_t *)context)->uc_sigmask, sizeof mask);
  mask_is(mask);
}

static void on_signal(int signal, siginfo_t *info, void *context) {
  signals_enter();
  note(signal, info, context);
  signals_leave(context);
}

bool signals_next(struct arrival *arrival) {
  if (!arrived) return false;
  *arrival = waiting[0];
  arrived--;
  memmove(waiting, waiting + 1, (size_t)arrived * sizeof *waiting);
  if (!arrived) host_limit_lower();
  return true;
}

bool signals_waiting(void) { return arrived; }

uint64_t signals_hold(void) { return mask_set(~OWNED_SIGNALS); }

void signals_hold_all(void) { mask_set(~0ull); }

void signals_release(uint64_t before) { mask_set(before & ~OWNED_SIGNALS); }

bool signals_wants(int signal) { return handled(&guest[signal]) && !(blocked & signal_bit(signal)); }

// One of the core's that the guest blocks waits in the kernel, as any other: until the guest's mask changes it is blocked there, too. (A fault
// ends the guest then, as it would natively, without a line.)
static void put_back(int signal, siginfo_t *info, ucontext_t *context) {
  uint64_t bit = signal_bit(signal);
  mask_set(mask_read() | bit);
  *(uint64_t *)&context->uc_sigmask |= bit;
  if (info->si_code == SI_TKILL)
    RAW4(SYS_rt_tgsigqueueinfo, RAW0(SYS_getpid), RAW0(SYS_gettid), signal, info);
  else
    RAW3(SYS_rt_sigqueueinfo, RAW0(SYS_getpid), signal, info);
}

void signals_sent(int signal, siginfo_t *info, void *context) {
  if (blocked & signal_bit(signal)) return put_back(signal, info, context);
  if (guest[signal].handler == (uint64_t)SIG_IGN) return;
  if (handled(&guest[signal]) || ends_are_told()) return note(signal, info, context);
  data_finish(2, (uint64_t)signal);
  signals_die(signal);
}

// --- Actions ------------------------------------------------------------------------------------------------------------

static const int owned[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

static void own(void) {
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) set_handler(owned[i], on_fault, SA_RESTART | SA_NODEFER, ~0ull);
}

// For the core's handlers: a frame holds all of AVX-512.
static void use_stacks(uint8_t at[SIGNAL_STACKS]) {
  stack_t stack = {.ss_sp = at, .ss_size = SIGNAL_STACKS};
  RAW2(SYS_sigaltstack, &stack, NULL);
}

void signals_thread_begins(uint8_t stacks[SIGNAL_STACKS], uint64_t mask) {
  use_stacks(stacks);
  signals_block(mask);
}

void signals_inherit(int64_t distance, uint64_t flags) {
  struct action **actions = (struct action **)((uint64_t)&guest + (uint64_t)distance), *own = (struct action *)((uint64_t)of_thread + (uint64_t)distance);
  *actions = flags & CLONE_SIGHAND ? guest : own;
  if (!(flags & CLONE_SIGHAND)) memcpy(own, guest, sizeof of_thread);
  if (flags & CLONE_VFORK) frame_inherit(distance);
}

uint64_t signals_blocked(uint64_t held) { return held | blocked; }

static void take(int signal, struct action *action) {
  const uint64_t passed = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_RESTART | SA_NODEFER | SA_RESETHAND;
  guest[signal] = *action;
  if (core_owned(signal)) return;
  if (handled(action) || (action->handler == (uint64_t)SIG_DFL && noted_by_default(signal)))
    set_handler(signal, on_signal, action->flags & passed, ~0ull);
  else
    set(signal, action, NULL);
}

// Actions inherited through exec (only SIG_IGN can be) are the guest's first ones.
void signals_init(void) {
  use_stacks(first_stacks);
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) set(owned[i], NULL, &guest[owned[i]]);
  own();
  for (int signal = 1; signal < ACTIONS; signal++) {
    if (!noted_by_default(signal)) continue;
    set(signal, NULL, &guest[signal]);
    take(signal, &guest[signal]);
  }
  signals_block(mask_read());
}

// An ignored signal stays ignored through exec, a blocked one blocked.
void signals_before_exec(void) {
  if (blocked) mask_set(mask_read() | blocked);
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    if (guest[owned[i]].handler == (uint64_t)SIG_IGN) set(owned[i], &guest[owned[i]], NULL);
}

void signals_after_failed_exec(void) {
  own();
  mask_set(mask_read() & ~OWNED_SIGNALS);
}

// kernel/signal.c: rt_sigaction, in its order of checks.
static long action_call(int signal, uint64_t new, uint64_t old, uint64_t size) {
  struct action action = {0}, before;
  if (size != 8) return -EINVAL;
  if (new && !copy_in(&action, new, sizeof action)) return -EFAULT;
  if (signal < 1 || signal > 64 || (new && (signal == SIGKILL || signal == SIGSTOP))) return -EINVAL;
  action.mask &= ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
  if (new && core_owned(signal) && handled(&action)) fallback_keep_registers();
  uint64_t held = lock_actions();
  if (core_owned(signal) || noted_by_default(signal) || handled(&guest[signal]))
    before = guest[signal];
  else
    set(signal, NULL, &before);
  if (new) take(signal, &action);
  unlock_actions(held);
  return old && !copy_out(old, &before, sizeof before) ? -EFAULT : 0;
}

long signals_call(long number, const uint64_t args[6]) {
  switch (number) {
  case SYS_rt_sigaction: return action_call((int)args[0], args[1], args[2], args[3]);
  case SYS_rt_sigprocmask: return mask_call((int)args[0], args[1], args[2], args[3]);
  case SYS_rt_sigtimedwait: return signals_take(args);
  }
  return frame_stack_call(args[0], args[1]);
}
