/* Each extension of x86-64 that guests are told of, through intrinsics or inline assembly, against the same in plain C: the name, and "ok",
   how many results differ, or "-" where the CPU has it not. */
#include "guest.h"
#include <cpuid.h>
#include <immintrin.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FOR(extensions) __attribute__((target(extensions), noinline)) static int
enum { TRIES = 200 };

static uint32_t rol(uint32_t x, int n) { return x << (n & 31) | x >> (-n & 31); }

static void fill(void *to, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)to)[i] = (uint8_t)(rng() >> 20);
}

/* --- Vectors ----------------------------------------------------------------------------------------------------------------- */

FOR("avx2") avx2(void)
{
    int bad = 0;
    for (int t = 0; t < TRIES; t++) {
        int32_t a[8], b[8], r[8], s[8], picked[8], shifted[8];
        uint8_t x[32], y[32], z[32], q[32];
        fill(a, 32), fill(b, 32), fill(x, 32), fill(y, 32);
        __m256i va = _mm256_loadu_si256((void *)a), vb = _mm256_loadu_si256((void *)b), vx = _mm256_loadu_si256((void *)x), vy = _mm256_loadu_si256((void *)y);
        _mm256_storeu_si256((void *)r, _mm256_mullo_epi32(va, vb));
        _mm256_storeu_si256((void *)s, _mm256_max_epi32(va, _mm256_abs_epi32(vb)));
        _mm256_storeu_si256((void *)picked, _mm256_permutevar8x32_epi32(va, vb));
        _mm256_storeu_si256((void *)shifted, _mm256_srlv_epi32(va, _mm256_and_si256(vb, _mm256_set1_epi32(63))));
        _mm256_storeu_si256((void *)z, _mm256_adds_epu8(vx, vy));
        _mm256_storeu_si256((void *)q, _mm256_shuffle_epi8(vx, vy));
        for (int i = 0; i < 8; i++) {
            uint32_t m = b[i] < 0 ? 0u - (uint32_t)b[i] : (uint32_t)b[i], count = b[i] & 63;
            bad += r[i] != (int32_t)((uint32_t)a[i] * (uint32_t)b[i]);
            bad += s[i] != (a[i] > (int32_t)m ? a[i] : (int32_t)m);
            bad += picked[i] != a[b[i] & 7];
            bad += (uint32_t)shifted[i] != (count > 31 ? 0 : (uint32_t)a[i] >> count);
        }
        for (int i = 0; i < 32; i++) {
            bad += z[i] != (x[i] + y[i] > 255 ? 255 : x[i] + y[i]);
            bad += q[i] != (y[i] & 0x80 ? 0 : x[(i & 16) + (y[i] & 15)]);
        }
        uint32_t mask = 0;
        for (int i = 0; i < 32; i++) mask |= (uint32_t)(x[i] >> 7) << i;
        bad += (uint32_t)_mm256_movemask_epi8(vx) != mask;
    }
    return bad;
}

/* Gathers and masked moves: what is not chosen is not touched. */
FOR("avx2") lanes(void)
{
    int bad = 0;
    int32_t table[64], index[8], mask[8], r[8], m[8];
    for (int t = 0; t < TRIES; t++) {
        fill(table, sizeof table), fill(mask, sizeof mask), fill(m, sizeof m);
        for (int i = 0; i < 8; i++) index[i] = mask[i] < 0 ? (int)(rng() % 64) : (int)rng();
        __m256i vm = _mm256_loadu_si256((void *)mask), old = _mm256_loadu_si256((void *)m);
        _mm256_storeu_si256((void *)r, _mm256_mask_i32gather_epi32(old, table, _mm256_loadu_si256((void *)index), vm, 4));
        for (int i = 0; i < 8; i++) bad += r[i] != (mask[i] < 0 ? table[index[i]] : m[i]);
        int32_t to[8] = {1, 2, 3, 4, 5, 6, 7, 8};
        _mm256_maskstore_epi32(to, vm, old);
        for (int i = 0; i < 8; i++) bad += to[i] != (mask[i] < 0 ? m[i] : i + 1);
        _mm256_storeu_si256((void *)r, _mm256_maskload_epi32(m, vm));
        for (int i = 0; i < 8; i++) bad += r[i] != (mask[i] < 0 ? m[i] : 0);
    }
    return bad;
}

FOR("fma,avx") fused(void)
{
    int bad = 0;
    for (int t = 0; t < TRIES; t++) {
        double a = (double)(int64_t)rng() / 3e9, b = (double)(int64_t)rng() / 7e9, c = -a * b, r[3];
        __m128d va = _mm_set_sd(a), vb = _mm_set_sd(b), vc = _mm_set_sd(c);
        _mm_store_sd(&r[0], _mm_fmadd_sd(va, vb, vc));
        _mm_store_sd(&r[1], _mm_fnmadd_sd(va, vb, vc));
        _mm_store_sd(&r[2], _mm_fmsub_sd(va, vb, vc));
        bad += r[0] != fma(a, b, c);
        bad += r[1] != fma(-a, b, c);
        bad += r[2] != fma(a, b, -c);
    }
    return bad;
}

static float widen(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    float v = exponent == 31 ? (fraction ? NAN : INFINITY) : exponent ? ldexpf((float)(1024 + fraction), exponent - 25) : ldexpf((float)fraction, -24);
    return half >> 15 ? -v : v;
}

FOR("f16c,avx") halves(void)
{
    int bad = 0;
    for (unsigned n = 0; n < 65536; n += 4) {
        float v[4];
        __m128 wide = _mm_cvtph_ps(_mm_set_epi16(0, 0, 0, 0, (short)(n + 3), (short)(n + 2), (short)(n + 1), (short)n));
        uint64_t back = (uint64_t)_mm_cvtsi128_si64(_mm_cvtps_ph(wide, 0));
        _mm_storeu_ps(v, wide);
        for (unsigned i = 0; i < 4; i++) {
            float w = widen((uint16_t)(n + i));
            if (w != w) bad += v[i] == v[i] || ((back >> 16 * i) & 0x7fff) != (((n + i) & 0x7fff) | 0x200);
            else bad += memcmp(&w, &v[i], 4) != 0 || (uint16_t)(back >> 16 * i) != (uint16_t)(n + i);
        }
    }
    return bad;
}

/* --- Integers ---------------------------------------------------------------------------------------------------------------- */

static uint64_t deposit(uint64_t v, uint64_t mask)
{
    uint64_t r = 0;
    for (int i = 0; i < 64; i++)
        if (mask >> i & 1) r |= (v & 1) << i, v >>= 1;
    return r;
}

static uint64_t extract(uint64_t v, uint64_t mask)
{
    uint64_t r = 0;
    for (int i = 0, n = 0; i < 64; i++)
        if (mask >> i & 1) r |= (v >> i & 1) << n++;
    return r;
}

FOR("bmi,bmi2,lzcnt") bits(void)
{
    int bad = 0;
    for (int t = 0; t < TRIES; t++) {
        uint64_t a = rng() >> (t & 63), b = rng() << (t & 31);
        unsigned long long high, low = _mulx_u64(a, b, &high);
        unsigned __int128 product = (unsigned __int128)a * b;
        int zeros = 0, leading = 0;
        while (zeros < 64 && !(a >> zeros & 1)) zeros++;
        while (leading < 64 && !(a >> (63 - leading) & 1)) leading++;
        bad += low != (uint64_t)product || high != (uint64_t)(product >> 64);
        bad += _pdep_u64(a, b) != deposit(a, b) || _pext_u64(a, b) != extract(a, b);
        bad += _andn_u64(a, b) != (~a & b) || _blsi_u64(a) != (a & -a) || _blsr_u64(a) != (a & (a - 1)) || _blsmsk_u64(a) != (a ^ (a - 1));
        bad += _bzhi_u64(a, t & 63) != (a & ((1ull << (t & 63)) - 1)) || _bextr_u64(a, 5, 20) != (a >> 5 & 0xfffff);
        bad += (int)_tzcnt_u64(a) != zeros || (int)_lzcnt_u64(a) != leading;
        uint64_t r, shifted;
        __asm__("rorx $13, %1, %0" : "=r"(r) : "r"(a));
        __asm__("sarx %2, %1, %0" : "=r"(shifted) : "r"(a), "r"(b));
        bad += r != (a >> 13 | a << 51) || shifted != (uint64_t)((int64_t)a >> (b & 63));
    }
    return bad;
}

/* Two carry chains at once. */
FOR("adx") carries(void)
{
    int bad = 0;
    for (int t = 0; t < TRIES; t++) {
        uint64_t a[2] = {rng(), rng()}, b[2] = {rng(), rng()}, c[2] = {rng(), rng()}, x[2] = {a[0], a[1]}, y[2] = {a[0], a[1]};
        __asm__("xor %%eax, %%eax\n\tadcx %4, %0\n\tadox %6, %2\n\tadcx %5, %1\n\tadox %7, %3"
                : "+&r"(x[0]), "+&r"(x[1]), "+&r"(y[0]), "+&r"(y[1]) : "m"(b[0]), "m"(b[1]), "m"(c[0]), "m"(c[1]) : "rax", "cc");
        unsigned __int128 av, bv, cv, xv, yv;
        memcpy(&av, a, 16), memcpy(&bv, b, 16), memcpy(&cv, c, 16), memcpy(&xv, x, 16), memcpy(&yv, y, 16);
        bad += xv != av + bv || yv != av + cv;
    }
    return bad;
}

FOR("movbe") swapped(void)
{
    int bad = 0;
    for (int t = 0; t < TRIES; t++) {
        uint64_t v = rng(), r, to;
        __asm__("movbe %1, %0" : "=r"(r) : "m"(v));
        __asm__("movbe %1, %0" : "=m"(to) : "r"(v));
        bad += r != __builtin_bswap64(v) || to != r;
    }
    return bad;
}

FOR("sse4.2") crc(void)
{
    int bad = 0;
    uint32_t mine = ~0u;
    uint64_t theirs = ~0u;
    for (int t = 0; t < TRIES; t++) {
        uint64_t v = rng();
        theirs = _mm_crc32_u64(theirs, v);
        for (int i = 0; i < 64; i++) mine = mine >> 1 ^ ((mine ^ (uint32_t)(v >> i)) & 1 ? 0x82f63b78u : 0);
        bad += theirs != mine;
    }
    return bad;
}

/* --- Cryptography ------------------------------------------------------------------------------------------------------------ */

static uint8_t times(uint8_t a, uint8_t b)
{
    uint8_t r = 0;
    for (; b; b >>= 1, a = (uint8_t)(a << 1 ^ (a >> 7) * 0x1b)) r ^= b & 1 ? a : 0;
    return r;
}

static uint8_t inverse(uint8_t a)
{
    for (int b = 1; a && b < 256; b++)
        if (times(a, (uint8_t)b) == 1) return (uint8_t)b;
    return 0;
}

static uint8_t sbox(uint8_t a)
{
    uint8_t x = inverse(a), r = 0x63;
    for (int i = 0; i < 5; i++) r ^= (uint8_t)(x << i | x >> (8 - i) % 8);
    return x ? r : 0x63;
}

/* One round of FIPS 197: SubBytes, ShiftRows, MixColumns, AddRoundKey. */
static void aes_round(uint8_t r[16], const uint8_t s[16], const uint8_t key[16])
{
    for (int c = 0; c < 4; c++)
        for (int row = 0; row < 4; row++) {
            static const uint8_t mix[4] = {2, 3, 1, 1};
            uint8_t v = key[4 * c + row];
            for (int k = 0; k < 4; k++) v ^= times(sbox(s[4 * ((c + k) & 3) + k]), mix[(k - row) & 3]);
            r[4 * c + row] = v;
        }
}

FOR("aes") aes(void)
{
    int bad = 0;
    for (int t = 0; t < 20; t++) {
        uint8_t s[16], key[16], mine[16], theirs[16], back[16];
        fill(s, 16), fill(key, 16);
        aes_round(mine, s, key);
        __m128i k = _mm_loadu_si128((void *)key), v = _mm_aesenc_si128(_mm_loadu_si128((void *)s), k);
        _mm_storeu_si128((void *)theirs, v);
        bad += memcmp(mine, theirs, 16) != 0;
        /* InvMixColumns undoes what aesenc did behind ShiftRows; aesdeclast undoes the rest. */
        v = _mm_aesdeclast_si128(_mm_aesimc_si128(_mm_xor_si128(v, k)), _mm_setzero_si128());
        _mm_storeu_si128((void *)back, v);
        bad += memcmp(back, s, 16) != 0;
    }
    return bad;
}

FOR("vaes,avx2,aes") wide_aes(void)
{
    int bad = 0;
    for (int t = 0; t < TRIES; t++) {
        __m128i s[2], k[2], wide[2];
        fill(s, 32), fill(k, 32);
        _mm256_storeu_si256((void *)wide, _mm256_aesenclast_epi128(_mm256_aesdec_epi128(_mm256_loadu_si256((void *)s), _mm256_loadu_si256((void *)k)), _mm256_loadu_si256((void *)k)));
        for (int i = 0; i < 2; i++) {
            __m128i one = _mm_aesenclast_si128(_mm_aesdec_si128(s[i], k[i]), k[i]);
            bad += memcmp(&one, &wide[i], 16) != 0;
        }
    }
    return bad;
}

static unsigned __int128 carryless(uint64_t a, uint64_t b)
{
    unsigned __int128 r = 0;
    for (int i = 0; i < 64; i++)
        if (b >> i & 1) r ^= (unsigned __int128)a << i;
    return r;
}

FOR("pclmul,sse2") products(void)
{
    int bad = 0;
    for (int t = 0; t < TRIES; t++) {
        uint64_t a[2] = {rng(), rng()}, b[2] = {rng(), rng()};
        unsigned __int128 r, mine = carryless(a[1], b[0]);
        _mm_storeu_si128((void *)&r, _mm_clmulepi64_si128(_mm_loadu_si128((void *)a), _mm_loadu_si128((void *)b), 0x01));
        bad += r != mine;
    }
    return bad;
}

FOR("vpclmulqdq,avx2") wide_products(void)
{
    int bad = 0;
    for (int t = 0; t < TRIES; t++) {
        uint64_t a[4], b[4];
        unsigned __int128 r[2];
        fill(a, 32), fill(b, 32);
        _mm256_storeu_si256((void *)r, _mm256_clmulepi64_epi128(_mm256_loadu_si256((void *)a), _mm256_loadu_si256((void *)b), 0x10));
        bad += r[0] != carryless(a[0], b[1]) || r[1] != carryless(a[2], b[3]);
    }
    return bad;
}

/* The message schedule and two rounds of SHA-256, four of SHA-1 (FIPS 180-4). */
FOR("sha,sse4.1") sha(void)
{
    int bad = 0;
    for (int t = 0; t < TRIES; t++) {
        uint32_t s[8], w[4], r[4], m[16];
        fill(s, sizeof s), fill(w, sizeof w), fill(m, sizeof m);
        /* SHA256RNDS2: states CDGH and ABEF, high lanes first. */
        __m128i cdgh = _mm_set_epi32((int)s[2], (int)s[3], (int)s[6], (int)s[7]), abef = _mm_set_epi32((int)s[0], (int)s[1], (int)s[4], (int)s[5]);
        _mm_storeu_si128((void *)r, _mm_sha256rnds2_epu32(cdgh, abef, _mm_loadu_si128((void *)w)));
        for (int i = 0; i < 2; i++) {
            uint32_t e = s[4], a = s[0];
            uint32_t t1 = s[7] + (rol(e, 26) ^ rol(e, 21) ^ rol(e, 7)) + ((e & s[5]) ^ (~e & s[6])) + w[i];
            uint32_t t2 = (rol(a, 30) ^ rol(a, 19) ^ rol(a, 10)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
            memmove(s + 1, s, 28);
            s[4] += t1, s[0] = t1 + t2;
        }
        bad += r[3] != s[0] || r[2] != s[1] || r[1] != s[4] || r[0] != s[5];
        _mm_storeu_si128((void *)r, _mm_sha256msg1_epu32(_mm_loadu_si128((void *)m), _mm_loadu_si128((void *)(m + 4))));
        for (int i = 0; i < 4; i++) bad += r[i] != m[i] + (rol(m[i + 1], 25) ^ rol(m[i + 1], 14) ^ m[i + 1] >> 3);
        __m128i one = _mm_sha1msg1_epu32(_mm_set_epi32((int)m[0], (int)m[1], (int)m[2], (int)m[3]), _mm_set_epi32((int)m[4], (int)m[5], 0, 0));
        _mm_storeu_si128((void *)r, one);
        for (int i = 0; i < 4; i++) bad += r[3 - i] != (m[i] ^ m[i + 2]);
        uint32_t v[5] = {m[0], m[1], m[2], m[3], m[4]};
        _mm_storeu_si128((void *)r, _mm_sha1rnds4_epu32(_mm_set_epi32((int)v[0], (int)v[1], (int)v[2], (int)v[3]),
                                                       _mm_set_epi32((int)(w[0] + v[4]), (int)w[1], (int)w[2], (int)w[3]), 1));
        for (int i = 0; i < 4; i++) {
            uint32_t next = rol(v[0], 5) + (v[1] ^ v[2] ^ v[3]) + v[4] + w[i] + 0x6ed9eba1;
            memmove(v + 1, v, 16);
            v[0] = next, v[2] = rol(v[2], 30);
        }
        bad += r[3] != v[0] || r[2] != v[1] || r[1] != v[2] || r[0] != v[3];
    }
    return bad;
}

/* A byte times a matrix of bits, rows from the last byte on (SDM vol. 2, GF2P8AFFINEQB). */
static uint8_t affine(const uint8_t matrix[8], uint8_t x, uint8_t plus)
{
    uint8_t r = 0;
    for (int i = 0; i < 8; i++) r |= (uint8_t)(__builtin_parity(matrix[7 - i] & x) << i);
    return r ^ plus;
}

FOR("gfni,sse2") fields(void)
{
    int bad = 0;
    for (int t = 0; t < 20; t++) {
        uint8_t a[16], b[16], r[3][16];
        fill(a, 16), fill(b, 16);
        __m128i va = _mm_loadu_si128((void *)a), vb = _mm_loadu_si128((void *)b);
        _mm_storeu_si128((void *)r[0], _mm_gf2p8mul_epi8(va, vb));
        _mm_storeu_si128((void *)r[1], _mm_gf2p8affine_epi64_epi8(va, vb, 0x5a));
        _mm_storeu_si128((void *)r[2], _mm_gf2p8affineinv_epi64_epi8(va, vb, 0x63));
        for (int i = 0; i < 16; i++) {
            bad += r[0][i] != times(a[i], b[i]) || r[1][i] != affine(b + (i & 8), a[i], 0x5a) || r[2][i] != affine(b + (i & 8), inverse(a[i]), 0x63);
        }
    }
    return bad;
}

/* --- State ------------------------------------------------------------------------------------------------------------------- */

FOR("mmx") multimedia(void)
{
    int bad = 0;
    for (int t = 0; t < TRIES; t++) {
        int16_t a[4], b[4];
        uint8_t x[8], y[8], sums[8];
        int32_t dot[2];
        fill(a, 8), fill(b, 8), fill(x, 8), fill(y, 8);
        __asm__("movq %2, %%mm0\n\tpmaddwd %3, %%mm0\n\tmovq %%mm0, %0\n\tmovq %4, %%mm5\n\tpaddusb %5, %%mm5\n\tmovq %%mm5, %1\n\temms"
                : "=m"(dot), "=m"(sums) : "m"(a), "m"(b), "m"(x), "m"(y) : "mm0", "mm5");
        for (int i = 0; i < 2; i++) bad += (uint32_t)dot[i] != (uint32_t)(a[2 * i] * b[2 * i]) + (uint32_t)(a[2 * i + 1] * b[2 * i + 1]);
        for (int i = 0; i < 8; i++) bad += sums[i] != (x[i] + y[i] > 255 ? 255 : x[i] + y[i]);
    }
    return bad;
}

static int compare_saved(const uint8_t *image, const uint8_t *low, const uint8_t *high, const uint8_t *now)
{
    return (memcmp(image + 160 + 16 * 7, low, 16) != 0) + (high && memcmp(image + 576 + 16 * 7, high, 16) != 0) + (memcmp(now, low, 16) != 0)
        + (high && memcmp(now + 16, high, 16) != 0);
}

FOR("avx,xsave") saved(void)
{
    static _Alignas(64) uint8_t image[1024];
    int bad = 0;
    for (int t = 0; t < 20; t++) {
        uint8_t before[32], now[32];
        fill(before, 32);
        memset(image, 0, sizeof image);
        __asm__ volatile("vmovdqu %2, %%ymm7\n\txsave %0\n\tvpxor %%xmm7, %%xmm7, %%xmm7\n\txrstor %0\n\tvmovdqu %%ymm7, %1\n\tvzeroupper"
                         : "+m"(image), "=m"(now) : "m"(before), "a"(6), "d"(0) : "xmm7", "memory");
        bad += compare_saved(image, before, before + 16, now);
        memset(image, 0, sizeof image);
        memset(now, 0, sizeof now);
        __asm__ volatile("movdqu %2, %%xmm7\n\tfxsave %0\n\tpxor %%xmm7, %%xmm7\n\tfxrstor %0\n\tmovdqu %%xmm7, %1"
                         : "+m"(image), "=m"(now) : "m"(before) : "xmm7", "memory");
        bad += compare_saved(image, before, 0, now);
    }
    return bad;
}

static int has(unsigned leaf, int reg, int bit)
{
    unsigned r[4] = {0};
    return __get_cpuid_count(leaf, 0, &r[0], &r[1], &r[2], &r[3]) && r[reg] >> bit & 1;
}

int main(void)
{
    enum { B = 1, C, D };
    const struct { const char *name; int there, (*run)(void); } all[] = {
        {"avx2", has(7, B, 5), avx2}, {"lanes", has(7, B, 5), lanes}, {"fma", has(1, C, 12), fused}, {"f16c", has(1, C, 29), halves},
        {"bmi", has(7, B, 3) && has(7, B, 8) && has(0x80000001, C, 5), bits}, {"adx", has(7, B, 19), carries}, {"movbe", has(1, C, 22), swapped},
        {"crc32", has(1, C, 20), crc}, {"aes", has(1, C, 25), aes}, {"vaes", has(7, C, 9), wide_aes}, {"pclmulqdq", has(1, C, 1), products},
        {"vpclmulqdq", has(7, C, 10), wide_products}, {"sha", has(7, B, 29), sha}, {"gfni", has(7, C, 8), fields}, {"mmx", has(1, D, 23), multimedia},
        {"xsave", has(1, C, 27) && has(1, C, 28), saved},
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int bad = all[i].there ? all[i].run() : 0;
        failed += bad != 0;
        printf("%-12s", all[i].name);
        all[i].there ? bad ? printf("%d differ\n", bad) : puts("ok") : puts("-");
    }
    return failed ? 1 : 33;
}
