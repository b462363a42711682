/* Exact counts: atomics of several kinds, and a mutex around plain ones. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdint.h>

enum { THREADS = 8, TURNS = 20000 };
static atomic_ulong sum, exchanged, claimed;
static atomic_uchar byte;
static unsigned long plain;
static unsigned __int128 wide;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *n)
{
    unsigned long mine = 0;
    for (int i = 0; i < TURNS; i++) {
        atomic_fetch_add(&sum, (uintptr_t)n);
        atomic_fetch_add(&byte, 1);
        for (unsigned long old = atomic_load(&exchanged); !atomic_compare_exchange_weak(&exchanged, &old, old + 3););
        if (atomic_fetch_xor(&claimed, 1) & 1) mine++;
        if (i % 8 == 0) pthread_mutex_lock(&mutex), plain++, wide += plain, pthread_mutex_unlock(&mutex);
    }
    return (void *)mine;
}

int main(void)
{
    pthread_t t[THREADS];
    unsigned long ones = 0;
    for (uintptr_t i = 0; i < THREADS; i++) pthread_create(&t[i], 0, work, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        void *mine;
        pthread_join(t[i], &mine);
        ones += (uintptr_t)mine;
    }
    printf("sum %lu byte %d exchanged %lu claimed %lu ones %lu plain %lu wide %lu\n", sum, byte, exchanged, claimed, ones, plain, (unsigned long)wide);
    return 0;
}
