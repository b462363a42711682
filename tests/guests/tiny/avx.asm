; AVX, AVX2, BMI and the like: loads and stores of every size. (Gathers and masked moves depend on vector registers, which the stepper does not log.)
%include "tiny.inc"
section .data
align 32
values: dd 1.5, -2.25, 3.0, 1000.5, 7, 8, 9, 10
doubles: dq 2.5, -1.0e10, 0.125, 1.0e300
section .bss
alignb 64
target: resb 128
begin
        mov rbx, values
        mov rdx, target
        vmovaps ymm0, [rbx]
        vmovups ymm1, [rbx+4]
        vmovdqu xmm2, [rbx+1]
        vmovss xmm3, [rbx]
        vmovsd xmm4, [doubles]
        vmovaps [rdx], ymm0
        vmovups [rdx+3], ymm1
        vmovups [rdx+3], xmm1
        vmovntdq [rdx+32], ymm1
        vaddps ymm5, ymm0, [rbx]
        vaddps xmm5, xmm0, [rbx]
        vaddss xmm5, xmm0, [rbx]
        vaddpd ymm6, ymm0, [doubles]
        vbroadcastss ymm1, [rbx+4]
        vbroadcastsd ymm1, [rbx+8]
        vbroadcastf128 ymm1, [rbx]
        vpbroadcastb ymm2, [rbx+1]
        vpbroadcastw xmm2, [rbx+2]
        vpbroadcastd ymm2, [rbx+4]
        vpbroadcastq xmm2, [rbx+8]
        vbroadcasti128 ymm2, [rbx]
        vinsertf128 ymm3, ymm1, [rbx], 1
        vinserti128 ymm3, ymm1, [rbx+1], 0
        vextractf128 [rdx], ymm3, 1
        vextracti128 [rdx+5], ymm3, 0
        vperm2f128 ymm4, ymm3, [rbx], 0x31
        vpermq ymm4, [rbx], 0x1b
        vpermpd ymm4, [rbx], 0x1b
        vpermd ymm4, ymm3, [rbx]
        vpermilps ymm4, ymm3, [rbx]
        vpermilps ymm4, [rbx], 3
        vpblendd ymm4, ymm3, [rbx], 0x55
        vpsllvd ymm4, ymm3, [rbx]
        vpsllw ymm4, ymm3, [rbx]
        vpmovzxbw ymm4, [rbx]
        vpmovsxbq ymm4, [rbx]
        vpmovsxdq xmm4, [rbx]
        vcvtps2pd ymm4, [rbx]
        vcvtpd2ps xmm4, yword [doubles]
        vcvtph2ps ymm4, [rbx]
        vcvtph2ps xmm4, [rbx]
        vcvtps2ph [rdx+1], ymm4, 0
        vcvtps2ph [rdx+9], xmm4, 1
        vfmadd231ps ymm4, ymm3, [rbx]
        vfmadd132sd xmm4, xmm3, [doubles]
        vfmadd213ss xmm4, xmm3, [rbx]
        vtestps ymm4, [rbx]
        vptest ymm4, [rbx]
        vmovddup ymm4, [doubles]
        vmovddup xmm4, [doubles]
        vmovd [rdx], xmm4
        vmovq [rdx+1], xmm4
        vpextrb [rdx+2], xmm4, 3
        vpinsrw xmm4, xmm4, [rbx], 3
        vmovhps [rdx+3], xmm4
        vpcmpeqb ymm4, ymm4, [rbx]
        vstmxcsr [rdx]
        vldmxcsr [rdx]
        andn rax, rbx, [rbx]
        bextr eax, [rbx], ecx
        blsr rax, [rbx]
        mulx rax, rcx, [rbx]
        rorx eax, [rbx], 5
        shlx rax, [rbx], rcx
        pdep rax, rcx, [rbx]
        adcx rax, [rbx]
        adox eax, [rbx]
        movbe rax, [rbx]
        movbe [rdx], ax
        lzcnt eax, [rbx]
        vzeroupper
        vmovaps ymm7, [rbx]
        vzeroall
        finish 9
