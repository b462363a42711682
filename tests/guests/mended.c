/* Synchronous faults that the guest handles: what siginfo says, mended memory, jumps out, on the alternate stack, and again inside. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static volatile char *page;
static sigjmp_buf back;
static volatile int count;
extern char load_at[], divide_at[];

static void on(int s, void (*h)(int, siginfo_t *, void *), int flags)
{
    struct sigaction a = {.sa_sigaction = h, .sa_flags = SA_SIGINFO | flags};
    sigaction(s, &a, 0);
}

static void mend(int s, siginfo_t *i, void *c)
{
    count++;
    mprotect((void *)((unsigned long)i->si_addr & -4096), 4096, PROT_READ | PROT_WRITE);
}

static void leave(int s, siginfo_t *i, void *c)
{
    ucontext_t *u = c;
    unsigned long pc = u->uc_mcontext.gregs[REG_RIP];
    printf("signal %d code %d address %ld at %s trap %d\n", s, i->si_code, s == SIGSEGV ? (char *)i->si_addr - page : 0,
           pc == (unsigned long)load_at ? "load" : pc == (unsigned long)divide_at ? "divide" : "?", (int)u->uc_mcontext.gregs[REG_TRAPNO]);
    siglongjmp(back, 1 + s);
}

static int __attribute__((noinline)) load(volatile char *p)
{
    int r;
    __asm__ volatile(".globl load_at\nload_at: movl (%1), %0" : "=r"(r) : "r"(p));
    return r;
}

static int __attribute__((noinline)) divide(int a, int b)
{
    __asm__ volatile("cltd\n.globl divide_at\ndivide_at: idivl %1" : "+a"(a) : "r"(b) : "rdx", "cc");
    return a;
}

static char stack[64 << 10];
static void deep(int s, siginfo_t *i, void *c)
{
    char here;
    printf("deep, on the stack %d\n", &here > stack && &here < stack + sizeof stack);
    if (count++ < 2) load(page + 8192);
    siglongjmp(back, count);
}

static void trap(int s, siginfo_t *i, void *c) { printf("trap %d code %d\n", s, i->si_code); siglongjmp(back, s); }

int main(void)
{
    setvbuf(stdout, 0, _IOLBF, 0);
    page = mmap(0, 64 << 10, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    on(SIGSEGV, mend, 0);
    unsigned sum = 0;
    for (int i = 0; i < 64 << 10; i++) page[i] = (char)i;
    for (int i = 0; i < 64 << 10; i++) sum = sum * 31 + page[i];
    printf("mended %d, sum %u\n", count, sum);
    munmap((void *)page, 64 << 10);
    page = mmap(0, 64 << 10, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    on(SIGSEGV, leave, 0), on(SIGFPE, leave, 0);
    volatile int n = 0;
    if (sigsetjmp(back, 1)) n++;
    if (n < 5) load(page + 16 * n);
    n = 0;
    if (sigsetjmp(back, 1)) n++;
    if (n < 2) divide(7, n - n);
    printf("left %d\n", n);

    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, 0);
    on(SIGSEGV, deep, SA_ONSTACK | SA_NODEFER);
    count = 0;
    n = sigsetjmp(back, 1);
    if (!n) load(page);
    printf("deep %d\n", n);

    on(SIGILL, trap, 0), on(SIGTRAP, trap, 0);
    if (!sigsetjmp(back, 1)) __asm__ volatile("ud2");
    if (!sigsetjmp(back, 1)) __asm__ volatile("int3");
    fflush(stdout);
    _exit(23);
}
