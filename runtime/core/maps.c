// Owns reading what the kernel says of the mappings of this process.
#include "core.h"
#include "maps.h"
#include "sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

static uint64_t number(const char **at, unsigned base) {
  uint64_t value = 0;
  for (;; ++*at) {
    char c = **at;
    unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
    if (digit >= base) return value;
    value = value * base + digit;
  }
}

struct mapping mapping_of(const char *line) {
  struct mapping m = {0};
  m.from = number(&line, 16);
  if (*line++ != '-') return (struct mapping){0};
  m.to = number(&line, 16);
  if (*line++ != ' ') return (struct mapping){0};
  m.readable = line[0] == 'r', m.writable = line[1] == 'w', m.executable = line[2] == 'x', m.shared = line[3] == 's';
  line += 5;
  m.offset = number(&line, 16), line++;
  m.major = number(&line, 16), line++;
  m.minor = number(&line, 16), line++;
  m.inode = number(&line, 10);
  m.name = line + strspn(line, " ");
  return m;
}

static int proc = -1; // the folder, where the guest may have another root

void maps_keep_reach(void) {
  if (proc >= 0) return;
  long folder = RAW3(SYS_open, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  if (folder >= 0) proc = descriptor_own((int)folder);
}

static long open_file(const char *path) {
  if (!sandbox_may(NEED_FILES)) return -EACCES;
  if (proc < 0) return RAW3(SYS_open, path, O_RDONLY | O_CLOEXEC, 0);
  return RAW4(SYS_openat, proc, path + strlen("/proc/"), O_RDONLY | O_CLOEXEC, 0);
}

bool each_line(const char *path, void (*see)(const char *line, void *with), void *with) {
  char text[8192];
  size_t have = 0;
  long file = open_file(path), got;
  while (file >= 0 && (got = RAW3(SYS_read, file, text + have, sizeof text - 1 - have)) > 0) {
    have += (size_t)got;
    text[have] = 0;
    char *line = text, *end;
    for (; (end = strchr(line, '\n')); line = end + 1) {
      *end = 0;
      see(line, with);
    }
    have -= (size_t)(line - text);
    memmove(text, line, have);
  }
  if (file >= 0) RAW1(SYS_close, file);
  return file >= 0;
}

struct gap {
  uint64_t limit, size, last, at;
};

static void see_gap(struct gap *g, uint64_t to) {
  if (to > g->limit) to = g->limit;
  if (to > g->last && to - g->last >= g->size) g->at = to - g->size;
}

static void find_gap(const char *line, void *with) {
  struct mapping m = mapping_of(line);
  see_gap(with, m.from);
  ((struct gap *)with)->last = m.to;
}

uint64_t gap_below(uint64_t limit, uint64_t size) {
  static const uint64_t LOWEST = 1 << 20; // above vm.mmap_min_addr
  struct gap g = {.limit = limit, .size = size, .last = LOWEST};
  each_line("/proc/self/maps", find_gap, &g);
  see_gap(&g, limit);
  return g.at;
}
