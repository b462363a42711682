/* 128-bit integers and a small bignum: multiplication, division, printing in decimal. */
#include "guest.h"
#include <stdio.h>
#include <string.h>

typedef unsigned __int128 u128;
typedef __int128 s128;

static const char *show(u128 x)
{
    static char text[4][48];
    static int turn;
    char *p = text[turn++ & 3] + 47;
    *p = 0;
    do {
        *--p = (char)('0' + (int)(x % 10));
        x /= 10;
    } while (x);
    return p;
}

enum { LIMBS = 512 };
typedef struct {
    int used;
    uint32_t limb[LIMBS];
} Big;

static void big_set(Big *b, uint32_t x)
{
    b->used = 1;
    b->limb[0] = x;
}

static void big_mul(Big *b, uint32_t by)
{
    uint64_t carry = 0;
    for (int i = 0; i < b->used; i++) {
        carry += (uint64_t)b->limb[i] * by;
        b->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry)
        b->limb[b->used++] = (uint32_t)carry;
}

static void big_add(Big *to, const Big *from)
{
    uint64_t carry = 0;
    int n = to->used > from->used ? to->used : from->used;
    for (int i = 0; i < n; i++) {
        carry += (i < to->used ? to->limb[i] : 0) + (uint64_t)(i < from->used ? from->limb[i] : 0);
        to->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    to->used = n;
    if (carry)
        to->limb[to->used++] = (uint32_t)carry;
}

static uint32_t big_div(Big *b, uint32_t by)
{
    uint64_t rest = 0;
    for (int i = b->used; i-- > 0;) {
        rest = rest << 32 | b->limb[i];
        b->limb[i] = (uint32_t)(rest / by);
        rest %= by;
    }
    while (b->used > 1 && !b->limb[b->used - 1])
        b->used--;
    return (uint32_t)rest;
}

static void big_print(const char *name, const Big *b)
{
    static char text[LIMBS * 10];
    Big copy = *b;
    char *p = text + sizeof text - 1;
    *p = 0;
    do {
        uint32_t part = big_div(&copy, 1000000000);
        for (int i = 0; i < 9; i++, part /= 10)
            *--p = (char)('0' + part % 10);
    } while (copy.used > 1 || copy.limb[0]);
    while (*p == '0' && p[1])
        p++;
    printf("%s = %s\n", name, p);
}

int main(void)
{
    u128 f = 1;
    for (unsigned i = 1; i <= 34; i++)
        f *= i;
    printf("34! = %s\n", show(f));
    u128 h = 0;
    for (int i = 0; i < 3000; i++) {
        u128 a = (u128)rng() << 64 | rng(), b = ((u128)rng() << 64 | rng()) >> (i % 127);
        s128 sa = (s128)a, sb = (s128)b;
        h = h * 31 + a * b + a / (b | 1) + a % (b | 1) + (a << (i & 127)) + (a >> (i & 127)) + (u128)(sa >> (i & 63));
        h += (u128)(sa / (sb | 1)) ^ (u128)(sa % (sb | 1));
        h += (a < b) + 2 * (sa < sb) + (u128)((double)(uint64_t)(a >> 64) / 3.0);
    }
    printf("hash %s\n", show(h));
    printf("float %.1f %.1f %.6Le\n", (double)(f >> 20), (double)(s128)-12345678901234567LL, (long double)f);
    printf("mulhi %016llx %016llx\n", (unsigned long long)(((u128)0x123456789abcdef0ull * 0xfedcba9876543210ull) >> 64),
           (unsigned long long)(((s128)-5 * 0x7fffffffffffffffll) >> 64));
    Big big, a, b;
    big_set(&big, 1);
    for (uint32_t i = 2; i <= 500; i++)
        big_mul(&big, i);
    big_print("500!", &big);
    printf("500! mod 1000003 = %u\n", big_div(&big, 1000003));
    big_set(&a, 0);
    big_set(&b, 1);
    for (int i = 0; i < 2000; i++) {
        Big next = b;
        big_add(&next, &a);
        a = b;
        b = next;
    }
    big_print("fib(2000)", &a);
    return (int)(h & 63);
}
