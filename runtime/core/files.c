// Owns what the guest must not see in the file system: that /proc/self/exe is the runner, and the data file's descriptor.
#include "core.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// Skips a decimal number; -1: none.
static long number(const char **at) {
  long value = 0;
  if (**at < '0' || **at > '9') return -1;
  while (**at >= '0' && **at <= '9' && value < 1 << 30) value = value * 10 + *(*at)++ - '0';
  return value;
}

static bool skip(const char **at, const char *prefix) {
  size_t length = strlen(prefix);
  if (strncmp(*at, prefix, length) != 0) return false;
  *at += length;
  return true;
}

// /proc/{self,thread-self,PID}[/task/TID]/exe
static bool names_own_exe(const char *path) {
  if (!skip(&path, "/proc/")) return false;
  if (!skip(&path, "self") && !skip(&path, "thread-self") && number(&path) != RAW0(SYS_getpid)) return false;
  if (skip(&path, "/task/") && number(&path) < 0) return false;
  return strcmp(path, "/exe") == 0;
}

static bool is_own_exe(uint64_t path) {
  char text[64] = {0};
  if (!copy_in(text, path, 6) || memcmp(text, "/proc/", 6) != 0) return false;
  for (size_t i = 6; i < sizeof text - 1; i++)
    if (!copy_in(text + i, path + i, 1) || !text[i]) return names_own_exe(text);
  return false;
}

static uint64_t guest_path(uint64_t path) { return is_own_exe(path) ? (uint64_t)emu_image_name : path; }

static long read_guest_link(uint64_t to, uint64_t size) {
  size_t length = strlen(emu_image_name);
  if ((int)size <= 0) return -EINVAL;
  if (length > size) length = size;
  return copy_out(to, emu_image_name, length) ? (long)length : -EFAULT;
}

// Our descriptors look closed, and stay open.
static long close_some(unsigned from, unsigned to, uint64_t flags) {
  int first, last;
  data_fds(&first, &last);
  if (first > last || flags & CLOSE_RANGE_CLOEXEC || to < (unsigned)first || from > (unsigned)last)
    return RAW3(SYS_close_range, from, to, flags);
  long result = from < (unsigned)first ? RAW3(SYS_close_range, from, first - 1, flags) : 0;
  return result || to <= (unsigned)last ? result : RAW3(SYS_close_range, last + 1, to, flags);
}

long files_call(long call, const uint64_t args[6]) {
  uint64_t a = args[0], b = args[1], c = args[2], d = args[3], e = args[4];
  switch (call) {
  case SYS_open: return raw_guest(call, (const uint64_t[6]){guest_path(a), b, c});
  case SYS_openat: return raw_guest(call, (const uint64_t[6]){a, guest_path(b), c, d});
  case SYS_stat:
  case SYS_access: return RAW3(call, guest_path(a), b, c);
  case SYS_newfstatat:
  case SYS_faccessat:
  case SYS_faccessat2: return RAW4(call, a, guest_path(b), c, d);
  case SYS_statx: return raw(call, a, guest_path(b), c, d, e, 0);
  case SYS_readlink: return is_own_exe(a) ? read_guest_link(b, c) : RAW3(call, a, b, c);
  case SYS_readlinkat: return is_own_exe(b) ? read_guest_link(c, d) : RAW4(call, a, b, c, d);
  case SYS_close: return data_owns((int)a) ? -EBADF : RAW1(call, a);
  case SYS_close_range: return close_some((unsigned)a, (unsigned)b, c);
  case SYS_dup2:
  case SYS_dup3: return data_owns((int)a) || data_owns((int)b) ? -EBADF : RAW3(call, a, b, c);
  }
  return -ENOSYS;
}
