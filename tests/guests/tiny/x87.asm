; x87 and MMX: loads and stores of all sizes and kinds, arithmetic with memory, environments, saved states, control and status words.
%include "tiny.inc"
section .data
f32:    dd 1.5
f64:    dq -2.25
f80:    dt 3.125
i16:    dw -7
i32:    dd 100000
i64:    dq -123456789012
bcd:    dt 1234p
control: dw 0x37f
section .bss
alignb 64
target: resb 832
begin
        fninit
        fld dword [f32]
        fld qword [f64]
        fld tword [f80]
        fild word [i16]
        fild dword [i32]
        fild qword [i64]
        fadd dword [f32]
        fmul qword [f64]
        fisub word [i16]
        fidivr dword [i32]
        fst dword [target]
        fst qword [target+3]
        fist word [target+5]
        fist dword [target+7]
        fxch st2
        fstp dword [target]
        fstp qword [target+8]
        fstp tword [target+16]
        fistp word [target]
        fistp dword [target+4]
        fistp qword [target+8]
        fld1
        fldpi
        fcomp dword [f32]
        fcom qword [f64]
        ficomp word [i16]
        fld qword [f64]
        fisttp qword [target]
        fld1
        fisttp dword [target]
        fld1
        fisttp word [target]
        fnstcw [target]
        fldcw [control]
        fnstsw [target+2]
        fnstsw ax
        fldz
        fstp st0
        fld1
        fldz
        fcomip st0, st1
        fstp st0
        fbld [bcd]
        fbstp [target]
        fnstenv [target]
        fldenv [target]
        o16 fnstenv [target]
        o16 fldenv [target]
        fnsave [target]
        frstor [target]
        o16 fnsave [target]
        o16 frstor [target]
        fxsave64 [target]
        fxrstor64 [target]
        mov eax, 7
        xor edx, edx
        xsave64 [target]
        xrstor64 [target]
        xsavec [target]
        movq mm0, [i64]
        movd mm1, [i32]
        paddw mm0, [i64]
        punpcklbw mm1, [i32]
        pinsrw mm1, [i16], 2
        movq [target], mm0
        movd [target+8], mm1
        movntq [target+16], mm0
        cvtpi2ps xmm0, [i64]
        cvtps2pi mm2, [f64]
        emms
        finish 9
