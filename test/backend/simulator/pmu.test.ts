/** The performance monitors count exactly. Expected counts are those of the instructions written here. */
import { describe, expect, test } from 'vitest';
import { get, machineWith, set } from './assembled.ts';
import { off } from './rig.ts';

/** Runs it, and tells X19 to X28. */
async function run(source: string): Promise<bigint[]> {
  const machine = machineWith(`${source}\n${off}`);
  const exit = await machine.vcpus[0].run();
  expect(exit.kind).toBe('shutdown');
  return Array.from({ length: 10 }, (_, n) => get(machine.vcpus[0], `X${19 + n}`));
}

const SW_INCR = 0;
const INST_RETIRED = 8;
const CPU_CYCLES = 0x11;
const CHAIN = 0x1e;

/** Counter 0 of an event, the cycle counter, and `more` beside. */
const counting = (event: number, more = '', enable = 0x8000_0003): string => `
  mov x0, #${event}\n msr pmevtyper0_el0, x0
  ${more}
  ldr x0, =${enable}\n msr pmcntenset_el0, x0
  mov x0, #0x47\n msr pmcr_el0, x0\n isb\n`;

describe('counting', () => {
  test.each([
    ['instructions', INST_RETIRED],
    ['cycles', CPU_CYCLES],
  ])('%s: from one MRS to the next', async (_, event) => {
    const x = await run(
      `${counting(event)}
      mrs x19, pmevcnt0_el0
      mrs x20, pmevcnt0_el0
      nop\n nop\n nop
      mrs x21, pmevcnt0_el0
      mrs x22, pmccntr_el0
      mov x1, #1000
   1: subs x1, x1, #1
      b.ne 1b
      mrs x23, pmccntr_el0
      mrs x24, pmevcnt0_el0`.replaceAll('pmevcnt0', 'pmevcntr0'),
    );
    expect([x[1] - x[0], x[2] - x[1]]).toEqual([1n, 4n]);
    expect(x[4] - x[3]).toBe(2002n);
    expect(x[5] - x[2]).toBe(2004n);
  });

  test('nothing while a counter or all are off; P and C clear', async () => {
    const x = await run(`${counting(INST_RETIRED)}
      mov x1, #1\n msr pmcntenclr_el0, x1
      mrs x19, pmevcntr0_el0\n nop\n mrs x20, pmevcntr0_el0
      msr pmcr_el0, xzr
      mrs x21, pmccntr_el0\n nop\n mrs x22, pmccntr_el0
      mov x1, #2\n msr pmcr_el0, x1
      mrs x23, pmevcntr0_el0\n mrs x24, pmccntr_el0
      mov x1, #4\n msr pmcr_el0, x1
      mrs x25, pmccntr_el0`);
    expect(x[0]).toBeGreaterThan(0n);
    expect(x[1]).toBe(x[0]);
    expect(x[2]).toBeGreaterThan(x[0]);
    expect(x[3]).toBe(x[2]);
    expect(x.slice(4, 7)).toEqual([0n, x[2], 0n]);
  });
});

test('at EL1 or at EL0 only', async () => {
  // Counter 0 not at EL1, counter 1 not at EL0; the loop of 101 instructions and the SVC are at EL0.
  const filters = 'ldr x0, =0x80000008\n msr pmevtyper0_el0, x0\n ldr x0, =0x40000008\n msr pmevtyper1_el0, x0';
  const x = await run(`b start
      .balign 2048
      .skip 0x400
      mrs x21, pmevcntr0_el0
      mrs x22, pmevcntr1_el0
      mrs x23, pmccntr_el0
      b end
  user: mov x1, #50
   1: subs x1, x1, #1
      b.ne 1b
      svc #0
 start: ldr x0, =0x40000800\n msr vbar_el1, x0
      adr x0, user\n msr elr_el1, x0\n msr spsr_el1, xzr
      ${counting(INST_RETIRED, filters)}
      mrs x19, pmevcntr0_el0
      mrs x20, pmevcntr1_el0
      mrs x24, pmccntr_el0
      eret
   end:`);
  const [user, kernel] = [x[2] - x[0], x[3] - x[1]];
  // The SVC counts as one of EL0's.
  expect([user, kernel, x[4] - x[5]]).toEqual([102n, 4n, 106n]);
});

describe('overflow', () => {
  test.each([1, 2, 3, 57, 1000])('of instructions, %i before: the flag is there behind the last one', async (room) => {
    const x = await run(`${counting(INST_RETIRED, '', 1)}
      ldr x0, =${2 ** 32 - room}\n msr pmevcntr0_el0, x0
      mov x19, #0
   1: add x19, x19, #1
      mrs x20, pmovsset_el0
      cbz x20, 1b
      mrs x21, pmevcntr0_el0`);
    // After the write: MOV and two of three in the round in which the flag is seen, or one round later.
    const before = 1n + 3n * (x[0] - 1n) + 1n;
    expect(before).toBeGreaterThanOrEqual(BigInt(room) - 1n);
    expect(before).toBeLessThan(BigInt(room) + 3n);
    expect(x[1]).toBe(1n);
    expect(BigInt(room) + x[2]).toBe(3n * x[0] + 2n);
  });

  test('carries into the next counter that chains', async () => {
    const chain = `mov x0, #${CHAIN}\n msr pmevtyper1_el0, x0`;
    const x = await run(`${counting(SW_INCR, chain)}
      mov x1, #0xffffffff\n msr pmevcntr0_el0, x1
      mov x2, #3\n msr pmswinc_el0, x2
      mrs x19, pmevcntr0_el0\n mrs x20, pmevcntr1_el0\n mrs x21, pmovsset_el0
      msr pmevcntr0_el0, x1\n msr pmevcntr1_el0, x1\n msr pmswinc_el0, x2
      mrs x22, pmevcntr0_el0\n mrs x23, pmevcntr1_el0\n mrs x24, pmovsset_el0`);
    expect(x.slice(0, 6)).toEqual([0n, 1n, 1n, 0n, 0n, 3n]);
  });

  test.each([1, 2, 3])('ends a WFI, %i before', async (room) => {
    const machine = machineWith(
      `ldr x2, =0x080a0000\n str wzr, [x2, #0x14]
       add x2, x2, #0x10000\n mov w0, #-1\n str w0, [x2, #0x80]\n mov w0, #(1 << 23)\n str w0, [x2, #0x100]
       ldr x2, =0x08000000\n mov w0, #3\n str w0, [x2]
       mov x0, #0xff\n msr s3_0_c4_c6_0, x0\n mov x0, #1\n msr s3_0_c12_c12_7, x0
       msr pmintenset_el1, x0
       ${counting(INST_RETIRED, '', 1)}
       ldr x0, =${2 ** 32 - room}\n msr pmevcntr0_el0, x0
       nop\n nop\n wfi
       mrs x19, isr_el1\n mrs x20, s3_0_c12_c12_0\n ${off}`,
    );
    expect((await machine.vcpus[0].run()).kind).toBe('shutdown');
    expect([19, 20].map((n) => get(machine.vcpus[0], `X${n}`))).toEqual([0x80n, 23n]);
  });
});

test('a debugger sees the counters as they are, and sets them', async () => {
  const machine = machineWith(
    `${counting(INST_RETIRED)}\n mrs x19, pmccntr_el0\n nop\n nop\n mrs x20, pmccntr_el0\n ${off}`,
  );
  const [vcpu] = machine.vcpus;
  set(vcpu, 'PMCNTENSET_EL0', 0x8000_0000n);
  set(vcpu, 'PMCR_EL0', 0x3041n);
  set(vcpu, 'PMCCNTR_EL0', 1000n);
  expect(['PMCR_EL0', 'PMCCNTR_EL0', 'PMCNTENCLR_EL0'].map((name) => get(vcpu, name))).toEqual([
    0x3041n,
    1000n,
    0x8000_0000n,
  ]);
  set(vcpu, 'PMCNTENCLR_EL0', 0x8000_0000n);
  expect(get(vcpu, 'PMCNTENSET_EL0')).toBe(0n);
  set(vcpu, 'PMCNTENSET_EL0', 0x8000_0000n);
  vcpu.setGuestDebug({ ...debugStep });
  for (let n = 0; n < 3; n++) await vcpu.run();
  expect(get(vcpu, 'PMCCNTR_EL0')).toBe(1003n);
  vcpu.reset();
  expect(['PMCR_EL0', 'PMCCNTR_EL0'].map((name) => get(vcpu, name))).toEqual([0x3000n, 0n]);
});

test('bits of PMCR_EL0 that act are stored raw, as KVM does, and nothing is cleared', async () => {
  const machine = machineWith(`mrs x0, pmcr_el0\n ${off}`);
  const [vcpu] = machine.vcpus;
  const counters = ['PMCR_EL0', 'PMCCNTR_EL0', 'PMEVCNTR0_EL0', 'PMEVCNTR5_EL0'];
  const hold = () => counters.map((name) => get(vcpu, name));
  vcpu.setGuestDebug({ ...debugStep });
  const values = [0x3006n, 9n, 7n, 8n];
  for (const [n, name] of counters.entries()) set(vcpu, name, values[n]);
  expect(hold()).toEqual(values);
  await vcpu.run();
  expect([get(vcpu, 'X0'), ...hold()]).toEqual([0x3000n, 0x3000n, ...values.slice(1)]);
});

test('a guest that is shown two event counters has no others', async () => {
  const machine = machineWith(`b start
      .balign 2048
      .skip 0x200
      add x28, x28, #1
      mrs x10, elr_el1\n add x10, x10, #4\n msr elr_el1, x10\n eret
 start: ldr x0, =0x40000800\n msr vbar_el1, x0
      mov x0, #-1\n msr pmcntenset_el0, x0\n msr pmintenset_el1, x0\n msr pmovsset_el0, x0
      mrs x19, pmcntenset_el0\n mrs x20, pmintenclr_el1\n mrs x21, pmovsclr_el0\n mrs x22, pmcr_el0
      mov x0, #2\n msr pmselr_el0, x0\n mov x0, #5\n msr pmxevcntr_el0, x0\n mrs x23, pmxevcntr_el0
      mov x0, #1\n msr pmselr_el0, x0\n mov x0, #6\n msr pmxevcntr_el0, x0\n mrs x24, pmevcntr1_el0
      mrs x0, pmevcntr2_el0\n msr pmevtyper2_el0, x0\n msr pmevcntr5_el0, x0\n ${off}`);
  set(machine.vcpus[0], 'PMCR_EL0', 0x1000n);
  expect((await machine.vcpus[0].run()).kind).toBe('shutdown');
  const x = Array.from({ length: 10 }, (_, n) => get(machine.vcpus[0], `X${19 + n}`));
  expect(x.slice(0, 6)).toEqual([0x8000_0003n, 0x8000_0003n, 0x8000_0003n, 0x1000n, 0n, 6n]);
  expect(x[9]).toBe(3n);
});

test('nothing is counted of what was before a reset', async () => {
  const machine = machineWith(`
      ldr x0, =0x80000000\n msr pmccfiltr_el0, x0
      ${counting(INST_RETIRED)}
      adr x0, user\n msr elr_el1, x0\n msr spsr_el1, xzr\n eret
  user: b .`);
  const [vcpu] = machine.vcpus;
  vcpu.setGuestDebug({ ...debugStep });
  for (let n = 0; n < 30; n++) await vcpu.run();
  expect(get(vcpu, 'PMCCNTR_EL0')).toBeGreaterThan(5n);
  await vcpu.run();
  vcpu.reset();
  expect(['PMCR_EL0', 'PMCCNTR_EL0', 'PMEVCNTR0_EL0'].map((name) => get(vcpu, name))).toEqual([0x3000n, 0n, 0n]);
});

const debugStep = {
  enable: true,
  singleStep: true,
  useSoftwareBreakpoints: false,
  useHardware: false,
  breakpoints: [],
  watchpoints: [],
};
