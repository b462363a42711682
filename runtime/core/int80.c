// Owns `int 0x80`, the 32-bit system calls of a 64-bit program: numbers, arguments and structures are i386's (arch/x86/entry/syscalls/
// syscall_32.tbl in Linux). Those that touch what the core owns are done as their 64-bit twins; the rest goes to the kernel as it is.
#include "core.h"
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

_Noreturn void dispatch(void);

static const struct {
  uint16_t number, twin;
} twins[] = {
    {1, SYS_exit},       {2, SYS_fork},       {5, SYS_open},      {6, SYS_close},       {33, SYS_access},      {41, SYS_dup},
    {45, SYS_brk},       {63, SYS_dup2},      {85, SYS_readlink}, {91, SYS_munmap},     {125, SYS_mprotect},   {136, SYS_personality},
    {163, SYS_mremap},   {172, SYS_prctl},    {190, SYS_vfork},   {219, SYS_madvise},   {252, SYS_exit_group}, {295, SYS_openat},
    {305, SYS_readlinkat}, {307, SYS_faccessat}, {330, SYS_dup3}, {380, SYS_pkey_mprotect}, {383, SYS_statx},  {386, SYS_rseq},
    {397, SYS_shmat},    {435, SYS_clone3},   {436, SYS_close_range}, {437, SYS_openat2}, {439, SYS_faccessat2},
};

// Programs, threads, signal actions and masks, segments, and mappings by way of a structure: they have other structures than their twins.
static const uint16_t refused[] = {11, 48, 67, 72, 90, 117, 119, 120, 123, 126, 173, 174, 175, 179, 186, 243, 308, 309, 319, 358, 384, 413, 414, 441};

static long perform(uint32_t number, const uint64_t args[6]) {
  if (number == 192) { // mmap2: the offset is in pages, and what is mapped is below 4 GiB
    const uint64_t wanted[6] = {args[0], args[1], args[2], args[3] | MAP_32BIT, args[4], args[5] * PAGE};
    return system_call(SYS_mmap, wanted);
  }
  for (size_t i = 0; i < sizeof twins / sizeof *twins; i++)
    if (twins[i].number == number) return system_call(twins[i].twin, args);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (refused[i] == number) {
      say("int 0x80 at %@: the 32-bit system call %u is not translated", emu_state.rip, (uint64_t)number);
      emu_trap(emu_state.rip, SIGSEGV, "int 0x80");
    }
  return raw_compat(number, args);
}

// One that a signal came before is begun again behind the handler.
void emu_helper_int80(void) {
  struct emu_state *s = &emu_state;
  const uint64_t pc = s->rip, *g = s->gpr;
  const uint64_t args[6] = {(uint32_t)g[RBX], (uint32_t)g[RCX], (uint32_t)g[RDX], (uint32_t)g[RSI], (uint32_t)g[RDI], (uint32_t)g[RBP]};
  s->rip = behind(pc, 0xcd) + 1;
  dispatch_in_kernel(true);
  long result = signals_waiting() ? RESTART : perform((uint32_t)g[RAX], args);
  dispatch_in_kernel(false);
  if (result == NO_COMPAT) emu_trap(pc, SIGSEGV, "int 0x80: this kernel has no 32-bit system calls");
  if (result != RESTART) {
    s->gpr[RAX] = (uint64_t)result;
    return dispatch_leave_frames();
  }
  s->rip = pc;
  emu_safepoint();
  host_stack_restart(dispatch);
}
