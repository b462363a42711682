/* Calls and returns: naive Fibonacci. */
#include "crt.h"

__attribute__((noinline, optimize("no-optimize-sibling-calls", "O1"))) long fib(long n)
{
    if (n < 2)
        return n;
    return fib(n - 1) + fib(n - 2);
}

long bench(void) { return fib(41); }
