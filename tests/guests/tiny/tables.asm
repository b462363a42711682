; Indirect jumps: tables of addresses and of offsets, through registers and memory, computed goto, a little bytecode interpreter.
%include "tiny.inc"
section .data
addresses: dq push_, add_, dup_, print_, jump_, stop_
state:  dq 0
code:   db 0, 5, 0, 6, 1, 2, 1, 3, 4, 2, 0, 0, 3, 2, 1, 3, 5
text:   db "?", 10
section .rodata
offsets: dd zero-offsets, first-offsets, second-offsets, third-offsets
begin
        xor ebx, ebx
.next:  cmp ebx, 3
        ja .done
        lea rdx, [rel offsets]
        movsxd rax, dword [rdx+rbx*4]
        add rax, rdx
        jmp rax
zero:   inc ecx
        jmp back
first:  add ecx, 2
        jmp back
second: add ecx, 3
        jmp back
third:  add ecx, 4
back:   inc ebx
        jmp _start.next
_start.done:
        mov rsi, code
        mov rdi, stack_top-4096
next:   movzx eax, byte [rsi]
        inc rsi
        jmp [addresses+rax*8]
push_:  movzx eax, byte [rsi]
        inc rsi
        mov [rdi], rax
        add rdi, 8
        jmp next
add_:   mov rax, [rdi-8]
        sub rdi, 8
        add [rdi-8], rax
        mov rax, addresses
        movzx edx, byte [rsi]
        inc rsi
        jmp [rax+rdx*8]
dup_:   mov rax, [rdi-8]
        mov [rdi], rax
        add rdi, 8
        jmp next
print_: push rsi
        push rdi
        mov al, [rdi-8]
        and al, 15
        add al, 'A'
        mov [text], al
        say text, 2
        pop rdi
        pop rsi
        jmp next
jump_:  movzx eax, byte [rsi]
        lea rsi, [rsi+rax+1]
        jmp next
stop_:  mov rax, .last
        mov [state], rax
        jmp [state]
        ud2
.last:  finish 10
