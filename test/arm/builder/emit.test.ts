import { describe, expect, test } from 'vitest';
import { a64 } from '../../../src/arm/a64/definition.ts';
import { emitHandlers, endsSection } from '../../../src/arm/builder/handlers.ts';
import { Code } from '../../../src/arm/builder/wasm.ts';
import {
  type A64Instruction,
  a64Instructions,
  type Builder,
  commonPairs,
  HandlerIndex,
  Numbering,
  type Pair,
  shapesOf,
} from '../../../src/arm/index.ts';

const hex = (code: Code) => Buffer.from(code.bytes).toString('hex');

describe('numbers in LEB128', () => {
  // WebAssembly Core Specification, 5.2.2 "Integers".
  test.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [624485, 'e58e26'],
    [0xffff_ffff, 'ffffffff0f'],
  ])('unsigned %i', (value, bytes) => expect(hex(new Code().unsigned(value))).toBe(bytes));
  test.each([
    [0n, '00'],
    [63n, '3f'],
    [64n, 'c000'],
    [-1n, '7f'],
    [-64n, '40'],
    [-65n, 'bf7f'],
    [-123456n, 'c0bb78'],
    [1n << 63n, '8080808080808080807f'],
    [0xffff_ffff_ffff_fffen, '7e'],
  ])('signed %i', (value, bytes) => expect(hex(new Code().signed(value))).toBe(bytes));
});

const ends = (instructions: readonly A64Instruction[], pairs: readonly Pair[] = []) => {
  const module = new WebAssembly.Module(emitHandlers(new Numbering(instructions, pairs)));
  return new Uint8Array(WebAssembly.Module.customSections(module, endsSection)[0]).subarray(HandlerIndex.instructions);
};
const word = { immediates: { word: () => 0 } };
const to = { labels: { to: () => 4 } };

describe('the module', () => {
  test('has a valid handler for each shape', () => {
    const shapes = a64Instructions.reduce((sum, instruction) => sum + shapesOf(instruction).length, 0);
    expect(ends(a64Instructions).length).toBe(shapes);
    expect(shapes).toBeGreaterThan(500);
  });

  test('has a handler for each common pair', () => {
    const { pairs, count } = new Numbering(a64Instructions, commonPairs);
    expect(pairs.length).toBe(commonPairs.length);
    expect(ends(a64Instructions, commonPairs).length).toBe(count - HandlerIndex.instructions);
  });

  test('tells which handlers do not go on to the next record', () => {
    const rows: [expected: number, (b: Builder<unknown>, operands: { word: never; to: never }) => void][] = [
      [0, () => undefined],
      [0, (b, { to }) => b.jumpIf(b.constant(32, 1n), to)],
      [1, (b, { to }) => b.jump(to)],
      [1, (b, { to }) => b.call(to, to)],
      [1, (b) => b.jumpRegister(b.constant(64, 0n), 'br')],
      [1, (b, { word }) => b.raise('brk', word)],
      [1, (b, { word }) => b.system(word)],
    ];
    const instructions = rows.map(([, execute], i) =>
      a64(`row ${i}`, `${i.toString(2).padStart(8, '0')} imm:24`, { ...word, ...to }, (b, parts) =>
        execute(b as Builder<unknown>, parts as never),
      ),
    );
    expect([...ends(instructions)]).toEqual(rows.map(([expected]) => expected));
  });

  test('has no jumps to other labels than the first, for which alone records have room', () => {
    const jump = a64('jump', `${'0'.repeat(32)}`, { labels: { next: () => 4, to: () => 8 } }, (b, { to }) =>
      b.jump(to),
    );
    expect(() => emitHandlers(new Numbering([jump], []))).toThrow('first label');
  });
});
