/** The catalogue as data for other programs. */
import { type GeneralRegister, generalRegisters } from './core.ts';
import { namedRegisters } from './index.ts';
import type { Encoding, SystemRegister } from './register.ts';
import { simdRegisters } from './simd.ts';

export interface RegisterJson {
  readonly name: string;
  /** Null: no MRS or MSR reaches it. */
  readonly encoding: Encoding | null;
  readonly bits: number;
  readonly group: string;
  readonly access: 'RW' | 'RO' | 'WO';
  /** Those with a name, from high to low; the bits between them are reserved or implementation defined. */
  readonly fields: readonly {
    readonly name: string;
    readonly high: number;
    readonly low: number;
    /** Meanings by value. */
    readonly values?: Readonly<Record<string, string>>;
  }[];
}

const isSystem = (register: SystemRegister | GeneralRegister): register is SystemRegister => 'encoding' in register;

/** Every register once: FPSR and FPCR, which are both, stand among the system registers. */
export const allRegisters: readonly (SystemRegister | GeneralRegister)[] = [
  ...[...generalRegisters, ...simdRegisters].filter(({ group }) => group !== 'float'),
  ...namedRegisters,
];

export const catalogueJson = (registers: readonly (SystemRegister | GeneralRegister)[]): RegisterJson[] =>
  registers.map((register) => ({
    name: register.name,
    encoding: isSystem(register) ? register.encoding : null,
    bits: register.bits,
    group: register.group,
    access: isSystem(register) ? register.access : 'RW',
    fields: register.fields
      .filter(({ kind }) => kind === 'field')
      .map(({ name, high, low, values }) => ({ name, high, low, ...(values && { values }) })),
  }));
