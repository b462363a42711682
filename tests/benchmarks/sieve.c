/* Tight loops over memory: a sieve and an integer matrix product. */
#include "crt.h"
#define N 8000000

static u8 s[N];
static int A[300][300], B[300][300], C[300][300];

long bench(void)
{
    u64 h = 0;
    for (int r = 0; r < 22; r++) {
        for (long i = 0; i < N; i++) {
            s[i] = 1;
            __asm__ volatile("");
        }
        for (long i = 2; i * i < N; i++)
            if (s[i])
                for (long j = i * i; j < N; j += i)
                    s[j] = 0;
        for (long i = 2; i < N; i++)
            h += s[i];
    }
    for (int i = 0; i < 300; i++)
        for (int j = 0; j < 300; j++) {
            A[i][j] = rng();
            B[i][j] = rng();
        }
    for (int r = 0; r < 22; r++)
        for (int i = 0; i < 300; i++)
            for (int j = 0; j < 300; j++) {
                int t = 0;
                for (int k = 0; k < 300; k++)
                    t += A[i][k] * B[k][j];
                C[i][j] += t;
                h += t;
            }
    return h;
}
