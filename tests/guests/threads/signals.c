/* Signals to threads: masks of their own, pthread_kill, sigwait, alternate stacks, faults in several threads at once, process-directed ones. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, TURNS = 300 };
static _Thread_local volatile sig_atomic_t mine, self;
static _Thread_local sigjmp_buf back;
static _Thread_local char *page;
static atomic_int got, strangers, off_stack, wrong_address, ready, stop, process;

static void count(int s) { mine++, got++; if (self != syscall(SYS_gettid)) strangers++; }

static void fault(int s, siginfo_t *i, void *c)
{
    stack_t now;
    sigaltstack(0, &now);
    if (!(now.ss_flags & SS_ONSTACK)) off_stack++;
    if (i->si_addr != page + 8 && i->si_addr != (void *)16) wrong_address++;
    if (i->si_addr == (void *)16) siglongjmp(back, 1);
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void any(int s) { process++; }

static void *work(void *p)
{
    static _Thread_local char stack[32768];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigset_t set;
    self = syscall(SYS_gettid);
    sigaltstack(&alternate, 0);
    page = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ready++;
    volatile long jumps = 0, mends = 0;
    for (int i = 0; i < TURNS; i++) {
        if (sigsetjmp(back, 1) == 0) *(volatile int *)16 = 1;
        else jumps++;
        mprotect(page, 4096, PROT_NONE);
        page[8] = (char)i, mends += page[8] == (char)i;
        pthread_sigmask(SIG_SETMASK, 0, &set);
        if (sigismember(&set, SIGSEGV) || sigismember(&set, SIGUSR1)) wrong_address++;
    }
    while (mine < TURNS) sched_yield();
    return (void *)(jumps + mends);
}

static void *waiter(void *p)
{
    sigset_t set;
    int s, sum = 0;
    sigemptyset(&set), sigaddset(&set, SIGRTMIN + 1), sigaddset(&set, SIGUSR2);
    for (int i = 0; i < 100; i++) sigwait(&set, &s), sum += s == SIGRTMIN + 1 ? 1 : 100;
    return (void *)(intptr_t)sum;
}

static void *masked(void *p)
{
    sigset_t set, pending;
    sigfillset(&set), pthread_sigmask(SIG_BLOCK, &set, 0);
    ready++;
    while (!stop) sched_yield();
    sigpending(&pending);
    return (void *)(intptr_t)(sigismember(&pending, SIGUSR1) + 2 * sigismember(&pending, SIGHUP));
}

int main(void)
{
    pthread_t t[THREADS], w, m;
    void *result;
    struct sigaction a = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigset_t set;
    sigaction(SIGSEGV, &a, 0);
    signal(SIGUSR1, count), signal(SIGALRM, any);
    sigemptyset(&set), sigaddset(&set, SIGRTMIN + 1), sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, 0);
    pthread_create(&w, 0, waiter, 0);
    pthread_create(&m, 0, masked, 0);
    for (int i = 0; i < THREADS; i++) pthread_create(&t[i], 0, work, 0);
    while (ready < THREADS + 1) sched_yield();
    for (int i = 0; i < TURNS; i++)
        for (int j = 0; j < THREADS; j++) {
            int before = got;
            pthread_kill(t[j], SIGUSR1);
            while (got == before) sched_yield();
        }
    for (int i = 0; i < THREADS; i++) pthread_join(t[i], &result), printf("thread %d: %ld\n", i, (long)result);
    for (int i = 0; i < 100; i++) pthread_kill(w, SIGRTMIN + 1);
    pthread_join(w, &result), printf("waited %ld\n", (long)result);
    pthread_kill(m, SIGUSR1), pthread_kill(m, SIGUSR1), stop = 1;
    pthread_join(m, &result), printf("pending %ld\n", (long)result);
    for (int i = 0; i < 50; i++) {
        int before = process;
        kill(getpid(), SIGALRM);
        while (process == before) sched_yield();
    }
    printf("got %d strangers %d off the stack %d wrong %d process %d\n", got, strangers, off_stack, wrong_address, process);
    return 0;
}
