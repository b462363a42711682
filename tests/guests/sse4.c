/* SSE3, SSSE3, SSE4.1 and SSE4.2 intrinsics, and the string instructions' every mode. */
#include "guest.h"
#include <nmmintrin.h>
#include <stdio.h>

#define TARGET __attribute__((target("sse4.2,popcnt"), noinline))
static _Alignas(16) unsigned char in[4096];
static uint64_t h;

TARGET static void take(__m128i v)
{
    unsigned char bytes[16];
    _mm_storeu_si128((__m128i *)bytes, v);
    h = hash(h, bytes, 16);
}
static void say(const char *name) { printf("%-10s %016llx\n", name, (unsigned long long)h); }

TARGET static void ssse3(__m128i a, __m128i b)
{
    __m128i v[] = {_mm_shuffle_epi8(a, b), _mm_abs_epi8(a), _mm_abs_epi16(a), _mm_abs_epi32(a), _mm_alignr_epi8(a, b, 5), _mm_alignr_epi8(a, b, 21),
                   _mm_hadd_epi16(a, b), _mm_hadd_epi32(a, b), _mm_hadds_epi16(a, b), _mm_hsub_epi16(a, b), _mm_hsub_epi32(a, b), _mm_hsubs_epi16(a, b),
                   _mm_maddubs_epi16(a, b), _mm_mulhrs_epi16(a, b), _mm_sign_epi8(a, b), _mm_sign_epi16(a, b), _mm_sign_epi32(a, b), _mm_lddqu_si128(&a)};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        take(v[i]);
}

TARGET static void sse41(__m128i a, __m128i b)
{
    __m128i v[] = {_mm_blend_epi16(a, b, 0xa5), _mm_blendv_epi8(a, b, _mm_xor_si128(a, b)), _mm_cmpeq_epi64(a, b), _mm_cmpgt_epi64(a, b), _mm_cvtepi8_epi16(a),
                   _mm_cvtepi8_epi32(a), _mm_cvtepi8_epi64(a), _mm_cvtepi16_epi32(a), _mm_cvtepi16_epi64(a), _mm_cvtepi32_epi64(a), _mm_cvtepu8_epi16(a),
                   _mm_cvtepu8_epi32(a), _mm_cvtepu8_epi64(a), _mm_cvtepu16_epi32(a), _mm_cvtepu16_epi64(a), _mm_cvtepu32_epi64(a), _mm_max_epi8(a, b),
                   _mm_max_epi32(a, b), _mm_max_epu16(a, b), _mm_max_epu32(a, b), _mm_min_epi8(a, b), _mm_min_epi32(a, b), _mm_min_epu16(a, b),
                   _mm_min_epu32(a, b), _mm_minpos_epu16(a), _mm_mpsadbw_epu8(a, b, 5), _mm_mul_epi32(a, b), _mm_mullo_epi32(a, b), _mm_packus_epi32(a, b),
                   _mm_insert_epi8(a, 77, 9), _mm_insert_epi32(a, -5, 2), _mm_insert_epi64(b, 123456789012345, 1)};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        take(v[i]);
    long long r[] = {_mm_extract_epi8(a, 11), _mm_extract_epi32(a, 3), _mm_extract_epi64(b, 1), _mm_testz_si128(a, b), _mm_testc_si128(a, b), _mm_testnzc_si128(a, b),
                     _mm_test_all_ones(_mm_cmpeq_epi8(a, a)), _mm_popcnt_u64((uint64_t)_mm_extract_epi64(a, 0))};
    h = hash(h, r, sizeof r);
}

TARGET static void floats(double x, double y)
{
    __m128d a = _mm_set_pd(x, y), b = _mm_set_pd(y * 0.5, -x);
    __m128 f = _mm_set_ps((float)x, 2.5f, -0.75f, (float)y), g = _mm_set_ps(3, (float)x, (float)-y, 0.5f);
    take(_mm_castpd_si128(_mm_floor_pd(a))), take(_mm_castpd_si128(_mm_ceil_sd(a, b))), take(_mm_castps_si128(_mm_round_ps(f, _MM_FROUND_TO_NEAREST_INT)));
    take(_mm_castps_si128(_mm_round_ss(f, g, _MM_FROUND_TO_ZERO))), take(_mm_castpd_si128(_mm_dp_pd(a, b, 0x31))), take(_mm_castps_si128(_mm_dp_ps(f, g, 0x71)));
    take(_mm_castpd_si128(_mm_hadd_pd(a, b))), take(_mm_castps_si128(_mm_hsub_ps(f, g))), take(_mm_castpd_si128(_mm_addsub_pd(a, b)));
    take(_mm_castps_si128(_mm_addsub_ps(f, g))), take(_mm_castps_si128(_mm_blend_ps(f, g, 9))), take(_mm_castpd_si128(_mm_blendv_pd(a, b, _mm_sub_pd(a, b))));
    take(_mm_castps_si128(_mm_insert_ps(f, g, 0x96))), take(_mm_castps_si128(_mm_moveldup_ps(f))), take(_mm_castps_si128(_mm_movehdup_ps(g)));
    take(_mm_castpd_si128(_mm_movedup_pd(a)));
    int e = _mm_extract_ps(f, 2);
    h = hash(h, &e, 4);
}

#define STRING(MODE)                                                                                                                                 \
    do {                                                                                                                                             \
        int r[] = {_mm_cmpestri(a, la, b, lb, MODE), _mm_cmpestrc(a, la, b, lb, MODE), _mm_cmpestro(a, la, b, lb, MODE), _mm_cmpestrs(a, la, b, lb, MODE), \
                   _mm_cmpestrz(a, la, b, lb, MODE), _mm_cmpestra(a, la, b, lb, MODE), _mm_cmpistri(a, b, MODE), _mm_cmpistrc(a, b, MODE),            \
                   _mm_cmpistro(a, b, MODE), _mm_cmpistrs(a, b, MODE), _mm_cmpistrz(a, b, MODE), _mm_cmpistra(a, b, MODE)};                           \
        h = hash(h, r, sizeof r);                                                                                                                    \
        take(_mm_cmpestrm(a, la, b, lb, MODE)), take(_mm_cmpistrm(a, b, MODE));                                                                      \
    } while (0)

TARGET static void strings(__m128i a, int la, __m128i b, int lb)
{
    STRING(0x00); STRING(0x01); STRING(0x02); STRING(0x03); STRING(0x04); STRING(0x08); STRING(0x0c); STRING(0x0d);
    STRING(0x14); STRING(0x18); STRING(0x1a); STRING(0x30); STRING(0x38); STRING(0x40); STRING(0x44); STRING(0x48); STRING(0x4c); STRING(0x70); STRING(0x7b);
}

TARGET static uint32_t crc(const unsigned char *p, size_t n)
{
    uint64_t c = 0xffffffff;
    for (; n >= 8; n -= 8, p += 8)
        c = _mm_crc32_u64(c, *(const uint64_t *)p);
    c = _mm_crc32_u32((uint32_t)c, 0x12345678);
    c = _mm_crc32_u16((uint32_t)c, 0x9abc);
    for (; n; n--)
        c = _mm_crc32_u8((uint32_t)c, *p++);
    return ~(uint32_t)c;
}

TARGET static __m128i at(size_t i) { return _mm_loadu_si128((const __m128i *)(in + i)); }

TARGET int main(void)
{
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)(rng() >> 30);
    for (size_t i = 0; i < 4000; i += 37)
        ssse3(at(i), at(i + 19));
    say("ssse3");
    for (size_t i = 0; i < 4000; i += 37)
        sse41(at(i), at(i + 19));
    say("sse4.1");
    for (int i = 0; i < 300; i++)
        floats((double)(int)rng() / 1000.0, (double)(i * i - 500) / 8.0);
    say("floats");
    for (size_t i = 0; i < 4000; i++)
        in[i] = "abcab zcb\0ab"[in[i] % 12];
    for (size_t i = 0; i < 4000; i += 23)
        strings(at(i), (int)(i % 20) - 2, at(i + 40), (int)(i % 17));
    say("strings");
    printf("crc %08x\n", crc(in, 4093));
    return (int)(h % 100);
}
