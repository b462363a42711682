// Owns the way to the fallback translator: its socket, or, where the guest has forbidden the calls for that, a box in the memory that both
// map. The service looks into boxes again and again, and so does who waits for an answer: that takes no system call.
#include "core.h"
#include "codecache.h"
#include "service.h"
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>

const char channel_ended[] = " has ended", channel_nonsense[] = " talks nonsense";
static const char silent[] = " does not answer";

static int to_service = -1;
static struct box *box;      // NULL: messages go through the socket
static uint32_t service_cpu; // where it was when it answered last

enum { SLICES = 5 }; // of each second that is waited for a message

void channel_use(int socket) {
  struct timeval slice = {0, 1000000 / SLICES};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof slice);
  to_service = socket;
}

uint64_t channel_patience(void) { return service_number("EMU_FALLBACK_SECONDS", 60); }

bool channel_is_boxed(void) { return box; }

void channel_moment(void) {
  enum { MILLISECOND = 1000000, ROUNDS = 40000 };
  struct timespec moment = {0, MILLISECOND};
  if (!box) RAW2(SYS_nanosleep, &moment, NULL);
  for (int i = 0; box && i < ROUNDS; i++) __builtin_ia32_pause();
}

// --- The box --------------------------------------------------------------------------------------------------------------

static uint32_t state(void) { return __atomic_load_n(&box->state, __ATOMIC_ACQUIRE); }
static void set_state(uint32_t to) { __atomic_store_n(&box->state, to, __ATOMIC_RELEASE); }

static struct box *box_at(uint32_t n) { return (struct box *)((uint8_t *)cache_notes() + BOXES_AT + n * BOX_ROOM); }

bool channel_box(void) {
  for (uint32_t n = 0, is_free = 0; n < BOXES; n++, is_free = 0) {
    if (!__atomic_compare_exchange_n(&box_at(n)->is_taken, &is_free, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) continue;
    uint32_t *boxes = &cache_notes()->boxes, before = __atomic_load_n(boxes, __ATOMIC_ACQUIRE);
    while (before < n + 1 && !__atomic_compare_exchange_n(boxes, &before, n + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) continue;
    if (!box) channel_post(0, MESSAGE_BOXES, (uint64_t[6]){0}, "", 0); // it wakes up
    box = box_at(n);
    box->state = BOX_EMPTY;
    return true;
  }
  return false;
}

void channel_unbox(void) {
  if (!box) return;
  while (state() == BOX_ASKS && !cache_notes()->ended) __builtin_ia32_pause(); // the last message needs no answer
  __atomic_store_n(&box->is_taken, 0, __ATOMIC_RELEASE);
  box = NULL;
}

// Awake, as to sleep is a call. Without a clock, which the guest may not read either: patience is rounds. False: nothing happened.
static bool wait_for(uint32_t wanted) {
  enum { ROUNDS_PER_SECOND = 50000000 };
  for (uint64_t rounds = channel_patience() * ROUNDS_PER_SECOND; state() != wanted; rounds--) {
    if (!rounds || cache_notes()->ended) return false;
    __builtin_ia32_pause();
  }
  return true;
}

static const char *what_is_wrong(void) { return cache_notes()->ended ? channel_ended : silent; }

static bool put(const struct message *head, const void *more) {
  if (!wait_for(BOX_EMPTY)) return false;
  box->head = *head;
  memcpy(box->more, more, head->size);
  set_state(BOX_ASKS);
  return true;
}

static const char *take(struct message *head, uint8_t more[4096]) {
  if (!wait_for(BOX_ANSWERS)) return what_is_wrong();
  *head = box->head;
  if (head->size > sizeof box->more) return channel_nonsense;
  memcpy(more, box->more, head->size);
  set_state(BOX_EMPTY);
  return NULL;
}

// --- The socket -----------------------------------------------------------------------------------------------------------

static bool send_through(const struct message *head, const void *more) {
  static uint8_t out[MESSAGE_ROOM];
  memcpy(out, head, sizeof *head);
  memcpy(out + sizeof *head, more, head->size);
  long sent;
  do sent = raw(SYS_sendto, (uint64_t)to_service, (uint64_t)out, sizeof *head + head->size, MSG_NOSIGNAL, 0, 0);
  while (sent == -EINTR);
  return sent >= 0;
}

// Waits for a message, awake for a moment where the service is at work at the same time: to fall asleep and be woken takes longer than most
// answers.
static long receive(uint8_t in[MESSAGE_ROOM]) {
  enum { AWAKE = 200000 };
  for (uint64_t since = clock_now();;) {
    bool sleeps = sched_getcpu() == (int)service_cpu || clock_now() - since > AWAKE;
    long size = raw(SYS_recvfrom, (uint64_t)to_service, (uint64_t)in, MESSAGE_ROOM, sleeps ? 0 : MSG_DONTWAIT, 0, 0);
    if (sleeps || size != -EAGAIN) return size;
    for (int i = 0; i < 16; i++) __builtin_ia32_pause();
  }
}

static const char *receive_whole(struct message *head, uint8_t more[4096]) {
  static uint8_t in[MESSAGE_ROOM];
  uint64_t slices = 0, since = clock_now();
  for (;;) {
    long size = receive(in);
    slices += size == -EAGAIN;
    bool is_late = slices >= channel_patience() * SLICES || clock_now() - since > channel_patience() * 1000000000u;
    bool is_nothing = size == -EINTR || size == -EAGAIN, has_ended = cache_notes()->ended; // where its end of the socket is open elsewhere
    if (is_nothing && !has_ended && !is_late) continue;
    if (is_nothing && !has_ended) return silent;
    if (size <= 0) return channel_ended;
    memcpy(head, in, sizeof *head);
    service_cpu = head->cpu;
    if (size < (long)sizeof *head || size != (long)sizeof *head + head->size) return channel_nonsense;
    memcpy(more, in + sizeof *head, head->size);
    return NULL;
  }
}

// --- Either ---------------------------------------------------------------------------------------------------------------

bool channel_post(uint64_t id, uint32_t kind, const uint64_t words[6], const void *more, uint32_t size) {
  struct message head = {.id = id, .kind = kind, .size = size, .cpu = box ? 0 : (uint32_t)sched_getcpu()};
  memcpy(head.words, words, sizeof head.words);
  return box ? put(&head, more) : send_through(&head, more);
}

// What an earlier request left behind (its process was killed) is dropped.
const char *channel_hear(uint64_t id, struct message *head, uint8_t more[4096]) {
  static char error[4096 + 4] = ": ";
  const char *wrong;
  do wrong = box ? take(head, more) : receive_whole(head, more);
  while (!wrong && head->id != id);
  if (wrong || head->kind != MESSAGE_ERROR) return wrong;
  memcpy(error + 2, more, head->size);
  error[2 + head->size] = 0;
  return error;
}
