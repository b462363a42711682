// What a process is and how it ends: names, limits, personality, threads that die with locks, exits, signals and core dumps.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void comm(const char *what) {
  char name[17] = "", text[64] = "";
  int fd = open("/proc/thread-self/comm", O_RDONLY);
  read(fd, text, sizeof text - 1), close(fd);
  prctl(PR_GET_NAME, name);
  printf("%s: %s, %s", what, name, text);
}

static pthread_mutex_t robust;
static void *dies_with_it(void *nothing) {
  prctl(PR_SET_NAME, "a thread of its own");
  comm("thread");
  pthread_mutex_lock(&robust);
  syscall(SYS_exit, 3);
  return nothing;
}
static void *ends_all(void *status) { syscall(SYS_exit_group, (int)(long)status); return 0; }
static void *faults(void *nothing) { return (void *)(long)*(volatile int *)nothing; }

static void locks(void) {
  pthread_t t;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes), pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&robust, &attributes);
  pthread_create(&t, NULL, dies_with_it, NULL);
  usleep(100000);
  int result = pthread_mutex_lock(&robust);
  printf("owner died %d, consistent %d, unlocked %d\n", result == EOWNERDEAD, pthread_mutex_consistent(&robust), pthread_mutex_unlock(&robust));
}

static void ended(const char *what, pid_t child) {
  int status;
  struct rusage usage;
  wait4(child, &status, 0, &usage);
  printf("%s: %x\n", what, status);
}
#define CHILD(what, act) do { fflush(stdout); pid_t child = fork(); if (!child) { act; _exit(9); } ended(what, child); } while (0)

static void ends(void) {
  pthread_t t;
  static const int signals[] = {SIGHUP, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGSEGV, SIGPIPE, SIGTERM, SIGXCPU, SIGSYS, 34, 64};
  for (int core = 0; core < 2; core++) {
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = core ? limit.rlim_max : 0;
    setrlimit(RLIMIT_CORE, &limit);
    for (unsigned n = 0; n < sizeof signals / sizeof *signals; n++) CHILD("signal", kill(getpid(), signals[n]));
    CHILD("abort", abort()); CHILD("fault", *(volatile int *)8 = 1); CHILD("division", ({ volatile int zero = 0; zero = 1 / zero; })); CHILD("ud2", __builtin_trap());
    CHILD("fault of a thread", (pthread_create(&t, NULL, faults, NULL), pause()));
    CHILD("not dumpable", (prctl(PR_SET_DUMPABLE, 0), abort()));
    CHILD("processor time", (setrlimit(RLIMIT_CPU, &(struct rlimit){1, 2}), ({ for (;;) ; })));
  }
  CHILD("exit 256", syscall(SYS_exit, 256)); CHILD("exit -1", exit(-1)); CHILD("exit_group", syscall(SYS_exit_group, 0x1234));
  CHILD("thread ends all", (pthread_create(&t, NULL, ends_all, (void *)77L), pause()));
  CHILD("first thread left", (pthread_create(&t, NULL, ends_all, (void *)78L), syscall(SYS_exit, 5)));
  fflush(stdout);
  pid_t child = fork();
  if (!child) raise(SIGSTOP), _exit(4);
  int status;
  waitpid(child, &status, WUNTRACED), printf("stopped %x\n", status);
  kill(child, SIGCONT), waitpid(child, &status, WCONTINUED), printf("continued %x\n", status);
  ended("then", child);
  siginfo_t info = {0};
  if (!(child = fork())) abort();
  waitid(P_PID, child, &info, WEXITED), printf("waitid %d %d %d\n", info.si_code, info.si_status, info.si_pid == child);
}

static void limits(void) {
  struct rlimit limit, old;
  getrlimit(RLIMIT_NOFILE, &old);
  limit = old, limit.rlim_cur = 64;
  printf("files %d", setrlimit(RLIMIT_NOFILE, &limit));
  int fd = dup(1), high = fcntl(1, F_DUPFD, 64), last;
  while ((last = dup(1)) >= 0) fd = last;
  printf(" %d %d %d\n", fd, high, errno);
  for (; fd > 20; fd--) close(fd);
  setrlimit(RLIMIT_NOFILE, &old);
  limit.rlim_cur = 100;
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &old), limit.rlim_max = old.rlim_max, setrlimit(RLIMIT_FSIZE, &limit);
  char text[200] = "";
  int file = open("written", O_RDWR | O_CREAT | O_TRUNC, 0600);
  printf("size %d", (int)write(file, text, 200)), printf(" %d %d\n", (int)write(file, text, 1), errno);
  setrlimit(RLIMIT_FSIZE, &old), close(file), unlink("written");
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  comm("at first"), prctl(PR_SET_NAME, "another name that is long"), comm("named");
  printf("dumpable %d %d %d\n", prctl(PR_GET_DUMPABLE), prctl(PR_SET_DUMPABLE, 0), prctl(PR_GET_DUMPABLE)), prctl(PR_SET_DUMPABLE, 1);
  printf("personality %x %x %x\n", personality(-1), personality(ADDR_NO_RANDOMIZE | UNAME26), personality(0));
  printf("death signal %d subreaper %d no new privileges %d seccomp %d\n", prctl(PR_SET_PDEATHSIG, SIGUSR1), prctl(PR_SET_CHILD_SUBREAPER, 1), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECCOMP));
  locks(), limits(), ends();
  return 0;
}
