import { describe, expect, it } from 'vitest';
import { a64, source, stack, target } from '../../../src/arm/a64/definition.ts';
import { a64Instructions, shapeIndex, shapesOf } from '../../../src/arm/index.ts';

const nothing = () => undefined;
const context = { el: 1, simdTrapped: false, systemSlot: () => -1 };

describe('a definition', () => {
  it('reads its diagram', () => {
    const { mask, value, fields, fieldsOf } = a64('X', 'sf 01x0 imm:3 1111111100000000 Rn:5 101', {}, nothing);
    expect(mask).toBe(0x68ff_ff07);
    expect(value).toBe(0x20ff_0005);
    expect(fields).toEqual([
      { name: 'sf', low: 31, bits: 1 },
      { name: 'imm', low: 24, bits: 3 },
      { name: 'Rn', low: 3, bits: 5 },
    ]);
    const f = fieldsOf(0xa5ff_00fd);
    expect([f.sf, f.imm, f.Rn]).toEqual([1, 5, 31]);
  });

  it.each([
    ['0101', 'the diagram has 4 bits'],
    ['0 a:32', 'the diagram has 33 bits'],
    ['0 a:15 a:16', 'field a comes twice'],
    ['0 a-b:31', "'a-b:31' is no part of a diagram"],
  ])('refuses the diagram %s', (diagram, message) => {
    expect(() => a64('X', diagram, {}, nothing)).toThrow(message);
  });

  it('refuses an operand of which there is no field', () => {
    const wrong = { registers: { Rd: 'target' } } as const;
    expect(() => a64('X', '0 a:31', wrong, nothing)).toThrow('there is no field Rd');
  });

  it('refuses a name used twice', () => {
    const wrong = { shape: ['a'], immediates: { a: () => 0 } } as const;
    expect(() => a64('X', '0 a:31', wrong, nothing)).toThrow('a name is used twice');
  });

  it('gives register 31 its meaning', () => {
    expect([source, target, stack].map((role) => [role(30), role(31)])).toEqual([
      [30, 31],
      [30, 33],
      [30, 32],
    ]);
  });

  it('numbers its possible shapes without gaps', () => {
    const instruction = a64(
      'X',
      '0 a:2 b 0000000000000000000000000000',
      { shape: ['a', 'b'], derived: { c: [2, (f) => (f.a === f.b ? 1 : 0)] }, possible: (f) => f.a !== 1 },
      nothing,
    );
    expect(shapesOf(instruction)).toEqual(
      [0, 2, 3].flatMap((a) => [0, 1].flatMap((b) => [0, 1].map((c) => ({ a, b, c })))),
    );
    const index = (a: number, b: number) =>
      shapeIndex(instruction, instruction.fieldsOf((a << 29) | (b << 28)), context);
    expect([index(0, 0), index(0, 1), index(2, 0), index(3, 1)]).toEqual([1, 2, 4, 10]);
    expect(instruction.unallocated?.(instruction.fieldsOf(1 << 29))).toBe(true);
  });
});

describe('the definitions', () => {
  it('have names of their own', () => {
    const names = a64Instructions.map((instruction) => instruction.name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('stay few enough shapes for a module of handlers', () => {
    const shapes = a64Instructions.reduce((sum, instruction) => sum + shapesOf(instruction).length, 0);
    expect(shapes).toBeLessThan(6000);
  });
});
