/** Machines with several CPUs. */
import { describe, expect, test } from 'vitest';
import { Guest, type SimulatorMachine, type Snapshot } from '../../../src/backend/index.ts';
import type { Clock } from '../../../src/backend/simulator/clock.ts';
import type { Exit } from '../../../src/backend/vcpu.ts';
import { get, machineWith, START } from './assembled.ts';

/**
 * `count` CPUs, each with its number in X20, do `work`. The last one to end it shuts the machine down, with the two
 * words at [X21], which begin as zero, in X10 and X11.
 */
const program = (count: number, work: string) => `
  mov x20, #0
  mov x22, #1
  1: cmp x22, #${count}
  b.eq common
  ldr x0, =0xc4000003
  mov x1, x22
  adr x2, second
  mov x3, x22
  hvc #0
  cbnz x0, failed
  add x22, x22, #1
  b 1b
second:
  mov x20, x0
common:
  mov x0, #3 << 20
  msr cpacr_el1, x0
  adr x21, shared
  add x28, x21, #256
  ${work}
done:
  ldaxr x1, [x28]
  add x1, x1, #1
  stlxr w2, x1, [x28]
  cbnz w2, done
  cmp x1, #${count}
  b.eq off
  1: wfi
  b 1b
off:
  ldp x10, x11, [x21]
  ldr x0, =0x84000008
  hvc #0
failed:
  b failed
  .ltorg
  .balign 64
shared: .space 320
`;

/** Lets all CPUs run until one exits; the others are stopped. */
async function runAll(machine: SimulatorMachine): Promise<{ readonly cpu: number; readonly exit: Exit }> {
  const runs = machine.vcpus.map(async (vcpu, cpu) => ({ cpu, exit: await vcpu.run() }));
  const late = setTimeout(() => machine.vcpus[0].kick(), 4000);
  const first = await Promise.race(runs);
  clearTimeout(late);
  for (const vcpu of machine.vcpus) if (vcpu.index !== first.cpu) vcpu.kick();
  await Promise.all(runs);
  return first;
}

/** The words at [X21] at the end. */
async function results(count: number, work: string): Promise<[bigint, bigint]> {
  const machine = machineWith(program(count, work), undefined, count);
  const { cpu, exit } = await runAll(machine);
  expect(exit).toEqual({ kind: 'shutdown' });
  const vcpu = machine.vcpus[cpu];
  return [get(vcpu, 'X10'), get(vcpu, 'X11')];
}

const all = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ thread: i + 1, kind: 'continue', signal: 0 }) as const);

const times = (register: string, count: number, body: string, label = 9) => `
  ldr ${register}, =${count}
  ${label}: ${body}
  subs ${register}, ${register}, #1
  b.ne ${label}b`;

describe('what CPUs share', () => {
  const rounds = 20_000;
  const increments: readonly (readonly [name: string, body: string])[] = [
    ['LDXR, STXR', '1: ldxr x3, [x21]\n add x3, x3, #1\n stxr w4, x3, [x21]\n cbnz w4, 1b'],
    ['LDADD', 'mov x3, #1\n stadd x3, [x21]'],
    ['CAS', '1: ldr x3, [x21]\n mov x4, x3\n add x5, x3, #1\n cas x4, x5, [x21]\n cmp x3, x4\n b.ne 1b'],
    ['LDXP, STXP', '1: ldxp x3, x5, [x21]\n add x3, x3, #1\n add x5, x5, #2\n stxp w4, x3, x5, [x21]\n cbnz w4, 1b'],
    [
      'a lock that is taken with LDAXR and waited for with WFE',
      `add x5, x28, #8
      sevl
      1: wfe
      2: ldaxr w3, [x5]
      cbnz w3, 1b
      stxr w4, w26, [x5]
      cbnz w4, 2b
      ldr x3, [x21]
      add x3, x3, #1
      str x3, [x21]
      stlr wzr, [x5]`,
    ],
  ];
  test.each(increments.flatMap(([name, body]) => [2, 3, 8].map((count) => [name, count, body] as const)))(
    '%s: %i CPUs count together',
    async (_name, count, body) => {
      const [sum] = await results(count, `mov w26, #1\n ${times('x19', rounds, body)}`);
      expect(sum).toBe(BigInt(count * rounds));
    },
  );

  test('no CPU sees the registers of another', async () => {
    const [wrong, seen] = await results(
      4,
      `
      // x10 to x17, v0, FPCR, FPSR, TPIDR_EL1 and the flags hold what only this CPU would put there.
      add x10, x20, #100
      mov x11, x10
      fmov d0, x10
      dup v1.2d, x10
      msr tpidr_el1, x10
      msr sp_el0, x10
      and x12, x20, #3
      lsl x12, x12, #22
      msr fpcr, x12
      msr fpsr, x20
      ${times(
        'x19',
        30_000,
        `cmp x20, #2
        mrs x13, tpidr_el1
        mrs x14, nzcv
        fmov x15, d0
        mov x16, v1.d[1]
        mrs x17, fpcr
        mrs x18, fpsr
        mrs x9, sp_el0
        mrs x8, mpidr_el1
        sub x13, x13, x10
        sub x15, x15, x10
        sub x16, x16, x10
        sub x17, x17, x12
        sub x18, x18, x20
        sub x9, x9, x10
        and x8, x8, #0xff
        sub x8, x8, x20
        sub x10, x10, x11
        orr x13, x13, x15
        orr x13, x13, x16
        orr x13, x13, x17
        orr x13, x13, x18
        orr x13, x13, x9
        orr x13, x13, x8
        orr x13, x13, x10
        mov x10, x11
        cmp x20, #2
        mrs x15, nzcv
        sub x15, x15, x14
        orr x13, x13, x15
        cbz x13, 1f
        mov x14, #1
        stadd x14, [x21]
        1: mov x14, #1
        add x15, x21, #8
        stadd x14, [x15]`,
      )}`,
    );
    expect([wrong, seen]).toEqual([0n, 120_000n]);
  });

  test('what one CPU writes into code, all of them run', async () => {
    const [sum] = await results(
      3,
      `
      // CPU 0 changes the function of all; the others call it until it answers otherwise.
      adr x9, 7f
      cbnz x20, 2f
      ldr x3, =3000
      1: subs x3, x3, #1
      b.ne 1b
      // mov x0, #7
      ldr w4, =0xd28000e0
      str w4, [x9]
      dc cvau, x9
      dsb ish
      ic ivau, x9
      dsb ish
      isb
      2: blr x9
      cmp x0, #7
      b.ne 2b
      stadd x0, [x21]
      b 8f
      7: mov x0, #5
      ret
      8:`,
    );
    expect(sum).toBe(21n);
  });

  test('TLBI of the inner shareable domain reaches all CPUs, another one does not', async () => {
    // Both map the first GiB twice: at 0x40000000 itself, and at 0x80000000, which CPU 0 takes away.
    const [sum, faults] = await results(
      2,
      `
      adr x0, vectors
      msr vbar_el1, x0
      adrp x0, table
      add x0, x0, :lo12:table
      cbnz x20, 1f
      ldr x1, =0x40000701
      str x1, [x0, #8]
      str x1, [x0, #16]
      1: msr ttbr0_el1, x0
      mov x1, #0xff
      msr mair_el1, x1
      ldr x1, =(25 | (1 << 23) | (2 << 32))
      msr tcr_el1, x1
      isb
      mrs x1, sctlr_el1
      orr x1, x1, #1
      msr sctlr_el1, x1
      isb
      // Each sees the page once.
      mov x7, #0x40000000
      add x7, x21, x7
      2: ldr x1, [x7]
      mov x1, #1
      add x2, x21, #16
      ldadd x1, x3, [x2]
      3: ldr x3, [x2]
      cmp x3, #2
      b.lo 3b
      cbnz x20, 5f
      str xzr, [x0, #16]
      dsb ish
      tlbi vmalle1is
      dsb ish
      add x3, x3, #1
      str x3, [x2]
      b 6f
      5: ldr x3, [x2]
      cmp x3, #3
      b.lo 5b
      6: ldr x1, [x7]
      mov x1, #1
      stadd x1, [x21]
      b 8f
      .balign 2048
      vectors: .space 0x200
      mrs x1, elr_el1
      add x1, x1, #4
      msr elr_el1, x1
      add x2, x21, #8
      mov x1, #1
      stadd x1, [x2]
      eret
      .balign 4096
      table: .space 4096
      8:`,
    );
    expect([sum, faults]).toEqual([2n, 2n]);
  });
});

describe('the exclusive monitor', () => {
  /** CPU 0 marks, CPU 1 does something while the mark stands, and CPU 0 stores: X10 is the status. */
  const betweenExclusives = (meanwhile: string) => `
    add x9, x21, #64
    cbnz x20, 2f
    mov x3, #5
    str x3, [x21]
    ldxr x4, [x21]
    mov x5, #1
    str x5, [x9]
    1: ldr x5, [x9]
    cmp x5, #2
    b.ne 1b
    mov x6, #77
    stxr w7, x6, [x21]
    str x7, [x21, #8]
    b 8f
    2: ldr x5, [x9]
    cmp x5, #1
    b.ne 2b
    ${meanwhile}
    mov x5, #2
    str x5, [x9]
    8:`;
  test.each<[string, string, bigint[]]>([
    ['nothing', 'nop', [77n, 0n]],
    ['a load', 'ldr x3, [x21]', [77n, 0n]],
    ['a store elsewhere', 'str x3, [x21, #128]', [77n, 0n]],
    ['a store of another value', 'mov x3, #6\n str x3, [x21]', [6n, 1n]],
    ['a store of the same value', 'mov x3, #5\n str x3, [x21]', [5n, 1n]],
    ['stores of another value and of the same again', 'str xzr, [x21]\n mov x3, #5\n str x3, [x21]', [5n, 1n]],
    ['a store beside it, in the same granule', 'str xzr, [x21, #32]', [5n, 1n]],
    ['a store of one byte', 'strb wzr, [x21, #63]', [5n, 1n]],
    ['a pair of stores that ends there', 'stp xzr, xzr, [x21, #48]', [5n, 1n]],
    ['a vector', 'movi v0.2d, #0\n str q0, [x21, #16]', [5n, 1n]],
    ['an atomic that changes nothing', 'stadd xzr, [x21]', [5n, 1n]],
    ['a store-exclusive', '3: ldxr x3, [x21]\n stxr w4, x3, [x21]\n cbnz w4, 3b', [5n, 1n]],
    ['a store-exclusive that fails', 'clrex\n stxr w4, x3, [x21]', [77n, 0n]],
  ])('a store-exclusive after %s by another CPU', async (_name, meanwhile, expected) => {
    expect(await results(2, betweenExclusives(meanwhile))).toEqual(expected);
  });

  test('the end of a reservation is an event that wakes WFE', async () => {
    const [woken] = await results(
      2,
      `
      cbnz x20, 2f
      1: ldxr x3, [x21]
      cbnz x3, 3f
      wfe
      add x19, x19, #1
      b 1b
      2: ldr x3, =100000
      1: subs x3, x3, #1
      b.ne 1b
      mov x3, #9
      str x3, [x21]
      3:`,
    );
    expect(woken).toBe(9n);
  });
});

describe('events and interrupts between CPUs', () => {
  test('SEV wakes the others', async () => {
    const [woken] = await results(
      3,
      `
      cbz x20, 2f
      wfe
      mov x3, #1
      stadd x3, [x21]
      b 3f
      2: ldr x3, =100000
      1: subs x3, x3, #1
      b.ne 1b
      sev
      3:`,
    );
    expect(woken).toBe(2n);
  });

  test('an SGI of a GICv3 wakes another CPU out of WFI', async () => {
    const [interrupt, by] = await results(
      2,
      `
      ldr x3, =0x08000000
      mov w4, #0x12
      str w4, [x3]
      ldr x3, =0x080a0000
      add x3, x3, x20, lsl #17
      ldr w4, [x3, #0x14]
      bic w4, w4, #2
      str w4, [x3, #0x14]
      add x3, x3, #0x10000
      mov w4, #-1
      str w4, [x3, #0x80]
      mov w4, #0xff
      str w4, [x3, #0x100]
      mov x4, #0xff
      msr S3_0_C4_C6_0, x4
      mov x4, #1
      msr S3_0_C12_C12_7, x4
      isb
      cbz x20, 2f
      1: wfi
      mrs x4, S3_0_C12_C12_0
      cmp x4, #1020
      b.hs 1b
      stp x4, x20, [x21]
      b 3f
      2: ldr x3, =100000
      1: subs x3, x3, #1
      b.ne 1b
      ldr x3, =0x05000002
      msr S3_0_C12_C11_5, x3
      3:`,
    );
    expect([interrupt, by]).toEqual([5n, 1n]);
  });
});

describe('power', () => {
  test('CPU_OFF and CPU_ON again, told by AFFINITY_INFO', async () => {
    const [states, starts] = await results(
      2,
      `
      cbnz x20, 5f
      // until CPU 1 is off
      1: ldr x0, =0xc4000004
      mov x1, #1
      mov x2, #0
      hvc #0
      cbz x0, 1b
      str x0, [x21]
      ldr x0, =0xc4000003
      mov x1, #1
      adr x2, 4f
      mov x3, #77
      hvc #0
      ldr x0, =0xc4000003
      mov x1, #1
      hvc #0
      add x0, x0, #100
      ldr x3, [x21]
      add x3, x3, x0
      str x3, [x21]
      b 8f
      // CPU 1 again, from its reset on
      4: adr x21, shared
      add x28, x21, #256
      mrs x3, sctlr_el1
      mrs x4, currentel
      add x4, x4, x0
      mov x20, #1
      str x4, [x21, #8]
      b 8f
      5: ldr x0, =0x84000002
      hvc #0
      b .
      8:`,
    );
    // OFF and ALREADY_ON; EL1 and the context.
    expect([states, starts]).toEqual([97n, 81n]);
  });

  test('a CPU that is off runs when another one turns it on, and a kick ends its run before', async () => {
    const machine = machineWith(program(2, 'nop'), undefined, 2);
    const [, second] = machine.vcpus;
    expect([second.getMpState!(), machine.vcpus[0].getMpState!()]).toEqual([5, 0]);
    const run = second.run();
    setTimeout(() => second.kick(), 5);
    expect(await run).toEqual({ kind: 'interrupted' });
    expect((await runAll(machine)).exit).toEqual({ kind: 'shutdown' });
    expect(second.getMpState!()).toBe(0);
    machine.reset();
    expect(second.getMpState!()).toBe(5);
    expect(get(machine.vcpus[0], 'PC')).toBe(START);
    expect((await runAll(machine)).exit).toEqual({ kind: 'shutdown' });
  });

  test('a run state that there is not is refused', () => {
    const machine = machineWith('b .', undefined, 2);
    expect(machine.vcpus[1].setMpState!(3)).toBe(22);
    expect(machine.vcpus[1].getMpState!()).toBe(5);
    expect(machine.vcpus[1].setMpState!(0)).toBe(0);
    expect(machine.vcpus[1].getMpState!()).toBe(0);
  });
});

describe('the same run again', () => {
  const work = `
    ${times('x19', 5000, '1: ldxr x3, [x21]\n mrs x4, cntvct_el0\n eor x5, x4, x3, ror #7\n add x5, x5, x20\n stxr w6, x5, [x21]\n cbnz w6, 1b\n yield')}
    mrs x4, cntvct_el0
    add x5, x21, #8
    ldeor x4, x6, [x5]
    mov x5, #0x64
    msr cntkctl_el1, x5
    wfe
    mrs x3, cntvct_el0
    wfe
    sev`;
  test.each([1, 2, 4, 8])('%i CPUs end with the same RAM, registers and number of instructions', async (count) => {
    const ends: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const machine = machineWith(program(count, work), undefined, count);
      // The host is busy in another way each time.
      const busy = setInterval(() => {
        const end = performance.now() + i;
        while (performance.now() < end);
      }, 1);
      const { cpu } = await runAll(machine);
      clearInterval(busy);
      ends.push({
        cpu,
        executed: machine.executed,
        ram: Buffer.from(machine.memory.view(START, 1 << 16)!).toString('base64'),
        registers: machine.vcpus.map((vcpu) => ['X3', 'X4', 'X5', 'PC', 'CNTVCT_EL0'].map((name) => get(vcpu, name))),
      });
    }
    expect(ends[1]).toEqual(ends[0]);
    expect(ends[2]).toEqual(ends[0]);
  });
});

describe('what a guest may do, the debugger stops and steps', () => {
  test.each([
    ['all CPUs off', 'ldr x0, =0x84000002\n hvc #0'],
    [
      'CPUs that turn each other on and off',
      '1: ldr x0, =0xc4000003\n mov x1, x20\n eor x1, x1, #1\n adr x2, 2f\n mov x3, x1\n hvc #0\n b 1b\n 2: mov x20, x0\n cbz x20, 1b\n ldr x0, =0x84000002\n hvc #0\n b 1b',
    ],
    ['YIELD for ever', '1: yield\n b 1b'],
    ['events for ever', '1: sev\n wfe\n b 1b'],
    ['WFE with a reservation', '1: ldxr x3, [x21]\n wfe\n b 1b'],
    ['stores that end reservations', '1: ldxr x3, [x21]\n str x3, [x21]\n yield\n stxr w4, x3, [x21]\n b 1b'],
    ['exceptions without an end', 'mov x1, #0x1000\n msr vbar_el1, x1\n br x1'],
    [
      'a timer that is due at every tick',
      'mov x1, #3\n msr cntv_ctl_el0, x1\n 1: mrs x1, cntvct_el0\n add x1, x1, #1\n msr cntv_cval_el0, x1\n b 1b',
    ],
    ['an event stream as fast as it can be', 'mov x1, #4\n msr cntkctl_el1, x1\n 1: wfe\n b 1b'],
    ['TLBI for ever', '1: tlbi vmalle1is\n tlbi vae1is, x1\n add x1, x1, #1\n b 1b'],
    ['code that all of them write', 'adr x9, 1f\n 1: nop\n ldr w3, [x9]\n str w3, [x9]\n b 1b'],
    ['SGIs to all others', 'mov x3, #1\n lsl x3, x3, #40\n 1: msr S3_0_C12_C11_5, x3\n b 1b'],
  ])('%s', async (_name, work) => {
    const machine = machineWith(program(4, work), undefined, 4);
    const guest = new Guest(machine);
    for (let i = 0; i < 3; i++) {
      const stop = guest.execution.resume(all(4));
      setTimeout(() => guest.execution.interrupt(), 20);
      expect(await stop).toMatchObject({ kind: 'interrupted' });
      for (const { thread } of all(4))
        expect(await guest.execution.resume([{ thread, kind: 'step', signal: 0 }])).toEqual({ kind: 'step', thread });
    }
    machine.close();
  });
});

test('several CPUs go on from a snapshot as they did', async () => {
  const body =
    '1: ldxr x3, [x21]\n mrs x4, cntvct_el0\n eor x5, x4, x3, ror #7\n stxr w6, x5, [x21]\n cbnz w6, 1b\n yield';
  const machine = machineWith(program(3, times('x19', 200_000, body)), undefined, 3);
  const guest = new Guest(machine);
  (Reflect.get(machine, 'clock') as Clock).alarm(() => guest.execution.interrupt()).set(1_000_003);
  expect(await guest.execution.resume(all(3))).toMatchObject({ kind: 'interrupted' });
  const snapshot = guest.state.save() as Snapshot;
  const ends: unknown[] = [];
  for (let i = 0; i < 2; i++) {
    expect(guest.state.restore(snapshot)).toEqual({ reset: [], leftOut: [] });
    const before = machine.executed;
    expect(await guest.execution.resume(all(3))).toEqual({ kind: 'exited', code: 0 });
    const registers = ['X3', 'X4', 'X5', 'PC', 'CNTVCT_EL0'];
    ends.push({
      executed: machine.executed - before,
      ram: Buffer.from(machine.memory.view(START, 1 << 16)!).toString('base64'),
      registers: machine.vcpus.map((vcpu) => registers.map((name) => get(vcpu, name))),
    });
  }
  expect(ends[1]).toEqual(ends[0]);
});

test.each([0, 9, 1.5, Number.NaN])('%f CPUs are not made', (count) => {
  expect(() => machineWith('b .', undefined, count)).toThrow(RangeError);
});
