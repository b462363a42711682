/* AVX2 and FMA: single-precision matrices multiplied by blocks of 4 rows and 16 columns, and a masked row sum by gathers. */
#pragma GCC target("avx2,fma")
#include "crt.h"
#include <immintrin.h>

enum { N = 192, ROUNDS = 700 };
static float a[N][N] __attribute__((aligned(32))), b[N][N] __attribute__((aligned(32))), c[N][N] __attribute__((aligned(32)));

static __attribute__((noinline)) void block(int i, int j)
{
    __m256 s[4][2] = {{_mm256_setzero_ps()}};
    for (int k = 0; k < N; k++) {
        __m256 left = _mm256_load_ps(&b[k][j]), right = _mm256_load_ps(&b[k][j + 8]);
        for (int r = 0; r < 4; r++) {
            __m256 v = _mm256_broadcast_ss(&a[i + r][k]);
            s[r][0] = _mm256_fmadd_ps(v, left, s[r][0]);
            s[r][1] = _mm256_fmadd_ps(v, right, s[r][1]);
        }
    }
    for (int r = 0; r < 4; r++) {
        _mm256_store_ps(&c[i + r][j], s[r][0]);
        _mm256_store_ps(&c[i + r][j + 8], s[r][1]);
    }
}

static __attribute__((noinline)) float diagonal(void)
{
    __m256i index = _mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(N + 1));
    __m256 sum = _mm256_setzero_ps();
    for (int i = 0; i < N; i += 8) sum = _mm256_add_ps(sum, _mm256_i32gather_ps(&c[i][i], index, 4));
    float lanes[8], total = 0;
    _mm256_storeu_ps(lanes, sum);
    for (int i = 0; i < 8; i++) total += lanes[i];
    return total;
}

long bench(void)
{
    float total = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (float)(rng() % 1000) / 1000;
            b[i][j] = (float)(rng() % 1000) / 1000;
        }
    for (int r = 0; r < ROUNDS; r++) {
        for (int i = 0; i < N; i += 4)
            for (int j = 0; j < N; j += 16) block(i, j);
        total += diagonal();
        a[r % N][0] += 1;
    }
    return (long)(total * 16);
}
