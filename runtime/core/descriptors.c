// Owns the runner's own descriptors: high ones, so that the guest's stay the lowest free ones, and closed as far as the guest can tell.
#include "core.h"
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST = 16, LOWEST = 900 };

static int own[MOST]; // 0: none; a file of the guest's may lie between them

bool descriptor_is_own(int fd) {
  for (int i = 0; i < MOST; i++)
    if (own[i] == fd && fd) return true;
  return false;
}

static void add(int fd) {
  int i = 0;
  while (i < MOST && own[i]) i++;
  if (i == MOST) fail("more than %u descriptors are the runner's own", (uint64_t)MOST);
  own[i] = fd;
}

int descriptor_own(int fd) {
  int high = fcntl(fd, F_DUPFD_CLOEXEC, LOWEST);
  struct rlimit limit;
  if (high < 0 && !getrlimit(RLIMIT_NOFILE, &limit)) {
    int from = (int)limit.rlim_cur - MOST;
    high = fcntl(fd, F_DUPFD_CLOEXEC, from > 3 ? from : 3);
  }
  if (high < 0) return fd;
  close(fd);
  add(high);
  return high;
}

void descriptor_close_own(int fd) {
  for (int i = 0; i < MOST; i++)
    if (own[i] == fd) own[i] = 0;
  RAW1(SYS_close, fd);
}

// The lowest one there; -1: none.
static int lowest(unsigned from, unsigned to) {
  int found = -1;
  for (int i = 0; i < MOST; i++)
    if (own[i] && (unsigned)own[i] >= from && (unsigned)own[i] <= to && (found < 0 || own[i] < found)) found = own[i];
  return found;
}

long descriptor_close_range(unsigned from, unsigned to, uint64_t flags) {
  int ours;
  long result = 0;
  if (flags & CLOSE_RANGE_CLOEXEC) return RAW3(SYS_close_range, from, to, flags); // they are already
  for (; !result && (ours = lowest(from, to)) >= 0; from = (unsigned)ours + 1) {
    if ((unsigned)ours > from) result = RAW3(SYS_close_range, from, ours - 1, flags);
    if ((unsigned)ours == to) return result;
  }
  return result ? result : RAW3(SYS_close_range, from, to, flags);
}
