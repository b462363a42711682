/* Hash table look-ups and byte compares: the match finder of an LZ compressor. */
#include "crt.h"
#define N (1 << 20)

static u32 tab[N];
static u8 buf[1 << 22];

long bench(void)
{
    u64 h = 0;
    for (long i = 0; i < sizeof buf; i++)
        buf[i] = (rng() >> 7) & ((i >> 8) & 1 ? 15 : 3);
    for (int r = 0; r < 50; r++) {
        for (long i = 0; i + 8 < sizeof buf;) {
            u32 k = *(u32 *)(buf + i);
            u32 s = (k * 2654435761u) >> 12;
            u32 p = tab[s];
            tab[s] = i;
            if (p && *(u32 *)(buf + p) == k) {
                long l = 4;
                while (i + l < sizeof buf && l < 255 && buf[p + l] == buf[i + l])
                    l++;
                h = h * 131 + l;
                i += l;
            } else {
                h += buf[i];
                i++;
            }
        }
    }
    return h;
}
