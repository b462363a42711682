/* Thread-local variables of the only thread: initialised, zero, aligned, large, static, in functions, by address, and errno. */
#include "guest.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    int a;
    double b;
    char name[20];
} Record;

__thread int counter = 41;
__thread long zero;
__thread char letters[10000] = "letters";
static __thread Record record = {7, 2.5, "record"};
__thread long double aligned_long __attribute__((aligned(64))) = 1.25L;
static __thread unsigned char tiny = 200;
__thread short halves[5] = {1, -2, 3, -4, 5};
static int plain = 5;
__thread int *to_plain = &plain;
__thread const char *text = "pointer to text";

__attribute__((noinline)) static int next(void)
{
    static __thread int mine = 100;
    return mine++;
}

__attribute__((noinline)) static void change(Record *r, int *n)
{
    r->a *= 3;
    r->b += 0.25;
    strcat(r->name, "!");
    *n += 1;
}

__attribute__((constructor)) static void early(void)
{
    counter++;
    zero -= 3;
}

int main(void)
{
    printf("%d %ld %s %d %g %s\n", counter, zero, letters, record.a, record.b, record.name);
    printf("%Lg %d %u %s\n", aligned_long, (int)((uintptr_t)&aligned_long % 64), tiny, text);
    for (int i = 0; i < 10; i++)
        change(&record, &counter);
    printf("%d %d %g %s\n", counter, record.a, record.b, record.name);
    uint64_t h = 1;
    for (int i = 0; i < 10000; i++) {
        letters[i] = (char)(letters[(i * 7919) % 10000] + i);
        zero += letters[i] ^ next();
        halves[i % 5] = (short)(halves[i % 5] * 3 + (short)i);
        tiny = (unsigned char)(tiny + halves[(i + 1) % 5]);
    }
    h = hash(hash(h, letters, sizeof letters), halves, sizeof halves);
    printf("%016llx %ld %u %d\n", (unsigned long long)h, zero, tiny, next());
    *to_plain += 10;
    to_plain = &counter;
    *to_plain = 3;
    printf("%d %d\n", plain, counter);
    errno = 0;
    close(-1);
    int first = errno;
    strtol("99999999999999999999", NULL, 10);
    printf("errno %d %d %d\n", first == EBADF, errno == ERANGE, &errno == &errno);
    aligned_long = aligned_long * 3 + record.a;
    printf("%Lg\n", aligned_long);
    return tiny & 63;
}
