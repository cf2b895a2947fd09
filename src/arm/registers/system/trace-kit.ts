/** What definitions of trace registers share: op0 = 2, op1 = 1, and the layout of 32-bit words. */
import {
  type Encoding,
  type Field,
  field,
  flag,
  res0,
  type SystemRegister,
  type SystemRegisterOptions,
  sysreg,
  sysregs,
} from '../register.ts';

export const trace = { group: 'trace', feature: 'FEAT_ETMv4' } as const;
export const ete = { group: 'trace', feature: 'FEAT_ETE' } as const;
export const constant = { ...trace, access: 'RO', constant: true } as const;
export const readOnly = { ...trace, access: 'RO' } as const;

/** Trace registers are 32 bits wide but for addresses and identifiers: fields from 31 down to 0. */
export const word = (...fields: Field[]): Field[] => [res0(63, 32), ...fields];

/** A resource selector, or a pair of them, whose eight bits end at `low`. */
export const selector = (name: string, low: number): Field[] => [
  flag(`${name}_TYPE`, low + 7, { 0: 'one resource', 1: 'a pair of resources' }),
  res0(low + 6, low + 5),
  field(`${name}_SEL`, low + 4, low),
];

export const exceptionLevels = (low: number): Field[] =>
  ['NS_EL2', 'NS_EL1', 'NS_EL0', 'S_EL3', 'S_EL2', 'S_EL1', 'S_EL0'].map((name, n) =>
    flag(`EXLEVEL_${name}`, low + 6 - n),
  );

export const register = (
  name: string,
  [CRn, CRm, op2]: readonly [CRn: number, CRm: number, op2: number],
  title: string,
  fields: readonly Field[],
  options: SystemRegisterOptions = trace,
): SystemRegister => sysreg(name, [2, 1, CRn, CRm, op2], title, fields, options);

export const family = (
  name: string,
  numbers: number | readonly number[],
  encoding: (n: number) => readonly [CRn: number, CRm: number, op2: number],
  title: string,
  fields: readonly Field[],
  options: SystemRegisterOptions = trace,
): SystemRegister[] => sysregs(name, numbers, (n): Encoding => [2, 1, ...encoding(n)], `${title} <n>`, fields, options);
