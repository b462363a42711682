// Processes that share memory: vfork, posix_spawn that fails, clone(CLONE_VM) with and without CLONE_SIGHAND and CLONE_FILES.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int shared, handled;
static int stack[4][16384] __attribute__((aligned(16)));

static void on(int s) { handled += s; }

static int wait_for(pid_t child) {
  int status;
  return waitpid(child, &status, __WALL) == child ? status : -1;
}

static void spawn(const char *path, char *const argv[]) {
  pid_t child = -1;
  int error = posix_spawn(&child, path, 0, 0, argv, (char *[]){0});
  printf("spawn %s: %s", path, strerror(error));
  if (!error) printf(", status %x", wait_for(child));
  puts("");
}

static int child(void *with) {
  shared += *(int *)with;
  struct sigaction a = {.sa_handler = SIG_IGN};
  sigaction(SIGUSR1, &a, 0);
  close(9);
  return shared & 0xff;
}

static void cloned(const char *name, int flags, int with) {
  struct sigaction a;
  dup2(1, 9);
  pid_t pid = clone(child, stack[1], flags | CLONE_VM | SIGCHLD, &with);
  int status = wait_for(pid);
  sigaction(SIGUSR1, 0, &a);
  printf("%s: status %x, shared %d, handler %s, descriptor %s\n", name, status, shared, a.sa_handler == on ? "kept" : "ignored", fcntl(9, F_GETFD) < 0 ? "closed" : "open");
  signal(SIGUSR1, on);
}

static void vforks(void) {
  volatile int seen = 0;
  for (int n = 0; n < 50; n++) {
    pid_t pid = vfork();
    if (pid == 0) {
      seen += n;
      if (n % 3 == 0) execl("/nowhere", "nowhere", (char *)0);
      if (n % 3 == 1) execl("/bin/true", "true", (char *)0);
      _exit(n & 3);
    }
    shared += wait_for(pid) >> 8;
  }
  printf("vfork: %d %d\n", seen, shared);
  pid_t pid = vfork();
  if (pid == 0) {
    signal(SIGUSR1, SIG_DFL);
    kill(getpid(), SIGUSR1);
    _exit(1);
  }
  printf("vfork killed: %x\n", wait_for(pid));
  raise(SIGUSR1);
  printf("handled %d\n", handled);
}

static void *spawns(void *unused) {
  for (int n = 0; n < 10; n++) {
    pid_t pid = -1;
    char *argv[] = {n & 1 ? "true" : "nowhere", 0};
    int error = posix_spawnp(&pid, argv[0], 0, 0, argv, (char *[]){"PATH=/bin", 0});
    if (error != (n & 1 ? 0 : ENOENT) || (!error && wait_for(pid))) puts("wrong");
  }
  return unused;
}

int main(void) {
  setvbuf(stdout, 0, _IONBF, 0);
  signal(SIGUSR1, on);
  spawn("/nowhere", (char *[]){"nowhere", 0});
  spawn("/etc/passwd", (char *[]){"passwd", 0});
  spawn("/bin/false", (char *[]){"false", 0});
  vforks();
  cloned("memory", 0, 1);
  cloned("actions", CLONE_SIGHAND, 2);
  cloned("descriptors", CLONE_FILES, 3);
  cloned("vfork", CLONE_VFORK, 4);
  pthread_t thread[4];
  for (int n = 0; n < 4; n++) pthread_create(&thread[n], 0, spawns, 0);
  for (int n = 0; n < 4; n++) pthread_join(thread[n], 0);
  printf("system %x\n", system("exit 7"));
  pid_t pid = fork();
  if (!pid) _exit(system("exit 3") >> 8);
  printf("forked %x\n", wait_for(pid));
  return shared & 0x7f;
}
