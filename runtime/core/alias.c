// Owns the question where else a page of a shared mapping is mapped: generators of code write through one mapping and run another.
#include "core.h"
#include "codecache.h"
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

struct mapping {
  uint64_t from, to, offset, device, inode;
  bool writable, shared;
};

static uint64_t number(const char **at, unsigned base) {
  uint64_t value = 0;
  for (;; ++*at) {
    char c = **at;
    unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
    if (digit >= base) return value;
    value = value * base + digit;
  }
}

// A line of /proc/PID/maps (Documentation/filesystems/proc.rst): from-to rwxp offset major:minor inode path
static struct mapping parse(const char *line) {
  struct mapping m = {0};
  m.from = number(&line, 16), line++;
  m.to = number(&line, 16), line++;
  m.writable = line[1] == 'w', m.shared = line[3] == 's';
  line += 5;
  m.offset = number(&line, 16), line++;
  m.device = number(&line, 16) << 32, line++;
  m.device |= number(&line, 16), line++;
  m.inode = number(&line, 10);
  return m;
}

static void each_mapping(void (*see)(struct mapping, void *), void *with) {
  static char text[8192];
  size_t have = 0;
  long file = RAW3(SYS_open, "/proc/thread-self/maps", O_RDONLY | O_CLOEXEC, 0), got;
  while (file >= 0 && (got = RAW3(SYS_read, file, text + have, sizeof text - 1 - have)) > 0) {
    have += (size_t)got;
    text[have] = 0;
    char *line = text, *end;
    for (; (end = strchr(line, '\n')); line = end + 1) see(parse(line), with);
    have -= (size_t)(line - text);
    memmove(text, line, have);
  }
  if (file >= 0) RAW1(SYS_close, file);
}

struct search {
  uint64_t page;
  struct mapping found;
  void (*tell)(uint64_t alias, void *with);
  void *with;
};

static void find(struct mapping m, void *with) {
  struct search *s = with;
  if (s->page >= m.from && s->page < m.to) s->found = m;
}

static void compare(struct mapping m, void *with) {
  struct search *s = with;
  uint64_t place = s->page - s->found.from + s->found.offset;
  if (!m.shared || m.device != s->found.device || m.inode != s->found.inode || place < m.offset || place >= m.offset + (m.to - m.from)) return;
  uint64_t alias = m.from + place - m.offset;
  if (alias != s->page && m.writable) s->tell(alias, s->with);
}

bool aliases_of(uint64_t page, void (*tell)(uint64_t alias, void *with), void *with) {
  struct search s = {.page = page, .tell = tell, .with = with};
  each_mapping(find, &s);
  if (!s.found.shared) return false;
  each_mapping(compare, &s);
  return true;
}
