/* Mutexes of all kinds, condition variables, barriers, semaphores, read-write locks, spin locks, once. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdint.h>
#include <time.h>

enum { THREADS = 6, TURNS = 400 };
static pthread_mutex_t normal = PTHREAD_MUTEX_INITIALIZER, recursive, checking;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t full, empty;
static int turn, onces, ring[4], in, out, serials, spun;
static long produced, consumed, version, copies[8], torn;

static void only_once(void) { onces++; }

static void *work(void *p)
{
    int me = (int)(intptr_t)p;
    pthread_once(&once, only_once);
    for (int i = 0; i < TURNS; i++) { /* each in its turn */
        pthread_mutex_lock(&normal);
        while (turn % THREADS != me) pthread_cond_wait(&changed, &normal);
        turn++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&normal);
    }
    for (int i = 0; i < 50; i++)
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) serials++;
    for (int i = 0; i < TURNS; i++) {
        if (me % 2) {
            sem_wait(&empty);
            pthread_mutex_lock(&normal), ring[in++ % 4] = i, produced += i, pthread_mutex_unlock(&normal);
            sem_post(&full);
        } else {
            sem_wait(&full);
            pthread_mutex_lock(&normal), consumed += ring[out++ % 4], pthread_mutex_unlock(&normal);
            sem_post(&empty);
        }
    }
    for (int i = 0; i < TURNS; i++) {
        if (i % 16 == me) {
            pthread_rwlock_wrlock(&rw);
            version++;
            for (int j = 0; j < 8; j++) copies[j] = version;
            pthread_rwlock_unlock(&rw);
        } else {
            pthread_rwlock_rdlock(&rw);
            for (int j = 0; j < 8; j++) torn += copies[j] != version;
            pthread_rwlock_unlock(&rw);
        }
        pthread_spin_lock(&spin), spun++, pthread_spin_unlock(&spin);
        pthread_mutex_lock(&recursive), pthread_mutex_lock(&recursive);
        spun += 0, pthread_mutex_unlock(&recursive), pthread_mutex_unlock(&recursive);
    }
    return 0;
}

int main(void)
{
    pthread_t t[THREADS];
    pthread_mutexattr_t a;
    struct timespec soon;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE), pthread_mutex_init(&recursive, &a);
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK), pthread_mutex_init(&checking, &a);
    pthread_barrier_init(&barrier, 0, THREADS);
    pthread_spin_init(&spin, 0);
    sem_init(&full, 0, 0), sem_init(&empty, 0, 4);
    for (intptr_t i = 0; i < THREADS; i++) pthread_create(&t[i], 0, work, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(t[i], 0);
    printf("turns %d serials %d made %ld used %ld version %ld torn %ld spun %d once %d\n", turn, serials, produced, consumed, version, torn, spun, onces);
    pthread_mutex_lock(&checking);
    printf("again %d, try %d\n", pthread_mutex_lock(&checking) == EDEADLK, pthread_mutex_trylock(&checking) == EBUSY);
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 2000000, soon.tv_sec += soon.tv_nsec / 1000000000, soon.tv_nsec %= 1000000000;
    pthread_mutex_lock(&normal);
    printf("timed out %d\n", pthread_cond_timedwait(&changed, &normal, &soon) == ETIMEDOUT);
    return 0;
}
