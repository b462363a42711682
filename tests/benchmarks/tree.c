/* Pointer chasing: an unbalanced binary tree. */
#include "crt.h"

typedef struct n {
    struct n *l, *r;
    long k, v;
} n;

static n pool[1200000];
static int np;

__attribute__((noinline)) static n *ins(n *t, long k)
{
    if (!t) {
        n *x = &pool[np++];
        x->k = k;
        x->v = 1;
        x->l = x->r = 0;
        return x;
    }
    if (k < t->k)
        t->l = ins(t->l, k);
    else if (k > t->k)
        t->r = ins(t->r, k);
    else
        t->v++;
    return t;
}

__attribute__((noinline)) static long sum(n *t) { return t ? sum(t->l) + t->v * t->k + sum(t->r) : 0; }

long bench(void)
{
    u64 h = 0;
    for (int r = 0; r < 2; r++) {
        np = 0;
        n *t = 0;
        for (int i = 0; i < 300000; i++)
            t = ins(t, rng() >> 20);
        for (int i = 0; i < 8; i++)
            h += sum(t);
    }
    return h;
}
