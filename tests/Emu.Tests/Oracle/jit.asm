; A toy JIT without libc: emits a loop with another constant each round, calls it, and leaves.
bits 64
global _start
section .text
_start:
    mov eax, 9          ; mmap, readable, writable, executable
    xor edi, edi
    mov esi, 4096
    mov edx, 7
    mov r10d, 0x22
    mov r8, -1
    xor r9d, r9d
    syscall
    mov rbx, rax
    xor ebp, ebp        ; round
    xor r12d, r12d      ; sum
round:
    lea rsi, [template]
    xor ecx, ecx
copy:
    mov al, [rsi+rcx]
    mov [rbx+rcx], al
    inc ecx
    cmp ecx, template_end - template
    jne copy
    mov [rbx+constant+1-template], ebp
    mov edi, 10
    call rbx
    add r12, rax
    inc ebp
    cmp ebp, 25
    jne round
    mov eax, 231
    mov edi, r12d
    and edi, 127
    syscall
template:
    xor eax, eax
again:
constant:
    add eax, strict dword 0
    dec edi
    jnz again
    ret
template_end:
