/* Signals that come at any instruction, while masks change, handlers return and faults are handled: no change of a mask is lost. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t ticks, faults;
static char *page;

static void on(int s, void (*h)(int), int flags, int also)
{
    struct sigaction a = {.sa_handler = h, .sa_flags = flags};
    sigemptyset(&a.sa_mask);
    if (also) sigaddset(&a.sa_mask, also);
    sigaction(s, &a, 0);
}

static void tick(int s) { ticks++; }
static void mend(int s) { faults++, mprotect(page, 4096, PROT_READ | PROT_WRITE); }

int main(void)
{
    sigset_t one, now;
    int lost = 0, wrong = 0;
    pid_t parent = getpid(), child;
    page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    on(SIGUSR1, tick, 0, SIGUSR2);
    on(SIGUSR2, tick, 0, 0);
    on(SIGSEGV, mend, 0, SIGUSR2);
    sigemptyset(&one);
    sigaddset(&one, SIGHUP);
    if (!(child = fork()))
        for (;;) kill(parent, SIGUSR1), kill(parent, SIGUSR2), usleep(10);
    for (int i = 0; i < 30000; i++) {
        sigprocmask(SIG_BLOCK, &one, 0);
        for (volatile int j = 0; j < 100; j++);
        sigprocmask(SIG_SETMASK, 0, &now);
        lost += !sigismember(&now, SIGHUP), wrong += sigismember(&now, SIGUSR1) || sigismember(&now, SIGSEGV);
        if (i % 8 == 0) mprotect(page, 4096, PROT_READ), page[7]++;
        sigprocmask(SIG_UNBLOCK, &one, 0);
        sigprocmask(SIG_SETMASK, 0, &now);
        lost += sigismember(&now, SIGHUP), wrong += sigismember(&now, SIGUSR2) || sigismember(&now, SIGSEGV);
    }
    kill(child, SIGKILL), waitpid(child, 0, 0);
    printf("ticks %s, faults %d, changes lost %d, masks wrong %d\n", ticks ? "came" : "none", faults, lost, wrong);
    return 0;
}
