/* What handlers of faults see in the registers of their context, and that what they write there reaches the program. Each case faults once, with
   known registers; its handler goes on behind the instruction with some of them changed. Addresses are said as distances. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ucontext.h>

enum { PAGE = 4096 };
uint64_t bad, saved_rsp, after[18], after_xmm[2];
static uint64_t next_pc, insn_pc, deeds, answer, flags_seen, error_seen;
static char alternate[65536];
static struct { char pad[64]; char text[64]; } source = {.text = "the quick brown fox jumps over the lazy dog, and back"};
char *source_text = source.text;

static void say(const char *name, uint64_t v)
{
    if (v - (bad - 2 * PAGE) < 4 * PAGE) printf(" %s=bad%+ld", name, (long)(v - bad));
    else if (v - (saved_rsp - PAGE) < 2 * PAGE) printf(" %s=stack%+ld", name, (long)(v - saved_rsp));
    else if (v - (uint64_t)&source < sizeof source) printf(" %s=source%+ld", name, (long)(v - (uint64_t)source.text));
    else if (v - insn_pc < 64) printf(" %s=insn%+ld", name, (long)(v - insn_pc));
    else printf(" %s=%lx", name, v);
}

static void fault(int s, siginfo_t *i, void *c)
{
    static const char *const names[] = {"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip"};
    ucontext_t *u = c;
    greg_t *g = u->uc_mcontext.gregs;
    printf(" signal %d code %d trap %lld error %llx", s, i->si_code, g[REG_TRAPNO], g[REG_ERR] & error_seen);
    say("at", (uint64_t)i->si_addr);
    if (g[REG_TRAPNO] == 14) say("cr2", g[REG_CR2]);
    for (int n = 0; n < 17; n++) say(names[n], g[n]);
    printf(" flags %llx", g[REG_EFL] & flags_seen);
    for (int n = 0; n < 16; n += 3) printf(" %08x", u->uc_mcontext.fpregs->_xmm[n].element[0]);
    printf(" x87 %x %x\n", u->uc_mcontext.fpregs->swd, u->uc_mcontext.fpregs->cwd);
    g[REG_RIP] = next_pc, g[REG_RSP] = saved_rsp;
    g[REG_RAX] = 0xabad1dea, g[REG_R15] += 5, g[REG_EFL] ^= 0x41, g[REG_EFL] &= ~0x400;
    u->uc_mcontext.fpregs->_xmm[3].element[0] = 77;
}

/* Emulates `mov (%rdi), %rax`. */
static void emulate(int s, siginfo_t *i, void *c)
{
    greg_t *g = ((ucontext_t *)c)->uc_mcontext.gregs;
    g[REG_RAX] = ++answer, g[REG_RIP] += 3, deeds += g[REG_RCX];
}

#define CASE(name, loose, setup, insn) \
    extern const char to_insn_##name[], to_next_##name[]; /* distances: labels whose address is taken would be entries */ \
    void case_##name(uint64_t bad); \
    __asm__("case_" #name ": push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n mov %rsp, saved_rsp(%rip)\n" \
            "mov $0x1a11111122222222, %rax; mov $0x3333333344444444, %rbx; mov $0x55, %ecx; mov $0x66666666, %edx; mov source_text(%rip), %rsi\n" \
            "mov $-2, %rbp; mov $0x88, %r8; mov $0x99, %r9; mov $0x1010, %r10; mov $0x1111, %r11; mov $0x1212, %r12; mov $0x1313, %r13\n" \
            "mov $0x1414, %r14; mov $0x1515, %r15; movq %rax, %xmm0; movq %rbx, %xmm3; movq %r8, %xmm6; movq %r9, %xmm9; movq %r10, %xmm12; movq %rdx, %xmm15; fninit; fldpi\n" \
            "cmp $1, %r8\n" setup "\ninsn_" #name ": " insn "\nnext_" #name ":\n pushf; pop after+128(%rip)\n" \
            "mov %rax, after(%rip); mov %rbx, after+8(%rip); mov %rcx, after+16(%rip); mov %rdx, after+24(%rip); mov %rsi, after+32(%rip); mov %rdi, after+40(%rip)\n" \
            "mov %rbp, after+48(%rip); mov %rsp, after+56(%rip); mov %r8, after+64(%rip); mov %r9, after+72(%rip); mov %r10, after+80(%rip); mov %r11, after+88(%rip)\n" \
            "mov %r12, after+96(%rip); mov %r13, after+104(%rip); mov %r14, after+112(%rip); mov %r15, after+120(%rip); movq %xmm3, after_xmm(%rip); movq %xmm12, after_xmm+8(%rip)\n" \
            "mov saved_rsp(%rip), %rsp; cld; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n" \
            ".globl to_insn_" #name ", to_next_" #name "\n.set to_insn_" #name ", insn_" #name " - case_" #name "\n.set to_next_" #name ", next_" #name " - case_" #name "\n");

/* f: flags that nothing reads are not kept. w: of an instruction that reads and writes, the read faults first. */
#define CASES(C) \
    C(load, "", "", "mov (%rdi), %rax") \
    C(store, "", "add %r8, %r9", "mov %r9, (%rdi)") \
    C(change, "fw", "", "add %rax, (%rdi)") \
    C(constant, "", "inc %r10", "movl $7, 4(%rdi)") \
    C(push_memory, "", "", "push (%rdi)") \
    C(pop_memory, "", "push $9", "pop (%rdi)") \
    C(push, "", "mov %rdi, %rsp", "push %rax") \
    C(pop, "", "mov %rdi, %rsp", "pop %rdx") \
    C(pushf_, "", "mov %rdi, %rsp", "pushf") \
    C(call, "f", "mov %rdi, %rsp", "call case_load") \
    C(call_memory, "f", "", "call *(%rdi)") \
    C(return_, "f", "mov %rdi, %rsp", "ret") \
    C(leave_, "", "mov %rdi, %rbp", "leave") \
    C(enter_, "", "mov %rdi, %rsp", "enter $16, $0") \
    C(jump, "f", "", "jmp *%rdi") \
    C(exchange, "", "", "xchg %rdx, (%rdi)") \
    C(compare_exchange, "f", "", "lock cmpxchg %rdx, (%rdi)") \
    C(exchange_add, "f", "", "lock xadd %rdx, 8(%rdi)") \
    C(compare_exchange16, "f", "", "lock cmpxchg16b 16(%rdi)") \
    C(copy, "", "sub $5, %rdi; mov $20, %ecx", "rep movsb") \
    C(copy_words, "", "sub $16, %rdi; mov $20, %ecx", "rep movsl") \
    C(copy_down, "", "add $2, %rdi; mov $20, %ecx; xchg %rsi, %rdi; add $8, %rdi; std", "rep movsb") \
    C(fill, "", "sub $16, %rdi; mov $10, %ecx", "rep stosq") \
    C(search, "f", "sub $7, %rdi; mov $100, %ecx; mov $1, %eax", "repne scasb") \
    C(compare, "f", "sub $3, %rdi; mov %rdi, %rsi; mov $50, %ecx", "repe cmpsb") \
    C(load_string, "", "mov %rdi, %rsi", "lodsq") \
    C(one_copy, "", "", "movsq") \
    C(divide, "f", "xor %ecx, %ecx; cmp $9, %r9", "div %ecx") \
    C(divide_signed, "f", "mov $0, %ecx; stc", "idiv %rcx") \
    C(quotient, "f", "mov $1, %ecx; mov $5, %edx; cmp %rdx, %r9", "div %ecx") \
    C(undefined, "", "mov %rdi, %r11", "ud2") \
    C(breakpoint, "", "mov %rdi, %r11", "int3") \
    C(halt, "", "mov %rdi, %r11", "hlt") \
    C(far, "", "mov $0x8000000000000000, %r12", "mov (%r12), %r12") \
    C(aligned, "", "", "movaps -4097(%rdi), %xmm3") \
    C(vector, "", "", "addps (%rdi), %xmm3") \
    C(vector_store, "", "paddd %xmm0, %xmm3", "movups %xmm3, -8(%rdi)") \
    C(wide_store, "", "vpaddd %ymm0, %ymm3, %ymm12", "vmovdqu %ymm12, -8(%rdi)") \
    C(gather, "", "pcmpeqd %xmm6, %xmm6; pxor %xmm9, %xmm9", "vgatherdps %xmm6, (%rdi,%xmm9,4), %xmm3") \
    C(x87_load, "", "", "fldl (%rdi)") \
    C(x87_store, "", "fld1", "fstpt -8(%rdi)") \
    C(bit, "w", "", "btsq $5, (%rdi)") \
    C(carry, "fw", "stc", "adc %rax, (%rdi)") \
    C(conditional, "", "cmp %rax, %rax", "cmovne (%rdi), %rdx") \
    C(set, "", "stc", "setc (%rdi)") \
    C(extend, "", "", "movzbl (%rdi), %edx") \
    C(high_byte, "", "", "mov (%rdi), %ah") \
    C(thread, "", "", "mov %fs:0x7fff0000, %rax")
CASES(CASE)

#define ROW(name, loose, setup, insn) {#name, loose, to_insn_##name, to_next_##name, case_##name},
static const struct { const char *name, *loose, *insn, *next; void (*run)(uint64_t); } cases[] = {CASES(ROW)};

int main(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction a = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    setvbuf(stdout, 0, _IOFBF, 1 << 16);
    sigaltstack(&stack, 0);
    for (int n = 0; n < 5; n++) sigaction(signals[n], &a, 0);
    bad = (uint64_t)mmap(0, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + PAGE;
    mprotect((void *)(bad - PAGE), PAGE, PROT_READ | PROT_WRITE);
    for (int turn = 0; turn < 2; turn++)
        for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
            uint64_t at = bad;
            int below = !strcmp(cases[n].name, "push") || !strcmp(cases[n].name, "call") || !strcmp(cases[n].name, "enter_") || !strcmp(cases[n].name, "pushf_");
            insn_pc = (uint64_t)cases[n].run + (uint64_t)cases[n].insn, next_pc = (uint64_t)cases[n].run + (uint64_t)cases[n].next;
            flags_seen = strchr(cases[n].loose, 'f') ? 0 : 0xcd5, error_seen = strchr(cases[n].loose, 'w') ? ~2 : ~0;
            if (below) at += PAGE; /* pushes go down into a page that is bad, too */
            memset((void *)(bad - PAGE), 0, PAGE), memset(after, 0, sizeof after);
            printf("%s:", cases[n].name);
            cases[n].run(at);
            printf("   ");
            for (int r = 0; r < 16; r++) { char name[8]; snprintf(name, 8, "%d", r), say(name, after[r]); }
            printf(" %lx xmm %lx %lx, memory", after[16] & flags_seen, after_xmm[0], after_xmm[1]);
            for (int b = 24; b; b--) printf(" %x", ((unsigned char *)bad)[-b]);
            puts("");
        }
    a.sa_sigaction = emulate;
    sigaction(SIGSEGV, &a, 0);
    uint64_t sum = 0;
    for (long n = 0; n < 20000; n++) {
        uint64_t got, counted = n;
        __asm__ volatile("mov (%2), %0; add %0, %1" : "=a"(got), "+r"(sum) : "D"(bad), "c"(counted) : "cc");
    }
    printf("%lu %lu\n", sum, deeds);
    return 0;
}
