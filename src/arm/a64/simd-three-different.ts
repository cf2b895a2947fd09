/**
 * Arm ARM DDI 0487, C4.1 "Advanced SIMD three different" and its scalar form: operands and results of different sizes.
 */
import type { Builder, VectorOperand } from '../builder/builder.ts';
import { a64 } from './definition.ts';
import type { A64Instruction } from './instruction.ts';
import { accumulateSaturated, doublingMultiplyLong, polynomialMultiplyLong } from './simd-multiply.ts';
import { difference, extend, keepQc, lanes, letV, odds, writeBytes, writeNarrow } from './simd-pseudocode.ts';
import { halfOrWord } from './simd-three-same.ts';

const operands = { Rn: 'vector', Rm: 'vector', Rd: 'vector' } as const;
const narrow = [0, 1, 2];
const none: readonly number[] = [];
const both = (sizes: readonly number[]) => [sizes, sizes] as const;

/** Of two vectors of which the lower or the upper halves are used, to elements of twice the size. */
export interface Long<V> {
  readonly size: number;
  readonly U: number;
  /** 1: the upper halves. */
  readonly high: number;
  /** Bytes of the result that count: 16, or those of one element of it. */
  readonly bytes: number;
  readonly n: V;
  readonly m: V;
  readonly d: () => V;
}
export type LongMeaning = <V>(b: Builder<V>, long: Long<V>) => V;

const long = <V>(b: Builder<V>, { size, U, high }: Long<V>, value: V): V => extend(b, size, U === 1, high, value);
export const product = <V>(b: Builder<V>, { size, U, high, n, m }: Long<V>): V =>
  lanes(b, size + 1, `extmul_${high ? 'high' : 'low'}_${U ? 'u' : 's'}`, n, m);

/** Their difference is the same in the wider elements. */
const longDifference = <V>(b: Builder<V>, parts: Long<V>): V => {
  const { size, U, high, n, m } = parts;
  const narrowDifference = difference(b, size, U === 1, n, m);
  return extend(b, size, true, high, narrowDifference);
};

const longAdd =
  (operation: 'add' | 'sub'): LongMeaning =>
  (b, parts) =>
    lanes(b, parts.size + 1, operation, long(b, parts, parts.n), long(b, parts, parts.m));
export const longAccumulate =
  (operation: 'add' | 'sub'): LongMeaning =>
  (b, parts) =>
    lanes(b, parts.size + 1, operation, parts.d(), product(b, parts));
export const doublingLong: LongMeaning = (b, { size, high, bytes, n, m }) =>
  keepQc(b, bytes, doublingMultiplyLong(b, size, high, n, m));
export const doublingAccumulate =
  (operation: 'add' | 'sub'): LongMeaning =>
  (b, { size, high, bytes, n, m, d }) =>
    keepQc(b, bytes, accumulateSaturated(b, operation, size, high, n, m, letV(b, d())));

interface LongRow {
  readonly name: string;
  readonly opcode: string;
  readonly sizes: readonly [readonly number[], readonly number[]];
  readonly scalar?: boolean;
  readonly meaning: LongMeaning;
}

const longRows: readonly LongRow[] = [
  { name: 'SADDL, UADDL', opcode: '0000', sizes: both(narrow), meaning: longAdd('add') },
  {
    name: 'SADDW, UADDW',
    opcode: '0001',
    sizes: both(narrow),
    meaning: (b, parts) => lanes(b, parts.size + 1, 'add', parts.n, long(b, parts, parts.m)),
  },
  { name: 'SSUBL, USUBL', opcode: '0010', sizes: both(narrow), meaning: longAdd('sub') },
  {
    name: 'SSUBW, USUBW',
    opcode: '0011',
    sizes: both(narrow),
    meaning: (b, parts) => lanes(b, parts.size + 1, 'sub', parts.n, long(b, parts, parts.m)),
  },
  {
    name: 'SABAL, UABAL',
    opcode: '0101',
    sizes: both(narrow),
    meaning: (b, parts) => lanes(b, parts.size + 1, 'add', parts.d(), longDifference(b, parts)),
  },
  { name: 'SABDL, UABDL', opcode: '0111', sizes: both(narrow), meaning: longDifference },
  { name: 'SMLAL, UMLAL (vector)', opcode: '1000', sizes: both(narrow), meaning: longAccumulate('add') },
  {
    name: 'SQDMLAL (vector)',
    opcode: '1001',
    sizes: [[1, 2], none],
    scalar: true,
    meaning: doublingAccumulate('add'),
  },
  { name: 'SMLSL, UMLSL (vector)', opcode: '1010', sizes: both(narrow), meaning: longAccumulate('sub') },
  {
    name: 'SQDMLSL (vector)',
    opcode: '1011',
    sizes: [[1, 2], none],
    scalar: true,
    meaning: doublingAccumulate('sub'),
  },
  { name: 'SMULL, UMULL (vector)', opcode: '1100', sizes: both(narrow), meaning: product },
  { name: 'SQDMULL (vector)', opcode: '1101', sizes: [[1, 2], none], scalar: true, meaning: doublingLong },
  {
    name: 'PMULL',
    opcode: '1110',
    sizes: [[0], none],
    meaning: (b, { high, n, m }) => polynomialMultiplyLong(b, 0, high, n, m),
  },
];

const polynomialLong = a64(
  'PMULL (64 bits)',
  '0 Q 00111011 1 Rm:5 111000 Rn:5 Rd:5',
  { feature: 'FEAT_PMULL', shape: ['Q'], vectors: operands },
  (b, { Q, Rn, Rm, Rd }) => b.writeV(Rd, polynomialMultiplyLong(b, 3, Q, letV(b, b.readV(Rn)), letV(b, b.readV(Rm)))),
);

/** V[d] from two vectors. */
export function runLong<V>(
  b: Builder<V>,
  meaning: LongMeaning,
  parts: { size: number; U: number; high: number; bytes: number },
  n: V,
  m: V,
  Rd: VectorOperand,
): void {
  const result = meaning(b, { ...parts, n: letV(b, n), m: letV(b, m), d: () => b.readV(Rd) });
  writeBytes(b, parts.bytes, Rd, result);
}

function threeDifferent({ name, opcode, sizes, scalar, meaning }: LongRow): A64Instruction[] {
  const vector = a64(
    name,
    `0 Q U 01110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5` as '0 Q U 01110 size:2 1 Rm:5 0000 00 Rn:5 Rd:5',
    { shape: ['Q', 'U', 'size'], possible: ({ U, size }) => sizes[U].includes(size), vectors: operands },
    (b, { Q, U, size, Rn, Rm, Rd }) =>
      runLong(b, meaning, { size, U, high: Q, bytes: 16 }, b.readV(Rn), b.readV(Rm), Rd),
  );
  if (!scalar) return [vector];
  const single = a64(
    name.replace('vector', 'scalar'),
    `01011110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5` as '01011110 size:2 1 Rm:5 0000 00 Rn:5 Rd:5',
    { shape: ['size'], possible: halfOrWord, vectors: operands },
    (b, { size, Rn, Rm, Rd }) =>
      runLong(b, meaning, { size, U: 0, high: 0, bytes: 2 << size }, b.readV(Rn), b.readV(Rm), Rd),
  );
  return [vector, single];
}

const highHalves = [
  a64(
    'ADDHN, RADDHN, SUBHN, RSUBHN',
    '0 Q U 01110 size:2 1 Rm:5 01 subtract 000 Rn:5 Rd:5',
    { shape: ['Q', 'U', 'size', 'subtract'], possible: ({ size }) => size < 3, vectors: operands },
    (b, { Q, U, size, subtract, Rn, Rm, Rd }) => {
      const wide = size + 1;
      let result = lanes(b, wide, subtract ? 'sub' : 'add', b.readV(Rn), b.readV(Rm));
      if (U) result = lanes(b, wide, 'add', result, lanes(b, wide, 'splat', roundingConstant(b, size)));
      const sum = letV(b, result);
      writeNarrow(b, Q, Rd, odds(b, size, 16, sum, sum));
    },
  ),
];

/** Half of what is cut off below a high half. */
const roundingConstant = <V>(b: Builder<V>, size: number): V =>
  b.constant(size === 2 ? 64 : 32, 1n << BigInt((8 << size) - 1));

export const simdThreeDifferent: readonly A64Instruction[] = [
  ...longRows.flatMap(threeDifferent),
  polynomialLong,
  ...highHalves,
];
