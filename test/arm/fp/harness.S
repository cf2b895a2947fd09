// Runs the cases of lockstep.ts one after another: each sets FPCR, FPSR, NZCV, V0..V31 and X0..X15, calls its stub of
// SIMD and floating-point instructions, and keeps what became of them.
        .equ    COUNT,   0x40100000
        .equ    STUBS,   0x40200000             // 16 words each, the last of which returns
        .equ    CASES,   0x41000000             // offset of the V registers and of the X registers in POOL, FPCR, FPSR
        .equ    POOL,    0x42000000
        .equ    RESULTS, 0x43000000             // V0..V31, X0..X15, FPSR, NZCV or the syndrome of an exception

        .section .text.start, "ax"
        .global _start
_start: ldr     x0, =vectors
        msr     vbar_el1, x0
        mov     x0, #(3 << 20)
        msr     cpacr_el1, x0
        isb
        ldr     x19, =CASES
        ldr     x20, =STUBS
        ldr     x21, =RESULTS
        ldr     x22, =COUNT
        ldr     x22, [x22]
        ldr     x23, =POOL

next:   cbz     x22, done
        ldp     w0, w1, [x19]
        ldp     w2, w3, [x19, #8]
        msr     fpcr, x2
        msr     fpsr, x3
        add     x16, x23, x0
        add     x17, x23, x1
        ldp     q0, q1, [x16]
        ldp     q2, q3, [x16, #32]
        ldp     q4, q5, [x16, #64]
        ldp     q6, q7, [x16, #96]
        ldp     q8, q9, [x16, #128]
        ldp     q10, q11, [x16, #160]
        ldp     q12, q13, [x16, #192]
        ldp     q14, q15, [x16, #224]
        ldp     q16, q17, [x16, #256]
        ldp     q18, q19, [x16, #288]
        ldp     q20, q21, [x16, #320]
        ldp     q22, q23, [x16, #352]
        ldp     q24, q25, [x16, #384]
        ldp     q26, q27, [x16, #416]
        ldp     q28, q29, [x16, #448]
        ldp     q30, q31, [x16, #480]
        ldp     x0, x1, [x17]
        ldp     x2, x3, [x17, #16]
        ldp     x4, x5, [x17, #32]
        ldp     x6, x7, [x17, #48]
        ldp     x8, x9, [x17, #64]
        ldp     x10, x11, [x17, #80]
        ldp     x12, x13, [x17, #96]
        ldp     x14, x15, [x17, #112]
        msr     nzcv, x0
        blr     x20
        mrs     x17, nzcv
keep:   mrs     x16, fpsr
        stp     q0, q1, [x21]
        stp     q2, q3, [x21, #32]
        stp     q4, q5, [x21, #64]
        stp     q6, q7, [x21, #96]
        stp     q8, q9, [x21, #128]
        stp     q10, q11, [x21, #160]
        stp     q12, q13, [x21, #192]
        stp     q14, q15, [x21, #224]
        stp     q16, q17, [x21, #256]
        stp     q18, q19, [x21, #288]
        stp     q20, q21, [x21, #320]
        stp     q22, q23, [x21, #352]
        stp     q24, q25, [x21, #384]
        stp     q26, q27, [x21, #416]
        stp     q28, q29, [x21, #448]
        stp     q30, q31, [x21, #480]
        add     x21, x21, #512
        stp     x0, x1, [x21]
        stp     x2, x3, [x21, #16]
        stp     x4, x5, [x21, #32]
        stp     x6, x7, [x21, #48]
        stp     x8, x9, [x21, #64]
        stp     x10, x11, [x21, #80]
        stp     x12, x13, [x21, #96]
        stp     x14, x15, [x21, #112]
        stp     x16, x17, [x21, #128]
        add     x21, x21, #144
        add     x19, x19, #16
        add     x20, x20, #64
        sub     x22, x22, #1
        b       next

done:   ldr     x0, =0x84000008                 // PSCI SYSTEM_OFF
        hvc     #0
        b       .

taken:  mrs     x17, esr_el1
        b       keep
        .ltorg
        .balign 2048
vectors:
        .rept   16
        .balign 128
        b       taken
        .endr
