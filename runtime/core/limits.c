// Owns limits that the runner's own memory would exhaust: on address space, of which the kernel is told with that added, and on locked
// memory, where only the guest's is locked.
#include "core.h"
#include "maps.h"
#include "sandbox.h"
#include <errno.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static bool is_capable(int of) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2] = {0};
  return !RAW2(SYS_capget, &header, sets) && sets[of / 32].effective >> of % 32 & 1;
}

// --- Address space ----------------------------------------------------------------------------------------------------------------

static struct rlimit space; // the guest's
static bool space_is_set;   // and not what the kernel says

static struct rlimit kernels_space(void) {
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  RAW4(SYS_prlimit64, 0, RLIMIT_AS, NULL, &limit);
  return limit;
}

static rlim_t sum(rlim_t a, rlim_t b) { return a + b < a ? RLIM_INFINITY : a + b; }

// The hard limit stays where it is, so that the other one can be raised again.
static long set_space(const struct rlimit *wanted) {
  struct rlimit before = space_is_set ? space : kernels_space(), host = kernels_space();
  if (wanted->rlim_cur > wanted->rlim_max) return -EINVAL;
  if (wanted->rlim_max > before.rlim_max && !is_capable(CAP_SYS_RESOURCE)) return -EPERM;
  host.rlim_cur = sum(wanted->rlim_cur, memory_of_runner_size());
  if (host.rlim_max < host.rlim_cur) host.rlim_max = host.rlim_cur;
  long result = RAW4(SYS_prlimit64, 0, RLIMIT_AS, &host, NULL);
  if (result == -EPERM) { // as much as there may be
    host.rlim_cur = host.rlim_max = kernels_space().rlim_max;
    result = RAW4(SYS_prlimit64, 0, RLIMIT_AS, &host, NULL);
  }
  if (!result) space = *wanted, space_is_set = true;
  return result;
}

void limits_make_room(uint64_t bytes) {
  if (!space_is_set) return;
  struct rlimit host = kernels_space();
  host.rlim_cur = sum(host.rlim_cur, bytes) < host.rlim_max ? sum(host.rlim_cur, bytes) : host.rlim_max;
  RAW4(SYS_prlimit64, 0, RLIMIT_AS, &host, NULL);
}

static struct rlimit before_exec;

void limits_before_exec(void) {
  if (!space_is_set) return;
  before_exec = kernels_space();
  RAW4(SYS_prlimit64, 0, RLIMIT_AS, &space, NULL);
}

void limits_after_failed_exec(void) {
  if (space_is_set) RAW4(SYS_prlimit64, 0, RLIMIT_AS, &before_exec, NULL);
}

long limits_space(uint64_t new, uint64_t old) {
  struct rlimit wanted, was = space_is_set ? space : kernels_space();
  if (new && !copy_in(&wanted, new, sizeof wanted)) return -EFAULT;
  long result = new ? set_space(&wanted) : 0;
  return result || !old || copy_out(old, &was, sizeof was) ? result : -EFAULT;
}

// --- Locked memory ----------------------------------------------------------------------------------------------------------------

static bool locks_future;

bool limits_lock_mappings(void) { return locks_future; }

void limits_forked(void) { locks_future = false; }

struct locking {
  uint64_t bytes;
  int flags; // of mlock2; -1: nothing is locked, the bytes are counted
};

static void see(const char *line, void *with) {
  struct mapping m = mapping_of(line);
  struct locking *l = with;
  for (uint64_t at = m.from, to; at < m.to && m.from < 1ull << 47; at = to) {
    to = m.to;
    if (memory_owner(at, &to) == OWNER_RUNNER) continue;
    l->bytes += to - at;
    if (l->flags >= 0) RAW3(SYS_mlock2, at, to - at, l->flags);
  }
}

// mm/mlock.c: mlockall. What cannot be made present is no error.
static long lock_all(uint64_t flags) {
  struct rlimit limit = {0, 0};
  struct locking l = {0, -1};
  if (!flags || flags & ~(uint64_t)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT) return -EINVAL;
  RAW4(SYS_prlimit64, 0, RLIMIT_MEMLOCK, NULL, &limit);
  bool is_free = is_capable(CAP_IPC_LOCK);
  if (!limit.rlim_cur && !is_free) return -EPERM;
  if (flags & MCL_CURRENT) each_line("/proc/thread-self/maps", see, &l);
  if (l.bytes > limit.rlim_cur && !is_free) return -ENOMEM;
  locks_future = flags & MCL_FUTURE;
  l.flags = flags & MCL_ONFAULT ? MLOCK_ONFAULT : 0;
  if (flags & MCL_CURRENT) each_line("/proc/thread-self/maps", see, &l);
  return 0;
}

long limits_call(long number, const uint64_t args[6]) {
  switch (number) {
  case SYS_mlockall: return lock_all(args[0]);
  case SYS_munlockall: locks_future = false; return raw_guest(number, args);
  case SYS_getrlimit: return args[0] == RLIMIT_AS && space_is_set ? limits_space(0, args[1]) : raw_guest(number, args);
  case SYS_setrlimit: return args[0] == RLIMIT_AS ? limits_space(args[1], 0) : raw_guest(number, args);
  }
  bool is_own = !args[0] || args[0] == process_id();
  return is_own && args[1] == RLIMIT_AS && (args[2] || space_is_set) ? limits_space(args[2], args[3]) : raw_guest(number, args);
}
