// Owns the runner's main: guest in place, data file open, then the guest's first instruction.
#include "core.h"
#include "codecache.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <unistd.h>

_Thread_local struct emu_state emu_state __attribute__((aligned(64)));

_Noreturn void dispatch(void);

static struct image image;

static _Noreturn void begin(void) {
  events_begin(&image);
  dispatch();
}

// `emu build --no-aslr`: the kernel chooses addresses where a program is executed, so this one is executed once more.
static void fix_addresses(char **argv, char **envp) {
  int now = personality(0xffffffff);
  if (now & ADDR_NO_RANDOMIZE) return;
  if (personality((unsigned long)now | ADDR_NO_RANDOMIZE) >= 0) execve((const char *)getauxval(AT_EXECFN), argv, envp);
  fail("--no-aslr: the kernel does not fix addresses: %s", strerror(errno));
}

int main(int argc, char **argv, char **envp) {
  (void)argc;
  if (emu_fixed_addresses) fix_addresses(argv, envp);
  forget_variables_of_others(envp);
  // `emu run` waits for us, to print a report: when it is killed, the guest that it stands for is.
  if (getenv("EMU_TIED")) prctl(PR_SET_PDEATHSIG, SIGKILL);
  dispatch_init();
  memory_init();
  service_note_environment();
  exec_init(envp);
  image = image_map();
  // Of a position-independent program as high as natively (ELF_ET_DYN_BASE), where there is room.
  memory_set_break(emu_image_base ? 0x555556000000 : page_up(image.end));
  data_open(getenv("EMU_DATA"));
  libc_begin();
  signals_init();
  // ELF_PLAT_INIT and the psABI: every register zero, x87 and SSE in their initial state.
  emu_state.gpr[RSP] = stack_prepare(argv, envp, &image);
  if (image.executable_stack) stack_allow_code(emu_state.gpr[RSP]);
  emu_state.rip = image.start;
  emu_state.fcw = 0x37f;
  emu_state.mxcsr = 0x1f80;
  host_stack_run(begin);
}
