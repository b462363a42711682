# What the translator adds to a runner: the image, the dispatch table, the plugin data.
    .section .rodata.image, "a"
    .balign 4096
    .globl emu_image, emu_image_end, emu_image_base, emu_image_name, emu_meta, emu_meta_end
emu_image:
    .incbin "guest.elf"
emu_image_end:
    .section .rodata
    .balign 8
emu_image_base: .quad 0
emu_image_name: .asciz "/tmp/core-test/guest.elf"
emu_meta:
    .ifdef PLUGIN
    .ascii "{\"test\":true}"
    .endif
emu_meta_end:
    .globl emu_dispatch_table, emu_dispatch_mask
    .balign 16
emu_dispatch_table:
    .quad 0x401000, emu_r_start         # slot (0x401000 ^ 0x4010) & 1 = 0
    .quad 0, 0
    .set emu_dispatch_mask, 1
    .ifdef PLUGIN
    .section emu_counters, "awR", @nobits
    .balign 4096
    .globl counters
counters: .skip 8192
    .section emu_keys, "aR"
    .rept 1024
    .quad 0x401000
    .long 1, 0
    .endr
    .endif
