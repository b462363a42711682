/* An LZ77 compressor with hash chains and its decompressor, on texts, noise, runs and a de Bruijn-like sequence. */
#include "guest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 32768, CHAIN = 64, SIZE = 60000 };
static unsigned char in[SIZE], packed[SIZE * 2], back[SIZE];
static int head[65536], previous[SIZE];

static unsigned key(const unsigned char *p) { return ((unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2]) * 2654435761u >> 16; }

static int match(int at, int n, int *distance)
{
    int best = 0;
    for (int c = head[key(in + at)], tries = CHAIN; c >= 0 && at - c < WINDOW && tries--; c = previous[c]) {
        int length = 0;
        while (at + length < n && length < 258 && in[c + length] == in[at + length])
            length++;
        if (length > best) {
            best = length;
            *distance = at - c;
        }
    }
    return best;
}

static void enter(int at, int n)
{
    if (at + 2 >= n)
        return;
    unsigned k = key(in + at);
    previous[at] = head[k];
    head[k] = at;
}

static int squeeze(int n)
{
    unsigned char *out = packed, *flags = NULL;
    int bit = 8;
    memset(head, -1, sizeof head);
    for (int at = 0; at < n;) {
        if (bit == 8) {
            flags = out++;
            *flags = 0;
            bit = 0;
        }
        int distance = 0, length = at + 2 < n ? match(at, n, &distance) : 0;
        if (length >= 4) {
            *flags = (unsigned char)(*flags | 1 << bit);
            *out++ = (unsigned char)distance;
            *out++ = (unsigned char)(distance >> 8);
            *out++ = (unsigned char)(length - 4);
            while (length--)
                enter(at++, n);
        } else {
            *out++ = in[at];
            enter(at++, n);
        }
        bit++;
    }
    return (int)(out - packed);
}

static int expand(int size)
{
    unsigned char *to = back;
    const unsigned char *p = packed, *end = packed + size;
    while (p < end) {
        unsigned flags = *p++;
        for (int bit = 0; bit < 8 && p < end; bit++, flags >>= 1)
            if (flags & 1) {
                int distance = p[0] | p[1] << 8, length = p[2] + 4;
                p += 3;
                for (; length--; to++)
                    *to = to[-distance];
            } else
                *to++ = *p++;
    }
    return (int)(to - back);
}

static int make(int kind)
{
    static const char *const words[] = {"the ", "quick ", "brown ", "fox ", "jumps ", "over ", "a ", "lazy ", "dog.\n"};
    int n = 0;
    while (n < SIZE - 16) {
        uint64_t r = rng();
        switch (kind) {
        case 0: n += sprintf((char *)in + n, "%s", words[r % 9]); break;
        case 1: in[n++] = (unsigned char)(r >> 9); break;
        case 2: memset(in + n, (int)(r & 3), 13), n += 13; break;
        case 3: in[n] = (unsigned char)(n * n >> 7), n++; break;
        case 4: n += sprintf((char *)in + n, "%llu,", (unsigned long long)(r % 1000)); break;
        }
    }
    return n;
}

int main(void)
{
    int wrong = 0;
    for (int kind = 0; kind < 5; kind++) {
        int n = make(kind), size = squeeze(n), length = expand(size);
        int same = length == n && memcmp(in, back, (size_t)n) == 0;
        wrong += !same;
        printf("kind %d: %d -> %d -> %d %s %016llx\n", kind, n, size, length, same ? "same" : "DIFFERENT", (unsigned long long)hash(1, packed, (size_t)size));
    }
    for (int n = 0; n < 12; n++) {
        memset(in, 'z', 12);
        int size = squeeze(n);
        printf("%d:%d%s", n, size, n == 11 ? "\n" : " ");
        wrong += expand(size) != n;
    }
    return wrong;
}
