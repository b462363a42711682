/* Faults of single instructions, each in a child: misaligned vector operands, accesses that reach a page that is not there and must leave
   nothing half done, unmasked floating-point exceptions; and locked read-modify-writes by two processes at once. */
#include "guest.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };
static unsigned char *shared; /* two pages that parent and children see, and behind them one without access */

#define CASE(name, text) \
    static void name(unsigned char *p) { __asm__ volatile(text : : "r"(p) : "memory", "cc", "rax", "rcx", "rdx", "rsi", "xmm0", "xmm1", "mm0"); }

CASE(movaps_load, "movaps (%0), %%xmm0")
CASE(movaps_store, "pcmpeqd %%xmm0, %%xmm0\n\tmovaps %%xmm0, (%0)")
CASE(movups_load, "movups (%0), %%xmm0")
CASE(movdqa_load, "movdqa (%0), %%xmm0")
CASE(movntdq_store, "pcmpeqd %%xmm0, %%xmm0\n\tmovntdq %%xmm0, (%0)")
CASE(lddqu_load, "lddqu (%0), %%xmm0")
CASE(addps_operand, "xorps %%xmm0, %%xmm0\n\taddps (%0), %%xmm0")
CASE(addss_operand, "xorps %%xmm0, %%xmm0\n\taddss (%0), %%xmm0")
CASE(pand_operand, "pand (%0), %%xmm0")
CASE(pcmpistri_operand, "pcmpistri $0, (%0), %%xmm0")
CASE(cvtpd2pi_operand, "cvtpd2pi (%0), %%mm0\n\temms")
CASE(cmpxchg16b_operand, "mov %%rbx, %%rsi\n\tlock cmpxchg16b (%0)\n\tmov %%rsi, %%rbx")
CASE(fxsave_image, "fxsave64 (%0)")
CASE(fxrstor_image, "fxrstor64 (%0)")
CASE(mov_store, "movq $-1, (%0)")
CASE(movups_store, "pcmpeqd %%xmm0, %%xmm0\n\tmovups %%xmm0, (%0)")
CASE(fstpt_store, "fninit\n\tfldpi\n\tfstpt (%0)")
CASE(fstl_store, "fninit\n\tfldpi\n\tfstl (%0)")
CASE(fistpll_store, "fninit\n\tfldpi\n\tfistpll (%0)")
CASE(fbstp_store, "fninit\n\tfldpi\n\tfbstp (%0)")
CASE(fnstenv_store, "fninit\n\tfnstenv (%0)")
CASE(fnsave_store, "fninit\n\tfldpi\n\tfnsave (%0)\n\tmovl $0, 12(%0)") /* but for the instruction pointer: it differs from run to run */
CASE(fnstenv16_store, "fninit\n\tdata16 fnstenv (%0)")
CASE(movq_store, "pcmpeqd %%mm0, %%mm0\n\tmovq %%mm0, (%0)")
CASE(add_modify, "addq $1, (%0)")
CASE(lock_add, "lock addq $1, (%0)")
CASE(xchg_modify, "mov $-2, %%rax\n\txchg %%rax, (%0)")
CASE(fldt_load, "fninit\n\tfldt (%0)")
CASE(fldenv_load, "fninit\n\tfldenv (%0)")

static void fxsave_short(unsigned char *p) { fxsave_image((unsigned char *)((uintptr_t)p & ~15ul)); }

static void push_below(unsigned char *p) { __asm__ volatile("mov %%rsp, %%rcx\n\tlea 8(%0), %%rsp\n\tpush $-1\n\tmov %%rcx, %%rsp" : : "r"(p) : "rcx", "memory"); }

/* An unmasked exception is reported by the next instruction that waits, in SSE at once. */
static void x87_divide(unsigned char *p)
{
    unsigned short control = 0x37b;
    __asm__ volatile("fninit\n\tfldcw %0\n\tfldz\n\tfld1\n\tfdivp\n\tfnstsw %%ax\n\tmov %%ax, (%1)\n\tfwait\n\tmovw $0, (%1)" : : "m"(control), "r"(p) : "ax", "memory");
}

static void x87_overflow(unsigned char *p)
{
    unsigned short control = 0x37e;
    __asm__ volatile("fninit\n\tfldcw %0\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfnstsw %%ax\n\tmov %%ax, (%1)\n\tfld1\n\tmovw $0, (%1)" : : "m"(control), "r"(p) : "ax", "memory");
}

static void unmasked(unsigned char *p, unsigned mxcsr, double a, double b, const char *op)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    p[0] = 1;
    if (*op == '/') __asm__ volatile("divsd %1, %0" : "+x"(a) : "x"(b));
    else if (*op == '<') __asm__ volatile("comisd %1, %0" : : "x"(a), "x"(b) : "cc");
    else __asm__ volatile("cvtsd2ss %1, %%xmm0" : : "x"(a), "x"(b) : "xmm0");
    p[0] = 2; /* the exception cannot be kept until here */
}

static void sse_divide(unsigned char *p) { unmasked(p, 0x1f80 & ~0x200, 1, 0, "/"); }
static void sse_inexact(unsigned char *p) { unmasked(p, 0x1f80 & ~0x1000, 1, 3, "/"); }
static void sse_compare(unsigned char *p) { unmasked(p, 0x1f80 & ~0x80, 0.0 / 0.0, 1, "<"); }
static void sse_overflow(unsigned char *p) { unmasked(p, 0x1f80 & ~0x400, 1, 1e300, "f"); }
static void sse_masked(unsigned char *p) { unmasked(p, 0x1f80, 1, 0, "/"); }
static void bad_mxcsr(unsigned char *p) { unmasked(p, 0x10000, 1, 1, "/"); }

static const struct {
    const char *name;
    void (*run)(unsigned char *);
    int offset; /* from the end of the second page: negative inside */
} cases[] = {
#define MISALIGNED(f) {#f, f, -PAGE - 24 + 1}, {#f, f, -PAGE - 512}
    MISALIGNED(movaps_load), MISALIGNED(movaps_store), MISALIGNED(movups_load), MISALIGNED(movdqa_load), MISALIGNED(movntdq_store), MISALIGNED(lddqu_load),
    MISALIGNED(addps_operand), MISALIGNED(addss_operand), MISALIGNED(pand_operand), MISALIGNED(pcmpistri_operand), MISALIGNED(cvtpd2pi_operand), MISALIGNED(cmpxchg16b_operand),
    {"fxsave_image", fxsave_image, -PAGE - 24 + 1}, MISALIGNED(fxrstor_image),
#define ACROSS(f) {#f, f, -3}, {#f, f, -PAGE - 3}
    ACROSS(mov_store), ACROSS(movups_store), ACROSS(fstpt_store), ACROSS(fstl_store), ACROSS(fistpll_store), ACROSS(fbstp_store), ACROSS(fnstenv_store), ACROSS(fnsave_store),
    ACROSS(fnstenv16_store), ACROSS(movq_store), ACROSS(add_modify), ACROSS(lock_add), ACROSS(xchg_modify), ACROSS(fldt_load), ACROSS(push_below),
    {"fldenv_load", fldenv_load, -3}, {"fxsave_short", fxsave_short, -256},
    {"x87_divide", x87_divide, -8}, {"x87_overflow", x87_overflow, -8}, {"sse_divide", sse_divide, -8}, {"sse_inexact", sse_inexact, -8},
    {"sse_compare", sse_compare, -8}, {"sse_overflow", sse_overflow, -8}, {"sse_masked", sse_masked, -8}, {"bad_mxcsr", bad_mxcsr, -8},
};

static void run(int n)
{
    memset(shared, 0, 2 * PAGE);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(2); /* what is said about the fault is not the guest's */
        cases[n].run(shared + 2 * PAGE + cases[n].offset);
        _exit(7);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("%s %d: %s %d, memory %016lx\n", cases[n].name, cases[n].offset, WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
           (unsigned long)hash(1, shared, 2 * PAGE));
}

/* Two processes count in the same words: one inside a cache line, one across two lines, one across two pages. */
static void count(void)
{
    static const int places[] = {64, 128 - 3, PAGE - 3};
    memset(shared, 0, 2 * PAGE);
    fflush(stdout);
    pid_t child = fork();
    /* On Intel's CPUs the kernel makes each locked access across two lines wait 10 ms (arch/x86/buslock.rst): those are few. */
    for (int i = 0; i < 3000; i++)
        for (int k = 0; k < (i < 30 ? 3 : 1); k++) {
            unsigned char *p = shared + places[k];
            unsigned long one = 1, seen;
            __asm__ volatile("lock incq %0" : "+m"(*(unsigned long *)p) : : "cc");
            __asm__ volatile("lock xaddq %1, %0" : "+m"(*(unsigned long *)p), "+r"(one) : : "cc");
            do seen = *(volatile unsigned long *)p;
            while (!__sync_bool_compare_and_swap((unsigned long *)p, seen, seen + 3));
        }
    if (child == 0) _exit(0);
    waitpid(child, NULL, 0);
    for (int k = 0; k < 3; k++) {
        unsigned long n;
        memcpy(&n, shared + places[k], 8);
        printf("counted to %lu\n", n);
    }
}

int main(void)
{
    shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    mprotect(shared + 2 * PAGE, PAGE, PROT_NONE);
    for (unsigned n = 0; n < sizeof cases / sizeof cases[0]; n++) run((int)n);
    count();
    return 23;
}
