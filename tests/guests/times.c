/* Time: calendars there and back over centuries, strftime, clocks that only go forward, sleeping. */
#define _GNU_SOURCE
#include "guest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static uint64_t calendars(void)
{
    uint64_t h = 1;
    int wrong = 0;
    for (time_t t = -5000000000; t < 10000000000; t += 123456789) {
        struct tm a, b;
        gmtime_r(&t, &a);
        b = a;
        wrong += timegm(&b) != t;
        int fields[] = {a.tm_year, a.tm_mon, a.tm_mday, a.tm_hour, a.tm_min, a.tm_sec, a.tm_wday, a.tm_yday};
        h = hash(h, fields, sizeof fields);
    }
    printf("wrong %d\n", wrong);
    return h;
}

static void formats(void)
{
    time_t moments[] = {0, 951782400, 1234567890, 2147483647, 4102444799};
    for (int i = 0; i < 5; i++) {
        struct tm tm;
        char text[200];
        gmtime_r(&moments[i], &tm);
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %a %A %b %B %j %U %W %u %w %y %C %I %p %e %D %T %R %F %G %V %%", &tm);
        printf("%s\n", text);
        printf("%s", asctime_r(&tm, text));
    }
    struct tm read = {0};
    char *rest = strptime("2024-02-29 23:59:58 rest", "%Y-%m-%d %H:%M:%S", &read);
    printf("strptime %d %d %d %d [%s] ", read.tm_year, read.tm_mon, read.tm_mday, read.tm_sec, rest);
    printf("%ld\n", (long)timegm(&read));
    struct tm odd = {.tm_year = 124, .tm_mon = 13, .tm_mday = -5, .tm_hour = 49, .tm_isdst = 0};
    long normal = (long)timegm(&odd);
    printf("normalised %ld %d-%d-%d\n", normal, odd.tm_year, odd.tm_mon, odd.tm_mday);
    setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
    tzset();
    time_t summer = 1720000000, winter = 1705000000;
    char text[64];
    strftime(text, sizeof text, "%H:%M %Z", localtime(&summer));
    printf("%s ", text);
    strftime(text, sizeof text, "%H:%M %Z", localtime(&winter));
    printf("%s\n", text);
}

static double now(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
    printf("%016llx\n", (unsigned long long)calendars());
    formats();
    int backwards = 0;
    double last = now(CLOCK_MONOTONIC);
    for (int i = 0; i < 20000; i++) {
        double t = now(CLOCK_MONOTONIC);
        backwards += t < last;
        last = t;
    }
    struct timespec pause = {0, 20000000}, resolution;
    double before = now(CLOCK_MONOTONIC);
    int slept = nanosleep(&pause, NULL);
    usleep(1000);
    double took = now(CLOCK_MONOTONIC) - before;
    struct timeval tv;
    gettimeofday(&tv, NULL);
    printf("backwards %d slept %d %d\n", backwards, slept, took >= 0.02 && took < 5);
    printf("same clock %d %d\n", labs((long)tv.tv_sec - (long)time(NULL)) <= 1, (long)now(CLOCK_REALTIME) - tv.tv_sec <= 1);
    printf("cpu %d %d %d\n", now(CLOCK_PROCESS_CPUTIME_ID) > 0, clock() > 0, clock_getres(CLOCK_MONOTONIC, &resolution));
    return backwards;
}
