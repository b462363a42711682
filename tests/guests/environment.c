/* The floating-point environment: rounding and precision, sticky exceptions, denormals as zero, which NaN survives, fenv.h, long double
   functions, the x87 stack's faults and pointers, MMX and what it makes of the x87. What LLVM would fold, move or drop shows here. */
#include "guest.h"
#include <fenv.h>
#include <math.h>
#include <mmintrin.h>
#include <stdio.h>
#include <string.h>
#include <xmmintrin.h>

#define NO __attribute__((noinline))
static uint64_t h = 1;
#define TAKE(x) (h = hash(h, &(x), sizeof(x)))

NO static double divide(double a, double b) { return a / b; }
NO static float add(float a, float b) { return a + b; }

/* The same operands under every rounding mode: the results may not be taken for the same. */
NO static void rounding(double a, double b)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    for (int i = 0; i < 4; i++) {
        fesetround(modes[i]);
        double quotient = a / b, product = a * b, root = sqrt(b), nearest = rint(b);
        long to = lrint(a), wide = lrintl((long double)b);
        float narrow = (float)a, from = (float)(to * 1234567891L);
        TAKE(quotient), TAKE(product), TAKE(root), TAKE(nearest), TAKE(to), TAKE(wide), TAKE(narrow), TAKE(from);
        printf("mode %d: %a %a %a %.20Lg %d\n", i, quotient, root, product, (long double)a / b, fegetround() == modes[i]);
    }
    fesetround(FE_TONEAREST);
}

/* Exceptions stay raised although nobody uses the results. */
NO static void sticky(volatile double *v)
{
    feclearexcept(FE_ALL_EXCEPT);
    (void)(v[0] / v[1]);
    printf("inexact %x\n", fetestexcept(FE_ALL_EXCEPT));
    feclearexcept(FE_ALL_EXCEPT);
    double x = v[0], y = v[2];
    if (x / y > 1e308) printf("divided by zero: %x\n", fetestexcept(FE_ALL_EXCEPT));
    feclearexcept(FE_ALL_EXCEPT);
    int less = v[3] < x, quiet = isless(v[3], x);
    printf("nan: %d %d, %x\n", less, quiet, fetestexcept(FE_ALL_EXCEPT));
    feclearexcept(FE_ALL_EXCEPT);
    quiet = isless(v[3], x);
    printf("quiet: %d, %x\n", quiet, fetestexcept(FE_ALL_EXCEPT));
    feclearexcept(FE_ALL_EXCEPT);
    int i = (int)v[4];
    float f = (float)v[4];
    printf("converted: %d %g, %x\n", i, f, fetestexcept(FE_ALL_EXCEPT));
    fenv_t saved;
    feholdexcept(&saved);
    (void)divide(1, 0);
    printf("held %x ", fetestexcept(FE_ALL_EXCEPT));
    feupdateenv(&saved);
    printf("updated %x\n", fetestexcept(FE_ALL_EXCEPT));
    /* Not speculated: the division stands behind a condition that does not hold. */
    feclearexcept(FE_ALL_EXCEPT);
    double z = y == 0 ? 0 : x / y;
    printf("guarded %g %x\n", z, fetestexcept(FE_ALL_EXCEPT));
}

NO static void denormals(volatile double *tiny, volatile float *small)
{
    for (unsigned bits = 0; bits < 4; bits++) {
        _mm_setcsr(0x1f80 | (bits & 1 ? 0x8000 : 0) | (bits & 2 ? 0x40 : 0));
        double halved = tiny[0] * 0.5, doubled = tiny[1] * 2;
        float sum = add(small[0], small[1]);
        int zero = tiny[1] == 0, above = tiny[1] > 0;
        printf("%u: %a %a %a %d %d, %x\n", bits, halved, doubled, sum, zero, above, _mm_getcsr() & 0x3f);
    }
    _mm_setcsr(0x1f80);
}

NO static void nans(void)
{
    static const uint64_t payloads[] = {0x7ff8000000000001, 0xfff8000000000002, 0x7ff0000000000003, 0x3ff0000000000000};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            double a, b, r[6];
            memcpy(&a, payloads + i, 8), memcpy(&b, payloads + j, 8);
            __asm__ volatile("" : "+x"(a), "+x"(b));
            r[0] = a + b, r[1] = b * a, r[2] = a - b, r[3] = a / b, r[4] = a < b ? a : b;
            long double x = a, y = b;
            __asm__ volatile("" : "+t"(x) : "u"(y));
            r[5] = (double)(x + y);
            TAKE(r);
            if (i < 2 && j < 2) for (int k = 0; k < 6; k++) printf("%lx ", *(unsigned long *)&r[k]);
        }
    printf("\n");
}

struct __attribute__((packed)) environment { uint32_t control, status, tags, fip; uint16_t fcs, fop; uint32_t fdp, fds; unsigned char st[80]; };

NO static void stack(double *d)
{
    struct environment e;
    uint16_t sw[4];
    __asm__ volatile("fninit\n\tfld1\n\tfstp %%st(3)\n\tfnstsw %0\n\tfld %%st(5)\n\tfnstsw %1\n\tfninit\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfldpi\n\tfnstsw %2\n\tfxam\n\tfnstsw %3\n\tfninit"
                     : "=m"(sw[0]), "=m"(sw[1]), "=m"(sw[2]), "=m"(sw[3]));
    printf("stack %04x %04x %04x %04x\n", sw[0], sw[1], sw[2], sw[3]);
    uintptr_t at;
    __asm__ volatile("fninit\n\tlea 1f(%%rip), %1\n1:\tfldl (%2)\n\tfnstenv %0" : "=m"(e), "=&r"(at) : "r"(d));
    printf("pointers %x %x %03x %d\n", e.fip - (uint32_t)at, e.fcs, e.fop, e.fdp == (uint32_t)(uintptr_t)d);
    __asm__ volatile("fldz\n\tlea 1f(%%rip), %1\n1:\tfaddp\n\tfnsave %0" : "=m"(e), "=&r"(at));
    printf("saved %04x %04x %04x %x %03x\n", e.control & 0xffff, e.status & 0xffff, e.tags & 0xffff, e.fip - (uint32_t)at, e.fop);
    h = hash(h, e.st, sizeof e.st);
    __asm__ volatile("frstor %1\n\tfstpl %0" : "=m"(*d) : "m"(e));
    static const uint16_t controls[] = {0x7f, 0x27f, 0x37f, 0xf7f, 0xb7f, 0x47f};
    for (int i = 0; i < 6; i++) {
        long double r;
        __asm__ volatile("fldcw %2\n\tfld1\n\tfldl %3\n\tfdivrp\n\tfnstsw %1\n\tfstpt %0\n\tfninit" : "=m"(r), "=m"(sw[0]) : "m"(controls[i]), "m"(*d));
        printf("%03x: %.21Lg %04x\n", controls[i], r, sw[0]);
    }
}

NO static void functions(long double x)
{
    long double r[] = {sinl(x), cosl(x), tanl(x), atan2l(x, 3), expl(x), logl(x), log2l(x), powl(x, 1.75L), fmodl(x * 1e18L, 0.7L), remainderl(x, 0.3L),
                       ldexpl(x, 40), rintl(x), floorl(-x), ceill(x), truncl(-x), cbrtl(x), hypotl(x, 4), nearbyintl(x + 0.5L), logbl(x), nextafterl(x, 9)};
    for (size_t i = 0; i < sizeof r / sizeof *r; i++) h = hash(h, &r[i], 10);
    printf("%.20Lg %.20Lg %.20Lg %La\n", r[0], r[4], r[8], r[9]);
}

NO static void mmx(__m64 a, __m64 b)
{
    __m64 r[] = {_mm_add_pi8(a, b), _mm_adds_pu16(a, b), _mm_madd_pi16(a, b), _mm_mulhi_pi16(a, b), _mm_packs_pi32(a, b), _mm_unpacklo_pi8(a, b), _mm_unpackhi_pi16(a, b), _mm_cmpgt_pi16(a, b),
                 _mm_sll_pi32(a, _mm_cvtsi32_si64(5)), _mm_srai_pi16(a, 3), _mm_andnot_si64(a, b), _mm_shuffle_pi16(a, 0x1b), _mm_avg_pu8(a, b), _mm_sad_pu8(a, b), _mm_max_pi16(a, b), _mm_mulhi_pu16(a, b)};
    int bits = _mm_movemask_pi8(a), word = _mm_extract_pi16(b, 2);
    r[0] = _mm_insert_pi16(r[0], word, 1);
    _mm_maskmove_si64(a, b, (char *)&r[3]);
    __m128 f = _mm_cvtpi32_ps(_mm_setzero_ps(), a);
    r[1] = _mm_cvttps_pi32(f);
    TAKE(r), TAKE(bits), TAKE(f);
    struct environment e;
    __asm__ volatile("fninit\n\tfld1\n\tmovq %1, %%mm6\n\tpsubb %%mm7, %%mm7\n\tfnsave %0\n\temms" : "=m"(e) : "m"(a));
    printf("mmx %04x %04x, st6 exponent %02x%02x\n", e.status & 0xffff, e.tags & 0xffff, e.st[69], e.st[68]);
    _mm_empty();
    printf("after emms: %.18Lg\n", sqrtl((long double)bits));
}

int main(void)
{
    volatile double v[] = {1, 3, 0, NAN, 1e300}, tiny[] = {0x1p-1022, 0x1p-1060};
    volatile float small[] = {0x1p-140f, 0x1p-126f};
    double d = 7.25;
    rounding(10, 3), rounding(-2.5, 7), rounding(1e15 + 0.3, 1.1);
    sticky(v);
    denormals(tiny, small);
    nans();
    stack(&d);
    functions(1.2345678901234567L), functions(100.5L), functions(3e-5L);
    mmx((__m64)0x0102f304857f80ffL, (__m64)0x7fff8000fe80010fL);
    printf("%016lx\n", (unsigned long)h);
    return 29;
}
