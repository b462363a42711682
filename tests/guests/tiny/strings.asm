; The string instructions: every one with and without its prefixes, counts 0, 1 and more, both directions, all widths, early ends.
%include "tiny.inc"
section .data
align 16
source: db "the quick brown fox jumps over the lazy dog, twice: the quick br", 0, 0, 0, 0
twin:   db "the quick brown fox jumps over the lazy cat, twice: the quick br", 0, 0, 0, 0
section .bss
alignb 16
target: resb 256
begin
%macro from 3                   ; from SOURCE, TARGET, COUNT
        mov rsi, %1
        mov rdi, %2
        mov rcx, %3
%endmacro
%macro counts 2                 ; counts PREFIX, INSTRUCTION
        from source, target, 0
        %1 %2
        from source, target, 1
        %1 %2
        from source, target, 5
        %1 %2
        std
        from source+48, target+64, 4
        %1 %2
        cld
%endmacro
        mov rax, 0x2020202020202020
        from source, target, 99
        movsb
        movsw
        movsd
        movsq
        stosb
        stosw
        stosd
        stosq
        mov rdi, twin
        mov rsi, source
        cmpsb
        cmpsw
        cmpsd
        cmpsq
        scasb
        scasw
        scasd
        scasq
        lodsb
        lodsw
        lodsd
        lodsq
        counts rep, movsb
        counts rep, movsw
        counts rep, movsd
        counts rep, movsq
        counts rep, stosb
        counts rep, stosw
        counts rep, stosd
        counts rep, stosq
        counts rep, lodsb
        counts rep, lodsq
        mov eax, 'q'
        counts repne, scasb
        counts repe, scasb
        counts repne, scasw
        counts repe, scasq
        from source, twin, 60
        repe cmpsb
        from source, twin, 60
        repne cmpsb
        from source, twin, 0
        xor eax, eax
        repe cmpsb
        from source+1, twin, 20
        repne cmpsb
        from source, twin, 8
        repe cmpsq
        from source, twin, 16
        repe cmpsd
        from source, twin+2, 20
        repne cmpsw
        from source, source, 64
        mov al, 'z'
        repne scasb
        mov rcx, 0xffffffff00000003
        mov rdi, target
        a32 rep stosb
        from target, target+1, 30
        rep movsb
        say target, 32
        finish 4
