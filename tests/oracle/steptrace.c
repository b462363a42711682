/*
 * Owns the event oracle: runs a program under ptrace, one instruction at a time, and logs its registers before each.
 *
 *     steptrace OUTFILE -- PROGRAM [ARGS...]
 *
 * The program runs with address randomisation off and the environment it is given here. OUTFILE is a 32-byte header
 * (magic "EMUSTEP\x01", u64 number of records, u64 kind of end: 1 exited, 2 killed, u64 exit code or signal) followed by
 * records of 20 little-endian u64: rip, rflags, rax rcx rdx rbx rsp rbp rsi rdi r8..r15 (hardware encoding order), fsbase,
 * gsbase. A record is written for every trap of the CPU's trap flag, so a rep instruction gives one record per iteration
 * (the reader joins them, see README.md); an instruction that faults has a record and no successor. rflags is without the
 * trap flag that stepping itself sets (TF) and without RF. steptrace ends as its program ended: same exit code, 128 + signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS = 20, TRAP_FLAG = 0x100, RESUME_FLAG = 0x10000 };

struct header {
    char magic[8];
    uint64_t records, kind, status;
};

_Noreturn static void fail(const char *what)
{
    fprintf(stderr, "steptrace: %s: %s\n", what, strerror(errno));
    exit(125);
}

enum leak { LEAKS_NOTHING, LEAKS_INTO_R11, LEAKS_ONTO_STACK };

/* Stepping sets TF, which syscall copies to r11 and pushf to the stack: does the instruction at `rip` do so? */
static enum leak trap_flag_leak(pid_t pid, uint64_t rip)
{
    uint64_t word = (uint64_t)ptrace(PTRACE_PEEKTEXT, pid, (void *)rip, NULL);
    if ((word & 0xffff) == 0x050f)
        return LEAKS_INTO_R11;
    if ((word & 0xff) == 0x66 || (word & 0xf0) == 0x40)
        word >>= 8;
    return (word & 0xff) == 0x9c ? LEAKS_ONTO_STACK : LEAKS_NOTHING;
}

/* Takes back what trap_flag_leak foretold, so that the program never sees that it is stepped. */
static void hide_trap_flag(pid_t pid, enum leak leak, struct user_regs_struct *r)
{
    if (leak == LEAKS_INTO_R11) {
        r->r11 &= ~(uint64_t)TRAP_FLAG;
        if (ptrace(PTRACE_SETREGS, pid, NULL, r) != 0)
            fail("PTRACE_SETREGS");
    } else if (leak == LEAKS_ONTO_STACK) {
        uint64_t top = (uint64_t)ptrace(PTRACE_PEEKDATA, pid, (void *)r->rsp, NULL);
        if (ptrace(PTRACE_POKEDATA, pid, (void *)r->rsp, (void *)(top & ~(uint64_t)TRAP_FLAG)) != 0)
            fail("PTRACE_POKEDATA");
    }
}

static void log_registers(FILE *to, pid_t pid, enum leak *leak)
{
    struct user_regs_struct r;
    if (ptrace(PTRACE_GETREGS, pid, NULL, &r) != 0)
        fail("PTRACE_GETREGS");
    hide_trap_flag(pid, *leak, &r);
    *leak = trap_flag_leak(pid, r.rip);
    uint64_t flags = r.eflags & ~(uint64_t)(TRAP_FLAG | RESUME_FLAG);
    uint64_t record[WORDS] = {r.rip, flags, r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi, r.r8,
                              r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.fs_base, r.gs_base};
    if (fwrite(record, sizeof record, 1, to) != 1)
        fail("write");
}

_Noreturn static void become(char **program)
{
    if (personality(ADDR_NO_RANDOMIZE) == -1)
        fail("personality");
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        fail("PTRACE_TRACEME");
    execvp(program[0], program);
    fail(program[0]);
}

/* Steps until the program is gone; returns how many records were written and its wait status. */
static uint64_t follow(FILE *to, pid_t pid, int *status)
{
    uint64_t records = 0;
    int deliver = 0;
    enum leak leak = LEAKS_NOTHING;
    for (;;) {
        if (waitpid(pid, status, 0) != pid)
            fail("waitpid");
        if (!WIFSTOPPED(*status))
            return records;
        deliver = WSTOPSIG(*status) == SIGTRAP ? 0 : WSTOPSIG(*status);
        if (deliver == 0) {
            log_registers(to, pid, &leak);
            records++;
        }
        if (ptrace(PTRACE_SINGLESTEP, pid, NULL, (void *)(intptr_t)deliver) != 0 && errno != ESRCH)
            fail("PTRACE_SINGLESTEP");
    }
}

int main(int argc, char **argv)
{
    if (argc < 4 || strcmp(argv[2], "--") != 0) {
        fprintf(stderr, "usage: steptrace OUTFILE -- PROGRAM [ARGS...]\n");
        return 125;
    }
    FILE *to = fopen(argv[1], "wbe");
    if (to == NULL)
        fail(argv[1]);
    struct header head = {.magic = "EMUSTEP\x01"};
    if (fwrite(&head, sizeof head, 1, to) != 1)
        fail("write");
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0)
        become(argv + 3);
    int status = 0;
    head.records = follow(to, pid, &status);
    head.kind = WIFEXITED(status) ? 1 : 2;
    head.status = (uint64_t)(WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    if (fseek(to, 0, SEEK_SET) != 0 || fwrite(&head, sizeof head, 1, to) != 1 || fclose(to) != 0)
        fail(argv[1]);
    return head.kind == 1 ? (int)head.status : 128 + (int)head.status;
}
