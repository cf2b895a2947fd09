/**
 * WebAssembly's own floating point: numbers between bit patterns, as code that leaves them on the stack. All of it
 * rounds to nearest and tells no flags; fp-paths.ts knows when that is enough.
 */
import type { Value, Values } from './values.ts';
import { ValueType } from './wasm.ts';

export interface Float {
  readonly bits: 32 | 64;
  readonly push: () => void;
  readonly cheap?: boolean;
}

type Pair = readonly [for32: number, for64: number];

const unaryOpcodes = {
  abs: [0x8b, 0x99],
  neg: [0x8c, 0x9a],
  ceil: [0x8d, 0x9b],
  floor: [0x8e, 0x9c],
  trunc: [0x8f, 0x9d],
  nearest: [0x90, 0x9e],
  sqrt: [0x91, 0x9f],
} as const satisfies Readonly<Record<string, Pair>>;
const binaryOpcodes = {
  add: [0x92, 0xa0],
  sub: [0x93, 0xa1],
  mul: [0x94, 0xa2],
  div: [0x95, 0xa3],
  min: [0x96, 0xa4],
  max: [0x97, 0xa5],
  copysign: [0x98, 0xa6],
} as const satisfies Readonly<Record<string, Pair>>;
const comparisonOpcodes = {
  eq: [0x5b, 0x61],
  ne: [0x5c, 0x62],
  lt: [0x5d, 0x63],
  gt: [0x5e, 0x64],
  le: [0x5f, 0x65],
  ge: [0x60, 0x66],
} as const satisfies Readonly<Record<string, Pair>>;
/** Behind the prefix of vector instructions, for f32x4 and f64x2. */
const vectorOpcodes = {
  eq: [65, 71],
  ne: [66, 72],
  lt: [67, 73],
  gt: [68, 74],
  le: [69, 75],
  ge: [70, 76],
  ceil: [103, 116],
  floor: [104, 117],
  trunc: [105, 122],
  nearest: [106, 148],
  abs: [224, 236],
  neg: [225, 237],
  sqrt: [227, 239],
  add: [228, 240],
  sub: [229, 241],
  mul: [230, 242],
  div: [231, 243],
  min: [232, 244],
  max: [233, 245],
} as const satisfies Readonly<Record<string, Pair>>;
const conversionOpcodes = {
  demote: 94,
  promote: 95,
  truncSigned: 248,
  truncUnsigned: 249,
  convertSigned: 250,
  convertUnsigned: 251,
};

export type FloatUnary = keyof typeof unaryOpcodes;
export type FloatBinary = keyof typeof binaryOpcodes;
export type FloatComparison = keyof typeof comparisonOpcodes;
export type FloatVector = keyof typeof vectorOpcodes;

const reinterpret = { toFloat: [0xbe, 0xbf], toInteger: [0xbc, 0xbd] } as const;
/** By [integer is 64 bits][float is 64 bits][unsigned]. */
const truncations = [
  [[0xa8, 0xa9], [0xaa, 0xab]], // biome-ignore format: rows
  [[0xae, 0xaf], [0xb0, 0xb1]], // biome-ignore format: rows
];
const conversions = [
  [[0xb2, 0xb3], [0xb7, 0xb8]], // biome-ignore format: rows
  [[0xb4, 0xb5], [0xb9, 0xba]], // biome-ignore format: rows
];
const demoteOpcode = 0xb6;
const promoteOpcode = 0xbb;

const at = (bits: 32 | 64): 0 | 1 => (bits === 64 ? 1 : 0);
const scratch = new DataView(new ArrayBuffer(8));
/** The pattern of a number that the format has. */
export function patternOf(bits: 32 | 64, value: number): bigint {
  if (bits === 64) scratch.setFloat64(0, value);
  else scratch.setFloat32(0, value);
  return bits === 64 ? scratch.getBigUint64(0) : BigInt(scratch.getUint32(0));
}

/** Writes float code into a function in the making. */
export class Floats {
  readonly #b: Values;
  constructor(b: Values) {
    this.#b = b;
  }

  #float(bits: 32 | 64, opcode: number, ...inputs: { push: () => void }[]): Float {
    return {
      bits,
      push: () => {
        for (const input of inputs) input.push();
        this.#b.code.op(opcode);
      },
    };
  }

  /** Evaluates once. */
  let(value: Float): Float {
    if (value.cheap) return value;
    return { bits: value.bits, ...this.#b.keep(value.bits === 64 ? ValueType.f64 : ValueType.f32, value.push) };
  }

  of(bits: 32 | 64, pattern: Value): Float {
    return this.#float(bits, reinterpret.toFloat[at(bits)], pattern);
  }
  patternOf(value: Float): Value {
    return this.#b.operation(value.bits, reinterpret.toInteger[at(value.bits)], value);
  }
  constant(bits: 32 | 64, value: number): Float {
    return { ...this.of(bits, this.#b.constant(bits, patternOf(bits, value))), cheap: true };
  }

  unary(operator: FloatUnary, a: Float): Float {
    return this.#float(a.bits, unaryOpcodes[operator][at(a.bits)], a);
  }
  binary(operator: FloatBinary, a: Float, b: Float): Float {
    return this.#float(a.bits, binaryOpcodes[operator][at(a.bits)], a, b);
  }
  compare(comparison: FloatComparison, a: Float, b: Float): Value {
    return this.#b.operation(32, comparisonOpcodes[comparison][at(a.bits)], a, b);
  }
  select(condition: Value, ifTrue: Float, ifFalse: Float): Float {
    return this.#float(ifTrue.bits, selectOpcode, ifTrue, ifFalse, condition);
  }

  promote(a: Float): Float {
    return this.#float(64, promoteOpcode, a);
  }
  demote(a: Float): Float {
    return this.#float(32, demoteOpcode, a);
  }
  /** Traps when the integer would not fit: that must be known before. */
  truncate(width: 32 | 64, unsigned: boolean, a: Float): Value {
    return this.#b.operation(width, truncations[at(width)][at(a.bits)][unsigned ? 1 : 0], a);
  }
  convert(bits: 32 | 64, unsigned: boolean, integer: Value): Float {
    return this.#float(bits, conversions[at(integer.width === 64 ? 64 : 32)][at(bits)][unsigned ? 1 : 0], integer);
  }

  /** f32x4 or f64x2: lanes of this many bits. */
  vector(operator: FloatVector, bits: 32 | 64, ...inputs: Value[]): Value {
    return this.#b.vectorOperation(128, vectorOpcodes[operator][at(bits)], ...inputs);
  }
  /** Of the lower two lanes; demoting leaves zero in the upper ones. truncates saturate. */
  vectorConversion(conversion: keyof typeof conversionOpcodes, a: Value): Value {
    return this.#b.vectorOperation(128, conversionOpcodes[conversion], a);
  }
  vectorConstant(bits: 32 | 64, value: number): Value {
    const lane = patternOf(bits, value);
    return this.#b.vectorConstant(bits === 64 ? lane * ((1n << 64n) | 1n) : lane * 0x1_0000_0001_0000_0001_0000_0001n);
  }
}
const selectOpcode = 0x1b;
