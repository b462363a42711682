// Owns the life of the guest's process: fork, exit, and the thread pointer.
#include "core.h"
#include "codecache.h"
#include "sandbox.h"
#include "service.h"
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>

enum { PR_GET_AUXV = 0x41555856, PR_SET_MDWE_NUMBER = 65 }; // linux/prctl.h

void process_finish(int status) {
  fallback_say_statistics();
  libc_flush();
  data_finish(1, (uint64_t)(status & 0xff));
  if (!thread_shares()) fallback_unseal();
}

static uint32_t id; // a process that shares this one's memory says the same

uint32_t process_id(void) {
  if (!id) id = (uint32_t)RAW0(SYS_getpid);
  return id;
}

// As the guest does it: the other call may be forbidden.
void process_exit_by(long number, int status) {
  threads_end();
  process_finish(status);
  for (;; number = SYS_exit_group) RAW1(number, status);
}

void process_exit(int status) { process_exit_by(SYS_exit_group, status); }

// Where there is another fault on the way, it is the end.
void process_die(int signal) {
  static bool dies;
  if (!thread_shares() && !__atomic_exchange_n(&dies, true, __ATOMIC_ACQ_REL)) threads_end(), libc_flush();
  data_finish(2, (uint64_t)signal);
  signals_die(signal);
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

// The vector as the guest has got it. Result and limit are the kernel's (kernel/sys.c: prctl_get_auxv).
static long get_auxiliary(const uint64_t args[6]) {
  size_t given;
  const void *vector = stack_auxiliary(&given);
  long size = raw(SYS_prctl, PR_GET_AUXV, args[1], 0, args[3], args[4], 0);
  if (size < 0) return size;
  static const uint8_t zeroes[1024];
  uint64_t wanted = args[2] < (uint64_t)size ? args[2] : (uint64_t)size, some = wanted < given ? wanted : given;
  return copy_out(args[1], vector, some) && copy_out(args[1] + some, zeroes, wanted - some) ? size : -EFAULT;
}

// A child with memory of its own.
static long fork_as(long number, const struct clone_args *wanted, size_t size) {
  struct clone_args host = *wanted;
  host.flags &= ~(uint64_t)CLONE_SETTLS;
  host.stack = host.stack_size = 0;
  libc_before_fork();
  locks_before_fork();
  uint64_t held = signals_hold(); // the child must not inherit one that waits
  long child = signals_waiting()       ? RESTART
               : number == SYS_clone3 ? RAW2(number, &host, size)
                                      : raw(SYS_clone, host.flags | host.exit_signal, 0, host.parent_tid, host.child_tid, 0, 0);
  locks_after_fork(child == 0);
  libc_after_fork(child == 0);
  signals_release(held);
  if (child != 0) return child;
  if (wanted->stack) emu_state.gpr[RSP] = wanted->stack + wanted->stack_size;
  if (wanted->flags & CLONE_SETTLS) set_fs(wanted->tls);
  id = 0;
  threads_forked();
  data_forked();
  fallback_forked();
  permissions_forked();
  limits_forked();
  return 0;
}

// A fallback translator that is started by the child would be this process's child when that one has ended, or in the child's namespaces.
static void before_child(uint64_t flags) {
  fallback_before_child();
  const uint64_t spaces = CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET;
  if (!fallback_is_prepared() && (flags & spaces || service_orphans_come_here())) fallback_prepare();
}

static long clone_as(long number, const struct clone_args *wanted, size_t size) {
  if (wanted->flags & CLONE_PARENT_SETTID) guest_unwatch(wanted->parent_tid, 4);
  if (wanted->flags & CLONE_CHILD_SETTID) guest_unwatch(wanted->child_tid, 4);
  if (!(wanted->flags & CLONE_THREAD)) before_child(wanted->flags);
  if (!(wanted->flags & CLONE_VM)) return fork_as(number, wanted, size);
  if (!(wanted->flags & CLONE_FILES) && !fallback_shared()) return -EAGAIN;
  const bool was_sealed = sandbox_is_sealed();
  long child = thread_clone(number, wanted, size);
  if (wanted->flags & CLONE_VFORK) sandbox_parted(was_sealed);
  if (!(wanted->flags & CLONE_FILES)) fallback_parted();
  return child;
}

static long clone(const uint64_t args[6]) {
  struct clone_args a = {.flags = (uint32_t)args[0] & ~(uint32_t)CSIGNAL, .exit_signal = args[0] & CSIGNAL, .stack = args[1],
                         .parent_tid = args[2], .child_tid = args[3], .tls = args[4]};
  return clone_as(SYS_clone, &a, 0);
}

// copy_clone_args_from_user in kernel/fork.c. What a later kernel may add behind the structure that is known here is refused by no kernel
// as long as it is zero.
static long clone3(uint64_t at, uint64_t size) {
  struct clone_args a = {0};
  uint8_t more;
  if (size > PAGE) return -E2BIG;
  if (size < CLONE_ARGS_SIZE_VER0) return -EINVAL;
  for (uint64_t i = sizeof a; i < size; i++)
    if (!copy_in(&more, at + i, 1) || more) return -E2BIG;
  if (size > sizeof a) size = sizeof a;
  if (!copy_in(&a, at, size)) return -EFAULT;
  if (!a.stack != !a.stack_size) return -EINVAL;
  return clone_as(SYS_clone3, &a, size);
}

static long prctl(const uint64_t args[6]) {
  if (args[0] == PR_GET_AUXV) return get_auxiliary(args);
  long result = rights_call(SYS_prctl, args);
  if (args[0] == PR_SET_MDWE_NUMBER && !result) permissions_change();
  return result;
}

long process_call(long number, const uint64_t args[6]) {
  switch (number) {
  case SYS_prctl: return prctl(args);
  case SYS_arch_prctl: return arch_prctl((uint32_t)args[0], args[1]);
  case SYS_fork: return clone((const uint64_t[6]){SIGCHLD});
  case SYS_vfork: return clone((const uint64_t[6]){CLONE_VFORK | CLONE_VM | SIGCHLD});
  case SYS_clone: return clone(args);
  case SYS_clone3: return clone3(args[0], args[1]);
  case SYS_execve:
  case SYS_execveat: return exec_call(number, args);
  }
  return -ENOSYS;
}
