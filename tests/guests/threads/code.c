/* Code that is written while several threads run it, and pages of code that two threads write at once. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { THREADS = 4, TURNS = 15 };
static unsigned char *page; /* THREADS functions of 64 bytes: mov eax, N; ret */
static atomic_int wrong;
static pthread_barrier_t barrier;

static void put(unsigned char *at, int value)
{
    unsigned char code[6] = {0xb8, 0, 0, 0, 0, 0xc3};
    memcpy(code + 1, &value, 4);
    memcpy(at, code, 6);
}

static void *work(void *p)
{
    int me = (int)(intptr_t)p;
    for (int i = 0; i < TURNS; i++) {
        put(page + 64 * me, i * 100 + me); /* all write to one page */
        pthread_barrier_wait(&barrier);
        for (int j = 0; j < THREADS; j++)
            if (((int (*)(void))(page + 64 * j))() != i * 100 + j) wrong++;
        pthread_barrier_wait(&barrier);
    }
    for (int i = 0; i < TURNS; i++) { /* pages of their own, made and given back */
        unsigned char *own = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        put(own, i + me);
        if (((int (*)(void))own)() != i + me) wrong++;
        munmap(own, 4096);
    }
    return 0;
}

/* A loop without an end, until another thread makes its jump a return. */
static void *endless(void *at) { return (void *)(uintptr_t)((int (*)(void))at)(); }

static void stop(void)
{
    static const unsigned char loop[] = {0xb8, 1, 0, 0, 0, 0xff, 0xc9, 0xeb, 0xfc}; /* mov eax,1; again: dec ecx; jmp again */
    unsigned char *at = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_t t;
    void *result;
    memcpy(at, loop, sizeof loop);
    pthread_create(&t, 0, endless, at);
    usleep(400000);
    at[7] = 0xc3;
    pthread_join(t, &result);
    printf("stopped %d\n", (int)(intptr_t)result);
}

int main(void)
{
    pthread_t t[THREADS];
    page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_barrier_init(&barrier, 0, THREADS);
    for (intptr_t i = 0; i < THREADS; i++) pthread_create(&t[i], 0, work, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(t[i], 0);
    printf("wrong %d\n", wrong);
    stop();
    return 0;
}
