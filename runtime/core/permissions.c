// Owns what the guest may do with memory besides what it asks for, and what it may not ask for: as protections do not reach the kernel as the
// guest says them, two of the kernel's rules are applied here.
#include "core.h"
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>

// linux/prctl.h
enum { GET_MDWE = 66, REFUSE_EXEC_GAIN = 1, NO_INHERIT = 2 };
static const uint64_t ASK = 0xffffffff; // of personality

// READ_IMPLIES_EXEC is each thread's own: where one has had it, the kernel is asked. (It ends with execve: arch/x86/kernel/process_64.c.)
static bool some_read_implies_exec;

long permissions_personality(uint64_t persona) {
  if ((uint32_t)persona != ASK && persona & READ_IMPLIES_EXEC) some_read_implies_exec = true;
  return RAW1(SYS_personality, persona);
}

uint64_t permissions_implied(uint64_t protection) {
  bool implies = some_read_implies_exec && protection & PROT_READ && RAW1(SYS_personality, ASK) & READ_IMPLIES_EXEC;
  return implies ? protection | PROT_EXEC : protection;
}

// PR_SET_MDWE, or one that was inherited.
static uint64_t denied;

void permissions_change(void) {
  long is = raw(SYS_prctl, GET_MDWE, 0, 0, 0, 0, 0);
  denied = is > 0 ? (uint64_t)is : 0;
}

void permissions_forked(void) {
  if (denied & NO_INHERIT) denied = 0;
}

// map_deny_write_exec in include/linux/mman.h.
bool permissions_deny(uint64_t protection, bool was_executable) {
  return denied & REFUSE_EXEC_GAIN && protection & PROT_EXEC && (protection & PROT_WRITE || !was_executable);
}
