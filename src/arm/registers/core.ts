/** The general registers as debuggers know them: numbers, DWARF numbers, roles. */
import type { Field } from './register.ts';
import { spsrFields } from './system/exception.ts';

/** A register that is no system register, or that debuggers want among the general ones. */
export interface GeneralRegister {
  /** The manual's name; debuggers use it in lower case. */
  readonly name: string;
  /** GDB's number, also the place in `g`. */
  readonly number: number;
  readonly title: string;
  readonly bits: 32 | 64 | 128;
  readonly group: 'general' | 'vector' | 'float';
  /** From the top bit down to 0, without a gap; empty: one number. */
  readonly fields: readonly Field[];
  /** DWARF for the Arm 64-bit Architecture (IHI 0057), DWARF register names; CPSR as lldb numbers it. */
  readonly dwarf?: number;
  /** Procedure Call Standard for the Arm 64-bit Architecture (IHI 0055), general-purpose registers. */
  readonly role?: 'pc' | 'sp' | 'fp' | 'ra' | 'flags' | `arg${number}`;
}

/** The fields of a 64-bit register as far as they lie in the low half. */
export const lowHalf = (fields: readonly Field[]): Field[] =>
  fields.filter(({ low }) => low < 32).map((field) => ({ ...field, high: Math.min(field.high, 31) }));

const roleOfX = (n: number): GeneralRegister['role'] =>
  n < 8 ? `arg${n + 1}` : n === 29 ? 'fp' : n === 30 ? 'ra' : undefined;

const general = { group: 'general', bits: 64, fields: [] } as const;

export const generalRegisters: readonly GeneralRegister[] = [
  ...Array.from({ length: 31 }, (_, n) => ({
    ...general,
    name: `X${n}`,
    number: n,
    title: `General-purpose Register ${n}`,
    dwarf: n,
    role: roleOfX(n),
  })),
  { ...general, name: 'SP', number: 31, title: 'Stack Pointer', dwarf: 31, role: 'sp' },
  { ...general, name: 'PC', number: 32, title: 'Program Counter', dwarf: 32, role: 'pc' },
  {
    name: 'CPSR',
    number: 33,
    title: 'PSTATE in the layout of SPSR_EL1',
    bits: 32,
    group: 'general',
    fields: lowHalf(spsrFields),
    dwarf: 33,
    role: 'flags',
  },
];
