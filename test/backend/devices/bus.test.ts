import { expect, test } from 'vitest';
import { Bus } from '../../../src/backend/devices/bus.ts';

const plain = () => {
  const registers = new Map([
    [4, 0x1122_3344],
    [8, 0x8877_6655],
  ]);
  const device = {
    readRegister: (offset: number) => registers.get(offset) ?? 0,
    writeRegister: (offset: number, value: number) => void registers.set(offset, value),
    reset: () => undefined,
  };
  return { registers, bus: new Bus([{ base: 0x1000, size: 0x100, device }]) };
};

test.each([
  [0x1004, 4, [0x44, 0x33, 0x22, 0x11]],
  [0x1004, 1, [0x44]],
  [0x1006, 2, [0x22, 0x11]],
  [0x1007, 1, [0x11]],
  [0x1008, 8, [0x55, 0x66, 0x77, 0x88, 0, 0, 0, 0]],
  // Not aligned: byte by byte.
  [0x1004, 8, [0x44, 0x33, 0x22, 0x11, 0x55, 0x66, 0x77, 0x88]],
  [0x1006, 4, [0x22, 0x11, 0x55, 0x66]],
  [0x1005, 2, [0x33, 0x22]],
  [0x0fff, 1, undefined],
  [0x1100, 4, undefined],
  [0x10fe, 4, undefined],
])('a read of 0x%s, %i bytes', (address, length, bytes) => {
  const data = new Uint8Array(length).fill(0xee);
  expect(plain().bus.readInto(address, data) ? [...data] : undefined).toEqual(bytes);
});

test('writes', () => {
  const { bus, registers } = plain();
  expect(bus.writeFrom(0x1010, Uint8Array.of(1, 2, 3, 0x84))).toBe(true);
  expect(registers.get(0x10)).toBe(0x8403_0201);
  expect(bus.writeFrom(0x1012, Uint8Array.of(0xff))).toBe(true);
  expect(registers.get(0x10)).toBe(0xff_0000);
  expect(bus.writeFrom(0x1020, Uint8Array.of(1, 0, 0, 0x80, 2, 0, 0, 0x80))).toBe(true);
  expect([registers.get(0x20), registers.get(0x24)]).toEqual([0x8000_0001, 0x8000_0002]);
  expect(bus.writeFrom(0x2000, Uint8Array.of(0))).toBe(false);
});

test('a device that knows parts is given them', () => {
  const seen: unknown[] = [];
  const device = {
    readRegister: (offset: number) => 0x100 + offset,
    writeRegister: (offset: number, value: number) => void seen.push([offset, 4, value]),
    readPart: (offset: number, bytes: number) => offset + 16 * bytes,
    writePart: (offset: number, bytes: number, value: number) => void seen.push([offset, bytes, value]),
    reset: () => undefined,
  };
  const bus = new Bus([{ base: 0, size: 0x100, device }]);
  const read = (address: number, bytes: number) => (bus.read(address, bytes) ? bus.low : undefined);
  expect([read(3, 1), read(6, 2), read(8, 4)]).toEqual([19, 38, 0x108]);
  bus.write(3, 1, 0x1ff, 0);
  bus.write(6, 2, -1, 0);
  // Two bytes at an odd address.
  bus.write(5, 2, 0x1234, 0);
  expect(seen).toEqual([
    [3, 1, 0xff],
    [6, 2, 0xffff],
    [5, 1, 0x34],
    [6, 1, 0x12],
  ]);
});
