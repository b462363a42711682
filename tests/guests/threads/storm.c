/* Thousands of threads made and joined, or detached; from threads, too. What they need is given back. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <sched.h>

enum { ROUNDS = 150, AT_ONCE = 20 };
static atomic_int ran, detached, nested;
static _Thread_local int own = 7, zero;
static int bad;

static int deep(int n) { volatile char room[256]; room[n] = (char)n; return n ? deep(n - 1) + room[n] - n + 1 : 0; }

static void *leaf(void *p) { nested++; return p; }

static void *work(void *p)
{
    pthread_t t;
    void *back;
    if (own++ != 7 || zero++ != 0) bad++;
    if ((intptr_t)p % 10 == 0 && !pthread_create(&t, 0, leaf, p)) pthread_join(t, &back), bad += back != p;
    if (deep(100) != 100) bad++;
    ran++;
    if ((intptr_t)p % 3 == 0) pthread_exit((char *)p + 1);
    return (char *)p + 1;
}

static void *alone(void *p) { detached++; return 0; }

static long in_status(const char *name)
{
    char line[200];
    long n = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f)) if (!strncmp(line, name, strlen(name))) n = atol(line + strlen(name));
    if (f) fclose(f);
    return n;
}

int main(void)
{
    pthread_t t[AT_ONCE];
    pthread_attr_t a;
    long before = 0, after;
    pthread_attr_init(&a);
    pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
    for (int r = 0; r < ROUNDS; r++) {
        for (intptr_t i = 0; i < AT_ONCE; i++) if (pthread_create(&t[i], 0, work, (void *)(r * AT_ONCE + i))) abort();
        for (intptr_t i = 0; i < AT_ONCE; i++) {
            void *back;
            pthread_join(t[i], &back);
            bad += (intptr_t)back != r * AT_ONCE + i + 1;
        }
        if (!pthread_create(&t[0], &a, alone, 0)) while (detached <= r) sched_yield();
        if (r == ROUNDS / 2) before = in_status("VmRSS:");
    }
    after = in_status("VmRSS:");
    printf("ran %d nested %d detached %d bad %d, grew %s\n", ran, nested, detached, bad, after - before > 4096 ? "a lot" : "little");
    return 0;
}
