// Owns the run-time half of the plugin "syscalls": how long each call takes and what it returns; for the trace also its arguments, the
// paths that it names, and signals.
#define _GNU_SOURCE
#include <emu/probe.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { ENTER = 1, LEAVE, TEXT, SIGNAL, GONE };

// As the pass declares them: SystemCallTrace.Call and SystemCallTrace.Event.
struct call {
  uint32_t kind, number;
  uint64_t result, nanoseconds;
};
struct event {
  uint32_t kind, number;
  uint64_t words[7];
};

static _Thread_local uint64_t began;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int returns(uint64_t number) { return number != SYS_exit && number != SYS_exit_group && number != SYS_rt_sigreturn; }

EMU_PROBE void syscalls_enter(uint64_t stream, uint64_t number) {
  struct call gone = {GONE, (uint32_t)number, 0, 0};
  if (!returns(number)) emu_append(stream, &gone, sizeof gone);
  began = now();
}

EMU_PROBE void syscalls_leave(uint64_t stream, uint64_t number, uint64_t result) {
  struct call call = {LEAVE, (uint32_t)number, result, now() - began};
  emu_append(stream, &call, sizeof call);
}

// Which arguments are paths (man 2): bit n for argument n.
static unsigned paths(uint64_t number) {
  switch (number) {
  case SYS_open:
  case SYS_stat:
  case SYS_lstat:
  case SYS_access:
  case SYS_execve:
  case SYS_truncate:
  case SYS_chdir:
  case SYS_mkdir:
  case SYS_rmdir:
  case SYS_creat:
  case SYS_unlink:
  case SYS_readlink:
  case SYS_chmod:
  case SYS_chown:
  case SYS_lchown:
  case SYS_statfs:
  case SYS_utimes: return 1;
  case SYS_rename:
  case SYS_link:
  case SYS_symlink: return 3;
  case SYS_openat:
  case SYS_openat2:
  case SYS_mkdirat:
  case SYS_mknodat:
  case SYS_fchownat:
  case SYS_newfstatat:
  case SYS_unlinkat:
  case SYS_readlinkat:
  case SYS_fchmodat:
  case SYS_faccessat:
  case SYS_faccessat2:
  case SYS_utimensat:
  case SYS_execveat:
  case SYS_statx: return 2;
  case SYS_symlinkat: return 5;
  case SYS_renameat:
  case SYS_renameat2:
  case SYS_linkat: return 10;
  }
  return 0;
}

// Records of up to 48 bytes of text: word 0 is the argument's number and, in its upper half, how many they are. A bad address has none.
static void append_path(uint64_t stream, uint64_t number, unsigned argument, uint64_t at) {
  enum { PAGE = 4096, PIECE = 48 };
  for (unsigned length = 0; length < PAGE;) {
    struct event text = {TEXT, (uint32_t)number, {argument}};
    size_t size = PAGE - at % PAGE < PIECE ? PAGE - at % PAGE : PIECE;
    struct iovec here = {&text.words[1], size}, there = {(void *)at, size};
    if (process_vm_readv(getpid(), &here, 1, &there, 1, 0) != (ssize_t)size) return;
    size_t found = strnlen((const char *)&text.words[1], size);
    text.words[0] |= (uint64_t)found << 32;
    emu_append(stream, &text, sizeof text);
    if (found < size) return;
    at += size, length += (unsigned)size;
  }
}

EMU_PROBE void syscalls_begin(uint64_t stream, uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
  uint64_t arguments[6] = {a, b, c, d, e, f};
  struct event enter = {ENTER, (uint32_t)number, {a, b, c, d, e, f}};
  emu_append(stream, &enter, sizeof enter);
  for (unsigned n = 0, which = paths(number); which; n++, which >>= 1)
    if (which & 1) append_path(stream, number, n, arguments[n]);
  began = now();
}

EMU_PROBE void syscalls_end(uint64_t stream, uint64_t number, uint64_t result) {
  struct event leave = {LEAVE, (uint32_t)number, {result, now() - began}};
  emu_append(stream, &leave, sizeof leave);
}

EMU_PROBE void syscalls_signal(uint64_t stream, uint64_t number, uint64_t code) {
  struct event event = {SIGNAL, (uint32_t)number, {code}};
  emu_append(stream, &event, sizeof event);
}
