import { describe, expect, expectTypeOf, test } from 'vitest';
import { type Fields, Pattern } from '../../src/gdbstub/pattern.ts';
import { latin1 } from './conversation.ts';

const match = (pattern: string, packet: string): Record<string, unknown> | undefined => {
  // Not at the start of its buffer, and with more behind it.
  const bytes = new Uint8Array(latin1(`$${packet}#00$m0,4#00`));
  const fields = new Pattern(pattern).match(bytes, 1, 1 + packet.length);
  return fields && JSON.parse(JSON.stringify(fields, (_, value: unknown) => plain(value)));
};

const plain = (value: unknown): unknown => {
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  return value instanceof Uint8Array ? [...value] : value;
};

const memory = 'm{address:address},{length:int}';
const register = 'p{register:int}[;thread:{thread:thread};]';

test.each<[string, string, Record<string, unknown> | undefined]>([
  ['g', 'g', {}],
  ['g', 'gg', undefined],
  [memory, 'm40000000,4', { address: '0x40000000', length: 4 }],
  [memory, 'mfFfFfFfFfFfFfFfF,0', { address: '0xffffffffffffffff', length: 0 }],
  [memory, 'm00000000000000000000000000000000012,4', { address: '0x12', length: 4 }],
  [memory, 'm10000000000000000,4', undefined],
  [memory, 'm0,10000000000000', { address: '0x0', length: 2 ** 52 }],
  [memory, 'm0,10000000000001', undefined],
  [memory, 'm,4', undefined],
  [memory, 'm0,', undefined],
  [memory, 'm0', undefined],
  [memory, 'm', undefined],
  [memory, 'm0,4,', undefined],
  [memory, 'm0x0,4', undefined],
  [memory, 'm-1,4', undefined],
  [register, 'p1f', { register: 31 }],
  [register, 'p1f;thread:2;', { register: 31, thread: 2 }],
  [register, 'p1f;thread:2', undefined],
  [register, 'p1f;', undefined],
  ['s[{address:address}]', 's', {}],
  ['s[{address:address}]', 's10', { address: '0x10' }],
  ['C{signal:int}[;{address:address}]', 'C05;8', { signal: 5, address: '0x8' }],
  ['C{signal:int}[;{address:address}]', 'C05;', undefined],
  ['M{address:address},{length:int}:{data:hex}', 'M0,2:0aFF', { address: '0x0', length: 2, data: [10, 255] }],
  ['M{address:address},{length:int}:{data:hex}', 'M0,2:0aF', undefined],
  ['M{address:address},{length:int}:{data:hex}', 'M0,2:0aFg', undefined],
  ['M{address:address},{length:int}:{data:hex}', 'M0,0:', { address: '0x0', length: 0, data: [] }],
  ['X{address:address}:{data:binary}', 'X0:a:;\xff', { address: '0x0', data: [97, 58, 59, 255] }],
  ['q:{annex:text}:{offset:int}', 'q::5', { annex: '', offset: 5 }],
  ['q:{annex:text}:{offset:int}', 'q:a.xml:5', { annex: 'a.xml', offset: 5 }],
  ['H{thread:thread}', 'H-1', { thread: -1 }],
  ['H{thread:thread}', 'H0', { thread: 0 }],
  ['H{thread:thread}', 'Hp1.2', { thread: 2 }],
  ['H{thread:thread}', 'Hp1.-1', { thread: -1 }],
  ['H{thread:thread}', 'Hp-1.-1', { thread: -1 }],
  ['H{thread:thread}', 'Hp1', { thread: -1 }],
  ['H{thread:thread}', 'Hp', undefined],
  ['H{thread:thread}', 'Hp1.', undefined],
  ['H{thread:thread}', 'Hp.1', undefined],
  ['H{thread:thread}', 'H', undefined],
  ['H{thread:thread}', 'H-2', undefined],
])('%s: %s', (pattern, packet, expected) => {
  expect(match(pattern, packet)).toEqual(expected);
});

describe('a notation that is wrong is an error when it is loaded', () => {
  test.each([
    ['{a:int}', 'no head'],
    ['m{a:number}', 'is no field'],
    ['m{a}', 'is no field'],
    ['m{a:int}{b:int}', 'nothing ends a'],
    ['m{a:int}[{b:int}]', 'nothing ends a'],
    ['m{a:int},{a:int}', 'two meanings'],
    ['m[;{a:int}', 'brackets'],
    ['m[;[{a:int}]]', 'brackets'],
    ['m[;{a:int}];', 'comes last'],
    ['m[;{a:int}]x[;{b:int}]', 'comes last'],
  ])('%s', (pattern, message) => {
    expect(() => new Pattern(pattern)).toThrow(message);
  });
});

test('names and types of the fields come from the notation', () => {
  expectTypeOf<Fields<'P{register:int}={value:hex}'>>().toEqualTypeOf<
    { readonly register: number } & { readonly value: Uint8Array }
  >();
  type Optional = Fields<'p{register:int}[;thread:{thread:thread};]'>;
  expectTypeOf<Optional['register']>().toEqualTypeOf<number>();
  expectTypeOf<Optional['thread']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Fields<'m{address:address},{length:int}'>['address']>().toEqualTypeOf<bigint>();
});

test('for people it is written without types', () => {
  expect(new Pattern(register).form).toBe('p<register>[;thread:<thread>;]');
});
