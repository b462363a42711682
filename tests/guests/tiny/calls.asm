; Calls: direct, through registers, memory and tables; recursion; ret with a count; a call whose target pops its return address.
%include "tiny.inc"
section .data
table:  dq one, two, three
pointer: dq two
begin
        call one
        mov rbx, three
        call rbx
        call [pointer]
        mov ecx, 2
.next:  call [table+rcx*8]
        dec ecx
        jns .next
        mov edi, 7
        call fib
        push 11
        push 22
        call two_arguments
        call .here
.here:  pop rdx
        mov rsi, table
        call qword [rsi+8]
        push .after
        ret
        ud2
.after: finish 2
one:    inc eax
        ret
two:    add eax, 2
        call one
        ret
three:  lea rax, [rax+rax*2]
        jmp two
two_arguments:
        mov rax, [rsp+8]
        add rax, [rsp+16]
        ret 16
fib:    cmp edi, 2
        jae .more
        mov eax, edi
        ret
.more:  push rdi
        dec edi
        call fib
        pop rdi
        push rax
        sub edi, 2
        call fib
        pop rdx
        add eax, edx
        ret
