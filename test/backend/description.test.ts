import { describe, expect, test } from 'vitest';
import { commonRegisters } from '../../src/arm/index.ts';
import { FIELD_VIEW, Guest, type GuestOptions } from '../../src/backend/index.ts';
import {
  type BitField,
  type Client,
  type Description,
  generalRegisters,
  type RegisterType,
  targetXml,
} from '../../src/gdbstub/index.ts';
import { assemble, machineOf } from './assembled.ts';

const machine = machineOf(assemble('nop'));
const describeFor = (client: Client, options: GuestOptions = {}): Description =>
  new Guest(machine, options).describe(client);
const registersOf = ({ features }: Description) => features.flatMap(({ registers }) => registers);
const named = (description: Description, name: string) => registersOf(description).find((one) => one.name === name);
const feature = (description: Description, name: string) =>
  description.features.find((one) => one.name.endsWith(name))?.registers ?? [];

const fieldsOf = (type: RegisterType | undefined): readonly BitField[] =>
  typeof type === 'object' && 'fields' in type ? type.fields : [];

describe.each(['gdb', 'lldb'] as const)('%s', (client) => {
  const all = describeFor(client, { sysregs: 'all', fields: 'all' });

  test('is a description without contradiction, whose g holds the core registers', () => {
    expect(targetXml(all, client)).toContain('<architecture>aarch64</architecture>');
    expect(generalRegisters(all).map(({ name }) => name)).toEqual([
      ...Array.from({ length: 31 }, (_, n) => `x${n}`),
      'sp',
      'pc',
      'cpsr',
    ]);
  });

  test('pc, sp and cpsr come with every stop', () => {
    const told = registersOf(all).filter(({ expedited }) => expedited);
    expect(told.map(({ name }) => name)).toEqual(['x29', 'x30', 'sp', 'pc', 'cpsr']);
  });

  test('every register that is told can be read', () => {
    const guest = new Guest(machine);
    for (const { name, number, bits } of registersOf(all)) {
      const value = guest.registers.read(1, number);
      expect(typeof value, name).toBe('bigint');
      expect((value as bigint) >> BigInt(bits), name).toBe(0n);
    }
  });

  test.each([
    ['none', 0],
    ['common', commonRegisters.length],
    ['TTBR?_EL1', 2],
    ['ttbr0_el1,vbar_el1', 2],
    ['NOTHING*', 0],
  ])('--sysregs %s', (sysregs, count) => {
    const system = feature(describeFor(client, { sysregs, fields: 'none' }), 'system');
    expect(system).toHaveLength(count);
  });
});

describe('gdb', () => {
  const description = describeFor('gdb', { sysregs: 'all' });

  test('system registers are plain numbers under their encoding', () => {
    expect(named(description, 'SCTLR_EL1')).toMatchObject({
      number: 0xc080,
      bits: 64,
      type: 'uint64',
      group: 'system',
    });
    for (const { number } of feature(description, 'system')) expect(number).toBeGreaterThanOrEqual(0x8000);
  });

  test('the fields of the common ones are a second view in lower case', () => {
    const view = named(description, 'sctlr_el1');
    expect(view).toMatchObject({ number: FIELD_VIEW | 0xc080, bits: 64, type: { kind: 'struct', bytes: 8 } });
    const fields = fieldsOf(view?.type);
    expect(fields).toContainEqual({ name: 'WXN', high: 19, low: 19 });
    expect(fields.some(({ name }) => name === 'RES0')).toBe(false);
  });

  test('all field names are legal, and each comes once', () => {
    for (const { name, type } of feature(describeFor('gdb', { fields: 'all' }), 'fields')) {
      const names = fieldsOf(type).map((field) => field.name);
      expect(new Set(names).size, name).toBe(names.length);
      for (const field of names) expect(field).toMatch(/^[A-Za-z_]\w*$/);
    }
  });

  test('--fields chooses', () => {
    expect(feature(describeFor('gdb', { fields: 'none' }), 'fields')).toEqual([]);
    expect(feature(describeFor('gdb', { fields: 'CPACR_EL1' }), 'fields').map(({ name }) => name)).toEqual([
      'cpacr_el1',
    ]);
  });

  test('FPCR and FPSR are told once', () => {
    const names = registersOf(describeFor('gdb', { fields: 'all' })).map(({ name }) => name.toLowerCase());
    expect(names.filter((name) => name === 'fpcr')).toHaveLength(1);
    expect(names.filter((name) => name === 'fpsr')).toHaveLength(1);
  });
});

describe('lldb', () => {
  const description = describeFor('lldb', { sysregs: 'all', fields: 'all' });

  test('no two names differ only in case', () => {
    const names = registersOf(description).map(({ name }) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
  });

  test('registers are flags with the names of values, in groups', () => {
    const tcr = named(description, 'TCR_EL1');
    expect(tcr?.group).toBe('mmu');
    expect(tcr?.type).toMatchObject({ kind: 'flags' });
    const granule = fieldsOf(tcr?.type).find(({ name }) => name === 'TG0');
    expect(Object.keys(granule?.values ?? {})).toEqual(['0', '1', '2']);
  });

  test('it knows what the general registers are for', () => {
    expect(named(description, 'x0')).toMatchObject({ generic: 'arg1', dwarf: 0 });
    expect(named(description, 'x29')).toMatchObject({ generic: 'fp', altName: 'fp' });
    expect(named(description, 'pc')).toMatchObject({ generic: 'pc' });
  });
});
