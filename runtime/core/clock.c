// Owns clock reads: through the host libc's vDSO, which the guest was not shown, unless the guest has forbidden itself what that does
// (rdtsc).
#include "core.h"
#include "sandbox.h"
#include <errno.h>
#include <linux/prctl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static long out(uint64_t to, const void *value, size_t size) { return !to || copy_out(to, value, size) ? 0 : -EFAULT; }

static bool no_counter, no_call; // rdtsc is a fault; the call is forbidden, which the vDSO makes where it has no other source

// Of this process, and so of all its threads: one alone may have forbidden it.
long clock_forbid(const uint64_t args[6]) {
  long result = raw_guest(SYS_prctl, args);
  if (!result) no_counter |= args[1] == PR_TSC_SIGSEGV;
  return result;
}

void clock_seal(bool is_forbidden) { no_call = is_forbidden; }

uint64_t clock_read(int which) {
  struct timespec t = {0};
  if (no_call) return 0;
  if (no_counter)
    RAW2(SYS_clock_gettime, which, &t);
  else
    clock_gettime(which, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_now(void) { return clock_read(CLOCK_MONOTONIC); }

long clock_call(long number, const uint64_t args[6]) {
  struct timespec spec;
  struct timeval value;
  if (no_counter) return raw_guest(number, args);
  switch (number) {
  case SYS_clock_gettime:
    if (clock_gettime((clockid_t)args[0], &spec)) return -errno;
    return copy_out(args[1], &spec, sizeof spec) ? 0 : -EFAULT;
  case SYS_clock_getres:
    if (clock_getres((clockid_t)args[0], &spec)) return -errno;
    return out(args[1], &spec, sizeof spec);
  case SYS_gettimeofday:
    if (args[1]) return RAW2(number, args[0], args[1]); // the time zone: nobody asks
    gettimeofday(&value, NULL);
    return out(args[0], &value, sizeof value);
  case SYS_time: {
    time_t now = time(NULL);
    return out(args[0], &now, sizeof now) ? -EFAULT : now;
  }
  }
  return -ENOSYS;
}
