// Plays the guest: makes its system calls through emu_syscall and says what it sees. argv[1] names the act.
#include "../../runtime/core/core.h"
#include <asm/prctl.h>
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <stdlib.h>

#define S emu_state

static long sys(long n, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
  S.gpr[RAX] = (uint64_t)n, S.gpr[RDI] = a, S.gpr[RSI] = b, S.gpr[RDX] = c, S.gpr[R10] = d, S.gpr[R8] = e, S.gpr[R9] = f;
  uint64_t rip = S.rip = 0x401234;
  S.cf = 1;
  emu_syscall();
  if (S.gpr[RCX] != rip || S.gpr[R11] != 0x203) say("BAD rcx or r11 after a system call");
  return (long)S.gpr[RAX];
}
#define C(n, a, b, c, d, e, f) sys(n, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e), (uint64_t)(f))

static void print(const char *text) { C(SYS_write, 1, text, strlen(text), 0, 0, 0); }
static void number(const char *name, long value) {
  char text[100], *at = text + sizeof text;
  *--at = 0, *--at = '\n';
  unsigned long v = value < 0 ? -(unsigned long)value : (unsigned long)value;
  do *--at = "0123456789abcdef"[v & 15];
  while (v >>= 4);
  if (value < 0) *--at = '-';
  *--at = ' ';
  print(name);
  print(at);
}

extern void fault_here(void), divide_here(void), deep_here(void);
extern uint64_t counters[] __attribute__((weak));
static uint64_t *sp;
static char **argv, **envp;
static Elf64_auxv_t *auxv;

static void act_stack(void) {
  number("aligned", (long)sp & 15);
  number("argc", (long)sp[0]);
  for (char **a = argv; *a; a++) print(*a), print("\n");
  for (char **e = envp; *e; e++) print(*e), print("\n");
  for (Elf64_auxv_t *a = auxv; a->a_type; a++) {
    number("auxv", (long)a->a_type);
    if (a->a_type != AT_RANDOM && a->a_type != AT_PLATFORM && a->a_type != AT_EXECFN) number("  ", (long)a->a_un.a_val);
    else if (a->a_type != AT_RANDOM) print((char *)a->a_un.a_val), print("\n");
  }
}

static void act_count(void) {
  long n = 0;
  unsigned long bytes = 0;
  while (argv[n]) bytes += strlen(argv[n++]) + 1;
  number("argc", n);
  number("bytes", (long)bytes);
}

static void act_image(void) {
  C(SYS_write, 1, 0x402000, 10, 0, 0, 0);
  long sum = 0;
  for (int i = 10; i < 100000; i++) sum += ((char *)0x402000)[i];
  number("\nbss", sum);
  ((char *)0x402000)[90000] = 1;
}

static void act_memory(void) {
  long start = C(SYS_brk, 0, 0, 0, 0, 0, 0);
  number("brk", start);
  number("grow", C(SYS_brk, start + 100000, 0, 0, 0, 0, 0) - start);
  memset((void *)start, 1, 100000);
  number("shrink", C(SYS_brk, start + 10, 0, 0, 0, 0, 0) - start);
  number("regrow", C(SYS_brk, start + 100000, 0, 0, 0, 0, 0) - start);
  number("zero", ((char *)start)[50000]);
  number("below", C(SYS_brk, 1, 0, 0, 0, 0, 0) - start);
  number("far", C(SYS_brk, 0x60000000, 0, 0, 0, 0, 0) - start);
  number("past far", C(SYS_brk, 0x60000001, 0, 0, 0, 0, 0) - start);
  long at = C(SYS_mmap, 0, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *(char *)at = 1;
  number("mprotect", C(SYS_mprotect, at, 4096, PROT_EXEC, 0, 0, 0));
  number("readable", *(char *)at);
  number("munmap", C(SYS_munmap, at, 8192, 0, 0, 0, 0));
  long p = PROT_READ | PROT_WRITE, fl = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  number("over runner", C(SYS_mmap, 0x60000000, 4096, p, fl, -1, 0));
  number("over host stack", C(SYS_mmap, page_down((uint64_t)__builtin_frame_address(0)), 4096, p, fl, -1, 0));
  number("over tls", C(SYS_mmap, page_down((uint64_t)&S), 4096, p, fl, -1, 0));
  number("unmap all low", C(SYS_munmap, 0x50000000, 0x20000000, 0, 0, 0, 0));
  number("mprotect runner", C(SYS_mprotect, 0x60000000, 4096, 0, 0, 0, 0));
  number("misaligned", C(SYS_munmap, 0x60000001, 4096, 0, 0, 0, 0));
}

static void act_files(void) {
  char text[100] = {0};
  number("readlink", C(SYS_readlink, "/proc/self/exe", text, 99, 0, 0, 0));
  print(text);
  number("\nshort", C(SYS_readlinkat, AT_FDCWD, "/proc/thread-self/exe", text, 3, 0, 0));
  number("bad", C(SYS_readlink, "/proc/self/exe", 16, 99, 0, 0, 0));
  number("zero", C(SYS_readlink, "/proc/self/exe", text, 0, 0, 0, 0));
  number("bad path", C(SYS_readlink, 16, text, 99, 0, 0, 0));
  number("fault", C(SYS_write, 1, 16, 4, 0, 0, 0));
  number("clock fault", C(SYS_clock_gettime, 0, 16, 0, 0, 0, 0));
  number("clock invalid", C(SYS_clock_gettime, 99, text, 0, 0, 0, 0));
  number("clock", C(SYS_clock_gettime, 1, text, 0, 0, 0, 0));
  number("time", C(SYS_time, 16, 0, 0, 0, 0, 0));
  number("nothing", C(4000, 0, 0, 0, 0, 0, 0));
  long fd = C(SYS_open, "/proc/self/exe", O_RDONLY, 0, 0, 0, 0);
  number("fd", fd);
  number("close", C(SYS_close, fd, 0, 0, 0, 0, 0));
  number("close_range", C(SYS_close_range, 3, ~0u, 0, 0, 0, 0));
}

static void act_tls(void) {
  uint64_t value = 0, here[2] = {42, 43};
  number("set", C(SYS_arch_prctl, ARCH_SET_FS, here, 0, 0, 0, 0));
  number("get", C(SYS_arch_prctl, ARCH_GET_FS, &value, 0, 0, 0, 0) + (value != (uint64_t)here));
  uint64_t seen;
  __asm__("mov %%gs:8, %0" : "=r"(seen));
  number("through gs", (long)seen);
  number("high", C(SYS_arch_prctl, ARCH_SET_FS, ~0ull, 0, 0, 0, 0));
  number("cet", C(SYS_arch_prctl, 0x3001, &value, 0, 0, 0, 0));
  S.gpr[RAX] = 1, S.gpr[RCX] = 0;
  emu_helper_cpuid();
  number("cpuid 1 ecx", (long)(S.gpr[RCX] & 0x7fffffff));
  static _Alignas(16) uint8_t area[512];
  struct emu_state before = S;
  S.ftop = before.ftop = 3, S.st[4].bytes[9] = before.st[4].bytes[9] = 7, S.ymm[15][15] = before.ymm[15][15] = 9;
  emu_helper_fxsave((uint64_t)area);
  S.ftop = 0, S.st[4].bytes[9] = 1, S.ymm[15][15] = 2, S.fcw = 0;
  emu_helper_fxrstor((uint64_t)area);
  number("fxrstor", memcmp(&before, &S, sizeof S) || area[32 + 16 + 9] != 7);
}

static void act_fork(void) {
  int status = 0;
  long child = C(SYS_vfork, 0, 0, 0, 0, 0, 0);
  if (!child) {
    print("child\n");
    C(SYS_exit_group, 7, 0, 0, 0, 0, 0);
  }
  C(SYS_wait4, child, &status, 0, 0, 0, 0);
  number("status", status);
  char *args[] = {"echo", "executed", NULL};
  number("no exec", C(SYS_execve, "/nowhere", args, envp, 0, 0, 0));
  C(SYS_execve, "/bin/echo", args, envp, 0, 0, 0);
}

static void append(uint64_t value) {
  struct emu_stream *s = &S.stream[0];
  if ((uint64_t)s->at + 16 > (uint64_t)s->end) emu_stream_full(0);
  ((uint64_t *)s->at)[0] = value;
  ((uint64_t *)s->at)[1] = ~value;
  s->at += 16;
}

static void act_data(void) {
  for (uint64_t i = 1; i <= 100000; i++) append(i), counters[i & 1023]++;
  int status;
  long child = C(SYS_fork, 0, 0, 0, 0, 0, 0);
  for (uint64_t i = 1; i <= 10; i++) append((child ? 1000000 : 2000000) + i), counters[0]++;
  if (!child) C(SYS_exit, 3, 0, 0, 0, 0, 0);
  C(SYS_wait4, child, &status, 0, 0, 0, 0);
  if (argv[2]) C(SYS_kill, C(SYS_getpid, 0, 0, 0, 0, 0, 0), strtol(argv[2], NULL, 10), 0, 0, 0, 0);
}

static void act_flood(void) {
  for (long i = 1, n = strtol(argv[2], NULL, 10); i <= n; i++) append((uint64_t)i);
}

static void act_action(void) {
  struct { uint64_t handler, flags, restorer, mask; } a = {0x401002, 0x04000000, 5, 6}, b = {0};
  number("set", C(SYS_rt_sigaction, SIGUSR1, &a, &b, 8, 0, 0) + (long)b.handler);
  number("get", C(SYS_rt_sigaction, SIGUSR1, 0, &b, 8, 0, 0));
  number("same", memcmp(&a, &b, sizeof a));
  number("kill", C(SYS_rt_sigaction, SIGKILL, &a, 0, 8, 0, 0));
  a.handler = 1;
  number("ignore segv", C(SYS_rt_sigaction, SIGSEGV, &a, 0, 8, 0, 0));
  number("ignored", C(SYS_kill, C(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGSEGV, 0, 0, 0, 0));
  C(SYS_kill, C(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGUSR1, 0, 0, 0, 0);
}

static void act_raise(void) { C(SYS_kill, C(SYS_getpid, 0, 0, 0, 0, 0, 0), strtol(argv[2], NULL, 10), 0, 0, 0, 0); }
static void act_fault(void) { fault_here(); }
static void act_divide(void) { divide_here(); }
static void act_deep(void) { deep_here(); }
static void act_runtime(void) { *(volatile char *)16 = 1; }
static void act_trap(void) { emu_trap(0x401004, SIGILL, "ud2"); }
static void act_leave(void) { S.rip = 0x401005; }
static void act_null(void) { S.rip = 0; }

void play(void) {
  static const struct { const char *name; void (*run)(void); } acts[] = {
      {"stack", act_stack}, {"count", act_count}, {"image", act_image}, {"memory", act_memory}, {"files", act_files},
      {"tls", act_tls}, {"fork", act_fork}, {"data", act_data}, {"action", act_action}, {"raise", act_raise}, {"flood", act_flood},
      {"fault", act_fault}, {"divide", act_divide}, {"deep", act_deep}, {"runtime", act_runtime}, {"trap", act_trap}};
  sp = (uint64_t *)S.gpr[RSP];
  argv = (char **)(sp + 1);
  envp = argv + sp[0] + 1;
  char **e = envp;
  while (*e) e++;
  auxv = (Elf64_auxv_t *)(e + 1);
  const char *act = argv[1] ? argv[1] : "nothing";
  if (!strcmp(act, "leave")) return act_leave();
  if (!strcmp(act, "null")) return act_null();
  for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
    if (!strcmp(acts[i].name, act)) acts[i].run();
  C(SYS_exit_group, 42, 0, 0, 0, 0, 0);
}
