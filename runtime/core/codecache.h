// Owns what the files about code translated at run time say to each other.
#ifndef EMU_CODECACHE_H
#define EMU_CODECACHE_H

#include "emu.h"
#include "fallback.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// guestcode.c: where the guest may execute, and which of its pages are watched.
void guest_code_begin(uint64_t from, uint64_t to, bool executable, bool writable); // the image's, in its order, before the guest starts
bool guest_executable(uint64_t address);
bool guest_executable_range(uint64_t from, uint64_t size);
uint64_t guest_code_protection(uint64_t address); // of executable memory, PROT_NONE elsewhere; within such a call
int guest_protection(uint64_t at, uint64_t *to); // what the guest may do besides what the host may; *to is lowered to where that changes
// A call that changes mappings, and what it does there: nobody translates code or watches pages in between.
void guest_mapping_begins(void);
void guest_mapping_ends(void);
void guest_mapped(uint64_t from, uint64_t size, uint64_t protection); // another mapping is there now; PROT_NONE: or none
void guest_protected(uint64_t from, uint64_t size, uint64_t protection);
void guest_changed(uint64_t from, uint64_t size); // other contents, same protection
void guest_moves(uint64_t from, uint64_t size); // the pages there are about to be somewhere else
void guest_writable_now(void); // some mapping became writable: it may be another one of a page with code
bool guest_stored(uint64_t address);                 // a store faulted; true: because of the watch, do it again
bool guest_watch_is_full(void);                      // there may be no room for what the next region needs
bool guest_watches(void);                            // whether there is a page that is watched
bool guest_unwatch(uint64_t from, uint64_t size);    // somebody is about to write there; false: it was not watched
enum page_state guest_page(uint64_t page, uint8_t bytes[4096]); // write-protects a writable one first
uint64_t guest_changes(void); // so many times watched code changed
// A region is valid from now on, and its pages are watched for it. False: code has changed since; ask again.
bool guest_code_used(const struct region *region, uint64_t since);
void guest_forget_all(void); // no region translated at run time is valid any more
void guest_forget_pages(void); // and no page is watched
void guest_seal(bool protects); // mappings may not be looked at any more, nor, unless it protects, pages be watched

void guest_written_unseen(void); // from now on the kernel may write to memory and files at any time: no page is watched, code compares its bytes

// writers.c: what changes code besides stores.
void writers_mapped(uint64_t at, const uint64_t mmap_args[6]);
void writers_unmapped(uint64_t from, uint64_t size);
void writers_moved(uint64_t from, uint64_t to, uint64_t size);
void writers_protected(uint64_t from, uint64_t size, uint64_t protection);
bool writers_may_change(uint64_t address);       // whether there is a file there that somebody may write to
void writers_opened(int file, uint64_t flags);
long writers_call(long number, const uint64_t args[6]);   // one that writes to a file or to memory
void writers_before(long number, const uint64_t args[6]); // a call that gives what the kernel has only once: it must not fail for a watched page

// alias.c: tells every writable place where a page of a shared mapping is mapped as well.
enum sharing { PRIVATE, SHARED, SHARING_UNKNOWN };
enum sharing aliases_of(uint64_t page, void (*tell)(uint64_t alias, void *with), void *with);
bool aliases_each_shared(void (*tell)(uint64_t from, uint64_t to)); // all shared mappings; false: they are not known

// codecache.c: the regions that are valid in this process.
bool cache_map(int memory, uint64_t bytes);
uint64_t cache_size(void);
uint64_t cache_base(void);
uint64_t cache_cells_base(void);
struct service_notes *cache_notes(void);
struct cache_header *cache_header(void);
const struct region *cache_find(uint64_t pc); // only a valid one
const struct region *cache_find_step(uint64_t pc); // of the one instruction
void cache_add(const struct region *region);
void cache_withdraw(uint32_t id);
void cache_forget_all(void);
void cache_clear(void); // nobody is in it
bool cache_may_remember(uint64_t pc);
void cache_remember(uint64_t pc, void *host); // in the table that regions of the cache probe
bool cache_holds(uint64_t host_pc);
const struct region *cache_region_of(uint64_t host_pc);
bool cache_is_stale(uint64_t host_pc); // whether code there was made from guest code that is another one now
enum { CACHE_SIZE = 256 << 20, CELLS_SIZE = CACHE_CHUNKS << 20 };

// Entries of the two tables that generated code probes inline. It compares PCs alone, and PC 0 is looked for in the first place: a null function
// pointer must not be found where nothing is. Other PCs than those of code stand for what is not there, each in a place where it is not looked for.
static const uint64_t ENTRY_ASIDE = 1ull << 63, ENTRY_FREE_FIRST = ENTRY_ASIDE | 16, ENTRY_FORGOTTEN = ENTRY_ASIDE, ENTRY_FORGOTTEN_FIRST = ENTRY_ASIDE | 32;
static inline void entry_free_first(struct emu_entry *table) { table->pc = ENTRY_FREE_FIRST; }
static inline bool entry_is_free(const struct emu_entry *at) { return !at->pc || at->pc == ENTRY_FREE_FIRST; }
static inline void entry_forget(struct emu_entry *at, const struct emu_entry *table) {
  if (!entry_is_free(at)) at->pc = at == table ? ENTRY_FORGOTTEN_FIRST : ENTRY_FORGOTTEN;
}

// cells.c: counters of regions translated at run time.
void cells_use(const struct region *region, bool is_new);
void cells_prepare(void); // for regions to come, as nothing can be mapped later
void cells_clear(void); // the cache is another one

// fallback.c: the service. NULL: no code there.
void service_note_environment(void); // before the guest can change it
void fallback_prepare(void); // it is started if it is not there, as later it could not be
void fallback_before_child(void); // a process with a copy of this one's memory is about to be made
bool fallback_is_prepared(void);
bool fallback_seal(void);    // it is reached without a system call from now on, and so are counters; false: it cannot be
void fallback_unseal(void);  // not that, after all; or this process ends
bool fallback_shared(void); // there will be a process with this memory and other descriptors: both shall have those of the service; false: there are none left
void fallback_parted(void); // in the first one, afterwards
void fallback_forked(void); // in the child
const struct region *fallback_translate(uint64_t pc, enum purpose purpose);
bool fallback_is_full(void); // the code cache: no region is translated until
void fallback_empty(void);   // by threads without host frames, has emptied it
uint64_t fallback_emptied(void); // how often that was
// Whether the second tier has a region of a PC in one of the first; false: the service knows that it is wanted.
bool fallback_promoted(uint32_t region, uint64_t pc, bool may_be_new);
void fallback_keep_registers(void); // from now on they must be known where code faults
void fallback_say_statistics(void); // with EMU_STATS=1

// dispatch.c
void regions_withdraw(uint64_t from, uint64_t to); // those of a module: it is not there, or is another one now
void regions_revive(uint64_t from, uint64_t to);
void regions_leave_frames(void); // no host frame goes on where it is
bool regions_are_left(void);     // no other thread has host frames of before, nor will
void regions_forget_cache(void); // nothing of the image leads to the code cache
void regions_forget_image(void); // the image's code is not what was translated ahead of time any more
bool regions_of_image(void);     // whether all that was translated ahead of time is still in use

#endif
