// Owns what the guest must not see in the file system: that /proc/self/exe is the runner, what else of /proc/self
// shows it (views.c), and the runner's descriptors.
#include "core.h"
#include "codecache.h"
#include <errno.h>
#include <fcntl.h>
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

// /proc/{self,thread-self,PID}[/task/TID]/NAME
bool names_own(const char *path, const char *name) {
  long id;
  if (!skip(&path, "/proc/")) return false;
  if (!skip(&path, "self") && !skip(&path, "thread-self") && ((id = number(&path)) < 0 || RAW3(SYS_tgkill, RAW0(SYS_getpid), id, 0))) return false;
  if (skip(&path, "/task/") && number(&path) < 0) return false;
  return skip(&path, "/") && strcmp(path, name) == 0;
}

void descriptor_path(int file, char path[PATH_LENGTH]) {
  char *end = path + strlen(strcpy(path, "/proc/thread-self/fd/"));
  for (int unit = 1000000000, n = file; unit; n %= unit, unit /= 10)
    if (file >= unit || unit == 1) *end++ = (char)('0' + n / unit);
  *end = 0;
}

bool path_of(int file, char path[PATH_LENGTH]) {
  char name[PATH_LENGTH];
  descriptor_path(file, name);
  long length = RAW3(SYS_readlink, name, path, PATH_LENGTH - 1);
  if (length > 0) path[length] = 0;
  return length > 0;
}

bool read_path(uint64_t from, char path[PATH_LENGTH]) {
  enum { PIECE = 64 };
  for (size_t at = 0, size; at < PATH_LENGTH; at += size) {
    size = PIECE - (from + at) % PIECE; // never over the end of a page
    if (size > PATH_LENGTH - at) size = PATH_LENGTH - at;
    if (!copy_in(path + at, from + at, size)) return false;
    if (memchr(path + at, 0, size)) return true;
  }
  return false;
}

static bool is_own_exe(uint64_t path) {
  char text[PATH_LENGTH];
  return read_path(path, text) && names_own(text, "exe");
}

static uint64_t guest_path(uint64_t path) { return is_own_exe(path) ? (uint64_t)emu_image_name : path; }

// Where the link itself is meant, it is one.
static uint64_t guest_path_at(uint64_t path, uint64_t flags) { return flags & AT_SYMLINK_NOFOLLOW ? path : guest_path(path); }

static long open_call(long call, const uint64_t args[6], uint64_t path, uint64_t flags) {
  char text[PATH_LENGTH];
  bool is_read = read_path(path, text);
  uint64_t host[6] = {args[0], args[1], args[2], args[3]};
  if (is_read && !(flags & O_NOFOLLOW) && names_own(text, "exe")) host[call == SYS_openat || call == SYS_openat2] = (uint64_t)emu_image_name;
  long file = raw_guest(call, host);
  if (file >= 0) writers_opened((int)file, flags);
  return file >= 0 && is_read && view_is_named(text) ? view_opened(file, flags) : file;
}

static long read_guest_link(uint64_t to, uint64_t size) {
  size_t length = strlen(emu_image_name);
  if ((int)size <= 0) return -EINVAL;
  if (length > size) length = size;
  return copy_out(to, emu_image_name, length) ? (long)length : -EFAULT;
}

long files_call(long call, const uint64_t args[6]) {
  uint64_t flags, a = args[0], b = args[1], c = args[2], d = args[3], e = args[4];
  switch (call) {
  case SYS_open: return open_call(call, args, a, b);
  case SYS_creat: return open_call(call, args, a, O_CREAT | O_WRONLY | O_TRUNC);
  case SYS_openat: return open_call(call, args, b, c);
  case SYS_openat2: return open_call(call, args, b, copy_in(&flags, c, sizeof flags) ? flags : O_PATH); // struct open_how begins with them
  case SYS_stat:
  case SYS_access: return RAW3(call, guest_path(a), b, c);
  case SYS_faccessat: return RAW3(call, a, guest_path(b), c);
  case SYS_newfstatat:
  case SYS_faccessat2: return RAW4(call, a, guest_path_at(b, d), c, d);
  case SYS_statx: return raw(call, a, guest_path_at(b, c), c, d, e, 0);
  case SYS_readlink: return is_own_exe(a) ? read_guest_link(b, c) : RAW3(call, a, b, c);
  case SYS_readlinkat: return is_own_exe(b) ? read_guest_link(c, d) : RAW4(call, a, b, c, d);
  case SYS_close: return descriptor_is_own((int)a) ? -EBADF : RAW1(call, a);
  case SYS_close_range: return descriptor_close_range((unsigned)a, (unsigned)b, c);
  case SYS_dup2:
  case SYS_dup3: return descriptor_is_own((int)a) || descriptor_is_own((int)b) ? -EBADF : RAW3(call, a, b, c);
  }
  return -ENOSYS;
}
