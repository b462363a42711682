// Owns what is asked of the fallback translator: a process of its own (service.c), started at the first PC without a region, or before it
// becomes impossible to start one (rights.c), and asked for one region at a time (channel.c). It lives while somebody holds the other end of
// its socket: forked children do, exec drops it.
#include "core.h"
#include "codecache.h"
#include "data.h"
#include "sandbox.h"
#include "service.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int to_service = -1, far_end = -1, memory = -1; // far_end: the service's of the socket
static bool started, far_end_open;
static bool full; // the cache: nothing is translated until it has been emptied
static uint64_t requests, emptied, regions_when_emptied;
static bool wants_exact_faults;

static const char no_box[] = " has no box for this process, which may not use a socket";
static const char no_room[] = " has no room for a region in an empty code cache";

static _Thread_local bool asks; // holds LOCK_TRANSLATION

static void begin(void) {
  lock(LOCK_TRANSLATION);
  asks = true;
}

static void end(void) {
  asks = false;
  unlock(LOCK_TRANSLATION);
}

// Of all processes that come from one another: whether one has ended for want of a translation. NULL: there is only this one.
static uint32_t *family_gives_up;

static bool is_given_up(void) { return family_gives_up && __atomic_load_n(family_gives_up, __ATOMIC_ACQUIRE); }

// A process that shares the memory of this one goes on, and finds out for itself.
static _Noreturn void give_up(const char *why) {
  if (family_gives_up) __atomic_store_n(family_gives_up, 1, __ATOMIC_RELEASE);
  say("the fallback translator%s", why == channel_ended && cache_base() ? service_end() : why);
  if (asks && thread_shares()) end();
  process_exit(EXIT_UNTRANSLATED);
}

// The cache's bytes; tests want few.
static uint64_t room(void) {
  uint64_t wanted = page_up(service_number("EMU_FALLBACK_KIB", CACHE_SIZE >> 10) << 10);
  return wanted < CACHE_SIZE ? wanted : CACHE_SIZE;
}

static uint64_t next_request(void) { return ++requests | (uint64_t)process_id() << 32; }

static int64_t state_offset(void) {
  uint64_t thread;
  __asm__("mov %%fs:0, %0" : "=r"(thread));
  return (int64_t)&emu_state - (int64_t)thread;
}

// Whether it is there for this runner; else why not.
static const char *greet(void) {
  struct message reply;
  uint8_t more[PAGE];
  uint64_t id = next_request();
  const uint64_t words[6] = {FALLBACK_VERSION, cache_base(), room(), (uint64_t)state_offset(), cache_cells_base(), CELLS_SIZE};
  if (!channel_post(id, MESSAGE_HELLO, words, emu_build_name, (uint32_t)strlen(emu_build_name))) return channel_ended;
  const char *wrong = channel_hear(id, &reply, more);
  if (wrong) return wrong;
  return reply.kind == MESSAGE_FULL ? no_room : reply.kind == MESSAGE_READY ? NULL : channel_nonsense;
}

// Past the limit the kernel would send SIGXFSZ.
static bool may_be_as_large(uint64_t size) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur >= size) return true;
  struct rlimit most = {limit.rlim_max, limit.rlim_max};
  return limit.rlim_max >= size && !setrlimit(RLIMIT_FSIZE, &most);
}

static bool open_memory(int *file) {
  struct rlimit before;
  const uint64_t size = room() + NOTES_ROOM;
  getrlimit(RLIMIT_FSIZE, &before);
  if ((*file = memfd_create("emu-code", MFD_CLOEXEC)) < 0) return false;
  bool is_large = may_be_as_large(size) && !ftruncate(*file, (off_t)size);
  setrlimit(RLIMIT_FSIZE, &before);
  return is_large || (close(*file), false);
}

static bool open_descriptors(void) {
  int pair[2], file;
  if (!open_memory(&file)) return false;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) return close(file), false;
  to_service = descriptor_own(pair[0]), far_end = descriptor_own(pair[1]), memory = descriptor_own(file);
  channel_use(to_service);
  return far_end_open = true;
}

bool fallback_shared(void) {
  begin();
  bool is_there = memory >= 0 || open_descriptors();
  end();
  return is_there;
}

// Only where nobody holds it is the service's end heard of.
static void close_far_end(void) {
  descriptor_close_own(far_end);
  if (!thread_shares()) far_end_open = false;
}

void fallback_parted(void) {
  begin();
  if (started && far_end_open && !thread_shares()) close_far_end();
  end();
}

// A service that is still to be started is the parent's.
void fallback_forked(void) {
  if (channel_is_boxed() && !channel_box()) give_up(no_box);
  if (started || memory < 0) return;
  descriptor_close_own(to_service), descriptor_close_own(far_end), descriptor_close_own(memory);
  memory = -1;
}

// Numbers so far: they go on. NULL, or why there is no service.
static const char *start(struct cache_numbers numbers) {
  const char *missing = service_missing(), *wrong;
  if (missing) return missing;
  if ((memory < 0 && !open_descriptors()) || !cache_map(memory, room())) return " cannot be started: no memory or descriptors for it";
  if (!service_start(far_end, memory)) return " cannot be started: no process for it";
  close_far_end();
  struct cache_header *h = cache_header();
  h->numbers = numbers;
  h->exact_faults = emu_exact_faults ? 2 : wants_exact_faults;
  if ((wrong = greet())) return wrong;
  started = true;
  return NULL;
}

static const char *why_not; // it was not there when it could still be started

static void prepare(void) {
  if (!started && !why_not) why_not = start((struct cache_numbers){0});
}

// A parent that starts another child for each that ends would never end.
void fallback_before_child(void) {
  if (is_given_up()) give_up(" has failed another process of this guest");
  if (family_gives_up || !sandbox_may(NEED_MAP)) return;
  void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  family_gives_up = page;
  memory_protect_runner((uint64_t)page, (uint64_t)page + PAGE);
}

bool fallback_is_prepared(void) { return started || why_not; }

void fallback_prepare(void) {
  begin();
  prepare();
  end();
}

// Where it cannot be started again, it is what it is.
bool fallback_seal(void) {
  begin();
  prepare();
  bool is_there = !started || channel_is_boxed() || channel_box();
  if (started && is_there) cells_prepare();
  end();
  return is_there;
}

void fallback_unseal(void) { channel_unbox(); }

// One request at a time among all processes that share the service. A lock of this kind goes with the process that holds it.
static void lock_service(short how) {
  if (channel_is_boxed()) return; // the service takes one after the other
  struct flock all = {.l_type = how, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  while (RAW3(SYS_fcntl, memory, F_SETLKW, &all) == -EINTR) continue;
}

// Every thread leaves its host frames, and waits in the dispatcher until there is another cache and service: this one is full, or was killed.
static void cache_is_of_no_use(const char *why) {
  enum { MOST_DEATHS = 8 }; // there may be code that it dies of
  static unsigned deaths;
  deaths += why == channel_ended;
  bool is_final = channel_is_boxed() || (why == channel_ended && thread_shares());
  if (is_final || cache_header()->numbers.regions == regions_when_emptied || deaths > MOST_DEATHS) give_up(why);
  __atomic_store_n(&full, true, __ATOMIC_SEQ_CST);
  regions_leave_frames();
}

// What it says to a request, with the pages that it wants meanwhile. NULL: there is no code, or no cache any more.
static const struct region *answer(uint64_t id, bool *is_new, bool *is_lost) {
  struct message reply;
  uint8_t page[PAGE];
  for (;;) {
    const char *wrong = channel_hear(id, &reply, page);
    if (wrong == channel_ended) return cache_is_of_no_use(channel_ended), NULL;
    if (wrong) give_up(wrong);
    if (reply.kind == MESSAGE_DONE) break;
    if (reply.kind == MESSAGE_FULL) return cache_is_of_no_use(no_room), NULL;
    if ((*is_lost = reply.kind == MESSAGE_AGAIN)) return NULL;
    if (reply.kind != MESSAGE_WANT_PAGE) give_up(channel_nonsense);
    uint64_t at = page_down(reply.words[0]);
    enum page_state state = guest_page(at, page);
    if (!channel_post(id, MESSAGE_PAGE, (uint64_t[6]){at, state}, page, state == PAGE_ABSENT ? 0 : PAGE))
      return cache_is_of_no_use(channel_ended), NULL;
  }
  const struct region *region = (const struct region *)reply.words[0];
  *is_new = reply.words[1];
  if (region && !cache_holds((uint64_t)region)) give_up(channel_nonsense);
  return region;
}

static const struct region *ask(uint64_t pc, enum purpose purpose) {
  if (guest_watch_is_full()) return cache_is_of_no_use(no_room), NULL;
  bool is_new, is_lost = false;
  uint64_t since = guest_changes();
  uint64_t id = next_request(), start = clock_now();
  uint8_t page[PAGE];
  enum page_state state = guest_page(page_down(pc), page);
  cache_notes()->process = process_id(), cache_notes()->pc = pc;
  if (!channel_post(id, MESSAGE_TRANSLATE, (uint64_t[6]){pc, regions_of_image(), purpose, state}, page, state == PAGE_ABSENT ? 0 : PAGE))
    return cache_is_of_no_use(channel_ended), NULL;
  const struct region *region = answer(id, &is_new, &is_lost);
  if (is_lost) return ask(pc, purpose);
  if (!region) return NULL;
  cells_use(region, is_new);
  if (!guest_code_used(region, since)) return ask(pc, purpose);
  struct cache_numbers *numbers = &cache_header()->numbers;
  numbers->regions += is_new, numbers->trips++, numbers->nanoseconds += clock_now() - start;
  return region;
}

static const struct region *ask_alone(uint64_t pc, enum purpose purpose) {
  lock_service(F_WRLCK);
  if (is_given_up()) give_up(" has failed another process of this guest");
  const struct region *region = ask(pc, purpose);
  lock_service(F_UNLCK);
  return region;
}

const struct region *fallback_translate(uint64_t pc, enum purpose purpose) {
  if (!guest_executable(pc)) return NULL;
  begin();
  const struct region *region = purpose == FOR_STEP ? cache_find_step(pc) : cache_find(pc); // another thread may have been faster
  if (!region && !full) {
    prepare();
    if (why_not) give_up(why_not);
    region = ask_alone(pc, purpose);
  }
  end();
  return region;
}

bool fallback_is_full(void) { return __atomic_load_n(&full, __ATOMIC_SEQ_CST); }
uint64_t fallback_emptied(void) { return __atomic_load_n(&emptied, __ATOMIC_ACQUIRE); }

// What this process has is replaced: memory, service and all that is known of regions. Relatives keep theirs. Numbers go on.
static void replace(void) {
  struct cache_numbers numbers = cache_header()->numbers;
  descriptor_close_own(to_service), descriptor_close_own(memory);
  if (far_end_open) descriptor_close_own(far_end);
  regions_forget_cache();
  guest_forget_pages();
  cells_clear();
  cache_clear();
  __atomic_fetch_add(&emptied, 1, __ATOMIC_ACQ_REL);
  started = far_end_open = false, memory = -1;
  regions_when_emptied = numbers.regions;
  if ((why_not = start(numbers))) give_up(why_not);
}

// Where no other thread is in the cache, and none will be: those that come back from the kernel leave their host frames first, the others are
// here. A process that shares its memory, but not its descriptors, is waited for.
// One thread looks, without the lock that the others need on their way here; it would hardly ever be free.
void fallback_empty(void) {
  bool looks = !thread_shares();
  if (looks) lock(LOCK_EMPTYING);
  for (uint64_t since = clock_now(); fallback_is_full();) {
    if (looks && regions_are_left()) {
      begin();
      if (regions_are_left()) {
        replace();
        __atomic_store_n(&full, false, __ATOMIC_SEQ_CST);
      }
      end();
    }
    if (clock_now() - since > channel_patience() * 1000000000u) give_up(" has no room, and a thread that does not leave the code cache");
    struct timespec moment = {0, 100000};
    if (fallback_is_full()) RAW2(SYS_nanosleep, &moment, NULL);
  }
  if (looks) unlock(LOCK_EMPTYING);
}

bool fallback_promoted(uint32_t id, uint64_t pc, bool may_be_new) {
  begin();
  const struct region *region = cache_find(pc);
  bool is_better = region && !(region->flags & REGION_FIRST_TIER);
  if (!is_better && may_be_new && !full && cache_header()->is_promoted[pc % PROMOTED]) {
    region = ask_alone(pc, FOR_ENTRY);
    is_better = region && !(region->flags & REGION_FIRST_TIER);
  }
  if (!is_better && !full && !channel_post(0, MESSAGE_PROMOTE, (uint64_t[6]){id, pc}, "", 0)) cache_is_of_no_use(channel_ended);
  end();
  return is_better;
}

// Other threads may be in code that does not: until they have left it. One that is in a system call which a pass looks at from behind may stay.
static void wait_for_others(void) {
  for (uint64_t since = clock_now(); !regions_are_left() && clock_now() - since < 1000000000u;) {
    struct timespec moment = {0, 100000};
    RAW2(SYS_nanosleep, &moment, NULL);
  }
}

// Regions of the second tier that are there already do not, and those translated ahead of time do where an earlier run has taught it: the others
// are given up, for what translates at run time. Where that is missing, they stay (on_fault).
void fallback_keep_registers(void) {
  static bool already;
  if (__atomic_exchange_n(&already, true, __ATOMIC_ACQ_REL)) return;
  begin();
  wants_exact_faults = true;
  if (started && !cache_header()->exact_faults) cache_header()->exact_faults = 1;
  bool is_there = started || (!why_not && !service_missing()), forgets = started && cache_header()->numbers.promoted;
  end();
  if (emu_exact_faults || !is_there) return;
  regions_forget_image();
  if (forgets) guest_forget_all(), regions_leave_frames();
  wait_for_others();
}

void fallback_say_statistics(void) {
  const char *wanted = service_variable("EMU_STATS");
  if (!wanted || wanted[0] != '1') return;
  if (!started) return say("statistics: nothing was translated at run time");
  const struct cache_numbers *n = &cache_header()->numbers;
  if (emptied) say("statistics: the code cache was emptied %u times", emptied);
  say("statistics: %u regions translated at run time, %u by the first tier, %u promoted, %u round trips, %u us waiting for them, %u regions "
      "withdrawn",
      n->regions, n->first_tier, n->promoted, n->trips, n->nanoseconds / 1000, n->withdrawn);
}
