// Owns the ways besides stores in which the guest's code changes: what system calls write to a file that it is mapped from, to /proc/self/mem, and to
// this process by its number; and what the kernel writes at a time of its own (io_uring, aio).
#include "core.h"
#include "codecache.h"
#include "sandbox.h"
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum { MOST_FILES = 1 << 16 };

// Mappings of files that code may come from: executable ones, and those of a descriptor that may write.
static struct mapped {
  uint64_t from, to, device, inode;
} files[MOST_FILES];
static size_t count;
static bool may_write; // somebody has a descriptor for one of them, or for this process's memory, with which that can be done

static void add(struct mapped file) {
  if (count == MOST_FILES) fail("the guest has more than %u mappings of files that code may come from", (uint64_t)MOST_FILES);
  files[count++] = file;
}

void writers_unmapped(uint64_t from, uint64_t size) {
  uint64_t to = page_up(from + size);
  for (size_t i = 0; i < count; i++) {
    struct mapped *m = &files[i], rest = *m;
    if (m->to <= from || m->from >= to) continue;
    rest.from = to, m->to = from;
    if (rest.from < rest.to && m->from < m->to) add(rest);
    else if (rest.from < rest.to) *m = rest;
    else if (m->from >= m->to) *m-- = files[--count], i--;
  }
}

void writers_mapped(uint64_t at, const uint64_t args[6]) {
  struct stat is;
  writers_unmapped(at, args[1]);
  if (args[3] & MAP_ANONYMOUS || !sandbox_may(NEED_FILES)) return; // later mappings are not believed to be private then
  bool writes = (RAW2(SYS_fcntl, args[4], F_GETFL) & O_ACCMODE) != O_RDONLY;
  if ((!writes && !(args[2] & PROT_EXEC)) || RAW2(SYS_fstat, args[4], &is)) return;
  add((struct mapped){at, page_up(at + args[1]), is.st_dev, is.st_ino});
  may_write |= writes && args[2] & PROT_EXEC;
}

void writers_protected(uint64_t from, uint64_t size, uint64_t protection) {
  for (size_t i = 0; protection & PROT_EXEC && i < count && !may_write; i++) may_write = files[i].from < from + size && files[i].to > from;
}

void writers_moved(uint64_t from, uint64_t to, uint64_t size) {
  for (size_t i = 0; i < count; i++)
    if (from >= files[i].from && from < files[i].to) return add((struct mapped){to, page_up(to + size), files[i].device, files[i].inode});
}

bool writers_may_change(uint64_t address) {
  for (size_t i = 0; may_write && i < count; i++)
    if (address >= files[i].from && address < files[i].to) return true;
  return false;
}

static bool is_of(const struct mapped *m, const struct stat *file) { return m->device == file->st_dev && m->inode == file->st_ino; }

static bool is_code(const struct stat *file) {
  size_t i = 0;
  lock(LOCK_MEMORY);
  while (i < count && !is_of(&files[i], file)) i++;
  bool found = i < count;
  unlock(LOCK_MEMORY);
  return found;
}

static bool is_memory(int file, const struct stat *is) {
  static struct stat proc;
  char path[PATH_LENGTH];
  if (!proc.st_ino) RAW2(SYS_stat, "/proc", &proc);
  return is->st_dev == proc.st_dev && path_of(file, path) && names_own(path, "mem");
}

static void file_changed(const struct stat *file) {
  lock(LOCK_MEMORY);
  for (size_t i = 0; i < count; i++)
    if (is_of(&files[i], file)) memory_changed_held(files[i].from, files[i].to - files[i].from);
  unlock(LOCK_MEMORY);
}

void writers_opened(int file, uint64_t flags) {
  struct stat is;
  if (((flags & O_ACCMODE) == O_RDONLY && !(flags & O_TRUNC)) || !sandbox_may(NEED_FILES)) return;
  if (RAW2(SYS_fstat, file, &is) || !S_ISREG(is.st_mode) || (!is_code(&is) && !is_memory(file, &is))) return;
  may_write = true;
  if (flags & O_TRUNC) file_changed(&is);
}

// Pages that are watched are not written to, if they are shared.
static long write_memory(long number, const uint64_t args[6]) {
  bool has_place = number == SYS_pwrite64 || number == SYS_pwritev || (number == SYS_pwritev2 && args[3] != ~0ull);
  uint64_t from = has_place ? args[3] : (uint64_t)RAW3(SYS_lseek, args[0], 0, SEEK_CUR);
  guest_unwatch(0, ~0ull);
  long result = raw_guest(number, args);
  if (result > 0) memory_changed(from, (uint64_t)result);
  return result;
}

static long write_file(long number, const uint64_t args[6], int file) {
  struct stat is;
  if (!may_write || !sandbox_may(NEED_FILES) || RAW2(SYS_fstat, file, &is) || !S_ISREG(is.st_mode)) return raw_guest(number, args);
  if (is_memory(file, &is)) return write_memory(number, args);
  long result = raw_guest(number, args);
  file_changed(&is);
  return result;
}

static long truncate_path(const uint64_t args[6]) {
  struct stat is;
  bool is_there = !RAW2(SYS_stat, args[0], &is);
  long result = raw_guest(SYS_truncate, args);
  if (!result && is_there) file_changed(&is);
  return result;
}

static long write_process(const uint64_t args[6]) {
  struct iovec to;
  if (RAW3(SYS_tgkill, RAW0(SYS_getpid), args[0], 0)) return raw_guest(SYS_process_vm_writev, args);
  guest_unwatch(0, ~0ull);
  long result = raw_guest(SYS_process_vm_writev, args);
  for (uint64_t i = 0; result > 0 && i < args[4] && copy_in(&to, args[3] + i * sizeof to, sizeof to); i++) memory_changed((uint64_t)to.iov_base, to.iov_len);
  return result;
}

long writers_call(long number, const uint64_t args[6]) {
  long result;
  switch (number) {
  case SYS_ioctl:
    if (args[1] != FICLONE && args[1] != FICLONERANGE) return raw_guest(number, args);
    return write_file(number, args, (int)args[0]);
  case SYS_copy_file_range:
  case SYS_splice: return write_file(number, args, (int)args[2]);
  case SYS_truncate: return truncate_path(args);
  case SYS_process_vm_writev: return write_process(args);
  case SYS_io_setup:
  case SYS_io_uring_setup:
    result = raw_guest(number, args);
    if (result >= 0) guest_written_unseen();
    return result;
  }
  return write_file(number, args, (int)args[0]);
}

// --- What the kernel gives only once is written to memory that is not watched --------------------------------------------------------------

// Bytes, times an argument: -1 for none.
static const struct output {
  short number, at, size, times;
} outputs[] = {
    {SYS_read, 1, 1, 2},           {SYS_pread64, 1, 1, 2},        {SYS_recvfrom, 1, 1, 2},   {SYS_recvfrom, 4, 128, -1},     {SYS_recvfrom, 5, 4, -1},
    {SYS_wait4, 1, 4, -1},         {SYS_wait4, 3, 144, -1},       {SYS_waitid, 2, 128, -1},  {SYS_waitid, 4, 144, -1},       {SYS_accept, 1, 128, -1},
    {SYS_accept, 2, 4, -1},        {SYS_accept4, 1, 128, -1},     {SYS_accept4, 2, 4, -1},   {SYS_rt_sigtimedwait, 1, 128, -1}, {SYS_msgrcv, 1, 1, 2},
    {SYS_msgrcv, 1, 8, -1},        {SYS_mq_timedreceive, 1, 1, 2}, {SYS_getdents, 1, 1, 2},   {SYS_getdents64, 1, 1, 2},      {SYS_pipe, 0, 8, -1},
    {SYS_pipe2, 0, 8, -1},         {SYS_socketpair, 3, 8, -1},    {SYS_epoll_wait, 1, 12, 2}, {SYS_epoll_pwait, 1, 12, 2},    {SYS_epoll_pwait2, 1, 12, 2},
    {SYS_getrandom, 0, 1, 1},
};

static void vectors_written(uint64_t at, uint64_t vectors) {
  struct iovec to;
  for (uint64_t i = 0; i < vectors && i < IOV_MAX && copy_in(&to, at + i * sizeof to, sizeof to); i++) guest_unwatch((uint64_t)to.iov_base, to.iov_len);
}

static void message_written(uint64_t at) {
  struct msghdr message;
  guest_unwatch(at, sizeof(struct mmsghdr));
  if (!copy_in(&message, at, sizeof message)) return;
  vectors_written((uint64_t)message.msg_iov, (uint64_t)message.msg_iovlen);
  guest_unwatch((uint64_t)message.msg_name, message.msg_namelen);
  guest_unwatch((uint64_t)message.msg_control, message.msg_controllen);
}

void writers_before(long number, const uint64_t args[6]) {
  for (const struct output *o = outputs; o < outputs + sizeof outputs / sizeof *outputs; o++)
    if (o->number == number) guest_unwatch(args[o->at], (uint64_t)o->size * (o->times < 0 ? 1 : args[o->times]));
  if (number == SYS_readv || number == SYS_preadv || number == SYS_preadv2 || number == SYS_process_vm_readv || number == SYS_vmsplice) vectors_written(args[1], args[2]);
  if (number == SYS_recvmsg) message_written(args[1]);
  for (uint64_t i = 0; number == SYS_recvmmsg && i < args[2] && i < IOV_MAX; i++) message_written(args[1] + i * sizeof(struct mmsghdr));
}
