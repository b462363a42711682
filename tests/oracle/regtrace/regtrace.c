/* Owns the log of the regtrace plugin: 18 words an instruction, written to the file that REGTRACE names. */
#include <emu/probe.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static int log_file = -1;

EMU_PROBE void before_instruction(uint64_t rip, uint64_t rflags, uint64_t rax, uint64_t rcx, uint64_t rdx, uint64_t rbx, uint64_t rsp, uint64_t rbp, uint64_t rsi,
                        uint64_t rdi, uint64_t r8, uint64_t r9, uint64_t r10, uint64_t r11, uint64_t r12, uint64_t r13, uint64_t r14, uint64_t r15)
{
    const uint64_t words[18] = {rip, rflags, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15};
    if (log_file < 0)
        log_file = open(getenv("REGTRACE"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (write(log_file, words, sizeof words) != (ssize_t)sizeof words)
        abort();
}
