/* A timer at 1 kHz during computation: the handler dirties what it can, and every result stays right. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include "guest.h"

static volatile unsigned ticks;
static volatile double dirt = 1;
static char copy[4096];

static void tick(int s)
{
    ticks++;
    for (int i = 0; i < 20; i++) dirt = dirt * 0.75 + i;
    memset(copy, ticks, sizeof copy);
    snprintf(copy, sizeof copy, "%u %g", ticks, dirt);
}

static int ascending(const void *a, const void *b) { return *(int *)a < *(int *)b ? -1 : *(int *)a > *(int *)b; }

static long fib(long n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static uint64_t sorts(void)
{
    static int v[30000];
    for (int i = 0; i < 30000; i++) v[i] = (int)rng();
    qsort(v, 30000, sizeof *v, ascending);
    return hash(0, v, sizeof v);
}

static double floats(void)
{
    double x = 0, y = 1, z = 2;
    for (int i = 0; i < 2000000; i++) x = x * 0.999 + y, y = y * 1.0001 - z * 0.0001, z = z * 0.99999 + x * 1e-7;
    return x + y + z;
}

static long double x87(void)
{
    long double x = 0;
    for (int i = 1; i < 500000; i++) x += 1.0L / i;
    return x;
}

static unsigned carries(void)
{
    unsigned a = 1, b = 0;
    for (int i = 0; i < 3000000; i++) __asm__("add %1, %0; adc $7, %1; ror $5, %0" : "+r"(a), "+r"(b) : : "cc");
    return a ^ b;
}

int main(void)
{
    signal(SIGALRM, tick);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 1000}, {0, 1000}}, 0);
    for (int round = 0; round < 3; round++) {
        printf("%ld ", fib(27));
        printf("%llx ", (unsigned long long)sorts());
        printf("%.17g %.20Lg %x\n", floats(), x87(), carries());
    }
    while (ticks < 30) {}
    setitimer(ITIMER_REAL, &(struct itimerval){0}, 0);
    printf("ticked\n");
    return 22;
}
