/**
 * How an A64 instruction is defined: its diagram, what decoding picks from it, and its meaning.
 *
 *     a64('ADD (immediate), ...', 'sf op S 100010 sh imm12:12 Rn:5 Rd:5',
 *       { shape: ['sf', 'op', 'S'], registers: { Rn: 'stack', Rd: 'target' }, immediates: { imm: (f) => ... } },
 *       (b, { sf, op, S, Rn, Rd, imm }) => ...);
 *
 * In a diagram 0 and 1 are fixed bits, x is a bit that is ignored, `Rn:5` is a field and a bare name a field of one bit.
 */
import type { Builder, ImmediateOperand, LabelOperand, RegisterOperand, VectorOperand } from '../builder/builder.ts';
import { Slot } from '../builder/builder.ts';
import type { A64Instruction, DecodeContext, Fields, Operands, Shape } from './instruction.ts';

type FieldName<Token extends string> = Token extends `${infer Name}:${number}`
  ? Name
  : Token extends `${'0' | '1' | 'x'}${string}`
    ? never
    : Token;
/** The names of a diagram's fields. */
export type FieldNames<Diagram extends string> = Diagram extends `${infer Token} ${infer Rest}`
  ? FieldName<Token> | FieldNames<Rest>
  : FieldName<Diagram>;
type Each<Names extends string, T> = { readonly [Name in Names]: T };

/**
 * What register 31 of a field means: zero as a source, nothing kept as a target, SP as stack. An operand of another
 * name than its field's, or one that depends on others, is a function that gives a Slot: see `source` and its like.
 */
export type RegisterRole = 'source' | 'target' | 'stack';

export const source = (register: number): number => (register === 31 ? Slot.zero : register);
export const target = (register: number): number => (register === 31 ? Slot.discard : register);
export const stack = (register: number): number => (register === 31 ? Slot.sp : register);
const slotOf = { source, target, stack } as const;

/** Where V<n> begins, and where an element of it does. */
export const vector = (n: number): number => n * 16;
export const element = (n: number, size: number, index: number): number => n * 16 + (index << size);

interface Specification<
  Field extends string,
  Raw extends Field,
  Derived extends string,
  Register extends string,
  Vector extends string,
  Immediate extends string,
  Label extends string,
> {
  /** Fields that pick the handler. */
  readonly shape?: readonly Raw[];
  /** The same, computed: how many values, and which. */
  readonly derived?: Each<
    Derived,
    readonly [count: number, of: (fields: Each<Field, number>, context: DecodeContext) => number]
  >;
  /** The values of the shape's fields that are allocated; others are UNDEFINED. */
  readonly possible?: (shape: Each<Raw, number>) => boolean;
  /** Words that are UNDEFINED for another reason. */
  readonly unallocated?: (fields: Each<Field, number>) => boolean;
  readonly registers?: Each<Register, RegisterRole | ((fields: Each<Field, number>) => number)>;
  /** What the CPU must have. */
  readonly feature?: string | readonly string[];
  /** Whether CPACR_EL1 may trap it, where the encoding does not say so. */
  readonly simd?: boolean;
  /** SIMD&FP registers: of the field of this name, or where an operand begins: see `vector` and `element`. */
  readonly vectors?: Each<Vector, 'vector' | ((fields: Each<Field, number>) => number)>;
  readonly immediates?: Each<
    Immediate,
    (fields: Each<Field, number>, context: DecodeContext, word: number) => number | bigint
  >;
  /** Bytes from the pc. */
  readonly labels?: Each<Label, (fields: Each<Field, number>) => number>;
  /** The labels count from the pc's 4 KiB page. */
  readonly page?: boolean;
}

/** Set in all SIMD and floating-point instructions, loads and stores among them, and in no others. */
const simdBits = 3 << 26;

/** Throws when the diagram has not 32 bits or the specification names what it has not. */
export function a64<
  const Diagram extends string,
  const Raw extends FieldNames<Diagram> = never,
  Derived extends string = never,
  Register extends string = never,
  Vector extends string = never,
  Immediate extends string = never,
  Label extends string = never,
>(
  name: string,
  diagram: Diagram,
  specification: Specification<FieldNames<Diagram>, Raw, Derived, Register, Vector, Immediate, Label>,
  execute: <V>(
    b: Builder<V>,
    parts: Each<Raw | Derived, number> &
      Each<Register, RegisterOperand> &
      Each<Vector, VectorOperand> &
      Each<Immediate, ImmediateOperand> &
      Each<Label, LabelOperand>,
  ) => void,
): A64Instruction {
  // The types above guard the author; from here on names are plain strings.
  const spec = specification as unknown as Specification<string, string, string, string, string, string, string>;
  const meaning = execute as <V>(b: Builder<V>, parts: object) => void;
  const { mask, value, fields } = parseDiagram(name, diagram);
  const fieldsOf = fieldReader(fields);
  const field = (fieldName: string) => {
    const found = fields.find((f) => f.name === fieldName);
    if (found === undefined) throw new Error(`${name}: there is no field ${fieldName} in ${diagram}`);
    return found;
  };
  const shape = [
    ...(spec.shape ?? []).map((raw) => ({
      name: raw,
      count: 2 ** field(raw).bits,
      of: (f: Fields) => f[raw],
    })),
    ...Object.entries(spec.derived ?? {}).map(([key, [count, of]]) => ({ name: key, count, of })),
  ];
  const registers = Object.entries(spec.registers ?? {}).map(([key, role]) => {
    if (typeof role === 'function') return { name: key, slot: role };
    const { low } = field(key);
    const slot = slotOf[role];
    return { name: key, slot: (f: Fields) => slot((f.word >>> low) & 31) };
  });
  const vectors = Object.entries(spec.vectors ?? {}).map(([key, place]) => {
    if (typeof place === 'function') return { name: key, place };
    const { low } = field(key);
    return { name: key, place: (f: Fields) => vector((f.word >>> low) & 31) };
  });
  const immediates = Object.entries(spec.immediates ?? {}).map(([key, of]) => ({ name: key, value: of }));
  const labels = Object.entries(spec.labels ?? {}).map(([key, of]) => ({
    name: key,
    page: spec.page ?? false,
    offset: of,
  }));
  if (registers.length + vectors.length > 6 || immediates.length + labels.length > 4)
    throw new Error(`${name}: too many operands`);
  const names = [...shape, ...registers, ...vectors, ...immediates, ...labels].map((part) => part.name);
  if (new Set(names).size !== names.length) throw new Error(`${name}: a name is used twice in ${names.join(' ')}`);

  const { possible, unallocated } = spec;
  return {
    name,
    diagram,
    mask,
    value,
    features: typeof spec.feature === 'string' ? [spec.feature] : (spec.feature ?? []),
    simd: spec.simd ?? (value & simdBits) === simdBits,
    fields,
    fieldsOf,
    shape,
    possible,
    // Only fields decide what is possible, so they can be asked in the place of a shape.
    unallocated:
      possible && unallocated ? (f) => !possible(f) || unallocated(f) : possible ? (f) => !possible(f) : unallocated,
    registers,
    vectors,
    immediates,
    labels,
    execute: <V>(b: Builder<V>, shapeValues: Shape, operands: Operands) =>
      meaning(b, {
        ...shapeValues,
        ...operands.registers,
        ...operands.vectors,
        ...operands.immediates,
        ...operands.labels,
      }),
  };
}

function parseDiagram(name: string, diagram: string): Pick<A64Instruction, 'mask' | 'value' | 'fields'> {
  const fields: { name: string; low: number; bits: number }[] = [];
  let low = 32;
  let mask = 0;
  let value = 0;
  for (const token of diagram.split(' ')) {
    if (/^[01x]+$/.test(token)) {
      for (const bit of token) {
        low--;
        if (bit !== 'x') mask |= 1 << low;
        if (bit === '1') value |= 1 << low;
      }
      continue;
    }
    const match = /^([A-Za-z]\w*)(?::(\d+))?$/.exec(token);
    if (match === null) throw new Error(`${name}: '${token}' is no part of a diagram`);
    const bits = Number(match[2] ?? 1);
    low -= bits;
    if (fields.some((f) => f.name === match[1])) throw new Error(`${name}: field ${match[1]} comes twice`);
    fields.push({ name: match[1], low, bits });
  }
  if (low !== 0) throw new Error(`${name}: the diagram has ${32 - low} bits`);
  return { mask: mask >>> 0, value: value >>> 0, fields };
}

/** Fields as getters over the word: nothing is allocated, and what is not asked for costs nothing. */
function fieldReader(fields: A64Instruction['fields']): (word: number) => Fields {
  const reader: Record<string, number> = { word: 0 };
  const prototype = {};
  for (const { name, low, bits } of fields) {
    const ones = 2 ** bits - 1;
    Object.defineProperty(prototype, name, {
      get(this: { word: number }) {
        return (this.word >>> low) & ones;
      },
    });
  }
  Object.setPrototypeOf(reader, prototype);
  return (word) => {
    // Kept as a signed number, which V8 stores without a box.
    reader.word = word | 0;
    return reader;
  };
}
