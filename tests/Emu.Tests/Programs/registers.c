/* What a handler of a fault is told of the guest's registers, and what it does with them. Each case is the first argument; natively and translated
   they print the same. */
#define _GNU_SOURCE
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ucontext.h>
#include <unistd.h>
#include <unwind.h>

#define NO __attribute__((noinline))

/* What libgcc's unwinder asks glibc for; musl has dl_iterate_phdr alone. */
struct found { unsigned long long flags; void *start, *end, *map, *eh_frame; unsigned long long reserved[7]; };

static int is_eh_frame(struct dl_phdr_info *info, size_t size, void *to)
{
    for (int n = 0; n < info->dlpi_phnum; n++)
        if (info->dlpi_phdr[n].p_type == PT_GNU_EH_FRAME) *(char **)to = (char *)info->dlpi_addr + info->dlpi_phdr[n].p_vaddr;
    return 1;
}

int _dl_find_object(void *pc, struct found *result)
{
    *result = (struct found){0};
    dl_iterate_phdr(is_eh_frame, &result->eh_frame);
    return result->eh_frame ? 0 : -1;
}

static jmp_buf again;
static volatile int *bad, count;

static void on(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigaction(signal, &a, 0);
}

/* A crash handler that says where it was. */
static int inner(int), outer(int);
static struct { const char *name; uintptr_t from, to; int seen; } functions[] = {{"inner"}, {"outer"}};

static _Unwind_Reason_Code see(struct _Unwind_Context *c, void *depth)
{
    uintptr_t pc = _Unwind_GetIP(c);
    for (int n = 0; n < 2; n++) functions[n].seen |= pc >= functions[n].from && pc < functions[n].to;
    return ++*(int *)depth < 50 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void tell(int s, siginfo_t *i, void *u)
{
    int depth = 0;
    greg_t *g = ((ucontext_t *)u)->uc_mcontext.gregs;
    _Unwind_Backtrace(see, &depth);
    printf("signal %d: inner %d outer %d, rsp on the stack %d, rdi %lld\n", s, functions[0].seen, functions[1].seen, (char *)g[REG_RSP] > (char *)&depth && (char *)g[REG_RSP] < (char *)&depth + 100000, g[REG_RDI]);
    fflush(stdout);
    _exit(3);
}

static NO int inner(int k) { return *bad + k; }
static NO int outer(int k) { return inner(k + 1) * 3 + 1; }

static int unwind(void)
{
    functions[0].from = (uintptr_t)inner, functions[0].to = (uintptr_t)inner + 48;
    functions[1].from = (uintptr_t)outer, functions[1].to = (uintptr_t)outer + 48;
    on(SIGSEGV, tell, 0);
    return outer(41);
}

/* A stack overflow is told by rsp. */
static char alternate[65536];

static void overflowed(int s, siginfo_t *i, void *u)
{
    char *sp = (char *)((ucontext_t *)u)->uc_mcontext.gregs[REG_RSP], *at = i->si_addr;
    printf("overflow: address near rsp %d\n", at > sp - 8192 && at < sp + 8192);
    count++;
    longjmp(again, 1);
}

static NO int recurse(int n)
{
    volatile char b[200];
    b[0] = (char)n;
    return recurse(n + 1) + b[0];
}

static int overflow(void)
{
    stack_t s = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&s, 0);
    on(SIGSEGV, overflowed, SA_ONSTACK | SA_NODEFER);
    for (volatile int i = 0; i < 3; i++)
        if (!setjmp(again)) recurse(0);
    return printf("%d overflows\n", count) < 0;
}

/* Registers behind a system call. */
extern char at_hlt[];

static void halted(int s, siginfo_t *i, void *c)
{
    greg_t *g = ((ucontext_t *)c)->uc_mcontext.gregs;
    printf("rax %s, rcx %s, rdx %llx, r11 %s, rip %s\n", g[REG_RAX] == getppid() ? "result" : "WRONG", g[REG_RCX] == (long)at_hlt ? "next pc" : "WRONG", g[REG_RDX], g[REG_R11] ? "flags" : "0", g[REG_RIP] == (long)at_hlt ? "hlt" : "WRONG");
    fflush(stdout);
    _exit(0);
}

static int hlt(void)
{
    on(SIGSEGV, halted, 0);
    __asm__ volatile("mov $0x1234,%%edx; mov $110,%%eax; syscall; at_hlt: hlt" ::: "rax", "rcx", "rdx", "r11", "memory");
    return 1;
}

/* A handler that clears the exceptions of the x87 and of SSE in its context, and goes on behind the instruction. */
static void arithmetic(int s, siginfo_t *i, void *c)
{
    ucontext_t *u = c;
    printf("signal %d code %d x87 %x %x mxcsr %x\n", s, i->si_code, u->uc_mcontext.fpregs->cwd, u->uc_mcontext.fpregs->swd & 0xff, u->uc_mcontext.fpregs->mxcsr);
    u->uc_mcontext.fpregs->swd &= ~0x80ff, u->uc_mcontext.fpregs->cwd |= 0x3f;
    u->uc_mcontext.fpregs->mxcsr = 0x1f80;
    if (i->si_code == FPE_INTDIV) u->uc_mcontext.gregs[REG_RIP] += 2;
    if (++count > 9) _exit(9);
}

static int fpe(void)
{
    double one = 1, zero = 0, x = 0;
    uint16_t cw = 0x37b;
    uint32_t mxcsr = 0x1d80;
    int q = 5;
    on(SIGFPE, arithmetic, 0);
    __asm__ volatile("xor %%ecx, %%ecx; cltd; idiv %%ecx" : "+a"(q)::"ecx", "edx");
    printf("%d\n", q);
    __asm__ volatile("fldcw %2; fldl %1; fdivl %3; fwait; fstpl %0" : "=m"(x) : "m"(one), "m"(cw), "m"(zero));
    __asm__ volatile("fnstcw %0" : "=m"(cw));
    printf("%x\n", cw);
    __asm__ volatile("ldmxcsr %2; divsd %1, %0; stmxcsr %2" : "+x"(one) : "m"(zero), "m"(mxcsr));
    return printf("%g %x\n", one, mxcsr) < 0;
}

/* The time stamp counter, forbidden and emulated. */
static void clock_read(int s, siginfo_t *i, void *c)
{
    greg_t *g = ((ucontext_t *)c)->uc_mcontext.gregs;
    g[REG_RAX] = 40 + ++count, g[REG_RDX] = 0, g[REG_RIP] += 2;
}

static int rdtsc(void)
{
    uint64_t sum = 0;
    on(SIGSEGV, clock_read, 0);
    prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0);
    for (int i = 0; i < 3; i++) sum = sum * 100 + __builtin_ia32_rdtsc();
    prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0);
    return printf("%lu\n", sum) < 0;
}

int main(int argc, char **argv)
{
    static const struct { const char *name; int (*run)(void); } cases[] = {{"unwind", unwind}, {"overflow", overflow}, {"hlt", hlt}, {"fpe", fpe}, {"rdtsc", rdtsc}};
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++)
        if (argc > 1 && !strcmp(argv[1], cases[n].name)) return cases[n].run();
    return 2;
}
