// Owns the recognition of files that were translated ahead of time: when the guest's dynamic linker maps one, it is put where its
// code expects it. A file is the same when inode, size and times are, else when its bytes are. A changed one is never taken for it.
#include "modules.h"
#include "core.h"
#include "codecache.h"
#include "sandbox.h"
#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { MOST_MODULES = 1024 };

static enum { ABSENT, PLACED, LIVE, WITHDRAWN } states[MOST_MODULES];

static size_t count(void) { return (size_t)(emu_modules_end - emu_modules); }

// The same as FileIdentity.HashOf (translator/Emu.Translator/Linking/FileIdentity.cs).
static uint64_t hash_of(const uint8_t *bytes, uint64_t size) {
  uint64_t hash = size;
  for (uint64_t at = 0; at < size; at += 8) {
    uint64_t word = 0;
    memcpy(&word, bytes + at, size - at < 8 ? size - at : 8);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  return hash;
}

static bool same_bytes(const struct emu_module *module, int file) {
  long at = raw(SYS_mmap, 0, module->size, PROT_READ, MAP_PRIVATE, (uint64_t)file, 0);
  if (at < 0 && at > -PAGE) return false;
  bool same = hash_of((const uint8_t *)at, module->size) == module->hash;
  RAW2(SYS_munmap, at, module->size);
  return same;
}

static uint64_t nanoseconds(struct timespec t) { return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec; }

static bool is(const struct emu_module *module, int file, const struct stat *now) {
  if (!S_ISREG(now->st_mode) || (uint64_t)now->st_size != module->size) return false;
  bool untouched = now->st_dev == module->device && now->st_ino == module->inode &&
                   nanoseconds(now->st_mtim) == module->modified && nanoseconds(now->st_ctim) == module->changed;
  return untouched || same_bytes(module, file);
}

static const struct emu_module *module_of(int file) {
  struct stat now;
  if (RAW2(SYS_fstat, file, &now)) return NULL;
  const struct emu_module *found = NULL;
  for (const struct emu_module *m = emu_modules; m != emu_modules_end; m++) {
    bool own = now.st_ino == m->inode && now.st_dev == m->device;
    if ((found && !own) || !is(m, file, &now)) continue;
    if (own) return m;
    found = m;
  }
  return found;
}

static void set(const struct emu_module *module, int state) {
  int *now = (int *)&states[module - emu_modules];
  if (state == WITHDRAWN && *now != WITHDRAWN) regions_withdraw(module->from, module->to);
  if (state == LIVE && *now == WITHDRAWN) regions_revive(module->from, module->to);
  *now = state;
}

void modules_interpreter(int file) {
  struct stat now;
  bool same = !RAW2(SYS_fstat, file, &now) && is(emu_modules, file, &now);
  if (!same) say("%s is not what was translated: the fallback translates it (build the runner again)", emu_interpreter);
  set(emu_modules, same ? LIVE : WITHDRAWN);
}

// A library that is not what was translated any more is said so once: everything works, more slowly.
static void notice(int file) {
  static bool noticed[MOST_MODULES];
  char path[PATH_LENGTH];
  if (!path_of(file, path)) return;
  for (const struct emu_module *m = emu_modules; m != emu_modules_end; m++) {
    if (strcmp(path, m->path) != 0 || noticed[m - emu_modules]) continue;
    noticed[m - emu_modules] = true;
    say("%s is not what was translated: the fallback translates it (build the runner again)", m->path);
  }
}

// Where another library goes: what its path says, in each run, so that what was translated of it is found again (objects are named by
// their PCs, too). Below the highest mappings that the kernel makes, and where ThreadSanitizer expects libraries.
static uint64_t usual_place(int file) {
  const uint64_t first = 0x7e8000000000, places = 1 << 14, step = 1 << 24;
  Elf64_Ehdr head;
  char path[PATH_LENGTH];
  if (RAW4(SYS_pread64, file, &head, sizeof head, 0) != sizeof head || memcmp(head.e_ident, ELFMAG, SELFMAG) || head.e_type != ET_DYN || !path_of(file, path)) return 0;
  return first + hash_of((const uint8_t *)path, strlen(path)) % places * step;
}

// The dynamic linker's first mapping of a library is all of it, anywhere (elf/dl-map-segments.h of glibc, ldso/dynlink.c of musl).
uint64_t modules_place(const uint64_t args[6]) {
  if (args[0] || args[5] || args[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | MAP_SHARED) || !count() || !sandbox_may(NEED_FILES)) return 0;
  const struct emu_module *module = module_of((int)args[4]);
  if (!module) notice((int)args[4]);
  if (!module) return usual_place((int)args[4]);
  if (states[module - emu_modules] == LIVE || args[1] > module->to - module->from) return 0;
  set(module, states[module - emu_modules] == WITHDRAWN ? WITHDRAWN : PLACED);
  return module->from;
}

// Whether a mapping is a module's code as it was translated.
static bool is_code_of(const struct emu_module *module, uint64_t at, const uint64_t args[6]) {
  if (args[2] & PROT_WRITE || args[3] & (MAP_SHARED | MAP_ANONYMOUS) || at > module->code || at + page_up(args[1]) < page_down(module->code_end)) return false;
  return args[5] + (module->code - at) == module->code_offset && module_of((int)args[4]) == module;
}

static bool overlaps(const struct emu_module *m, uint64_t from, uint64_t to) { return m->code < to && from < m->code_end; }

void modules_mapped(uint64_t at, const uint64_t args[6]) {
  for (const struct emu_module *m = emu_modules; m != emu_modules_end; m++)
    if (overlaps(m, at, at + args[1])) set(m, is_code_of(m, at, args) ? LIVE : WITHDRAWN);
}

void modules_changed(uint64_t from, uint64_t to, bool is_gone) {
  for (const struct emu_module *m = emu_modules; m != emu_modules_end; m++) {
    if (states[m - emu_modules] != LIVE || !overlaps(m, from, to)) continue;
    set(m, WITHDRAWN);
    if (!is_gone) regions_leave_frames();
  }
}

const struct emu_module *modules_at(uint64_t pc) {
  for (const struct emu_module *m = emu_modules; m != emu_modules_end; m++)
    if (states[m - emu_modules] != ABSENT && pc >= m->from && pc < m->to) return m;
  return NULL;
}
