// What Packer.cs puts in front of a packed program, at STUB: maps its segments, unpacks them, tells the program by the auxiliary vector
// where its program headers are, and goes on at its entry. No data of its own, so that the text alone is the stub.
#include <elf.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

struct packed {
  uint64_t entry, headers, header_count, segments;
  struct {
    uint64_t at, size, unpacked, protection;
  } segment[];
};

__asm__(".globl _start\n"
        "_start: mov %rsp, %rdi\n"
        "        push %rax\n"
        "        call unpack\n"
        "        pop %rdx\n"
        "        xor %edx, %edx\n"
        "        jmp *%rax");

static long call(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return number;
}

// A control byte below 128: so many bytes and one more follow. Else: 128 less, and 3 more, from so far back as the next two bytes say.
static const uint8_t *expand(const uint8_t *from, uint8_t *to, uint8_t *end) {
  while (to < end) {
    uint8_t control = *from++;
    const uint8_t *source = from;
    unsigned length = control < 128 ? control + 1 : control - 128 + 3;
    if (control >= 128) source = to - (from[0] | from[1] << 8), from += 2;
    else from += length;
    while (length--) *(volatile uint8_t *)to++ = *source++; // no rep: it may overlap
  }
  return from;
}

uint64_t unpack(uint64_t *stack) {
  const struct packed *packed = (const struct packed *)PACKED;
  const uint8_t *from = (const uint8_t *)&packed->segment[packed->segments];
  for (uint64_t i = 0; i < packed->segments; i++) {
    uint64_t at = packed->segment[i].at, page = at & -4096ul, size = at + packed->segment[i].size - page;
    call(SYS_mmap, page, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    from = expand(from, (uint8_t *)at, (uint8_t *)at + packed->segment[i].unpacked);
    call(SYS_mprotect, page, size, packed->segment[i].protection, 0, 0, 0);
  }
  uint64_t *word = stack + 1 + *stack + 1;
  while (*word++) continue; // the environment
  for (; word[0] != AT_NULL; word += 2) {
    if (word[0] == AT_PHDR) word[1] = packed->headers;
    if (word[0] == AT_PHNUM) word[1] = packed->header_count;
    if (word[0] == AT_ENTRY) word[1] = packed->entry;
  }
  return packed->entry;
}
