// Owns the loop that keeps the guest running, and the lookup of regions: those of the image first, then those translated at run time.
#include "core.h"
#include "codecache.h"
#include "signals.h"
#include <linux/membarrier.h>
#include <signal.h>
#include <sys/syscall.h>

_Noreturn void dispatch(void);

static bool image_forgotten, some_withdrawn;
static uint64_t tellings;                // how often all host frames had to be left
static _Thread_local uint64_t followed;   // how many of them this thread has followed
static _Thread_local bool in_kernel;      // and it will before it goes on in its host frames
static uint64_t added;                    // entries of the table that lead to the code cache

// Stubs that lead to it, and what they were before.
static struct patched {
  void **place, *before;
} patched[1 << 16];
static uint32_t patches;

static struct emu_entry *first_place(uint64_t pc) {
  return (struct emu_entry *)((char *)emu_dispatch_table + ((pc ^ pc << 4) & (uint64_t)emu_dispatch_mask));
}

// The place of a PC, or the free one where it belongs.
static inline struct emu_entry *place_of(uint64_t pc) {
  const char *end = (const char *)emu_dispatch_table + (uint64_t)emu_dispatch_mask + sizeof(struct emu_entry);
  struct emu_entry *at = first_place(pc);
  while (!entry_is_free(at) && at->pc != pc)
    if ((const char *)++at == end) at = emu_dispatch_table;
  return at;
}

void dispatch_init(void) {
  entry_free_first(emu_dispatch_table);
  for (const uint64_t *root = emu_roots; root < emu_roots_end; root++)
    *place_of(*root) = (struct emu_entry){*root, (void *)(uint64_t)emu_root_regions[root - emu_roots]};
}

// Whether it is the PC's own; what is set aside or forgotten is at an address that no code has.
static inline bool is_found(const struct emu_entry *place, uint64_t pc) { return place->pc == pc && pc && !(pc & ENTRY_ASIDE); }

// The region of the image.
static void *find(uint64_t pc) {
  const struct emu_entry *at = place_of(pc);
  return is_found(at, pc) && !cache_holds((uint64_t)at->host) ? at->host : NULL;
}

// A region translated at run time, now if it must be; NULL: there is no code.
static const struct region *find_or_translate(uint64_t pc, enum purpose purpose) {
  const struct region *region = cache_find(pc);
  return region ? region : fallback_translate(pc, purpose);
}

// Regions of the image call each other without a check: all host frames are left before the guest goes on, in every thread.
void regions_leave_frames(void) {
  __atomic_fetch_add(&tellings, 1, __ATOMIC_SEQ_CST);
  threads_call_to_core();
}

bool dispatch_is_told(void) { return followed != __atomic_load_n(&tellings, __ATOMIC_SEQ_CST); }

void dispatch_thread_begins(void) { __atomic_store_n(&followed, __atomic_load_n(&tellings, __ATOMIC_SEQ_CST), __ATOMIC_RELEASE); }

void dispatch_in_kernel(bool is) { __atomic_store_n(&in_kernel, is, __ATOMIC_RELEASE); }

void dispatch_leave_frames(void) {
  if (!dispatch_is_told() && !host_stack_is_low()) return;
  dispatch_thread_begins();
  host_limit_lower();
  host_stack_restart(dispatch);
}

static bool all_left;

static void look_at(int64_t distance) {
  uint64_t has_followed = __atomic_load_n((uint64_t *)((uint64_t)&followed + (uint64_t)distance), __ATOMIC_ACQUIRE);
  bool will_follow = __atomic_load_n((bool *)((uint64_t)&in_kernel + (uint64_t)distance), __ATOMIC_ACQUIRE);
  if ((has_followed != tellings && !will_follow) || thread_shares_at(distance)) all_left = false;
}

// A thread that comes back from the kernel says so before it looks whether it is told, and fences nothing: the kernel does it for all.
bool regions_are_left(void) {
  RAW3(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
  all_left = true;
  threads_each_other(look_at);
  return all_left;
}

static uint64_t room(void) { return ((uint64_t)emu_dispatch_mask / sizeof(struct emu_entry) + 1) / 4; }

// Where there is no code, but for that of the kernel.
static void *leave(uint64_t pc) {
  emu_state.rip = pc;
  return vsyscall_is(pc) ? (void *)emu_thunk_vsyscall : (void *)emu_leave;
}

// Ahead-of-time code jumps to what it does not know with what the code that it knows may read; of the rest only r8 to r11 where the
// psABI passes something in them.
static void check_passed(const struct region *region, uint32_t refused) {
  if (!(region->flags & refused)) return;
  say("code at %@ reads flags or r11 where ahead-of-time code enters it: rebuild the runner, it is a root then", region->pc);
  process_exit(EXIT_UNTRANSLATED);
}

// Whether something waits for this thread, or the host stack ends: regions are entered through the core.
static inline bool at_limit(void) { return (uint64_t)__builtin_frame_address(0) < emu_state.host_limit; }

static void *through_core(uint64_t pc) {
  emu_state.rip = pc;
  return (void *)emu_thunk_enter;
}

// What it left for, as the cache was full.
static _Thread_local struct {
  uint64_t pc;
  uint32_t refused;
} left_for;

static void *of_ahead_of_time_code(uint64_t pc, uint32_t refused) {
  const struct region *region = find_or_translate(pc, FOR_ENTRY);
  left_for.pc = pc, left_for.refused = region ? 0 : refused;
  if (!region) return leave(pc);
  check_passed(region, refused);
  // The table is at most half full with the image's roots: some of the rest is for these.
  lock(LOCK_REGIONS);
  struct emu_entry *place = place_of(pc);
  bool is_new = entry_is_free(place);
  if (!is_new || (place == first_place(pc) && added < room()) || added < room() / 2) {
    added += is_new;
    __atomic_store_n(&place->host, (void *)region->host, __ATOMIC_RELEASE);
    __atomic_store_n(&place->pc, pc, __ATOMIC_RELEASE);
  }
  unlock(LOCK_REGIONS);
  return at_limit() ? through_core(pc) : (void *)region->host;
}

// Saves every register, as it calls C functions.
EMU_ENTRY static __attribute__((preserve_all, noinline)) void *look_further(uint64_t pc) { return of_ahead_of_time_code(pc, REGION_READS_UNPASSED); }
EMU_ENTRY static __attribute__((preserve_all, noinline)) void *look_for_called(uint64_t pc) { return of_ahead_of_time_code(pc, REGION_TAKES_UNPASSED); }

static void *of_any_code(uint64_t pc) {
  void *host = find(pc);
  const struct region *region = host ? NULL : find_or_translate(pc, FOR_ENTRY);
  if (!host && !region) return leave(pc);
  if (!cache_may_remember(pc)) return host ? host : (void *)region->host;
  lock(LOCK_REGIONS);
  if (host) host = find(pc); // it may have been given up meanwhile
  if (host || region) cache_remember(pc, host ? host : (void *)region->host);
  unlock(LOCK_REGIONS);
  return host ? host : region ? (void *)region->host : of_any_code(pc);
}

// NULL: the table has none. One of the cache asks itself whether it is valid.
static inline void *in_table(uint64_t pc) {
  const struct emu_entry *place = place_of(pc);
  return !is_found(place, pc) ? NULL : at_limit() ? through_core(pc) : place->host;
}

__attribute__((preserve_all)) void *emu_lookup(uint64_t pc) {
  void *host = in_table(pc);
  if (host) return host;
  __attribute__((musttail)) return look_further(pc);
}

__attribute__((preserve_all)) void *emu_lookup_called(uint64_t pc) {
  void *host = in_table(pc);
  if (host) return host;
  __attribute__((musttail)) return look_for_called(pc);
}

__attribute__((preserve_all)) void *emu_lookup_everything(uint64_t pc) {
  return at_limit() ? through_core(pc) : of_any_code(pc);
}

// Whoever jumps there hands over what the region may read, as to one translated ahead of time. Regions of the cache ask themselves whether they
// are valid.
__attribute__((preserve_all)) void *emu_stub_target(uint64_t pc, void **place) {
  void *host = emu_lookup_everything(pc);
  lock(LOCK_REGIONS);
  if (cache_holds((uint64_t)host) && patches < sizeof patched / sizeof *patched) {
    patched[patches++] = (struct patched){place, *place};
    *place = host;
  }
  unlock(LOCK_REGIONS);
  return host;
}

bool regions_of_image(void) { return !image_forgotten && !some_withdrawn; }

// An entry that is not to be found has another PC, that no code has and that is looked for in another place.
static uint64_t aside(uint64_t pc) { return pc ^ (ENTRY_ASIDE | 16); }

static void each_entry(uint64_t from, uint64_t to, bool is_aside) {
  const char *end = (const char *)emu_dispatch_table + (uint64_t)emu_dispatch_mask;
  for (struct emu_entry *at = emu_dispatch_table; (const char *)at <= end; at++) {
    uint64_t pc = at->pc & ENTRY_ASIDE ? aside(at->pc) : at->pc;
    if (pc >= from && pc < to) at->pc = is_aside ? aside(pc) : pc;
  }
}

// Regions of the cache jump to those of the image without a look at the table: they are given up, and new ones do not.
void regions_withdraw(uint64_t from, uint64_t to) {
  lock(LOCK_REGIONS);
  some_withdrawn = true;
  each_entry(from, to, true);
  guest_forget_all();
  unlock(LOCK_REGIONS);
}

void regions_revive(uint64_t from, uint64_t to) {
  lock(LOCK_REGIONS);
  each_entry(from, to, false);
  unlock(LOCK_REGIONS);
}

void regions_forget_image(void) {
  lock(LOCK_REGIONS);
  bool first = !image_forgotten;
  image_forgotten = true;
  const char *end = (const char *)emu_dispatch_table + (uint64_t)emu_dispatch_mask;
  for (struct emu_entry *at = emu_dispatch_table; first && (const char *)at <= end; at++) entry_forget(at, emu_dispatch_table);
  if (first) guest_forget_all();
  unlock(LOCK_REGIONS);
  if (first) regions_leave_frames();
}

// Entries of the cache were added behind all of the image's: none of those is found by way of them.
void regions_forget_cache(void) {
  lock(LOCK_REGIONS);
  const char *end = (const char *)emu_dispatch_table + (uint64_t)emu_dispatch_mask;
  for (struct emu_entry *at = emu_dispatch_table; (const char *)at <= end; at++)
    if (at->pc && cache_holds((uint64_t)at->host)) *at = (struct emu_entry){0};
  if (!emu_dispatch_table->pc) entry_free_first(emu_dispatch_table);
  while (patches) patches--, *patched[patches].place = patched[patches].before;
  added = 0;
  unlock(LOCK_REGIONS);
}

static _Noreturn void missing(uint64_t pc) {
  char byte;
  emu_trap(pc, SIGSEGV, copy_in(&byte, pc, 1) ? "jump to memory that is not executable" : "jump to memory that is not mapped");
}

// One instruction of a guest that has set TF, and its trap. (None comes behind a system call: arch/x86/entry/entry_64.S.)
static void step(void) {
  uint64_t pc = emu_state.rip;
  uint8_t code[2];
  const struct region *one = cache_find_step(pc);
  if (!one) one = fallback_translate(pc, FOR_STEP);
  if (!one && fallback_is_full()) return;
  if (!one && !vsyscall_is(pc)) missing(pc);
  bool enters_kernel = copy_in(code, pc, 2) && code[0] == 0x0f && code[1] == 0x05;
  emu_enter(one ? (void *)one->host : (void *)emu_thunk_vsyscall);
  if (!enters_kernel) emu_trap(emu_state.rip, SIGTRAP, SINGLE_STEP);
}

static _Noreturn void step_after_popf(void) {
  if (emu_state.acid & EMU_TF_BEFORE) emu_trap(emu_state.rip, SIGTRAP, SINGLE_STEP);
  dispatch();
}

void step_begins(void) {
  emu_state.rip = behind(emu_state.rip, 0x9d);
  host_stack_restart(step_after_popf);
}

void dispatch(void) {
  for (;;) {
    dispatch_thread_begins(); // there are no host frames
    if (fallback_is_full()) fallback_empty();
    if (emu_state.acid & EMU_TF) {
      emu_safepoint();
      step();
      continue;
    }
    void *region = find(emu_state.rip);
    const struct region *translated = region ? NULL : find_or_translate(emu_state.rip, FOR_RESUMED);
    if (!region && !translated && fallback_is_full()) continue;
    if (!region && !translated && vsyscall_is(emu_state.rip)) region = (void *)emu_thunk_vsyscall;
    if (!region && !translated) missing(emu_state.rip);
    if (translated && left_for.pc == translated->pc) check_passed(translated, left_for.refused), left_for.refused = 0;
    emu_enter(region ? region : (void *)translated->host);
  }
}
