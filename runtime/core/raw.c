// Owns the two places where C is not enough: system calls with the kernel's own results, and copies that survive bad addresses.
#include "core.h"

// x86-64 psABI A.2.1: number in rax, arguments in rdi rsi rdx r10 r8 r9; rcx and r11 are destroyed; -4095..-1 is -errno.
long raw(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
  register uint64_t r10 __asm__("r10") = d;
  register uint64_t r8 __asm__("r8") = e;
  register uint64_t r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

// A signal before the instruction, or one after which the kernel would begin it again, makes it give RESTART instead (raw_interrupt).
// Nothing can come between the test and the kernel unseen.
extern const char raw_window[], raw_not_begun[];
extern const char raw_last[], raw_done[];
__asm__(".pushsection .text\n"
        ".globl raw_guest\n"
        ".type raw_guest, @function\n"
        "raw_guest:     mov %rdi, %rax\n"
        "               mov (%rsi), %rdi\n"
        "               mov 16(%rsi), %rdx\n"
        "               mov 24(%rsi), %r10\n"
        "               mov 32(%rsi), %r8\n"
        "               mov 40(%rsi), %r9\n"
        "               mov 8(%rsi), %rsi\n"
        "raw_window:    cmpq $-1, %fs:emu_state@tpoff+0x3c0\n" // host_limit: raised while a signal waits
        "               je raw_not_begun\n"
        "raw_last:      syscall\n"
        "raw_done:      ret\n"
        "raw_not_begun: mov $-512, %rax\n"
        "               ret\n"
        ".size raw_guest, . - raw_guest\n"
        ".popsection\n");

// The same through int 0x80. Where the kernel has no such entry it is a fault, and NO_COMPAT.
extern const char compat_window[], compat_last[], compat_not_begun[], compat_missing[];
__asm__(".pushsection .text\n"
        ".globl raw_compat\n"
        ".type raw_compat, @function\n"
        "raw_compat:       push %rbx\n"
        "                  push %rbp\n"
        "                  mov %rdi, %rax\n"
        "                  mov (%rsi), %rbx\n"
        "                  mov 8(%rsi), %rcx\n"
        "                  mov 16(%rsi), %rdx\n"
        "                  mov 32(%rsi), %rdi\n"
        "                  mov 40(%rsi), %rbp\n"
        "                  mov 24(%rsi), %rsi\n"
        "compat_window:    cmpq $-1, %fs:emu_state@tpoff+0x3c0\n"
        "                  je compat_not_begun\n"
        "compat_last:      int $0x80\n"
        "compat_done:      pop %rbp\n"
        "                  pop %rbx\n"
        "                  ret\n"
        "compat_not_begun: mov $-512, %rax\n"
        "                  jmp compat_done\n"
        "compat_missing:   mov $-513, %rax\n"
        "                  jmp compat_done\n"
        ".size raw_compat, . - raw_compat\n"
        ".popsection\n");

void raw_interrupt(uint64_t *host_pc) {
  if (*host_pc >= (uint64_t)raw_window && *host_pc <= (uint64_t)raw_last) *host_pc = (uint64_t)raw_not_begun;
  if (*host_pc >= (uint64_t)compat_window && *host_pc <= (uint64_t)compat_last) *host_pc = (uint64_t)compat_not_begun;
}

bool raw_interrupted(uint64_t host_pc) { return host_pc == (uint64_t)raw_done; }

// Returns the number of bytes not copied. The fault handler resumes at `raw_copied`; rcx then still counts what is left.
size_t raw_copy(void *to, const void *from, size_t size);
extern const char raw_copying[], raw_copied[];
__asm__(".pushsection .text\n"
        ".globl raw_copy, raw_copying, raw_copied\n"
        ".type raw_copy, @function\n"
        "raw_copy:    mov %rdx, %rcx\n"
        "raw_copying: rep movsb\n"
        "raw_copied:  mov %rcx, %rax\n"
        "             ret\n"
        ".size raw_copy, . - raw_copy\n"
        ".popsection\n");

bool copy_in(void *to, uint64_t from, size_t size) { return raw_copy(to, (const void *)from, size) == 0; }

bool copy_out(uint64_t to, const void *from, size_t size) { return raw_copy((void *)to, from, size) == 0; }

extern const char raw_touching[], raw_not_touched[];
__asm__(".pushsection .text\n"
        ".globl touch\n"
        ".type touch, @function\n"
        "touch:           mov $1, %eax\n"
        "raw_touching:    lock orb $0, (%rdi)\n"
        "                 ret\n"
        "raw_not_touched: xor %eax, %eax\n"
        "                 ret\n"
        ".size touch, . - touch\n"
        ".popsection\n");

bool touch_fails(uint64_t *host_pc) {
  bool fails = *host_pc == (uint64_t)raw_touching;
  if (fails) *host_pc = (uint64_t)raw_not_touched;
  return fails;
}

uint64_t raw_fault_exit(uint64_t host_pc) {
  return host_pc == (uint64_t)raw_copying ? (uint64_t)raw_copied : host_pc == (uint64_t)compat_last ? (uint64_t)compat_missing : 0;
}

uint64_t behind(uint64_t pc, uint8_t opcode) {
  enum { LONGEST = 15 };
  uint8_t byte = 0;
  for (int i = 0; i < LONGEST && byte != opcode && copy_in(&byte, pc, 1); i++) pc++;
  return pc;
}
