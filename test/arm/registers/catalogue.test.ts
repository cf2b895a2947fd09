import { describe, expect, it } from 'vitest';
import {
  commonRegisters,
  findRegister,
  registerByNumber,
  registerName,
  registersByGlob,
  res0,
  sysreg,
  systemRegisters,
} from '../../../src/arm/index.ts';
import { catalogue } from '../../../src/arm/registers/catalogue.ts';

const register = (name: string, op2: number, aliasOf?: string) =>
  sysreg(name, [3, 0, 15, 15, op2], '', [res0(63, 0)], { group: 'other', aliasOf });

describe('a catalogue refuses', () => {
  it.each([
    ['two of one name', [register('A', 0), register('A', 1)], 'A and A have the same name or number'],
    ['names that differ in case only', [register('a', 0), register('A', 1)], 'A and a have the same name or number'],
    ['two of one number', [register('A', 0), register('B', 0)], 'B and A have the same name or number'],
    ['an alias of nothing', [register('A', 0, 'B')], 'A is an alias of the unknown B'],
  ])('%s', (_, registers, message) => {
    expect(() => catalogue([registers])).toThrow(message);
    expect(() => catalogue(registers.map((one) => [one]))).toThrow(message);
  });
});

describe('the catalogue', () => {
  it('is sorted by number', () => {
    const numbers = systemRegisters.map(({ number }) => number);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  it('finds by number', () => {
    for (const one of systemRegisters) expect(registerByNumber(one.number)).toBe(one);
    expect(registerByNumber(0xc080)?.name).toBe('SCTLR_EL1');
    expect(registerByNumber(0xffff)).toBeUndefined();
    expect(registerByNumber(-1)).toBeUndefined();
    expect(registerName(0xc080)).toBe('SCTLR_EL1');
    expect(registerName(0xffff)).toBe('S3_7_C15_C15_7');
  });

  it.each([
    ['SCTLR_EL1', 'SCTLR_EL1'],
    ['sctlr_el1', 'SCTLR_EL1'],
    ['Sctlr_El1', 'SCTLR_EL1'],
    ['currentel', 'CurrentEL'],
    ['spsr_FIQ', 'SPSR_fiq'],
    ['S3_0_C1_C0_0', 'SCTLR_EL1'],
    ['s3_0_c1_c0_0', 'SCTLR_EL1'],
    ['s3_0_c0_c3_3', 'S3_0_C0_C3_3'],
  ])('finds %s', (name, expected) => {
    expect(findRegister(name)).toMatchObject({ name: expected });
  });

  it.each([
    ['SCTRL_EL1', 'SCTLR_EL1'],
    ['SCTLR_EL', 'SCTLR_EL1'],
    ['sctlr', 'SCTLR_EL1'],
    ['VBR_EL1', 'VBAR_EL1'],
    ['TTBR_EL1', 'TTBR0_EL1'],
    ['tpidrrro_el0', 'TPIDRRO_EL0'],
    ['MIDR', 'MIDR_EL1'],
  ])('suggests for %s', (name, suggestion) => {
    expect(findRegister(name)).toEqual({ suggestion });
  });

  it.each(['', 'x', 'QQQQQQQQ', 'S3_7_C15_C15_7', 'S3_0_C16_C0_0', 'S4_0_C0_C0_0', '*', 'A'.repeat(100_000)])(
    'has neither register nor suggestion for %#',
    (name) => {
      const answer = findRegister(name);
      expect('number' in answer).toBe(false);
      expect(answer).not.toHaveProperty('suggestion', expect.anything());
    },
  );

  it.each([
    ['SCTLR_EL1', ['SCTLR_EL1']],
    ['ttbr?_el1', ['TTBR0_EL1', 'TTBR1_EL1']],
    ['ID_AA64MMFR[01]_EL1', []],
    ['VBAR_EL1, esr_el1', ['ESR_EL1', 'VBAR_EL1']],
    ['AP?AKeyLo*', ['APIAKeyLo_EL1', 'APDAKeyLo_EL1', 'APGAKeyLo_EL1']],
    ['TPIDR*_EL0', ['TPIDR_EL0', 'TPIDRRO_EL0']],
    ['', []],
    [',,', []],
    ['NOTHING*', []],
  ])('matches %s', (glob, names) => {
    expect(registersByGlob(glob).map(({ name }) => name)).toEqual(names);
  });

  it('matches everything with *, and every pattern in bounded time', () => {
    expect(registersByGlob('*')).toEqual(systemRegisters);
    expect(registersByGlob(`${'*A'.repeat(2000)}B`)).toEqual([]);
  });

  it('has the registers that people edit most', () => {
    expect(commonRegisters.length).toBeGreaterThanOrEqual(12);
    expect(commonRegisters.length).toBeLessThanOrEqual(24);
    expect(new Set(commonRegisters).size).toBe(commonRegisters.length);
    expect(commonRegisters.every(({ access, noRaw }) => access === 'RW' && !noRaw)).toBe(true);
  });

  it('has the whole identification space that KVM lists', () => {
    for (let number = 0xc008; number < 0xc040; number++) {
      const found = registerByNumber(number);
      expect(found, number.toString(16)).toMatchObject({ group: 'id', access: 'RO', constant: true });
    }
  });
});
