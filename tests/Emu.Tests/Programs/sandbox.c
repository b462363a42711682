// Guests that give up rights and then meet code that they have not run before.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static unsigned char *page;

static void *executable(void) { return mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

// Makes code that returns `value`, and calls it.
static int generated(int value) {
  const unsigned char code[] = {0xb8, value, 0, 0, 0, 0xc3}; // mov eax, value; ret
  memcpy(page, code, sizeof code);
  return ((int (*)(void))page)();
}

// One that nothing has called before.
__attribute__((noinline)) static int later(int value) {
  int sum = 0;
  for (int i = 0; i < value; i++) sum += i % 7;
  return sum;
}

static void line(const char *text, int number) {
  char to[80];
  write(1, to, (size_t)sprintf(to, "%s %d\n", text, number));
}

// Only these calls, 0 at the end; what `otherwise` says for others.
static void allow(unsigned otherwise, const int *calls) {
  struct sock_filter f[40] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
  unsigned short n = 1;
  for (; *calls >= 0; calls++) {
    f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)*calls, 0, 1);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET, SECCOMP_RET_ALLOW);
  }
  f[n++] = (struct sock_filter)BPF_STMT(BPF_RET, otherwise);
  struct sock_fprog program = {n, f};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) perror("seccomp");
}

// The opposite: these fail.
static void deny(const int *calls) {
  struct sock_filter f[40] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
  unsigned short n = 1;
  for (; *calls >= 0; calls++) {
    f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)*calls, 0, 1);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET, SECCOMP_RET_ERRNO | EPERM);
  }
  f[n++] = (struct sock_filter)BPF_STMT(BPF_RET, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {n, f};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) perror("seccomp");
}

static sigjmp_buf back;
static void jump(int signal) { siglongjmp(back, signal); }
static void skip(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}

static void on(int signal, void (*handler)(int, siginfo_t *, void *)) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(signal, &action, NULL);
}

static void emulate(int signal, siginfo_t *info, void *context) {
  (void)signal;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = info->si_syscall == SYS_getppid ? 77 : -ENOSYS;
}

static void limit(int what, rlim_t to) {
  struct rlimit both = {to, to};
  if (setrlimit(what, &both)) perror("setrlimit");
}

static void nobody(void) {
  if (setgid(65534) || setuid(65534)) perror("setuid");
}

int main(int count, char **words) {
  const char *what = count > 1 ? words[1] : "";
  int status;
  page = executable();
  if (!strcmp(what, "reaper")) { // the orphan is the only one
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    printf("generated %d\n", generated(3));
    fflush(stdout);
    if (!fork()) _exit(fork() ? 4 : (usleep(100000), later(10)));
    for (int n = 0; n < 3; n++) printf("%d ", wait(&status) > 0 ? WEXITSTATUS(status) : -1);
    puts(errno == ECHILD ? "nobody else" : "somebody else");
  } else if (!strcmp(what, "init")) { // until nobody is left
    printf("process %d\n", getpid());
    fflush(stdout);
    if (!fork()) _exit(fork() ? generated(1) : (usleep(100000), generated(2)));
    while (wait(&status) > 0) printf("ended: %d\n", WEXITSTATUS(status));
  } else if (!strcmp(what, "strict")) {
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    line("later", later(14));
    for (int i = 0; i < 9; i++) line("generated", generated(i));
    syscall(SYS_exit, 5);
  } else if (!strcmp(what, "strict-handler")) {
    on(SIGILL, skip);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    for (int i = 0; i < 3; i++) __asm__ volatile("ud2");
    line("handled", later(20));
    syscall(SYS_exit, 6);
  } else if (!strcmp(what, "strict-fault")) {
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    line("about to fault", later(5));
    *(volatile int *)16 = 1;
  } else if (!strcmp(what, "strict-denied")) {
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    line("about to be killed", later(5));
    syscall(SYS_getpid);
  } else if (!strcmp(what, "little")) {
    allow(SECCOMP_RET_KILL_PROCESS, (int[]){SYS_write, SYS_exit_group, -1});
    line("later", later(14));
    line("generated", generated(8));
    _exit(7);
  } else if (!strcmp(what, "heap")) {
    allow(SECCOMP_RET_KILL_PROCESS, (int[]){SYS_write, SYS_exit_group, SYS_brk, SYS_mmap, SYS_munmap, -1});
    char *some = malloc(100000), *more = malloc(1000000);
    memset(some, 1, 100000), memset(more, 2, 1000000);
    line("heap", some[99999] + more[999999] + later(9));
    page = executable();
    line("generated", generated(8));
    _exit(7);
  } else if (!strcmp(what, "break")) {
    allow(SECCOMP_RET_ERRNO | EPERM, (int[]){SYS_write, SYS_exit_group, SYS_brk, -1});
    char *from = (char *)syscall(SYS_brk, 0);
    line("grown", (int)((char *)syscall(SYS_brk, from + (1 << 20)) - from));
    memset(from, 3, 1 << 20);
    line("shrunk", (int)((char *)syscall(SYS_brk, from + 4096) - from));
    line("again", (int)((char *)syscall(SYS_brk, from + 12288) - from));
    line("bytes", from[4095] + from[8000] + later(3));
    _exit(0);
  } else if (!strcmp(what, "denied")) {
    deny((int[]){SYS_socket, SYS_socketpair, SYS_open, SYS_openat, SYS_connect, SYS_sendto, SYS_recvfrom, SYS_execve, SYS_fork, SYS_clone, SYS_memfd_create, SYS_fcntl, SYS_mprotect, -1});
    for (int i = 0; i < 9; i++) printf("generated %d\n", generated(i));
    printf("open %d\n", open("/", O_RDONLY));
  } else if (!strcmp(what, "trap")) {
    on(SIGSYS, emulate);
    allow(SECCOMP_RET_TRAP, (int[]){SYS_write, SYS_exit_group, SYS_rt_sigreturn, -1});
    line("emulated", (int)syscall(SYS_getppid));
    line("refused", (int)syscall(SYS_getuid));
    _exit(later(8));
  } else if (!strcmp(what, "forks")) {
    allow(SECCOMP_RET_ERRNO | EPERM, (int[]){SYS_write, SYS_exit_group, SYS_fork, SYS_clone, SYS_wait4, SYS_rt_sigprocmask, SYS_gettid, SYS_getpid, -1});
    for (int i = 1; i < 4; i++) {
      if (!fork()) _exit(later(i * 10));
      wait(&status);
      line("child", WEXITSTATUS(status));
    }
    _exit(0);
  } else if (!strcmp(what, "handlers")) {
    struct sigaction action = {.sa_handler = jump};
    sigaction(SIGSEGV, &action, NULL), sigaction(SIGUSR1, &action, NULL);
    allow(SECCOMP_RET_KILL_PROCESS, (int[]){SYS_write, SYS_exit_group, SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_tgkill, SYS_tkill, SYS_gettid, SYS_getpid, -1});
    for (int i = 0; i < 3; i++) {
      int signal = sigsetjmp(back, 1);
      if (signal) line("signal", signal);
      else if (i == 1) raise(SIGUSR1);
      else *(volatile int *)16 = later(i);
    }
    _exit(3);
  } else if (!strcmp(what, "spawns")) { // a child that shares this process's memory meets the code first
    pid_t child = vfork();
    if (!child) _exit(generated(1));
    waitpid(child, &status, 0);
    printf("child %d, generated %d\n", WEXITSTATUS(status), generated(2));
  } else if (!strcmp(what, "lends")) { // only a child that shares this process's memory is restricted
    pid_t child = vfork();
    if (!child) {
      allow(SECCOMP_RET_ERRNO | EPERM, (int[]){SYS_write, SYS_exit_group, -1});
      _exit(generated(1));
    }
    printf("child %d\n", waitpid(child, &status, 0) == child ? WEXITSTATUS(status) : -1);
    char *from = (char *)syscall(SYS_brk, 0);
    printf("generated %d, heap %d\n", generated(2), (char *)syscall(SYS_brk, from + (100 << 20)) == from + (100 << 20));
  } else if (!strcmp(what, "workers")) { // one is started for each that fails
    do {
      if (!fork()) _exit(generated(3) != 3);
      wait(&status);
    } while (status);
    puts("one has done it");
  } else if (!strcmp(what, "chroot")) {
    mkdir(words[2], 0755);
    int root = chroot(words[2]);
    printf("%d %d\n", root, chdir("/"));
    nobody();
    printf("generated %d\n", generated(6));
    signal(SIGSEGV, jump);
    if (!sigsetjmp(back, 1)) *(volatile int *)16 = 1;
    printf("generated %d\n", generated(7));
  } else if (!strcmp(what, "processes")) {
    nobody(), limit(RLIMIT_NPROC, 0);
    printf("generated %d\n", generated(8));
  } else if (!strcmp(what, "files")) {
    limit(RLIMIT_NOFILE, 4);
    printf("generated %d\n", generated(8));
    printf("descriptor %d\n", open("/dev/null", O_RDONLY));
  } else if (!strcmp(what, "size")) {
    limit(RLIMIT_FSIZE, 0);
    printf("generated %d, later %d\n", generated(2), later(3));
    for (volatile int i = 0; i < 300000; i++) later(1);
    puts("done");
  } else if (!strcmp(what, "space")) {
    limit(RLIMIT_AS, 64 << 20);
    printf("1 MiB: %d, generated %d, 100 MiB: %d\n", malloc(1 << 20) != NULL, generated(2), malloc(100 << 20) != NULL);
  } else if (!strcmp(what, "lock")) {
    limit(RLIMIT_MEMLOCK, 8 << 20), nobody();
    printf("mlockall: %d\n", mlockall(MCL_CURRENT | MCL_FUTURE));
    printf("1 MiB: %d, 16 MiB: %d, generated %d\n", mmap(0, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED,
           mmap(0, 16 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, generated(2));
  } else if (!strcmp(what, "counter")) {
    struct timespec time = {0};
    printf("prctl: %d\n", prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
    printf("clock: %ld ", syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time));
    printf("%d\n", time.tv_sec > 0);
    fflush(stdout);
    signal(SIGSEGV, jump);
    if (!sigsetjmp(back, 1)) __asm__ volatile("rdtsc" : : : "rax", "rdx");
    printf("generated %d\n", generated(9));
  }
  return 0;
}
