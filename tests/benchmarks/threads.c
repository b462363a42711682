/* threads N: a fixed amount of hashing, shared out to N threads by a lock-free counter; each result is added under a mutex. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PIECES 2048
static atomic_int next;
static uint64_t total;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t piece(uint64_t seed)
{
    uint32_t table[4096] = {0};
    uint64_t x = seed * 0x9e3779b97f4a7c15u + 1, sum = 0;
    for (int i = 0; i < 100000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        sum = sum * 31 + table[x & 4095];
        table[x & 4095] = (uint32_t)(x >> 32);
    }
    return sum;
}

static void *work(void *unused)
{
    for (int n; (n = atomic_fetch_add(&next, 1)) < PIECES;) {
        uint64_t sum = piece((uint64_t)n);
        pthread_mutex_lock(&lock);
        total += sum;
        pthread_mutex_unlock(&lock);
    }
    return unused;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 4;
    pthread_t thread[64];
    for (int n = 0; n < threads && n < 64; n++)
        pthread_create(&thread[n], NULL, work, NULL);
    for (int n = 0; n < threads && n < 64; n++)
        pthread_join(thread[n], NULL);
    printf("%llx\n", (unsigned long long)total);
    return 0;
}
