// The guest of ProbeTests.cs: threads that all come to the probes' sites, a fork and an exec on the way, and several ends.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, CALLS = 500 };

static pthread_barrier_t all_there;

static void *works(void *nothing) {
  pthread_barrier_wait(&all_there);
  for (int n = 0; n < CALLS; n++) syscall(SYS_getppid);
  return nothing;
}

static void *waits(void *nothing) {
  pthread_barrier_wait(&all_there);
  for (;;) pause();
  return nothing;
}

static void threads(void *(*run)(void *), pthread_t made[THREADS]) {
  pthread_barrier_init(&all_there, NULL, THREADS + 1);
  for (int n = 0; n < THREADS; n++) pthread_create(&made[n], NULL, run, NULL);
  pthread_barrier_wait(&all_there);
}

static void on_fault(int signal) { _exit(signal); }

static void *aborts(void *nothing) { abort(); return nothing; }

int main(int argc, char **argv) {
  const char *end = argc > 1 ? argv[1] : "";
  pthread_t made[THREADS], one;
  if (!strcmp(end, "probe")) {
    signal(SIGSEGV, on_fault), signal(SIGFPE, on_fault);
    return syscall(SYS_getppid) < 0;
  }
  if (*end) { // with threads that never end
    threads(waits, made);
    if (!strcmp(end, "abort")) abort();
    if (!strcmp(end, "thread")) pthread_create(&one, NULL, aborts, NULL), pause();
    if (!strcmp(end, "fault")) *(volatile int *)16 = 1;
    if (!strcmp(end, "trap")) __builtin_trap();
    raise(atoi(end));
    return 1;
  }
  threads(works, made);
  // A child while the others may be anywhere in the library.
  pid_t child = fork();
  if (!child) {
    for (int n = 0; n < 10; n++) syscall(SYS_getppid);
    execl("/bin/true", "true", NULL);
  }
  waitpid(child, NULL, 0);
  for (int n = 0; n < THREADS; n++) pthread_join(made[n], NULL);
  for (int n = 0; n < 3; n++) syscall(SYS_getppid);
  return 0;
}
