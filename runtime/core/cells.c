// Owns the counters of regions that were translated at run time: cells in chunks of the data file, whose keys lie before them.
#include "core.h"
#include "codecache.h"
#include "data.h"
#include "sandbox.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static bool mapped[CACHE_CHUNKS]; // in this process and, by fork, its children
static struct data_chunk *kept_names; // NULL: they are mapped where there are some

static uint8_t *chunk(uint32_t n) { return (uint8_t *)cache_cells_base() + ((uint64_t)n << 20); }

static void map_chunk(uint32_t n) {
  uint64_t *offset = &cache_header()->chunk_offset[n];
  bool fresh = !*offset;
  if (!sandbox_may(NEED_MAP)) fail("no room for more counters: the guest has forbidden itself to map memory");
  if (fresh && !data_new_chunk(offset)) fail("the data file cannot grow: no room for more counters");
  long at = raw(SYS_mmap, (uint64_t)chunk(n), DATA_CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, (uint64_t)data_file(), *offset);
  if (at != (long)chunk(n)) fail("the data file cannot be mapped: %s", strerror((int)-at));
  if (fresh) memcpy(chunk(n), "EMUCELLS", 8);
  mapped[n] = true;
}

void cells_clear(void) {
  memset(mapped, 0, sizeof mapped);
  kept_names = NULL;
}

static struct data_chunk *map_names(void) {
  uint64_t *offset = &cache_header()->names_offset;
  bool fresh = !*offset;
  if (fresh && !data_new_chunk(offset)) return NULL;
  long at = raw(SYS_mmap, 0, DATA_CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, (uint64_t)data_file(), *offset);
  if (at < 0 && at > -PAGE) return NULL;
  struct data_chunk *head = (struct data_chunk *)at;
  if (fresh) memcpy(head->magic, "EMUNAMES", 8);
  return head;
}

void cells_prepare(void) {
  enum { AHEAD = 8 };
  if (!data_header || kept_names) return;
  uint32_t from = 0;
  while (from < CACHE_CHUNKS && mapped[from]) from++;
  for (uint32_t n = from; n < from + AHEAD && n < CACHE_CHUNKS; n++)
    if (!mapped[n]) map_chunk(n);
  kept_names = map_names();
  if (kept_names) memory_protect_runner((uint64_t)kept_names, (uint64_t)kept_names + DATA_CHUNK);
}

// Names that passes gave to keys of new regions. When the chunk is full, reports show numbers.
static void add_names(const void *names, uint64_t size) {
  struct data_chunk *head = kept_names ? kept_names : map_names();
  if (!head) return;
  if (size <= DATA_CHUNK - sizeof *head - head->used) {
    memcpy((uint8_t *)(head + 1) + head->used, names, size);
    head->used += size;
  }
  if (!kept_names) RAW2(SYS_munmap, head, DATA_CHUNK);
}

void cells_use(const struct region *region, bool is_new) {
  if (!data_header) return;
  if (is_new && region->names_size) add_names((const void *)region->names, region->names_size);
  if (!region->cells) return;
  uint32_t n = region->first_cell / CELLS_PER_CHUNK, first = region->first_cell % CELLS_PER_CHUNK;
  if (!mapped[n]) map_chunk(n);
  struct data_chunk *head = (struct data_chunk *)chunk(n);
  memcpy(chunk(n) + sizeof *head + first * sizeof(struct emu_key), (const void *)region->keys, region->cells * sizeof(struct emu_key));
  if (head->used < first + region->cells) head->used = first + region->cells;
}
