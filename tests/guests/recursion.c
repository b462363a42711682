/* Deep recursion: 50,000 frames on the ordinary stack, 1,000,000 on a stack of our own (switched by inline assembly), mutual and tree recursion. */
#include "guest.h"
#include <stdio.h>
#include <sys/mman.h>

#define NO __attribute__((noinline))

static volatile long keep;

NO static long down(long n)
{
    if (n == 0)
        return 0;
    long below = down(n - 1);
    keep = below; /* so that no compiler turns this into a loop */
    return below + (n & 3);
}

NO static long even(long n);
NO static long odd(long n)
{
    long r = n == 0 ? 0 : even(n - 1);
    keep = r;
    return r;
}
NO static long even(long n)
{
    long r = n == 0 ? 1 : odd(n - 1);
    keep = r;
    return r;
}

NO static long ackermann(long m, long n)
{
    if (m == 0)
        return n + 1;
    if (n == 0)
        return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

NO static int hanoi(int n, int from, int to)
{
    if (n == 0)
        return 0;
    int via = 6 - from - to, moves = hanoi(n - 1, from, via) + 1;
    return moves + hanoi(n - 1, via, to);
}

NO static int queens(unsigned all, unsigned columns, unsigned left, unsigned right)
{
    int count = columns == all;
    for (unsigned free = all & ~(columns | left | right); free;) {
        unsigned bit = free & -free;
        free ^= bit;
        count += queens(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return count;
}

/* Calls f(x) with the stack pointer at `top`. */
NO static long on_stack(void *top, long (*f)(long), long x)
{
    long result;
    __asm__ volatile("mov %%rsp, %%rbx\n\tmov %[top], %%rsp\n\tcall *%[f]\n\tmov %%rbx, %%rsp"
                     : "=a"(result), "+D"(x)
                     : [top] "r"(top), [f] "r"(f)
                     : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5");
    return result;
}

int main(void)
{
    printf("down %ld\n", down(50000));
    printf("even %ld odd %ld\n", even(30001), odd(30001));
    size_t size = 256u << 20;
    char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED)
        return 1;
    for (int i = 0; i < 3; i++)
        printf("million %ld\n", on_stack(stack + size - 64, down, 1000000 - i));
    printf("mutual %ld\n", on_stack(stack + size - 64, even, 1000000));
    munmap(stack, size);
    printf("ackermann %ld\n", ackermann(2, 300));
    printf("hanoi %d\n", hanoi(16, 1, 3));
    printf("queens %d\n", queens(255, 0, 0, 0));
    return 5;
}
