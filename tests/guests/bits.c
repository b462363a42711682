/* Bit tricks: popcount, scans, byte swaps, reversals, parity, Gray codes, bit matrices, population by tables. */
#include "guest.h"
#include <stdio.h>

#define NO __attribute__((noinline))

NO static int scan_forward(uint64_t x)
{
    uint64_t at = 99;
    __asm__("bsf %1, %0" : "+r"(at) : "r"(x) : "cc");
    return (int)at; /* zero leaves the destination alone: documented by AMD, true on Intel */
}

NO static int scan_reverse32(uint32_t x)
{
    uint32_t at = 77;
    __asm__("bsr %1, %0" : "+r"(at) : "r"(x) : "cc");
    return (int)at;
}

__attribute__((target("popcnt"), noinline)) static int popcount_hardware(uint64_t x)
{
    return __builtin_popcountll(x) * 100 + __builtin_popcount((uint32_t)x);
}

NO static int popcount_swar(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555;
    x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
    return (int)(((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101 >> 56);
}

NO static uint32_t reverse(uint32_t x)
{
    x = (x & 0x55555555) << 1 | (x >> 1 & 0x55555555);
    x = (x & 0x33333333) << 2 | (x >> 2 & 0x33333333);
    x = (x & 0x0f0f0f0f) << 4 | (x >> 4 & 0x0f0f0f0f);
    return __builtin_bswap32(x);
}

NO static uint64_t transpose(uint64_t x)
{
    uint64_t t = (x ^ x >> 7) & 0x00aa00aa00aa00aa;
    x ^= t ^ t << 7;
    t = (x ^ x >> 14) & 0x0000cccc0000cccc;
    x ^= t ^ t << 14;
    t = (x ^ x >> 28) & 0x00000000f0f0f0f0;
    return x ^ t ^ t << 28;
}

NO static uint32_t spread(uint16_t v)
{
    uint32_t x = v;
    x = (x | x << 8) & 0x00ff00ff;
    x = (x | x << 4) & 0x0f0f0f0f;
    x = (x | x << 2) & 0x33333333;
    return (x | x << 1) & 0x55555555;
}

NO static uint64_t next_same_weight(uint64_t x)
{
    uint64_t low = x & -x, ripple = x + low;
    return ripple | ((x ^ ripple) >> 2) / low;
}

int main(void)
{
    uint64_t h = 1;
    for (int i = 0; i < 30000; i++) {
        uint64_t x = rng() >> (i & 63), y = rng() & rng();
        uint64_t r[] = {(uint64_t)popcount_swar(x), (uint64_t)__builtin_popcountll(y), (uint64_t)popcount_hardware(x),
                        x ? (uint64_t)__builtin_ctzll(x) : 64, x ? (uint64_t)__builtin_clzll(x) : 64,
                        (uint32_t)x ? (uint64_t)__builtin_clz((uint32_t)x) : 32, (uint64_t)__builtin_parityll(y),
                        __builtin_bswap64(x), __builtin_bswap32((uint32_t)y), __builtin_bswap16((uint16_t)y), reverse((uint32_t)x),
                        transpose(y), spread((uint16_t)x), x ^ x >> 1, (uint64_t)__builtin_ffsll((long long)y), x & (x - 1), x & -x, x | (x - 1),
                        (uint64_t)__builtin_clrsbll((long long)x), (uint64_t)scan_forward(y), (uint64_t)scan_reverse32((uint32_t)x)};
        h = hash(h, r, sizeof r);
    }
    printf("%016llx\n", (unsigned long long)h);
    printf("scan zero %d %d, one %d %d\n", scan_forward(0), scan_reverse32(0), scan_forward(1ull << 63), scan_reverse32(1u << 31));
    uint64_t w = 0x1f;
    for (int i = 0; i < 1000; i++)
        w = next_same_weight(w);
    printf("weight %llx %d\n", (unsigned long long)w, popcount_swar(w));
    printf("reverse %08x spread %08x transpose %016llx\n", reverse(0x12345678), spread(0xbeef), (unsigned long long)transpose(0x8040201008040201));
    struct { unsigned a : 1, b : 3, c : 13; int d : 7; uint64_t e : 33; } f = {0};
    for (int i = 0; i < 1000; i++) {
        f.a ^= i & 1;
        f.b += (unsigned)f.a + 1;
        f.c = f.c * 5 + f.b;
        f.d -= 3;
        f.e = f.e << 3 ^ f.c;
    }
    printf("fields %u %u %u %d %llx\n", f.a, f.b, f.c, f.d, (unsigned long long)f.e);
    return (int)(h & 31);
}
