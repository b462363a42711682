// Owns the guest's `syscall`: same numbers, same arguments, same kernel; only what touches maps, signals, processes, TLS and
// /proc/self goes through the core (arch/x86/entry/entry_64.S for the register conventions).
#include "core.h"
#include "codecache.h"
#include "sandbox.h"
#include <errno.h>
#include <sys/syscall.h>

// What a filter of the guest's does not allow is not done in another way, either: the kernel does what the filter says.
static long perform(long number, const uint64_t args[6]) {
  if (!sandbox_allows(number, args)) return raw_guest(number, args);
  switch (number) {
  case SYS_clock_gettime:
  case SYS_clock_getres:
  case SYS_gettimeofday:
  case SYS_time: return clock_call(number, args);

  case SYS_brk: return memory_brk(args[0]);
  case SYS_mmap: return memory_mmap(args);
  case SYS_shmat: return memory_shmat(args);
  case SYS_munmap: return memory_munmap(args[0], args[1]);
  case SYS_mprotect:
  case SYS_pkey_mprotect: return memory_mprotect(number, args);
  case SYS_mremap: return memory_mremap(args);
  case SYS_madvise: return memory_madvise(args);
  case SYS_personality: return permissions_personality(args[0]);
  case SYS_shmdt: return memory_shmdt(args[0]);
  case SYS_remap_file_pages: return memory_remap_file(args);

  case SYS_write:
  case SYS_pwrite64:
  case SYS_writev:
  case SYS_pwritev:
  case SYS_pwritev2:
  case SYS_sendfile:
  case SYS_splice:
  case SYS_copy_file_range:
  case SYS_ftruncate:
  case SYS_truncate:
  case SYS_fallocate:
  case SYS_ioctl:
  case SYS_process_vm_writev:
  case SYS_io_setup:
  case SYS_io_uring_setup: return writers_call(number, args);

  case SYS_open:
  case SYS_creat:
  case SYS_openat:
  case SYS_openat2:
  case SYS_stat:
  case SYS_newfstatat:
  case SYS_statx:
  case SYS_access:
  case SYS_faccessat:
  case SYS_faccessat2:
  case SYS_readlink:
  case SYS_readlinkat:
  case SYS_close:
  case SYS_close_range:
  case SYS_dup2:
  case SYS_dup3: return files_call(number, args);

  case SYS_rt_sigaction:
  case SYS_rt_sigprocmask:
  case SYS_rt_sigtimedwait:
  case SYS_sigaltstack: return signals_call(number, args);

  case SYS_rt_sigsuspend:
  case SYS_ppoll:
  case SYS_pselect6:
  case SYS_epoll_pwait:
  case SYS_epoll_pwait2: return signals_wait(number, args);

  case SYS_set_tid_address: return thread_clears(args[0]);

  case SYS_mlockall:
  case SYS_munlockall:
  case SYS_getrlimit: return limits_call(number, args);

  case SYS_seccomp:
  case SYS_setrlimit:
  case SYS_prlimit64:
  case SYS_setuid:
  case SYS_setgid:
  case SYS_setreuid:
  case SYS_setregid:
  case SYS_setresuid:
  case SYS_setresgid:
  case SYS_setgroups:
  case SYS_capset:
  case SYS_chroot:
  case SYS_pivot_root:
  case SYS_unshare:
  case SYS_setns:
  case SYS_landlock_restrict_self: return rights_call(number, args);

  case SYS_exit: thread_exit((int)args[0]);
  case SYS_exit_group: process_exit((int)args[0]);
  case SYS_fork:
  case SYS_vfork:
  case SYS_clone:
  case SYS_clone3:
  case SYS_execve:
  case SYS_execveat:
  case SYS_prctl:
  case SYS_arch_prctl: return process_call(number, args);

  case SYS_rseq: return -ENOSYS; // registered by the host's libc; callers live without it
  }
  return raw_guest(number, args);
}

// Stores of the kernel into pages that are watched for stores fail, or must be seen.
long system_call(long number, const uint64_t args[6]) {
  if (guest_watches()) writers_before(number, args);
  for (;;) {
    uint64_t emptied = fallback_emptied();
    long result = perform(number, args);
    if (result != -EFAULT || (!guest_unwatch(0, ~0ull) && emptied == fallback_emptied())) return result;
  }
}

// One that a signal came before is begun again after the handler, from the registers that it left (handle_signal in
// arch/x86/kernel/signal.c: ERESTARTSYS). Whether the call is done: else the guest is somewhere else. Ends here: the thread looks whether it must
// leave its host frames before it goes on in them.
static bool call_kernel(bool ends_here) {
  struct emu_state *s = &emu_state;
  const uint64_t next = s->rip, instruction = next - 2;
  for (;;) {
    if ((int)s->gpr[RAX] == SYS_rt_sigreturn && deliver_return()) return false;
    const uint64_t args[6] = {s->gpr[RDI], s->gpr[RSI], s->gpr[RDX], s->gpr[R10], s->gpr[R8], s->gpr[R9]};
    s->gpr[RCX] = next;
    s->gpr[R11] = rflags(s);
    const uint64_t number = (uint32_t)s->gpr[RAX];
    dispatch_in_kernel(ends_here);
    long result = signals_waiting() ? RESTART : system_call((int)number, args); // the number is eax, sign-extended
    dispatch_in_kernel(false);
    if (result != RESTART) {
      s->gpr[RAX] = (uint64_t)result;
      s->event[0] = number;
      return true;
    }
    s->rip = instruction;
    emu_safepoint();
    if (s->rip != instruction) return false;
    s->rip = next;
  }
}

void emu_syscall_watched(void) { call_kernel(false); }

void emu_deliver(void) { emu_safepoint(); }

void emu_syscall(void) {
  if (call_kernel(true)) emu_deliver();
}
