import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { findRegister, type SystemRegister } from '../../../src/arm/index.ts';
import { Guest } from '../../../src/backend/index.ts';
import { assemble, go, guestOf, machineOf, RAM, step } from '../assembled.ts';

const program = assemble(`
  mov x0, #0
  ldr x1, =cell
loop:
  add x0, x0, #1
  str x0, [x1]
  b loop
off:
  mov w0, #8
  movk w0, #0x8400, lsl #16
  hvc #0
  .ltorg
  .balign 4096
cell:
  .quad 0
`);
const { loop, cell, off } = program.symbols;
const PC = 32;
const numberOf = (name: string): number => (findRegister(name) as SystemRegister).number;
const folder = mkdtempSync(path.join(tmpdir(), 'snapshot-'));
const file = (name: string): string => path.join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

let guest: Guest;
beforeEach(() => {
  guest = guestOf(program);
});

function monitor(line: string): string {
  const result = guest.monitor.run(line, 1);
  return typeof result === 'string' ? result : `E: ${result.message}`;
}
const register = (number: number) => guest.registers.read(1, number);
const counted = (): bigint =>
  new DataView((guest.memory.read(1, cell, 8) as Uint8Array).slice().buffer).getBigUint64(0, true);

async function steps(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await step(guest);
}

describe.each([
  ['in memory', 'here'],
  ['in a file', file('here.snap')],
])('%s', (_, place) => {
  test('save, go on, go back', async () => {
    await steps(20);
    guest.registers.write(1, numberOf('VBAR_EL1'), 0x800n);
    const before = [register(0), register(PC), counted()];
    expect(monitor(`snapshot save ${place}`)).toMatch(
      place === 'here' ? /^saved as here: RAM 0\.0 MiB\n$/ : /^saved in .*here\.snap: 0\.0 MiB\n$/,
    );
    expect([register(0), register(PC), counted()]).toEqual(before);
    await steps(300);
    guest.registers.write(1, numberOf('VBAR_EL1'), 0x1000n);
    expect(counted()).toBe((before[2] as bigint) + 100n);
    const answer = monitor(`snapshot restore ${place}`);
    expect(answer).toMatch(
      /^restored .*; halted: cpu0 EL1h pc 0x0000000040000[\da-f]{3}\ngdb still shows .*maint flush register-cache.*\n$/,
    );
    expect([register(0), register(PC), counted()]).toEqual(before);
    expect(register(numberOf('VBAR_EL1'))).toBe(0x800n);
    await steps(3);
    expect(counted()).toBe((before[2] as bigint) + 1n);
  });

  test('a reset leaves it alone', async () => {
    await steps(20);
    const before = register(0);
    monitor(`snapshot save ${place}`);
    expect(monitor('reset')).toContain('reset');
    expect(register(0)).toBe(0n);
    monitor(`snapshot restore ${place}`);
    expect(register(0)).toBe(before);
  });

  test('a guest that has ended goes on from before', async () => {
    await steps(20);
    monitor(`snapshot save ${place}`);
    guest.registers.write(1, PC, off);
    expect(await go(guest)).toEqual({ kind: 'exited', code: 0 });
    monitor(`snapshot restore ${place}`);
    expect(await step(guest)).toMatchObject({ kind: 'step' });
  });
});

describe('breakpoints', () => {
  test('of ours are not saved, and those inserted stay', async () => {
    const bytes = Buffer.from(guest.memory.read(1, loop, 4) as Uint8Array);
    guest.breakpoints.insert('software', loop, 4);
    monitor('snapshot save here');
    guest.breakpoints.remove('software', loop, 4);
    monitor('snapshot restore here');
    expect(guest.machine.memory.view(loop, 4)).toEqual(new Uint8Array(bytes));

    guest.breakpoints.insert('software', loop, 4);
    monitor('snapshot restore here');
    expect(guest.machine.memory.view(loop, 4)).toEqual(Uint8Array.of(0, 0, 0x20, 0xd4));
    expect(guest.memory.read(1, loop, 4)).toEqual(new Uint8Array(bytes));
    expect(await go(guest)).toMatchObject({ kind: 'breakpoint', hardware: false });
    expect(register(PC)).toBe(loop);
    guest.breakpoints.remove('software', loop, 4);
    expect(guest.machine.memory.view(loop, 4)).toEqual(new Uint8Array(bytes));
  });

  test('of hardware and watchpoints stay, too', async () => {
    monitor('snapshot save here');
    guest.breakpoints.insert('hardware', loop, 4);
    guest.breakpoints.insert('write', cell, 8);
    expect(await go(guest)).toMatchObject({ kind: 'breakpoint', hardware: true });
    monitor('snapshot restore here');
    expect(await go(guest)).toMatchObject({ kind: 'breakpoint', hardware: true });
    expect(await go(guest)).toMatchObject({ kind: 'watchpoint', address: cell });
    // The watchpoint was told here; after a restore to here it is told again.
    monitor('snapshot save there');
    expect(await go(guest)).toMatchObject({ kind: 'breakpoint', hardware: true });
    monitor('snapshot restore there');
    expect(await go(guest)).toMatchObject({ kind: 'watchpoint', address: cell });
  });

  test('a program that writes over a breakpoint of ours before it is saved', async () => {
    guest.breakpoints.insert('software', loop, 4);
    guest.memory.write(1, loop, Uint8Array.of(0x1f, 0x20, 0x03, 0xd5));
    monitor('snapshot save here');
    guest.memory.write(1, loop, Uint8Array.of(0, 0, 0, 0));
    monitor('snapshot restore here');
    expect(guest.memory.read(1, loop, 4)).toEqual(Uint8Array.of(0x1f, 0x20, 0x03, 0xd5));
  });
});

describe('names', () => {
  test('are listed, replaced and deleted', async () => {
    expect(monitor('snapshot list')).toBe('there is no snapshot in memory\n');
    monitor('snapshot save first');
    await steps(8);
    monitor('snapshot save second');
    expect(monitor('snapshot list').replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')).toBe(
      'first  TIME UTC, simulator, RAM 0.0 MiB\nsecond  TIME UTC, simulator, RAM 0.0 MiB\n',
    );
    monitor('snapshot save first');
    await steps(8);
    const now = register(0);
    monitor('snapshot restore first');
    expect(register(0)).not.toBe(now);
    expect(monitor('snapshot delete first')).toBe('first is gone\n');
    expect(monitor('snapshot restore first')).toMatch(/^E: there is no snapshot first: monitor snapshot list/);
    expect(monitor('snapshot delete first')).toMatch(/^E: there is no snapshot first/);
  });

  test('are no more than sixteen, and one of them can be taken again', () => {
    for (let i = 0; i < 16; i++) expect(monitor(`snapshot save s${i}`)).toContain('saved');
    expect(monitor('snapshot save one-more')).toMatch(/^E: there is room for 16 snapshots and 4096 MiB together/);
    expect(monitor('snapshot save s3')).toContain('saved as s3');
    monitor('snapshot delete s5');
    expect(monitor('snapshot save one-more')).toContain('saved');
  });
});

describe('refused', () => {
  test.each([
    ['snapshot', 'E: usage: monitor snapshot save NAME|FILE'],
    ['snapshot save', 'E: usage: monitor snapshot save NAME|FILE'],
    ['snapshot take x', 'E: usage: monitor snapshot save NAME|FILE'],
    ['snapshot list all', 'E: usage: monitor snapshot save NAME|FILE'],
    ['snapshot restore nothing', 'E: there is no snapshot nothing'],
    ['snapshot restore ./nothing', `E: ${path.resolve('nothing')} cannot be read: there is no such file or directory`],
    ['snapshot save /nowhere/a.snap', 'E: /nowhere/a.snap cannot be written: there is no such file or directory'],
    ['snapshot save package.json', `E: ${path.resolve('package.json')} is there already and is no snapshot`],
    ['snapshot restore package.json', `E: ${path.resolve('package.json')} is no snapshot`],
  ])('%s', (line, answer) => {
    expect(monitor(line)).toContain(answer);
  });

  test.each<[name: string, spoil: (place: string) => void, message: RegExp]>([
    ['cut short', (place) => truncateSync(place, 5000), /is cut short: 5000 of \d+ bytes are there$/],
    [
      'damaged',
      (place) => {
        const bytes = readFileSync(place);
        bytes[3000] ^= 4;
        writeFileSync(place, bytes);
      },
      /is damaged: its SHA-256/,
    ],
    ['too large', (place) => truncateSync(place, 2 ** 28), /has 268435456 bytes, more than a snapshot of this machine/],
  ])('a file that is %s changes nothing', async (_, spoil, message) => {
    const place = file('spoilt.snap');
    monitor(`snapshot save ${place}`);
    spoil(place);
    guest.breakpoints.insert('write', cell, 8);
    expect(await go(guest)).toMatchObject({ kind: 'watchpoint' });
    const before = [register(0), register(PC), counted()];
    expect(monitor(`snapshot restore ${place}`)).toMatch(message);
    expect([register(0), register(PC), counted()]).toEqual(before);
    // And the access that was told is not told again.
    expect(await step(guest)).toMatchObject({ kind: 'step' });
    expect(counted()).toBe((before[2] as bigint) + 1n);
  });

  test('a snapshot that does not fit changes nothing, either', async () => {
    guest.breakpoints.insert('write', cell, 8);
    expect(await go(guest)).toMatchObject({ kind: 'watchpoint' });
    monitor('snapshot save here');
    const snapshot = guest.snapshots.get('here')!;
    const registers = new Map(snapshot.cpus[0].registers);
    const [id] = [...registers.keys()].slice(-1);
    registers.set(id + 1n, 0n);
    guest.snapshots.set('other', { ...snapshot, cpus: [{ ...snapshot.cpus[0], registers }] });
    expect(monitor('snapshot restore other')).toMatch(/^E: these registers stand in the way: CPU 0: not known here: /);
    expect(await step(guest)).toMatchObject({ kind: 'step' });
    expect(counted()).toBe(1n);
  });

  test('while the guest runs', () => {
    monitor('resume');
    expect(monitor('snapshot save here')).toBe('E: the guest is running: monitor halt stops it');
    expect(monitor('snapshot restore here')).toBe('E: the guest is running: monitor halt stops it');
    monitor('halt');
  });
});

test('a snapshot goes from one machine to another like it', async () => {
  await steps(50);
  const before = [register(0), register(PC), counted()];
  monitor(`snapshot save ${file('moved.snap')}`);
  guest = new Guest(machineOf(program));
  expect(monitor(`snapshot restore ${file('moved.snap')}`)).toContain('restored');
  expect([register(0), register(PC), counted()]).toEqual(before);
  expect(readdirSync(folder).filter((name) => name.endsWith('.new'))).toEqual([]);
});

test('the serial port is part of it', () => {
  const machine = machineOf(program);
  const uart = machine.devices.find(({ name }) => name === 'pl011')!;
  const words = BigUint64Array.from([...(uart.save() as BigUint64Array), 97n, 98n, 99n]);
  expect(uart.restore(words)).toBeUndefined();
  expect(uart.save()).toEqual(words);
  machine.reset();
  expect(uart.save()).not.toEqual(words);
  expect(uart.restore(words)).toBeUndefined();
  expect(uart.save()).toEqual(words);
});

test('two hundred rounds leave nothing behind', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const page = new Uint8Array(4096).fill(1);
  for (let at = 0n; at < 256n; at++) guest.memory.write(1, RAM + 0x10_0000n + at * 4096n, page);
  const round = (place: string): void => {
    monitor(`snapshot save ${place}`);
    guest.registers.write(1, 0, 5n);
    expect(monitor(`snapshot restore ${place}`)).toContain('restored');
  };
  // Memory is given back by another thread, some time after the collection.
  const used = async (): Promise<number> => {
    for (let i = 0; i < 5; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) round(i % 10 === 0 ? file('round.snap') : 'here');
  };
  rounds(20);
  const before = await used();
  const descriptors = readdirSync('/proc/self/fd').length;
  rounds(200);
  // A megabyte a round would be 200.
  expect((await used()) - before).toBeLessThan(8 << 20);
  expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(descriptors);
}, 60_000);
