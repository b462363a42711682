; Widths: high-byte registers, 8- and 16-bit writes that keep the rest, 32-bit writes that do not, sign and zero extension, xlat, bswap.
%include "tiny.inc"
section .data
cell:   dq 0xfedcba9876543210
table:  db 9, 8, 7, 6, 5, 4, 3, 2, 1, 0
begin
        mov rax, 0x1122334455667788
        mov rbx, -1
        mov rcx, rax
        mov rdx, rbx
        mov ah, al
        mov bl, ah
        mov ch, bh
        add dh, cl
        mov [cell], ah
        mov bh, [cell+3]
        add ch, [cell+1]
        sub [cell+2], dh
        xchg ah, [cell+4]
        xchg al, ah
        movzx esi, ah
        movsx edi, bh
        mov ax, 0x1234
        mov bx, [cell+1]
        mov [cell+3], cx
        mov eax, ebx
        mov r8d, [cell]
        mov r9w, [cell]
        mov r10b, [cell]
        mov sil, [cell+1]
        mov [cell+1], dil
        movsx rax, byte [cell+7]
        movsx rax, word [cell+6]
        movsxd rax, dword [cell+4]
        movzx rax, byte [cell+7]
        movzx eax, word [cell+6]
        movsx ax, byte [cell+5]
        cbw
        cwde
        cdqe
        cwd
        cdq
        cqo
        bswap rax
        bswap ebx
        mov rbx, table
        mov eax, 3
        xlatb
        mov rax, [abs qword cell]
        mov [abs qword cell], al
        mov al, [abs qword cell+1]
        lea rcx, [rbx+rax*4+7]
        lea ecx, [rbx+rax*4+7]
        lea cx, [rbx]
        xchg rax, r11
        xchg eax, ecx
        xchg ax, dx
        stc
        setc al
        setnc byte [cell]
        seta ah
        cmovc rdx, [cell]
        cmovnc rdx, [cell]
        cmovnc edx, [cell]
        cmovc dx, [cell]
        lahf
        sahf
        nop dword [cell]
        prefetchnta [cell]
        finish 7
