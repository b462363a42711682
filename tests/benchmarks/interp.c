/* A jump table in a loop: a bytecode interpreter. */
#include "crt.h"

static u8 prog[64];

__attribute__((noinline)) long run(const u8 *p, long n)
{
    long st[16];
    int sp = 0;
    long acc = 0;
    const u8 *pc = p;
    st[0] = n;
    for (;;) {
        switch (*pc++) {
        case 0: acc += st[0]; break;
        case 1: st[0]--; break;
        case 2: if (st[0] > 0) pc = p; break;
        case 3: acc ^= acc << 3; break;
        case 4: acc = (u64)acc >> 1; break;
        case 5: st[++sp] = acc; break;
        case 6: acc += st[sp--]; break;
        case 7: acc *= 31; break;
        case 8: return acc;
        case 9: acc -= 7; break;
        case 10: acc |= 1; break;
        case 11: st[sp] += acc & 3; st[sp] -= acc & 3; break;
        }
    }
}

long bench(void)
{
    static const u8 q[] = {0, 3, 4, 5, 7, 9, 6, 10, 11, 1, 2, 8};
    for (int i = 0; i < 12; i++)
        prog[i] = q[i];
    return run(prog, 50000000);
}
