// Start of a bench guest: EL1 with the MMU on (1 GiB blocks, one to one), one workload, its result on the serial port, off.
        .section .text.start, "ax"
        .global _start
_start: ldr     x0, =stack_top
        mov     sp, x0
        adr     x0, vectors
        msr     vbar_el1, x0
        adrp    x0, table
        msr     ttbr0_el1, x0
        mov     x1, #0x401                      // device at 0
        str     x1, [x0]
        ldr     x1, =0x40000705                 // RAM at 1 GiB
        str     x1, [x0, #8]
        mov     x1, #0xff00                     // MAIR: 0 is Device-nGnRnE, 1 normal write-back
        msr     mair_el1, x1
        ldr     x1, =0x280803519                // TCR: 39 bits, 4 KiB granule, no TTBR1
        msr     tcr_el1, x1
        isb
        mrs     x1, sctlr_el1
        orr     x1, x1, #1
        msr     sctlr_el1, x1
        isb
        bl      workload
        mov     x1, #0x09000000
        mov     x2, #60
1:      lsr     x3, x0, x2
        and     x3, x3, #15
        cmp     x3, #10
        add     x4, x3, #'0'
        add     x3, x3, #'a' - 10
        csel    x3, x4, x3, lo
        str     w3, [x1]
        subs    x2, x2, #4
        b.pl    1b
off:    ldr     x0, =0x84000008                 // PSCI SYSTEM_OFF
        hvc     #0

// call_el0(count): EL0 calls EL1 so often; the sum of the call numbers that EL1 saw.
        .global call_el0
call_el0:
        adr     x1, 2f
        msr     elr_el1, x1
        msr     spsr_el1, xzr
        mov     x9, x0
        mov     x10, #0
        mov     x8, #0
        eret
2:      add     x8, x8, #1
        svc     #0
        cmp     x8, x9
        b.ne    2b
        svc     #1

from_el0:
        stp     x0, x1, [sp, #-16]!
        mrs     x0, esr_el1
        and     x1, x0, #0xffff
        lsr     x0, x0, #26
        cmp     x0, #0x15
        b.ne    off
        cbnz    x1, 3f
        add     x10, x10, x8
        ldp     x0, x1, [sp], #16
        eret
3:      add     sp, sp, #16
        mov     x0, x10
        ret

        .balign 2048
vectors:
        .macro  vector to
        .balign 128
        b       \to
        .endm
        .rept   8
        vector  off
        .endr
        vector  from_el0
        .rept   7
        vector  off
        .endr

        .bss
        .balign 4096
table:  .space  4096
        .space  65536
stack_top:
