// Programs that look at or change their own code. Argument: how.
#include "guest.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void *map(size_t size, int protection) { return mmap(0, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

// A loop that writes its own next immediate in each iteration, in the middle of one region.
static void loop(void)
{
    // again: mov [rip+5],ecx (the immediate below); mov eax,0; ... the store is 6 bytes, a jump makes it take effect
    static const unsigned char code[] = {
        0x31, 0xd2,                         // xor edx,edx
        0x89, 0x3d, 0x03, 0, 0, 0,          // again: mov [rip+3],edi    -> the immediate
        0xeb, 0x00,                         // jmp short next
        0xb8, 0, 0, 0, 0,                   // next: mov eax,imm32
        0x48, 0x01, 0xc2,                   // add rdx,rax
        0xff, 0xcf,                         // dec edi
        0x75, 0xec,                         // jnz again
        0x48, 0x89, 0xd0, 0xc3,             // mov rax,rdx; ret
    };
    unsigned char *at = map(4096, 7);
    memcpy(at, code, sizeof code);
    for (int n = 1; n < 60; n += 13)
        printf("loop %d: %llu\n", n, ((unsigned long long (*)(int))at)(n));
}

__attribute__((noinline, aligned(64))) int answer(int x)
{
    __asm__ volatile(".byte 0x81,0xc7; .long 1000" : "+D"(x)); // add edi,1000
    return x;
}

static int call_answer(int (*volatile f)(int), int x) { return f(x); }

// Text is patched.
static void patch(void)
{
    unsigned char *at = (unsigned char *)answer;
    printf("before: %d\n", call_answer(answer, 1));
    while (memcmp(at, "\x81\xc7\xe8\x03", 4))
        at++;
    for (int n = 0; n < 30; n++) {
        at[2] = n;
        printf("%d ", call_answer(answer, 1));
    }
    printf("after: %d %d\n", call_answer(answer, 1), answer(2));
}

// Text that was translated ahead of time is made writable before.
static void text(void)
{
    unsigned char *page = (unsigned char *)((uintptr_t)answer & -4096ul);
    mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC);
    patch();
    mprotect(page, 8192, PROT_READ | PROT_EXEC);
    printf("and then: %d %d\n", call_answer(answer, 1), answer(2));
}

// The program's own code, read before it is called and afterwards.
static uint64_t sum_of(const unsigned char *from, const unsigned char *to)
{
    uint64_t sum = 0;
    for (; from < to; from++)
        sum = sum * 31 + *from;
    return sum;
}

static void self(void)
{
    extern const unsigned char __executable_start[], etext[];
    for (int n = 0; n < 3; n++)
        printf("own code: %llx, %d\n", (unsigned long long)sum_of(__executable_start, etext), call_answer(answer, n));
}

static void emit(unsigned char *at, unsigned value)
{
    at[0] = 0xb8; // mov eax,imm32; ret
    memcpy(at + 1, &value, 4);
    at[5] = 0xc3;
}

// Children meet code that the parent does not have, and other code at the same place.
static void forks(void)
{
    unsigned char *at = map(4096, 7);
    emit(at, 7);
    int sum = ((int (*)(void))at)();
    for (int child = 0; child < 3; child++) {
        pid_t pid = fork();
        if (pid == 0) {
            emit(at, 10 + child);
            int first = ((int (*)(void))at)();
            if (fork() == 0) {
                emit(at + 64, 40 + child);
                _exit(((int (*)(void))at)() + ((int (*)(void))(at + 64))());
            }
            int status;
            wait(&status);
            _exit(first + WEXITSTATUS(status));
        }
        int status;
        waitpid(pid, &status, 0);
        sum = sum * 31 + WEXITSTATUS(status) + ((int (*)(void))at)();
    }
    printf("forks: %d\n", sum);
}

// Children that are killed while they meet new code leave nothing behind that the parent stumbles over.
static void killed(void)
{
    unsigned char *at = map(4096, 7);
    int sum = 0;
    for (int n = 0; n < 6; n++) {
        pid_t pid = fork();
        if (pid == 0)
            for (unsigned k = 0;; k++) {
                emit(at + 1024, k);
                ((int (*)(void))(at + 1024))();
            }
        usleep(n * 4000);
        kill(pid, SIGKILL);
        waitpid(pid, 0, 0);
        emit(at + 64 * n, n + 5);
        sum = sum * 31 + ((int (*)(void))(at + 64 * n))();
    }
    printf("killed: %d\n", sum);
}

// Two coroutines, switched by hand.
static unsigned long stacks[2][2048], saved[2];
void switch_to(unsigned long *from, unsigned long to);
__asm__("switch_to: push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15; mov %rsp,(%rdi)\n"
        "           mov %rsi,%rsp; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp; ret");

static void body(void)
{
    for (int n = 0;; n++) {
        printf("co %d\n", n);
        switch_to(&saved[1], saved[0]);
    }
}

static void coroutines(void)
{
    unsigned long *top = &stacks[1][2040];
    *--top = 0;
    *--top = (unsigned long)body;
    saved[1] = (unsigned long)(top - 6);
    for (int n = 0; n < 5; n++) {
        switch_to(&saved[0], saved[1]);
        printf("main %d\n", n);
    }
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "loop";
    if (!strcmp(how, "loop")) loop();
    if (!strcmp(how, "text")) text();
    if (!strcmp(how, "writable")) patch(); // of an executable linked so (ld -N)
    if (!strcmp(how, "self")) self();
    if (!strcmp(how, "forks")) forks();
    if (!strcmp(how, "killed")) killed();
    if (!strcmp(how, "coroutines")) coroutines();
}
