/* Seven sorting algorithms over the same data, checked against each other. */
#include "guest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 4000 };
static int data[N], work[N], spare[N];

static void insertion(int *a, int n)
{
    for (int i = 1; i < n; i++) {
        int x = a[i], j = i;
        for (; j > 0 && a[j - 1] > x; j--)
            a[j] = a[j - 1];
        a[j] = x;
    }
}

static void shell(int *a, int n)
{
    for (int gap = n / 2; gap; gap /= 2)
        for (int i = gap; i < n; i++)
            for (int j = i - gap; j >= 0 && a[j] > a[j + gap]; j -= gap) {
                int t = a[j];
                a[j] = a[j + gap];
                a[j + gap] = t;
            }
}

static void sift(int *a, int at, int n)
{
    for (int child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && a[child + 1] > a[child])
            child++;
        if (a[at] >= a[child])
            return;
        int t = a[at];
        a[at] = a[child];
        a[child] = t;
    }
}

static void heap(int *a, int n)
{
    for (int i = n / 2; i-- > 0;)
        sift(a, i, n);
    for (int i = n; i-- > 1;) {
        int t = a[0];
        a[0] = a[i];
        a[i] = t;
        sift(a, 0, i);
    }
}

static void merge(int *a, int n)
{
    if (n < 2)
        return;
    int half = n / 2, i = 0, j = half, k = 0;
    merge(a, half);
    merge(a + half, n - half);
    while (i < half && j < n)
        spare[k++] = a[j] < a[i] ? a[j++] : a[i++];
    while (i < half)
        spare[k++] = a[i++];
    while (j < n)
        spare[k++] = a[j++];
    memcpy(a, spare, (size_t)n * sizeof *a);
}

static void quick(int *a, int n)
{
    if (n < 2)
        return;
    int pivot = a[n / 2], i = 0, j = n - 1;
    while (i <= j) {
        while (a[i] < pivot)
            i++;
        while (a[j] > pivot)
            j--;
        if (i <= j) {
            int t = a[i];
            a[i++] = a[j];
            a[j--] = t;
        }
    }
    quick(a, j + 1);
    quick(a + i, n - i);
}

static void radix(int *a, int n)
{
    for (int shift = 0; shift < 32; shift += 8) {
        int count[257] = {0};
        for (int i = 0; i < n; i++)
            count[((((uint32_t)a[i] ^ 0x80000000u) >> shift) & 255) + 1]++;
        for (int i = 0; i < 256; i++)
            count[i + 1] += count[i];
        for (int i = 0; i < n; i++)
            spare[count[(((uint32_t)a[i] ^ 0x80000000u) >> shift) & 255]++] = a[i];
        memcpy(a, spare, (size_t)n * sizeof *a);
    }
}

static int compare(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static void library(int *a, int n) { qsort(a, (size_t)n, sizeof *a, compare); }

static const struct {
    const char *name;
    void (*sort)(int *, int);
} sorts[] = {{"insertion", insertion}, {"shell", shell}, {"heap", heap}, {"merge", merge}, {"quick", quick}, {"radix", radix}, {"qsort", library}};

int main(void)
{
    int bad = 0;
    for (int shape = 0; shape < 5; shape++) {
        for (int i = 0; i < N; i++) {
            int r = (int)rng();
            data[i] = shape == 0 ? r : shape == 1 ? i : shape == 2 ? N - i : shape == 3 ? r % 16 : 7;
        }
        for (size_t s = 0; s < sizeof sorts / sizeof *sorts; s++) {
            memcpy(work, data, sizeof data);
            sorts[s].sort(work, N);
            for (int i = 1; i < N; i++)
                bad += work[i - 1] > work[i];
            printf("shape %d %-9s first %11d middle %11d last %11d hash %016llx\n", shape, sorts[s].name, work[0], work[N / 2],
                   work[N - 1], (unsigned long long)hash(1, work, sizeof work));
        }
    }
    printf("out of order: %d\n", bad);
    return bad ? 1 : 0;
}
