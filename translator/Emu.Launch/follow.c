// Owns programs that a translated one executes (runtime/core/exec.c): the launcher is executed with the words and variables of the guest.
// EMU_EXEC is the program's path. EMU_FOLLOW has a line each: this program, .NET, the command line, the cache, and options.
#define _GNU_SOURCE
#include "launch.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEAD = 4, MOST_OPTIONS = 200 };

extern char **environ;

// The lines behind the first ones; those are cut.
static char *cut(char *text, char *lines[static HEAD]) {
  for (int n = 0; n < HEAD; n++) {
    lines[n] = text;
    text += strcspn(text, "\n");
    if (*text) *text++ = 0;
  }
  return text;
}

// In a process of its own: .NET would be in the way of what the guest leaves behind for the next program (signals, limits, children).
static void run_command_line(char *const head[HEAD], char *options, const char *guest, int output) {
  char *words[MOST_OPTIONS] = {head[1], head[2], "runner"};
  int n = 3;
  sigset_t none;
  sigemptyset(&none);
  for (int i = 1; i < NSIG; i++) signal(i, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (char *word = strtok(options, "\n"); word && n < MOST_OPTIONS - 3; word = strtok(NULL, "\n")) words[n++] = word;
  words[n++] = "--", words[n++] = (char *)guest;
  int input = open("/dev/null", O_RDONLY);
  dup2(output, 1);
  dup2(input, 0);
  close_range(3, ~0u, 0); // the guest's, of which there may be no more than a few
  execve(words[0], words, clean_environment());
  perror("emu: cannot start .NET");
  _exit(1);
}

// The child tells nobody of its end (exit signal 0): the guest may wait for children of its own.
static bool make_runner(char *const head[HEAD], char *options, const char *guest, char runner[static PATH_MAX]) {
  int ends[2], status;
  if (pipe2(ends, O_CLOEXEC)) return false;
  long child = syscall(SYS_clone, 0, 0, 0, 0, 0);
  if (!child) run_command_line(head, options, guest, ends[1]);
  close(ends[1]);
  size_t size = 0;
  for (ssize_t got; size < PATH_MAX - 1 && (got = read(ends[0], runner + size, PATH_MAX - 1 - size)) != 0;)
    if (got > 0) size += (size_t)got;
    else if (errno != EINTR) break;
  close(ends[0]);
  while (child > 0 && waitpid((pid_t)child, &status, __WALL) < 0 && errno == EINTR) continue;
  runner[size] = 0;
  runner[strcspn(runner, "\n")] = 0;
  return child > 0 && status == 0 && *runner;
}

// One at a time: what programs share is translated once.
static int lock_cache(const char *root) {
  char path[PATH_MAX];
  if (snprintf(path, PATH_MAX, "%s/follow.lock", root) >= PATH_MAX) return -1;
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  while (file >= 0 && flock(file, LOCK_EX) && errno == EINTR) continue;
  return file;
}

int follow(const char *guest, char **words) {
  static char asked[MOST], text[MOST], lines[MOST], options[MOST], made[PATH_MAX];
  char *head[HEAD];
  struct answer answer;
  const char *all = getenv("EMU_FOLLOW"), *runner = NULL;
  if (strlen(all) < MOST) strcpy(options, cut(strcpy(lines, all), head));
  setenv("EMU_CACHE", head[3], 0);
  bool asks = question(head[2], guest, all, asked);
  if (asks && find_answer(asked, text, &answer)) runner = answer.runner;
  if (!runner) {
    int locked = lock_cache(getenv("EMU_CACHE"));
    if (asks && find_answer(asked, text, &answer)) runner = answer.runner;
    if (asks) setenv("EMU_ASKED", asked, 1);
    if (!runner && make_runner(head, options, guest, made)) runner = made;
    unsetenv("EMU_ASKED");
    if (locked >= 0) close(locked);
  }
  if (runner) execv(runner, words);
  fprintf(stderr, "emu: %s runs natively: there is no runner\n", guest);
  for (char **name = environ; *name;)
    if (!strncmp(*name, "EMU_", 4)) unsetenv(strndup(*name, strcspn(*name, "=")));
    else name++;
  execv(guest, words);
  perror("emu");
  return 126;
}
