import { expect, test } from 'vitest';
import { Bus } from '../../../src/backend/devices/bus.ts';
import { Flash } from '../../../src/backend/devices/flash.ts';

const SIZE = 1 << 20;
const BLOCK = 256 << 10;
const ERASED = 0xffff_ffff;

const bank = () => {
  const readable: boolean[] = [];
  const changed: [number, number][] = [];
  const storage = new Uint8Array(SIZE);
  const flash = new Flash({
    name: 'flash',
    storage,
    readable: (isArray) => readable.push(isArray),
    changed: (offset, length) => changed.push([offset, length]),
  });
  const bus = new Bus([{ base: 0, size: SIZE, device: flash }]);
  const read = (offset: number, bytes = 4) => (bus.read(offset, bytes) ? bus.low >>> 0 : Number.NaN);
  const write = (offset: number, value: number, bytes = 4) => bus.write(offset, bytes, value, 0);
  const command = (value: number, offset = 0) => write(offset, value * 0x10001);
  const erase = (offset: number) => [command(0x20, offset), command(0xd0, offset)];
  return { flash, storage, readable, changed, read, write, command, erase };
};

test('programming makes ones to zeros only; erasing takes a block', () => {
  const { read, write, command, erase, changed } = bank();
  erase(BLOCK + 100);
  command(0x40);
  write(BLOCK, 0xff00ff00);
  command(0x10);
  write(BLOCK, 0x0ff00ff0);
  command(0xff);
  expect([read(BLOCK), read(BLOCK - 4), read(BLOCK + 4), read(2 * BLOCK - 4), read(2 * BLOCK)]).toEqual([
    0x0f000f00,
    0,
    ERASED,
    ERASED,
    0,
  ]);
  expect(changed).toEqual([
    [BLOCK, BLOCK],
    [BLOCK, 4],
    [BLOCK, 4],
  ]);
});

test('reads are those of the array, or the chips answer, and who maps it hears of that', () => {
  const { read, command, readable } = bank();
  command(0x90);
  expect([read(0), read(4), read(8)]).toEqual([0x890089, 0x180018, 0]);
  command(0x70);
  expect([read(0), read(2, 2), read(1, 1)]).toEqual([0x800080, 0x80, 0]);
  command(0x50);
  expect(read(0)).toBe(0);
  expect(readable).toEqual([false, true]);
});

test.each([
  ['an erase without its confirmation', 0x20, [0x55]],
  ['a lock of no kind', 0x60, [0x55]],
  ['a buffer that is too large', 0xe8, [0xffff]],
  ['a buffer without its confirmation', 0xe8, [0, 1, 0x55]],
])('%s is an error, and changes nothing', (_what, first, others) => {
  const { read, command, storage } = bank();
  storage.fill(0xff);
  command(first);
  for (const value of others) command(value);
  command(0x70);
  expect(read(0)).toBe(0xb000b0);
  command(0x50);
  command(0x70);
  expect(read(0)).toBe(0x800080);
  expect(storage.every((byte) => byte === 0xff)).toBe(true);
});

test('a buffer is written as a whole, when it is confirmed', () => {
  const { read, write, command, erase } = bank();
  erase(0);
  command(0xe8);
  write(0, 1023 * 0x10001);
  for (let i = 0; i < 1024; i++) write(4 * i, i);
  expect(read(0)).toBe(0x800080);
  command(0xd0);
  command(0xff);
  expect([read(0), read(4), read(4092), read(4096)]).toEqual([0, 1, 1023, ERASED]);
});

test('saved in the middle of a command and restored', () => {
  const one = bank();
  one.erase(0);
  one.command(0xe8);
  one.write(0, 1);
  one.write(8, 0x1234_5678);
  const two = bank();
  two.storage.fill(7);
  expect(two.flash.restore(one.flash.save() as BigUint64Array)).toBeUndefined();
  two.write(12, 0x9abc_def0);
  two.command(0xd0);
  two.command(0xff);
  expect([two.read(0), two.read(8), two.read(12), two.read(BLOCK)]).toEqual([ERASED, 0x1234_5678, 0x9abc_def0, 0]);
  // Erased pages are told in two words.
  expect((one.flash.save() as BigUint64Array).length).toBeLessThan(200);
  const words = two.flash.save() as BigUint64Array;
  for (const bad of [[], [...words, 3n], [1n, ...words.slice(1)], [...words.slice(0, 4), 4000n, ...words.slice(5)]])
    expect(one.flash.restore(BigUint64Array.from(bad))).toBeTypeOf('string');
});
