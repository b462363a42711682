// Owns the question which runner a command means, and the answers that the command line left in the cache (in C#: Running/Memo.cs).
// When in doubt there is no question.
#define _GNU_SOURCE
#include "launch.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_BEFORE = 8 };

// Running/Libc.cs: Stat.Signature.
static bool signature(const char *path, char text[static 200]) {
  struct stat s;
  if (stat(path, &s)) return false;
  snprintf(text, 200, "%lx:%lx:%lx:%lx.%lx:%lx.%lx", s.st_dev, s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec, s.st_ctim.tv_sec,
           s.st_ctim.tv_nsec);
  return true;
}

// Running/GuestFile.cs: a command as a shell finds it.
bool find_command(const char *name, char path[static PATH_MAX]) {
  if (strchr(name, '/')) return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX && !access(path, X_OK);
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
bool question(const char *command_line, const char *guest, const char *options, char text[static MOST]) {
  char found[PATH_MAX], real[PATH_MAX], own[PATH_MAX], is[200];
  if (!find_command(guest, found) || !realpath(found, real) || !signature(real, is) || !realpath(command_line, own)) return false;
  int size = snprintf(text, MOST, "%s\n%s\n%s\n%s\n%s\n%s\n%s%s", own, variable("EMU_CORE"), variable("EMU_FALLBACK"),
                      variable("LD_LIBRARY_PATH"), real, strrchr(found, '/') ? strrchr(found, '/') + 1 : found, is, options);
  for (const char *at = text; *at; at++)
    if (*at & 0x80) return false;
  return size < MOST;
}

// Running/CacheFolder.cs, Running/Memo.cs: FNV-1a of the question names the file. A folder that others may write to answers nothing.
static bool answer_file(const char *asked, char path[static PATH_MAX]) {
  char folder[PATH_MAX], real[PATH_MAX];
  uint64_t hash = 0xcbf29ce484222325;
  for (const char *at = asked; *at; at++) hash = (hash ^ (uint8_t)*at) * 0x100000001b3;
  const char *own = variable("EMU_CACHE"), *xdg = variable("XDG_CACHE_HOME"), *home = variable("HOME");
  char shared[40];
  snprintf(shared, sizeof shared, "/var/tmp/emu-%u", geteuid());
  const char *root = *own ? own : *xdg == '/' ? xdg : *home ? home : shared;
  const char *below = *own || root == shared ? "" : *xdg == '/' ? "/emu" : "/.cache/emu";
  return snprintf(folder, PATH_MAX, "%s%s/memo", root, below) < PATH_MAX && find_trusted(folder, real) &&
         snprintf(path, PATH_MAX, "%s/%016" PRIx64, real, hash) < PATH_MAX;
}

// One field of an answer: ">WORD" comes in front of the guest's words, "FILE SIGNATURE" must still be so.
static bool read_field(char *field, struct answer *answer) {
  char is[200], *space = strrchr(field, ' ');
  if (*field == '>') return answer->count < MOST_BEFORE && (answer->before[answer->count++] = field + 1);
  if (!space) return false;
  *space = 0;
  bool same = signature(field, is) && !strcmp(space + 1, is);
  *space = ' ';
  return same;
}

// The file's fields end with a zero each: the question, the runner, words, and every other file that the runner was made from.
bool find_answer(const char *asked, char text[static MOST], struct answer *answer) {
  static char *before[MOST_BEFORE];
  char path[PATH_MAX];
  int file = answer_file(asked, path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return false;
  ssize_t size = read(file, text, MOST - 1);
  close(file);
  if (size <= 0 || size == MOST - 1) return false;
  char *end = text + size;
  *end = 0;
  if (strcmp(text, asked)) return false;
  *answer = (struct answer){text + strlen(text) + 1, before, 0};
  if (answer->runner >= end || access(answer->runner, X_OK)) return false;
  for (char *field = (char *)answer->runner + strlen(answer->runner) + 1; field < end;) {
    char *next = field + strlen(field) + 1;
    if (!read_field(field, answer)) return false;
    field = next;
  }
  return true;
}
