// Owns the life of the guest's process: fork, exec, exit, and the thread pointer.
#include "core.h"
#include "codecache.h"
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>

void process_exit(int status) {
  event_happens(EVENT_THREAD_EXIT, (uint64_t)RAW0(SYS_gettid), 0, 0);
  fallback_say_statistics();
  data_finish(1, (uint64_t)(status & 0xff));
  for (;;) RAW1(SYS_exit_group, status);
}

static long set_fs(uint64_t base) {
  long result = RAW2(SYS_arch_prctl, ARCH_SET_GS, base); // guest fs: is host gs:
  if (!result) emu_state.fsbase = base;
  return result;
}

// do_arch_prctl_64 in arch/x86/kernel/process_64.c. What would change the host's CPU state (CET, AMX, CPUID faulting) is
// refused as a kernel without it does.
static long arch_prctl(uint64_t what, uint64_t value) {
  switch (what) {
  case ARCH_SET_FS: return set_fs(value);
  case ARCH_GET_FS: return copy_out(value, &emu_state.fsbase, 8) ? 0 : -EFAULT;
  case ARCH_SET_GS:
    if (value >= 0x7ffffffff000) return -EPERM; // TASK_SIZE_MAX
    emu_state.gsbase = value;
    return 0;
  case ARCH_GET_GS: return copy_out(value, &emu_state.gsbase, 8) ? 0 : -EFAULT;
  case ARCH_GET_CPUID: return RAW2(SYS_arch_prctl, what, value);
  }
  return -EINVAL;
}

// A child always gets its own memory. CLONE_VFORK still makes the parent wait, so vfork keeps its order; what the child of
// a vfork writes does not come back.
static long fork_as(uint64_t flags, uint64_t stack, uint64_t parent_tid, uint64_t child_tid, uint64_t tls) {
  if (flags & CLONE_THREAD || (flags & CLONE_VM && !(flags & CLONE_VFORK))) {
    say("guest threads are not supported yet: clone(%x) answered with ENOSYS", flags);
    return -ENOSYS;
  }
  uint64_t host_flags = flags & ~(uint64_t)(CLONE_VM | CLONE_SETTLS);
  uint64_t held = signals_hold(); // the child must not inherit one that waits
  long child = signals_waiting() ? RESTART : raw(SYS_clone, host_flags, 0, parent_tid, child_tid, 0, 0);
  signals_release(held);
  if (child != 0) return child;
  if (stack) emu_state.gpr[RSP] = stack;
  if (flags & CLONE_SETTLS) set_fs(tls);
  data_forked();
  fallback_forked();
  return 0;
}

// The runner's own /proc/self/exe is executed for the guest's: the program stays translated.
static long execute(long number, const uint64_t args[6]) {
  data_finish(1, 0);
  signals_before_exec();
  long result = raw(number, args[0], args[1], args[2], args[3], args[4], 0);
  signals_after_failed_exec();
  data_reopen();
  return result;
}

long process_call(long number, const uint64_t args[6]) {
  switch (number) {
  case SYS_arch_prctl: return arch_prctl((uint32_t)args[0], args[1]);
  case SYS_fork: return fork_as(SIGCHLD, 0, 0, 0, 0);
  case SYS_vfork: return fork_as(CLONE_VFORK | CLONE_VM | SIGCHLD, 0, 0, 0, 0);
  case SYS_clone: return fork_as(args[0], args[1], args[2], args[3], args[4]);
  case SYS_execve:
  case SYS_execveat: return execute(number, args);
  }
  return -ENOSYS;
}
