/* Ways to end, one per argument: return, exit with atexit, _exit, quick_exit, abort, signals, faults of every kind, stack overflow. */
#define _GNU_SOURCE
#include "guest.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static void last(void) { printf("last words\n"); }
static void quick(void) { puts("quick words"), fflush(stdout); }

static volatile int zero = 0, sink;
static volatile int *volatile nowhere = NULL;

__attribute__((noinline)) static int overflow(int n)
{
    volatile char frame[500];
    frame[n % 500] = (char)n;
    return overflow(n + 1) + frame[0];
}

static int divide(void)
{
    int r;
    __asm__ volatile("cltd\n\tidivl %1" : "=a"(r) : "r"(zero), "a"(5) : "edx", "cc");
    return r;
}

static int divide_overflow(void)
{
    long r;
    __asm__ volatile("cqto\n\tidivq %1" : "=a"(r) : "r"(-1L), "a"(1L << 63) : "rdx", "cc");
    return (int)r;
}

static void write_text(void)
{
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[5] = 1;
}

static int out_of_bus(void)
{
    FILE *f = tmpfile();
    char *page = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fileno(f), 0);
    return page[4096];
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "return";
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    setvbuf(stdout, NULL, _IOFBF, 4096);
    atexit(last);
    at_quick_exit(quick);
    printf("ending by %s\n", how);
    if (!strcmp(how, "lost"))
        _exit(3); /* what stdio holds is lost when stdout is a file or a pipe */
    fflush(stdout);
    if (!strcmp(how, "return")) return 300;
    if (!strcmp(how, "exit")) exit(77);
    if (!strcmp(how, "minus")) exit(-1);
    if (!strcmp(how, "_exit")) _exit(5);
    if (!strcmp(how, "sys_exit")) syscall(SYS_exit, 6);
    if (!strcmp(how, "quick")) quick_exit(8);
    if (!strcmp(how, "abort")) abort();
    if (!strcmp(how, "term")) kill(getpid(), SIGTERM);
    if (!strcmp(how, "kill")) kill(getpid(), SIGKILL);
    if (!strcmp(how, "raise")) raise(SIGUSR1);
    if (!strcmp(how, "alarm")) { alarm(1); pause(); }
    if (!strcmp(how, "ignored")) { signal(SIGUSR2, SIG_IGN); raise(SIGUSR2); signal(SIGPIPE, SIG_IGN); printf("survived\n"); exit(9); }
    if (!strcmp(how, "pipe")) { int p[2]; sink = pipe(p); close(p[0]); sink = (int)write(p[1], "x", 1); }
    if (!strcmp(how, "null")) sink = *nowhere;
    if (!strcmp(how, "store")) *nowhere = 5;
    if (!strcmp(how, "readonly")) write_text();
    if (!strcmp(how, "noncanonical")) { nowhere = (volatile int *)0x8000000000001234; sink = *nowhere; }
    if (!strcmp(how, "bus")) sink = out_of_bus();
    if (!strcmp(how, "divide")) sink = divide();
    if (!strcmp(how, "overflow")) sink = divide_overflow();
    if (!strcmp(how, "ud2")) __asm__ volatile("ud2");
    if (!strcmp(how, "int3")) __asm__ volatile("int3");
    if (!strcmp(how, "hlt")) __asm__ volatile("hlt");
    if (!strcmp(how, "stack")) sink = overflow(1);
    if (!strcmp(how, "jump")) ((void (*)(void))(uintptr_t)zero)();
    return 1;
}
