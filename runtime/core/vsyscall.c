// Owns the vsyscall page: three functions of the kernel at fixed addresses, in no mapping of the guest's (arch/x86/entry/vsyscall in Linux).
#include "core.h"
#include "maps.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

static const uint64_t PAGE_AT = 0xffffffffff600000, FUNCTION = 0xc00; // the bits of an address that say which
static const long numbers[] = {SYS_gettimeofday, SYS_time, SYS_getcpu, -1};

static long number_of(uint64_t pc) { return numbers[(pc & FUNCTION) >> 10]; }

static void see(const char *line, void *with) {
  if (!strcmp(mapping_of(line).name, "[vsyscall]")) *(bool *)with = true;
}

// A kernel may be without it.
static bool is_there(void) {
  static enum { UNKNOWN, ABSENT, PRESENT } known;
  bool found = false;
  if (known == UNKNOWN) {
    each_line("/proc/self/maps", see, &found);
    known = found ? PRESENT : ABSENT;
  }
  return known == PRESENT;
}

bool vsyscall_is(uint64_t pc) { return (pc & ~FUNCTION) == PAGE_AT && number_of(pc) >= 0 && is_there(); }

static long get_cpu(uint64_t cpu, uint64_t node) {
  unsigned where[2];
  RAW3(SYS_getcpu, &where[0], &where[1], 0);
  return (cpu && !copy_out(cpu, &where[0], 4)) || (node && !copy_out(node, &where[1], 4)) ? -EFAULT : 0;
}

// At rip is one of them, and the guest's return address is on top of its stack.
void emu_vsyscall(void) {
  struct emu_state *s = &emu_state;
  uint64_t caller;
  const uint64_t args[6] = {s->gpr[RDI], s->gpr[RSI]};
  long number = number_of(s->rip);
  if (!copy_in(&caller, s->gpr[RSP], 8)) emu_trap(s->rip, SIGSEGV, "vsyscall without a return address");
  long result = number == SYS_getcpu ? get_cpu(args[0], args[1]) : clock_call(number, args);
  if (result == -EFAULT) emu_trap(s->rip, SIGSEGV, "vsyscall with a bad pointer");
  s->gpr[RAX] = (uint64_t)result;
  s->gpr[RSP] += 8;
  s->rip = caller;
  emu_safepoint();
}
