; x87: loads and stores of all sizes and kinds, arithmetic with memory, environment, control and status words.
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
alignb 16
target: resb 160
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
        finish 9
