import { describe, expect, test } from 'vitest';
import { type Description, type Target, TargetError } from '../../src/gdbstub/index.ts';
import { Layout } from '../../src/gdbstub/layout.ts';
import { Output } from '../../src/gdbstub/output.ts';
import { LineMachine } from './line-machine.ts';

const description: Description = {
  architecture: 'none',
  features: [
    {
      name: 'a',
      registers: [
        { name: 'pc', number: 2, bits: 32, type: 'int', general: true, generic: 'pc', expedited: true },
        { name: 'v', number: 1, bits: 128, type: 'int', general: true },
        { name: 's', number: 0x8000, bits: 64, type: 'int' },
      ],
    },
    {
      name: 'b',
      registers: [
        { name: 'f', number: 3, bits: 40, type: 'int', general: true, saveRestore: false },
        { name: 't', number: 0x8001, bits: 64, type: 'int', saveRestore: true },
      ],
    },
  ],
};

const layoutOf = (endian: 'little' | 'big'): Layout => {
  const machine: Target = new LineMachine();
  return new Layout({ ...machine, describe: () => description, host: { ...machine.host!, endian } }, 'gdb');
};

const names = (registers: readonly { readonly name: string }[]): string => registers.map(({ name }) => name).join(' ');

test('who is where comes from the description', () => {
  const layout = layoutOf('little');
  expect(names(layout.general)).toBe('v pc f');
  expect(names(layout.expedited)).toBe('pc');
  expect(names(layout.saved)).toBe('pc v t');
  expect(layout.pc?.name).toBe('pc');
  expect(layout.register(3)).toMatchObject({ name: 'f', bytes: 5, prefix: '03:' });
  expect(layout.register(0x8000)).toMatchObject({ prefix: '8000:' });
  expect(layout.register(4)).toBeInstanceOf(TargetError);
});

describe.each(['little', 'big'] as const)('%s-endian', (endian) => {
  test.each([
    [1, 0x0011_2233_4455_6677_8899_aabb_ccdd_eeffn],
    [1, 5n],
    [2, 0x1234_5678n],
    [3, 0x1_0000_0002n],
    [0x8000, 0xffff_ffff_ffff_fffen],
  ])('register %s: %s', (number, value) => {
    const layout = layoutOf(endian);
    const register = layout.register(number);
    if (register instanceof TargetError) throw new Error(register.message);
    const output = new Output();
    output.begin();
    layout.write(output, register, value);
    const bytes = Buffer.from(Buffer.from(output.take()).toString('latin1').slice(1), 'hex');
    expect(bytes.length).toBe(register.bytes);
    const ordered = endian === 'big' ? bytes : Buffer.from(bytes).reverse();
    expect(BigInt(`0x${ordered.toString('hex')}`)).toBe(value);
    expect(layout.value(bytes)).toBe(value);
  });
});
