// Owns the fallback translator: a process of its own, started at the first PC without a region, outside the guest's sight, and asked
// for one region at a time. It lives while somebody holds the other end of its socket: forked children do, exec drops it.
#include "core.h"
#include "codecache.h"
#include "data.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const char *const passed[] = {"HOME",      "XDG_CACHE_HOME", "PATH",         "TMPDIR",
                                     "EMU_CACHE", "DOTNET_ROOT",    "EMU_FALLBACK", "EMU_FALLBACK_SECONDS", "EMU_FALLBACK_KIB", "EMU_STATS", "EMU_TIER"};
enum { PASSED = sizeof passed / sizeof *passed };
static char strings[16 << 10], *environment[PASSED + 2];

static int to_service = -1, far_end = -1, memory = -1; // far_end: the service's of the socket
static bool started, far_end_open;
static bool full; // the cache: nothing is translated until it has been emptied
static uint64_t requests, emptied, regions_when_emptied;
static bool wants_exact_faults;
static uint32_t service_cpu; // where it was when it answered last

// The guest may write over its environment: it lies on its stack.
void fallback_note_environment(void) {
  char *at = strings;
  size_t n = 0;
  for (size_t i = 0; i < PASSED; i++) {
    const char *value = getenv(passed[i]);
    size_t name = strlen(passed[i]), size = value ? strlen(value) : 0;
    if (!value || size + name + 2 > (size_t)(strings + sizeof strings - at)) continue;
    environment[n++] = at;
    memcpy(at, passed[i], name);
    at[name] = '=';
    memcpy(at + name + 1, value, size + 1);
    at += name + size + 2;
  }
}

static const char *variable(const char *name) {
  size_t length = strlen(name);
  for (char **at = environment; *at; at++)
    if (strncmp(*at, name, length) == 0 && (*at)[length] == '=' && (*at)[length + 1]) return *at + length + 1;
  return NULL;
}

static const char no_room[] = "has no room for a region in an empty code cache", ended[] = "has ended";

static _Noreturn void give_up(const char *why) {
  say("the fallback translator %s", why);
  process_exit(EXIT_UNTRANSLATED);
}

// The one of `emu build --bundle`, with the libraries that it needs.
static struct {
  char libraries[4096], program[4096];
} bundle = {.libraries = "LD_LIBRARY_PATH="};

static bool is_bundled(void) {
  char *folder = bundle.libraries + strlen("LD_LIBRARY_PATH=");
  long length = RAW3(SYS_readlink, "/proc/self/exe", folder, sizeof bundle.libraries - 64);
  if (length <= 0) return false;
  folder[length] = 0;
  strcpy(strrchr(folder, '/') + 1, "emu-fallback");
  strcpy(bundle.program, folder);
  strcat(bundle.program, "/emu-fallback");
  return !access(bundle.program, X_OK);
}

// The variable's, else the one that the runner was built with, else one beside the runner; "": none.
static const char *program(void) {
  const char *own = variable("EMU_FALLBACK");
  if (own) return own;
  return (*emu_fallback_path && !access(emu_fallback_path, R_OK)) || !is_bundled() ? emu_fallback_path : bundle.program;
}

// --- In the new process ---------------------------------------------------------------------------------------------------

static void own_descriptors(int socket) {
  int from[3] = {socket, memory, open("/proc/self/exe", O_RDONLY)}, nothing = open("/dev/null", O_RDWR);
  for (int i = 0; i < 3; i++) from[i] = fcntl(from[i], F_DUPFD, 100);
  nothing = fcntl(nothing, F_DUPFD, 100);
  for (int i = 0; i < 3; i++) dup2(nothing, i);
  for (int i = 0; i < 3; i++) dup2(from[i], FALLBACK_SOCKET + i);
  RAW3(SYS_close_range, FALLBACK_RUNNER + 1, ~0u, 0);
}

static void default_signals(void) {
  uint64_t none = 0;
  struct {
    uint64_t handler, flags, restorer, mask;
  } action = {0, 0, 0, 0};
  for (int i = 1; i <= 64; i++) RAW4(SYS_rt_sigaction, i, &action, NULL, 8);
  RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
}

static _Noreturn void become_service(int socket) {
  const char *path = program();
  size_t length = strlen(path);
  bool managed = length > 4 && strcmp(path + length - 4, ".dll") == 0;
  char *words[] = {(char *)(managed ? emu_fallback_host : path), managed ? (char *)path : NULL, NULL};
  if (path == bundle.program) {
    char **end = environment;
    while (*end) end++;
    *end = bundle.libraries;
  }
  RAW0(SYS_setsid); // signals of the terminal are the guest's
  own_descriptors(socket);
  default_signals();
  RAW3(SYS_prctl, PR_SET_TSC, PR_TSC_ENABLE, 0); // the guest may have forbidden itself to read it
  chdir("/");
  RAW3(SYS_execve, words[0], words, environment);
  for (;;) RAW1(SYS_exit_group, 127);
}

// --- In the guest's process -----------------------------------------------------------------------------------------------

// Two forks: the service is nobody's child here. The first one tells nobody of its end (exit signal 0), and is waited for at once.
static void spawn(int socket) {
  long first = raw(SYS_clone, 0, 0, 0, 0, 0, 0);
  if (first == 0) {
    if (raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0) == 0) become_service(socket);
    for (;;) RAW1(SYS_exit_group, 0);
  }
  if (first < 0) give_up("cannot be started: no process for it");
  while (RAW4(SYS_wait4, first, NULL, 0x40000000 /* __WALL */, NULL) == -EINTR) continue;
}

static uint64_t number(const char *name, uint64_t otherwise) {
  const char *text = variable(name);
  return text && atol(text) > 0 ? (uint64_t)atol(text) : otherwise;
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t seconds(void) { return number("EMU_FALLBACK_SECONDS", 60); }

// The cache's bytes; tests want few.
static uint64_t room(void) {
  uint64_t wanted = page_up(number("EMU_FALLBACK_KIB", CACHE_SIZE >> 10) << 10);
  return wanted < CACHE_SIZE ? wanted : CACHE_SIZE;
}

// Whether somebody is there.
static bool post(uint64_t id, uint32_t kind, const uint64_t words[6], const void *more, uint32_t size) {
  static struct {
    struct message head;
    uint8_t more[PAGE];
  } out;
  out.head = (struct message){.id = id, .kind = kind, .size = size, .cpu = (uint32_t)sched_getcpu()};
  memcpy(out.head.words, words, sizeof out.head.words);
  memcpy(out.more, more, size);
  long sent;
  do sent = raw(SYS_sendto, (uint64_t)to_service, (uint64_t)&out, sizeof out.head + size, MSG_NOSIGNAL, 0, 0);
  while (sent == -EINTR);
  return sent >= 0;
}

// Waits for a message, awake for a moment where the service is at work at the same time: to fall asleep and be woken takes longer than most answers.
static long receive(uint8_t in[MESSAGE_ROOM]) {
  enum { AWAKE = 200000 };
  for (uint64_t since = now();;) {
    bool sleeps = sched_getcpu() == (int)service_cpu || now() - since > AWAKE;
    long size = raw(SYS_recvfrom, (uint64_t)to_service, (uint64_t)in, MESSAGE_ROOM, sleeps ? 0 : MSG_DONTWAIT, 0, 0);
    if (sleeps || size != -EAGAIN) return size;
    for (int i = 0; i < 16; i++) __builtin_ia32_pause();
  }
}

// The next message that belongs to this request. What an earlier one left behind (its process was killed) is dropped.
// False: there will be none.
static bool hear(uint64_t id, struct message *head, uint8_t more[PAGE]) {
  static uint8_t in[MESSAGE_ROOM];
  uint64_t since = now();
  for (;;) {
    long size = receive(in);
    if (size == -EINTR && now() - since < seconds() * 1000000000u) continue;
    if (size == -EINTR || size == -EAGAIN) give_up("does not answer");
    if (size <= 0) return false;
    memcpy(head, in, sizeof *head);
    service_cpu = head->cpu;
    if (size < (long)sizeof *head || size != (long)sizeof *head + head->size) give_up("talks nonsense");
    if (head->id != id) continue;
    memcpy(more, in + sizeof *head, head->size);
    if (head->kind != MESSAGE_ERROR) return true;
    more[head->size < PAGE ? head->size : PAGE - 1] = 0;
    say("the fallback translator: %s", (const char *)more);
    process_exit(EXIT_UNTRANSLATED);
  }
}

static int64_t state_offset(void) {
  uint64_t thread;
  __asm__("mov %%fs:0, %0" : "=r"(thread));
  return (int64_t)&emu_state - (int64_t)thread;
}

static void greet(void) {
  struct message reply;
  uint8_t more[PAGE];
  uint64_t id = ++requests | (uint64_t)getpid() << 32;
  bool heard = post(id, MESSAGE_HELLO,
                    (uint64_t[6]){FALLBACK_VERSION, cache_base(), room(), (uint64_t)state_offset(), cache_cells_base(), CELLS_SIZE},
                    emu_build_name, (uint32_t)strlen(emu_build_name)) &&
               hear(id, &reply, more);
  if (!heard) give_up(ended);
  if (reply.kind == MESSAGE_FULL) give_up(no_room);
  if (reply.kind != MESSAGE_READY) give_up("talks nonsense");
}

static bool open_descriptors(void) {
  int pair[2], file = memfd_create("emu-code", MFD_CLOEXEC);
  if (file < 0) return false;
  if (ftruncate(file, (off_t)room()) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) return close(file), false;
  struct timeval patience = {(time_t)seconds(), 0};
  setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  to_service = descriptor_own(pair[0]), far_end = descriptor_own(pair[1]), memory = descriptor_own(file);
  return far_end_open = true;
}

bool fallback_shared(void) {
  lock(LOCK_TRANSLATION);
  bool is_there = memory >= 0 || open_descriptors();
  unlock(LOCK_TRANSLATION);
  return is_there;
}

// Only where nobody holds it is the service's end heard of.
static void close_far_end(void) {
  descriptor_close_own(far_end);
  if (!thread_shares()) far_end_open = false;
}

void fallback_parted(void) {
  lock(LOCK_TRANSLATION);
  if (started && far_end_open && !thread_shares()) close_far_end();
  unlock(LOCK_TRANSLATION);
}

// A service that is still to be started is the parent's.
void fallback_forked(void) {
  if (started || memory < 0) return;
  descriptor_close_own(to_service), descriptor_close_own(far_end), descriptor_close_own(memory);
  memory = -1;
}

// So far: they go on.
static void start(struct cache_numbers numbers) {
  if (!*program()) give_up("is missing: this runner does not know one (EMU_FALLBACK names it)");
  if (access(program(), R_OK)) {
    say("the fallback translator is missing: %s: %s (EMU_FALLBACK names another)", program(), strerror(errno));
    process_exit(EXIT_UNTRANSLATED);
  }
  if ((memory < 0 && !open_descriptors()) || !cache_map(memory, room())) give_up("cannot be started: no memory or descriptors for it");
  spawn(far_end);
  close_far_end();
  started = true;
  struct cache_header *h = cache_header();
  h->numbers = numbers;
  h->exact_faults = emu_exact_faults ? 2 : wants_exact_faults;
  greet();
}

// One request at a time among all processes that share the service. A lock of this kind goes with the process that holds it.
static void lock_service(short how) {
  struct flock all = {.l_type = how, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  while (RAW3(SYS_fcntl, memory, F_SETLKW, &all) == -EINTR) continue;
}

// Every thread leaves its host frames, and waits in the dispatcher until there is another cache and service: this one is full, or was killed.
static void cache_is_of_no_use(const char *why) {
  enum { MOST_DEATHS = 8 }; // there may be code that it dies of
  static unsigned deaths;
  deaths += why == ended;
  if (cache_header()->numbers.regions == regions_when_emptied || deaths > MOST_DEATHS) give_up(why);
  __atomic_store_n(&full, true, __ATOMIC_SEQ_CST);
  regions_leave_frames();
}

static const struct region *answer(uint64_t id, bool *is_new) {
  struct message reply;
  uint8_t page[PAGE];
  for (;;) {
    if (!hear(id, &reply, page)) return cache_is_of_no_use(ended), NULL;
    if (reply.kind == MESSAGE_DONE) break;
    if (reply.kind == MESSAGE_FULL) return cache_is_of_no_use(no_room), NULL;
    if (reply.kind != MESSAGE_WANT_PAGE) give_up("talks nonsense");
    uint64_t at = page_down(reply.words[0]);
    enum page_state state = guest_page(at, page);
    if (!post(id, MESSAGE_PAGE, (uint64_t[6]){at, state}, page, state == PAGE_ABSENT ? 0 : PAGE)) return cache_is_of_no_use(ended), NULL;
  }
  const struct region *region = (const struct region *)reply.words[0];
  *is_new = reply.words[1];
  if (region && !cache_holds((uint64_t)region)) give_up("talks nonsense");
  return region;
}

static const struct region *ask(uint64_t pc, enum purpose purpose) {
  if (guest_watch_is_full()) return cache_is_of_no_use(no_room), NULL;
  bool is_new;
  uint64_t since = guest_changes();
  uint64_t id = ++requests | (uint64_t)getpid() << 32, start = now();
  uint8_t page[PAGE];
  enum page_state state = guest_page(page_down(pc), page);
  if (!post(id, MESSAGE_TRANSLATE, (uint64_t[6]){pc, regions_of_image(), purpose, state}, page, state == PAGE_ABSENT ? 0 : PAGE))
    return cache_is_of_no_use(ended), NULL;
  const struct region *region = answer(id, &is_new);
  if (!region) return NULL;
  cells_use(region, is_new);
  if (!guest_code_used(region, since)) return ask(pc, purpose);
  struct cache_numbers *numbers = &cache_header()->numbers;
  numbers->regions += is_new, numbers->trips++, numbers->nanoseconds += now() - start;
  return region;
}

static const struct region *ask_alone(uint64_t pc, enum purpose purpose) {
  lock_service(F_WRLCK);
  const struct region *region = ask(pc, purpose);
  lock_service(F_UNLCK);
  return region;
}

const struct region *fallback_translate(uint64_t pc, enum purpose purpose) {
  if (!guest_executable(pc)) return NULL;
  lock(LOCK_TRANSLATION);
  const struct region *region = purpose == FOR_STEP ? cache_find_step(pc) : cache_find(pc); // another thread may have been faster
  if (!region && !full) {
    if (!started) start((struct cache_numbers){0});
    region = ask_alone(pc, purpose);
  }
  unlock(LOCK_TRANSLATION);
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
  start(numbers);
}

// Where no other thread is in the cache, and none will be: those that come back from the kernel leave their host frames first, the others are
// here. A process that shares its memory, but not its descriptors, is waited for.
// One thread looks, without the lock that the others need on their way here; it would hardly ever be free.
void fallback_empty(void) {
  bool looks = !thread_shares();
  if (looks) lock(LOCK_EMPTYING);
  for (uint64_t since = now(); fallback_is_full();) {
    if (looks && regions_are_left()) {
      lock(LOCK_TRANSLATION);
      if (regions_are_left()) {
        replace();
        __atomic_store_n(&full, false, __ATOMIC_SEQ_CST);
      }
      unlock(LOCK_TRANSLATION);
    }
    if (now() - since > seconds() * 1000000000u) give_up("has no room, and a thread that does not leave the code cache");
    struct timespec moment = {0, 100000};
    if (fallback_is_full()) RAW2(SYS_nanosleep, &moment, NULL);
  }
  if (looks) unlock(LOCK_EMPTYING);
}

bool fallback_promoted(uint32_t id, uint64_t pc, bool may_be_new) {
  lock(LOCK_TRANSLATION);
  const struct region *region = cache_find(pc);
  bool is_better = region && !(region->flags & REGION_FIRST_TIER);
  if (!is_better && may_be_new && !full && cache_header()->is_promoted[pc % PROMOTED]) {
    region = ask_alone(pc, FOR_ENTRY);
    is_better = region && !(region->flags & REGION_FIRST_TIER);
  }
  if (!is_better && !full && !post(0, MESSAGE_PROMOTE, (uint64_t[6]){id, pc}, "", 0)) cache_is_of_no_use(ended);
  unlock(LOCK_TRANSLATION);
  return is_better;
}

// Other threads may be in code that does not: until they have left it. One that is in a system call which a pass looks at from behind may stay.
static void wait_for_others(void) {
  for (uint64_t since = now(); !regions_are_left() && now() - since < 1000000000u;) {
    struct timespec moment = {0, 100000};
    RAW2(SYS_nanosleep, &moment, NULL);
  }
}

// Regions of the second tier that are there already do not, and those translated ahead of time do where an earlier run has taught it: the others
// are given up, for what translates at run time. Where that is missing, they stay (on_fault).
void fallback_keep_registers(void) {
  static bool already;
  if (__atomic_exchange_n(&already, true, __ATOMIC_ACQ_REL)) return;
  lock(LOCK_TRANSLATION);
  wants_exact_faults = true;
  if (started && !cache_header()->exact_faults) cache_header()->exact_faults = 1;
  bool is_there = started || (*program() && !access(program(), R_OK)), forgets = started && cache_header()->numbers.promoted;
  unlock(LOCK_TRANSLATION);
  if (emu_exact_faults || !is_there) return;
  regions_forget_image();
  if (forgets) guest_forget_all(), regions_leave_frames();
  wait_for_others();
}

void fallback_say_statistics(void) {
  const char *wanted = variable("EMU_STATS");
  if (!wanted || wanted[0] != '1') return;
  if (!started) return say("statistics: nothing was translated at run time");
  const struct cache_numbers *n = &cache_header()->numbers;
  if (emptied) say("statistics: the code cache was emptied %u times", emptied);
  say("statistics: %u regions translated at run time, %u by the first tier, %u promoted, %u round trips, %u us waiting for them, %u regions "
      "withdrawn",
      n->regions, n->first_tier, n->promoted, n->trips, n->nanoseconds / 1000, n->withdrawn);
}
