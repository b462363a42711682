// What ./emu becomes: launch DOTNET EMU.DLL WORD... (and, below, what a translated program executes with --follow-exec).
// `emu run -- GUEST ARGS` of a guest that has been translated becomes its runner at once, in a millisecond (.NET needs fifty to start).
// Everything else becomes the command line, with the question in EMU_ASKED: the answer that it leaves (translator/Emu.Cli/Running/Memo.cs)
// is what is found here the next time. When in doubt there is no question.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 1 << 16 };

// Running/Libc.cs: Stat.Signature.
static bool signature(const char *path, char text[static 200]) {
  struct stat s;
  if (stat(path, &s)) return false;
  snprintf(text, 200, "%lx:%lx:%lx:%lx.%lx:%lx.%lx", s.st_dev, s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec, s.st_ctim.tv_sec, s.st_ctim.tv_nsec);
  return true;
}

// Running/GuestFile.cs: a command as a shell finds it.
static bool find_command(const char *name, char path[static PATH_MAX]) {
  if (strchr(name, '/')) return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
  const char *folder = getenv("PATH") ? getenv("PATH") : "/usr/local/bin:/usr/bin:/bin";
  for (;; folder++) {
    int length = (int)strcspn(folder, ":");
    struct stat s;
    if (snprintf(path, PATH_MAX, "%.*s/%s", length ? length : 1, length ? folder : ".", name) >= PATH_MAX) return false;
    if (!stat(path, &s) && S_ISREG(s.st_mode) && !access(path, X_OK)) return *name;
    folder += length;
    if (!*folder) return false;
  }
}

static const char *variable(const char *name) { return getenv(name) ? getenv(name) : ""; }

// What the runner depends on, as far as it is said outside of the files that the answer lists.
static bool question(const char *command_line, const char *guest, const char *options, char text[static MOST]) {
  char found[PATH_MAX], real[PATH_MAX], own[PATH_MAX], is[200];
  if (!find_command(guest, found) || !realpath(found, real) || !signature(real, is) || !realpath(command_line, own)) return false;
  int size = snprintf(text, MOST, "%s\n%s\n%s\n%s\n%s\n%s\n%s%s", own, variable("EMU_CORE"), variable("EMU_FALLBACK"), variable("LD_LIBRARY_PATH"),
                      real, strrchr(found, '/') ? strrchr(found, '/') + 1 : found, is, options);
  for (const char *at = text; *at; at++)
    if (*at & 0x80) return false;
  return size < MOST;
}

// Running/CacheFolder.cs, Running/Memo.cs: FNV-1a of the question names the file.
static bool answer_file(const char *asked, char path[static PATH_MAX]) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char *at = asked; *at; at++) hash = (hash ^ (uint8_t)*at) * 0x100000001b3;
  const char *own = variable("EMU_CACHE"), *xdg = variable("XDG_CACHE_HOME"), *home = variable("HOME");
  const char *root = *own ? own : *xdg == '/' ? xdg : home, *below = *own ? "" : *xdg == '/' ? "/emu" : "/.cache/emu";
  return *root && snprintf(path, PATH_MAX, "%s%s/memo/%016" PRIx64, root, below, hash) < PATH_MAX;
}

// The file's fields end with a zero each: the question, the runner, and "FILE SIGNATURE" for every other file that the runner was made from.
static const char *answer(const char *asked, char text[static MOST]) {
  char path[PATH_MAX], is[200];
  int file = answer_file(asked, path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return NULL;
  ssize_t size = read(file, text, MOST - 1);
  close(file);
  if (size <= 0 || size == MOST - 1) return NULL;
  const char *end = text + size;
  text[size] = 0;
  if (strcmp(text, asked)) return NULL;
  const char *runner = text + strlen(text) + 1;
  if (runner >= end || access(runner, X_OK)) return NULL;
  for (char *line = (char *)runner + strlen(runner) + 1; line < end; line += strlen(line) + 1) {
    char *space = strrchr(line, ' ');
    if (!space) return NULL;
    *space = 0;
    bool same = signature(line, is) && !strcmp(space + 1, is);
    *space = ' ';
    if (!same) return NULL;
  }
  return runner;
}

// ./emu's note_start: variables as they were before the shell. (The shell itself puts signals back.)
static void restore_variables(void) {
  char *start = getenv("EMU_START"), *last = getenv("EMU_START_");
  strtok(start, " "), strtok(NULL, " ");
  for (char *name; (name = strtok(NULL, " "));) unsetenv(name);
  if (last) setenv("_", last, 1);
  unsetenv("EMU_START"), unsetenv("EMU_START_"), unsetenv("EMU_ASKED");
}

// --- A program that a translated one executes --------------------------------------------------------------------------------------
// runtime/core/exec.c executes this with the words and variables of the guest. EMU_EXEC is the program's path. EMU_FOLLOW has a line each: this
// program, .NET, the command line, the cache, and options.

enum { HEAD = 4, MOST_OPTIONS = 200 };

// The lines behind the first ones; those are cut.
static char *cut(char *text, char *lines[static HEAD]) {
  for (int n = 0; n < HEAD; n++) {
    lines[n] = text;
    text += strcspn(text, "\n");
    if (*text) *text++ = 0;
  }
  return text;
}

// In a process of its own: .NET would be in the way of what the guest's leaves behind for the next program (signals, limits, children).
static void run_command_line(char *const head[HEAD], char *options, const char *guest, int output) {
  char *words[MOST_OPTIONS] = {head[1], head[2], "runner"};
  int n = 3;
  sigset_t none;
  sigemptyset(&none);
  for (int i = 1; i < NSIG; i++) signal(i, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (char *word = strtok(options, "\n"); word && n < MOST_OPTIONS - 3; word = strtok(NULL, "\n")) words[n++] = word;
  words[n++] = "--", words[n++] = (char *)guest;
  unsetenv("LD_PRELOAD");
  setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 0);
  int input = open("/dev/null", O_RDONLY);
  dup2(output, 1);
  dup2(input, 0);
  close_range(3, ~0u, 0); // the guest's, of which there may be no more than a few
  execv(words[0], words);
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
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  while (file >= 0 && flock(file, LOCK_EX) && errno == EINTR) continue;
  return file;
}

static int follow(const char *guest, char **words) {
  static char asked[MOST], text[MOST], lines[MOST], options[MOST], made[PATH_MAX];
  char *head[HEAD];
  const char *all = variable("EMU_FOLLOW");
  if (strlen(all) < MOST) strcpy(options, cut(strcpy(lines, all), head));
  setenv("EMU_CACHE", head[3], 0);
  bool asks = question(head[2], guest, all, asked);
  const char *runner = asks ? answer(asked, text) : NULL;
  if (!runner) {
    int locked = lock_cache(variable("EMU_CACHE"));
    runner = asks ? answer(asked, text) : NULL;
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

int main(int count, char **words) {
  static char asked[MOST], text[MOST], found[PATH_MAX];
  unsetenv("EMU_ASKED");
  if (getenv("EMU_EXEC") && getenv("EMU_FOLLOW")) return follow(getenv("EMU_EXEC"), words);
  if (count > 5 && !strcmp(words[3], "run") && !strcmp(words[4], "--") && getenv("EMU_START") && question(words[2], words[5], "", asked)) {
    const char *runner = answer(asked, text);
    if (runner) {
      restore_variables();
      find_command(words[5], found);
      setenv("EMU_EXECFN", found, 1);
      execv(runner, words + 5);
    }
    setenv("EMU_ASKED", asked, 1);
  }
  execv(words[1], words + 1);
  perror("emu: cannot start .NET");
  return 1;
}
