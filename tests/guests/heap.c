/* Memory allocation: malloc, calloc, realloc, aligned_alloc stress with content checks; mmap, mremap, mprotect, brk. */
#define _GNU_SOURCE
#include "guest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SLOTS = 300 };
static struct {
    unsigned char *at;
    size_t size;
    unsigned char seed;
} slot[SLOTS];

static void fill(int i)
{
    for (size_t k = 0; k < slot[i].size; k++)
        slot[i].at[k] = (unsigned char)(slot[i].seed + k * 3);
}

static int check(int i, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (slot[i].at[k] != (unsigned char)(slot[i].seed + k * 3))
            return 1;
    return 0;
}

static size_t random_size(void)
{
    uint64_t r = rng();
    return r % 16 == 0 ? r % 300000 : r % 4 == 0 ? r % 5000 : r % 200;
}

static int stress(void)
{
    int bad = 0, misaligned = 0;
    size_t live = 0, most = 0;
    for (int round = 0; round < 30000; round++) {
        int i = (int)(rng() % SLOTS);
        if (!slot[i].at) {
            slot[i].size = random_size();
            slot[i].seed = (unsigned char)round;
            if (round % 5 == 0) {
                slot[i].at = calloc(1, slot[i].size + 1);
                for (size_t k = 0; k < slot[i].size; k++)
                    bad += slot[i].at[k] != 0;
            } else if (round % 7 == 0) {
                slot[i].at = aligned_alloc(256, (slot[i].size + 256) / 256 * 256);
                misaligned += (uintptr_t)slot[i].at % 256 != 0;
            } else
                slot[i].at = malloc(slot[i].size + 1);
            misaligned += (uintptr_t)slot[i].at % 16 != 0;
            fill(i);
            live += slot[i].size;
        } else if (round % 3 == 0) {
            size_t before = slot[i].size, now = random_size();
            live += now - before;
            slot[i].at = realloc(slot[i].at, now + 1);
            slot[i].size = now;
            bad += check(i, before < now ? before : now);
            fill(i);
        } else {
            bad += check(i, slot[i].size);
            free(slot[i].at);
            slot[i].at = NULL;
            live -= slot[i].size;
        }
        most = live > most ? live : most;
    }
    printf("stress: bad %d misaligned %d most %zu\n", bad, misaligned, most);
    for (int i = 0; i < SLOTS; i++)
        free(slot[i].at);
    return bad + misaligned;
}

static int distinct_when_empty(void)
{
    char *p = malloc(0), *q = malloc(0);
    int ok = p != q;
    free(p);
    free(q);
    return ok;
}

static void pages(void)
{
    size_t size = 1 << 20;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 'a', size);
    char *q = mremap(p, size, 8 * size, MREMAP_MAYMOVE);
    printf("mremap %d %c %d\n", q != MAP_FAILED, q[size - 1], q[size]);
    printf("munmap middle %d\n", munmap(q + size, size));
    char *again = mmap(q + size, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf("fixed %d %d\n", again == q + size, again[5]);
    printf("mprotect %d %d\n", mprotect(q, 4096, PROT_READ), q[0]);
    printf("madvise %d %d\n", madvise(q + 4 * size, size, MADV_DONTNEED), q[4 * size]);
    printf("unmap %d\n", munmap(q, 8 * size));
    char *zero = malloc(50 << 20);
    zero[49 << 20] = 5;
    zero = realloc(zero, 100 << 20);
    printf("large %d\n", zero[49 << 20]);
    free(zero);
    printf("%d %d\n", distinct_when_empty(), realloc(NULL, 0) != (void *)1);
}

int main(void)
{
    int bad = stress();
    pages();
    char *start = sbrk(0);
    printf("brk moves %d\n", start != (void *)-1);
    return bad ? 1 : 9;
}
