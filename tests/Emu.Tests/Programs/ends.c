/* Ends: threads that end by themselves, that a thread's exit ends, and in a child of fork; a library that comes and goes. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int ready;
static void *quick(void *p) { return p; }
static void *lasting(void *p) { for (ready++;; pause()) continue; }
static void *last(void *p) { exit(p ? 3 : 4); }

static void leave_threads(void *p)
{
    pthread_t t;
    ready = 0;
    for (int i = 0; i < 5; i++) pthread_create(&t, 0, lasting, 0);
    while (ready < 5) usleep(100);
    pthread_create(&t, 0, last, p);
    for (;;) pause();
}

int main(void)
{
    pthread_t t[3];
    int status;
    for (int i = 0; i < 3; i++) pthread_create(&t[i], 0, quick, 0);
    for (int i = 0; i < 3; i++) pthread_join(t[i], 0);
    void *library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
    if (!library || dlclose(library)) return 1;
    pid_t child = fork();
    if (!child) leave_threads(0);
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 4) return 2;
    leave_threads(t);
}
