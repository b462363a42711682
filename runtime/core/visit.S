// Owns emu_visit: what generated code calls at a loop's safepoint, with the guest's registers where a region's arguments are, and the rest in
// emu_state. Every host register is kept.
// Gives ZF = 1 when the loop goes on, 0 when the guest is elsewhere.
        .text
        .globl  emu_visit
        .type   emu_visit, @function
emu_visit:
        pushq   %rbp
        movq    %rsp, %rbp
        .irp    r, rax, rcx, rdx, rbx, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
        pushq   %\r
        .endr
        subq    $(16 * 32), %rsp
        andq    $-32, %rsp
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vmovdqa %ymm\n, (32 * \n)(%rsp)
        .endr
        callq   emu_keep // as every register still is what it was
        vzeroupper
        cld
        callq   emu_visited
        testb   %al, %al
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vmovdqa (32 * \n)(%rsp), %ymm\n
        .endr
        leaq    (-14 * 8)(%rbp), %rsp
        .irp    r, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbx, rdx, rcx, rax
        popq    %\r
        .endr
        popq    %rbp
        ret
        .size   emu_visit, . - emu_visit
        .section .note.GNU-stack, "", @progbits
