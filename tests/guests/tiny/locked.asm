; Read-modify-write: plain and locked arithmetic on all widths, xchg, xadd, cmpxchg that succeeds and fails, cmpxchg8b and 16b.
%include "tiny.inc"
section .data
align 16
pair:   dq 1, 2
cell:   dq 0x0101010101010101
begin
        mov ebx, 3
        mov rdx, cell
%macro forms 1
        %1 byte [rdx], 5
        %1 word [rdx+1], bx
        %1 dword [cell+4], ebx
        lock %1 qword [rdx], rbx
        lock %1 byte [rdx+7], 9
        lock %1 dword [rdx], 0x1000
%endmacro
        forms add
        forms or
        clc
        forms adc
        forms sbb
        forms and
        forms sub
        forms xor
        inc byte [rdx]
        lock inc dword [rdx]
        dec word [rdx]
        lock dec qword [rdx]
        not byte [rdx+2]
        lock not qword [rdx]
        neg dword [rdx]
        lock neg word [rdx]
        xchg [rdx], bl
        xchg rbx, [rdx]
        lock xchg [rdx], ebx
        xadd [rdx], ebx
        lock xadd [rdx], rbx
        lock xadd [rdx+3], bl
        mov rax, [rdx]
        cmpxchg [rdx], rbx
        mov rax, 77
        cmpxchg [rdx], rcx
        mov rax, [rdx]
        lock cmpxchg [rdx], rcx
        lock cmpxchg [rdx], rbx
        mov al, [rdx+5]
        lock cmpxchg [rdx+5], bl
        not eax
        lock cmpxchg [rdx+4], bx
        lock cmpxchg [rdx], ebx
        mov eax, 1
        xor edx, edx
        mov ebx, 5
        mov ecx, 6
        lock cmpxchg8b [pair]
        lock cmpxchg8b [pair]
        mov rax, [pair]
        mov rdx, [pair+8]
        lock cmpxchg16b [pair]
        lock cmpxchg16b [pair]
        cmpxchg8b [pair]
        lock bts dword [cell], 3
        lock btr qword [cell], 40
        lock btc word [cell], 9
        finish 5
