import { describe, expect, test } from 'vitest';
import { get, set } from './assembled.ts';
import { LINES, off, Rig } from './rig.ts';

const hex = (value: bigint) => value.toString(16);

/** Vectors that note which one it was in X20, and lower the lines; then the program. */
const program = (source: string) => `
  b main
  .balign 0x800
  vectors:
  ${Array.from({ length: 16 }, (_, n) => `.balign 0x80\n mov x20, #${n}\n b handler`).join('\n')}
  .balign 0x80
  handler:
    mrs x21, elr_el1
    mrs x22, spsr_el1
    mrs x23, daif
    mrs x24, isr_el1
    str wzr, [x19]
    ${off}
    b .
  main:
    adr x0, vectors
    msr vbar_el1, x0
    mov x19, #${LINES}
    mov x26, #1
    mov x27, #2
    ${source}
    b .
    .ltorg`;

const rigOf = (source: string) => new Rig(program(source));

async function run(source: string): Promise<Rig> {
  const rig = rigOf(source);
  await rig.finish();
  return rig;
}

describe('taking an interrupt', () => {
  test.each<[string, string, number]>([
    ['IRQ at EL1 with SP_EL1', 'msr daifclr, #2\n str w26, [x19]\n 1: nop\n adr x1, 1b', 5],
    ['FIQ at EL1 with SP_EL1', 'msr daifclr, #1\n str w27, [x19]\n 1: nop', 6],
    ['IRQ at EL1 with SP_EL0', 'msr daifclr, #2\n msr spsel, #0\n str w26, [x19]\n 1: nop', 1],
    ['FIQ at EL1 with SP_EL0', 'msr daifclr, #1\n msr spsel, #0\n str w27, [x19]\n 1: nop', 2],
    ['IRQ at EL0', 'msr spsr_el1, xzr\n adr x1, 2f\n msr elr_el1, x1\n eret\n 2: str w26, [x19]\n 1: nop', 9],
    ['FIQ at EL0', 'msr spsr_el1, xzr\n adr x1, 2f\n msr elr_el1, x1\n eret\n 2: str w27, [x19]\n 1: nop', 10],
  ])('%s goes to its vector', async (_name, source, vector) => {
    const { vcpu } = await run(source);
    expect(get(vcpu, 'X20')).toBe(BigInt(vector));
    expect(get(vcpu, 'X23')).toBe(0x3c0n);
  });

  test('it returns to the instruction behind the store that raised the line, and ESR_EL1 stays', async () => {
    const { vcpu } = await run(`
      mov x0, #0x55
      msr esr_el1, x0
      msr daifclr, #2
      adr x10, 1f
      mov x5, #7
      cmp x5, #7
      str w26, [x19], #4
      1: sub x19, x19, #4
      mov x5, #0`);
    expect(hex(get(vcpu, 'X21'))).toBe(hex(get(vcpu, 'X10')));
    expect([get(vcpu, 'X5'), get(vcpu, 'ESR_EL1')]).toEqual([7n, 0x55n]);
    // Z and C, EL1h, A and D masked.
    expect(hex(get(vcpu, 'X22') & ~0x40n)).toBe('60000305');
    expect(get(vcpu, 'X24')).toBe(0x80n);
  });

  test.each([
    ['a store in a loop', '1: add x1, x1, #1\n cmp x1, #50\n csel x2, x26, xzr, eq\n str w2, [x19]\n 2: cbz x2, 1b'],
    ['a pair of stores', '1: stp w26, wzr, [x19]\n 2: nop'],
    ['two stores in a row', 'str wzr, [x19]\n str w26, [x19]\n 2: str wzr, [x19, #16]'],
    ['the last instruction of a page', 'b 1f\n .balign 4096\n .space 4092\n 1: str w26, [x19]\n 2: nop'],
    ['an instruction that a branch follows', 'str w26, [x19]\n 2: b 3f\n nop\n 3: nop'],
    ['an atomic store', 'msr daifset, #2\n str w26, [x19]\n msr daifclr, #2\n 2: nop'],
  ])('at once after %s', async (_name, source) => {
    const { vcpu } = await run(`msr daifclr, #2\n adr x10, 2f\n ${source}`);
    expect(hex(get(vcpu, 'X21'))).toBe(hex(get(vcpu, 'X10')));
  });

  test.each([
    ['by DAIFClr', 'msr daifclr, #2'],
    ['by DAIF', 'msr daif, xzr'],
    ['by ERET', 'mov x1, #5\n msr spsr_el1, x1\n adr x1, 2f\n msr elr_el1, x1\n eret'],
  ])('while it is masked it waits; unmasked %s it is taken at once', async (_name, unmask) => {
    const { vcpu } = await run(`str w26, [x19]\n mrs x11, isr_el1\n adr x10, 2f\n ${unmask}\n 2: nop`);
    expect(hex(get(vcpu, 'X21'))).toBe(hex(get(vcpu, 'X10')));
    expect(get(vcpu, 'X11')).toBe(0x80n);
  });

  test('a line that falls before it is unmasked is not taken', async () => {
    const { vcpu } = await run(`str w26, [x19]\n str wzr, [x19]\n msr daifclr, #3\n nop\n mov x20, #77\n ${off}`);
    expect(get(vcpu, 'X20')).toBe(77n);
  });

  test('FIQ goes before IRQ', async () => {
    const { vcpu } = await run('mov x1, #3\n str w1, [x19]\n msr daifclr, #3\n nop');
    expect([get(vcpu, 'X20'), get(vcpu, 'X24')]).toEqual([6n, 0xc0n]);
  });

  test('a line that stays is taken again, for ever, and the run can be ended', async () => {
    const rig = new Rig(`
      b main
      .balign 0x800
      vectors: .space 0x280
      add x5, x5, #1
      eret
      main: adr x0, vectors
      msr vbar_el1, x0
      msr daifclr, #2
      b .
      .ltorg`);
    rig.lines.set(1);
    const run = rig.vcpu.run();
    setTimeout(() => rig.vcpu.kick(), 20);
    expect(await run).toEqual({ kind: 'interrupted' });
    expect(get(rig.vcpu, 'X5')).toBeGreaterThan(100n);
  });
});

describe('time', () => {
  test.each([0, 1, 2, 10, 1000, 30_000])('an alarm in %i ticks is honoured to the instruction', async (ticks) => {
    const rig = await run(`
      msr daifclr, #2
      mov w1, #${ticks}
      mov x5, #0
      mrs x6, cntvct_el0
      str w1, [x19, #4]
      1: add x5, x5, #1
      add x5, x5, #1
      b 1b`);
    // The tick may have been half over when the alarm was set.
    const executed = Number(get(rig.vcpu, 'X5')) * 1.5;
    expect(executed).toBeGreaterThanOrEqual(2 * ticks - 2);
    expect(executed).toBeLessThanOrEqual(2 * ticks + 1);
  });

  test('two runs are alike to the instruction', async () => {
    const source = `
      msr daifclr, #2
      mov w1, #5000
      str w1, [x19, #4]
      1: add x5, x5, #1
      b 1b`;
    const runs = [await run(source), await run(source)];
    const told = runs.map(({ cpu, clock, vcpu }) => [cpu.executed, clock.tick, get(vcpu, 'X5')]);
    expect(told[0]).toEqual(told[1]);
  });

  test('an exception that never ends lets time go on', async () => {
    const { vcpu } = await new Promise<Rig>((resolve) => {
      // The vectors lie where there is nothing: each fetch faults.
      const rig = new Rig(`mov x1, #0x1000\n msr vbar_el1, x1\n br x1`);
      const run = rig.vcpu.run();
      setTimeout(() => rig.vcpu.kick(), 20);
      Promise.resolve(run).then(() => resolve(rig));
    });
    expect(get(vcpu, 'CNTVCT_EL0')).toBeGreaterThan(1000n);
  });
});

describe('WFI and WFE', () => {
  test('time goes on to the alarm while the CPU waits', async () => {
    const rig = await run('mov w1, #50000\n str w1, [x19, #4]\n msr daifclr, #2\n wfi\n 1: nop');
    expect(rig.clock.tick).toBeGreaterThanOrEqual(50_000);
    expect(rig.cpu.executed).toBeLessThan(100);
  });

  test('WFI goes on for a masked interrupt, without taking it', async () => {
    const { vcpu } = await run(`mov w1, #500\n str w1, [x19, #4]\n wfi\n mrs x1, isr_el1\n mov x20, #77\n ${off}`);
    expect([get(vcpu, 'X20'), get(vcpu, 'X1')]).toEqual([77n, 0x80n]);
  });

  test('WFI does not wait while an interrupt is pending', async () => {
    const { vcpu } = await run(`str w26, [x19]\n wfi\n mov x20, #77\n ${off}`);
    expect(get(vcpu, 'X20')).toBe(77n);
  });

  test('WFE waits for an interrupt that is not masked', async () => {
    const rig = rigOf('mov w1, #500\n str w1, [x19, #4]\n wfe\n mov x20, #77\n b .');
    const run = rig.vcpu.run();
    await new Promise((resolve) => setTimeout(resolve, 20));
    rig.vcpu.kick();
    await run;
    expect(get(rig.vcpu, 'X20')).toBe(0n);
    set(rig.vcpu, 'PC', get(rig.vcpu, 'PC') - 4n);
    set(rig.vcpu, 'PSTATE', 0x345n);
    await rig.finish();
    expect(get(rig.vcpu, 'X20')).toBe(5n);
  });

  test.each([
    ['0 to 1', 0, 16n],
    ['1 to 0', 8, 0n],
  ])('the event stream wakes WFE when bit 4 of the counter goes from %s', async (_name, direction, phase) => {
    const source = `mov x1, #${0x44 + direction}\n msr cntkctl_el1, x1\n wfe\n mrs x10, cntvct_el0\n wfe\n mrs x11, cntvct_el0\n ${off}`;
    const { vcpu } = await run(source);
    const [first, second] = [get(vcpu, 'X10'), get(vcpu, 'X11')];
    expect([first & 30n, second & 30n]).toEqual([phase, phase]);
    expect(second - first).toBe(32n);
  });

  test('an idle CPU uses no processor time, and wakes when a line rises', async () => {
    const rig = rigOf('msr daifclr, #2\n 1: wfi\n b 1b');
    const run = rig.vcpu.run();
    const begin = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const used = process.cpuUsage(begin);
    rig.lines.set(1);
    expect(await run).toEqual({ kind: 'shutdown' });
    expect(used.user + used.system).toBeLessThan(100_000);
    expect(get(rig.vcpu, 'X20')).toBe(5n);
    // The guest's time is about that of the host: 62.5 ticks a microsecond.
    expect(rig.clock.tick).toBeGreaterThan(100_000 * 62.5);
  });

  test('an alarm far off costs as much time as the guest sees, and no processor time', async () => {
    const begin = process.cpuUsage();
    const start = performance.now();
    // 100 ms
    const rig = await run(`ldr w1, =6250000\n str w1, [x19, #4]\n wfi\n mrs x10, cntvct_el0\n ${off}`);
    const used = process.cpuUsage(begin);
    expect(performance.now() - start).toBeGreaterThan(90);
    expect(get(rig.vcpu, 'X10')).toBeLessThan(6_250_100n);
    expect(used.user + used.system).toBeLessThan(90_000);
  });
});
