// Owns the truth about control flow: runs a program step by step under ptrace and writes what it executed.
// usage: steps OUTPUT PROGRAM ARGS...   OUTPUT: u64 run-time address of the entry point, then pairs of u64 (from, to), each once,
// for every two instructions executed one after the other (the first pair's `from` is 0).
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS = 1 << 22 };

struct pair {
    uint64_t from, to;
};

static struct pair seen[SLOTS];

static void note(FILE *output, uint64_t from, uint64_t to)
{
    uint64_t at = (from * 0x9e3779b97f4a7c15u ^ to * 0xc2b2ae3d27d4eb4fu) >> 20 & (SLOTS - 1);
    for (; seen[at].to != 0; at = (at + 1) & (SLOTS - 1))
        if (seen[at].from == from && seen[at].to == to)
            return;
    seen[at] = (struct pair){from, to};
    fwrite(&seen[at], sizeof seen[at], 1, output);
}

int main(int argc, char **argv)
{
    FILE *output = argc > 2 ? fopen(argv[1], "wb") : NULL;
    if (output == NULL)
        return 2;
    pid_t child = fork();
    if (child == 0) {
        personality(ADDR_NO_RANDOMIZE);
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execv(argv[2], argv + 2);
        _exit(127);
    }
    uint64_t from = 0;
    int status, signal = 0;
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        struct user_regs_struct registers;
        ptrace(PTRACE_GETREGS, child, 0, &registers);
        if (from == 0)
            fwrite(&registers.rip, sizeof registers.rip, 1, output);
        note(output, from, registers.rip);
        from = registers.rip;
        signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
        ptrace(PTRACE_SINGLESTEP, child, 0, signal);
    }
    fclose(output);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
