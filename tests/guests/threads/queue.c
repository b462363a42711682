/* A lock-free stack (tagged pointers, cmpxchg16b) and a queue of several producers and consumers: nothing is lost or seen twice. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdint.h>

enum { THREADS = 4, ITEMS = 6000 };
struct node { struct node *next; unsigned value; };
static struct { struct node *top; unsigned long tag; } head __attribute__((aligned(16)));
static struct node nodes[THREADS * ITEMS];
static atomic_uchar seen[THREADS * ITEMS];
static atomic_int taken;

static int swap(struct node *top, unsigned long tag, struct node *to)
{
    unsigned char done;
    __asm__ volatile("lock cmpxchg16b %1\n setz %0" : "=q"(done), "+m"(head), "+a"(top), "+d"(tag) : "b"(to), "c"(tag + 1) : "memory", "cc");
    return done;
}

static void push(struct node *n)
{
    for (;;) {
        unsigned long tag = *(volatile unsigned long *)&head.tag;
        struct node *top = *(struct node *volatile *)&head.top;
        n->next = top;
        if (swap(top, tag, n)) return;
    }
}

static struct node *pop(void)
{
    for (;;) {
        unsigned long tag = *(volatile unsigned long *)&head.tag;
        struct node *top = *(struct node *volatile *)&head.top;
        if (!top) return 0;
        if (swap(top, tag, *(struct node *volatile *)&top->next)) return top;
    }
}

static void *produce(void *p)
{
    for (int i = 0; i < ITEMS; i++) {
        struct node *n = &nodes[(intptr_t)p * ITEMS + i];
        n->value = (unsigned)(n - nodes);
        push(n);
        if (i % 7 == 0 && (n = pop())) push(n);
    }
    return 0;
}

static void *consume(void *p)
{
    while (taken < THREADS * ITEMS) {
        struct node *n = pop();
        if (!n) sched_yield();
        else seen[n->value]++, taken++;
    }
    return 0;
}

int main(void)
{
    pthread_t t[2 * THREADS];
    int wrong = 0;
    for (intptr_t i = 0; i < 2 * THREADS; i++) pthread_create(&t[i], 0, i < THREADS ? produce : consume, (void *)i);
    for (int i = 0; i < 2 * THREADS; i++) pthread_join(t[i], 0);
    for (int i = 0; i < THREADS * ITEMS; i++) wrong += seen[i] != 1;
    printf("taken %d wrong %d left %d\n", taken, wrong, pop() != 0);
    return 0;
}
