# The guest of the core's tests: an image to map (text, data, bss) whose code nobody executes; play.c acts for it.
    .text
    .globl _start
    .type _start, @function
_start:
    mov 0, %rax         # the fault of play.c's "fault": .debug_line of region.s points here
    ud2
    .size _start, . - _start
    .data
    .globl data
data: .ascii "guest data"
    .bss
    .globl bss
bss: .skip 100000
