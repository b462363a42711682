/* Function pointer tables and switch statements of several shapes: dense, sparse, ranges, with holes, on chars, on 64 bits, nested. */
#include "guest.h"
#include <stdio.h>
#include <string.h>

#define NO __attribute__((noinline))

NO static long dense(int op, long a, long b)
{
    switch (op) {
    case 0: return a + b;
    case 1: return a - b;
    case 2: return a * b;
    case 3: return b ? a / b : -1;
    case 4: return a & b;
    case 5: return a | b;
    case 6: return a ^ b;
    case 7: return a << (b & 31);
    case 8: return a >> (b & 31);
    case 9: return a < b;
    case 10: return ~a;
    case 11: return -b;
    }
    return -99;
}

NO static const char *name(unsigned char c)
{
    switch (c) {
    case 'a' ... 'f': return "a-f";
    case 'g': case 'h': return "gh";
    case 'i': return "i";
    case 'p': case 'r': case 't': return "prt";
    case '0' ... '9': return "digit";
    case ' ': case '\t': case '\n': return "space";
    case 0x80 ... 0xff: return "high";
    default: return "other";
    }
}

NO static int sparse(int x)
{
    switch (x) {
    case -1000000: return 1;
    case -5: return 2;
    case 0: return 3;
    case 17: return 4;
    case 1 << 20: return 5;
    case 123456789: return 6;
    case 0x7fffffff: return 7;
    default: return 0;
    }
}

NO static int offset(long x)
{
    switch (x) {
    case 1000000000001: return 10;
    case 1000000000002: return 27;
    case 1000000000003: return 31;
    case 1000000000004: return 44;
    case 1000000000005: return 58;
    case 1000000000006: return 60;
    case 1000000000008: return 79;
    }
    return -1;
}

NO static int through(unsigned n)
{
    int r = 0;
    switch (n % 9) {
    case 8: r += 800; /* fall through */
    case 7: r ^= 77;  /* fall through */
    case 6: r *= 3;   /* fall through */
    case 5: r += 5;   break;
    case 4: r = 4;    /* fall through */
    case 3: r -= 33;  /* fall through */
    case 2: r <<= 2;  /* fall through */
    case 1: r += 1;   /* fall through */
    case 0: r = ~r;
    }
    return r;
}

NO static void duff(char *to, const char *from, int n)
{
    int rounds = (n + 7) / 8;
    switch (n % 8) {
    case 0: do { *to++ = *from++; /* fall through */
    case 7: *to++ = *from++; /* fall through */
    case 6: *to++ = *from++; /* fall through */
    case 5: *to++ = *from++; /* fall through */
    case 4: *to++ = *from++; /* fall through */
    case 3: *to++ = *from++; /* fall through */
    case 2: *to++ = *from++; /* fall through */
    case 1: *to++ = *from++;
            } while (--rounds > 0);
    }
}

static int twice(int x) { return 2 * x; }
static int square(int x) { return x * x; }
static int minus(int x) { return -x; }
static int plus7(int x) { return x + 7; }
static int (*const constant[])(int) = {twice, square, minus, plus7};
static int (*changing[4])(int);
typedef int (*Step)(int);
NO static Step choose(int i) { return i & 1 ? constant[i & 3] : changing[i & 3]; }
NO static int apply(Step f, int x) { return f(x) + 1; }

int main(void)
{
    uint64_t h = 1;
    for (int i = 0; i < 20000; i++) {
        long a = (long)(rng() >> 40), b = (long)(rng() >> 50), r = dense((int)(rng() % 14) - 1, a, b);
        h = hash(h, &r, sizeof r);
    }
    printf("dense %016llx\n", (unsigned long long)h);
    for (int c = 0; c < 256; c += 5)
        printf("%s%c", name((unsigned char)c), c > 250 ? '\n' : ' ');
    static const int xs[] = {-1000000, -5, 0, 17, 1 << 20, 123456789, 0x7fffffff, 1, -6, 18};
    for (int i = 0; i < 10; i++)
        printf("%d ", sparse(xs[i]));
    for (long x = 999999999999; x < 1000000000012; x++)
        printf("%d ", offset(x));
    for (unsigned i = 0; i < 10; i++)
        printf("%d ", through(i));
    printf("\n");
    char to[80], from[80];
    for (int i = 0; i < 80; i++)
        from[i] = (char)('A' + i % 26), to[i] = '.';
    duff(to, from, 61);
    printf("%.80s\n", to);
    for (int i = 0; i < 4; i++)
        changing[i] = constant[3 - i];
    int x = 3;
    for (int i = 0; i < 40; i++)
        x = apply(choose(i), x) % 10007;
    printf("chain %d\n", x);
    return x & 127;
}
