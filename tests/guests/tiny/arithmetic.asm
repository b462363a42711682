; Arithmetic with memory operands: mul, div, shifts, rotates, double shifts, compares, carry chains, all one instruction at a time.
%include "tiny.inc"
section .data
cell:   dq 0x123456789abcdef0, 7, 0x8000000000000001
begin
        mov rbx, cell
        mov rax, 1000003
        mul qword [rbx]
        mov eax, 77
        mul dword [rbx]
        mov ax, 300
        mul word [rbx]
        mov al, 20
        mul byte [rbx+1]
        imul qword [rbx+8]
        imul rax, [rbx+8]
        imul eax, [rbx], 1000
        imul ecx, eax, -5
        xor edx, edx
        mov rax, [rbx]
        div qword [rbx+8]
        xor edx, edx
        mov eax, 1000
        idiv dword [rbx+8]
        mov ax, 1000
        div byte [rbx+8]
        cwd
        idiv word [rbx+8]
        shl qword [rbx], 3
        shr dword [rbx], 1
        sar word [rbx+2], 2
        sal byte [rbx], 1
        mov cl, 5
        shl qword [rbx], cl
        shr qword [rbx], cl
        mov cl, 0
        shl dword [rbx], cl
        rol qword [rbx], 7
        ror dword [rbx], 1
        rcl word [rbx], 1
        rcr byte [rbx], 1
        mov cl, 9
        rcl qword [rbx], cl
        rol byte [rbx+1], cl
        shld [rbx], rax, 12
        shrd [rbx], eax, cl
        cmp [rbx], rax
        cmp rax, [rbx]
        cmp byte [rbx], 5
        test [rbx], eax
        test dword [rbx], 0x10000
        mov qword [rbx], -5
        mov word [rbx+3], 0x1234
        clc
        adc rax, [rbx+16]
        adc rdx, [rbx]
        sbb rax, [rbx+8]
        adc qword [rbx], 0
        std
        cld
        cmc
        finish 12
