import { beforeEach, describe, expect, test } from 'vitest';
import { Access, findRegister, type SystemRegister } from '../../src/arm/index.ts';
import type { Guest } from '../../src/backend/index.ts';
import { assemble, guestOf, RAM, RAM_SIZE, step } from './assembled.ts';

const program = assemble(`
  nop
  nop
  b .
`);
const numberOf = (name: string): number => (findRegister(name) as SystemRegister).number;
const END = RAM + BigInt(RAM_SIZE);

let guest: Guest;
beforeEach(() => {
  guest = guestOf(program);
});

const write = (address: bigint, ...bytes: number[]) => guest.memory.write(1, address, Uint8Array.from(bytes));
const read = (address: bigint, length: number) => {
  const bytes = guest.memory.read(1, address, length);
  return bytes instanceof Uint8Array ? [...bytes] : bytes;
};
const set = (name: string, value: bigint) => {
  expect(guest.registers.write(1, numberOf(name), value)).toBeUndefined();
};
const long = (address: bigint, value: bigint) =>
  write(address, ...Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn)));

describe('without the MMU', () => {
  test('bytes in, bytes out', () => {
    expect(write(RAM + 0x2000n, 1, 2, 3)).toBeUndefined();
    expect(read(RAM + 0x1fffn, 5)).toEqual([0, 1, 2, 3, 0]);
    expect(read(RAM, 0)).toEqual([]);
    expect(write(RAM)).toBeUndefined();
  });

  test('a read goes as far as there is RAM, a write is whole or not', () => {
    expect(read(END - 2n, 8)).toEqual([0, 0]);
    expect(read(END, 1)).toMatchObject({ code: 'MEMORY_NOT_RAM' });
    expect(write(END - 2n, 1, 2, 3)).toMatchObject({
      message: '0x41000000 is physical address 0x41000000, which holds no RAM: a debugger does not touch devices',
    });
    expect(read(END - 2n, 2)).toEqual([0, 0]);
    expect(read(RAM - 1n, 1)).toMatchObject({ code: 'MEMORY_NOT_RAM' });
  });

  test('devices are left alone', () => {
    expect(read(0x0900_0000n, 4)).toMatchObject({ code: 'MEMORY_NOT_RAM' });
    expect(write(0x0900_0000n, 65)).toMatchObject({ code: 'MEMORY_NOT_RAM' });
  });

  test('addresses that wrap and absurd lengths', () => {
    const last = (1n << 64n) - 4n;
    expect(read(last, 16)).toMatchObject({ code: 'MEMORY_UNMAPPED' });
    expect(write(last, 1, 2, 3, 4, 5)).toMatchObject({ code: 'MEMORY_WRAPS' });
    expect(read(RAM, 2 ** 40)).toHaveLength(RAM_SIZE);
    expect(guest.memory.read(9, RAM, 1)).toMatchObject({ message: 'there is no CPU 9' });
  });

  test('code that the debugger writes is executed', async () => {
    await step(guest);
    // movz x5, #9
    write(RAM + 4n, 0x25, 0x01, 0x80, 0xd2);
    await step(guest);
    expect(guest.registers.read(1, 5)).toBe(9n);
  });

  test('regions are the RAM and the holes around it', () => {
    expect(guest.memoryRegion(1, RAM + 5n)).toMatchObject({
      start: RAM,
      length: BigInt(RAM_SIZE),
      mapped: true,
      name: 'ram',
    });
    expect(guest.memoryRegion(1, 5n)).toMatchObject({ start: 0n, length: RAM, mapped: false });
    expect(guest.memoryRegion(1, END)).toMatchObject({ start: END, length: (1n << 64n) - END, mapped: false });
  });
});

describe('with the MMU', () => {
  const [L1, L2, L3, OTHER] = [0x10_0000n, 0x10_1000n, 0x10_2000n, 0x10_3000n].map((offset) => RAM + offset);
  const [A, B] = [RAM + 0x20_0000n, RAM + 0x30_0000n];
  /** 4 KiB pages, 39 bits: a level 3 table of pages in reverse order at 0, RAM by a block at its own address. */
  beforeEach(() => {
    const page = (physical: bigint, more = 0n) => physical | 0x403n | more;
    long(L1, L2 | 3n);
    long(L1 + 8n, RAM | 0x401n);
    long(L2, L3 | 3n);
    // Page 0 -> A + 4096, page 1 -> A, page 2 -> a device, page 3: read-only, user; page 5 without the access flag.
    long(L3, page(A + 4096n));
    long(L3 + 8n, page(A));
    long(L3 + 16n, page(0x0900_0000n));
    long(L3 + 24n, page(B, 0xc0n));
    long(L3 + 40n, page(B) & ~0x400n);
    // The other world: one page of B at 0, and RAM.
    long(OTHER, (OTHER + 0x1000n) | 3n);
    long(OTHER + 8n, RAM | 0x401n);
    long(OTHER + 0x1000n, (OTHER + 0x2000n) | 3n);
    long(OTHER + 0x2000n, page(B));
    set('MAIR_EL1', 0xffn);
    set('TCR_EL1', 25n | (0b10n << 32n) | (1n << 23n));
    set('TTBR0_EL1', L1);
    set('SCTLR_EL1', (guest.registers.read(1, numberOf('SCTLR_EL1')) as bigint) | 1n);
  });

  test('pages that follow each other lie where the tables say', () => {
    expect(write(0xffen, 1, 2, 3, 4)).toBeUndefined();
    expect(read(A + 4096n + 0xffen, 2)).toEqual([1, 2]);
    expect(read(A, 2)).toEqual([3, 4]);
    expect(read(0xffdn, 6)).toEqual([0, 1, 2, 3, 4, 0]);
  });

  test('a read ends before what is not RAM or not mapped', () => {
    expect(read(0x1ffen, 8)).toEqual([0, 0]);
    expect(read(0x2000n, 8)).toMatchObject({
      message: '0x2000 is physical address 0x9000000, which holds no RAM: a debugger does not touch devices',
    });
    expect(read(0x4000n, 8)).toMatchObject({ message: 'nothing is mapped at 0x4000' });
    expect(write(0x3ffcn, 1, 2, 3, 4, 5)).toMatchObject({ message: 'nothing is mapped at 0x4000' });
    expect(read(0x3ffcn, 4)).toEqual([0, 0, 0, 0]);
  });

  test('permissions and the access flag do not bind a debugger', () => {
    expect(write(0x3000n, 9)).toBeUndefined();
    expect(read(0x5000n, 1)).toEqual([9]);
  });

  test('an edit of TTBR0_EL1 is seen by the next access', () => {
    long(B, 0x1111n);
    expect(read(0n, 2)).toEqual([0, 0]);
    set('TTBR0_EL1', OTHER);
    expect(read(0n, 2)).toEqual([0x11, 0x11]);
    set('TTBR0_EL1', L1);
    expect(read(0n, 2)).toEqual([0, 0]);
  });

  test('an edit of TCR_EL1 and of SCTLR_EL1 likewise', () => {
    set('TCR_EL1', 25n | (1n << 7n) | (0b10n << 32n));
    expect(read(0n, 1)).toMatchObject({ code: 'MEMORY_UNMAPPED' });
    set('SCTLR_EL1', (guest.registers.read(1, numberOf('SCTLR_EL1')) as bigint) & ~1n);
    expect(read(0n, 1)).toMatchObject({ code: 'MEMORY_NOT_RAM' });
    expect(read(RAM, 4)).toEqual([0x1f, 0x20, 0x03, 0xd5]);
  });

  test('a table that the debugger edits is used at once', () => {
    write(A, 7);
    long(L3, A | 0x403n);
    expect(read(0n, 1)).toEqual([7]);
  });

  test('a breakpoint at one address is seen by nobody at another of the same memory', () => {
    const before = read(0x1000n, 8);
    expect(guest.breakpoints.insert('software', A, 4)).toBeUndefined();
    expect(read(0x1000n, 8)).toEqual(before);
    expect(read(A - 2n, 8)).toHaveLength(8);
  });

  test('regions', () => {
    const at = (address: bigint) => {
      const region = guest.memoryRegion(1, address);
      if (!('start' in region)) return region;
      const { start, length, readable, writable, executable, mapped, name } = region;
      return [start, length, `${readable ? 'r' : '-'}${writable ? 'w' : '-'}${executable ? 'x' : '-'}`, mapped, name];
    };
    expect(at(0x10n)).toEqual([0n, 0x2000n, 'rwx', true, 'ram']);
    expect(at(0x2800n)).toEqual([0x2000n, 0x1000n, '--x', true, 'device']);
    expect(at(0x3000n)).toEqual([0x3000n, 0x1000n, 'r-x', true, 'ram']);
    expect(at(0x4000n)).toEqual([0x4000n, 0x1000n, '---', false, undefined]);
    expect(at(0x20_0000n)).toEqual([0x20_0000n, RAM - 0x20_0000n, '---', false, undefined]);
    expect(at(1n << 39n)).toEqual([1n << 39n, (1n << 64n) - (1n << 39n), '---', false, undefined]);
    expect(at((1n << 64n) - 1n)).toMatchObject([(1n << 64n) - 4096n, 4096n, '---', false, undefined]);
  });

  test('the bits of an address that count', () => {
    expect(guest.host.addressingBits?.()).toEqual({ low: 39, high: 48 });
  });
});

test('the physical view knows no translation', () => {
  expect(guest.memory.readPhysical(RAM, 4)).toEqual(Uint8Array.of(0x1f, 0x20, 0x03, 0xd5));
  expect(guest.memory.readPhysical(0n, 4)).toMatchObject({ code: 'MEMORY_NOT_RAM' });
});

test('the CPU could fetch where the tables let it', () => {
  expect(guest.cpus[0].translation.fetchable(RAM, 0x3c5n)).toBe(true);
  expect(guest.cpus[0].translation.fetchable(1n << 60n, 0x3c5n)).toBe(false);
  expect(Access.execute).toBe(2);
});
