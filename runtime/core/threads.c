// Owns the guest's threads: each is a thread of the kernel's, with the flags, addresses and thread id that the guest asked for, on a slot of
// the core's own: host stack, thread-local storage (libc does not know of them), and stacks for signals. Slots are used again and again. A process
// that shares another one's memory (vfork, posix_spawn: CLONE_VM) is on such a slot, too.
#include "core.h"
#include "codecache.h"
#include "data.h"
#include "sandbox.h"
#include "signals.h"
#include <asm/prctl.h>
#include <elf.h>
#include <errno.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

_Noreturn void dispatch(void);

// From the bottom: guard and host stack, buffers of streams, stacks for signals, thread-local storage with the counters, the C library's thread
// block (struct pthread).
enum { MOST_SLOTS = 1 << 15, TCB_ROOM = PAGE };
static const uint64_t HOST_STACK = 64 << 20;

static uint64_t arena;              // slots, address space only until they are used
static uint32_t slots;              // how many there is room for
static uint32_t busy[MOST_SLOTS];   // 0: free; the thread itself says so, with its last but one instruction
static uint32_t nobodys;            // instead of it, where others say so
static bool prepared[MOST_SLOTS];   // readable and writable
static bool counts[MOST_SLOTS];     // has counters of its own in this process
static uint32_t alive = 1;          // threads
static uint64_t first;              // thread block of the thread that has no slot, 0: gone
static int leaders_status;          // of the process, when its first thread has left
static bool leader_left;
static uint32_t ended[MOST_SLOTS + 1], ends; // threads that are to be told of where the process ends

// What a new thread finds in its thread-local storage.
static _Thread_local struct birth {
  uint32_t *slot;
  uint64_t bottom, top; // of the host stack
  uint8_t *streams, *signal_stacks;
  uint64_t blocked;
  uint32_t *given_back; // what to clear at the end, when no stack is used any more
  bool shares;          // it belongs to a process that shares the memory of the first one
  uint32_t id;          // 0: it has not begun
  uint64_t clears;      // where the kernel clears its id at its end
  bool is_told;         // passes know that it ends
} birth;

static uint64_t self(void) {
  uint64_t block;
  __asm__("mov %%fs:0, %0" : "=r"(block));
  return block;
}

// A thread-local object of the thread whose thread block that is.
static void *of(uint64_t block, const void *mine) { return (void *)(block + ((uint64_t)mine - self())); }

// --- Thread-local storage -----------------------------------------------------------------------------------------------------

extern const Elf64_Ehdr __ehdr_start; // the runner's own headers (lld)

static const Elf64_Phdr *tls_segment(void) {
  const Elf64_Phdr *at = (const Elf64_Phdr *)((const uint8_t *)&__ehdr_start + __ehdr_start.e_phoff);
  while (at->p_type != PT_TLS) at++;
  return at;
}

// Variant II of "ELF Handling For Thread-Local Storage": the segment lies below the thread block, as lld places it.
static uint64_t storage_size(void) {
  const Elf64_Phdr *tls = tls_segment();
  return tls->p_memsz + ((-tls->p_vaddr - tls->p_memsz) & (tls->p_align - 1));
}

bool thread_shares(void) { return birth.shares; }

bool thread_shares_at(int64_t distance) { return ((struct birth *)((uint64_t)&birth + (uint64_t)distance))->shares; }

uint64_t thread_storage(void) { return self() - storage_size(); }

// What the segment says of [from, to), where it is at `at`.
static void initialise(uint64_t at, uint64_t from, uint64_t to) {
  const Elf64_Phdr *tls = tls_segment();
  uint64_t end = at + tls->p_filesz;
  memset((void *)from, 0, to - from);
  if (from < end) memcpy((void *)from, (const void *)(tls->p_vaddr + (from - at)), (to < end ? to : end) - from);
}

// The thread block begins with its own address. The rest of it (errno, locale: musl's struct pthread) begins as this thread's. Counters stay
// as they are.
static void lay_out(uint64_t block) {
  enum { BLOCK = 200 };
  uint64_t at = block - storage_size(), cells = (uint64_t)of(block, emu_cells_begin), cells_end = (uint64_t)of(block, emu_cells_end);
  initialise(at, at, cells);
  initialise(at, cells_end, block + TCB_ROOM);
  memcpy((void *)block, (const void *)self(), BLOCK);
  libc_block(block);
}

// --- Slots ----------------------------------------------------------------------------------------------------------------

static uint64_t slot_size(void) { return HOST_STACK + page_up(storage_size() + tls_segment()->p_align); }
static uint64_t slot_at(uint32_t n) { return arena + n * slot_size(); }
static uint64_t block_of(uint32_t n) { return (slot_at(n + 1) - TCB_ROOM) & ~(tls_segment()->p_align - 1); }

// By the first thread that makes another one.
static bool reserve(void) {
  if (arena) return true;
  first = self();
  limits_make_room(MOST_SLOTS * slot_size());
  for (slots = MOST_SLOTS; slots; slots /= 2) {
    long at = raw(SYS_mmap, 0, slots * slot_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, (uint64_t)-1, 0);
    if (at < 0 && at > -PAGE) continue;
    arena = (uint64_t)at;
    RAW3(SYS_madvise, arena, slots * slot_size(), MADV_NOHUGEPAGE);
    memory_protect_runner(arena, arena + slots * slot_size());
    return true;
  }
  return false;
}

static bool prepare(uint32_t n) {
  if (!prepared[n] && RAW3(SYS_mprotect, slot_at(n) + HOST_GUARD, slot_size() - HOST_GUARD, PROT_READ | PROT_WRITE)) return false;
  prepared[n] = true;
  return counts[n] || (counts[n] = counters_map(of(block_of(n), emu_cells_begin)));
}

// The thread block of a free slot, its thread-local storage filled in; 0: there is none.
static uint64_t take_slot(void) {
  uint32_t n = 0;
  if (!reserve()) return 0;
  lock(LOCK_THREADS);
  while (n < slots && __atomic_load_n(&busy[n], __ATOMIC_ACQUIRE)) n++;
  bool usable = n < slots && prepare(n);
  if (usable) busy[n] = true;
  unlock(LOCK_THREADS);
  if (!usable) return 0;
  uint64_t block = block_of(n);
  lay_out(block);
  uint8_t *signal_stacks = (uint8_t *)page_down(block - storage_size()) - SIGNAL_STACKS, *streams = signal_stacks - STREAM_ROOM;
  *(struct birth *)of(block, &birth) = (struct birth){.slot = &busy[n], .bottom = slot_at(n), .top = (uint64_t)streams, .streams = streams, .signal_stacks = signal_stacks, .given_back = &busy[n]};
  return block;
}

void threads_each_other(void (*see)(int64_t distance)) {
  lock(LOCK_THREADS);
  if (first && first != self()) see((int64_t)(first - self()));
  for (uint32_t n = 0; n < slots; n++)
    if (busy[n] && block_of(n) != self()) see((int64_t)(block_of(n) - self()));
  unlock(LOCK_THREADS);
}

// --- Begin ------------------------------------------------------------------------------------------------------------------

void thread_begins(void) {
  birth.id = (uint32_t)RAW0(SYS_gettid);
  libc_thread_begins(birth.id);
  event_happens(EVENT_THREAD_START, birth.id, 0, 0);
}

uint32_t thread_id(void) { return birth.id ? birth.id : (uint32_t)RAW0(SYS_gettid); }

// On its host stack, with all signals held, and emu_state as its parent left it there.
static _Noreturn void begin(void) {
  RAW2(SYS_arch_prctl, ARCH_SET_GS, emu_state.fsbase); // guest fs: is host gs:
  host_stack_use(birth.bottom, birth.top);
  dispatch_thread_begins();
  stream_thread_begins(birth.streams);
  thread_begins();
  signals_thread_begins(birth.signal_stacks, birth.blocked);
  dispatch();
}

// long thread_call(long number, const uint64_t args[5], void (*begin)(void)): clone or clone3. The child calls `begin` on its own stack.
long thread_call(long number, const uint64_t args[5], void (*begin)(void));
__asm__(".pushsection .text\n"
        ".type thread_call, @function\n"
        "thread_call: push %rbx\n"
        "             mov %rdx, %rbx\n"
        "             mov %rdi, %rax\n"
        "             mov (%rsi), %rdi\n"
        "             mov 16(%rsi), %rdx\n"
        "             mov 24(%rsi), %r10\n"
        "             mov 32(%rsi), %r8\n"
        "             mov 8(%rsi), %rsi\n"
        "             syscall\n"
        "             test %rax, %rax\n"
        "             jz 1f\n"
        "             pop %rbx\n"
        "             ret\n"
        "1:           xor %ebp, %ebp\n"
        "             call *%rbx\n"
        "             ud2\n"
        ".size thread_call, . - thread_call\n"
        ".popsection\n");

static void write_state(uint64_t block, uint64_t stack, uint64_t tls, bool sets_tls) {
  struct emu_state *child = of(block, &emu_state);
  *child = emu_state;
  memset(child->stream, 0, sizeof child->stream);
  child->gpr[RAX] = 0;
  if (stack) child->gpr[RSP] = stack;
  if (sets_tls) child->fsbase = tls;
}

// A process may end by exec, and be killed: its slot is given back by its parent, which waits for that (CLONE_VFORK), or by the kernel.
static void watch_end(struct birth *child, struct clone_args *host) {
  if (host->flags & CLONE_VFORK) {
    child->given_back = &nobodys;
  } else if (!(host->flags & CLONE_CHILD_CLEARTID)) {
    host->flags |= CLONE_CHILD_CLEARTID;
    host->child_tid = (uint64_t)child->slot;
    child->given_back = &nobodys;
  }
}

long thread_clone(long number, const struct clone_args *wanted, size_t size) {
  const bool is_process = !(wanted->flags & CLONE_THREAD);
  locks_begin();
  uint64_t block = take_slot();
  if (!block) return -EAGAIN;
  struct birth *child = of(block, &birth);
  struct clone_args host = *wanted;
  write_state(block, wanted->stack + wanted->stack_size, wanted->tls, wanted->flags & CLONE_SETTLS);
  host.flags |= CLONE_SETTLS;
  host.tls = block;
  host.stack = child->bottom, host.stack_size = child->top - child->bottom;
  child->shares = is_process || birth.shares;
  child->clears = wanted->flags & CLONE_CHILD_CLEARTID ? wanted->child_tid : 0;
  if (is_process) watch_end(child, &host);
  const uint64_t modern[5] = {(uint64_t)&host, size}, old[5] = {host.flags | host.exit_signal, child->top, host.parent_tid, host.child_tid, block};
  uint64_t held = signals_hold(); // the thread begins with none that waits
  child->blocked = signals_blocked(held);
  signals_inherit((int64_t)(block - self()), wanted->flags);
  sandbox_inherit((int64_t)(block - self()));
  if (!child->shares) __atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);
  long result = signals_waiting() ? RESTART : thread_call(number, number == SYS_clone3 ? modern : old, begin);
  if (result < 0 && !child->shares) __atomic_fetch_sub(&alive, 1, __ATOMIC_RELAXED);
  if (result < 0 || (is_process && wanted->flags & CLONE_VFORK)) *child->slot = 0;
  signals_release(held);
  return result;
}

// --- End ----------------------------------------------------------------------------------------------------------------------

// void thread_leave(uint32_t *slot, int status): from the store on, the stack may be another thread's.
_Noreturn void thread_leave(uint32_t *slot, int status);
__asm__(".pushsection .text\n"
        ".type thread_leave, @function\n"
        "thread_leave: mov %rdi, %rdx\n"
        "              mov %esi, %edi\n"
        "              mov $60, %eax\n"
        "              movl $0, (%rdx)\n"
        "              syscall\n"
        "              ud2\n"
        ".size thread_leave, . - thread_leave\n"
        ".popsection\n");

static bool is_news(struct birth *of) { return of->id && !__atomic_exchange_n(&of->is_told, true, __ATOMIC_ACQ_REL); }

static void tell_own_end(void) {
  if (is_news(&birth)) event_happens(EVENT_THREAD_EXIT, birth.id, 0, 0);
}

static void note_end(int64_t distance) {
  struct birth *other = (struct birth *)((uint64_t)&birth + (uint64_t)distance);
  if (!other->shares && is_news(other)) ended[ends++] = other->id;
}

void threads_end(void) {
  static bool already;
  if (event_watched(EVENT_THREAD_EXIT) && !birth.shares && !__atomic_exchange_n(&already, true, __ATOMIC_ACQ_REL)) {
    threads_each_other(note_end);
    for (uint32_t i = 0; i < ends; i++) event_happens(EVENT_THREAD_EXIT, ended[i], 0, 0);
  }
  tell_own_end();
}

long thread_clears(uint64_t at) {
  birth.clears = at;
  return RAW1(SYS_set_tid_address, at);
}

// The process ends with its last thread, with the status of its first.
void thread_exit(int status) {
  if (!birth.shares && __atomic_load_n(&alive, __ATOMIC_ACQUIRE) == 1 && !leader_left) process_exit_by(SYS_exit, status);
  tell_own_end();
  if (data_header) stream_thread_ends();
  guest_unwatch(birth.clears, 4); // the kernel says nothing if it cannot
  signals_hold_all();
  if (birth.shares) thread_leave(birth.given_back, status);
  if (birth.id == process_id()) leaders_status = status, leader_left = true;
  if (__atomic_sub_fetch(&alive, 1, __ATOMIC_ACQ_REL) == 0) process_finish(leaders_status);
  if (birth.slot) thread_leave(birth.given_back, status);
  for (;;) RAW1(SYS_exit, status);
}

void threads_forked(void) {
  for (uint32_t n = 0; n < slots; n++) busy[n] = counts[n] = &busy[n] == birth.slot;
  if (birth.slot) first = 0;
  birth.given_back = birth.slot;
  birth.id = (uint32_t)RAW0(SYS_gettid);
  libc_thread_begins(birth.id);
  birth.shares = false;
  alive = 1;
  leader_left = false;
}

static void call_to_core(int64_t distance) {
  struct emu_state *state = (struct emu_state *)((uint64_t)&emu_state + (uint64_t)distance);
  __atomic_store_n(&state->host_limit, ~0ull, __ATOMIC_SEQ_CST);
}

void threads_call_to_core(void) {
  call_to_core(0);
  threads_each_other(call_to_core);
}
