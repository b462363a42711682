# One region as the translator would make it: enters play.c with all guest registers in emu_state, and leaves with what it left there.
# Its line table says "line = guest PC" (0x401000 is _start of guest.s).
    .file 1 "guest"
    .text
    .globl emu_r_start
    .type emu_r_start, @function
emu_r_start:
    .loc 1 0x401000
    mov %rax, %fs:emu_state@tpoff+32
    mov %rcx, %fs:emu_state@tpoff+8
    mov %rdx, %fs:emu_state@tpoff+16
    push %rbp
    push %rbx
    sub $8, %rsp
    call play
    add $8, %rsp
    pop %rbx
    pop %rbp
    mov %fs:emu_state@tpoff+128, %rax
    mov %fs:emu_state@tpoff+32, %r9
    ret

    .globl fault_here, deep_here, divide_here
fault_here:
    .loc 1 0x401000
    nop
    .loc 1 0x401001
    mov 0x18, %rax
    ret
divide_here:
    .loc 1 0x401004
    xor %ecx, %ecx
    div %ecx
    ret
deep_here:
    .loc 1 0x401008
    sub $0x1000, %rsp
    push %rax
    jmp deep_here
    .loc 1 0x401008
    ret
