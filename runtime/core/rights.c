// Owns what is done before the guest gives up rights that the runner may still need: the fallback translator is started, as its program may
// be out of reach later, and a process for it not to be had.
#include "core.h"
#include "codecache.h"
#include "maps.h"
#include "sandbox.h"
#include <linux/prctl.h>
#include <linux/sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

// Limits below which it could not be started, or its memory not be made.
static bool lowers(int resource, uint64_t limit) {
  struct rlimit new;
  if (!copy_in(&new, limit, sizeof new)) return false;
  switch (resource) {
  case RLIMIT_NPROC:
  case RLIMIT_FSIZE:
  case RLIMIT_AS:
  case RLIMIT_DATA:
  case RLIMIT_MEMLOCK:
  case RLIMIT_CPU: return new.rlim_cur != RLIM_INFINITY;
  case RLIMIT_NOFILE: return new.rlim_cur < 1024;
  }
  return false;
}

static bool gives_up(long number, const uint64_t args[6]) {
  switch (number) {
  case SYS_setrlimit: return lowers((int)args[0], args[1]);
  case SYS_prlimit64: return args[2] && (!args[0] || args[0] == process_id()) && lowers((int)args[1], args[2]);
  case SYS_prctl: return (args[0] == PR_SET_CHILD_SUBREAPER && args[1]) || args[0] == PR_SET_TSC;
  }
  return true;
}

// The service's program, /proc and the runner's own file.
static void prepare(void) {
  fallback_prepare();
  maps_keep_reach();
  locate_prepare();
}

long rights_call(long number, const uint64_t args[6]) {
  bool is_seccomp = number == SYS_seccomp || (number == SYS_prctl && args[0] == PR_SET_SECCOMP);
  if (is_seccomp || gives_up(number, args)) prepare();
  if (is_seccomp) return sandbox_call(number, args);
  if (number == SYS_setrlimit || number == SYS_prlimit64) return limits_call(number, args);
  return number == SYS_prctl && args[0] == PR_SET_TSC ? clock_forbid(args) : raw_guest(number, args);
}
