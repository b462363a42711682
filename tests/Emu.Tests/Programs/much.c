/* Generates more code than a small cache has room for, and comes back to all of it. Argument: where that meets the cache's being emptied. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECES = 700, ROOM = 128, THREADS = 4 };
typedef uint64_t (*code)(uint64_t, uint64_t);
typedef uint64_t (*caller)(void *, uint64_t);

static uint8_t *put(uint8_t *at, const char *bytes, size_t n) { return (uint8_t *)memcpy(at, bytes, n) + n; }

static uint8_t *emit(int pieces, uint32_t salt)
{
    uint8_t *all = mmap(0, (size_t)pieces * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < pieces; i++) {
        uint8_t *p = all + i * ROOM;
        for (int k = 0; k < 6; k++) p = put(p, "\x48\x01\xf7\x48\x31\xfe\x48\x8d\x7c\x37\x03", 11); // add rdi,rsi; xor rsi,rdi; lea rdi,[rdi+rsi+3]
        uint32_t number = salt + (uint32_t)i;
        p = put(p, "\x48\x8d\x87", 3); // lea rax,[rdi+number]; ret
        p = put(p, (char *)&number, 4);
        put(p, "\xc3", 1);
    }
    mprotect(all, (size_t)pieces * ROOM, PROT_READ | PROT_EXEC);
    return all;
}

static uint64_t run(const uint8_t *all, int pieces, int rounds)
{
    uint64_t sum = 0;
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < pieces; i++) sum = sum * 31 + ((code)(all + i * ROOM))((uint64_t)i, sum);
    return sum;
}

/* Calls what it is given from generated code: push rbx; mov rbx,rsi; mov rax,rdi; mov rdi,rsi; call rax; lea rax,[rax+rbx+1]; pop rbx; ret */
static caller emit_caller(void)
{
    uint8_t *at = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    put(at, "\x53\x48\x89\xf3\x48\x89\xf8\x48\x89\xf7\xff\xd0\x48\x8d\x44\x18\x01\x5b\xc3", 19);
    mprotect(at, 4096, PROT_READ | PROT_EXEC);
    return (caller)at;
}

static void again(void) { printf("again: %llx\n", (unsigned long long)run(emit(PIECES, 1), PIECES, 4)); }

/* Frames of generated code are below when it happens. */
static caller through;
static uint64_t deeper(uint64_t depth)
{
    uint64_t sum = run(emit(60, (uint32_t)depth), 60, 1);
    return depth ? sum + through((void *)deeper, depth - 1) : sum;
}

static void deep(void)
{
    through = emit_caller();
    printf("deep: %llx\n", (unsigned long long)through((void *)deeper, 20));
}

static int ends[2];
static uint64_t waits(uint64_t n)
{
    char byte = 0;
    while (read(ends[0], &byte, 1) != 1) continue;
    return n + (uint64_t)byte;
}

static void *wait_in_code(void *unused)
{
    (void)unused;
    return (void *)emit_caller()((void *)waits, 5);
}

static void *work(void *salt) { return (void *)run(emit(PIECES, (uint32_t)(uintptr_t)salt), PIECES, 3); }

/* Some generate; others are in the kernel all the time, with frames of generated code below. */
static void threads(void)
{
    pthread_t workers[THREADS], waiters[THREADS];
    uint64_t sum = 0;
    void *result;
    pipe(ends);
    for (int i = 0; i < THREADS; i++) pthread_create(&waiters[i], 0, wait_in_code, 0);
    for (uintptr_t i = 0; i < THREADS; i++) pthread_create(&workers[i], 0, work, (void *)(1000 * i));
    for (int i = 0; i < THREADS; i++) pthread_join(workers[i], &result), sum = sum * 31 + (uint64_t)result;
    write(ends[1], "abcd", 4);
    uint64_t waited = 0;
    for (int i = 0; i < THREADS; i++) pthread_join(waiters[i], &result), waited += (uint64_t)result;
    printf("threads: %llx %llu\n", (unsigned long long)sum, (unsigned long long)waited);
}

static void forks(void)
{
    uint8_t *all = emit(PIECES, 7);
    int at[2];
    pipe(at);
    for (int child = 0; child < 3; child++)
        if (fork() == 0) {
            uint64_t sum = run(all, PIECES, 2) + run(emit(PIECES, (uint32_t)child), PIECES, 2);
            write(at[1], &sum, 8);
            _exit(0);
        }
    uint64_t sum = run(all, PIECES, 2), one;
    for (int child = 0; child < 3; child++) read(at[0], &one, 8), sum += one;
    while (wait(0) > 0) continue;
    printf("forks: %llx\n", (unsigned long long)sum);
}

static volatile int ticks;
static volatile uint64_t in_handler;
static void tick(int signal)
{
    (void)signal;
    if (ticks < 40) in_handler += run(emit(30, (uint32_t)ticks), 30, 1) != 0, ticks++;
}

/* Handlers meet new code; some of those that they interrupt do at the same time. */
static void handlers(void)
{
    signal(SIGALRM, tick);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 2000}, {0, 2000}}, 0);
    uint8_t *all = emit(PIECES, 3);
    uint64_t sum = 0;
    do sum = run(all, PIECES, 1);
    while (ticks < 40);
    setitimer(ITIMER_REAL, &(struct itimerval){0}, 0);
    printf("handlers: %llx %llu\n", (unsigned long long)sum, (unsigned long long)in_handler);
}

static jmp_buf back;
static uint64_t jumps(uint64_t n)
{
    run(emit(100, (uint32_t)n), 100, 1);
    longjmp(back, (int)n + 1);
}

static void leaps(void)
{
    caller call = emit_caller();
    volatile uint64_t sum = 0;
    for (volatile uint64_t n = 0; n < 20; n++) {
        int by = setjmp(back);
        if (by == 0) call((void *)jumps, n);
        sum = sum * 31 + (uint64_t)by;
    }
    printf("leaps: %llx\n", (unsigned long long)sum);
}

/* Somebody ends the service between the lines. */
static void waiting(void)
{
    for (int n = 0; n < 3; n++) {
        printf("waiting: %llx\n", (unsigned long long)run(emit(50, (uint32_t)n), 50, 2));
        fflush(stdout);
        getchar();
    }
}

int main(int argc, char **argv)
{
    static const struct { const char *name; void (*run)(void); } ways[] = {
        {"again", again}, {"deep", deep}, {"threads", threads}, {"forks", forks}, {"handlers", handlers}, {"leaps", leaps}, {"waiting", waiting},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (argc > 1 && !strcmp(argv[1], ways[i].name)) ways[i].run();
    return 0;
}
