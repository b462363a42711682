// Owns the files of /proc/self that would show the runner: maps, smaps, auxv, environ. What the guest opens is a copy, made at that
// moment, that says what it would if the kernel had executed the guest's file.
#include "core.h"
#include "codecache.h"
#include "maps.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

// --- Text to a file -----------------------------------------------------------------------------------------------------------

struct text {
  int file;
  size_t used;
  char room[8192];
};

static void flush(struct text *to) {
  RAW3(SYS_write, to->file, to->room, to->used);
  to->used = 0;
}

static void put(struct text *to, const char *from, size_t size) {
  if (to->used + size > sizeof to->room) flush(to);
  if (size > sizeof to->room) return;
  memcpy(to->room + to->used, from, size);
  to->used += size;
}

static void put_string(struct text *to, const char *string) { put(to, string, strlen(string)); }

static void put_number(struct text *to, uint64_t value, unsigned base, int digits) {
  char text[24], *end = text + sizeof text, *at = end;
  do *--at = "0123456789abcdef"[value % base];
  while ((value /= base) || end - at < digits);
  put(to, at, (size_t)(end - at));
}

// --- maps, smaps ---------------------------------------------------------------------------------------------------------------

struct view {
  struct text to;
  bool has_details;           // smaps
  bool shown;                 // whether something of the kernel's last mapping is
  struct mapping last;        // what is put in full when the next one does not go on with it
  bool last_writable_by_host;
  char last_name[PATH_LENGTH], runner[PATH_LENGTH];
  struct stat guest;          // its file
};

// show_map_vma in fs/proc/task_mmu.c: names begin in one column.
static void put_mapping(struct text *to, const struct mapping *m) {
  enum { LINE = 128, NAMES = 73 };
  if (sizeof to->room - to->used < LINE) flush(to);
  size_t start = to->used;
  put_number(to, m->from, 16, 8), put_string(to, "-"), put_number(to, m->to, 16, 8);
  const char flags[] = {' ', m->readable ? 'r' : '-', m->writable ? 'w' : '-', m->executable ? 'x' : '-', m->shared ? 's' : 'p', ' '};
  put(to, flags, sizeof flags);
  put_number(to, m->offset, 16, 8), put_string(to, " ");
  put_number(to, m->major, 16, 2), put_string(to, ":"), put_number(to, m->minor, 16, 2), put_string(to, " ");
  put_number(to, m->inode, 10, 1), put_string(to, " ");
  while (*m->name && to->used - start < NAMES) put_string(to, " ");
  put_string(to, m->name), put_string(to, "\n");
}

static void put_last(struct view *v) {
  if (!v->last.to) return;
  put_mapping(&v->to, &v->last);
  if (v->has_details) put_string(&v->to, "Size:           "), put_number(&v->to, (v->last.to - v->last.from) >> 10, 10, 1), put_string(&v->to, " kB\n");
  v->last.to = 0;
}

// What the core's watch over stores made two mappings is one.
static bool goes_on(const struct view *v, const struct mapping *m, bool writable_by_host) {
  const struct mapping *l = &v->last;
  return l->to == m->from && v->last_writable_by_host != writable_by_host && !v->has_details && l->readable == m->readable &&
         l->writable == m->writable && l->executable == m->executable && l->shared == m->shared && l->major == m->major &&
         l->minor == m->minor && l->inode == m->inode && l->offset + (m->inode ? l->to - l->from : 0) == m->offset && !strcmp(l->name, m->name);
}

static void show(struct view *v, const struct mapping *m, bool writable_by_host) {
  bool more = goes_on(v, m, writable_by_host);
  v->shown = true, v->last_writable_by_host = writable_by_host;
  if (more) {
    v->last.to = m->to;
    return;
  }
  put_last(v);
  v->last = *m;
  v->last.name = strcpy(v->last_name, m->name);
}

// The guest's parts of one of the kernel's mappings.
static void show_parts(struct view *v, const struct mapping *m) {
  for (struct mapping part = *m; part.from < m->to; part.from = part.to) {
    part.to = m->to;
    enum owner owner = memory_owner(part.from, &part.to);
    int more = guest_protection(part.from, &part.to);
    part.name = owner == OWNER_BREAK && !m->inode ? "[heap]" : m->name;
    part.executable = more & PROT_EXEC, part.writable = m->writable || more & PROT_WRITE;
    part.offset = m->offset + (m->inode ? part.from - m->from : 0);
    if (owner != OWNER_RUNNER) show(v, &part, m->writable);
  }
}

static void see_mapping(const char *line, void *with) {
  struct view *v = with;
  struct mapping m = mapping_of(line);
  if (!m.to) { // a detail
    put_last(v);
    if (v->shown && strncmp(line, "Size:", 5)) put_string(&v->to, line), put_string(&v->to, "\n");
    return;
  }
  v->shown = false;
  if (!strncmp(m.name, "[vvar", 5) || !strcmp(m.name, "[vdso]")) return; // stack.c says why the guest has none
  if (!strcmp(m.name, "[vsyscall]")) return show(v, &m, m.writable);
  if (!strcmp(m.name, v->runner)) { // its own parts are left out
    m.name = emu_image_name, m.offset -= image_offset();
    m.major = major(v->guest.st_dev), m.minor = minor(v->guest.st_dev), m.inode = v->guest.st_ino;
  }
  show_parts(v, &m);
}

static void write_mappings(int file, const char *path) {
  struct view v = {.to.file = file, .has_details = strstr(path, "smaps")};
  RAW3(SYS_readlink, "/proc/thread-self/exe", v.runner, PATH_LENGTH - 1);
  RAW2(SYS_stat, emu_image_name, &v.guest);
  each_line(path, see_mapping, &v);
  put_last(&v);
  flush(&v.to);
}

// --- auxv, environ ---------------------------------------------------------------------------------------------------------------

static void write_auxiliary(int file, const char *path) {
  (void)path;
  size_t size;
  const void *vector = stack_auxiliary(&size);
  RAW3(SYS_write, file, vector, size);
}

// The strings that the kernel shows, without the runner's own. (Where the guest has put something else there, they are none.)
static void write_environment(int file, const char *path) {
  struct text to = {.file = file};
  char some[4096];
  long got, from = RAW3(SYS_open, path, O_RDONLY | O_CLOEXEC, 0);
  bool starts = true, hidden = false;
  char start[4];
  size_t length = 0;
  while (from >= 0 && (got = RAW3(SYS_read, from, some, sizeof some)) > 0)
    for (char *at = some; at < some + got; at++) {
      if (starts && length < sizeof start) {
        start[length++] = *at;
        if (length < sizeof start && *at) continue;
        starts = false, hidden = length == sizeof start && !memcmp(start, "EMU_", 4);
        if (!hidden) put(&to, start, length);
      } else if (!hidden) {
        put(&to, at, 1);
      }
      if (!*at) starts = true, length = 0;
    }
  flush(&to);
  if (from >= 0) RAW1(SYS_close, from);
}

// --- Which file ------------------------------------------------------------------------------------------------------------------

static const struct {
  const char *name;
  void (*write)(int file, const char *path);
} views[] = {{"maps", write_mappings}, {"smaps", write_mappings}, {"auxv", write_auxiliary}, {"environ", write_environment}};
enum { VIEWS = sizeof views / sizeof *views, NONE = VIEWS };

static size_t view_of(const char *path) {
  size_t n = 0;
  while (n < VIEWS && !names_own(path, views[n].name)) n++;
  return n;
}

bool view_is_named(const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  size_t n = 0;
  while (n < VIEWS && strcmp(name, views[n].name)) n++;
  return n != NONE;
}

// The copy takes the descriptor's place, as it was opened.
static long show_instead(long file, const char *path, size_t view, uint64_t flags) {
  long memory = RAW2(SYS_memfd_create, views[view].name, MFD_CLOEXEC);
  if (memory < 0) return memory;
  views[view].write((int)memory, path);
  char own[PATH_LENGTH];
  descriptor_path((int)memory, own);
  long copy = RAW3(SYS_open, own, flags & ~(uint64_t)(O_CREAT | O_EXCL | O_NOFOLLOW | O_DIRECTORY), 0);
  long result = copy < 0 ? copy : RAW3(SYS_dup3, copy, file, flags & O_CLOEXEC);
  if (copy >= 0) RAW1(SYS_close, copy);
  RAW1(SYS_close, memory);
  return result;
}

long view_opened(long file, uint64_t flags) {
  char path[PATH_LENGTH];
  if (file < 0 || flags & (O_ACCMODE | O_PATH) || !path_of((int)file, path)) return file;
  size_t view = view_of(path);
  if (view == NONE) return file;
  long result = show_instead(file, path, view, flags);
  if (result < 0) RAW1(SYS_close, file);
  return result;
}
