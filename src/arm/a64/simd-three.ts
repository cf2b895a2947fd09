/**
 * Arm ARM DDI 0487, C4.1 "Advanced SIMD three same", "... three same extra", "... three different", "... vector x indexed
 * element" and their scalar forms, as far as they are about integers: what makes one vector of two.
 */
import type { Builder, Size, VectorOperand } from '../builder/builder.ts';
import { a64, element } from './definition.ts';
import type { A64Instruction } from './instruction.ts';
import {
  accumulateSaturated,
  doublingMultiplyHigh,
  doublingMultiplyLong,
  multiplyAccumulateHigh,
  polynomialMultiply,
  polynomialMultiplyLong,
} from './simd-multiply.ts';
import {
  addSaturated,
  and,
  evens,
  extend,
  greater,
  greaterOrEqual,
  halvingAdd,
  halvingSubtract,
  lanes,
  letV,
  multiply,
  not,
  odds,
  or,
  saturated,
  select,
  splatElement,
  writeBytes,
  writeNarrow,
  xor,
} from './simd-pseudocode.ts';
import { shiftByRegister } from './simd-shift.ts';

/** What a meaning of two vectors and the present value of a third is given. The vectors may be used more than once. */
interface Three<V> {
  readonly size: number;
  readonly bytes: number;
  readonly U: number;
  readonly n: V;
  readonly m: V;
  readonly d: () => V;
}
type Meaning = <V>(b: Builder<V>, three: Three<V>) => V;

/** Sizes that are allocated, by U: [0]. */
interface Row {
  readonly name: string;
  readonly opcode: string;
  /** Sizes of the vector form for U = 0 and U = 1; none where it is absent. */
  readonly vector?: readonly [readonly number[], readonly number[]];
  readonly scalar?: readonly [readonly number[], readonly number[]];
  readonly meaning: Meaning;
}

const all = [0, 1, 2, 3];
const narrow = [0, 1, 2];
const none: readonly number[] = [];
const both = (sizes: readonly number[]) => [sizes, sizes] as const;

/** Runs a meaning whose result is saturated, of which the low bytes count for QC. */
function keepQc<V>(b: Builder<V>, bytes: number, { result, differs }: { result: V; differs: V }): V {
  saturated(b, bytes, differs);
  return result;
}

const pairwise =
  (operation: string): Meaning =>
  (b, { size, bytes, U, n, m }) =>
    lanes(b, size, U ? `${operation}_u` : `${operation}_s`, evens(b, size, bytes, n, m), odds(b, size, bytes, n, m));

const difference = <V>(b: Builder<V>, size: number, unsigned: boolean, x: V, y: V): V => {
  const suffix = unsigned ? 'u' : 's';
  return lanes(b, size, 'sub', lanes(b, size, `max_${suffix}`, x, y), lanes(b, size, `min_${suffix}`, x, y));
};

const rows: readonly Row[] = [
  {
    name: 'SHADD, UHADD',
    opcode: '00000',
    vector: both(narrow),
    meaning: (b, { size, U, n, m }) => halvingAdd(b, size, U === 1, false, n, m),
  },
  {
    name: 'SQADD, UQADD',
    opcode: '00001',
    vector: both(all),
    scalar: both(all),
    meaning: (b, { size, bytes, U, n, m }) => keepQc(b, bytes, addSaturated(b, 'add', size, U === 1, n, m)),
  },
  {
    name: 'SRHADD, URHADD',
    opcode: '00010',
    vector: both(narrow),
    meaning: (b, { size, U, n, m }) => halvingAdd(b, size, U === 1, true, n, m),
  },
  {
    name: 'AND, BIC, ORR, ORN, EOR, BSL, BIT, BIF (vector)',
    opcode: '00011',
    vector: both(all),
    meaning: (b, { size, U, n, m, d }) => {
      const meanings = [
        () => and(b, n, m),
        () => b.vector('v128.andnot', n, m),
        () => or(b, n, m),
        () => or(b, n, not(b, m)),
        () => xor(b, n, m),
        () => select(b, d(), n, m),
        () => select(b, m, n, d()),
        () => select(b, m, d(), n),
      ];
      return meanings[4 * U + size]();
    },
  },
  {
    name: 'SHSUB, UHSUB',
    opcode: '00100',
    vector: both(narrow),
    meaning: (b, { size, U, n, m }) => halvingSubtract(b, size, U === 1, n, m),
  },
  {
    name: 'SQSUB, UQSUB',
    opcode: '00101',
    vector: both(all),
    scalar: both(all),
    meaning: (b, { size, bytes, U, n, m }) => keepQc(b, bytes, addSaturated(b, 'sub', size, U === 1, n, m)),
  },
  {
    name: 'CMGT, CMHI (register)',
    opcode: '00110',
    vector: both(all),
    scalar: both([3]),
    meaning: (b, { size, U, n, m }) => greater(b, size, U === 1, n, m),
  },
  {
    name: 'CMGE, CMHS (register)',
    opcode: '00111',
    vector: both(all),
    scalar: both([3]),
    meaning: (b, { size, U, n, m }) => greaterOrEqual(b, size, U === 1, n, m),
  },
  ...(
    [
      ['SSHL, USHL', '01000', [3], false, false],
      ['SQSHL, UQSHL (register)', '01001', all, false, true],
      ['SRSHL, URSHL', '01010', [3], true, false],
      ['SQRSHL, UQRSHL', '01011', all, true, true],
    ] as const
  ).map(
    ([name, opcode, scalar, rounding, saturating]): Row => ({
      name,
      opcode,
      vector: both(all),
      scalar: both(scalar),
      meaning: (b, { size, bytes, U, n, m }) => {
        const shifted = shiftByRegister(b, size, U === 1, rounding, n, m);
        return saturating ? keepQc(b, bytes, shifted.saturated()) : shifted.result();
      },
    }),
  ),
  {
    name: 'SMAX, UMAX',
    opcode: '01100',
    vector: both(narrow),
    meaning: (b, { size, U, n, m }) => lanes(b, size, U ? 'max_u' : 'max_s', n, m),
  },
  {
    name: 'SMIN, UMIN',
    opcode: '01101',
    vector: both(narrow),
    meaning: (b, { size, U, n, m }) => lanes(b, size, U ? 'min_u' : 'min_s', n, m),
  },
  {
    name: 'SABD, UABD',
    opcode: '01110',
    vector: both(narrow),
    meaning: (b, { size, U, n, m }) => difference(b, size, U === 1, n, m),
  },
  {
    name: 'SABA, UABA',
    opcode: '01111',
    vector: both(narrow),
    meaning: (b, { size, U, n, m, d }) => lanes(b, size, 'add', d(), difference(b, size, U === 1, n, m)),
  },
  {
    name: 'ADD, SUB (vector)',
    opcode: '10000',
    vector: both(all),
    scalar: both([3]),
    meaning: (b, { size, U, n, m }) => lanes(b, size, U ? 'sub' : 'add', n, m),
  },
  {
    name: 'CMTST, CMEQ (register)',
    opcode: '10001',
    vector: both(all),
    scalar: both([3]),
    meaning: (b, { size, U, n, m }) =>
      U ? lanes(b, size, 'eq', n, m) : lanes(b, size, 'ne', and(b, n, m), b.vectorConstant(0n)),
  },
  {
    name: 'MLA, MLS (vector)',
    opcode: '10010',
    vector: both(narrow),
    meaning: (b, { size, U, n, m, d }) => lanes(b, size, U ? 'sub' : 'add', d(), multiply(b, size, n, m)),
  },
  {
    name: 'MUL, PMUL (vector)',
    opcode: '10011',
    vector: [narrow, [0]],
    meaning: (b, { size, U, n, m }) => (U ? polynomialMultiply(b, n, m) : multiply(b, size, n, m)),
  },
  { name: 'SMAXP, UMAXP', opcode: '10100', vector: both(narrow), meaning: pairwise('max') },
  { name: 'SMINP, UMINP', opcode: '10101', vector: both(narrow), meaning: pairwise('min') },
  {
    name: 'SQDMULH, SQRDMULH (vector)',
    opcode: '10110',
    vector: both([1, 2]),
    scalar: both([1, 2]),
    meaning: (b, { size, bytes, U, n, m }) => keepQc(b, bytes, doublingMultiplyHigh(b, size, U === 1, n, m)),
  },
  {
    name: 'ADDP (vector)',
    opcode: '10111',
    vector: [all, none],
    meaning: (b, { size, bytes, n, m }) =>
      lanes(b, size, 'add', evens(b, size, bytes, n, m), odds(b, size, bytes, n, m)),
  },
];

const operands = { Rn: 'vector', Rm: 'vector', Rd: 'vector' } as const;

/** 64-bit elements are there twice or, in the scalar form, once. */
const possibleIn =
  (sizes: readonly [readonly number[], readonly number[]]) =>
  ({ Q, U, size }: { Q?: number; U: number; size: number }) =>
    sizes[U].includes(size) && (size < 3 || Q !== 0);

/** A vector may be used more than once, and is then read once; what is used once is read where it is used. */
function run<V>(
  b: Builder<V>,
  meaning: Meaning,
  { size, bytes, U }: { size: number; bytes: number; U: number },
  n: V,
  m: V,
  Rd: VectorOperand,
): void {
  const [x, y] = [letV(b, n), letV(b, m)];
  writeBytes(b, bytes, Rd, meaning(b, { size, bytes, U, n: x, m: y, d: () => b.readV(Rd) }));
}

/** The diagrams' opcodes are those of the rows. */
function threeSame({ name, opcode, vector, scalar, meaning }: Row): A64Instruction[] {
  const found: A64Instruction[] = [];
  if (vector)
    found.push(
      a64(
        name,
        `0 Q U 01110 size:2 1 Rm:5 ${opcode} 1 Rn:5 Rd:5` as '0 Q U 01110 size:2 1 Rm:5 00000 1 Rn:5 Rd:5',
        // The size of logical operations chooses the operation: all are there.
        {
          shape: ['Q', 'U', 'size'],
          possible: opcode === '00011' ? undefined : possibleIn(vector),
          vectors: operands,
        },
        (b, { Q, U, size, Rn, Rm, Rd }) =>
          run(b, meaning, { size, bytes: Q ? 16 : 8, U }, b.readV(Rn), b.readV(Rm), Rd),
      ),
    );
  if (scalar)
    found.push(
      a64(
        `${name.replace(' (vector)', '')} (scalar)`.replace(') (', ', '),
        `01 U 11110 size:2 1 Rm:5 ${opcode} 1 Rn:5 Rd:5` as '01 U 11110 size:2 1 Rm:5 00000 1 Rn:5 Rd:5',
        { shape: ['U', 'size'], possible: possibleIn(scalar), vectors: operands },
        (b, { U, size, Rn, Rm, Rd }) => run(b, meaning, { size, bytes: 1 << size, U }, b.readV(Rn), b.readV(Rm), Rd),
      ),
    );
  return found;
}

const highAccumulate: Meaning = (b, { size, bytes, U, n, m, d }) =>
  keepQc(b, bytes, multiplyAccumulateHigh(b, size, U === 1, n, m, letV(b, d())));
const halfOrWord = ({ size }: { size: number }) => size === 1 || size === 2;

const threeSameExtra = [
  a64(
    'SQRDMLAH, SQRDMLSH (vector)',
    '0 Q 101110 size:2 0 Rm:5 1000 S 1 Rn:5 Rd:5',
    { feature: 'FEAT_RDM', shape: ['Q', 'size', 'S'], possible: halfOrWord, vectors: operands },
    (b, { Q, size, S, Rn, Rm, Rd }) =>
      run(b, highAccumulate, { size, bytes: Q ? 16 : 8, U: S }, b.readV(Rn), b.readV(Rm), Rd),
  ),
  a64(
    'SQRDMLAH, SQRDMLSH (scalar)',
    '01111110 size:2 0 Rm:5 1000 S 1 Rn:5 Rd:5',
    { feature: 'FEAT_RDM', shape: ['size', 'S'], possible: halfOrWord, vectors: operands },
    (b, { size, S, Rn, Rm, Rd }) =>
      run(b, highAccumulate, { size, bytes: 1 << size, U: S }, b.readV(Rn), b.readV(Rm), Rd),
  ),
];

/** Of two vectors of which the lower or the upper halves are used, to elements of twice the size. */
interface Long<V> {
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
type LongMeaning = <V>(b: Builder<V>, long: Long<V>) => V;

const long = <V>(b: Builder<V>, { size, U, high }: Long<V>, value: V): V => extend(b, size, U === 1, high, value);
const product = <V>(b: Builder<V>, { size, U, high, n, m }: Long<V>): V =>
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
const longAccumulate =
  (operation: 'add' | 'sub'): LongMeaning =>
  (b, parts) =>
    lanes(b, parts.size + 1, operation, parts.d(), product(b, parts));
const doublingLong: LongMeaning = (b, { size, high, bytes, n, m }) =>
  keepQc(b, bytes, doublingMultiplyLong(b, size, high, n, m));
const doublingAccumulate =
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

function runLong<V>(
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

/** H:L:M is the index of a halfword, of V0 to V15; H:L that of a word. */
interface IndexFields {
  readonly size: number;
  readonly L: number;
  readonly M: number;
  readonly Rm: number;
  readonly H: number;
}
const indexed = ({ size, L, M, Rm, H }: IndexFields): number =>
  size === 1 ? element(Rm, 1, (H << 2) | (L << 1) | M) : element((M << 4) | Rm, 2, (H << 1) | L);
const byElement = { Rn: 'vector', Rm: indexed, Rd: 'vector' } as const;

/** Of the rows above, by the opcode of the form by element: for U = 0 and 1, and where there is a scalar form. */
interface ElementRow {
  readonly name: string;
  readonly feature?: string;
  readonly opcode: string;
  readonly U: readonly number[];
  readonly scalar?: boolean;
  readonly meaning: Meaning;
}

const elementRows: readonly ElementRow[] = [
  {
    name: 'MUL',
    opcode: '1000',
    U: [0],
    meaning: (b, { size, n, m }) => multiply(b, size, n, m),
  },
  {
    name: 'MLA',
    opcode: '0000',
    U: [1],
    meaning: (b, { size, n, m, d }) => lanes(b, size, 'add', d(), multiply(b, size, n, m)),
  },
  {
    name: 'MLS',
    opcode: '0100',
    U: [1],
    meaning: (b, { size, n, m, d }) => lanes(b, size, 'sub', d(), multiply(b, size, n, m)),
  },
  {
    name: 'SQDMULH',
    opcode: '1100',
    U: [0],
    scalar: true,
    meaning: (b, { size, bytes, n, m }) => keepQc(b, bytes, doublingMultiplyHigh(b, size, false, n, m)),
  },
  {
    name: 'SQRDMULH',
    opcode: '1101',
    U: [0],
    scalar: true,
    meaning: (b, { size, bytes, n, m }) => keepQc(b, bytes, doublingMultiplyHigh(b, size, true, n, m)),
  },
  {
    name: 'SQRDMLAH',
    feature: 'FEAT_RDM',
    opcode: '1101',
    U: [1],
    scalar: true,
    meaning: (b, three) => highAccumulate(b, { ...three, U: 0 }),
  },
  {
    name: 'SQRDMLSH',
    feature: 'FEAT_RDM',
    opcode: '1111',
    U: [1],
    scalar: true,
    meaning: (b, three) => highAccumulate(b, { ...three, U: 1 }),
  },
];

const longElementRows: readonly (Omit<ElementRow, 'meaning'> & { readonly meaning: LongMeaning })[] = [
  { name: 'SMLAL, UMLAL', opcode: '0010', U: [0, 1], meaning: longAccumulate('add') },
  { name: 'SQDMLAL', opcode: '0011', U: [0], scalar: true, meaning: doublingAccumulate('add') },
  { name: 'SMLSL, UMLSL', opcode: '0110', U: [0, 1], meaning: longAccumulate('sub') },
  { name: 'SQDMLSL', opcode: '0111', U: [0], scalar: true, meaning: doublingAccumulate('sub') },
  { name: 'SMULL, UMULL', opcode: '1010', U: [0, 1], meaning: product },
  { name: 'SQDMULL', opcode: '1011', U: [0], scalar: true, meaning: doublingLong },
];

/** The definitions of one row: the vector form, and the scalar one where there is one. */
function elementForms(
  { name, feature, opcode, U: values, scalar }: Omit<ElementRow, 'meaning'>,
  execute: <V>(
    b: Builder<V>,
    parts: { size: number; U: number; bytes: number; high: number; scalar: boolean },
    Rn: VectorOperand,
    Rm: VectorOperand,
    Rd: VectorOperand,
  ) => void,
): A64Instruction[] {
  // With one value U is a fixed bit of the diagram.
  const [bit, shape] = values.length === 2 ? ['U', ['U', 'size'] as const] : [`${values[0]}`, ['size'] as const];
  const unsignedOf = (parts: { U?: number }) => parts.U ?? values[0];
  const vector = a64(
    `${name} (by element)`,
    `0 Q ${bit} 01111 size:2 L M Rm:4 ${opcode} H 0 Rn:5 Rd:5` as '0 Q U 01111 size:2 L M Rm:4 0000 H 0 Rn:5 Rd:5',
    { feature, shape: ['Q', ...shape], possible: halfOrWord, vectors: byElement },
    (b, { Q, size, Rn, Rm, Rd, ...parts }) =>
      execute(b, { size, U: unsignedOf(parts), bytes: Q ? 16 : 8, high: Q, scalar: false }, Rn, Rm, Rd),
  );
  if (!scalar) return [vector];
  const single = a64(
    `${name} (scalar, by element)`,
    `01 ${bit} 11111 size:2 L M Rm:4 ${opcode} H 0 Rn:5 Rd:5` as '01 U 11111 size:2 L M Rm:4 0000 H 0 Rn:5 Rd:5',
    { feature, shape, possible: halfOrWord, vectors: byElement },
    (b, { size, Rn, Rm, Rd, ...parts }) =>
      execute(b, { size, U: unsignedOf(parts), bytes: 1 << size, high: 0, scalar: true }, Rn, Rm, Rd),
  );
  return [vector, single];
}

const elements = elementRows.flatMap((row) =>
  elementForms(row, (b, parts, Rn, Rm, Rd) =>
    run(b, row.meaning, parts, b.readV(Rn), splatElement(b, parts.size as Size, Rm), Rd),
  ),
);
const longElements = longElementRows.flatMap((row) =>
  elementForms(row, (b, { size, U, high, scalar }, Rn, Rm, Rd) => {
    const bytes = scalar ? 2 << size : 16;
    runLong(b, row.meaning, { size, U, high, bytes }, b.readV(Rn), splatElement(b, size as Size, Rm), Rd);
  }),
);

export const simdThree: readonly A64Instruction[] = [
  ...rows.flatMap(threeSame),
  ...threeSameExtra,
  ...longRows.flatMap(threeDifferent),
  polynomialLong,
  ...highHalves,
  ...elements,
  ...longElements,
];
