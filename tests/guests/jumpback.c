/* A handler of faults on an alternate stack that is always left by siglongjmp, without a system call on the way: the next one's frame must be at
   the top of that stack again. */
#include "guest.h"
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
static sigjmp_buf back;
static char below[4096], stack[16384], above[4096];
static long lowest = 1 << 30;
static void fault(int s, siginfo_t *i, void *c) { char here; if (&here - stack < lowest) lowest = &here - stack; siglongjmp(back, 1); }
int main(void) {
  stack_t a = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction h = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  sigaltstack(&a, 0), sigaction(SIGSEGV, &h, 0);
  volatile int n = 0;
  while (n < 1000) if (!sigsetjmp(back, 0)) n++, *(volatile int *)16 = 1;
  printf("%d %d\n", n, lowest > 8000);
  for (int i = 0; i < 4096; i++) if (below[i]) return puts("overwritten"), 1;
  return 0;
}
