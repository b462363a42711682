// Owns guest memory calls: brk, and the mmap family kept off the runner's own mappings. Guest code is data to the host, so
// PROT_EXEC never reaches the kernel.
#include "core.h"
#include "codecache.h"
#include "maps.h"
#include "modules.h"
#include "sandbox.h"
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

struct range {
  uint64_t from, to;
};

static struct range own[16 + EMU_STREAMS]; // image, thread block, host stack, threads, data file, buffers, code cache; the host's heap is asked for, as it grows
static size_t owned;
static struct range heap;          // `to` is sbrk(0)
static struct range program_break; // the guest's: start, current
static uint64_t break_room;        // up to there memory is mapped behind it, as none can be mapped later; 0: it is when it is needed

extern const char __executable_start[], _end[];

void memory_protect_runner(uint64_t from, uint64_t to) {
  lock(LOCK_MEMORY);
  own[owned++] = (struct range){from, to};
  unlock(LOCK_MEMORY);
}

static bool is_mapped(uint64_t page) {
  uint8_t resident;
  return !RAW3(SYS_mincore, page, PAGE, &resident);
}

// The C library has mapped thread-local storage and what it keeps around it (src/env/__init_tls.c of musl): nothing else is there yet.
static void protect_thread_block(void) {
  uint64_t from = page_down(thread_storage()), to = from;
  for (int pages = 0; pages < 2 && is_mapped(from - PAGE); pages++) from -= PAGE;
  while (is_mapped(to)) to += PAGE;
  memory_protect_runner(from, to);
}

void memory_init(void) {
  memory_protect_runner((uint64_t)__executable_start, page_up((uint64_t)_end));
  if (thread_storage() >= (uint64_t)_end) protect_thread_block();
  heap.from = page_down((uint64_t)sbrk(0));
  permissions_change();
}

void memory_set_break(uint64_t start) { program_break = (struct range){start, start}; }

// What the guest asks for where the runner is. Natively it would be there.
static long refuse(uint64_t at) {
  static bool said;
  if (!said) say("the guest wants memory at %x, where the runner is: refused", at);
  said = true;
  return -ENOMEM;
}

// The first overlap of the runner with [from, to); empty when there is none.
static struct range overlap(uint64_t from, uint64_t to) {
  heap.to = page_up((uint64_t)sbrk(0));
  struct range first = {to, to};
  for (size_t i = 0; i <= owned; i++) {
    struct range at = i < owned ? own[i] : heap;
    if (at.from < from) at.from = from;
    if (at.to > to) at.to = to;
    if (at.from < at.to && at.from < first.from) first = at;
  }
  return first;
}

bool memory_of_runner(uint64_t from, uint64_t size) {
  uint64_t to = page_up(from + size);
  return to > from && overlap(from, to).from < to;
}

uint64_t memory_of_runner_size(void) {
  uint64_t size = 0;
  lock(LOCK_MEMORY);
  for (size_t i = 0; i < owned; i++) size += own[i].to - own[i].from;
  unlock(LOCK_MEMORY);
  return size;
}

enum owner memory_owner(uint64_t at, uint64_t *to) {
  lock(LOCK_MEMORY);
  struct range own = overlap(at, *to), brk = {program_break.from, page_up(program_break.to)};
  unlock(LOCK_MEMORY);
  bool in_break = at >= brk.from && at < brk.to;
  if (own.from == at && own.to > at) {
    *to = own.to;
    return OWNER_RUNNER;
  }
  if (own.from < *to) *to = own.from;
  if (in_break && brk.to < *to) *to = brk.to;
  if (at < brk.from && brk.from < *to) *to = brk.from;
  return in_break ? OWNER_BREAK : OWNER_GUEST;
}

static uint64_t host_protection(uint64_t guest) {
  if (!(guest & PROT_EXEC)) return guest;
  return (guest & ~(uint64_t)PROT_EXEC) | PROT_READ; // x86 can read what it can execute
}

static bool failed(long result) { return result < 0 && result > -PAGE; }

// The kernel looks from 1 to 2 GiB, where the runner is, too; below is as good.
static long map_low(const uint64_t args[6]) {
  static const uint64_t GiB = 1 << 30;
  uint64_t at = gap_below(GiB, page_up(args[1]));
  return at ? raw(SYS_mmap, at, args[1], host_protection(args[2]), args[3] | MAP_FIXED_NOREPLACE, args[4], args[5]) : -ENOMEM;
}

static long map(const uint64_t args[6]) {
  if (permissions_deny(args[2], true)) return -EACCES;
  uint64_t fixed = args[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE);
  if (fixed && args[0] % PAGE) return -EINVAL;
  if (fixed == MAP_FIXED && memory_of_runner(args[0], args[1])) return refuse(args[0]);
  uint64_t place = modules_place(args), flags = args[3] | (limits_lock_mappings() ? MAP_LOCKED : 0);
  guest_mapping_begins();
  long at = !place ? -EEXIST : raw(SYS_mmap, place, args[1], host_protection(args[2]), flags | MAP_FIXED_NOREPLACE, args[4], args[5]);
  if (failed(at)) at = raw(SYS_mmap, args[0], args[1], host_protection(args[2]), flags, args[4], args[5]);
  if (at == -ENOMEM && !fixed && args[3] & MAP_32BIT) at = map_low(args);
  if (!failed(at)) guest_mapped((uint64_t)at, args[1], args[2]);
  if (args[2] & PROT_WRITE && args[3] & MAP_SHARED) guest_writable_now();
  guest_mapping_ends();
  if (!failed(at)) writers_mapped((uint64_t)at, args);
  if (!failed(at) && args[2] & PROT_EXEC) modules_mapped((uint64_t)at, args);
  return at;
}

// Where the guest sees nothing mapped, unmapping succeeds and does nothing.
static long unmap_held(uint64_t from, uint64_t size) {
  uint64_t to = page_up(from + size);
  if (from & (PAGE - 1) || to <= from || !memory_of_runner(from, size)) {
    long result = RAW2(SYS_munmap, from, size);
    if (!result) guest_mapped(from, size, PROT_NONE);
    return result;
  }
  guest_mapped(from, size, PROT_NONE);
  while (from < to) {
    struct range hole = overlap(from, to);
    if (from < hole.from) {
      long result = RAW2(SYS_munmap, from, hole.from - from);
      if (result) return result;
    }
    from = hole.from < to ? hole.to : to;
  }
  return 0;
}

static long unmap(uint64_t from, uint64_t size) {
  guest_mapping_begins();
  long result = unmap_held(from, size);
  guest_mapping_ends();
  if (!result) writers_unmapped(from, size);
  return result;
}

static void note_mapped(uint64_t from, uint64_t size, uint64_t protection) {
  guest_mapping_begins();
  guest_mapped(from, size, protection);
  guest_mapping_ends();
}

void memory_seal(void) {
  lock(LOCK_MEMORY);
  uint64_t from = page_up(program_break.to);
  for (uint64_t size = 64 << 20; !break_room && size >= PAGE; size /= 2) {
    long at = raw(SYS_mmap, from, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, (uint64_t)-1, 0);
    if (at == (long)from) break_room = from + size;
  }
  unlock(LOCK_MEMORY);
}

static void leave_break_room(void) {
  if (break_room) RAW2(SYS_munmap, page_up(program_break.to), break_room - page_up(program_break.to));
  break_room = 0;
}

static long set_break_within_room(uint64_t to) {
  if (to > break_room) return (long)program_break.to;
  if (to < program_break.to) memset((void *)to, 0, program_break.to - to);
  program_break.to = to;
  return (long)to;
}

// mm/mmap.c: brk. Returns the new break, or the old one when it cannot be had.
static long set_break(uint64_t to) {
  if (to < program_break.from) return (long)program_break.to;
  if (break_room && !sandbox_may(NEED_MAP)) return set_break_within_room(to);
  leave_break_room();
  uint64_t old_end = page_up(program_break.to), new_end = page_up(to);
  if (new_end < old_end) unmap(new_end, old_end - new_end);
  uint64_t protection = permissions_implied(PROT_READ | PROT_WRITE);
  if (new_end > old_end) { // one page must stay free behind it
    long at = raw(SYS_mmap, old_end, new_end + PAGE - old_end, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | (limits_lock_mappings() ? MAP_LOCKED : 0), (uint64_t)-1, 0);
    if (at != (long)old_end) return (long)program_break.to;
    RAW2(SYS_munmap, new_end, PAGE);
    if (protection & PROT_EXEC) note_mapped(old_end, new_end - old_end, protection);
  }
  program_break.to = to;
  return (long)to;
}

static long protect(long number, const uint64_t args[6]) {
  if (memory_of_runner(args[0], args[1])) return -ENOMEM;
  if (permissions_deny(args[2], guest_executable_range(args[0], args[1]))) return -EACCES;
  guest_mapping_begins();
  long result = raw(number, args[0], args[1], host_protection(args[2]), args[3], args[4], args[5]);
  uint64_t from = args[2] & PROT_GROWSDOWN ? stack_lowest(args[0]) : args[0];
  if (!result) guest_protected(from, args[0] + args[1] - from, args[2] & (PROT_READ | PROT_WRITE | PROT_EXEC));
  if (args[2] & PROT_WRITE) guest_writable_now();
  guest_mapping_ends();
  if (!result) writers_protected(args[0], args[1], args[2]);
  return result;
}

static long remap(const uint64_t args[6]) {
  if (memory_of_runner(args[0], args[1])) return -EFAULT;
  if (args[3] & MREMAP_FIXED && memory_of_runner(args[4], args[2])) return refuse(args[4]);
  guest_mapping_begins();
  uint64_t protection = guest_code_protection(args[0]);
  guest_moves(args[0], args[1]); // with the protection that the pages have
  long at = raw(SYS_mremap, args[0], args[1], args[2], args[3], args[4], args[5]);
  if (!failed(at)) {
    if (!args[1]) guest_writable_now(); // the same pages are at two places
    else if (args[3] & MREMAP_DONTUNMAP) guest_changed(args[0], args[1]);
    else guest_mapped(args[0], args[1], PROT_NONE);
    guest_mapped((uint64_t)at, args[2], protection);
  }
  guest_mapping_ends();
  if (!failed(at)) writers_moved(args[0], (uint64_t)at, args[2]);
  return at;
}

static long advise(const uint64_t args[6]) {
  if (memory_of_runner(args[0], args[1])) return -ENOMEM;
  enum { DONTNEED_LOCKED = 24, GUARD_INSTALL = 102 }; // later than the C library's headers
  bool drops = args[2] == MADV_DONTNEED || args[2] == MADV_REMOVE || args[2] == MADV_FREE || args[2] == DONTNEED_LOCKED || args[2] == GUARD_INSTALL;
  guest_mapping_begins();
  if (drops) guest_changed(args[0], args[1]);
  long result = RAW3(SYS_madvise, args[0], args[1], args[2]);
  guest_mapping_ends();
  return result;
}

// ipc/shm.c: do_shmat. (Where it is put anywhere, that is nobody's.)
static long attach(const uint64_t args[6]) {
  struct shmid_ds segment;
  long known = RAW3(SYS_shmctl, args[0], IPC_STAT, &segment);
  uint64_t at = args[2] & SHM_RND ? page_down(args[1]) : args[1];
  if (args[1] && !known && memory_of_runner(at, segment.shm_segsz)) return args[2] & SHM_REMAP ? refuse(at) : -EINVAL;
  uint64_t protection = permissions_implied(PROT_READ | (args[2] & SHM_RDONLY ? 0 : PROT_WRITE) | (args[2] & SHM_EXEC ? PROT_EXEC : 0));
  if (permissions_deny(protection, true)) return -EACCES;
  guest_mapping_begins();
  long result = RAW3(SYS_shmat, args[0], args[1], args[2] & ~(uint64_t)SHM_EXEC);
  if (!failed(result) && !known) guest_mapped((uint64_t)result, segment.shm_segsz, protection);
  if (!(args[2] & SHM_RDONLY)) guest_writable_now();
  guest_mapping_ends();
  return result;
}

// The kernel knows how much was attached there.
static long detach(uint64_t at) {
  guest_mapping_begins();
  long result = RAW1(SYS_shmdt, at);
  uint64_t to = at;
  while (!result && guest_code_protection(to) && !is_mapped(to)) to += PAGE;
  guest_mapped(at, to - at, PROT_NONE);
  guest_mapping_ends();
  return result;
}

// --- The guest's calls. Between a call and what is noted of it no other thread comes -----------------------------------------------

long memory_brk(uint64_t to) {
  lock(LOCK_MEMORY);
  long result = set_break(to);
  unlock(LOCK_MEMORY);
  return result;
}

long memory_mmap(const uint64_t args[6]) {
  const uint64_t wanted[6] = {args[0], args[1], permissions_implied(args[2]), args[3], args[4], args[5]};
  lock(LOCK_MEMORY);
  long at = map(wanted);
  unlock(LOCK_MEMORY);
  if (!failed(at)) event_mapped((uint64_t)at, args);
  return at;
}

long memory_shmat(const uint64_t args[6]) {
  lock(LOCK_MEMORY);
  long at = attach(args);
  unlock(LOCK_MEMORY);
  return at;
}

long memory_munmap(uint64_t from, uint64_t size) {
  event_unmapping(from, size);
  lock(LOCK_MEMORY);
  long result = unmap(from, size);
  unlock(LOCK_MEMORY);
  return result;
}

long memory_mprotect(long number, const uint64_t args[6]) {
  const uint64_t wanted[6] = {args[0], args[1], permissions_implied(args[2]), args[3]};
  lock(LOCK_MEMORY);
  long result = protect(number, wanted);
  unlock(LOCK_MEMORY);
  return result;
}

long memory_mremap(const uint64_t args[6]) {
  lock(LOCK_MEMORY);
  long result = remap(args);
  unlock(LOCK_MEMORY);
  return result;
}

long memory_madvise(const uint64_t args[6]) {
  lock(LOCK_MEMORY);
  long result = advise(args);
  unlock(LOCK_MEMORY);
  return result;
}

long memory_shmdt(uint64_t at) {
  lock(LOCK_MEMORY);
  long result = detach(at);
  unlock(LOCK_MEMORY);
  return result;
}

long memory_remap_file(const uint64_t args[6]) {
  long result = memory_of_runner(args[0], args[1]) ? -EINVAL : raw(SYS_remap_file_pages, args[0], args[1], args[2], args[3], args[4], 0);
  if (!result) memory_changed(args[0], args[1]);
  return result;
}

void memory_changed_held(uint64_t from, uint64_t size) {
  guest_mapping_begins();
  guest_changed(from, size);
  guest_mapping_ends();
}

void memory_changed(uint64_t from, uint64_t size) {
  lock(LOCK_MEMORY);
  memory_changed_held(from, size);
  unlock(LOCK_MEMORY);
}
