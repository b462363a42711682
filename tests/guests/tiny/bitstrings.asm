; Bit strings: bt, bts, btr, btc on memory with register offsets far to both sides, with immediates, and on registers.
%include "tiny.inc"
section .bss
alignb 64
map:    resb 512
begin
        mov rbx, map+256
%macro forms 1
        mov rax, 0
        %1 [rbx], rax
        mov rax, 63
        %1 [rbx], rax
        mov rax, 64
        %1 [rbx], rax
        mov rax, -1
        %1 [rbx], rax
        mov rax, -1000
        %1 [rbx+8], rax
        mov eax, 1000
        %1 [rbx], eax
        mov eax, -33
        %1 [rbx+4], eax
        mov ax, 999
        %1 [rbx], ax
        mov ax, -17
        %1 [rbx+2], ax
        %1 qword [rbx], 70
        %1 dword [rbx], 31
        %1 word [rbx+6], 20
        %1 rax, rbx
        %1 eax, 40
%endmacro
        forms bts
        forms bt
        forms btr
        forms btc
        forms bt
        mov rcx, 0x8010
        bsf rax, rcx
        bsr edx, ecx
        mov [map], rcx
        bsf rax, [map]
        bsr rax, [map]
        finish 6
