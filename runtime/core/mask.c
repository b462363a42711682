// Owns the kernel's signal mask of this thread. It is set by the call for that or, where the guest has forbidden the call, by a return from
// a signal that did not come: rt_sigreturn sets it, too, and is what every guest with handlers may use.
#include "core.h"
#include "sandbox.h"
#include "signals.h"
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

static _Thread_local uint64_t now; // what the mask is

// Returns to its caller by way of rt_sigreturn, with the context's mask. (Its registers begin 40 bytes into the context, with r8.)
void mask_return(ucontext_t *context);
__asm__(".pushsection .text\n"
        ".type mask_return, @function\n"
        "mask_return: mov %r12, 72(%rdi)\n"
        "             mov %r13, 80(%rdi)\n"
        "             mov %r14, 88(%rdi)\n"
        "             mov %r15, 96(%rdi)\n"
        "             mov %rbp, 120(%rdi)\n"
        "             mov %rbx, 128(%rdi)\n"
        "             mov (%rsp), %rax\n"
        "             mov %rax, 168(%rdi)\n"
        "             lea 8(%rsp), %rax\n"
        "             mov %rax, 160(%rdi)\n"
        "             mov %rdi, %rsp\n"
        "             mov $15, %eax\n"
        "             syscall\n"
        "             ud2\n"
        ".size mask_return, . - mask_return\n"
        ".popsection\n");

// x87 and MXCSR stay as they are: they are the guest's.
static void set_by_return(uint64_t mask) {
  struct {
    ucontext_t context;
    uint8_t fpu[512] __attribute__((aligned(64)));
  } was;
  memset(&was, 0, sizeof was);
  __asm__ volatile("fxsave64 %0" : "=m"(was.fpu));
  memset(was.fpu + 464, 0, 48); // nothing behind it
  was.context.uc_flags = 6;     // UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS
  was.context.uc_mcontext.fpregs = (void *)was.fpu;
  was.context.uc_mcontext.gregs[REG_EFL] = 0x202;
  was.context.uc_mcontext.gregs[REG_CSGSFS] = 0x33 | (greg_t)0x2b << 48;
  memcpy(&was.context.uc_sigmask, &mask, sizeof mask);
  mask_return(&was.context);
}

uint64_t mask_set(uint64_t mask) {
  uint64_t before = now;
  now = mask;
  if (!sandbox_may(NEED_MASK))
    set_by_return(mask);
  else
    RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, 8);
  return before;
}

uint64_t mask_read(void) {
  uint64_t mask = now;
  if (sandbox_may(NEED_MASK)) RAW4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
  return mask;
}

void mask_is(uint64_t mask) { now = mask; }
