// Eight threads without a libc, whose instructions are the same in every run: nobody waits for anybody, the first leaves when it has made the last.
char stacks[8][65536] __attribute__((aligned(16), used));
static volatile long cells[8];
__attribute__((noinline)) static long leaf(long n) { return n * 3 + 1; }
__attribute__((noinline, used)) void work(long me) {
    for (long i = 0; i < 2000 + me; i++) {
        for (long j = 0; j < 50; j++) cells[me] += j;
        cells[me] += leaf(i);
        if (i % 3 == me) cells[me]--;
    }
}
__asm__(".globl _start\n"
        "_start: xor %ebx, %ebx\n"
        "1:      mov %rbx, %rsi\n"
        "        inc %rsi\n"
        "        shl $16, %rsi\n"
        "        add $stacks, %rsi\n"
        "        mov $0x50f00, %edi\n" // VM FS FILES SIGHAND THREAD SYSVSEM
        "        mov $56, %eax\n"
        "        syscall\n"
        "        test %rax, %rax\n"
        "        jns 4f\n ud2\n4: jnz 2f\n"
        "        mov %rbx, %rdi\n"
        "        call work\n"
        "        jmp 3f\n"
        "2:      inc %ebx\n"
        "        cmp $8, %ebx\n"
        "        jne 1b\n"
        "3:      mov $60, %eax\n"
        "        mov $7, %edi\n"
        "        syscall\n");
