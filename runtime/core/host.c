// Owns the host stack: generated code calls on it as deep as the guest calls, in frames larger than the guest's.
#include "core.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

// RESERVE: for core, probes and libc below the last guest frame; NEAR: more than the core's frames between two looks at the limit.
enum { RESERVE = 256 << 10, NEAR = 16 << 10 };
static const uint64_t MiB = 1 << 20;

static _Thread_local uint64_t bottom, size, limit;

static uint64_t wanted(void) {
  struct rlimit limit;
  if (RAW4(SYS_prlimit64, 0, RLIMIT_STACK, 0, &limit) || limit.rlim_cur > 256 * MiB) return 4096 * MiB;
  return limit.rlim_cur <= 16 * MiB ? 256 * MiB : limit.rlim_cur * 16;
}

// A small address space limit (ulimit -v, -d) leaves a smaller stack, not no guest.
static void map_stack(void) {
  for (size = wanted(); size >= MiB; size /= 2) {
    long at = raw(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK,
                  (uint64_t)-1, 0);
    if (at < 0 && at > -4096) continue;
    bottom = (uint64_t)at;
    return;
  }
  fail("no memory for the host stack");
}

// void switch_stack(void *top, void (*run)(void))
__asm__(".pushsection .text\n"
        ".globl switch_stack\n"
        ".type switch_stack, @function\n"
        "switch_stack: mov %rdi, %rsp\n"
        "              xor %ebp, %ebp\n"
        "              call *%rsi\n"
        "              ud2\n"
        ".size switch_stack, . - switch_stack\n"
        ".popsection\n");

void host_stack_use(uint64_t from, uint64_t to) {
  bottom = from, size = to - from;
  emu_state.host_limit = limit = bottom + HOST_GUARD + RESERVE;
}

void host_limit_lower(void) {
  emu_state.host_limit = limit;
  __atomic_thread_fence(__ATOMIC_SEQ_CST); // whoever raises it says why before
  if (signals_waiting() || dispatch_is_told()) emu_state.host_limit = ~0ull;
}

void host_stack_run(void (*run)(void)) {
  map_stack();
  RAW3(SYS_madvise, bottom, size, MADV_NOHUGEPAGE); // the first touch would clear 2 MiB
  RAW3(SYS_mprotect, bottom, HOST_GUARD, PROT_NONE);
  memory_protect_runner(bottom, bottom + size);
  host_stack_use(bottom, bottom + size);
  switch_stack(bottom + size, run);
}

void host_stack_restart(void (*run)(void)) { switch_stack(bottom + size, run); }

// The core's own frames count, too: who has found the limit reached above finds it so here.
bool host_stack_is_low(void) { return (uint64_t)__builtin_frame_address(0) < limit + NEAR; }

bool host_stack_guard(uint64_t address) { return address - bottom < HOST_GUARD; }

size_t host_stack_size(void) { return size; }
