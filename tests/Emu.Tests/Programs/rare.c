/* What programs rarely ask of kernel and CPU, a case for each: null pointers called, code on the stack, READ_IMPLIES_EXEC, PR_SET_MDWE, mappings at odd
   places, the vsyscall page, int 0x80, blocked signals that are sent, faults of fetches and of int N, the trap flag. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { PAGE = 4096, RWX = PROT_READ | PROT_WRITE | PROT_EXEC, ANYWHERE = MAP_PRIVATE | MAP_ANONYMOUS };
typedef int (*function)(void);

static sigjmp_buf back;
static volatile int times;

static void on(int s, void (*h)(int, siginfo_t *, void *))
{
    struct sigaction a = {.sa_sigaction = h, .sa_flags = SA_SIGINFO};
    sigaction(s, &a, 0);
}

static void leave(int s, siginfo_t *i, void *c) { siglongjmp(back, s); }

/* mov eax, value; ret */
static void write_code(unsigned char *at, int value)
{
    at[0] = 0xb8;
    memcpy(at + 1, &value, 4);
    at[5] = 0xc3;
    __asm__ volatile("" : : "r"(at) : "memory");
}

static int call(void *at)
{
    int s = sigsetjmp(back, 1);
    return s ? -s : ((function)at)();
}

/* --- Null pointers --- */

static void return_7(int s, siginfo_t *i, void *c)
{
    greg_t *g = ((ucontext_t *)c)->uc_mcontext.gregs;
    times++;
    g[REG_RIP] = *(long *)g[REG_RSP], g[REG_RSP] += 8, g[REG_RAX] = 7;
}

static void null(void)
{
    on(SIGSEGV, return_7);
    volatile function nothing = 0;
    printf("called: %d", nothing());
    unsigned char *p = mmap(0, PAGE, RWX, ANYWHERE, -1, 0), code[] = {0x50, 0x31, 0xc0, 0xff, 0xd0, 0x5a, 0x83, 0xc0, 3, 0xc3}; /* push rax; xor eax, eax; call rax; pop rdx; add eax, 3; ret */
    memcpy(p, code, sizeof code);
    for (int n = 0; n < 3; n++) printf(" %d", ((function)p)());
    on(SIGSEGV, leave);
    for (int n = 0; n < 5; n++) printf(" %d", call(0));
    printf(", handled %d\n", times);
}

/* --- What is executable --- */

static int deep(int levels)
{
    unsigned char code[64];
    write_code(code, levels);
    int got = call(code);
    return levels ? got + deep(levels - 1) : got;
}

static void stack(void)
{
    char line[256];
    on(SIGSEGV, leave);
    FILE *f = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, f))
        if (strstr(line, "[stack]")) printf("%.4s\n", strchr(line, ' ') + 1);
    write_code((unsigned char *)line, 5);
    printf("shallow %d", call(line));
    printf(" deep %d\n", deep(300));
}

static void implied(void)
{
    on(SIGSEGV, leave);
    for (int n = 0; n < 2; n++) {
        unsigned char *p = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, ANYWHERE, -1, 0), *q = (unsigned char *)((syscall(SYS_brk, 0) + PAGE - 1) & -PAGE);
        syscall(SYS_brk, q + PAGE);
        write_code(p, 9), write_code(q, 10);
        printf("read %d, ", call(p));
        printf("break %d", call(q));
        mprotect(p, PAGE, PROT_NONE);
        mprotect(p, PAGE, PROT_READ);
        printf(", protected %d\n", call(p));
        personality(READ_IMPLIES_EXEC);
    }
}

static void *mapped(int protection) { return mmap(0, PAGE, protection, ANYWHERE, -1, 0); }

static void exec_gain(void)
{
    printf("set %d\n", prctl(65, 1, 0, 0, 0) ? errno : 0);
    printf("writable and executable %d\n", mapped(RWX) == MAP_FAILED ? errno : 0);
    void *data = mapped(PROT_READ | PROT_WRITE), *code = mapped(PROT_READ | PROT_EXEC);
    static const int to[] = {PROT_READ | PROT_EXEC, RWX, PROT_READ, PROT_READ | PROT_EXEC};
    printf("data to code %d, code", mprotect(data, PAGE, PROT_READ | PROT_EXEC) ? errno : 0);
    for (int n = 0; n < 4; n++) printf(" to %d: %d", to[n], mprotect(code, PAGE, to[n]) ? errno : 0);
    int status;
    if (!fork()) _exit(mapped(RWX) == MAP_FAILED ? errno : 0);
    wait(&status);
    printf("\nchild %d, is set %d\n", WEXITSTATUS(status), prctl(66, 0, 0, 0, 0));
}

static void places(void)
{
    static const long at[] = {0x30000001, 0x60000001, 0x7fff0001};
    for (int n = 0; n < 3; n++)
        for (int flags = MAP_FIXED; flags; flags = flags == MAP_FIXED ? 0x100000 : 0) { /* MAP_FIXED_NOREPLACE */
            void *p = mmap((void *)at[n], PAGE, PROT_READ, ANYWHERE | flags, -1, 0);
            printf("%d ", p == MAP_FAILED ? errno : 0);
        }
    long most = 0;
    while (mmap(0, 1 << 20, PROT_READ, ANYWHERE | MAP_32BIT | MAP_NORESERVE, -1, 0) != MAP_FAILED) most++;
    printf("low %d\n", most > 950);
}

/* --- Other ways into the kernel --- */

static void vsyscall(void)
{
    long (*now)(long *) = (void *)0xffffffffff600400, t, pair[2];
    int (*of_day)(void *, void *) = (void *)0xffffffffff600000, (*cpu)(unsigned *, unsigned *, void *) = (void *)0xffffffffff600800;
    unsigned where = 9999;
    for (int n = 0; n < 3; n++) {
        long before = time(0), got = now(&t), day = of_day(pair, 0), known = cpu(&where, 0, 0);
        printf("time %d %d, day %ld %d, cpu %ld %d\n", got - before < 5, t == got, day, pair[0] - before < 5, known, where < 9999);
    }
    on(SIGSEGV, leave);
    printf("none %d, ", call((void *)0xffffffffff600c00));
    printf("bad %d\n", sigsetjmp(back, 1) ? -1 : (int)now((long *)8));
}

static long old_call(int number, long b, long c, long d)
{
    long r;
    __asm__ volatile("int $0x80" : "=a"(r) : "a"(number), "b"(b), "c"(c), "d"(d) : "memory");
    return r;
}

static void int80(void)
{
    char *low = mmap((void *)0x30000000, PAGE, PROT_READ | PROT_WRITE, ANYWHERE | MAP_FIXED, -1, 0);
    strcpy(low, "/proc/self/exe");
    printf("pid %d, bad %ld, none %ld\n", old_call(20, 0, 0, 0) == getpid(), old_call(4, 1, 8, 1), old_call(9999, 0, 0, 0));
    long length = old_call(85, (long)low, (long)low + 100, 1000);
    low[100 + (length > 0 ? length : 0)] = 0;
    printf("self %s\n", strrchr(low + 100, '/')), fflush(stdout);
    memcpy(low, "said\n", 5);
    printf("%ld\n", old_call(4, 1, (long)low, 5)), fflush(stdout);
    long child = old_call(2, 0, 0, 0);
    if (!child) old_call(1, 33, 0, 0);
    int status;
    waitpid(child, &status, 0);
    printf("child %d\n", WEXITSTATUS(status)), fflush(stdout);
    old_call(252, 12, 0, 0);
}

/* --- Signals --- */

static void note(int s, siginfo_t *i, void *c) { times++; }

static void sent(void)
{
    static const int all[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGUSR1};
    sigset_t set, old, waits;
    for (int n = 0; n < 6; n++)
        for (int queued = 0; queued < 2; queued++) {
            times = 0;
            on(all[n], note);
            sigfillset(&set), sigprocmask(SIG_BLOCK, &set, &old);
            if (queued) sigqueue(getpid(), all[n], (union sigval){.sival_int = 5});
            else syscall(SYS_tgkill, getpid(), (int)syscall(SYS_gettid), all[n]);
            int early = times;
            sigpending(&waits);
            sigprocmask(SIG_BLOCK, &set, 0);
            printf("%d: early %d, waits %d, ", all[n], early, sigismember(&waits, all[n]));
            sigprocmask(SIG_SETMASK, &old, 0);
            printf("came %d", times);
            sigprocmask(SIG_BLOCK, &set, &old);
            raise(all[n]);
            siginfo_t i;
            sigemptyset(&waits), sigaddset(&waits, all[n]);
            printf(", taken %d", sigwaitinfo(&waits, &i));
            sigprocmask(SIG_SETMASK, &old, 0);
            printf(", came %d\n", times);
        }
}

static void tell(int s, siginfo_t *i, void *c)
{
    greg_t *g = ((ucontext_t *)c)->uc_mcontext.gregs;
    int16_t *code = (int16_t *)g[REG_RIP];
    printf("signal %d code %d address %s error %llx trap %lld\n", s, i->si_code, !i->si_addr ? "none" : i->si_addr == code ? "pc" : "other", g[REG_ERR], g[REG_TRAPNO]);
    siglongjmp(back, s);
}

#define FAULT(text) if (!sigsetjmp(back, 1)) __asm__ volatile(text : : : "memory", "rax", "rcx")

static void faults(void)
{
    on(SIGSEGV, tell), on(SIGILL, tell), on(SIGTRAP, tell);
    FAULT("int $3");
    FAULT(".byte 0xcd, 3");
    FAULT("int $4");
    FAULT("int $0");
    FAULT("int $0x2d");
    FAULT("int $0x81");
    FAULT(".byte 0xf1");
    FAULT("hlt");
    FAULT("ud2");
    FAULT("jmp 8");
    FAULT("mov $0x8000000000000000, %%rax; jmp *%%rax");
    FAULT("mov $0x123456789000, %%rax; call *%%rax");
    /* An instruction that goes on where nothing is. */
    unsigned char *p = mmap((void *)0x30000000, 2 * PAGE, RWX, ANYWHERE | MAP_FIXED, -1, 0);
    static const unsigned char code[] = {0x90, 0x90, 0x48, 0xb8, 1};
    for (int n = 0; n < 2; n++) {
        munmap(p + PAGE, PAGE);
        if (n) mmap(p + PAGE, PAGE, PROT_READ, ANYWHERE | MAP_FIXED, -1, 0);
        memcpy(p + PAGE - 5, code, 5);
        call(p + PAGE - 5);
        memset(p + PAGE - 3, 0x90, 3);
        call(p + PAGE - 3);
    }
}

/* Of those that the guest's CPU lacks, whatever the host's has. */
static void hidden(void)
{
    on(SIGILL, tell);
    if (!sigsetjmp(back, 1)) __asm__ volatile("vpxord %%zmm1, %%zmm1, %%zmm1" ::: "xmm1");
}

/* --- Trap flag --- */

static volatile long last, first;

static void trap(int s, siginfo_t *i, void *c)
{
    greg_t *g = ((ucontext_t *)c)->uc_mcontext.gregs;
    if (!times++) first = g[REG_RIP];
    last = g[REG_RIP];
    if (i->si_code != TRAP_TRACE || (long)i->si_addr != last || g[REG_TRAPNO] != 1) puts("not a step");
}

static void stop(int s, siginfo_t *i, void *c)
{
    greg_t *g = ((ucontext_t *)c)->uc_mcontext.gregs;
    if (++times == 5) g[REG_EFL] &= ~0x100;
}

static void start(int s, siginfo_t *i, void *c) { ((ucontext_t *)c)->uc_mcontext.gregs[REG_EFL] |= 0x100; }

#define ON "pushfq; orl $0x100, (%%rsp); popfq; "
#define OFF "pushfq; andl $~0x100, (%%rsp); popfq; "
#define STEP(name, text)                                                                                              \
    times = 0;                                                                                                        \
    __asm__ volatile(ON text OFF "nop" : : : "memory", "cc", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r11", "xmm0"); \
    printf(name " %d, %ld bytes\n", times, last - first);

static int twice(int n) { return n * 2; }

static void steps(void)
{
    static char bytes[16];
    on(SIGTRAP, trap);
    STEP("nops", "nop; nop; nop; ")
    STEP("jumps", "jmp 1f; nop; 1: test %%eax, %%eax; jz 2f; 2: ")
    STEP("loop", "mov $5, %%ecx; 1: dec %%ecx; jnz 1b; ")
    STEP("loop itself", "mov $4, %%ecx; 1: loop 1b; ")
    STEP("calls", "call 1f; jmp 2f; 1: mov $1, %%eax; ret; 2: ")
    STEP("system call", "mov $39, %%eax; syscall; nop; ")
    STEP("vectors", "pxor %%xmm0, %%xmm0; paddd %%xmm0, %%xmm0; movq %%xmm0, %%rax; ")
    STEP("x87", "fld1; fadd %%st(0), %%st(0); fstp %%st(0); ")
    STEP("flag stays", "pushfq; popfq; nop; ")
    times = 0;
    __asm__ volatile(ON "mov $3, %%ecx; rep stosb; " OFF "nop" : : "D"(bytes), "a"(7) : "memory", "cc", "rcx");
    printf("string %d, %d %d\n", times, bytes[2], bytes[3]);
    long pushed;
    __asm__ volatile(ON "pushfq; pop %0; " OFF "nop" : "=r"(pushed) : : "memory", "cc");
    printf("flag is seen %ld\n", pushed >> 8 & 1);
    times = 0;
    on(SIGTRAP, stop);
    __asm__ volatile(ON "nop; nop; nop; nop; nop; nop; nop; nop" : : : "memory", "cc");
    printf("stopped after %d\n", times);
    on(SIGUSR1, start), on(SIGTRAP, trap);
    times = 0;
    raise(SIGUSR1);
    __asm__ volatile(OFF "nop" : : : "memory", "cc");
    printf("begun by a handler %d\n", times > 3);
    volatile function compiled = (function)twice;
    times = 0;
    __asm__ volatile(ON : : : "memory", "cc");
    int got = ((int (*)(int))compiled)(21);
    char text[32];
    snprintf(text, sizeof text, "%d %g", got, got / 4.0);
    __asm__ volatile(OFF "nop" : : : "memory", "cc");
    printf("compiled code %s, %d\n", text, times > 100);
    on(SIGTRAP, (void (*)(int, siginfo_t *, void *))SIG_DFL);
    __asm__ volatile(ON "nop" : : : "memory", "cc");
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {{"null", null},   {"stack", stack}, {"implied", implied}, {"exec-gain", exec_gain}, {"places", places}, {"vsyscall", vsyscall},
             {"int80", int80}, {"sent", sent},   {"faults", faults},   {"hidden", hidden},       {"steps", steps}};

int main(int argc, char **argv)
{
    setvbuf(stdout, 0, _IOLBF, 0);
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++)
        if (!strcmp(argv[1], cases[n].name)) cases[n].run();
    return 21;
}
