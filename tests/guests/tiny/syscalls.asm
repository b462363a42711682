; System calls: results, errors, rcx and r11 afterwards, flags across, memory the kernel writes (which is no event).
%include "tiny.inc"
section .data
text:   db "hello from a tiny guest", 10
empty:  db 0
section .bss
alignb 16
buffer: resb 512
begin
        say text, 24
        mov rbx, rcx
        mov rdx, r11
        and edx, 0xcd5
        stc
        mov eax, 1
        mov edi, 1
        mov esi, text
        mov edx, 5
        cmp edx, 7
        syscall
        mov r12, r11
        mov eax, 3
        mov edi, -1
        syscall
        cmp rax, -9
        mov eax, 9999
        syscall
        mov eax, 63
        mov edi, buffer
        syscall
        mov rax, [buffer]
        mov eax, 228
        mov edi, 99
        mov esi, buffer
        syscall
        mov eax, 1
        mov edi, 1
        mov esi, 16
        mov edx, 5
        syscall
        say text+23, 1
        finish 11
