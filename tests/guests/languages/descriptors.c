/*
 * Thread-local variables of a library, found by TLS descriptors: a call that keeps every register but rax, behind which the arguments of a call by
 * pointer still are where they were put before it. One file: the library (-DLIBRARY) and its user.
 */
#include <stdio.h>

int work(int n);

#ifdef LIBRARY
static __thread int seen;
typedef int binary(int *, long, long, long, long, long);

static int sum(int *p, long a, long b, long c, long d, long e)
{
    *p += 1;
    return (int)(a + 2 * b + 3 * c + 5 * d + 7 * e + *p);
}

static int mixed(int *p, long a, long b, long c, long d, long e)
{
    *p += 2;
    return (int)(a ^ b * c ^ d * e) + *p;
}

static binary *functions[] = {sum, mixed};

__attribute__((noinline)) static int one(binary *f, long a, long b, long c, long d, long e) { return f(&seen, a, b, c, d, e) + 1; }

int work(int n)
{
    int total = 0;
    for (int i = 0; i < n; i++)
        total = total * 31 + one(functions[i & 1], i, i * 3, i ^ 5, i - 9, i * i);
    return total;
}
#else
int main(void) { return printf("%d\n", work(1000)) < 0; }
#endif
