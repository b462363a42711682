// Owns emu_stub: where a direct call or jump of generated code goes whose target was not translated ahead of time. In: the guest PC in
// r11, the place of the stub's target in r10 (neither carries anything between regions). All that carries something is kept.
        .text
        .globl  emu_stub
        .type   emu_stub, @function
emu_stub:
        pushq   %rbp
        movq    %rsp, %rbp
        pushq   %rax
        pushq   %rdi
        pushq   %rsi
        andq    $-32, %rsp
        movq    %r11, %rdi
        movq    %r10, %rsi
        callq   emu_stub_target
        movq    %rax, %r11
        leaq    -24(%rbp), %rsp
        popq    %rsi
        popq    %rdi
        popq    %rax
        popq    %rbp
        jmpq    *%r11
        .size   emu_stub, . - emu_stub
        .section .note.GNU-stack, "", @progbits
