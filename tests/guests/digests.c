/* SHA-256, MD5, CRC-32, Adler-32, SipHash and base64 over the same messages. */
#include "guest.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }
static uint32_t K[64], first[8];

/* The constants are the fractions of square and cube roots of primes. */
static void constants(void)
{
    int n = 0;
    for (int p = 2; n < 64; p++) {
        int prime = 1;
        for (int d = 2; d * d <= p; d++)
            prime &= p % d != 0;
        if (!prime)
            continue;
        long double c = cbrtl(p), s = sqrtl(p);
        K[n] = (uint32_t)((c - (long double)(int)c) * 4294967296.0L);
        if (n < 8)
            first[n] = (uint32_t)((s - (long double)(int)s) * 4294967296.0L);
        n++;
    }
}

static void sha_block(uint32_t *state, const unsigned char *p)
{
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[i * 4] << 24 | (uint32_t)p[i * 4 + 1] << 16 | (uint32_t)p[i * 4 + 2] << 8 | p[i * 4 + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + (rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] + (rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(v, state, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = v[7] + (rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[i] + w[i];
        uint32_t t2 = (rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
}

static void sha256(const unsigned char *p, size_t n)
{
    uint32_t state[8];
    unsigned char tail[128] = {0};
    memcpy(state, first, sizeof state);
    size_t rest = n % 64;
    for (size_t i = 0; i + 64 <= n; i += 64)
        sha_block(state, p + i);
    memcpy(tail, p + n - rest, rest);
    tail[rest] = 0x80;
    size_t end = rest < 56 ? 64 : 128;
    for (size_t i = 0; i < 8; i++)
        tail[end - 1 - i] = (unsigned char)((uint64_t)n * 8 >> (8 * i));
    for (size_t i = 0; i < end; i += 64)
        sha_block(state, tail + i);
    for (int i = 0; i < 8; i++)
        printf("%08x", state[i]);
}

static uint32_t crc32(const unsigned char *p, size_t n)
{
    static uint32_t table[256];
    if (!table[1])
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int k = 0; k < 8; k++)
                c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
            table[i] = c;
        }
    uint32_t c = ~0u;
    while (n--)
        c = table[(c ^ *p++) & 255] ^ c >> 8;
    return ~c;
}

static uint32_t adler32(const unsigned char *p, size_t n)
{
    uint32_t a = 1, b = 0;
    while (n--) {
        a = (a + *p++) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t base64(const unsigned char *p, size_t n, char *to)
{
    char *at = to;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
        *at++ = alphabet[v >> 18];
        *at++ = alphabet[v >> 12 & 63];
        *at++ = i + 1 < n ? alphabet[v >> 6 & 63] : '=';
        *at++ = i + 2 < n ? alphabet[v & 63] : '=';
    }
    *at = 0;
    return (size_t)(at - to);
}

static size_t unbase64(const char *p, unsigned char *to)
{
    size_t n = 0;
    uint32_t v = 0, have = 0;
    for (; *p && *p != '='; p++) {
        v = v << 6 | (uint32_t)(strchr(alphabet, *p) - alphabet);
        have += 6;
        if (have >= 8)
            to[n++] = (unsigned char)(v >> (have -= 8));
    }
    return n;
}

int main(void)
{
    static unsigned char message[100000], back[100000];
    static char text[140000];
    constants();
    printf("%08x %08x %08x %08x\n", K[0], K[63], first[0], first[7]);
    static const size_t sizes[] = {0, 1, 3, 55, 56, 63, 64, 65, 119, 120, 1000, 100000};
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = i < 3 ? (unsigned char)('a' + i) : (unsigned char)(rng() >> 20);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = sizes[i], coded = base64(message, n, text), decoded = unbase64(text, back);
        sha256(message, n);
        printf(" %08x %08x %zu %d %016llx\n", crc32(message, n), adler32(message, n), coded, decoded == n && !memcmp(back, message, n), (unsigned long long)hash(1, text, coded));
    }
    return (int)(crc32(message, 3) & 0x7f);
}
