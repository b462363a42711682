// Random code that patches itself while it runs: ahead in the same block, elsewhere in its region, from callees, through another mapping and from signal
// handlers. One line for each piece of code: a digest of what it computes, and of what it has become.
//     patches SEED PIECES MOST_RUNS anonymous|shared|text
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { SIZE = 8192, MOST = 64, RAX = 0, RCX = 1, RDX = 2, RSI = 6, RDI = 7, R8 = 8, R9 = 9, R10 = 10, R11 = 11 };
static const int data[] = {RAX, RDX, RSI, R8, R9, R10}; // rdi is the code's address, rcx counts loops, r11 is for moments

__attribute__((section(".text.room"), aligned(4096))) static void room(void) { __asm__ volatile(".skip 8192, 0xcc"); }

static uint64_t dice;
static uint32_t roll(uint32_t faces)
{
    dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
    return (uint32_t)(dice >> 20) % faces;
}

#define PLACE ((void *)0x200000000)
static uint8_t *code, *other; // where it runs, and the same memory at another address, if it has one
static size_t used;
static int memory; // /proc/self/mem

static void byte(unsigned b) { code[used++] = (uint8_t)b; }
static void word(uint32_t w) { memcpy(code + used, &w, 4), used += 4; }
static void address(uint64_t a) { memcpy(code + used, &a, 8), used += 8; }
static void bytes(const char *text, size_t size) { memcpy(code + used, text, size), used += size; }
#define BYTES(text) bytes(text, sizeof text - 1)

// A place that may be patched, and what it may become.
struct place {
    size_t at;
    enum { IMMEDIATE4, IMMEDIATE1, OPERATION, OPCODE, CONDITION } kind;
    unsigned operand;
};
static struct place places[MOST];
static int place_count;

// A store that is emitted before all places are known: the bytes that hold its displacement or address, and its value.
struct hole {
    size_t displacement, next, value; // value 0: a register's
    int kind;                         // 0: a byte, 1: four; 2: for a handler
};
static struct hole holes[MOST];
static int hole_count;

static void place(int kind, size_t at, unsigned operand)
{
    if (place_count < MOST) places[place_count++] = (struct place){at, kind, operand};
}

static void rex(int reg, int rm) { byte(0x48 | (reg > 7) << 2 | (rm > 7)); }

static void compute(void)
{
    int r = data[roll(6)], s = data[roll(6)];
    static const uint8_t groups[] = {0, 1, 4, 5, 6}, opcodes[] = {0x01, 0x09, 0x29, 0x31};
    switch (roll(6)) {
    case 0: // add, or, and, sub, xor r, imm32
        rex(0, r), byte(0x81);
        place(OPERATION, used, r & 7);
        byte(0xc0 | groups[roll(5)] << 3 | (r & 7));
        place(IMMEDIATE4, used, 0), word(roll(1u << 31));
        break;
    case 1: // mov r32, imm32
        if (r > 7) byte(0x41);
        byte(0xb8 | (r & 7)), place(IMMEDIATE4, used, 0), word(roll(1u << 31));
        break;
    case 2: // add, or, sub, xor r, r
        rex(s, r), place(OPCODE, used, 0), byte(opcodes[roll(4)]), byte(0xc0 | (s & 7) << 3 | (r & 7));
        break;
    case 3: // rol r, imm8
        rex(0, r), byte(0xc1), byte(0xc0 | (r & 7)), place(IMMEDIATE1, used, 0), byte(roll(63));
        break;
    case 4: // lea r, [s + disp32]
        rex(r, s), byte(0x8d), byte(0x80 | (r & 7) << 3 | (s & 7)), place(IMMEDIATE4, used, 0), word(roll(1u << 31));
        break;
    default: // cmp r, s; jcc over a mov
        rex(s, r), byte(0x39), byte(0xc0 | (s & 7) << 3 | (r & 7));
        place(CONDITION, used, 0), byte(0x70 | roll(16)), byte(5);
        byte(0xb8), place(IMMEDIATE4, used, 0), word(roll(1u << 31));
    }
}

static void hole(int kind, size_t displacement, size_t next, size_t value)
{
    if (hole_count < MOST) holes[hole_count++] = (struct hole){displacement, next, value, kind};
}

// Bytes, a displacement from rip, an immediate of so many bytes.
static void store(const char *text, size_t size, int kind, int immediate)
{
    bytes(text, size);
    size_t at = used;
    word(0);
    size_t value = immediate ? used : 0;
    for (int i = 0; i < immediate; i++) byte(0);
    hole(kind, at, used, value);
}
#define STORE(text, kind, immediate) store(text, sizeof text - 1, kind, immediate)

// With the address in r11 and the value in eax: the callee, which keeps all registers, has it done somehow.
void patch_for_code(void);
__asm__("patch_for_code: push %rax; push %rcx; push %rdx; push %rsi; push %rdi; push %r8; push %r9; push %r10; push %rbp\n"
        "                mov %rsp, %rbp; and $-16, %rsp; mov %r11, %rdi; mov %eax, %esi; call patch_somehow; mov %rbp, %rsp\n"
        "                pop %rbp; pop %r10; pop %r9; pop %r8; pop %rdi; pop %rsi; pop %rdx; pop %rcx; pop %rax; ret");

static volatile uint32_t *wanted_at, wanted;
static void on_user(int signal) { *wanted_at = wanted; }
static uint32_t calls;

static void serialise(void)
{
    unsigned a = 0, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d) : : "memory");
}

__attribute__((used)) static void patch_somehow(uint32_t *at, uint32_t value)
{
    switch (calls++ % 4) {
    case 0: *(volatile uint32_t *)at = value; break;
    case 1: wanted_at = at, wanted = value, raise(SIGUSR1); break;
    case 2: pwrite(memory, &value, 4, (off_t)(uintptr_t)at); break;
    default:
        if (other) *(volatile uint32_t *)(other + ((uint8_t *)at - code)) = value, serialise();
        else *(volatile uint32_t *)at = value;
    }
}

// What the handlers of int3 and of a bad load do.
static struct {
    uint8_t *after, *at;
    uint32_t value;
} traps[MOST];
static int trap_count;

static void on_trap(int signal, siginfo_t *info, void *context)
{
    uint8_t *pc = (uint8_t *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    if (signal == SIGSEGV) memcpy(pc, "\x0f\x1f\x00", 3); // the load itself becomes a nop
    for (int i = 0; signal == SIGTRAP && i < trap_count; i++)
        if (traps[i].after == pc) memcpy(traps[i].at, &traps[i].value, 4);
}

static void change(void)
{
    switch (roll(12)) {
    case 0: STORE("\xc6\x05", 0, 1); break;         // mov byte [rip + d], imm8
    case 1: STORE("\xc7\x05", 1, 4); break;         // mov dword [rip + d], imm32
    case 2: STORE("\x89\x05", 1, 0); break;         // mov [rip + d], eax
    case 3: STORE("\x87\x05", 1, 0); break;         // xchg [rip + d], eax
    case 4: BYTES("\x66\x0f\x6e\xc0"), STORE("\x66\x0f\x7e\x05", 1, 0); break; // movd xmm0, eax; movd [rip + d], xmm0
    case 5: // mov byte [rdi + disp32], imm8
        BYTES("\xc6\x87"), word(0), byte(0), hole(0, used - 5, 0, used - 1);
        break;
    case 6: // lea rsp, [rip + d]; push ax: in the middle of the four bytes
        BYTES("\x49\x89\xe3"), STORE("\x48\x8d\x25", 1, 0), BYTES("\x48\x83\xc4\x03\x66\x50\x4c\x89\xdc");
        break;
    case 7: // rep stosb
        BYTES("\x49\x89\xcb"), STORE("\x48\x8d\x3d", 1, 0), BYTES("\xb9\x03\x00\x00\x00\xf3\xaa\x4c\x89\xd9\x48\xbf"), address((uint64_t)code);
        break;
    case 8: // a bad load
        BYTES("\x41\xbb\x10\x00\x00\x00\x4d\x8b\x1b");
        break;
    case 9: // int3
        byte(0xcc), hole(2, 0, used, 0);
        break;
    default: // lea r11, [rip + d]; call patch_for_code
        STORE("\x4c\x8d\x1d", 1, 0);
        BYTES("\x55\x48\xbd"), address((uint64_t)patch_for_code), BYTES("\xff\xd5\x5d");
    }
}

// What a byte of a place may become.
static unsigned choice(const struct place *p)
{
    static const uint8_t groups[] = {0, 1, 4, 5, 6}, opcodes[] = {0x01, 0x09, 0x29, 0x31};
    switch (p->kind) {
    case OPERATION: return 0xc0 | groups[roll(5)] << 3 | p->operand;
    case OPCODE: return opcodes[roll(4)];
    case CONDITION: return 0x70 | roll(16);
    default: return roll(63);
    }
}

static void fill(const struct hole *h)
{
    const struct place *p;
    do p = &places[roll(place_count)];
    while (h->kind && p->kind != IMMEDIATE4);
    uint32_t value = p->kind == IMMEDIATE4 ? roll(1u << 31) : choice(p), distance = (uint32_t)(p->at - h->next);
    if (h->kind == 2) traps[trap_count].after = code + h->next, traps[trap_count].at = code + p->at, traps[trap_count++].value = value;
    else memcpy(code + h->displacement, &distance, 4);
    if (h->value) memcpy(code + h->value, &value, h->kind ? 4 : 1);
}

static void generate(void)
{
    used = 0, place_count = hole_count = trap_count = 0;
    BYTES("\x48\x89\xf8\x48\xbf"), address((uint64_t)code); // mov rax, rdi; mov rdi, code
    for (int i = 1; i < 6; i++) byte(data[i] > 7 ? 0x41 : 0x90), byte(0xb8 | (data[i] & 7)), place(IMMEDIATE4, used, 0), word(roll(1u << 31));
    for (int parts = 1 + roll(4); parts--;) {
        bool loops = roll(2);
        if (loops) byte(0xb9), word(1 + roll(6)); // mov ecx, n
        size_t start = used;
        for (int n = 2 + roll(10); n--;) roll(4) ? compute() : change();
        if (loops) BYTES("\xff\xc9\x0f\x85"), word((uint32_t)(start - used - 4)); // dec ecx; jnz start
        else if (roll(2)) BYTES("\xeb\x00"); // jmp to the next
    }
    for (int i = 1; i < 6; i++) rex(data[i], RAX), byte(0x01), byte(0xc0 | (data[i] & 7) << 3); // add rax, r
    byte(0xc3);
    for (int i = 0; i < hole_count; i++) fill(&holes[i]);
}

static uint64_t digest(uint64_t sum, uint64_t value) { return (sum ^ value) * 0x9e3779b97f4a7c15u ^ sum >> 29; }

static void map(const char *where)
{
    if (!strcmp(where, "text")) {
        mprotect(code = (uint8_t *)(((uintptr_t)room + 4095) & -4096ul), 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    } else if (!strcmp(where, "shared")) {
        int file = memfd_create("code", 0);
        ftruncate(file, SIZE);
        code = mmap(PLACE, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_FIXED, file, 0);
        other = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    } else {
        code = mmap(PLACE, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = strtoull(argv[1], 0, 0);
    int pieces = atoi(argv[2]), most = atoi(argv[3]);
    struct sigaction trap = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO}, user = {.sa_handler = on_user};
    sigaction(SIGTRAP, &trap, 0), sigaction(SIGSEGV, &trap, 0), sigaction(SIGUSR1, &user, 0);
    memory = open("/proc/self/mem", O_RDWR);
    map(argv[4]);
    for (int piece = 0; piece < pieces; piece++) {
        dice = (seed + (uint64_t)piece) * 0x9e3779b97f4a7c15u | 1;
        for (int i = 0; i < 4; i++) roll(2);
        generate();
        calls = roll(4);
        uint64_t sum = 0;
        int runs = roll(8) ? 1 + (int)roll(8) : roll(3) ? 100 : 3000;
        for (int run = 0; run < runs && run < most; run++) sum = digest(sum, ((uint64_t (*)(uint64_t))code)(sum));
        for (size_t i = 0; i < used; i++) sum = digest(sum, code[i]);
        printf("%llu %016llx\n", (unsigned long long)(seed + piece), (unsigned long long)sum), fflush(stdout);
    }
}
