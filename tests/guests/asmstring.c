/* The string instructions by inline assembly: every width, prefix, direction and several counts. */
#include "guest.h"
#include <stdio.h>
#include <string.h>

static unsigned char a[1024], b[1024];
static uint64_t h;

static void fresh(void)
{
    for (size_t i = 0; i < sizeof a; i++)
        a[i] = (unsigned char)(i % 13 == 0 ? 7 : i * 5), b[i] = (unsigned char)(i < 300 ? a[i] : i * 3);
}

static void note(uint64_t rdi, uint64_t rsi, uint64_t rcx, uint64_t flags, uint64_t rax)
{
    uint64_t v[] = {rdi - (uintptr_t)b, rsi - (uintptr_t)a, rcx, flags & 0xc5, rax};
    h = hash(hash(h, v, sizeof v), b, sizeof b);
}

#define RUN(INSTRUCTION, SETDF, COUNT, AT, RAX)                                                                                    \
    do {                                                                                                                           \
        uint64_t rdi = (uintptr_t)(b + (AT)), rsi = (uintptr_t)(a + (AT)), rcx = (COUNT), rax = (RAX), flags;                     \
        fresh();                                                                                                                   \
        __asm__ volatile("sub $128, %%rsp\n\tcmp %%rcx, %%rcx\n\t" SETDF "\n\t" INSTRUCTION "\n\tpushfq\n\tpopq %[flags]\n\tcld\n\tadd $128, %%rsp"    \
                         : "+D"(rdi), "+S"(rsi), "+c"(rcx), "+a"(rax), [flags] "=r"(flags)                                         \
                         :                                                                                                         \
                         : "memory", "cc");                                                                                        \
        note(rdi, rsi, rcx, flags, rax);                                                                                           \
    } while (0)

#define BOTH(INSTRUCTION, COUNT, RAX)            \
    RUN(INSTRUCTION, "cld", COUNT, 100, RAX);    \
    RUN(INSTRUCTION, "std", COUNT, 600, RAX)

#define ALL(INSTRUCTION, RAX)                                                                                    \
    do {                                                                                                         \
        h = 1;                                                                                                   \
        BOTH(INSTRUCTION, 0, RAX);                                                                               \
        BOTH(INSTRUCTION, 1, RAX);                                                                               \
        BOTH(INSTRUCTION, 2, RAX);                                                                               \
        BOTH(INSTRUCTION, 17, RAX);                                                                              \
        BOTH(INSTRUCTION, 40, RAX);                                                                              \
        printf("%-12s %016llx\n", INSTRUCTION, (unsigned long long)h);                                           \
    } while (0)

static uint64_t word_at(size_t i, size_t size)
{
    uint64_t x = 0;
    fresh();
    memcpy(&x, b + i, size);
    return x;
}

int main(void)
{
    ALL("movsb", 0); ALL("movsw", 0); ALL("movsl", 0); ALL("movsq", 0);
    ALL("rep movsb", 0); ALL("rep movsw", 0); ALL("rep movsl", 0); ALL("rep movsq", 0);
    ALL("stosb", 0x1122334455667788); ALL("rep stosb", 0x1122334455667788); ALL("rep stosw", 0x1122334455667788);
    ALL("rep stosl", 0x1122334455667788); ALL("rep stosq", 0x1122334455667788);
    ALL("lodsb", 0xffffffffffffffff); ALL("lodsw", 0xffffffffffffffff); ALL("lodsl", 0xffffffffffffffff); ALL("lodsq", 5);
    ALL("rep lodsb", 0xffffffffffffffff); ALL("rep lodsl", 3);
    ALL("cmpsb", 0); ALL("cmpsq", 0);
    ALL("repe cmpsb", 0); ALL("repe cmpsw", 0); ALL("repe cmpsl", 0); ALL("repe cmpsq", 0);
    ALL("repne cmpsb", 0); ALL("repne cmpsl", 0);
    ALL("scasb", 7); ALL("repne scasb", 7); ALL("repe scasb", word_at(100, 1));
    ALL("repne scasw", word_at(120, 2)); ALL("repne scasl", word_at(132, 4)); ALL("repne scasq", word_at(116, 8));
    /* Overlapping copies: forward with a distance of one repeats the first byte. */
    fresh();
    unsigned char *to = b + 1, *from = b;
    uint64_t n = 50;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
    printf("overlap %d %d %d\n", b[50], b[51] == b[300], (int)n);
    /* With 32-bit addresses the counter is ecx. What of rcx is above it after no repetition, Intel clears and AMD keeps. */
    uint64_t rcx = 0xffffffff00000000;
    __asm__ volatile("addr32 rep stosb" : "+c"(rcx) : "D"(b), "a"(1) : "memory");
    printf("ecx %x\n", (unsigned)rcx);
    return 3;
}
