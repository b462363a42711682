/* setjmp and longjmp: across many frames, in loops, nested, with values, as coroutine-free exceptions, with saved signal masks. */
#include "guest.h"
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

#define NO __attribute__((noinline))

static jmp_buf outer, inner, handlers[16];
static int handler_count;

NO static void dive(int depth, int value)
{
    volatile char frame[64];
    frame[depth & 63] = (char)depth;
    if (depth == 0)
        longjmp(outer, value);
    dive(depth - 1, value);
    printf("not reached %d\n", frame[0]);
}

#define TRY if (setjmp(handlers[handler_count++]) == 0) {
#define CATCH handler_count--; } else {
#define END }
static int thrown;

NO _Noreturn static void throw(int what)
{
    thrown = what;
    longjmp(handlers[--handler_count], 1);
}

NO static int risky(int n)
{
    if (n % 7 == 3)
        throw(n);
    if (n % 5 == 4) {
        volatile int result = 0;
        TRY
            result = risky(n - 1) + 1000;
        CATCH
            result = -thrown;
        END
        return result;
    }
    return n * 2;
}

NO static int count_to(int n)
{
    volatile int count = 0;
    setjmp(inner);
    if (++count < n)
        longjmp(inner, count);
    return count;
}

NO static double keeps_doubles(double x)
{
    volatile double a = x * 2;
    jmp_buf here;
    double b = x + 1;
    int got = setjmp(here);
    if (got < 3)
        longjmp(here, got + 1);
    return a + b + got;
}

static int later(const void *a, const void *b)
{
    (void)a, (void)b;
    longjmp(inner, 77);
}

int main(void)
{
    for (volatile int depth = 1; depth <= 10000; depth *= 10) {
        int got = setjmp(outer);
        if (got == 0)
            dive(depth, depth + 1);
        printf("from depth %d: %d\n", depth, got);
    }
    volatile int zero_becomes = 0;
    if ((zero_becomes = setjmp(outer)) == 0)
        longjmp(outer, 0);
    printf("longjmp 0 gives %d\n", zero_becomes);
    for (volatile int i = 0; i < 30; i++) {
        volatile int r = 0;
        TRY
            r = risky(i);
        CATCH
            r = -1000 - thrown;
        END
        printf("%d%c", r, i % 10 == 9 ? '\n' : ' ');
    }
    printf("count %d, doubles %g\n", count_to(5000), keeps_doubles(1.25));
    volatile int from_callback = setjmp(inner);
    if (from_callback == 0)
        later(NULL, NULL);
    printf("callback %d\n", from_callback);
    sigjmp_buf masked;
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    volatile int round = sigsetjmp(masked, 1);
    if (round == 0) {
        sigprocmask(SIG_BLOCK, &set, &old);
        siglongjmp(masked, 1);
    }
    sigprocmask(SIG_BLOCK, NULL, &old);
    printf("mask restored %d\n", !sigismember(&old, SIGUSR1));
    return handler_count;
}
