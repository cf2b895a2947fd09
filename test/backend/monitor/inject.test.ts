/** `monitor inject` on a guest whose handler writes down what it was told. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Guest } from '../../../src/backend/index.ts';
import { assemble, go, guestOf } from '../assembled.ts';

const program = assemble(`
  adr x0, vectors
  msr vbar_el1, x0
  msr daifclr, #4
loop:
  b loop
  .balign 2048
vectors:
  .space 0x200
synchronous:
  mov x9, #1
  b record
  .balign 128
  .space 0x100
serror:
  mov x9, #2
record:
  mrs x1, esr_el1
  mrs x2, far_el1
  mrs x3, elr_el1
  mrs x4, spsr_el1
  mrs x5, daif
recorded:
  b recorded
  .balign 2048
`);
const { loop, synchronous, recorded } = program.symbols;
const FAR_EL1 = 0xc300;

let guest: Guest;
const monitor = (line: string): string => {
  const result = guest.monitor.run(line, 1);
  return typeof result === 'string' ? result : `E: ${result.message}`;
};
const x = (n: number) => guest.registers.read(1, n);

async function until(address: bigint): Promise<void> {
  guest.breakpoints.insert('software', address, 4);
  expect(await go(guest)).toMatchObject({ kind: 'breakpoint' });
  guest.breakpoints.remove('software', address, 4);
}

beforeEach(async () => {
  guest = guestOf(program);
  await until(loop);
  guest.registers.write(1, FAR_EL1, 0x77n);
});

describe('inject', () => {
  test.each([
    ['brk 0x123', 0xf2000123n, 0x77n],
    ['brk', 0xf2000000n, 0x77n],
    ['undefined', 0x02000000n, 0x77n],
    ['sea 0x12345678', 0x96000010n, 0x12345678n],
    ['sea', 0x96000410n, 0x77n],
    ['abort 0xffff000000001000', 0x96000007n, 0xffff000000001000n],
    ['abort 0x1000 write', 0x96000047n, 0x1000n],
    ['abort 0x1000 write 0xf', 0x9600004fn, 0x1000n],
    ['abort 0x1000 fetch 4', 0x86000004n, 0x1000n],
  ])('%s', async (line, esr, far) => {
    expect(monitor(`inject ${line}`)).toContain('the pc is the vector');
    expect(guest.registers.read(1, 32)).toBe(synchronous);
    await until(recorded);
    expect([x(9), x(1), x(2), x(3), x(4), x(5)]).toEqual([1n, esr, far, loop, 0x2c5n, 0x3c0n]);
  });

  test('serror comes when the guest goes on', async () => {
    expect(monitor('inject serror')).toContain('SError is pending');
    expect(guest.registers.read(1, 32)).toBe(loop);
    await until(recorded);
    expect([x(9), x(3)]).toEqual([2n, loop]);
    expect((x(1) as bigint) >> 26n).toBe(0x2fn);
  });

  test('serror with a syndrome needs the RAS extension', () => {
    expect(monitor('inject serror 5')).toContain('E: SError could not be injected: the machine refused it');
  });

  test.each([
    '',
    'nothing',
    'brk 0x10000',
    'brk 1 2',
    'sea x',
    'serror 0x2000000',
    'abort',
    'abort 1 look',
    'abort 1 read 64',
  ])('%j is none of its forms', (line) => {
    expect(monitor(`inject ${line}`)).toMatch(/^E: usage: monitor inject serror/);
    expect(guest.registers.read(1, 32)).toBe(loop);
  });
});
