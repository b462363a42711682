/* The C library's str* and mem* functions at all alignments and many lengths (they are SIMD code in glibc). */
#define _GNU_SOURCE
#include "guest.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char a[4096], b[4096];

static int sign(int x) { return (x > 0) - (x < 0); }

static uint64_t memory_functions(void)
{
    uint64_t h = 1;
    for (size_t from = 0; from < 17; from++)
        for (size_t to = 0; to < 33; to += 3)
            for (size_t n = 0; n < 300; n += n < 40 ? 1 : 37) {
                for (size_t i = 0; i < 400; i++)
                    a[i] = (char)(i * 7 + n), b[i] = (char)(i ^ 0x55);
                memcpy(b + to, a + from, n);
                h = hash(h, b, 400);
                memmove(b + to + 5, b + to, n);
                memmove(b + from, b + from + 3, n);
                h = hash(h, b, 400);
                memset(b + to, (int)n, n / 2);
                h = hash(h, b, 400);
                h = h * 31 + (uint64_t)(sign(memcmp(a + from, b + to, n)) + 1);
                char *found = memchr(a + from, (int)(n & 255), n), *last = memrchr(a + from, (int)(n & 255), n);
                h = h * 31 + (uint64_t)(found ? found - a : 999) + (uint64_t)(last ? last - a : 777);
            }
    return h;
}

static uint64_t string_functions(void)
{
    uint64_t h = 1;
    for (size_t at = 0; at < 20; at++)
        for (size_t n = 0; n < 150; n += n < 34 ? 1 : 13) {
            for (size_t i = 0; i < n; i++)
                a[at + i] = (char)('a' + (i * i + n) % 23);
            a[at + n] = 0;
            char *s = a + at, *end = stpcpy(b + 3, s), *p;
            h = h * 31 + strlen(s) + (uint64_t)(end - b);
            h = h * 31 + strnlen(s, 20) + strspn(s, "abcdefgh") + strcspn(s, "xyz");
            h = h * 31 + (uint64_t)((p = strchr(s, 'k')) ? p - s : -1);
            h = h * 31 + (uint64_t)((p = strrchr(s, 'k')) ? p - s : -1);
            h = h * 31 + (uint64_t)((p = strpbrk(s, "pqr")) ? p - s : -1);
            h = h * 31 + (uint64_t)((p = strstr(s, "ab")) ? p - s : -1);
            h = h * 31 + (uint64_t)(strchrnul(s, 'w') - s);
            if (n > 2)
                b[3 + n / 2] ^= 1;
            h = h * 31 + (uint64_t)(sign(strcmp(s, b + 3)) + 1) + (uint64_t)(sign(strncmp(s, b + 3, n / 2)) + 1);
            for (size_t i = 0; i < n; i += 2)
                b[3 + i] = (char)toupper((unsigned char)b[3 + i]);
            h = h * 31 + (uint64_t)(sign(strcasecmp(s, b + 3)) + 1) + (uint64_t)(sign(strncasecmp(s, b + 3, n / 3)) + 1);
            strcat(b + 3, s);
            strncat(b + 3, "tail-of-string", at);
            strncpy(b + 1000, s, n + 5);
            h = hash(hash(h, b + 3, strlen(b + 3) + 1), b + 1000, n + 5);
        }
    return h;
}

int main(void)
{
    printf("memory %016llx\n", (unsigned long long)memory_functions());
    printf("string %016llx\n", (unsigned long long)string_functions());
    char text[] = "one,two;;three four\tfive", *rest, *word;
    for (word = strtok_r(text, ",; \t", &rest); word; word = strtok_r(NULL, ",; \t", &rest))
        printf("token [%s]\n", word);
    char list[] = "a::b:", *cursor = list;
    while ((word = strsep(&cursor, ":")))
        printf("field [%s]\n", word);
    printf("memmem %td %td\n", (char *)memmem("hello world", 11, "o w", 3) - "hello world" > 0 ? (ptrdiff_t)1 : (ptrdiff_t)0,
           strcasestr("Hello World", "WORLD") ? (ptrdiff_t)1 : (ptrdiff_t)0);
    char *copy = strdup("duplicate"), *part = strndup("duplicate", 4);
    printf("%s %s %s\n", copy, part, strerror(2));
    free(copy);
    free(part);
    int classes[12] = {0};
    for (int c = 0; c < 128; c++) {
        int is[] = {isalpha(c), isdigit(c), isalnum(c), isspace(c), isupper(c), islower(c), ispunct(c), iscntrl(c), isxdigit(c), isprint(c), isgraph(c), isblank(c)};
        for (int i = 0; i < 12; i++)
            classes[i] += !!is[i];
    }
    for (int i = 0; i < 12; i++)
        printf("%d%c", classes[i], i == 11 ? '\n' : ' ');
    return (int)strlen("twelve chars");
}
