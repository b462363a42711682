/* Owns what the freestanding kernels share: _start, write and exit, a random source. */
typedef unsigned long u64;
typedef unsigned u32;
typedef unsigned char u8;
typedef long i64;

static inline long sys3(long n, long a, long b, long c)
{
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return r;
}

static void puthex(u64 v)
{
    char b[18];
    for (int i = 15; i >= 0; i--) {
        int d = v & 15;
        b[i] = d < 10 ? '0' + d : 'a' + d - 10;
        v >>= 4;
    }
    b[16] = '\n';
    sys3(1, 1, (long)b, 17);
}

static u64 rng_s = 88172645463325252ull;

static inline u64 rng(void)
{
    rng_s ^= rng_s << 13;
    rng_s ^= rng_s >> 7;
    rng_s ^= rng_s << 17;
    return rng_s;
}

long bench(void);

#ifdef TICKS
/* A timer at 1 kHz while the kernel runs. Its handler looks at its own stack, at the registers in its context, and leaves none as it was. */
extern char __executable_start[], etext[];
static u64 stack, ticks, wrong;
void tick(void);
void tick_return(void);
__asm__("tick: mov %rsp, %rcx\n pushf\n pop %r8\n jmp ticked\ntick_return: mov $15, %eax\n syscall\n");

void ticked(long signal, u64 *info, u64 *context, u64 rsp, u64 flags)
{
    enum { RSP = 5 + 15, RIP, EFLAGS, SEGMENTS, FPU = RIP + 7 };
    u64 interrupted = context[RSP], selectors = context[SEGMENTS];
    u8 *fpu = (u8 *)context[FPU];
    if (signal != 14 || (int)info[0] != 14) wrong |= 1;
    if (rsp % 16 != 8 || rsp > interrupted - 128 || *(u64 *)rsp != (u64)tick_return) wrong |= 2;
    if (interrupted > stack || stack - interrupted > 8 << 20) wrong |= 4;
    if (context[RIP] < (u64)__executable_start || context[RIP] >= (u64)etext) wrong |= 8;
    if (flags & 0x400 || (u32)context[EFLAGS] & 0x400 || !(context[EFLAGS] & 0x200)) wrong |= 16;
    if ((selectors & 0xffff) != 0x33 || selectors >> 48 != 0x2b) wrong |= 32;
    if ((u64)fpu % 64 || (*(u32 *)(fpu + 24) & ~0x3f) != 0x1f80 || *(u32 *)(fpu + 464) != 0x46505853) wrong |= 64;
    ticks++;
    __asm__ volatile("fninit; fldpi; fldpi; fldl2e\n pcmpeqd %%xmm0, %%xmm0\n .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n movdqa %%xmm0, %%xmm\\n\n .endr\n"
                     ".irp r, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15\n mov $-1, %%\\r\n .endr\n stc"
                     : : : "rax", "rcx", "rdx", "rsi", "rdi", "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3",
                       "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void begin_ticks(void)
{
    u64 action[4] = {(u64)tick, 0x04000000 | 0x10000000 | 4, (u64)tick_return, 0}, every[4] = {0, 1000, 0, 1000};
    register long size __asm__("r10") = 8;
    long result;
    stack = (u64)__builtin_frame_address(0);
    __asm__ volatile("syscall" : "=a"(result) : "a"(13), "D"(14), "S"(action), "d"(0), "r"(size) : "rcx", "r11", "memory");
    sys3(38, 0, (long)every, 0);
}

static int end_ticks(void)
{
    u64 never[4] = {0};
    sys3(38, 0, (long)never, 0);
    puthex(wrong);
    return ticks < 10;
}
#else
static void begin_ticks(void) {}
static int end_ticks(void) { return 0; }
#endif

void start_c(void)
{
    begin_ticks();
    puthex(bench());
    sys3(231, end_ticks(), 0, 0);
}

__asm__(".globl _start\n_start: xor %ebp,%ebp\n and $-16,%rsp\n call start_c\n hlt\n");
