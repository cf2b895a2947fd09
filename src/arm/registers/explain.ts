/** Tells what a value of a system register means, field by field. */
import { hex } from '../bits.ts';
import type { Field, SystemRegister } from './register.ts';
import { type ExplainedField, explainFields, explainSyndrome, type Syndrome } from './syndrome.ts';

/** Reserved bits that do not hold what the architecture reserves them for. */
export interface ReservedBits {
  readonly kind: 'res0' | 'res1';
  readonly high: number;
  readonly low: number;
  readonly value: bigint;
}

export interface Explained {
  readonly register: SystemRegister;
  readonly value: bigint;
  /** Which of the register's layouts holds, where there are several. */
  readonly when?: string;
  /** Named fields and implementation defined ones, from high to low. */
  readonly fields: readonly ExplainedField[];
  readonly reserved: readonly ReservedBits[];
  /** Of a register that holds a syndrome: the fields of ISS. */
  readonly syndrome?: Syndrome;
}

/** The layout that holds for a value. */
export function layoutOf(
  register: SystemRegister,
  value: bigint,
): { readonly when?: string; readonly fields: readonly Field[] } {
  return register.variants?.find(({ matches }) => matches(value)) ?? { fields: register.fields };
}

/** `value` is taken modulo 2^64. */
export function explainValue(register: SystemRegister, value: bigint): Explained {
  const bits = BigInt.asUintN(64, value);
  const { when, fields } = layoutOf(register, bits);
  const all = explainFields(fields, bits);
  const syndrome = register.syndrome ? explainSyndrome(bits) : undefined;
  return {
    register,
    value: bits,
    when,
    fields: all.filter(isNamed),
    reserved: [...all, ...(syndrome?.fields ?? [])].flatMap(wrongReserved),
    syndrome,
  };
}

const isNamed = ({ kind }: ExplainedField): boolean => kind === 'field' || kind === 'impdef';

const wrongReserved = ({ kind, high, low, value }: ExplainedField): ReservedBits[] =>
  (kind === 'res0' && value !== 0n) || (kind === 'res1' && value !== (1n << BigInt(high - low + 1)) - 1n)
    ? [{ kind, high, low, value }]
    : [];

const range = ({ high, low }: { high: number; low: number }): string => (high === low ? `${low}` : `${high}:${low}`);

/** Small fields in decimal read better than in hexadecimal; addresses and masks the other way round. */
const content = ({ high, low, value }: ExplainedField): string => (high - low < 3 ? value.toString() : hex(value));

/** Lines of text: the register, its fields in columns, under ISS its own fields, and what is wrong with reserved bits. */
export function formatExplained({ register, value, when, fields, reserved, syndrome }: Explained): string[] {
  const rows: string[][] = [];
  const add = (indent: string, field: ExplainedField) =>
    rows.push([indent + field.name, range(field), content(field), field.meaning ?? '']);
  for (const field of fields) {
    add('  ', field);
    if (syndrome && field.name === 'ISS') for (const part of syndrome.fields.filter(isNamed)) add('    ', part);
  }
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column].length)));
  return [
    `${register.name} = ${hex(value, 16)}  ${register.title}${when ? ` (${when})` : ''}`,
    ...rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
    ...(register.fields.length === 0 ? ['  its fields are not described here'] : []),
    ...(syndrome?.instruction ? [`  the instruction: ${syndrome.instruction}`] : []),
    ...reserved.map((bits) => `  bits ${range(bits)} are ${bits.kind.toUpperCase()} but hold ${hex(bits.value)}`),
  ];
}

/** One line with the fields that are not zero, single bits by their names alone: `I F M=EL1h`. */
export const formatBrief = ({ fields }: Explained): string =>
  fields
    .filter(({ value }) => value !== 0n)
    .map((field) => (field.high === field.low ? field.name : `${field.name}=${word(field)}`))
    .join(' ');

/** A meaning of one word, otherwise the number. */
const word = (field: ExplainedField): string => (/^\S+$/.exec(field.meaning ?? '') ?? [content(field)])[0];
