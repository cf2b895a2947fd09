import { expect, test } from 'vitest';
import { Pl011 } from '../../../src/backend/devices/pl011.ts';
import { SerialInput } from '../../../src/backend/devices/serial-input.ts';
import { HandClock } from './clock.ts';

const [DR, FR, LCR_H, CR, IFLS, IMSC, RIS, MIS, ICR] = [0x00, 0x18, 0x2c, 0x30, 0x34, 0x38, 0x3c, 0x40, 0x44];
const FEN = 0x10;
const [RX, TX, RT, OE] = [0x10, 0x20, 0x40, 0x400];

const port = () => {
  const sent: number[] = [];
  const levels: boolean[] = [];
  let wanted = 0;
  const uart = new Pl011({
    send: (byte) => sent.push(byte),
    wire: (level) => levels.push(level),
    wanted: () => void wanted++,
  });
  return { uart, sent, levels, wanted: () => wanted };
};

test('bytes written to DR go out, eight bits each', () => {
  const { uart, sent } = port();
  for (const value of [0x41, 0x1ff, 0xffffff0a]) uart.writeRegister(DR, value);
  expect(sent).toEqual([0x41, 0xff, 0x0a]);
  expect(uart.readRegister(FR)).toBe(0x90);
});

test.each([
  ['without FIFOs', 0x60, 1],
  ['with FIFOs', 0x60 | FEN, 16],
])('bytes received are read in order, and FR tells empty and full: %s', (_name, control, depth) => {
  const { uart } = port();
  uart.writeRegister(LCR_H, control);
  expect(uart.readRegister(FR)).toBe(0x90);
  const bytes = Uint8Array.from({ length: 20 }, (_, i) => i + 1);
  expect(uart.receive(bytes)).toBe(depth);
  expect(uart.readRegister(FR)).toBe(0xc0);
  expect(uart.receive(bytes)).toBe(0);
  for (let i = 1; i <= depth; i++) {
    expect(uart.readRegister(DR)).toBe(i);
    expect(uart.readRegister(FR)).toBe(i < depth ? 0x80 : 0x90);
  }
  expect(uart.readRegister(DR)).toBe(0);
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

test('interrupts: raised, masked, cleared, and the line follows', () => {
  const { uart, levels } = port();
  uart.writeRegister(DR, 0x41);
  uart.receive(Uint8Array.of(1));
  expect(uart.readRegister(RIS)).toBe(RX | TX);
  expect(levels).toEqual([]);
  uart.writeRegister(IMSC, RX);
  expect(uart.readRegister(MIS)).toBe(RX);
  expect(levels).toEqual([true]);
  uart.writeRegister(ICR, TX);
  expect(uart.readRegister(RIS)).toBe(RX);
  uart.readRegister(DR);
  expect(uart.readRegister(RIS)).toBe(0);
  expect(levels).toEqual([true, false]);
});

test.each([
  // IFLS.RXIFLSEL, bytes at which the receive interrupt is raised
  [0, 2],
  [1, 4],
  [2, 8],
  [3, 12],
  [4, 14],
  [5, 16],
])(
  'trigger level %i: raised at %i bytes, and falls below; the timeout stays until the FIFO is empty',
  (level, bytes) => {
    const { uart } = port();
    uart.writeRegister(LCR_H, FEN);
    uart.writeRegister(IFLS, level << 3);
    uart.receive(new Uint8Array(bytes - 1));
    expect(uart.readRegister(RIS)).toBe(RT);
    uart.receive(new Uint8Array(1));
    expect(uart.readRegister(RIS)).toBe(RT | RX);
    uart.readRegister(DR);
    expect(uart.readRegister(RIS)).toBe(RT);
    for (let i = 2; i <= bytes; i++) uart.readRegister(DR);
    expect(uart.readRegister(RIS)).toBe(0);
  },
);

test('loopback: what is sent is received, and what finds no room is an overrun', () => {
  const { uart, sent } = port();
  uart.writeRegister(CR, 0x381);
  uart.writeRegister(DR, 0x55);
  expect(uart.readRegister(RIS)).toBe(RX | TX);
  uart.writeRegister(DR, 0x66);
  expect(uart.readRegister(RIS)).toBe(RX | TX | OE);
  expect([uart.readRegister(DR), uart.readRegister(DR), sent.length]).toEqual([0x55, 0, 0]);
});

test('switching the FIFOs empties them', () => {
  const { uart } = port();
  uart.writeRegister(LCR_H, FEN);
  uart.receive(new Uint8Array(10));
  uart.writeRegister(LCR_H, FEN | 0x60);
  expect(uart.readRegister(FR)).toBe(0x80);
  uart.writeRegister(LCR_H, 0);
  expect([uart.readRegister(FR), uart.readRegister(RIS)]).toEqual([0x90, 0]);
});

test('the identification that drivers look for', () => {
  const { uart } = port();
  const words = Array.from({ length: 8 }, (_, i) => uart.readRegister(0xfe0 + 4 * i));
  expect(words).toEqual([0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
});

test('saved and restored: the same answers, and the line is told again', () => {
  const { uart } = port();
  uart.writeRegister(LCR_H, FEN);
  uart.writeRegister(IMSC, RT);
  uart.receive(Uint8Array.of(7, 8));
  const other = port();
  expect(other.uart.restore(uart.save() as BigUint64Array)).toBeUndefined();
  expect(other.levels.at(-1)).toBe(true);
  expect([DR, DR, FR].map((offset) => other.uart.readRegister(offset))).toEqual([7, 8, 0x90]);
  expect(other.uart.restore(BigUint64Array.of(1n))).toContain('words');
});

test('who wants input is found out: a driver by its mask, a poller by its asking, a transmitter is neither', () => {
  const { uart, wanted } = port();
  for (let i = 0; i < 10; i++) {
    // As the Linux console: room? byte; done?
    uart.readRegister(FR);
    uart.writeRegister(DR, 0x2e);
    uart.readRegister(FR);
  }
  expect([uart.listens, wanted()]).toEqual([false, 0]);
  uart.readRegister(FR);
  uart.readRegister(FR);
  expect([uart.listens, wanted()]).toEqual([true, 1]);
  uart.writeRegister(DR, 0x2e);
  expect(uart.listens).toBe(false);
  uart.writeRegister(IMSC, TX);
  expect(uart.listens).toBe(false);
  uart.writeRegister(IMSC, RT);
  expect([uart.listens, wanted()]).toEqual([true, 2]);
});

test('input waits for a guest that cares, keeps its order, and comes no faster than the line', () => {
  const clock = new HandClock();
  const uart: Pl011 = new Pl011({ send: () => undefined, wanted: () => input.wanted() });
  const input: SerialInput = new SerialInput(uart, clock);
  expect(input.receive(Uint8Array.from({ length: 100 }, (_, i) => i))).toBe(100);
  clock.pass(1e6);
  expect(uart.readRegister(FR)).toBe(0x90);
  uart.writeRegister(LCR_H, FEN);
  uart.writeRegister(IMSC, RX | RT);
  const got: number[] = [];
  const drain = () => {
    let bytes = 0;
    for (; (uart.readRegister(FR) & 0x10) === 0; bytes++) got.push(uart.readRegister(DR));
    return bytes;
  };
  expect(drain()).toBe(16);
  expect(drain()).toBe(0);
  clock.pass(9999);
  expect(drain()).toBe(0);
  clock.pass(1);
  expect(drain()).toBe(16);
  while (got.length < 100) {
    clock.pass(10_000);
    drain();
  }
  expect(got).toEqual(Array.from({ length: 100 }, (_, i) => i));
  clock.pass(1e6);
  expect(drain()).toBe(0);
  // What waits is bounded.
  uart.writeRegister(IMSC, 0);
  uart.writeRegister(DR, 0);
  expect(input.receive(new Uint8Array(100_000))).toBe(65536);
  expect(input.receive(new Uint8Array(1))).toBe(0);
});
