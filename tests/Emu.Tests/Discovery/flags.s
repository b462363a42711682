# Owns one guest for the flag liveness test: flags that cross calls, as hand-written assembly does.
        .globl _start, sets_carry, passes_carry, reads_zero, ordinary, tail_carry, through_pointer
        .text
_start:
        call sets_carry
        jc 1f
        call passes_carry
        adc $0, %rax
1:      cmp $5, %rax
        call reads_zero
        call ordinary
        test %eax, %eax
        call tail_carry
        sbb %rax, %rax
        lea pointer(%rip), %rax
        call *(%rax)
        js 2f
2:      mov $60, %eax
        xor %edi, %edi
        syscall
        hlt

        .type sets_carry, @function
sets_carry:
        bt $3, %rax
        ret

        .type passes_carry, @function
passes_carry:                           # inc leaves carry alone: the caller's carry reaches the adc
        inc %rbx
        ret

        .type reads_zero, @function
reads_zero:
        cmovz %rbx, %rax
        shl %cl, %rax
        ret

        .type ordinary, @function
ordinary:
        add %rbx, %rax
        ret

        .type tail_carry, @function
tail_carry:
        nop
        jmp sets_carry

        .type through_pointer, @function
through_pointer:
        sub $1, %rbx
        ret

        .data
        .balign 8
pointer: .quad through_pointer
