// Owns what passes are told besides the guest's code: signals, modules, threads. Each is a region that the translator adds when a pass
// watches it (Emu.Instrumentation/Insertion/Event.cs); its registers are the guest's, its operands are in emu_state.event.
#include "core.h"
#include "modules.h"
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

extern const char on_signal[] __asm__("emu_r_1") __attribute__((weak)), on_module_load[] __asm__("emu_r_2") __attribute__((weak)),
    on_module_unload[] __asm__("emu_r_3") __attribute__((weak)), on_thread_start[] __asm__("emu_r_4") __attribute__((weak)),
    on_thread_exit[] __asm__("emu_r_5") __attribute__((weak));

static const char *const regions[] = {NULL, on_signal, on_module_load, on_module_unload, on_thread_start, on_thread_exit};

bool event_watched(enum event event) { return regions[event]; }

void event_happens(enum event event, uint64_t a, uint64_t b, uint64_t c) {
  struct emu_state *s = &emu_state;
  if (!event_watched(event)) return;
  uint64_t rip = s->rip;
  memcpy(s->event, (const uint64_t[]){a, b, c, rip}, sizeof s->event);
  emu_enter((void *)regions[event]);
  s->rip = rip;
}

// --- Modules: files with code ---------------------------------------------------------------------------------------------------

enum { MOST = 1024 };

static struct loaded {
  uint64_t from, to; // to = 0: free
  char path[PATH_LENGTH];
} modules[MOST];
static size_t loaded; // places that were used

static bool watched(void) { return event_watched(EVENT_MODULE_LOAD) || event_watched(EVENT_MODULE_UNLOAD); }

static struct loaded *free_place(void) {
  for (size_t i = 0; i < loaded; i++)
    if (!modules[i].to) return &modules[i];
  return loaded < MOST ? &modules[loaded++] : NULL;
}

static void load(uint64_t from, uint64_t to, const char *path) {
  lock(LOCK_MODULES);
  struct loaded *place = free_place();
  if (place) {
    place->from = from, place->to = to;
    strncpy(place->path, path, PATH_LENGTH - 1);
  }
  unlock(LOCK_MODULES);
  if (!place) return say("more than %u files with code: passes are not told of %s", (uint64_t)MOST, path);
  event_happens(EVENT_MODULE_LOAD, from, to - from, (uint64_t)place->path);
}

void events_begin(const struct image *image) {
  if (watched() && image->code) load(image->code, image->code_end, emu_image_name);
  if (watched() && image->interpreter) load(page_down(emu_modules->code), page_up(emu_modules->code_end), emu_modules->path);
  thread_begins();
}

void event_mapped(uint64_t at, const uint64_t args[6]) {
  char path[PATH_LENGTH];
  event_unmapping(at, args[1]); // what was there before
  if (!watched() || !(args[2] & PROT_EXEC) || args[3] & MAP_ANONYMOUS || !path_of((int)args[4], path)) return;
  load(at, page_up(at + args[1]), path);
}

// A file is gone with the first page of its code.
static bool take_gone(uint64_t from, uint64_t size, struct loaded *gone) {
  bool found = false;
  lock(LOCK_MODULES);
  for (size_t i = 0; i < loaded && !found; i++) {
    if (!modules[i].to || modules[i].from < from || modules[i].from >= from + size) continue;
    *gone = modules[i];
    modules[i].to = 0;
    found = true;
  }
  unlock(LOCK_MODULES);
  return found;
}

void event_unmapping(uint64_t from, uint64_t size) {
  struct loaded gone;
  while (loaded && take_gone(from, size, &gone)) event_happens(EVENT_MODULE_UNLOAD, gone.from, gone.to - gone.from, (uint64_t)gone.path);
}
