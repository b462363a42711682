// Owns the question where else a page of a shared mapping is mapped: generators of code write through one mapping and run another.
#include "core.h"
#include "codecache.h"
#include "maps.h"

struct search {
  uint64_t page;
  struct mapping found;
  void (*tell)(uint64_t alias, void *with);
  void *with;
};

static void find(const char *line, void *with) {
  struct mapping m = mapping_of(line);
  struct search *s = with;
  if (s->page >= m.from && s->page < m.to) s->found = m;
}

static void compare(const char *line, void *with) {
  struct mapping m = mapping_of(line);
  struct search *s = with;
  uint64_t place = s->page - s->found.from + s->found.offset;
  if (!m.shared || m.major != s->found.major || m.minor != s->found.minor || m.inode != s->found.inode || place < m.offset || place >= m.offset + (m.to - m.from)) return;
  uint64_t alias = m.from + place - m.offset;
  if (alias != s->page && m.writable) s->tell(alias, s->with);
}

static const char maps[] = "/proc/thread-self/maps";

enum sharing aliases_of(uint64_t page, void (*tell)(uint64_t alias, void *with), void *with) {
  struct search s = {.page = page, .tell = tell, .with = with};
  if (!each_line(maps, find, &s)) return SHARING_UNKNOWN;
  if (!s.found.shared) return PRIVATE;
  each_line(maps, compare, &s);
  return SHARED;
}

static void note_shared(const char *line, void *with) {
  struct mapping m = mapping_of(line);
  if (m.shared) ((void (*)(uint64_t, uint64_t))with)(m.from, m.to);
}

bool aliases_each_shared(void (*tell)(uint64_t from, uint64_t to)) { return each_line(maps, note_shared, (void *)tell); }
