// Host frames pile up: those that longjmp and handlers leave, and those of a recursion that is deeper than any host stack. Argument: how.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static jmp_buf top;
static sigjmp_buf mended;
static volatile long n;

__attribute__((noinline)) static long fail(long k)
{
    volatile char room[64];
    room[0] = (char)k;
    if (!k) longjmp(top, 1);
    return fail(k - 1) + room[0];
}

static void leaps(void)
{
    setjmp(top);
    if (n++ < 1500000) fail(10);
    printf("%ld\n", n);
}

static void on_fault(int signal)
{
    n++;
    siglongjmp(mended, 1);
}

static void faults(void)
{
    struct sigaction action = {.sa_handler = on_fault};
    sigaction(SIGSEGV, &action, 0);
    sigsetjmp(mended, 1);
    if (n < 50000) *(volatile int *)8 = 1;
    printf("%ld\n", n);
}

__attribute__((noinline)) static long down(long k)
{
    if (!k) return 0;
    long below = down(k - 1);
    return below * 3 + k % 7 + below / 5;
}

static void *run(void *depth)
{
    printf("%lx\n", down((long)depth));
    return 0;
}

static void deep(void)
{
    const long depth = 8000000;
    size_t size = (size_t)depth * 48 + (1 << 20);
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), size);
    pthread_create(&thread, &attributes, run, (void *)depth);
    pthread_join(thread, 0);
}

int main(int argc, char **argv)
{
    if (!strcmp(argv[1], "leaps")) leaps();
    if (!strcmp(argv[1], "faults")) faults();
    if (!strcmp(argv[1], "deep")) deep();
}
