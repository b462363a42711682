/* libm in double and float, rounding modes, classification, conversions. Printed to a few digits less than the libraries agree on. */
#include "guest.h"
#include <fenv.h>
#include <math.h>
#include <stdio.h>

typedef double (*F1)(double);
typedef float (*F1f)(float);

static const struct {
    const char *name;
    F1 f;
    F1f ff;
} table[] = {
    {"sin", sin, sinf}, {"cos", cos, cosf}, {"tan", tan, tanf}, {"asin", asin, asinf}, {"acos", acos, acosf}, {"atan", atan, atanf},
    {"sinh", sinh, sinhf}, {"cosh", cosh, coshf}, {"tanh", tanh, tanhf}, {"exp", exp, expf}, {"exp2", exp2, exp2f}, {"expm1", expm1, expm1f},
    {"log", log, logf}, {"log2", log2, log2f}, {"log10", log10, log10f}, {"log1p", log1p, log1pf}, {"sqrt", sqrt, sqrtf}, {"cbrt", cbrt, cbrtf},
    {"erf", erf, erff}, {"tgamma", tgamma, tgammaf}, {"floor", floor, floorf}, {"ceil", ceil, ceilf}, {"trunc", trunc, truncf},
    {"round", round, roundf}, {"rint", rint, rintf}, {"nearbyint", nearbyint, nearbyintf}, {"fabs", fabs, fabsf}};

static double tidy(double x) { return x == 0 ? 0 : x; }

static void show(const char *name, double x, double y, float z)
{
    if (isnan(y))
        printf("%s(%g) = nan\n", name, x);
    else
        printf("%s(%g) = %.11g %.4g\n", name, x, fabs(y) < 1e-12 ? 0 : tidy(y), fabsf(z) < 1e-5f ? 0 : tidy((double)z));
}

static void rounding(void)
{
    static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    static volatile double values[] = {0.5, 1.5, 2.5, -0.5, -1.5, 2.49999, -2.50001, 1e15 + 0.5};
    static volatile double one = 1, three = 3;
    for (int m = 0; m < 4; m++) {
        fesetround(modes[m]);
        double third = one / three;
        long double lthird = (long double)one / (long double)three;
        long r[8];
        for (int i = 0; i < 8; i++)
            r[i] = lrint(values[i]);
        int mode = fegetround();
        fesetround(FE_TONEAREST);
        printf("mode %d %a %.18Lg:", mode == modes[m], third, lthird);
        for (int i = 0; i < 8; i++)
            printf(" %ld", r[i]);
        printf("\n");
    }
}

static void exceptions(void)
{
    static volatile double zero = 0, one = 1, huge = 1e308, tiny = 1e-308, three = 3, sink;
    feclearexcept(FE_ALL_EXCEPT);
    sink = one / zero;
    printf("divbyzero %d", !!fetestexcept(FE_DIVBYZERO));
    sink = huge * huge;
    printf(" overflow %d", !!fetestexcept(FE_OVERFLOW));
    sink = tiny * tiny;
    printf(" underflow %d", !!fetestexcept(FE_UNDERFLOW));
    sink = zero / zero;
    printf(" invalid %d", !!fetestexcept(FE_INVALID));
    feclearexcept(FE_ALL_EXCEPT);
    sink = one / three;
    printf(" inexact %d %d\n", !!fetestexcept(FE_INEXACT), !!fetestexcept(FE_INVALID | FE_DIVBYZERO));
    (void)sink;
}

static void conversions(void)
{
    static volatile double xs[] = {0, -1.9, 2147483647.5, 4294967295.0, 9007199254740993.0, -9223372036854775808.0, 1e18, 3.99};
    for (int i = 0; i < 8; i++) {
        double x = xs[i];
        printf("%.1f -> %lld %llu %d %.9g", x, (long long)x, x >= 0 ? (unsigned long long)x : 0ull, x > -2e9 && x < 2e9 ? (int)x : 0, (double)(float)x);
        int e;
        double m = frexp(x, &e), whole, part = modf(x, &whole);
        printf(" %g*2^%d %.1f+%g %d %d\n", m, e, whole, part, ilogb(x == 0 ? 1 : x), signbit(x) != 0);
    }
    volatile uint64_t big = 0xffffffffffffffffull;
    volatile int64_t negative = -7;
    printf("%.0f %.0f %.9g %.9g\n", (double)big, (double)negative, (double)(float)big, (double)(float)(uint32_t)big);
}

int main(void)
{
    static const double xs[] = {-2.75, -1, -0.5, 0, 0.1, 0.5, 1, 2.5, 7.25, 30.125};
    for (size_t f = 0; f < sizeof table / sizeof *table; f++)
        for (size_t i = 0; i < sizeof xs / sizeof *xs; i++)
            show(table[f].name, xs[i], table[f].f(xs[i]), table[f].ff((float)xs[i]));
    for (int i = -3; i < 6; i++)
        printf("pow %.11g atan2 %.11g fmod %.11g hypot %.11g remainder %.11g ldexp %g fma %.11g copysign %g fdim %g fmax %g\n", pow(2.3, i), atan2(i, 3), fmod(17.25, i + 0.5),
               hypot(i, 4), tidy(remainder(17.25, i + 0.5)), ldexp(0.75, i), fma(i, 1.5, 0.25), copysign(3, i), fdim(i, 1), fmax(i, 1));
    rounding();
    exceptions();
    conversions();
    printf("%d %d %d %d %d\n", fpclassify(0.0) == FP_ZERO, isinf(INFINITY) != 0, isnan(NAN) != 0, fpclassify(1e-310) == FP_SUBNORMAL, isfinite(1.0) != 0);
    return 0;
}
