// Memory as a program may ask for it: brk, the mmap family at fixed and low and high addresses, reservations, guard pages, the stack and its
// end. Prints the same whoever runs it. "runner": what only a translated program finds: the runner, which it cannot take away.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const size_t page = 4096;
static sigjmp_buf back;
static volatile char *volatile fault_address;
static volatile int fault_code;

static void on_fault(int signal, siginfo_t *info, void *context) {
  fault_address = info->si_addr, fault_code = info->si_code * 100 + signal;
  siglongjmp(back, 1);
}

static void catch(int signal) {
  struct sigaction a = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  sigaction(signal, &a, NULL);
}

// What an access does: 0, or code and signal.
static int load(volatile char *at) { return sigsetjmp(back, 1) ? fault_code : (*at, 0); }
static int store(volatile char *at) { return sigsetjmp(back, 1) ? fault_code : (*at = 7, 0); }

static char *map(void *at, size_t size, int protection, int flags) {
  char *found = mmap(at, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return found == MAP_FAILED ? (char *)-(long)errno : found;
}

// The kernel's own (musl's does nothing).
static char *break_now(void) { return (char *)syscall(SYS_brk, 0); }
static int set_break(char *to) { return (char *)syscall(SYS_brk, to) == to ? 0 : -1; }

#define IS(what, value) printf("%s %ld\n", what, (long)(value))

static void breaks(void) {
  char *start = break_now(), *at = (char *)(((unsigned long)start + page - 1) & -page);
  IS("grow", set_break(at + 10 * page)), IS("zero", at[9 * page]), IS("store", store(at + 10 * page - 1)), IS("behind", load(at + 10 * page));
  IS("odd", set_break(at + 5 * page + 7)), IS("rest of the page", load(at + 6 * page - 1)), IS("given back", load(at + 6 * page));
  at[5 * page + 100] = 5;
  IS("again", set_break(at + 10 * page)), IS("kept", at[5 * page + 100]), IS("cleared", at[6 * page]);
  IS("protect", mprotect(at + page, page, PROT_READ)), IS("read only", store(at + page)), IS("hole", munmap(at + 3 * page, page)), IS("in it", load(at + 3 * page));
  IS("over", map(at + 20 * page, page, PROT_READ, MAP_FIXED) - (at + 20 * page)), IS("up to it", set_break(at + 20 * page)), IS("into it", set_break(at + 21 * page));
  IS("unchanged", break_now() - at), munmap(at + 20 * page, page), IS("then", set_break(at + 30 * page)), IS("shrink over the hole", set_break(at)), IS("much", set_break(at + (300l << 20)) == 0 && store(at + (299l << 20)) == 0);
  IS("back", set_break(at));
  IS("below the start", syscall(SYS_brk, 4096) == (long)break_now()), set_break(start);
}

static void fixed(void) {
  static char *const places[] = {(char *)0x10000, (char *)0x7000000, (char *)0x100000000, (char *)0x200000000000, (char *)0x7e0000000000};
  for (int n = 0; n < 5; n++) IS("fixed", map(places[n], 4 * page, PROT_READ | PROT_WRITE, MAP_FIXED) - places[n]), IS("store", store(places[n] + page));
  char *at = places[1];
  IS("taken", map(at, page, PROT_READ, MAP_FIXED_NOREPLACE)), IS("partly", map(at - page, 2 * page, PROT_READ, MAP_FIXED_NOREPLACE)), IS("free", map(at + 4 * page, page, PROT_READ, MAP_FIXED_NOREPLACE) - at);
  IS("hint", map(at, page, PROT_READ, 0) != at), IS("free hint", map(at + 8 * page, page, PROT_READ, 0) - at);
  at[5] = 9, IS("over", map(at, page, PROT_READ | PROT_WRITE, MAP_FIXED) - at), IS("new", at[5]);
  IS("null", map(NULL, page, PROT_READ, MAP_FIXED) == NULL || errno == EPERM), IS("odd address", map(at + 1, page, PROT_READ, MAP_FIXED)), IS("no size", map(at, 0, PROT_READ, 0));
  IS("beyond", map((char *)0x800000000000, page, PROT_READ, MAP_FIXED)), IS("32 bit", (unsigned long)map(NULL, page, PROT_READ, MAP_32BIT) < 1ul << 31);
  char *reserved = map(NULL, 1l << 42, PROT_NONE, MAP_NORESERVE);
  IS("4 TiB", (unsigned long)reserved < -4096ul), IS("nothing there", load(reserved + (1l << 41)));
  IS("a page of it", mprotect(reserved + (1l << 41), page, PROT_READ | PROT_WRITE)), IS("store", store(reserved + (1l << 41))), IS("next", load(reserved + (1l << 41) + page));
  IS("give back", munmap(reserved, 1l << 42)), IS("gone", load(reserved + (1l << 41)));
  IS("too much", map(NULL, 1ul << 47, PROT_NONE, MAP_NORESERVE));
}

static void moves(void) {
  char *at = map(NULL, 8 * page, PROT_READ | PROT_WRITE, 0), *to = map(NULL, 16 * page, PROT_NONE, 0), *moved;
  at[0] = 1, at[3 * page] = 3;
  IS("shrink", (char *)mremap(at, 8 * page, 4 * page, 0) - at), IS("gone", load(at + 4 * page)), IS("taken", (map(at + 4 * page, page, PROT_READ, MAP_FIXED), mremap(at, 4 * page, 8 * page, 0) == MAP_FAILED ? errno : 0));
  moved = mremap(at, 4 * page, 8 * page, MREMAP_MAYMOVE);
  IS("moved", moved[3 * page] + moved[0]), IS("left", load(at));
  IS("to a place", (char *)mremap(moved, 8 * page, 8 * page, MREMAP_MAYMOVE | MREMAP_FIXED, to + 4 * page) - to), IS("there", to[7 * page]), IS("beside", load(to)), IS("behind", load(to + 12 * page));
  IS("bad", mremap(to + page + 1, page, page, 0) == MAP_FAILED ? errno : 0), IS("nothing", mremap((char *)0x9000000, page, 2 * page, MREMAP_MAYMOVE) == MAP_FAILED ? errno : 0);
  IS("over itself", mremap(to, 2 * page, page, MREMAP_MAYMOVE | MREMAP_FIXED, to + page) == MAP_FAILED ? errno : 0);
  IS("protect nothing", mprotect((char *)0x9000000, page, PROT_READ) ? errno : 0), IS("protect a hole", (munmap(to + 5 * page, page), mprotect(to + 4 * page, 3 * page, PROT_READ)) ? errno : 0), IS("first part", store(to + 4 * page));
  IS("odd", mprotect(to + 1, page, PROT_READ) ? errno : 0), IS("odd unmap", munmap(to + 1, page) ? errno : 0), IS("no unmap", munmap(to, 0) ? errno : 0), IS("unmap nothing", munmap((char *)0x9000000, page));
  IS("advise", madvise(to + 6 * page, page, MADV_DONTNEED)), IS("advise nothing", madvise((char *)0x9000000, page, MADV_DONTNEED) ? errno : 0), IS("none", mprotect(to, 16 * page, PROT_NONE) ? errno : 0);
  int segment = shmget(IPC_PRIVATE, 4 * page, 0600 | IPC_CREAT);
  char *shared = shmat(segment, NULL, 0);
  shared[1] = 4;
  IS("shared", ((char *)shmat(segment, (char *)0x8000000, 0))[1]), IS("again", shmat(segment, (char *)0x8000000, 0) == (char *)-1 ? errno : 0), IS("remapped", ((char *)shmat(segment, (char *)0x8000000, SHM_REMAP))[1]);
  IS("detached", shmdt(shared)), IS("gone", load(shared)), shmdt((char *)0x8000000), shmctl(segment, IPC_RMID, NULL);
  int file = memfd_create("file", 0);
  ftruncate(file, page + 10);
  char *mapped = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  IS("file", store(mapped + page + 20)), IS("past its end", load(mapped + 2 * page)), ftruncate(file, 0), IS("cut off", load(mapped));
  close(file);
}

static __attribute__((noinline)) int deep(int depth) {
  volatile char frame[200];
  frame[depth % 200] = 1;
  return depth ? deep(depth - 1) + frame[depth % 200] : 0;
}
static __attribute__((noinline)) long forever(long n) { return forever(n + 1) + 1; }

// Where the stack ends, a handler on a stack of its own is told so, again and again.
static void overflow(const char *who) {
  static _Thread_local char alternate[32768];
  char *here = (char *)&who;
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  sigaltstack(&stack, NULL);
  for (int n = 0; n < 3; n++) {
    if (!sigsetjmp(back, 1)) forever(0);
    printf("%s: overflow %d, in its stack %d\n", who, fault_code, fault_address < here && fault_address > here - (80l << 20));
  }
}

static void *thread(void *nothing) {
  overflow("thread");
  return nothing;
}

static void stacks(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_STACK, &limit);
  IS("limit", limit.rlim_cur), IS("deep", deep(limit.rlim_cur > 1 << 20 ? 10000 : 1000));
  char *low = (char *)&limit - (limit.rlim_cur > 8 << 20 ? 7 << 20 : limit.rlim_cur / 2);
  IS("grows", store(low)), IS("too far", limit.rlim_cur > 8 << 20 ? 0 : load((char *)&limit - limit.rlim_cur - (64 << 10)) != 0);
  if (limit.rlim_cur <= 64 << 20) overflow("first");
  pthread_t t;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes), pthread_attr_setstacksize(&attributes, 1 << 20);
  pthread_create(&t, &attributes, thread, NULL), pthread_join(t, NULL);
  fflush(stdout);
  for (int handles = 0; handles < 2; handles++) {
    int status;
    pid_t child = fork();
    if (!child) {
      signal(SIGSEGV, SIG_DFL), setrlimit(RLIMIT_CORE, &(struct rlimit){0}), setrlimit(RLIMIT_STACK, &(struct rlimit){1 << 20, limit.rlim_max});
      stack_t none = {.ss_flags = SS_DISABLE};
      if (handles) sigaltstack(&none, NULL), catch(SIGSEGV); // no room for the frame
      forever(0);
    }
    waitpid(child, &status, 0), IS("overflow without a handler", status);
  }
}

// Natively nothing is at 0x60000000.
static void runner(void) {
  char *at = (char *)0x60000000;
  IS("over", map(at, page, PROT_READ, MAP_FIXED)), IS("not over", map(at, page, PROT_READ, MAP_FIXED_NOREPLACE)), IS("unmap", munmap(at - (16 << 20), 64 << 20)), IS("protect", mprotect(at, page, PROT_NONE) ? errno : 0);
  IS("move", mremap(at, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, (char *)0x7000000) == MAP_FAILED ? errno : 0);
  char *own = map(NULL, page, PROT_READ, 0);
  IS("move over", mremap(own, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, at) == MAP_FAILED ? errno : 0), IS("advise", madvise(at, page, MADV_DONTNEED) ? errno : 0);
  int segment = shmget(IPC_PRIVATE, page, 0600 | IPC_CREAT);
  IS("attach", shmat(segment, at, SHM_REMAP) == (char *)-1 ? errno : 0), shmctl(segment, IPC_RMID, NULL);
}

int main(int argc, char **argv) {
  catch(SIGSEGV), catch(SIGBUS);
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  if (argc > 1 && !strcmp(argv[1], "runner")) return runner(), 0;
  breaks(), fixed(), moves(), stacks();
  return 0;
}
