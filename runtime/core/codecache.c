// Owns the regions that were translated at run time: the mapping they lie in, and which of them are valid in this process. The
// mapping is shared with forked children and the service; what is valid is each process's own (their memories part at the fork).
#include "core.h"
#include "codecache.h"
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { MOST_REGIONS = 1 << 18, PLACES = 1 << 19, NONE = 0, VALID = 1, RETIRED = 2, FIRST_HEAT = 1000, HEAT = 4000 };
enum { NOTES_OFFSET = CACHE_SIZE + CELLS_SIZE, RESERVED = NOTES_OFFSET + NOTES_ROOM }; // from the cache's base

// A region with the same pc as another: versions of code that changed. Index: the region's id.
static struct known {
  const struct region *region;
  uint32_t next;
  uint64_t promotions; // how many there were when it was last asked whether one is of this
} known[MOST_REGIONS];

static struct place {
  uint64_t pc;
  uint32_t first;
} places[PLACES];

// Read by regions at their entry and after calls: 0 means look the PC up again; 2 that who enters should: there is a better one.
uint8_t emu_valid[MOST_REGIONS];

// What is left, negative, until a region of the first tier asks for a better one (emu_hot).
int32_t emu_heat[MOST_REGIONS];

// What regions translated at run time probe inline, as emu_dispatch_table for those of before. Never emptied, and a place never
// changes its PC: another thread may be between its two loads.
struct emu_entry emu_dynamic_table[1 << 16] __attribute__((aligned(64)));

static uint64_t base, size;
static uint32_t newest;

uint64_t cache_base(void) { return base; }
uint64_t cache_cells_base(void) { return base + CACHE_SIZE; }
uint64_t cache_size(void) { return size; }
struct service_notes *cache_notes(void) { return (struct service_notes *)(base + NOTES_OFFSET); }
struct cache_header *cache_header(void) { return (struct cache_header *)base; }
bool cache_holds(uint64_t host_pc) { return base && host_pc - base < CACHE_SIZE; }

// Below 2 GiB, as the runner's own code and data: addresses fit immediates.
static uint64_t reserve(uint64_t size) {
  for (uint64_t at = 0x7e000000 - size; at > 0x1000000; at -= 0x1000000) {
    long got = raw(SYS_mmap, at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, (uint64_t)-1, 0);
    if (got == (long)at) return at;
  }
  return 0;
}

bool cache_map(int memory, uint64_t bytes) {
  uint64_t at = base ? base : reserve(RESERVED);
  if (!at) return false;
  if (!base) memory_protect_runner(at, at + RESERVED), entry_free_first(emu_dynamic_table);
  size = bytes;
  long code = raw(SYS_mmap, at, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, (uint64_t)memory, 0);
  long header = raw(SYS_mmap, at, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, (uint64_t)memory, 0);
  long notes = raw(SYS_mmap, at + NOTES_OFFSET, NOTES_ROOM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, (uint64_t)memory, size);
  if (code != (long)at || header != (long)at || notes != (long)(at + NOTES_OFFSET)) return false;
  RAW3(SYS_madvise, at, size, MADV_DONTDUMP); // a core dump is of the guest
  base = at;
  return true;
}

static struct place *place_of(uint64_t pc) {
  uint64_t at = (pc * 0x9e3779b97f4a7c15u) >> 45;
  while (places[at].pc && places[at].pc != pc) at = (at + 1) % PLACES;
  return &places[at];
}

static bool same_bytes(const struct region *region) {
  for (uint32_t i = 0; i < region->ranges; i++) {
    const struct code_range *range = &region->range[i];
    uint8_t now[4096];
    for (uint32_t done = 0; done < range->size; done += sizeof now) {
      size_t size = range->size - done < sizeof now ? range->size - done : sizeof now;
      if (!copy_in(now, range->from + done, size)) return false;
      if (memcmp(now, (const uint8_t *)region + range->bytes + done, size) != 0) return false;
    }
  }
  return true;
}

static const struct region *find(uint64_t pc, uint32_t step) {
  for (uint32_t id = place_of(pc)->first; id != NONE; id = known[id].next) {
    const struct region *region = known[id].region;
    if (emu_valid[id] == VALID && (region->flags & REGION_STEP) == step && (!(region->flags & REGION_CHECKED) || same_bytes(region))) return region;
  }
  return NULL;
}

const struct region *cache_find(uint64_t pc) { return find(pc, 0); }
const struct region *cache_find_step(uint64_t pc) { return find(pc, REGION_STEP); }

void cache_add(const struct region *region) {
  uint32_t id = region->id;
  struct place *place = place_of(region->pc);
  if (!known[id].region) {
    known[id] = (struct known){.region = region, .next = place->first};
    __atomic_store_n(&place->first, id, __ATOMIC_RELEASE); // other threads look for it without a lock
    __atomic_store_n(&place->pc, region->pc, __ATOMIC_RELEASE);
    if (id > newest) newest = id;
    emu_heat[id] = -FIRST_HEAT;
  }
  emu_valid[id] = VALID;
}

// A better one has been added.
static void retire(uint32_t id) {
  if (emu_valid[id] == VALID) emu_valid[id] = RETIRED;
}

void *emu_hot(int32_t *heat, uint64_t pc) {
  uint32_t id = (uint32_t)(heat - emu_heat);
  *heat = -HEAT;
  uint64_t entry = known[id].region->pc, promotions = __atomic_load_n(&cache_header()->numbers.promoted, __ATOMIC_ACQUIRE);
  bool is_new = promotions != known[id].promotions;
  known[id].promotions = promotions;
  if (emu_valid[id] == VALID && fallback_promoted(id, entry, is_new)) retire(id);
  bool leaves = emu_valid[id] == 0 || (pc == entry ? emu_valid[id] == RETIRED : fallback_promoted(id, pc, is_new));
  return leaves ? emu_lookup_everything(pc) : NULL;
}

void cache_withdraw(uint32_t id) {
  if (emu_valid[id]) cache_header()->numbers.withdrawn++;
  emu_valid[id] = 0;
}

void cache_forget_all(void) {
  for (uint32_t id = 1; id <= newest; id++) emu_valid[id] = 0;
  for (size_t i = 0; i < sizeof emu_dynamic_table / sizeof *emu_dynamic_table; i++) entry_forget(&emu_dynamic_table[i], emu_dynamic_table);
}

void cache_clear(void) {
  memset(known, 0, (newest + 1) * sizeof *known);
  memset(emu_valid, 0, newest + 1);
  memset(places, 0, sizeof places);
  memset(emu_dynamic_table, 0, sizeof emu_dynamic_table);
  entry_free_first(emu_dynamic_table);
  newest = 0;
  raw(SYS_mmap, base, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, (uint64_t)-1, 0);
}

const struct region *cache_region_of(uint64_t host_pc) {
  for (uint32_t id = 1; id <= newest; id++)
    if (known[id].region && host_pc >= known[id].region->host && host_pc < known[id].region->host_end) return known[id].region;
  return NULL;
}

bool cache_is_stale(uint64_t host_pc) {
  const struct region *region = cache_region_of(host_pc);
  return region && (!emu_valid[region->id] || (region->flags & REGION_CHECKED && !same_bytes(region)));
}

// Where the probe of the next time looks.
static struct emu_entry *entry_of(uint64_t pc) {
  uint64_t at = (pc ^ pc << 4) & (sizeof emu_dynamic_table - sizeof(struct emu_entry));
  return (struct emu_entry *)((char *)emu_dynamic_table + at);
}

bool cache_may_remember(uint64_t pc) {
  const struct emu_entry *entry = entry_of(pc);
  return entry_is_free(entry) || entry->pc == pc;
}

void cache_remember(uint64_t pc, void *host) {
  struct emu_entry *entry = entry_of(pc);
  if (!cache_may_remember(pc)) return;
  __atomic_store_n(&entry->host, host, __ATOMIC_RELEASE);
  __atomic_store_n(&entry->pc, pc, __ATOMIC_RELEASE);
}
