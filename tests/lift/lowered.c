// Owns the process in which the lift tests run lowered code: reads cases from stdin, runs each region, writes what became of
// its state and memory to stdout. Nothing of the runtime core is here but what single instructions can reach.
#include "core.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SCRATCH = 0x12000000, SCRATCH_SIZE = 0x4000, STATE_SIZE = 0x3c0 };


_Thread_local struct emu_state emu_state;
struct emu_entry emu_dispatch_table[1] = {{0, NULL}};
extern void *const regions[]; // in the order of the test's functions

static void transfer(ssize_t (*move)(int, void *, size_t), int fd, void *data, size_t size) {
  for (char *at = data, *end = at + size; at < end;) {
    ssize_t n = move(fd, at, (size_t)(end - at));
    if (n <= 0) exit(0);
    at += n;
  }
}

static ssize_t put(int fd, void *data, size_t size) { return write(fd, data, size); }

// Leaving is all that a PC outside of the region means.
__attribute__((preserve_all)) void *emu_lookup(uint64_t pc) {
  emu_state.rip = pc;
  return (void *)emu_leave;
}

__attribute__((preserve_all)) void *emu_lookup_everything(uint64_t pc) { return emu_lookup(pc); }

_Noreturn void emu_trap(uint64_t pc, uint64_t kind, const char *text) {
  fprintf(stderr, "0x%lx: signal %lu: %s\n", pc, kind, text);
  _exit(1);
}

void emu_trapped(void) { emu_trap(emu_state.rip, emu_state.trap_signal, emu_state.trap_text); }
void emu_safepoint(void) {}
void emu_visit(void) {}
void emu_syscall(void) { emu_trap(emu_state.rip, 31, "syscall"); }
void emu_helper_cpuid(void) { emu_syscall(); }
void emu_helper_xgetbv(void) { emu_syscall(); }
__attribute__((preserve_all)) void emu_stream_full(uint64_t stream) { emu_trap(emu_state.rip, stream, "stream"); }

// The legacy image of SDM vol. 1, table 10-2, without its vector registers.
struct fx_image {
  uint16_t fcw, fsw;
  uint8_t ftag, reserved[19];
  uint32_t mxcsr, mask;
  uint8_t st[8][16], rest[352];
};

// The guest's x87 and MXCSR are the host's while its code runs.
static void run(void *region) {
  _Alignas(16) static struct fx_image own, guest;
  struct emu_state *s = &emu_state;
  guest.fcw = s->fcw, guest.fsw = (uint16_t)(s->fsw | s->ftop << 11), guest.ftag = s->ftag, guest.mxcsr = s->mxcsr;
  for (int i = 0; i < 8; i++) memcpy(guest.st[i], &s->st[(s->ftop + i) & 7], 10);
  __asm__ volatile("fxsave %0\nfninit\nfxrstor %1" : "=m"(own) : "m"(guest));
  emu_enter(region);
  __asm__ volatile("fxsave %0\nfninit\nfxrstor %1" : "=m"(guest) : "m"(own));
  s->fcw = guest.fcw, s->fsw = guest.fsw & ~(7 << 11), s->ftop = guest.fsw >> 11 & 7, s->ftag = guest.ftag, s->mxcsr = guest.mxcsr;
  for (int i = 0; i < 8; i++) memcpy(&s->st[(s->ftop + i) & 7], guest.st[i], 10);
}

// What images.c needs: guest memory here is good, and a host PC has no guest PC.
bool copy_in(void *to, uint64_t from, size_t size) { return memcpy(to, (const void *)from, size); }
bool copy_out(uint64_t to, const void *from, size_t size) { return memcpy((void *)to, from, size); }
uint64_t locate(uint64_t host_pc) { return host_pc & 0; }

int main(void) {
  uint8_t *memory = mmap((void *)SCRATCH, SCRATCH_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (memory != (void *)SCRATCH) return 2;
  for (;;) {
    uint32_t index;
    transfer(read, 0, &index, sizeof index);
    transfer(read, 0, &emu_state, STATE_SIZE);
    transfer(read, 0, memory, SCRATCH_SIZE);
    run(regions[index]);
    transfer(put, 1, &emu_state, STATE_SIZE);
    transfer(put, 1, memory, SCRATCH_SIZE);
  }
}
