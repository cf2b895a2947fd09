import { expect, test } from 'vitest';
import { Pl011 } from '../../../src/backend/devices/pl011.ts';

const port = () => {
  const sent: number[] = [];
  return { uart: new Pl011((byte) => sent.push(byte)), sent };
};

test('bytes written to DR go out, eight bits each', () => {
  const { uart, sent } = port();
  for (const value of [0x41, 0x1ff, 0xffffff0a]) uart.writeRegister(0x00, value);
  expect(sent).toEqual([0x41, 0xff, 0x0a]);
  expect(uart.readRegister(0x18)).toBe(0x90);
});

test('bytes received are read in order, and FR tells empty and full', () => {
  const { uart } = port();
  expect(uart.readRegister(0x18)).toBe(0x90);
  expect(uart.receive(Uint8Array.of(1, 2))).toBe(2);
  expect(uart.readRegister(0x18)).toBe(0xc0);
  uart.writeRegister(0x2c, 0x70);
  expect(uart.readRegister(0x18)).toBe(0x80);
  expect([uart.readRegister(0), uart.readRegister(0), uart.readRegister(0)]).toEqual([1, 2, 0]);
  expect(uart.readRegister(0x18)).toBe(0x90);
});

test('what waits to be read is bounded', () => {
  const { uart } = port();
  expect(uart.receive(new Uint8Array(5000))).toBe(4096);
  expect(uart.receive(new Uint8Array(1))).toBe(0);
});

test.each([
  // offset, after reset, written, kept
  [0x04, 0, 0xffff_ffff, 0],
  [0x20, 0, 0xffff_ffff, 0xff],
  [0x24, 0, 0xffff_ffff, 0xffff],
  [0x28, 0, 0xffff_ffff, 0x3f],
  [0x2c, 0, 0xffff_ffff, 0xff],
  [0x30, 0x300, 0xffff_ffff, 0xff87],
  [0x34, 0x12, 0xffff_ffff, 0x3f],
  [0x38, 0, 0xffff_ffff, 0x7ff],
  [0x48, 0, 0xffff_ffff, 0x7],
  [0x18, 0x90, 0, 0x90],
  [0x3c, 0, 0xffff_ffff, 0],
  [0x100, 0, 0xffff_ffff, 0],
])('register %i', (offset, reset, written, kept) => {
  const { uart } = port();
  expect(uart.readRegister(offset)).toBe(reset);
  uart.writeRegister(offset, written);
  expect(uart.readRegister(offset)).toBe(kept);
  uart.reset();
  expect(uart.readRegister(offset)).toBe(reset);
});

test('interrupts: raised, masked, cleared', () => {
  const { uart } = port();
  uart.writeRegister(0x00, 0x41);
  uart.receive(Uint8Array.of(1));
  expect(uart.readRegister(0x3c)).toBe(0x30);
  uart.writeRegister(0x38, 0x10);
  expect(uart.readRegister(0x40)).toBe(0x10);
  uart.writeRegister(0x44, 0x20);
  expect(uart.readRegister(0x3c)).toBe(0x10);
  uart.readRegister(0x00);
  expect(uart.readRegister(0x3c)).toBe(0);
});

test('the identification that drivers look for', () => {
  const { uart } = port();
  const words = Array.from({ length: 8 }, (_, i) => uart.readRegister(0xfe0 + 4 * i));
  expect(words).toEqual([0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
});
