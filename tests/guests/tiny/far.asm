; Far transfers within the one code segment: call and jump through memory, return, return from interrupt; loads of segment registers with
; what they hold. A pointer of six bytes does not look like one, so that symbols tell of its targets.
%include "tiny.inc"
global target:function, there:function, behind:function, landed:function, back:function
section .data
align 16
pointer: dd target
        dw 0x33
onward: dd there
        dw 0x33
stacked: dd 7
        dw 0x2b
begin
        mov r12d, 3
again:  call far dword [pointer]
        add ebx, eax
        dec r12d
        jnz again
        jmp far dword [onward]
        ud2
there:  push 0x33
        push behind
        o64 retf
        ud2
behind: mov r13, rsp
        push 0x2b
        push r13
        push 0x8d5 | 0x202 | 0x400
        push 0x33
        push landed
        iretq
        ud2
landed: pushfq
        pop r14
        cld
        and r14d, 0xcd5
        sub rsp, 8
        mov dword [rsp], back
        mov dword [rsp+4], 0x33
        retf 8
        ud2
back:   lss ecx, [stacked]
        mov eax, ss
        xor edx, edx
        mov ds, edx
        mov es, [zero]
        add ebx, eax
        add ebx, r14d
        add ebx, ecx
        and ebx, 0x7f
        finish ebx
target: mov eax, 5
        retf
section .bss
zero:   resw 1
