/* Ends: main leaves first, exit from a thread, exec from a thread, a fault in a thread, cancellation, thread-specific data, robust mutexes. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_key_t key;
static atomic_int destroyed, cleaned, spins;
static void destroy(void *p) { destroyed += (int)(long)p; }
static void clean(void *p) { cleaned++; }
static pthread_mutex_t robust;
static pthread_barrier_t both;

static void *holder(void *p) { pthread_mutex_lock(&robust); return 0; }
static void *specific(void *p) { pthread_setspecific(key, p); return pthread_getspecific(key); }
static void *sleeper(void *p) { pthread_cleanup_push(clean, 0); pthread_barrier_wait(&both); for (;;) pause(); pthread_cleanup_pop(0); return 0; }
static void *spinner(void *p)
{
    pthread_cleanup_push(clean, 0);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, 0);
    pthread_barrier_wait(&both);
    for (;;) spins++;
    pthread_cleanup_pop(0);
    return 0;
}

static void *for_ever(void *p) { for (;;) spins++; return 0; }
static void *late(void *p) { for (int i = 0; i < 2000; i++) sched_yield(); write(1, "late\n", 5); return 0; }
static void *leave(void *p) { exit(23); }
static void *quick(void *p) { write(1, "quick\n", 6), _exit(24); }
static void *run(void *p) { char *argv[] = {"sh", "-c", "echo exec; exit 25", 0}; execv("/bin/sh", argv); return 0; }
static void *fault(void *p) { *(volatile int *)8 = 1; return 0; }
static void *killed(void *p) { raise(SIGTERM); return 0; }
static void *aborted(void *p) { abort(); }
static void *stays(void *p) { for (int i = 0; i < 2000; i++) sched_yield(); exit(26); }

static void at_exit(void) { write(1, "atexit\n", 7); }

static void child(const char *what, void *(*f)(void *), int main_leaves)
{
    int status;
    pid_t pid;
    fflush(stdout);
    if ((pid = fork()) == 0) {
        static pthread_t t;
        if (f == fault) close(2); /* a runner says where */
        atexit(at_exit);
        pthread_create(&t, 0, for_ever, 0);
        if (main_leaves == 2) pthread_cancel(t), pthread_detach(t);
        if (main_leaves == 2) exit(27);
        pthread_create(&t, 0, f, 0);
        if (main_leaves) pthread_exit(0);
        for (;;) pause();
    }
    waitpid(pid, &status, 0);
    printf("%s: %s %d\n", what, WIFEXITED(status) ? "exit" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

int main(void)
{
    pthread_t t;
    void *result;
    int status;
    pthread_mutexattr_t a;
    pthread_key_create(&key, destroy);
    for (long i = 1; i <= 20; i++) pthread_create(&t, 0, specific, (void *)i), pthread_join(t, &result);
    printf("destroyed %d, last %ld\n", destroyed, (long)result);
    pthread_mutexattr_init(&a), pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST), pthread_mutex_init(&robust, &a);
    pthread_create(&t, 0, holder, 0), pthread_join(t, 0);
    status = pthread_mutex_lock(&robust);
    printf("robust: owner died %d, consistent %d\n", status == EOWNERDEAD, pthread_mutex_consistent(&robust));
    pthread_barrier_init(&both, 0, 2);
    for (int i = 0; i < 20; i++) {
        pthread_create(&t, 0, i % 2 ? sleeper : spinner, 0);
        pthread_barrier_wait(&both);
        pthread_cancel(t), pthread_join(t, &result);
        if (result != PTHREAD_CANCELED) puts("not cancelled");
    }
    printf("cleaned %d\n", cleaned);
    child("exit in a thread", leave, 0);
    child("_exit in a thread", quick, 0);
    child("exec in a thread", run, 0);
    child("exec, main left", run, 1);
    child("fault in a thread", fault, 0);
    child("fault, main left", fault, 1);
    child("raise in a thread", killed, 0);
    child("abort in a thread", aborted, 0);
    child("exit, main left", stays, 1);
    child("main exits", late, 2);
    fflush(stdout);
    pthread_create(&t, 0, late, 0);
    pthread_exit(0);
}
