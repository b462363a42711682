// Owns clock reads: through the host libc's vDSO, which the guest was not shown.
#include "core.h"
#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static long out(uint64_t to, const void *value, size_t size) { return !to || copy_out(to, value, size) ? 0 : -EFAULT; }

long clock_call(long number, const uint64_t args[6]) {
  struct timespec spec;
  struct timeval value;
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
