; The guest that ARCHITECTURE.md follows through the translator: adds up an array in a function, exits with the sum (14).
%include "tiny.inc"
section .data
numbers: dq 3, 1, 4, 1, 5
begin
        mov edi, numbers
        mov esi, 5
        call sum
        finish eax
sum:    xor eax, eax
.next:  add rax, [rdi]
        add rdi, 8
        dec esi
        jnz .next
        ret
