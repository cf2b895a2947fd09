/**
 * The kit for register definitions: a register is the manual's page and no more. A bit forgotten or told twice is an
 * error when the table loads.
 *
 * Arm ARM DDI 0487, D19 "AArch64 System Register Descriptions".
 */

/** op0, op1, CRn, CRm, op2. */
export type Encoding = readonly [op0: number, op1: number, CRn: number, CRm: number, op2: number];

/** The 16-bit number that names an AArch64 system register everywhere: bits 20..5 of MRS/MSR, low half of KVM's id. */
export const encodingNumber = ([op0, op1, CRn, CRm, op2]: Encoding): number =>
  (op0 << 14) | (op1 << 11) | (CRn << 7) | (CRm << 3) | op2;

export const encodingOf = (number: number): Encoding => [
  (number >> 14) & 3,
  (number >> 11) & 7,
  (number >> 7) & 15,
  (number >> 3) & 15,
  number & 7,
];

/** S3_0_C1_C0_0: the name that every assembler takes. */
export const genericName = ([op0, op1, CRn, CRm, op2]: Encoding): string => `S${op0}_${op1}_C${CRn}_C${CRm}_${op2}`;

export type Values = Readonly<Record<number, string>>;

export interface Field {
  /** The manual's name; `RES0`, `RES1`, `RAZ`, `UNKNOWN`, `IMPDEF` for bits that have none. */
  readonly name: string;
  readonly kind: 'field' | 'res0' | 'res1' | 'impdef';
  readonly high: number;
  readonly low: number;
  /** What values mean, a few words each. */
  readonly values?: Values;
  /** What any value means, where a rule says it and no table could: a size, an address. */
  readonly describe?: (value: bigint) => string | undefined;
  /** What an MSR does to bits that do not keep what it writes: ones `act`, and read as zero; or all are `ignored`. */
  readonly write?: 'acts' | 'ignored';
}

/** The meaning of a field's value, if the definition tells one. */
export const fieldMeaning = ({ values, describe }: Field, value: bigint): string | undefined =>
  values?.[Number(value)] ?? describe?.(value);

/** One group a register; also its heading in the debugger's views. */
export type RegisterGroup =
  | 'id'
  | 'control'
  | 'mmu'
  | 'exception'
  | 'special'
  | 'thread'
  | 'cache'
  | 'timer'
  | 'debug'
  | 'pmu'
  | 'gic'
  | 'trace'
  | 'ras'
  | 'spe'
  | 'amu'
  | 'mpam'
  | 'mte'
  | 'pauth'
  | 'sve'
  | 'el2'
  | 'el3'
  | 'other';

export interface SystemRegister {
  readonly name: string;
  readonly encoding: Encoding;
  /** encodingNumber(encoding). */
  readonly number: number;
  readonly title: string;
  readonly bits: 64;
  readonly group: RegisterGroup;
  /** What MRS and MSR can do at EL0 and EL1; of registers of EL2 and EL3, at those levels. See `writeEl`. */
  readonly access: 'RW' | 'RO' | 'WO';
  /** The lowest exception level that may read and write it at all (traps aside). */
  readonly readEl: 0 | 1 | 2 | 3;
  readonly writeEl: 0 | 1 | 2 | 3;
  /** Present only with this feature, as FEAT_PAN; absent: Armv8.0. */
  readonly feature?: string;
  /** From 63 down to 0, without a gap. Empty where only the name is known (EL2, EL3). */
  readonly fields: readonly Field[];
  /** Another layout that holds for some values, as PAR_EL1 with F = 1; tried in order before `fields`. */
  readonly variants?: readonly {
    readonly when: string;
    readonly matches: (value: bigint) => boolean;
    readonly fields: readonly Field[];
  }[];
  /** The same value for the life of a CPU: identification registers. */
  readonly constant?: boolean;
  /** Another view of this register's storage, as PMCNTENCLR_EL0 of PMCNTENSET_EL0. */
  readonly aliasOf?: string;
  /** A view of PSTATE: its bits that are not RES0 are PSTATE's, at the places they have in SPSR_EL1. */
  readonly pstate?: boolean;
  /** Holds a syndrome, as ESR_EL1: EC, IL and ISS are explained together. */
  readonly syndrome?: boolean;
  /** Has no storage that a debugger could read or write without a side effect: OSLAR_EL1, ICC_IAR1_EL1. */
  readonly noRaw?: boolean;
  /** When the state path writes it: with every run, after a reset, or only after initialisation and restore. */
  readonly level: 'runtime' | 'reset' | 'full';
}

export interface SystemRegisterOptions {
  readonly group: RegisterGroup;
  readonly access?: 'RW' | 'RO' | 'WO';
  /** Default: both from op1 (3: EL0, 4 and 5: EL2, 6: EL3, 7: EL1, otherwise EL1). */
  readonly readEl?: 0 | 1 | 2 | 3;
  readonly writeEl?: 0 | 1 | 2 | 3;
  readonly feature?: string;
  readonly constant?: boolean;
  readonly aliasOf?: string;
  readonly pstate?: boolean;
  readonly syndrome?: boolean;
  readonly noRaw?: boolean;
  readonly level?: 'runtime' | 'reset' | 'full';
  readonly variants?: SystemRegister['variants'];
}

/** What values mean: a table, or a rule. */
export type Meaning = Values | ((value: bigint) => string | undefined);

export const field = (name: string, high: number, low: number, meaning?: Meaning): Field => ({
  name,
  kind: 'field',
  high,
  low,
  ...(typeof meaning === 'function' ? { describe: meaning } : { values: meaning }),
});
export const flag = (name: string, bit: number, meaning?: Meaning): Field => field(name, bit, bit, meaning);
/** Ones do something when the guest writes them, and read as zero. */
export const action = (name: string, bit: number, meaning?: Meaning): Field => ({
  ...flag(name, bit, meaning),
  write: 'acts',
});
/** The CPU tells what is in it. */
export const readOnly = (name: string, high: number, low: number, meaning?: Meaning): Field => ({
  ...field(name, high, low, meaning),
  write: 'ignored',
});
export const res0 = (high: number, low = high): Field => ({ name: 'RES0', kind: 'res0', high, low });
export const res1 = (high: number, low = high): Field => ({ name: 'RES1', kind: 'res1', high, low });
export const impdef = (high: number, low = high): Field => ({ name: 'IMPDEF', kind: 'impdef', high, low });
/** RAZ/WI: bits that read as zero and ignore writes. */
export const raz = (high: number, low = high): Field => ({ name: 'RAZ', kind: 'res0', high, low });
/** Bits that read as an UNKNOWN value. */
export const unknown = (high: number, low = high): Field => ({ name: 'UNKNOWN', kind: 'impdef', high, low });

/** Throws when the fields do not tile top..0 exactly, from high to low, or a name comes twice. */
export function checkFields(name: string, fields: readonly Field[], top = 63): void {
  if (fields.length === 0) return;
  let next = top;
  const seen = new Set<string>();
  for (const { name: fieldName, kind, high, low } of fields) {
    if (high !== next || low > high || low < 0)
      throw new Error(`${name}: field ${fieldName}<${high}:${low}>: bit ${next} was due`);
    if (kind === 'field' && seen.has(fieldName)) throw new Error(`${name}: field ${fieldName} comes twice`);
    seen.add(fieldName);
    next = low - 1;
  }
  if (next !== -1) throw new Error(`${name}: bits ${next}..0 are missing`);
}

const elOfOp1 = (op1: number): 0 | 1 | 2 | 3 => (op1 === 3 ? 0 : op1 === 4 || op1 === 5 ? 2 : op1 === 6 ? 3 : 1);

export function sysreg(
  name: string,
  encoding: Encoding,
  title: string,
  fields: readonly Field[],
  options: SystemRegisterOptions,
): SystemRegister {
  checkFields(name, fields);
  for (const variant of options.variants ?? []) checkFields(`${name} when ${variant.when}`, variant.fields);
  const el = elOfOp1(encoding[1]);
  const { access = 'RW', readEl = el, writeEl = el, level = 'runtime', ...rest } = options;
  return {
    name,
    encoding,
    number: encodingNumber(encoding),
    title,
    bits: 64,
    fields,
    access,
    readEl,
    writeEl,
    level,
    ...rest,
  };
}

/** A family: `<n>` in the name is 0..count-1 (or the numbers given). */
export function sysregs(
  name: string,
  numbers: number | readonly number[],
  encoding: (n: number) => Encoding,
  title: string,
  fields: readonly Field[] | ((n: number) => readonly Field[]),
  options: SystemRegisterOptions,
): SystemRegister[] {
  const list = typeof numbers === 'number' ? Array.from({ length: numbers }, (_, n) => n) : numbers;
  return list.map((n) =>
    sysreg(
      name.replace('<n>', String(n)),
      encoding(n),
      title.replace('<n>', String(n)),
      typeof fields === 'function' ? fields(n) : fields,
      {
        ...options,
        aliasOf: options.aliasOf?.replace('<n>', String(n)),
      },
    ),
  );
}
