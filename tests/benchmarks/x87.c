/* The x87: compensated sums, a logarithm by its series, and sines by series and by fsin, all in long double. */
#include "crt.h"

enum { N = 2000, ROUNDS = 7000 };
static long double values[N];

static __attribute__((noinline)) long double sum(void)
{
    long double total = 0, lost = 0;
    for (int i = 0; i < N; i++) {
        long double v = values[i] - lost, next = total + v;
        lost = next - total - v;
        total = next;
    }
    return total;
}

static __attribute__((noinline)) long double series(long double x)
{
    long double term = x, r = x;
    for (int k = 3; k < 40; k += 2) {
        term *= -x * x / (long double)(k * (k - 1));
        r += term;
    }
    return r;
}

static long double by_cpu(long double x)
{
    __asm__("fsin" : "+t"(x));
    return x;
}

static __attribute__((noinline)) long double logarithm(long double x)
{
    long double y = (x - 1) / (x + 1), power = y, r = 0;
    for (int k = 1; k < 60; k += 2, power *= y * y) r += power / (long double)k;
    return 2 * r;
}

long bench(void)
{
    long double total = 0;
    for (int i = 0; i < N; i++) values[i] = (long double)(rng() % 100000) / 99991;
    for (int r = 0; r < ROUNDS; r++) {
        for (int i = r % 8; i < N; i += 8) values[i] = series(values[i]) - by_cpu(values[i]) + logarithm(values[i] + 1.5L);
        total += sum();
    }
    return (long)(total * 1e9L);
}
