// Runs the cases of cases.ts one after another, the same way on QEMU and on the simulator, and keeps what each did.
//
// A case is a stub of 8 words in which three instructions stand between BRKs, and a record of the registers with which
// they begin. It runs at EL0 or at EL1 with SP_EL0, so that any exception, the closing BRK included, comes here with
// a stack pointer of our own: SP_EL1 points to the case's result. Layout: see cases.ts.

// The harness reaches memory through a second mapping of all RAM, far from the addresses that cases may happen upon.
        .equ    ALIAS,   0x6000000000
        .equ    STUBS,   0x44000000
        .equ    CASES,   ALIAS + 0x45000000     // 36 doublewords each: X0..X30, SP, SPSR, place of V0..V31, CPACR_EL1
        .equ    RESULTS, ALIAS + 0x48000000     // 40 doublewords each: X0..X30, SP, ELR, SPSR, ESR, FAR, PAR, hash, two more
        .equ    DATA,    0x43000000             // pages: RW, RW, RO, EL1 only, unmapped
        .equ    PRISTINE, ALIAS + 0x42000000    // what the windows of DATA hold when a case begins
        .equ    VECTORS, ALIAS + 0x42100000     // what V0..V31 may begin with
        .equ    KEPT,    ALIAS + 0x41fff000     // V0..V31 when a case has ended
        .equ    COUNT,   ALIAS + 0x41fffff8     // how many cases there are
        .equ    STATE,   ALIAS + 0x41ffff00     // the next case, its first instruction, how many are left
        .equ    CASE_BYTES, 288
        .equ    RESULT_BYTES, 320

// Moves V0..V31 from or to memory.
        .macro  vectors operation, base
        \operation     q0, q1, [\base, #0]
        \operation     q2, q3, [\base, #32]
        \operation     q4, q5, [\base, #64]
        \operation     q6, q7, [\base, #96]
        \operation     q8, q9, [\base, #128]
        \operation     q10, q11, [\base, #160]
        \operation     q12, q13, [\base, #192]
        \operation     q14, q15, [\base, #224]
        \operation     q16, q17, [\base, #256]
        \operation     q18, q19, [\base, #288]
        \operation     q20, q21, [\base, #320]
        \operation     q22, q23, [\base, #352]
        \operation     q24, q25, [\base, #384]
        \operation     q26, q27, [\base, #416]
        \operation     q28, q29, [\base, #448]
        \operation     q30, q31, [\base, #480]
        .endm

        .section .text.start, "ax"
        .global _start
_start: ldr     x0, =vectors
        msr     vbar_el1, x0
        bl      tables
        mov     x0, #0xff               // attribute 0: normal write-back
        msr     mair_el1, x0
        ldr     x0, =0x280803519        // T0SZ = 25, 4 KiB, no TTBR1, 40-bit PA
        msr     tcr_el1, x0
        dsb     sy
        tlbi    vmalle1
        dsb     sy
        isb
        // UCI, UCT, DZE, I, SA0, SA, C, M; not A (unaligned accesses work), UMA, nTWI and nTWE (EL0 traps).
        ldr     x0, =0x34d0d81d
        msr     sctlr_el1, x0
        isb
        mov     x0, #(3 << 20)          // FP and SIMD do not trap here
        msr     cpacr_el1, x0
        isb
        ldr     x0, =RESULTS
        mov     sp, x0
        ldr     x1, =CASES
        ldr     x2, =STUBS + 4
        ldr     x3, =COUNT
        ldr     x3, [x3]
        ldr     x4, =STATE
        stp     x1, x2, [x4]
        str     x3, [x4, #16]

// Begins the next case. SP is its result; everything else is free.
next:   ldr     x4, =STATE
        ldp     x1, x2, [x4]            // case, first instruction
        ldr     x3, [x4, #16]
        cbz     x3, done
        msr     elr_el1, x2
        ldp     x5, x6, [x1, #248]      // SP, SPSR
        msr     sp_el0, x5
        msr     spsr_el1, x6
        msr     par_el1, xzr
        msr     far_el1, xzr
        msr     esr_el1, xzr
        msr     tpidr_el0, xzr
        msr     contextidr_el1, xzr
        // The windows of DATA that cases may write: see cases.ts.
        ldr     x7, =ALIAS + DATA + 0x1000 - 256
        ldr     x8, =PRISTINE
        mov     x9, #32
1:      ldp     x10, x11, [x8], #16
        stp     x10, x11, [x7], #16
        subs    x9, x9, #1
        b.ne    1b
        ldr     x7, =ALIAS + DATA + 0x3000
        mov     x9, #16
1:      ldp     x10, x11, [x8], #16
        stp     x10, x11, [x7], #16
        subs    x9, x9, #1
        b.ne    1b
        ldp     x8, x9, [x1, #264]      // place in VECTORS, CPACR_EL1
        ldr     x7, =VECTORS
        add     x7, x7, x8
        vectors ldp, x7
        msr     cpacr_el1, x9
        mov     x0, x1
        ldp     x2, x3, [x0, #16]
        ldp     x4, x5, [x0, #32]
        ldp     x6, x7, [x0, #48]
        ldp     x8, x9, [x0, #64]
        ldp     x10, x11, [x0, #80]
        ldp     x12, x13, [x0, #96]
        ldp     x14, x15, [x0, #112]
        ldp     x16, x17, [x0, #128]
        ldp     x18, x19, [x0, #144]
        ldp     x20, x21, [x0, #160]
        ldp     x22, x23, [x0, #176]
        ldp     x24, x25, [x0, #192]
        ldp     x26, x27, [x0, #208]
        ldp     x28, x29, [x0, #224]
        ldr     x30, [x0, #240]
        ldp     x0, x1, [x0]
        clrex
        eret

done:   ldr     x0, =0x84000008         // PSCI SYSTEM_OFF
        hvc     #0
        b       .

// Any exception of a case: its state becomes the result.
taken:  stp     x0, x1, [sp]
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x19, [sp, #144]
        stp     x20, x21, [sp, #160]
        stp     x22, x23, [sp, #176]
        stp     x24, x25, [sp, #192]
        stp     x26, x27, [sp, #208]
        stp     x28, x29, [sp, #224]
        mrs     x0, sp_el0
        stp     x30, x0, [sp, #240]
        mrs     x0, elr_el1
        mrs     x1, spsr_el1
        stp     x0, x1, [sp, #256]
        mrs     x0, esr_el1
        mrs     x1, far_el1
        stp     x0, x1, [sp, #272]
        mrs     x0, par_el1
        msr     daifset, #15
        mov     x1, #(3 << 20)
        msr     cpacr_el1, x1
        isb
        ldr     x7, =KEPT
        vectors stp, x7
        ldr     x7, =ALIAS + DATA + 0x1000 - 256
        mov     x1, #0
        mov     x9, #32
1:      ldp     x10, x11, [x7], #16
        eor     x1, x10, x1, ror #7
        eor     x1, x11, x1, ror #7
        subs    x9, x9, #1
        b.ne    1b
        ldr     x7, =ALIAS + DATA + 0x3000
        mov     x9, #16
1:      ldp     x10, x11, [x7], #16
        eor     x1, x10, x1, ror #7
        eor     x1, x11, x1, ror #7
        subs    x9, x9, #1
        b.ne    1b
        ldr     x7, =KEPT
        mov     x9, #32
1:      ldp     x10, x11, [x7], #16
        eor     x1, x10, x1, ror #7
        eor     x1, x11, x1, ror #7
        subs    x9, x9, #1
        b.ne    1b
        stp     x0, x1, [sp, #288]
        mrs     x0, tpidr_el0
        mrs     x1, contextidr_el1
        stp     x0, x1, [sp, #304]
        add     sp, sp, #RESULT_BYTES
        ldr     x4, =STATE
        ldp     x1, x2, [x4]
        add     x1, x1, #CASE_BYTES
        add     x2, x2, #32
        stp     x1, x2, [x4]
        ldr     x3, [x4, #16]
        sub     x3, x3, #1
        str     x3, [x4, #16]
        b       next

// Of the identity map cases find: the harness, which EL1 may read and execute; the stubs, which both may; and DATA in
// pages of 4 KiB. The alias has everything for EL1 to read and write.
tables: adr     x0, l1
        adr     x1, l2
        adr     x7, l2alias
        orr     x2, x1, #3
        str     x2, [x0, #8]            // the second GiB
        orr     x2, x7, #3
        str     x2, [x0, #(385 * 8)]    // ALIAS + the second GiB
        mov     x3, #0x40000000
        mov     x4, #0
        ldr     x8, =0x0060000000000701 // UXN, PXN, AF, inner shareable, block, RW for EL1
2:      mov     x5, #0
        cbnz    x4, 3f
        ldr     x5, =0x0040000000000781 // UXN, RO for EL1
        orr     x5, x5, x3
3:      lsr     x6, x3, #24
        cmp     x6, #0x44               // the stubs' 16 MiB
        b.ne    4f
        orr     x5, x3, #0x7c0          // RO for both
        orr     x5, x5, #1
4:      str     x5, [x1, x4, lsl #3]
        orr     x5, x3, x8
        str     x5, [x7, x4, lsl #3]
        add     x3, x3, #0x200000
        add     x4, x4, #1
        cmp     x4, #512
        b.ne    2b
        adr     x2, l3
        orr     x5, x2, #3
        str     x5, [x1, #(24 * 8)]     // 0x43000000
        ldr     x3, =DATA
        ldr     x5, =0x0060000000000743 // UXN, PXN, RW for both
        orr     x6, x3, x5
        str     x6, [x2]
        add     x3, x3, #0x1000
        orr     x6, x3, x5
        str     x6, [x2, #8]
        add     x3, x3, #0x1000
        ldr     x5, =0x00600000000007c3 // RO for both
        orr     x6, x3, x5
        str     x6, [x2, #16]
        add     x3, x3, #0x1000
        ldr     x5, =0x0060000000000703 // RW for EL1
        orr     x6, x3, x5
        str     x6, [x2, #24]
        str     xzr, [x2, #32]
        msr     ttbr0_el1, x0
        ret

        .macro  vector
        .balign 128
        b       taken
        .endm
        .balign 2048
vectors:
        .rept   4                       // EL1 with SP_EL0
        vector
        .endr
        .rept   4                       // here: a fault of the harness itself
        .balign 128
        b       broken
        .endr
        .rept   4                       // EL0
        vector
        .endr
        .rept   4
        .balign 128
        b       broken
        .endr
broken: ldr     x0, =0x84000009         // PSCI SYSTEM_RESET: the run ends without a result
        hvc     #0
        b       .
        .ltorg

        .balign 4096
l1:     .space  4096
l2:     .space  4096
l2alias: .space 4096
l3:     .space  4096
