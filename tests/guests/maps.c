/* A string hash map that grows, shrinks and deletes, against a sorted array; counting words. */
#include "guest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *key;
    long value;
    int state; /* 0 free, 1 used, 2 deleted */
} Slot;

typedef struct {
    Slot *slots;
    size_t size, used, marks;
    long probes;
} Map;

static Slot *probe(Map *m, const char *key)
{
    size_t i = hash(14695981039346656037ull, key, strlen(key)) & (m->size - 1);
    Slot *grave = NULL;
    for (size_t step = 1;; i = (i + step++) & (m->size - 1)) {
        Slot *s = &m->slots[i];
        m->probes++;
        if (s->state == 0)
            return grave ? grave : s;
        if (s->state == 2 && !grave)
            grave = s;
        if (s->state == 1 && strcmp(s->key, key) == 0)
            return s;
    }
}

static void resize(Map *m, size_t size)
{
    Map to = {calloc(size, sizeof(Slot)), size, 0, 0, m->probes};
    for (size_t i = 0; i < m->size; i++)
        if (m->slots[i].state == 1) {
            *probe(&to, m->slots[i].key) = m->slots[i];
            to.used++;
        }
    to.marks = to.used;
    free(m->slots);
    *m = to;
}

static long *at(Map *m, const char *key)
{
    if ((m->marks + 1) * 4 > m->size * 3)
        resize(m, m->used * 2 > m->size ? m->size * 2 : m->size);
    Slot *s = probe(m, key);
    if (s->state != 1) {
        m->marks += s->state == 0;
        m->used++;
        *s = (Slot){strdup(key), 0, 1};
    }
    return &s->value;
}

static int delete(Map *m, const char *key)
{
    Slot *s = probe(m, key);
    if (s->state != 1)
        return 0;
    free(s->key);
    s->state = 2;
    m->used--;
    return 1;
}

static int by_key(const void *a, const void *b) { return strcmp((*(Slot *const *)a)->key, (*(Slot *const *)b)->key); }

static void report(Map *m)
{
    Slot **all = malloc((m->used + 1) * sizeof *all);
    size_t n = 0;
    uint64_t h = 1;
    long sum = 0;
    for (size_t i = 0; i < m->size; i++)
        if (m->slots[i].state == 1)
            all[n++] = &m->slots[i];
    qsort(all, n, sizeof *all, by_key);
    for (size_t i = 0; i < n; i++) {
        h = hash(h, all[i]->key, strlen(all[i]->key));
        sum += all[i]->value;
    }
    printf("%zu keys in %zu slots, sum %ld, first %s last %s, %016llx, probes %ld\n", n, m->size, sum, n ? all[0]->key : "-", n ? all[n - 1]->key : "-", (unsigned long long)h, m->probes);
    free(all);
}

int main(void)
{
    Map m = {calloc(16, sizeof(Slot)), 16, 0, 0, 0};
    char key[32];
    for (int i = 0; i < 60000; i++) {
        snprintf(key, sizeof key, "word%u", (unsigned)(rng() % 7000));
        *at(&m, key) += i % 10;
    }
    report(&m);
    int gone = 0;
    for (int i = 0; i < 7000; i += 3) {
        snprintf(key, sizeof key, "word%d", i);
        gone += delete(&m, key);
    }
    printf("deleted %d\n", gone);
    report(&m);
    for (int i = 0; i < 30000; i++) {
        snprintf(key, sizeof key, "%c%d", 'a' + i % 26, i % 1000);
        if (i & 1)
            delete(&m, key);
        else
            *at(&m, key) = i;
    }
    report(&m);
    static const char text[] = "it was the best of times it was the worst of times it was the age of wisdom";
    char copy[sizeof text];
    Map words = {calloc(4, sizeof(Slot)), 4, 0, 0, 0};
    memcpy(copy, text, sizeof text);
    for (char *w = strtok(copy, " "); w; w = strtok(NULL, " "))
        ++*at(&words, w);
    printf("it %ld was %ld times %ld age %ld\n", *at(&words, "it"), *at(&words, "was"), *at(&words, "times"), *at(&words, "age"));
    report(&words);
    return (int)(m.used & 127);
}
