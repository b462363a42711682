// Executes itself and others in every way, and says what it was given: as "show" it is the one that was executed.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int show(int argc, char **argv) {
  char comm[17] = "", exe[4096] = "", folder[4096];
  sigset_t blocked;
  struct sigaction usr1, pipe, segv;
  struct rlimit files;
  prctl(PR_GET_NAME, comm);
  if (readlink("/proc/self/exe", exe, sizeof exe - 1) < 0) strcpy(exe, "-");
  for (int n = 0; n < argc; n++) printf("[%s] ", argv[n]);
  printf("argc %d\n  ", argc);
  for (char **e = environ; *e; e++) if (strncmp(*e, "_=", 2) && strncmp(*e, "EMU_", 4)) printf("%s ", *e);
  sigprocmask(SIG_BLOCK, NULL, &blocked);
  sigaction(SIGUSR1, NULL, &usr1), sigaction(SIGPIPE, NULL, &pipe), sigaction(SIGSEGV, NULL, &segv);
  getrlimit(RLIMIT_NOFILE, &files);
  printf("\n  %s %s execfn %s in %s\n  blocked", comm, strrchr(exe, '/'), (char *)getauxval(AT_EXECFN), getcwd(folder, sizeof folder) ? strrchr(folder, '/') : "-");
  for (int n = 1; n < 65; n++) if (sigismember(&blocked, n) == 1) printf(" %d", n);
  printf(", USR1 %d PIPE %d SEGV %d, files %d, umask %o, open", usr1.sa_handler == SIG_IGN, pipe.sa_handler == SIG_IGN, segv.sa_handler == SIG_IGN, (int)files.rlim_cur, umask(0));
  for (int n = 0; n < 40; n++) if (fcntl(n, F_GETFD) >= 0) printf(" %d", n);
  printf("\n");
  fflush(stdout);
  return 40 + argc;
}

static int wait_for(pid_t pid) {
  int status = -1;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return status;
}

static char *words[] = {"name", "show", "", "two words", "\xff", NULL}, *variables[] = {"A=1", "B=", "PATH=/usr/bin:/bin", NULL}, *none[] = {NULL};

// Runs `act` in a child; what it returns is why exec failed.
#define CHILD(what, act) do { fflush(stdout); pid_t pid = fork(); if (!pid) { act; printf("%s: %s\n", what, strerror(errno)); fflush(stdout); _exit(3); } printf("%s: %x\n", what, wait_for(pid)); } while (0)

static void file(const char *name, const char *text, int mode) {
  int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700);
  write(fd, text, strlen(text)), close(fd);
  chmod(name, mode);
}

static void scripts(void) {
  char deep[16], text[300];
  file("plain", "#!./executed show\n", 0700), file("spaces", "#! \t ./executed   show an  argument\t \nmore\n", 0700), file("shell", "#!/bin/sh\necho $0 \"$@\"; ./executed show; exit 9\n", 0700);
  file("outer", "#!./plain one\n", 0700), file("no-end", "#!./executed show", 0700), file("empty", "#!\n", 0700), file("nowhere", "#!/no/such/file\n", 0700), file("text", "echo text\n", 0700);
  file("folder-run", "#!/tmp\n", 0700), file("unexecutable", "#!./plain\n", 0600), file("nothing", "", 0700);
  memset(text, 'x', sizeof text - 1), memcpy(text, "#!./", 4), text[299] = 0;
  file("long", text, 0700);
  memset(text, ' ', sizeof text - 1), memcpy(text, "#!./executed show cut", 21), memcpy(text + 250, "abcdefghijkl", 12);
  file("long-argument", text, 0700);
  for (int n = 0; n < 8; n++) sprintf(deep, "deep%d", n), sprintf(text, n ? "#!./deep%d\n" : "#!./executed show\n", n - 1), file(deep, text, 0700);
  static const char *const names[] = {"plain", "./spaces", "shell", "outer", "no-end", "empty", "nowhere", "text", "folder-run", "unexecutable", "nothing", "long", "long-argument", "deep3", "deep4", "deep5", "deep7"};
  for (unsigned n = 0; n < sizeof names / sizeof *names; n++) CHILD(names[n], execve(names[n], words, variables));
  CHILD("script without words", execve("plain", none, variables));
  CHILD("text by execvp", execvp("./text", words));
  int fd = open("plain", O_RDONLY), closes = open("plain", O_RDONLY | O_CLOEXEC);
  CHILD("script by descriptor", fexecve(fd, words, variables));
  CHILD("script by closing descriptor", fexecve(closes, words, variables));
  close(fd), close(closes);
}

static void failures(void) {
  static const char *const names[] = {"/no/such", "/tmp", "", "data", "loop", "data/below", "bad-elf", "no-interpreter", "/proc/self/maps"};
  file("data", "x", 0600), symlink("loop", "loop"), file("bad-elf", "\177ELF\2\1\1", 0700);
  for (unsigned n = 0; n < sizeof names / sizeof *names; n++) CHILD(names[n], execve(names[n], words, variables));
  CHILD("bad path", execve((char *)8, words, variables));
  CHILD("bad words", execve("./executed", (char **)8, variables));
  CHILD("bad variables", execve("./executed", words, (char **)8));
  CHILD("bad word", execve("./executed", (char *[]){"a", (char *)8, NULL}, variables));
  CHILD("bad flags", syscall(SYS_execveat, AT_FDCWD, "./executed", words, variables, 0x77));
  CHILD("bad descriptor", syscall(SYS_execveat, 77, "executed", words, variables, 0));
  CHILD("link itself", syscall(SYS_execveat, AT_FDCWD, "link", words, variables, AT_SYMLINK_NOFOLLOW));
  char *large = malloc(200000);
  memset(large, 'x', 199999), large[199999] = 0;
  CHILD("long word", execve("./executed", (char *[]){"a", large, NULL}, variables));
  int writer = open("busy", O_WRONLY | O_CREAT, 0700);
  CHILD("busy", execve("./busy", words, variables));
  close(writer);
}

static void ways(void) {
  int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = open("executed", O_RDONLY), path = open("executed", O_PATH | O_CLOEXEC), status;
  CHILD("execve", execve("./executed", words, variables));
  CHILD("link", execve("link", words, variables));
  CHILD("no words", execve("./executed", NULL, NULL));
  CHILD("execvp", (setenv("PATH", "/nowhere:.", 1), execvp("executed", words)));
  CHILD("fexecve", fexecve(fd, words, variables));
  CHILD("path descriptor", syscall(SYS_execveat, path, "", words, variables, AT_EMPTY_PATH));
  CHILD("execveat", syscall(SYS_execveat, folder, "executed", words, variables, 0));
  CHILD("itself", execve("/proc/self/exe", words, variables));
  close(fd), close(path), close(folder);
  pid_t pid;
  fflush(stdout);
  posix_spawnattr_t attributes;
  sigset_t set;
  posix_spawnattr_init(&attributes);
  sigemptyset(&set), sigaddset(&set, SIGUSR2), sigaddset(&set, SIGCHLD);
  posix_spawnattr_setsigmask(&attributes, &set);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 7, "/dev/null", O_RDONLY, 0);
  printf("posix_spawn %d\n", status = posix_spawn(&pid, "./executed", &actions, &attributes, words, variables));
  if (!status) printf("%x\n", wait_for(pid));
  printf("posix_spawn of nothing %s\n", strerror(posix_spawn(&pid, "./nowhere-at-all", NULL, NULL, words, variables)));
  printf("posix_spawnp %d\n", status = posix_spawnp(&pid, "sh", NULL, NULL, (char *[]){"sh", "-c", "exec ./executed show from sh", NULL}, variables));
  if (!status) printf("%x\n", wait_for(pid));
  pid = vfork();
  if (!pid) execve("./executed", words, variables), _exit(1);
  printf("vfork %x\n", wait_for(pid));
  CHILD("signals", (signal(SIGUSR1, SIG_IGN), signal(SIGPIPE, SIG_IGN), signal(SIGSEGV, SIG_IGN), sigfillset(&set), sigprocmask(SIG_BLOCK, &set, NULL), umask(027), chdir("sub"),
                    setrlimit(RLIMIT_NOFILE, &(struct rlimit){333, 333}), open("/dev/null", O_RDONLY), execve("../executed", words, variables)));
  CHILD("closed", (close(0), close(2), execve("./executed", words, variables)));
}

int main(int argc, char **argv) {
  if (argc == 0 || argc == 1 || !strcmp(argv[1], "show")) return show(argc, argv);
  char text[4096];
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  printf("itself %d\n", argc);
  if (!strcmp(argv[1], "scripts")) scripts();
  if (!strcmp(argv[1], "failures")) failures();
  if (!strcmp(argv[1], "ways")) ways();
  fflush(stdout);
  if (argc > 2) execl("./executed", "last", "show", NULL);
  return 5;
}
