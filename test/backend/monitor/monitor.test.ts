import { beforeEach, describe, expect, test } from 'vitest';
import { findRegister, type SystemRegister } from '../../../src/arm/index.ts';
import { type Guest, monitorCommands } from '../../../src/backend/index.ts';
import { assemble, go, guestOf, RAM, step } from '../assembled.ts';

const program = assemble(`
  mov x0, #0
loop:
  add x0, x0, #1
  b loop
other:
  b other
`);
const { loop, other } = program.symbols;
const numberOf = (name: string): number => (findRegister(name) as SystemRegister).number;

let guest: Guest;
beforeEach(() => {
  guest = guestOf(program);
});

const monitor = (line: string): string => {
  const result = guest.monitor.run(line, 1);
  return typeof result === 'string' ? result : `E: ${result.message}`;
};
const read = (name: string) => guest.registers.read(1, numberOf(name));

describe('help', () => {
  test('lists every form of every command', () => {
    const text = monitor('help');
    for (const { usage, summary } of monitorCommands) {
      for (const form of usage) expect(text).toContain(form);
      expect(text).toContain(summary);
    }
    expect(monitor('')).toBe(text);
    expect(monitor('  help  ')).toBe(text);
  });

  test.each(monitorCommands.map(({ name, summary }) => [name, summary]))('help %s', (name, summary) => {
    expect(monitor(`help ${name}`)).toContain(`${summary}.`);
  });

  test.each([
    ['sysrg', 'E: there is no command sysrg; did you mean sysreg?'],
    ['frobnicate', 'E: there is no command frobnicate; monitor help lists all'],
    ['help nothing', 'E: there is no command nothing; monitor help lists all'],
    ['halt now', 'E: usage: monitor halt'],
    ['reset init', 'E: usage: monitor reset [halt] | reset run'],
    ['writes maybe', 'E: usage: monitor writes [COUNT] | writes mask|strict'],
    ['translate', 'E: usage: monitor translate ADDRESS'],
    ['translate 0x1ffffffffffffffff', 'E: usage: monitor translate ADDRESS'],
    ['phys 0x40000000 99999', 'E: usage: monitor phys ADDRESS [LENGTH]'],
    ['info all', 'E: usage: monitor info'],
    ['resume 1', 'E: usage: monitor resume'],
    ['sysreg A B', 'E: usage: monitor sysreg [GLOB] | sysreg NAME | sysreg NAME[.FIELD]=VALUE | sysreg poke NAME'],
  ])('%s', (line, answer) => {
    expect(monitor(line)).toBe(answer);
  });
});

describe('sysreg', () => {
  test('one register is explained field by field', () => {
    expect(monitor('sysreg currentel')).toMatch(/^CurrentEL = 0x0000000000000004.*\n {2}EL +3:2 +1/);
  });

  test('several are told a line each, with the fields that are not zero', () => {
    const lines = monitor('sysreg TTBR?_EL1,DAIF').trimEnd().split('\n');
    expect(lines).toEqual([
      'TTBR0_EL1  0x0000000000000000',
      'TTBR1_EL1  0x0000000000000000',
      'DAIF       0x00000000000003c0  D A I F',
    ]);
    expect(monitor('sysreg').split('\n').length).toBeGreaterThan(10);
    expect(monitor('sysreg all').split('\n').length).toBeGreaterThan(170);
  });

  test.each([
    ['sysreg VBAR_EL1=0x40100000', 'VBAR_EL1: 0x0 -> 0x40100000\n', 0x4010_0000n],
    ['sysreg vbar_el1 = 0x800', 'VBAR_EL1: 0x0 -> 0x800\n', 0x800n],
    ['sysreg S3_0_C12_C0_0=2048', 'VBAR_EL1: 0x0 -> 0x800\n', 0x800n],
    ['sysreg VBAR_EL1=0b100000000000', 'VBAR_EL1: 0x0 -> 0x800\n', 0x800n],
    ['sysreg VBAR_EL1=1', 'E: VBAR_EL1: bits 0x1 are RES0 here and did not stick; it still holds 0x0', 0n],
    ['sysreg VBAR_EL1=0x10000000000000000', 'E: VBAR_EL1: 0x10000000000000000 does not fit into its 64 bits', 0n],
    ['sysreg VBAR_EL1=one', 'E: one is no number: write 42 or 0x2a', 0n],
    ['sysreg VBAR_EL1=-1', 'E: -1 is no number: write 42 or 0x2a', 0n],
    ['sysreg VBAR_EL1.NOPE=1', 'E: VBAR_EL1 has no field NOPE', 0n],
  ])('%s', (line, answer, value) => {
    expect(monitor(line)).toBe(answer);
    expect(read('VBAR_EL1')).toBe(value);
  });

  test('a field is written and the others stay', () => {
    const old = read('SCTLR_EL1') as bigint;
    expect(monitor('sysreg sctlr_el1.wxn=1')).toBe(
      `SCTLR_EL1: 0x${old.toString(16)} -> 0x${(old | (1n << 19n)).toString(16)}\n`,
    );
    expect(read('SCTLR_EL1')).toBe(old | (1n << 19n));
    expect(monitor('sysreg SCTLR_EL1.WXN=2')).toBe('E: SCTLR_EL1.WXN: 0x2 does not fit into 1 bit');
    expect(monitor('sysreg TCR_EL1.T0SZ=64')).toBe('E: TCR_EL1.T0SZ: 0x40 does not fit into 6 bits');
    expect(monitor('sysreg TCR_EL1.T0SX=1')).toBe('E: TCR_EL1 has no field T0SX; did you mean T0SZ?');
  });

  test.each([
    ['sysreg SCTLR_EL2', 'E: SCTLR_EL2 is not offered by this machine'],
    ['sysreg ZCR_EL1', 'E: ZCR_EL1 needs FEAT_SVE, which this CPU does not show'],
    ['sysreg SCTRL_EL1=1', 'E: there is no system register SCTRL_EL1; did you mean SCTLR_EL1?'],
    ['sysreg S3_0_C1_C0_7', 'E: there is no system register S3_0_C1_C0_7'],
    ['sysreg XYZZY*', 'E: there is no system register XYZZY*'],
  ])('%s', (line, answer) => {
    expect(monitor(line)).toBe(answer);
  });

  test('poke writes the value that is there, and the journal knows', () => {
    monitor('sysreg VBAR_EL1=0x800');
    expect(monitor('sysreg poke vbar_el1')).toBe('VBAR_EL1: 0x800 -> 0x800\n');
    expect(guest.journal.edits().at(-1)).toMatchObject({ register: 'VBAR_EL1', old: 0x800n, value: 0x800n });
  });

  test('FPCR is a system register too', () => {
    expect(monitor('sysreg FPCR.RMode=1')).toContain('FPCR: 0x0 -> 0x400000');
    expect(guest.registers.read(1, 67)).toBe(0x40_0000n);
  });

  test('a write that takes the memory from under the pc is warned about', () => {
    expect(monitor('sysreg SCTLR_EL1.M=1')).toMatch(/\nwarning: the pc is no longer mapped: the next fetch faults\n$/);
    expect(monitor('writes')).toContain('the pc is no longer mapped');
  });
});

describe('writes', () => {
  test('the journal, line by line', async () => {
    await step(guest);
    monitor('sysreg VBAR_EL1=0x800');
    monitor('sysreg VBAR_EL1=0x801');
    monitor('writes mask');
    monitor('sysreg VBAR_EL1=0x1001');
    const lines = monitor('writes').trimEnd().split('\n');
    expect(lines[0]).toBe('writes: mask; 3 so far');
    expect(lines.slice(1).map((line) => line.replace(/\d\d:\d\d:\d\d\.\d\d\d/, 'TIME'))).toEqual([
      '1 TIME cpu0 pc 0x40000004 VBAR_EL1 0x0 -> 0x800 written',
      '2 TIME cpu0 pc 0x40000004 VBAR_EL1 0x800 -> 0x801 refused holds 0x800: VBAR_EL1: bits 0x1 are RES0 here and did not stick; it still holds 0x800',
      '3 TIME cpu0 pc 0x40000004 VBAR_EL1 0x800 -> 0x1001 partial holds 0x1000',
    ]);
    expect(monitor('writes 1').split('\n')).toHaveLength(3);
    expect(monitor('writes strict')).toBe('writes: strict\n');
    expect(monitor('sysreg VBAR_EL1=0x801')).toContain('E:');
  });

  test('what sticks in part is told', () => {
    monitor('writes mask');
    expect(monitor('sysreg VBAR_EL1=0x801')).toBe('VBAR_EL1: 0x0 -> 0x800, of 0x801: the other bits did not stick\n');
  });
});

describe('the machine', () => {
  test('info', () => {
    guest.breakpoints.insert('software', loop, 4);
    guest.breakpoints.insert('hardware', other, 4);
    guest.breakpoints.insert('write', RAM + 0x1001n, 9);
    expect(monitor('info').split('\n')).toEqual([
      'simulator, max: RAM 0x40000000..0x40ffffff; writes strict',
      expect.stringMatching(
        /^[\d,]+ instructions in \d+\.\d s(, [\d,]+ million a second)?; all CPUs waited for \d+\.\d s; \d+\.\d s of the guest's time$/,
      ),
      expect.stringMatching(/^cpu0 EL1h pc 0x0000000040000000, [\d,]+ instructions$/),
      '  MMU off',
      expect.stringMatching(/^ {2}registers: 75 core, \d+ listed$/),
      'breakpoint 0x40000004',
      'hardware breakpoint 0x4000000c',
      'watchpoint 0x40001001 9 bytes, write, 2 of 4 slots',
      '',
    ]);
  });

  test('reset brings everything back to the start', async () => {
    guest.memory.write(1, RAM + 0x1000n, Uint8Array.of(1));
    monitor('sysreg VBAR_EL1=0x800');
    await step(guest);
    expect(monitor('reset halt')).toBe('reset; halted: cpu0 EL1h pc 0x0000000040000000\n');
    expect(read('VBAR_EL1')).toBe(0n);
    expect(guest.memory.read(1, RAM + 0x1000n, 1)).toEqual(Uint8Array.of(0));
    expect(monitor('reset')).toBe('reset; halted: cpu0 EL1h pc 0x0000000040000000\n');
  });

  test('halt and resume, with the debugger at its prompt', async () => {
    expect(monitor('resume')).toBe('the guest runs: monitor halt stops it\n');
    const refusal = 'the guest is running: monitor halt stops it';
    expect(guest.registers.read(1, 0)).toMatchObject({ message: refusal });
    expect(guest.registers.write(1, 0, 0n)).toMatchObject({ message: refusal });
    expect(guest.memory.read(1, RAM, 4)).toMatchObject({ message: refusal });
    expect(guest.memory.write(1, RAM, Uint8Array.of(0))).toMatchObject({ message: refusal });
    expect(guest.breakpoints.insert('software', loop, 4)).toMatchObject({ message: refusal });
    expect(guest.memoryRegion(1, 0n)).toMatchObject({ message: refusal });
    expect(guest.reset()).toMatchObject({ message: refusal });
    expect(monitor('sysreg')).toBe(`E: ${refusal}`);
    expect(monitor('resume')).toBe(`E: ${refusal}`);
    expect(guest.threads.extra(1)).toBe('running');
    expect(monitor('help')).toContain('resume');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(monitor('halt')).toMatch(/^halted: cpu0 EL1h pc 0x000000004000000[48]\n$/);
    const count = guest.registers.read(1, 0) as bigint;
    expect(count).toBeGreaterThan(1000n);
    // What is edited now counts for the run that follows.
    expect(guest.registers.write(1, 32, other)).toBeUndefined();
    expect(await step(guest)).toMatchObject({ kind: 'step' });
    expect([guest.registers.read(1, 32), guest.registers.read(1, 0)]).toEqual([other, count]);
    expect(monitor('halt')).toBe('halted: cpu0 EL1h pc 0x000000004000000c\n');
  });

  test('continue joins a guest that runs already, and its stop is told', async () => {
    guest.breakpoints.insert('software', loop, 4);
    guest.registers.write(1, 32, other);
    monitor('resume');
    const stop = go(guest);
    setTimeout(() => guest.execution.interrupt(), 20);
    expect(await stop).toEqual({ kind: 'interrupted', thread: 1 });
    expect(guest.registers.read(1, 32)).toBe(other);
  });

  test('step stops a guest that runs first', async () => {
    guest.registers.write(1, 32, other);
    monitor('reset run');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await step(guest)).toMatchObject({ kind: 'step' });
    expect(guest.registers.read(1, 0)).toBeGreaterThan(10n);
  });

  test('a breakpoint ends a run in the background', async () => {
    guest.breakpoints.insert('software', loop, 4);
    monitor('resume');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(guest.registers.read(1, 32)).toBe(loop);
    expect(monitor('halt')).toBe('halted: cpu0 EL1h pc 0x0000000040000004\n');
  });
});

describe('memory', () => {
  test('phys', () => {
    expect(monitor('phys 0x40000000 20')).toMatch(
      /^0x40000000 {2}00 00 80 d2 00 04 00 91 ff ff ff 17 00 00 00 14\n0x40000010 {2}00 00 00 00\n$/,
    );
    expect(monitor('phys 0')).toContain('holds no RAM');
  });

  test('translate', () => {
    expect(monitor('translate 0x40000000')).toBe('0x40000000 -> 0x40000000: EL1 rwx, EL0 rwx, attributes 0x00\n');
    expect(monitor('translate 0xffff000000000000')).toMatch(
      /^0xffff000000000000 is not mapped; a read at EL1 faults: address size fault/i,
    );
  });
});
