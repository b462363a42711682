// Leaf functions whose one block moves the stack pointer and ends in a return, so often that a host frame left at each would fill a thread's host stack.
#include <alloca.h>
#include <pthread.h>
#include <stdio.h>
#include <x86intrin.h>

enum { CALLS = 4000000 };

#define LEAF __attribute__((noinline)) static unsigned long

LEAF locals(unsigned long v) {
    volatile char big[400];
    big[3] = v, big[200] = 1;
    return v + big[3] + big[200];
}
LEAF moving(unsigned long v) {
    volatile char *p = alloca(64 + (v & 63));
    p[0] = v;
    return v + p[0];
}
LEAF sized(unsigned long v) {
    volatile char p[(v & 127) + 1];
    p[v & 127] = v;
    return v + p[v & 127];
}
LEAF aligned(unsigned long v) {
    volatile unsigned long p[8] __attribute__((aligned(64)));
    p[v & 7] = v;
    return v + p[v & 7] + ((unsigned long)p & 63);
}
LEAF flags(unsigned long v) {
    __writeeflags(v & 1 ? 0x203 : 0x202);
    return v + (__readeflags() & 1);
}
LEAF control(unsigned long v) {
    _mm_setcsr(_mm_getcsr());
    return v + 1;
}

static void *run(void *unused) {
    unsigned long sum = 0;
    for (unsigned long n = 0; n < CALLS; n++) sum += locals(n) ^ moving(n) ^ sized(n) ^ aligned(n) ^ flags(n) ^ control(n);
    printf("%lx\n", sum);
    return unused;
}

int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, run, NULL);
    pthread_join(thread, NULL);
    return 0;
}
