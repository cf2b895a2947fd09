// A small world for guests that are compared between machines: it starts at EL1, reports every exception as a line
// through report(), and goes on behind the instruction, or where the guest wants.
        .section .text.start, "ax"
        .global _start
_start:
        ldr     x0, =stack_top
        mov     sp, x0
        ldr     x0, =vectors
        msr     vbar_el1, x0
        msr     nzcv, xzr
        bl      guest_main
        .global power_off
power_off:
        ldr     x0, =0x84000008
        hvc     #0
        b       .

        .text
// u64 at_el0(u64 (*f)(u64), u64 argument): runs f at EL0 with its own stack; its return
// is SVC #0x42.
        .global at_el0
at_el0: stp     x29, x30, [sp, #-96]!
        stp     x27, x28, [sp, #16]
        stp     x25, x26, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x21, x22, [sp, #64]
        stp     x19, x20, [sp, #80]
        ldr     x2, =el0_return
        mov     x3, sp
        str     x3, [x2]
        ldr     x4, =el0_offset
        ldr     x4, [x4]
        ldr     x2, =user_stack_top
        add     x2, x2, x4
        msr     sp_el0, x2
        add     x0, x0, x4
        msr     elr_el1, x0
        ldr     x2, =el0_pstate
        ldr     x2, [x2]
        msr     spsr_el1, x2
        mov     x0, x1
        ldr     x30, =leave_el0
        add     x30, x30, x4
        eret
leave_el0:
        svc     #0x42
// SVC #0x42 came: the frame of at_el0 is below the saved pointer.
return_from_el0:
        ldr     x2, =el0_return
        ldr     x3, [x2]
        str     xzr, [x2]
        mov     sp, x3
        ldp     x27, x28, [sp, #16]
        ldp     x25, x26, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x21, x22, [sp, #64]
        ldp     x19, x20, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret

// u64 call_word(u64 word, u64 argument): runs one instruction between x0 = argument and RET.
        .global call_word
call_word:
        ldr     x2, =word_buffer
        str     w0, [x2]
        dc      cvau, x2
        dsb     ish
        ic      ivau, x2
        dsb     ish
        isb
        mov     x0, x1
        br      x2

        .macro  vector number
        .balign 128
        stp     x29, x30, [sp, #-272]!
        mov     x30, #\number
        b       enter
        .endm
        .balign 2048
        .global vectors
vectors:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vector  \n
        .endr

enter:  stp     x0, x1, [sp, #16]
        stp     x2, x3, [sp, #32]
        stp     x4, x5, [sp, #48]
        stp     x6, x7, [sp, #64]
        stp     x8, x9, [sp, #80]
        stp     x10, x11, [sp, #96]
        stp     x12, x13, [sp, #112]
        stp     x14, x15, [sp, #128]
        stp     x16, x17, [sp, #144]
        stp     x18, x19, [sp, #160]
        stp     x20, x21, [sp, #176]
        stp     x22, x23, [sp, #192]
        stp     x24, x25, [sp, #208]
        stp     x26, x27, [sp, #224]
        str     x28, [sp, #240]
        // SVC #0x42 from EL0
        mrs     x0, esr_el1
        ldr     x1, =0x56000042
        cmp     x0, x1
        ccmp    x30, #8, #0, eq
        b.ne    1f
        ldr     x0, [sp, #16]
        b       return_from_el0
1:      mov     x0, x30
        mov     x1, sp
        mrs     x28, elr_el1
        mrs     x27, spsr_el1
        bl      exception               // elr comes back
        msr     elr_el1, x0
        ldr     x1, =resume_pstate
        ldr     x2, [x1]
        mov     x3, #-1
        str     x3, [x1]
        cmn     x2, #1
        csel    x2, x27, x2, eq
        msr     spsr_el1, x2
        ldp     x0, x1, [sp, #16]
        ldp     x2, x3, [sp, #32]
        ldp     x4, x5, [sp, #48]
        ldp     x6, x7, [sp, #64]
        ldp     x8, x9, [sp, #80]
        ldp     x10, x11, [sp, #96]
        ldp     x12, x13, [sp, #112]
        ldp     x14, x15, [sp, #128]
        ldp     x16, x17, [sp, #144]
        ldp     x18, x19, [sp, #160]
        ldp     x20, x21, [sp, #176]
        ldp     x22, x23, [sp, #192]
        ldp     x24, x25, [sp, #208]
        ldp     x26, x27, [sp, #224]
        ldr     x28, [sp, #240]
        ldp     x29, x30, [sp], #272
        eret

        .data
        .balign 8
        .global el0_return, el0_pstate, el0_offset, resume_pstate
el0_return:     .quad 0
el0_pstate:     .quad 0x3c0
// From where the program lies to where EL0 sees it.
el0_offset:     .quad 0
resume_pstate:  .quad -1
        .balign 64
        .global word_buffer
word_buffer:    .word 0
        ret
