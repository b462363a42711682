/* Library functions that call back: qsort, bsearch, tsearch, twalk, lfind, atexit order, constructors. */
#define _GNU_SOURCE
#include "guest.h"
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char name[12];
    int key;
    double weight;
} Item;

enum { N = 500 };
static Item items[N];
static long compares;

static int by_key(const void *a, const void *b)
{
    compares = 1;
    return ((const Item *)a)->key - ((const Item *)b)->key;
}
static int by_name(const void *a, const void *b) { return strcmp(((const Item *)a)->name, ((const Item *)b)->name); }
static int by_weight(const void *a, const void *b)
{
    double x = ((const Item *)a)->weight, y = ((const Item *)b)->weight;
    return x < y ? -1 : x > y ? 1 : by_key(a, b);
}
static int descending(const void *a, const void *b) { return by_key(b, a); }
static int (*const orders[])(const void *, const void *) = {by_key, by_name, by_weight, descending};

static uint64_t walked;
static void visit(const void *node, VISIT when, int depth)
{
    (void)depth;
    if (when == postorder || when == leaf)
        walked = hash(walked, (*(Item *const *)node)->name, 12);
}

static void first(void) { printf("atexit first registered, last called\n"); }
static void second(void) { printf("atexit second\n"); }
__attribute__((constructor)) static void before(void) { rng_state += 2; }
__attribute__((destructor)) static void after(void) { printf("destructor\n"); }

static int with_nested(int n)
{
    struct { int key; } probe = {n};
    Item wanted = {.key = probe.key};
    Item *found = bsearch(&wanted, items, N, sizeof *items, by_key);
    return found ? (int)(found - items) : -1;
}

int main(void)
{
    atexit(first);
    atexit(second);
    for (int i = 0; i < N; i++) {
        items[i].key = (i * 7919) % 10007;
        items[i].weight = (double)(rng() % 100) / 4;
        snprintf(items[i].name, sizeof items[i].name, "n%06x", (unsigned)((unsigned)i * 2654435761u >> 8));
    }
    for (size_t o = 0; o < 4; o++) {
        qsort(items, N, sizeof *items, orders[o]);
        uint64_t h = 1;
        for (int i = 0; i < N; i++)
            h = hash(hash(h, items[i].name, 7), &items[i].key, 4);
        printf("order %zu: %s %d %g ... %s %d %g %016llx\n", o, items[0].name, items[0].key, items[0].weight, items[N - 1].name, items[N - 1].key,
               items[N - 1].weight, (unsigned long long)h);
    }
    qsort(items, N, sizeof *items, by_key);
    printf("bsearch %d %d %d\n", with_nested(items[17].key), with_nested(-5), with_nested(items[499].key));
    void *root = NULL;
    for (int i = 0; i < N; i++)
        tsearch(&items[i], &root, by_name);
    printf("tfind %d %d\n", tfind(&items[3], &root, by_name) != NULL, tfind(&(Item){.name = "nope"}, &root, by_name) != NULL);
    twalk(root, visit);
    printf("walk %016llx\n", (unsigned long long)walked);
    for (int i = 0; i < N; i += 2)
        tdelete(&items[i], &root, by_name);
    walked = 0;
    twalk(root, visit);
    printf("walk after deletes %016llx\n", (unsigned long long)walked);
    size_t count = N;
    Item *linear = lfind(&items[200], items, &count, sizeof *items, by_key);
    printf("lfind %d compares %ld\n", (int)(linear - items), compares);
    return 23;
}
