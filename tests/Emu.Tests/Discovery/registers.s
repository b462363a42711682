# Owns one guest for the liveness test: registers that cross calls, and those that only seem to.
        .globl _start, clobbers, keeps, maybe, variadic_user, other_caller
        .text
_start:
        mov $1, %r9d                    # r9 and xmm9 are kept over calls of functions known to leave them alone
        pxor %xmm9, %xmm9
        call keeps
        add %r9, %rax
        movq %xmm9, %rdx
        call clobbers
        add %r9, %rax
        movq %xmm9, %rdx
        mov $2, %r9d
        call maybe
        add %r9, %rax
        call other_caller
        mov $60, %eax
        xor %edi, %edi
        syscall
        hlt

        .type keeps, @function
keeps:
        mov $1, %eax
        ret
        .size keeps, . - keeps

        .type clobbers, @function
clobbers:
        mov $3, %r9d
        pcmpeqd %xmm9, %xmm9
        ret
        .size clobbers, . - clobbers

        .type maybe, @function
maybe:
        test %eax, %eax
        jz 1f
        mov $4, %r9d
1:      ret
        .size maybe, . - maybe

        .type other_caller, @function
other_caller:
        call keeps
        xor %r9d, %r9d
        pxor %xmm9, %xmm9
        call variadic_user
        ret
        .size other_caller, . - other_caller

        .type variadic_user, @function
variadic_user:
        call overwrites
        xor %eax, %eax
        call variadic
        ret
        .size variadic_user, . - variadic_user

        .type overwrites, @function
overwrites:
        xor %r9d, %r9d
        pxor %xmm2, %xmm2
        ret
        .size overwrites, . - overwrites

        .type variadic, @function
variadic:
        sub $0xd8, %rsp
        mov %rcx, 0x38(%rsp)
        mov %r8, 0x40(%rsp)
        mov %r9, 0x48(%rsp)
        test %al, %al
        je 1f
        movaps %xmm0, 0x50(%rsp)
        movaps %xmm2, 0x60(%rsp)
1:      add $0xd8, %rsp
        ret
        .size variadic, . - variadic
