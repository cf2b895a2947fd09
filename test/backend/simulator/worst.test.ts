/** Guests that do the worst they can: the debugger stops them all the same, and looks at them, and the next one is served. */
import { describe, expect, test } from 'vitest';
import { Guest } from '../../../src/backend/index.ts';
import { assemble, go, guestOf, machineOf, step } from '../assembled.ts';

const worst: Readonly<Record<string, string>> = {
  'exceptions without end: no vectors are mapped': 'ldr x0, =0x8000000000\n msr vbar_el1, x0\n brk #0',
  'exceptions without end: the vector faults itself': `
    adr x0, vectors
    msr vbar_el1, x0
    udf #0
    .balign 2048
    vectors:
    .rept 512
    udf #0
    .endr`,
  'it calls the supervisor from its own vector': `
    adr x0, vectors
    msr vbar_el1, x0
    svc #0
    .balign 2048
    vectors:
    .rept 512
    svc #1
    .endr`,
  'code that writes over itself': `
    adr x0, here
    ldr w1, [x0]
    here: add x2, x2, #1
    eor w1, w1, #0x400
    str w1, [x0]
    b here`,
  'code that wipes the RAM before it, itself at the end': 'adr x0, .\n wipe: stp xzr, xzr, [x0], #16\n b wipe',
  'a jump to where nothing is': 'ldr x0, =0xffff123456789000\n br x0',
  'a jump into a device': 'ldr x0, =0x09000000\n br x0',
  'its stack pointer and tables are nonsense': `
    mov x0, #-1
    mov sp, x0
    msr ttbr0_el1, x0
    msr ttbr1_el1, x0
    msr tcr_el1, x0
    msr mair_el1, x0
    mrs x1, sctlr_el1
    orr x1, x1, #1
    msr sctlr_el1, x1
    isb
    b .`,
  'it masks everything and waits': 'msr daifset, #15\n again: wfi\n b again',
  'an interrupt that never goes away': `
    adr x0, vectors
    msr vbar_el1, x0
    mov x1, #1
    msr cntv_tval_el0, xzr
    msr cntv_ctl_el0, x1
    ldr x2, =0x080a0000
    ldr w3, =0xffffffff
    add x4, x2, #0x10000
    str w3, [x4, #0x80]
    str w3, [x4, #0x100]
    str wzr, [x2, #0x14]
    mov w3, #0x12
    ldr x2, =0x08000000
    str w3, [x2]
    mov x3, #0xff
    msr S3_0_C4_C6_0, x3
    mov x3, #1
    msr S3_0_C12_C12_7, x3
    msr daifclr, #2
    b .
    .balign 2048
    vectors:
    .rept 512
    eret
    .endr`,
  'cache and TLB maintenance without end': 'again: ic iallu\n tlbi vmalle1\n dc zva, x0\n dsb sy\n isb\n b again',
};

describe.each(Object.entries(worst))('%s', (_name, source) => {
  const program = assemble(source);

  test('it is stopped, stepped and looked at', async () => {
    const machine = machineOf(program);
    const guest = new Guest(machine);
    guest.attached(true);
    for (let round = 0; round < 3; round++) {
      const stop = go(guest);
      setTimeout(() => guest.execution.interrupt(), 30);
      expect(await stop).toEqual({ kind: 'interrupted', thread: 1 });
      expect(guest.registers.read(1, 32)).toEqual(expect.any(BigInt));
      // A step may never end here: then it is interrupted, too.
      const one = step(guest);
      const late = setTimeout(() => guest.execution.interrupt(), 200);
      expect((await one).kind).toMatch(/^(step|interrupted)$/);
      clearTimeout(late);
      expect(guest.registers.write(1, 33, 0x3c5n)).toBeUndefined();
    }
    expect(guest.monitor.run('reset halt', 1)).toEqual(expect.any(String));
    machine.close();
  });
});

test('and another guest runs in the same process', async () => {
  const guest = guestOf(assemble('mov x0, #7\n b .'));
  await step(guest);
  expect(guest.registers.read(1, 0)).toBe(7n);
});
