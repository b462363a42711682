// Owns the core's locks among the threads of the guest. They cost nothing until there is a second thread. A signal handler of the core takes
// none that the thread it interrupted may hold: of LOCK_CODE nobody faults inside, of LOCK_ACTIONS everything is blocked.
#include "core.h"
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>

enum { FREE, HELD, AWAITED };
static _Atomic int words[LOCKS];
static bool needed;

void locks_begin(void) { needed = true; }

void lock(enum lock which) {
  _Atomic int *word = &words[which];
  int was = FREE;
  if (!needed || __atomic_compare_exchange_n((int *)word, &was, HELD, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) return;
  while (__atomic_exchange_n((int *)word, AWAITED, __ATOMIC_ACQUIRE) != FREE) RAW4(SYS_futex, word, FUTEX_WAIT_PRIVATE, AWAITED, NULL);
}

void unlock(enum lock which) {
  if (needed && __atomic_exchange_n((int *)&words[which], FREE, __ATOMIC_RELEASE) == AWAITED) RAW3(SYS_futex, &words[which], FUTEX_WAKE_PRIVATE, 1);
}

void locks_before_fork(void) {
  for (int i = 0; i < LOCKS; i++) lock((enum lock)i);
}

void locks_after_fork(bool is_child) {
  for (int i = LOCKS; i--;) unlock((enum lock)i);
  if (is_child) needed = false;
}
