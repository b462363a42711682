; The stack: every form of push and pop, pushf/popf, enter at nesting 0 to 3, leave, stack pointer as operand and as address.
%include "tiny.inc"
section .data
cell:   dq 0x1122334455667788, 0
begin
        push 5
        push -129
        push 0x12345678
        push word 77
        pop ax
        push rsp
        pop rbx
        push rax
        pop rcx
        push r13
        pop r14
        push qword [cell]
        pop qword [cell+8]
        push word [cell]
        pop word [cell+10]
        push qword [rsp+8]
        pop qword [rsp+16]
        push qword [rsp]
        pop qword [rsp]
        pushfq
        pop rdx
        and edx, 0xcd5
        cmp edx, 0x7fffffff
        pushfq
        popfq
        push rbp
        mov rbp, rsp
        sub rsp, 32
        mov [rbp-8], rdx
        mov rdx, [rsp+24]
        leave
        mov rbp, stack_top
        sub rbp, 512
        enter 16, 0
        mov [rbp-16], rsp
        enter 24, 1
        enter 8, 2
        enter 0, 3
        leave
        leave
        leave
        leave
        mov rax, rsp
        push rax
        pop rsp
        mov rsp, stack_top
        finish 3
