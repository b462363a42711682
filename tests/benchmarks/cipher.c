/* AES-NI in counter mode over a buffer, then SHA-256 of it with the SHA extensions. */
#pragma GCC target("aes,sha,sse4.1,avx")
#include "crt.h"
#include <immintrin.h>

enum { SIZE = 1 << 16, ROUNDS = 4000 };
static __m128i data[SIZE / 16], keys[11];

static __attribute__((noinline)) void encrypt(u64 counter)
{
    for (int i = 0; i < SIZE / 16; i += 4) {
        __m128i x[4];
        for (int k = 0; k < 4; k++) x[k] = _mm_xor_si128(_mm_set_epi64x((i64)counter, i + k), keys[0]);
        for (int r = 1; r < 10; r++)
            for (int k = 0; k < 4; k++) x[k] = _mm_aesenc_si128(x[k], keys[r]);
        for (int k = 0; k < 4; k++) data[i + k] = _mm_xor_si128(data[i + k], _mm_aesenclast_si128(x[k], keys[10]));
    }
}

static const u32 constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74,
    0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d,
    0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e,
    0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
    0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static __attribute__((noinline)) void digest(__m128i state[2])
{
    __m128i abef = state[0], cdgh = state[1];
    for (int at = 0; at < SIZE / 16; at += 4) {
        __m128i w[4] = {data[at], data[at + 1], data[at + 2], data[at + 3]}, a = abef, c = cdgh;
        for (int r = 0; r < 16; r++) {
            __m128i k = _mm_add_epi32(w[r & 3], _mm_load_si128((const __m128i *)&constants[4 * r]));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, k);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(k, 0x0e));
            __m128i next = _mm_add_epi32(_mm_sha256msg1_epu32(w[r & 3], w[(r + 1) & 3]), _mm_alignr_epi8(w[(r + 3) & 3], w[(r + 2) & 3], 4));
            w[r & 3] = _mm_sha256msg2_epu32(next, w[(r + 3) & 3]);
        }
        abef = _mm_add_epi32(abef, a);
        cdgh = _mm_add_epi32(cdgh, c);
    }
    state[0] = abef;
    state[1] = cdgh;
}

long bench(void)
{
    __m128i state[2] = {_mm_set_epi32(1, 2, 3, 4), _mm_set_epi32(5, 6, 7, 8)};
    for (int i = 0; i < 11; i++) keys[i] = _mm_set_epi64x((i64)rng(), (i64)rng());
    for (int r = 0; r < ROUNDS; r++) {
        encrypt((u64)r);
        digest(state);
    }
    return _mm_cvtsi128_si64(_mm_xor_si128(state[0], state[1]));
}
