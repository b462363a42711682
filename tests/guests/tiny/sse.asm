; SSE: loads and stores of every size, register forms beside them, conversions and arithmetic with memory operands, MXCSR, fxsave.
%include "tiny.inc"
section .data
align 16
values: dd 1.5, -2.25, 3.0, 1000.5, 7, 8, 9, 10
doubles: dq 2.5, -1.0e10
mxcsr:  dd 0x1f80
section .bss
alignb 64
target: resb 128
area:   resb 512
begin
        mov rbx, values
        mov rdx, target
        movaps xmm0, [rbx]
        movups xmm1, [rbx+4]
        movapd xmm2, [rbx]
        movupd xmm3, [rbx+1]
        movdqa xmm4, [rbx+16]
        movdqu xmm5, [rbx+5]
        lddqu xmm6, [rbx+3]
        movss xmm7, [rbx]
        movsd xmm8, [doubles]
        movq xmm9, [doubles+8]
        movd xmm10, [rbx+8]
        movlps xmm0, [rbx]
        movhps xmm0, [rbx+8]
        movlpd xmm1, [doubles]
        movhpd xmm1, [doubles]
        movddup xmm2, [doubles]
        movsldup xmm3, [rbx]
        movshdup xmm3, [rbx]
        movntdqa xmm4, [rbx]
        movaps [rdx], xmm0
        movups [rdx+3], xmm1
        movdqa [rdx+16], xmm4
        movdqu [rdx+5], xmm5
        movss [rdx+9], xmm7
        movsd [rdx+10], xmm8
        movq [rdx+11], xmm9
        movd [rdx+12], xmm10
        movlps [rdx], xmm0
        movhps [rdx+1], xmm0
        movntps [rdx+32], xmm0
        movntdq [rdx+32], xmm5
        movnti [rdx+4], rbx
        movnti [rdx+4], ebx
        movq rax, xmm0
        movd eax, xmm1
        movq xmm11, rax
        pinsrb xmm0, [rbx+1], 3
        pinsrw xmm0, [rbx+2], 4
        pinsrd xmm0, [rbx+4], 2
        pinsrq xmm0, [rbx+8], 1
        insertps xmm1, [rbx], 0x10
        pextrb [rdx], xmm0, 5
        pextrw [rdx+1], xmm0, 5
        pextrd [rdx+2], xmm0, 1
        pextrq [rdx+3], xmm0, 1
        extractps [rdx+4], xmm0, 2
        addps xmm0, [rbx]
        mulss xmm7, [rbx]
        addsd xmm8, [doubles]
        divpd xmm8, [doubles]
        sqrtss xmm2, [rbx]
        ucomisd xmm8, [doubles]
        comiss xmm7, [rbx+4]
        cvtsi2sd xmm3, qword [rdx]
        cvtsi2ss xmm3, dword [rbx+16]
        cvttsd2si rax, [doubles]
        cvtss2si eax, [rbx]
        cvtps2pd xmm4, [rbx]
        cvtdq2pd xmm4, [rbx+16]
        cvtss2sd xmm4, [rbx]
        cvtpd2ps xmm4, [doubles]
        paddb xmm5, [rbx]
        pcmpeqd xmm5, [rbx+16]
        pshufd xmm6, [rbx], 0x1b
        pmovzxbw xmm6, [rbx]
        pmovsxbd xmm6, [rbx]
        pmovsxbq xmm6, [rbx]
        pmovzxdq xmm6, [rbx]
        ptest xmm6, [rbx]
        pmovmskb ecx, xmm6
        stmxcsr [rdx]
        ldmxcsr [mxcsr]
        fxsave [area]
        fxrstor [area]
        crc32 eax, byte [rbx]
        crc32 rax, qword [rbx]
        popcnt rcx, [rbx]
        mfence
        finish 8
