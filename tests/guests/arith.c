/* Integer arithmetic of all widths: mul, div, shift, rotate, carry, sign extension and truncation. */
#include "guest.h"
#include <limits.h>
#include <stdio.h>

static volatile int zero = 0;

#define ROTL(T, x, n) ((T)(((T)(x) << ((n) % (sizeof(T) * 8))) | ((T)(x) >> ((sizeof(T) * 8 - (n) % (sizeof(T) * 8)) % (sizeof(T) * 8)))))

#define FAMILY(NAME, S, U)                                                                                  \
    __attribute__((noinline)) static uint64_t NAME(S a, S b)                                                \
    {                                                                                                       \
        U ua = (U)a, ub = (U)b;                                                                             \
        uint64_t h = 14695981039346656037ull;                                                               \
        U out[] = {(U)(ua + ub), (U)(ua - ub), (U)(ua * ub), (U)(ua & ub), (U)(ua | ub), (U)(ua ^ ub),       \
                   (U)~ua, (U)-ua, ROTL(U, ua, 1), ROTL(U, ua, 7), ROTL(U, ub, 5),                           \
                   (U)(ua >> 3), (U)(ua << 2), (U)(a >> 3), (U)(b >> 1)};                                   \
        h = hash(h, out, sizeof out);                                                                       \
        if (b != 0) {                                                                                       \
            U q[] = {(U)(ua / ub), (U)(ua % ub)};                                                           \
            h = hash(h, q, sizeof q);                                                                       \
            if (b != -1) {                                                                                  \
                S s[] = {(S)(a / b), (S)(a % b)};                                                           \
                h = hash(h, s, sizeof s);                                                                   \
            }                                                                                               \
        }                                                                                                   \
        unsigned char c[] = {a < b, a <= b, a == b, ua < ub, ua <= ub, a > b ? 3 : 4, (unsigned char)!a};   \
        return hash(h, c, sizeof c);                                                                        \
    }

FAMILY(family8, int8_t, uint8_t)
FAMILY(family16, int16_t, uint16_t)
FAMILY(family32, int32_t, uint32_t)
FAMILY(family64, int64_t, uint64_t)

__attribute__((noinline)) static int64_t div_constants(int64_t x)
{
    return x / 3 + x / 7 * 2 + x / 10 % 10 + x % 1000 + x / 8 + x % 16 + x / -5 + x / 641 + (int64_t)((uint64_t)x / 10) % 97;
}

static void overflow(int64_t a, int64_t b)
{
    int64_t r64;
    int32_t r32;
    uint8_t r8;
    int o1 = __builtin_add_overflow(a, b, &r64), o2 = __builtin_mul_overflow((int32_t)a, (int32_t)b, &r32);
    int o3 = __builtin_sub_overflow((uint8_t)a, (uint8_t)b, &r8);
    printf("overflow %lld %lld: %d %lld %d %d %d %u\n", (long long)a, (long long)b, o1, (long long)r64, o2, r32, o3, r8);
}

int main(void)
{
    static const int64_t edges[] = {0, 1, -1, 2, -2, 7, 127, 128, 255, 256, -128, -129, 32767, 32768, 65535, INT_MAX, INT_MIN,
                                    0xffffffffll, 0x100000000ll, LLONG_MAX, LLONG_MIN, 0x0123456789abcdefll};
    const int n = sizeof edges / sizeof *edges;
    for (int i = 0; i < n; i++) {
        uint64_t h8 = 0, h16 = 0, h32 = 0, h64 = 0;
        for (int j = 0; j < n; j++) {
            h8 = h8 * 31 + family8((int8_t)edges[i], (int8_t)edges[j]);
            h16 = h16 * 31 + family16((int16_t)edges[i], (int16_t)edges[j]);
            h32 = h32 * 31 + family32((int32_t)edges[i], (int32_t)edges[j]);
            h64 = h64 * 31 + family64(edges[i], edges[j]);
        }
        printf("%2d %016llx %016llx %016llx %016llx %lld\n", i, (unsigned long long)h8, (unsigned long long)h16,
               (unsigned long long)h32, (unsigned long long)h64, (long long)div_constants(edges[i]));
    }
    uint64_t h = 0;
    for (int i = 0; i < 20000; i++) {
        int64_t a = (int64_t)rng(), b = (int64_t)(rng() >> (i & 63));
        h = h * 1000003 + family8((int8_t)a, (int8_t)b);
        h = h * 1000003 + family16((int16_t)a, (int16_t)b);
        h = h * 1000003 + family32((int32_t)a, (int32_t)b);
        h = h * 1000003 + family64(a, b);
        h += (uint64_t)div_constants(a);
    }
    printf("random %016llx\n", (unsigned long long)h);
    for (int i = 0; i + 1 < n; i++)
        overflow(edges[i], edges[i + 1]);
    for (int s = 0; s < 64; s += 9) {
        uint64_t x = 0xf123456789abcdefull;
        printf("shift %d %016llx %016llx %08x %08x\n", s, (unsigned long long)(x << s), (unsigned long long)((int64_t)x >> s),
               (uint32_t)x >> (s & 31), (uint32_t)((int32_t)x >> (s & 31)));
    }
    return 42 + zero;
}
