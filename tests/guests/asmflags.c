/* Flags by inline assembly: every arithmetic instruction's defined flags, setcc, cmovcc, adc/sbb chains, lahf/sahf, pushf/popf, stc/clc/cmc. */
#include "guest.h"
#include <stdio.h>

#define NO __attribute__((noinline))
enum { CF = 1, PF = 4, AF = 16, ZF = 64, SF = 128, OF = 2048, ALL = CF | PF | AF | ZF | SF | OF };

#define FLAGS2(NAME, INSTRUCTION, MASK)                                                                                       \
    NO static uint64_t NAME(uint64_t a, uint64_t b)                                                                           \
    {                                                                                                                         \
        uint64_t f, c = b;                                                                                                    \
        __asm__ volatile("sub $128, %%rsp\n\tbt $0, %[c]\n\t" INSTRUCTION "\n\tpushfq\n\tpopq %[f]\n\tadd $128, %%rsp"         \
                         : [a] "+q"(a), [f] "=&r"(f), [c] "+c"(c) : [b] "q"(b) : "cc", "memory");                             \
        return a * 3 + (f & (MASK)) * 1000003;                                                                                \
    }

FLAGS2(addb, "addb %b[b], %b[a]", ALL) FLAGS2(addw, "addw %w[b], %w[a]", ALL) FLAGS2(addl, "addl %k[b], %k[a]", ALL) FLAGS2(addq, "addq %[b], %[a]", ALL)
FLAGS2(adcb, "adcb %b[b], %b[a]", ALL) FLAGS2(adcl, "adcl %k[b], %k[a]", ALL) FLAGS2(adcq, "adcq %[b], %[a]", ALL)
FLAGS2(subb, "subb %b[b], %b[a]", ALL) FLAGS2(subw, "subw %w[b], %w[a]", ALL) FLAGS2(subl, "subl %k[b], %k[a]", ALL) FLAGS2(subq, "subq %[b], %[a]", ALL)
FLAGS2(sbbb, "sbbb %b[b], %b[a]", ALL) FLAGS2(sbbw, "sbbw %w[b], %w[a]", ALL) FLAGS2(sbbq, "sbbq %[b], %[a]", ALL)
FLAGS2(cmpq, "cmpq %[b], %[a]", ALL) FLAGS2(testb, "testb %b[b], %b[a]", ALL & ~AF) FLAGS2(andl, "andl %k[b], %k[a]", ALL & ~AF)
FLAGS2(orw, "orw %w[b], %w[a]", ALL & ~AF) FLAGS2(xorq, "xorq %[b], %[a]", ALL & ~AF)
FLAGS2(incb, "incb %b[a]", ALL) FLAGS2(incq, "incq %[a]", ALL) FLAGS2(decw, "decw %w[a]", ALL) FLAGS2(decl, "decl %k[a]", ALL)
FLAGS2(negb, "negb %b[a]", ALL) FLAGS2(negq, "negq %[a]", ALL) FLAGS2(notl, "notl %k[a]", CF)
FLAGS2(shl1, "shll %k[a]", ALL & ~AF) FLAGS2(shr1, "shrq %[a]", ALL & ~AF) FLAGS2(sar5, "sarq $5, %[a]", ALL & ~(AF | OF)) FLAGS2(shlc, "shlq %%cl, %[a]", ZF & 0)
FLAGS2(rol1, "rolb %b[a]", CF | OF) FLAGS2(ror3, "rorq $3, %[a]", CF) FLAGS2(rcl1, "rclb %b[a]", CF | OF) FLAGS2(rcr1, "rcrq %[a]", CF | OF)
FLAGS2(rcl9, "rclw $9, %w[a]", CF) FLAGS2(rcr13, "rcrl $13, %k[a]", CF) FLAGS2(rclc, "rclb %%cl, %b[a]", 0)
FLAGS2(imul2, "imulq %[b], %[a]", CF | OF) FLAGS2(imulw, "imulw %w[b], %w[a]", CF | OF) FLAGS2(xaddl, "xaddl %k[a], %k[c]", ALL)
FLAGS2(stcmc, "stc\n\tcmc\n\tadcl $5, %k[a]\n\tclc\n\tsbbl $0, %k[a]\n\tstc\n\trcrl %k[a]", CF)

static uint64_t (*const tests[])(uint64_t, uint64_t) = {
    addb, addw, addl, addq, adcb, adcl, adcq, subb, subw, subl, subq, sbbb, sbbw, sbbq, cmpq, testb, andl, orw, xorq, incb, incq, decw, decl, negb, negq, notl,
    shl1, shr1, sar5, shlc, rol1, ror3, rcl1, rcr1, rcl9, rcr13, rclc, imul2, imulw, xaddl, stcmc};

#define CC(C) "set" C " %b[s]\n\tmovzbl %b[s], %k[s]\n\tlea (%[s],%[r],2), %[r]\n\t"
NO static unsigned conditions(uint64_t a, uint64_t b)
{
    uint64_t r = 0, s = 0;
    __asm__("cmpq %[b], %[a]\n\t" CC("o") CC("no") CC("b") CC("ae") CC("e") CC("ne") CC("be") CC("a") CC("s") CC("ns") CC("p") CC("np") CC("l") CC("ge") CC("le") CC("g")
            : [r] "+r"(r), [s] "+q"(s) : [a] "r"(a), [b] "r"(b) : "cc");
    return (unsigned)r;
}

#define MOVE(C) "cmov" C "q %[b], %[a]\n\tlea 1(%[a],%[a],2), %[a]\n\t"
NO static uint64_t moves(uint64_t a, uint64_t b)
{
    __asm__("cmpq %[b], %[a]\n\t" MOVE("o") MOVE("b") MOVE("ne") MOVE("be") MOVE("s") MOVE("np") MOVE("l") MOVE("g") "cmovael %k[b], %k[a]" : [a] "+r"(a) : [b] "r"(b) : "cc");
    return a;
}

NO static uint64_t chain(uint64_t *x, const uint64_t *y)
{
    uint64_t carry, i = 0, n = 8;
    __asm__ volatile("clc\n1:\tmovq (%[y],%[i],8), %%rax\n\tadcq %%rax, (%[x],%[i],8)\n\tlea 1(%[i]), %[i]\n\tdec %[n]\n\tjnz 1b\n\tsbbq %[carry], %[carry]"
                     : [i] "+r"(i), [n] "+r"(n), [carry] "=&r"(carry) : [x] "r"(x), [y] "r"(y) : "rax", "cc", "memory");
    return carry;
}

NO static unsigned ah(unsigned in)
{
    unsigned out = in << 8;
    __asm__("sahf\n\tlahf\n\tmovzbl %%ah, %%eax" : "+a"(out) : : "cc");
    return out;
}

NO static uint64_t popf(uint64_t in)
{
    uint64_t out;
    __asm__ volatile("sub $128, %%rsp\n\tpushq %1\n\tpopfq\n\tpushfq\n\tpopq %0\n\tcld\n\tadd $128, %%rsp" : "=&r"(out) : "r"(in) : "cc", "memory");
    return out & 0xed5;
}

int main(void)
{
    static const uint64_t edges[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0x123456789abcdef0};
    for (size_t t = 0; t < sizeof tests / sizeof *tests; t++) {
        uint64_t h = 1;
        for (size_t i = 0; i < 17; i++)
            for (size_t j = 0; j < 17; j++)
                h = h * 31 + tests[t](edges[i], edges[j]);
        for (int i = 0; i < 200; i++) {
            uint64_t a = rng(), b = rng();
            h = h * 31 + tests[t](a, b);
        }
        printf("%2zu %016llx\n", t, (unsigned long long)h);
    }
    uint64_t h = 1, x[8], y[8];
    for (size_t i = 0; i < 17; i++)
        for (size_t j = 0; j < 17; j++)
            h = h * 31 + conditions(edges[i], edges[j]) + moves(edges[i], edges[j]);
    for (int i = 0; i < 8; i++)
        x[i] = rng(), y[i] = ~0ull - (uint64_t)i;
    for (int i = 0; i < 50; i++)
        h = h * 31 + chain(x, y);
    printf("conditions and chains %016llx %016llx\n", (unsigned long long)h, (unsigned long long)hash(1, x, sizeof x));
    for (unsigned i = 0; i < 256; i += 15)
        printf("%02x ", ah(i));
    printf("\n%llx %llx %llx\n", (unsigned long long)popf(0xed7), (unsigned long long)popf(0x202), (unsigned long long)popf(0x401 | 0x200));
    return (int)(h & 127);
}
