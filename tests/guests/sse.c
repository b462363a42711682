/* SSE and SSE2 intrinsics: every family on random lanes, loads and stores of all sizes, conversions, shuffles, MXCSR. */
#include "guest.h"
#include <emmintrin.h>
#include <stdio.h>
#include <string.h>

#define N 4096
static _Alignas(16) unsigned char in[N + 64], out[64];
static uint64_t h;

static void take_i(__m128i v)
{
    _mm_storeu_si128((__m128i *)(out + 3), v);
    h = hash(h, out + 3, 16);
}
static void take_d(__m128d v) { take_i(_mm_castpd_si128(v)); }
static void take_f(__m128 v) { take_i(_mm_castps_si128(v)); }
static void say(const char *name) { printf("%-10s %016llx\n", name, (unsigned long long)h); }

static void integers(__m128i a, __m128i b)
{
    __m128i v[] = {_mm_add_epi8(a, b), _mm_add_epi16(a, b), _mm_add_epi32(a, b), _mm_add_epi64(a, b), _mm_sub_epi8(a, b), _mm_sub_epi16(a, b),
                   _mm_sub_epi32(a, b), _mm_sub_epi64(a, b), _mm_adds_epi8(a, b), _mm_adds_epi16(a, b), _mm_adds_epu8(a, b), _mm_adds_epu16(a, b),
                   _mm_subs_epi8(a, b), _mm_subs_epi16(a, b), _mm_subs_epu8(a, b), _mm_subs_epu16(a, b), _mm_mullo_epi16(a, b), _mm_mulhi_epi16(a, b),
                   _mm_mulhi_epu16(a, b), _mm_mul_epu32(a, b), _mm_madd_epi16(a, b), _mm_sad_epu8(a, b), _mm_avg_epu8(a, b), _mm_avg_epu16(a, b),
                   _mm_max_epi16(a, b), _mm_min_epi16(a, b), _mm_max_epu8(a, b), _mm_min_epu8(a, b), _mm_cmpeq_epi8(a, b), _mm_cmpeq_epi16(a, b),
                   _mm_cmpeq_epi32(a, b), _mm_cmpgt_epi8(a, b), _mm_cmpgt_epi16(a, b), _mm_cmpgt_epi32(a, b), _mm_and_si128(a, b), _mm_or_si128(a, b),
                   _mm_xor_si128(a, b), _mm_andnot_si128(a, b)};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        take_i(v[i]);
}

static void moves(__m128i a, __m128i b)
{
    __m128i n = _mm_and_si128(b, _mm_set_epi64x(0, 31));
    __m128i v[] = {_mm_sll_epi16(a, n), _mm_sll_epi32(a, n), _mm_sll_epi64(a, n), _mm_srl_epi16(a, n), _mm_srl_epi32(a, n), _mm_srl_epi64(a, n),
                   _mm_sra_epi16(a, n), _mm_sra_epi32(a, n), _mm_slli_epi16(a, 3), _mm_srai_epi32(a, 9), _mm_srli_epi64(a, 40), _mm_slli_si128(a, 5),
                   _mm_srli_si128(a, 11), _mm_unpackhi_epi8(a, b), _mm_unpacklo_epi8(a, b), _mm_unpackhi_epi16(a, b), _mm_unpacklo_epi16(a, b),
                   _mm_unpackhi_epi32(a, b), _mm_unpacklo_epi32(a, b), _mm_unpackhi_epi64(a, b), _mm_unpacklo_epi64(a, b), _mm_packs_epi16(a, b),
                   _mm_packs_epi32(a, b), _mm_packus_epi16(a, b), _mm_shuffle_epi32(a, 0x1b), _mm_shufflehi_epi16(a, 0x4e), _mm_shufflelo_epi16(a, 0x93),
                   _mm_insert_epi16(a, _mm_extract_epi16(b, 6), 2), _mm_move_epi64(a)};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        take_i(v[i]);
    int masks[] = {_mm_movemask_epi8(a), _mm_movemask_ps(_mm_castsi128_ps(b)), _mm_movemask_pd(_mm_castsi128_pd(a)), _mm_cvtsi128_si32(a)};
    h = hash(h, masks, sizeof masks);
}

static void memory(size_t at)
{
    take_i(_mm_loadu_si128((const __m128i *)(in + at)));
    take_i(_mm_loadl_epi64((const __m128i *)(in + at)));
    take_f(_mm_load_ss((const float *)(in + at / 4 * 4)));
    take_d(_mm_loadh_pd(_mm_load_sd((const double *)(in + at / 8 * 8)), (const double *)(in + at / 16 * 16)));
    take_f(_mm_loadl_pi(_mm_loadh_pi(_mm_setzero_ps(), (const __m64 *)(in + at / 8 * 8)), (const __m64 *)(in + 8)));
    _mm_storel_epi64((__m128i *)(out + 40), _mm_loadu_si128((const __m128i *)(in + at + 1)));
    _mm_stream_si128((__m128i *)out, _mm_load_si128((const __m128i *)(in + at / 16 * 16)));
    _mm_sfence();
    _mm_maskmoveu_si128(_mm_loadu_si128((const __m128i *)(in + at)), _mm_loadu_si128((const __m128i *)(in + at + 7)), (char *)out + 20);
    h = hash(h, out, sizeof out);
}

static void doubles(double x, double y)
{
    __m128d a = _mm_set_pd(x, y), b = _mm_set_pd(y + 0.5, x * 3);
    __m128 f = _mm_set_ps((float)x, (float)y, (float)(x + y), (float)(x - y)), g = _mm_set_ps(1.5f, -2.25f, (float)y, 3.0f);
    __m128d d[] = {_mm_add_pd(a, b), _mm_sub_pd(a, b), _mm_mul_pd(a, b), _mm_div_pd(a, b), _mm_sqrt_pd(_mm_and_pd(a, _mm_castsi128_pd(_mm_set1_epi64x(INT64_MAX)))),
                   _mm_min_pd(a, b), _mm_max_pd(a, b), _mm_cmplt_pd(a, b), _mm_cmple_pd(a, b), _mm_cmpneq_pd(a, b), _mm_cmpord_pd(a, b), _mm_cmpnlt_pd(a, b),
                   _mm_add_sd(a, b), _mm_mul_sd(a, b), _mm_min_sd(b, a), _mm_cmpeq_sd(a, a), _mm_shuffle_pd(a, b, 1), _mm_unpackhi_pd(a, b), _mm_cvtps_pd(f)};
    for (size_t i = 0; i < sizeof d / sizeof *d; i++)
        take_d(d[i]);
    __m128 s[] = {_mm_add_ps(f, g), _mm_sub_ps(f, g), _mm_mul_ps(f, g), _mm_div_ps(f, g), _mm_sqrt_ss(_mm_mul_ps(f, f)), _mm_min_ps(f, g), _mm_max_ss(f, g),
                  _mm_cmpgt_ps(f, g), _mm_cmpunord_ps(f, g), _mm_shuffle_ps(f, g, 0x36), _mm_unpacklo_ps(f, g), _mm_movehl_ps(f, g), _mm_movelh_ps(f, g),
                  _mm_cvtpd_ps(a), _mm_cvtepi32_ps(_mm_cvtps_epi32(f)), _mm_cvtsi32_ss(f, (int)x), _mm_cvtsd_ss(f, b)};
    for (size_t i = 0; i < sizeof s / sizeof *s; i++)
        take_f(s[i]);
    take_i(_mm_cvtpd_epi32(a)), take_i(_mm_cvttpd_epi32(b)), take_i(_mm_cvttps_epi32(f)), take_d(_mm_cvtepi32_pd(_mm_cvtps_epi32(g)));
    long long r[] = {_mm_cvtsd_si32(a), _mm_cvttsd_si64(b), _mm_cvtsd_si64(a), _mm_cvtss_si32(f), _mm_cvttss_si64(g), _mm_comilt_sd(a, b), _mm_comigt_ss(f, g),
                     _mm_ucomieq_sd(a, a), _mm_ucomineq_ss(f, g), _mm_comige_sd(b, a)};
    h = hash(h, r, sizeof r);
}

int main(void)
{
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)(rng() >> 30);
    for (size_t i = 0; i < N - 64; i += 37)
        integers(_mm_loadu_si128((const __m128i *)(in + i)), _mm_loadu_si128((const __m128i *)(in + i + 19)));
    say("integers");
    for (size_t i = 0; i < N - 64; i += 37)
        moves(_mm_loadu_si128((const __m128i *)(in + i)), _mm_loadu_si128((const __m128i *)(in + i + 19)));
    say("moves");
    for (size_t i = 0; i < N - 64; i += 29)
        memory(i);
    say("memory");
    for (int i = 0; i < 300; i++)
        doubles((double)(int)rng() / 1000.0, (double)(i * i - 500) / 8.0);
    say("doubles");
    unsigned saved = _mm_getcsr();
    for (unsigned mode = 0; mode < 4; mode++) {
        _mm_setcsr((saved & ~0x6000u) | mode << 13);
        volatile double one = 1, three = -3;
        volatile float big = 16777217.0f;
        printf("rounding %u: %a %d\n", mode, one / three, _mm_cvtsd_si32(_mm_set_sd(one * 2.5 + (double)big * 0)));
    }
    _mm_setcsr(saved | 0x8040);
    volatile double tiny = 1e-300;
    double flushed = tiny * tiny * 1e290;
    _mm_setcsr(saved);
    printf("flush %g csr %x\n", flushed, saved & 0xffc0);
    return (int)(h % 100);
}
