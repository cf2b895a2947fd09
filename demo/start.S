// The first instruction, and two tables of vectors that differ in the letter that they give to the handler.

    .text
    .global _start
_start:
    ldr     x0, =stack_top
    mov     sp, x0
    bl      main
1:  wfi
    b       1b

// x0: the table's letter. Calls exception_taken(letter, interrupted x30), which returns where to go on.
exception:
    stp     x2, x3, [sp, #32]
    stp     x4, x5, [sp, #48]
    stp     x6, x7, [sp, #64]
    stp     x8, x9, [sp, #80]
    stp     x10, x11, [sp, #96]
    stp     x12, x13, [sp, #112]
    stp     x14, x15, [sp, #128]
    stp     x16, x17, [sp, #144]
    str     x18, [sp, #160]
    mov     x1, x30
    bl      exception_taken
    msr     elr_el1, x0
    ldr     x18, [sp, #160]
    ldp     x16, x17, [sp, #144]
    ldp     x14, x15, [sp, #128]
    ldp     x12, x13, [sp, #112]
    ldp     x10, x11, [sp, #96]
    ldp     x8, x9, [sp, #80]
    ldp     x6, x7, [sp, #64]
    ldp     x4, x5, [sp, #48]
    ldp     x2, x3, [sp, #32]
    ldp     x0, x1, [sp, #16]
    ldp     x29, x30, [sp], #176
    eret

    .macro  vectors letter
    .rept   16
    .balign 128
    stp     x29, x30, [sp, #-176]!
    stp     x0, x1, [sp, #16]
    mov     x0, #\letter
    b       exception
    .endr
    .endm

    .section .vectors_a, "ax"
    .global vectors_a
vectors_a:
    vectors 'A'

    .section .vectors_b, "ax"
    .global vectors_b
vectors_b:
    vectors 'B'

// A function in a page that may be written: SCTLR_EL1.WXN forbids it to run.
    .section .writable_code, "awx"
    .global writable_code
    .type   writable_code, %function
writable_code:
    add     x0, x0, #1
    ret
