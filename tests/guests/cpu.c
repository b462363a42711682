/* The CPU as cpuid, xgetbv and the auxiliary vector describe it, and the instructions that concern it: random numbers, rdpid, rdtscp, fs and
   gs base, CET's nops. What a CPU has more than the guest is told of is not printed. */
#include <cpuid.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/auxv.h>

static const struct { const char *name; unsigned leaf, reg, bit; } features[] = {
    {"sse3", 1, 2, 0}, {"pclmulqdq", 1, 2, 1}, {"ssse3", 1, 2, 9}, {"fma", 1, 2, 12}, {"cx16", 1, 2, 13}, {"sse4_1", 1, 2, 19}, {"sse4_2", 1, 2, 20},
    {"movbe", 1, 2, 22}, {"popcnt", 1, 2, 23}, {"aes", 1, 2, 25}, {"osxsave", 1, 2, 27}, {"avx", 1, 2, 28}, {"f16c", 1, 2, 29}, {"rdrand", 1, 2, 30},
    {"fsgsbase", 7, 1, 0}, {"bmi1", 7, 1, 3}, {"avx2", 7, 1, 5}, {"bmi2", 7, 1, 8}, {"erms", 7, 1, 9}, {"rdseed", 7, 1, 18}, {"adx", 7, 1, 19},
    {"clflushopt", 7, 1, 23}, {"clwb", 7, 1, 24}, {"sha_ni", 7, 1, 29}, {"gfni", 7, 2, 8}, {"vaes", 7, 2, 9}, {"vpclmulqdq", 7, 2, 10}, {"rdpid", 7, 2, 22},
    {"lahf_lm", 0x80000001, 2, 0}, {"lzcnt", 0x80000001, 2, 5}, {"rdtscp", 0x80000001, 3, 27},
};

static int has(const char *name)
{
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        unsigned r[4] = {0};
        __cpuid_count(features[i].leaf, 0, r[0], r[1], r[2], r[3]);
        for (const char *a = name, *b = features[i].name; *a == *b; a++, b++)
            if (!*a)
                return r[features[i].reg] >> features[i].bit & 1;
    }
    return 0;
}

static void saved_state(void)
{
    unsigned a, b, c, d, xcr0, high;
    __asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
    __cpuid_count(0xd, 2, a, b, c, d);
    printf("xcr0 %u, upper halves: %u bytes at %u\n", xcr0 & 7, a, b);
    __cpuid_count(0xd, 0, a, b, c, d);
    printf("size %d %d\n", b >= 832, c >= b);
}

static void random_numbers(void)
{
    uint64_t all = 0;
    uint16_t narrow;
    unsigned char carry;
    for (int i = 0; i < 64; i++) {
        uint64_t v = 0;
        do __asm__ volatile("rdrand %0; setc %1" : "=r"(v), "=r"(carry) : : "cc"); while (!carry);
        all |= v;
        do __asm__ volatile("rdseed %0; pause; setc %1" : "=r"(narrow), "=r"(carry) : : "cc"); while (!carry);
        all |= narrow;
    }
    printf("random %d\n", all == UINT64_MAX);
}

static void processor(void)
{
    uint64_t pid = 0;
    unsigned a, c, d;
    int same = 0;
    for (int i = 0; i < 100; i++) { /* the thread may move in between */
        __asm__ volatile("rdtscp" : "=a"(a), "=c"(c), "=d"(d));
        __asm__ volatile("rdpid %0" : "=r"(pid));
        same += pid == c;
    }
    printf("rdpid %d\n", same > 0);
}

static _Thread_local int local = 77;

static void bases(void)
{
    uint64_t fs, self, gs, there = 0x1122334455667788, through;
    int with_it;
    __asm__ volatile("rdfsbase %0" : "=r"(fs));
    __asm__ volatile("mov %%fs:0, %0" : "=r"(self));
    __asm__ volatile("wrfsbase %1; mov %%fs:0, %0; wrfsbase %2" : "=&r"(through) : "r"(&there), "r"(fs));
    with_it = fs == self;
    __asm__ volatile("wrgsbase %0" : : "r"(&there));
    __asm__ volatile("rdgsbase %0" : "=r"(gs));
    __asm__ volatile("mov %%gs:0, %0" : "=r"(self));
    printf("bases %d %llx %d %llx %d\n", with_it, (unsigned long long)through, gs == (uint64_t)&there, (unsigned long long)self, local);
}

static void shadow_stack(void)
{
    uint64_t ssp = 5;
    __asm__ volatile("endbr64; rdsspq %0; cldemote (%1)" : "+r"(ssp) : "r"(&ssp));
    printf("ssp %d\n", (int)ssp);
}

int main(void)
{
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        printf("%s%s%s", has(features[i].name) ? "" : "no-", features[i].name, i % 8 == 7 ? "\n" : " ");
    puts("");
    unsigned a, b, c, d;
    __cpuid(1, a, b, c, d);
    printf("hwcap %d fsgsbase %d\n", getauxval(AT_HWCAP) == d, (int)(getauxval(AT_HWCAP2) >> 1 & 1));
    if (has("osxsave")) saved_state();
    if (has("rdrand") && has("rdseed")) random_numbers();
    if (has("rdpid")) processor();
    if (getauxval(AT_HWCAP2) & 2) bases();
    shadow_stack();
    return 12;
}
