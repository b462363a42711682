/* Indirect calls: quicksort with a compare function. */
#include "crt.h"
#define N 3000000

static int a[N];

__attribute__((noinline)) static int cmp(const int *x, const int *y) { return *x < *y ? -1 : *x > *y; }

__attribute__((noinline)) void qs(int *v, long lo, long hi, int (*c)(const int *, const int *))
{
    while (lo < hi) {
        int p = v[(lo + hi) / 2];
        long i = lo, j = hi;
        while (i <= j) {
            while (c(&v[i], &p) < 0)
                i++;
            while (c(&v[j], &p) > 0)
                j--;
            if (i <= j) {
                int t = v[i];
                v[i] = v[j];
                v[j] = t;
                i++;
                j--;
            }
        }
        if (j - lo < hi - i) {
            qs(v, lo, j, c);
            lo = i;
        } else {
            qs(v, i, hi, c);
            hi = j;
        }
    }
}

long bench(void)
{
    u64 h = 0;
    for (int r = 0; r < 2; r++) {
        for (long i = 0; i < N; i++)
            a[i] = (int)rng();
        qs(a, 0, N - 1, cmp);
        for (long i = 0; i < N; i += 1000)
            h = h * 31 + a[i];
    }
    return h;
}
