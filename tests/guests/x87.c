/* The x87 by inline assembly and long double: loads and stores of all sizes, arithmetic, compares, stack moves, constants, control word, environment. */
#include "guest.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NO __attribute__((noinline))
static uint64_t h = 1;

static void take(long double x) { h = hash(h, &x, 10); }

NO static void arithmetic(long double a, long double b)
{
    take(a + b), take(a - b), take(b - a), take(a * b), take(a / b), take(b / a), take(-a), take(fabsl(b)), take(sqrtl(fabsl(a)));
    take((long double)(float)a), take((long double)(double)b), take(a > b ? 1 : 2), take(a == b ? 3 : 4), take(a != a ? 5 : 6);
    long long n = (long long)b;
    int i = (int)a;
    short s = (short)(a / 100000);
    h = hash(hash(hash(h, &n, 8), &i, 4), &s, 2);
    take((long double)n), take((long double)(uint64_t)n), take((long double)i), take((long double)s);
}

NO static void memory(double d, float f, int i, short s, long long l)
{
    long double r;
    __asm__("fldl %1\n\tfadds %2\n\tfimull %3\n\tfisubs %4\n\tfildll %5\n\tfaddp\n\tfstpt %0" : "=m"(r) : "m"(d), "m"(f), "m"(i), "m"(s), "m"(l));
    take(r);
    __asm__("fldl %1\n\tfsubrs %2\n\tfidivrl %3\n\tfstpt %0" : "=m"(r) : "m"(d), "m"(f), "m"(i));
    take(r);
    short s16;
    int s32;
    long long s64;
    float f32;
    double f64;
    unsigned char bcd[10];
    __asm__ volatile("fldl %6\n\tfists %0\n\tfistl %1\n\tfsts %3\n\tfstl %4\n\tfld %%st(0)\n\tfistpll %2\n\tfbstp %5" : "=m"(s16), "=m"(s32), "=m"(s64), "=m"(f32), "=m"(f64), "=m"(bcd) : "m"(d));
    h = hash(hash(hash(hash(hash(hash(h, &s16, 2), &s32, 4), &s64, 8), &f32, 4), &f64, 8), bcd, 10);
    __asm__ volatile("fbld %1\n\tfstpt %0" : "=m"(r) : "m"(bcd));
    take(r);
    __asm__ volatile("fldl %2\n\tfisttpll %0\n\tfldl %2\n\tfisttpl %1" : "=m"(s64), "=m"(s32) : "m"(d));
    h = hash(hash(h, &s64, 8), &s32, 4);
}

NO static void stack(double a, double b, double c)
{
    long double r[4];
    __asm__("fldl %4\n\tfldl %5\n\tfldl %6\n\tfxch %%st(2)\n\tfadd %%st(1), %%st\n\tfmul %%st, %%st(2)\n\tfsubr %%st(2), %%st\n\tfdivrp %%st, %%st(1)\n\tfstpt %0\n\tfstpt %1\n\t"
            "fldpi\n\tfldl2e\n\tfldln2\n\tfldlg2\n\tfldl2t\n\tfld1\n\tfldz\n\tfaddp\n\tfaddp\n\tfaddp\n\tfaddp\n\tfaddp\n\tfaddp\n\tfstpt %2\n\t"
            "fldl %4\n\tfchs\n\tfabs\n\tfsqrt\n\tfrndint\n\tfstpt %3"
            : "=m"(r[0]), "=m"(r[1]), "=m"(r[2]), "=m"(r[3]) : "m"(a), "m"(b), "m"(c));
    for (int i = 0; i < 4; i++)
        take(r[i]);
}

NO static unsigned compares(double a, double b)
{
    uint16_t sw1, sw2, sw3;
    unsigned char z, c, p, x;
    __asm__ volatile("fldl %4\n\tfldl %3\n\tfcom\n\tfnstsw %0\n\tfcoml %4\n\tfnstsw %1\n\tftst\n\tfnstsw %%ax\n\tmovw %%ax, %2\n\tfstp %%st\n\tfstp %%st" : "=m"(sw1), "=m"(sw2), "=m"(sw3) : "m"(a), "m"(b) : "ax");
    __asm__ volatile("fldl %5\n\tfldl %4\n\tfucomi %%st(1), %%st\n\tsetz %0\n\tsetc %1\n\tsetp %2\n\tfcmovb %%st(1), %%st\n\tfcomip %%st(1), %%st\n\tsetz %3\n\tfstp %%st" : "=q"(z), "=q"(c), "=q"(p), "=q"(x) : "m"(a), "m"(b) : "cc");
    return (sw1 & 0x4500u) | (sw2 & 0x4500u) >> 4 | (sw3 & 0x4500u) << 12 | z | c << 1 | p << 2 | (unsigned)x << 3;
}

NO static void control(void)
{
    uint16_t old, now;
    volatile double half = 2.5;
    __asm__ volatile("fnstcw %0" : "=m"(old));
    for (unsigned mode = 0; mode < 16; mode++) {
        int rounded;
        now = (uint16_t)((old & 0xf0ff) | mode << 8);
        if ((mode & 3) == 1)
            continue;
        long double third = 0;
        __asm__ volatile("fldcw %1\n\tfld1\n\tfld1\n\tfadd %%st, %%st\n\tfadd %%st(1), %%st\n\tfdivrp\n\tfstpt %0" : "=m"(third) : "m"(now));
        h = 1;
        take(third);
        __asm__ volatile("fldl %1\n\tfistpl %0" : "=m"(rounded) : "m"(half));
        __asm__ volatile("fldcw %0" : : "m"(old));
        printf("control %u %.18Lg %016llx %d\n", mode, third, (unsigned long long)h, rounded);
    }
    char environment[28];
    __asm__ volatile("fld1\n\tfnstenv %0\n\tfldenv %0\n\tfstp %%st\n\tfninit\n\tfldcw %1" : "+m"(environment) : "m"(old));
    uint16_t word, tag;
    memcpy(&word, environment, 2);
    memcpy(&tag, environment + 8, 2);
    printf("environment %04x %04x old %04x\n", word | 0x3f, tag, old);
}

int main(void)
{
    static const double xs[] = {0, 1, -1, 0.1, -2.5, 1e10, -123456.789, 3e-7, 32767, 65536.5};
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 10; j++) {
            arithmetic((long double)xs[i] + 0.3L, (long double)xs[j] * 1.1L + 0.01L);
            memory(xs[i] / 8, (float)xs[j] + 0.5f, i * 1000 - 7, (short)(j * 100), (long long)(xs[i] * 1000));
            stack(fabs(xs[i]) + 1, xs[j] + 2, 3.5);
            h = h * 31 + compares(xs[i], xs[j]);
        }
    printf("%016llx nan %x\n", (unsigned long long)h, compares(NAN, 1) & 7);
    control();
    printf("%.15Lg %.15Lg %.15Lg %.15Lg %.15Lg\n", expl(1.5L), logl(10.0L), sinl(0.5L), powl(2.0L, 0.5L), atan2l(1.0L, 3.0L));
    printf("%Lg %Lg %Lg %ld %d\n", floorl(-2.5L), fmodl(17.5L, 3.0L), ldexpl(0.75L, 70), lrintl(2.5L), ilogbl(1000.0L));
    return 19;
}
