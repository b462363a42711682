; Loops: counted, nested, loop/loope/loopne, jrcxz and jecxz, every conditional branch taken and not taken.
%include "tiny.inc"
begin
        xor eax, eax
        mov ecx, 10
.a:     add eax, ecx
        loop .a
        mov ebx, 5
.b:     mov edx, 3
.c:     lea eax, [rax+rdx*2]
        dec edx
        jnz .c
        dec ebx
        jnz .b
        xor ecx, ecx
        jrcxz .d
        mov eax, 1
.d:     inc ecx
        jecxz .e
        add eax, 7
.e:     mov ecx, 6
.f:     cmp ecx, 3
        loopne .f
        mov ecx, 6
.g:     test ecx, ecx
        loope .g
%macro both 1
        cmp eax, 5
        j%1 %%t
        nop
%%t:    cmp ebx, ebx
        j%1 %%u
        nop
%%u:    cmp ebx, eax
        j%1 %%v
        nop
%%v:
%endmacro
        both o
        both no
        both b
        both ae
        both e
        both ne
        both be
        both a
        both s
        both ns
        both p
        both np
        both l
        both ge
        both le
        both g
        finish 1
