import { describe, expect, it } from 'vitest';
import {
  checkFields,
  encodingNumber,
  encodingOf,
  type Field,
  field,
  fieldMeaning,
  flag,
  genericName,
  res0,
  res1,
  sysreg,
  sysregs,
  systemRegisters,
} from '../../../src/arm/index.ts';

const options = { group: 'other' } as const;

describe('a register definition', () => {
  it.each<[string, Field[], string]>([
    ['forgets the top', [field('A', 62, 0)], 'X: field A<62:0>: bit 63 was due'],
    ['forgets a bit between', [field('A', 63, 9), field('B', 7, 0)], 'X: field B<7:0>: bit 8 was due'],
    ['forgets the bottom', [field('A', 63, 2)], 'X: bits 1..0 are missing'],
    ['tells a bit twice', [field('A', 63, 8), field('B', 8, 0)], 'X: field B<8:0>: bit 7 was due'],
    ['turns a range round', [field('A', 0, 63)], 'X: field A<0:63>: bit 63 was due'],
    ['runs below 0', [field('A', 63, -1)], 'X: field A<63:-1>: bit 63 was due'],
    ['names a field twice', [field('A', 63, 8), field('A', 7, 0)], 'X: field A comes twice'],
  ])('is an error when it %s', (_, fields, message) => {
    expect(() => sysreg('X', [3, 0, 0, 0, 0], '', fields, options)).toThrow(message);
    const variants = [{ when: 'V', matches: () => true, fields }];
    expect(() => sysreg('X', [3, 0, 0, 0, 0], '', [res0(63, 0)], { ...options, variants })).toThrow('X when V');
  });

  it('may have several reserved ranges, and no fields at all', () => {
    expect(() => checkFields('X', [res0(63, 33), flag('A', 32), res0(31, 1), res1(0)])).not.toThrow();
    expect(() => checkFields('X', [])).not.toThrow();
    expect(() => checkFields('X', [res0(24, 0)], 24)).not.toThrow();
  });

  it('takes the exception level from op1', () => {
    const levels = [0, 1, 2, 3, 4, 5, 6, 7].map((op1) => sysreg('X', [3, op1, 0, 0, 0], '', [], options).readEl);
    expect(levels).toEqual([1, 1, 1, 0, 2, 2, 3, 1]);
  });

  it('may be one of a family', () => {
    const family = sysregs(
      'X<n>_EL1',
      3,
      (n) => [2, 0, 0, n, 4],
      'X number <n>',
      () => [res0(63, 0)],
      {
        ...options,
        aliasOf: 'Y<n>_EL1',
      },
    );
    expect(family.map(({ name, title, aliasOf, encoding }) => [name, title, aliasOf, encoding[3]])).toEqual([
      ['X0_EL1', 'X number 0', 'Y0_EL1', 0],
      ['X1_EL1', 'X number 1', 'Y1_EL1', 1],
      ['X2_EL1', 'X number 2', 'Y2_EL1', 2],
    ]);
  });

  it('tells meanings by a table or by a rule', () => {
    expect(fieldMeaning(flag('A', 0, { 1: 'on' }), 1n)).toBe('on');
    expect(fieldMeaning(flag('A', 0, { 1: 'on' }), 0n)).toBeUndefined();
    expect(fieldMeaning(flag('A', 0), 1n)).toBeUndefined();
    expect(
      fieldMeaning(
        field('A', 63, 0, (value) => `${value + 1n}`),
        2n ** 64n - 1n,
      ),
    ).toBe('18446744073709551616');
  });
});

describe('a register number', () => {
  it('is what MRS, MSR and KVM use', () => {
    expect(encodingNumber([3, 0, 1, 0, 0]).toString(16)).toBe('c080');
    expect(encodingNumber([2, 0, 0, 2, 2]).toString(16)).toBe('8012');
    expect(genericName([3, 0, 1, 0, 0])).toBe('S3_0_C1_C0_0');
  });

  it('and its encoding are each other, for all 65536', () => {
    for (let number = 0; number < 0x10000; number++) {
      if (encodingNumber(encodingOf(number)) !== number) expect.fail(`${number}`);
    }
  });
});

describe('every register of the catalogue', () => {
  it('has fields whose names are identifiers, and values that fit', () => {
    for (const { name, fields, variants = [] } of systemRegisters)
      for (const { name: fieldName, high, low, values = {} } of [fields, ...variants.map((v) => v.fields)].flat()) {
        expect(`${name} ${fieldName}`).toMatch(/^\w+ [A-Za-z_]\w*$/);
        for (const value of Object.keys(values)) expect(Number(value), name).toBeLessThan(2 ** (high - low + 1));
      }
  });

  it('is a system register: op0 is 2 or 3, each part is in range', () => {
    for (const { name, number, encoding } of systemRegisters) {
      expect(number, name).toBeGreaterThanOrEqual(0x8000);
      expect(encodingOf(number), name).toEqual(encoding);
    }
  });

  it('has fields if EL0 or EL1 may use it', () => {
    const bare = systemRegisters.filter(
      ({ fields, group }) => fields.length === 0 && group !== 'el2' && group !== 'el3',
    );
    expect(bare.map(({ name }) => name)).toEqual([]);
  });

  it('is constant only if it is read-only', () => {
    expect(systemRegisters.filter(({ constant, access }) => constant && access !== 'RO')).toEqual([]);
  });
});
