/**
 * Arm ARM DDI 0487, C4.1 "Advanced SIMD three same", "... three same extra" and their scalar forms, as far as they are
 * about integers.
 */
import type { Builder, VectorOperand } from '../builder/builder.ts';
import { a64 } from './definition.ts';
import type { A64Instruction } from './instruction.ts';
import { doublingMultiplyHigh, multiplyAccumulateHigh, polynomialMultiply } from './simd-multiply.ts';
import {
  addSaturated,
  and,
  difference,
  evens,
  greater,
  greaterOrEqual,
  halvingAdd,
  halvingSubtract,
  keepQc,
  lanes,
  letV,
  multiply,
  not,
  odds,
  or,
  select,
  writeBytes,
  xor,
} from './simd-pseudocode.ts';
import { shiftByRegister } from './simd-shift-register.ts';

/** What a meaning of two vectors and the present value of a third is given. The vectors may be used more than once. */
export interface Three<V> {
  readonly size: number;
  readonly bytes: number;
  readonly U: number;
  readonly n: V;
  readonly m: V;
  readonly d: () => V;
}
export type Meaning = <V>(b: Builder<V>, three: Three<V>) => V;

/** Instructions of one opcode; the shapes' U tells them apart. */
interface Row {
  readonly name: string;
  readonly opcode: string;
  /** Sizes that are allocated for U = 0 and U = 1, of the vector form and of the scalar one. */
  readonly vector?: readonly [readonly number[], readonly number[]];
  readonly scalar?: readonly [readonly number[], readonly number[]];
  readonly meaning: Meaning;
}

const all = [0, 1, 2, 3];
const narrow = [0, 1, 2];
const none: readonly number[] = [];
const both = (sizes: readonly number[]) => [sizes, sizes] as const;

const pairwise =
  (operation: string): Meaning =>
  (b, { size, bytes, U, n, m }) =>
    lanes(b, size, U ? `${operation}_u` : `${operation}_s`, evens(b, size, bytes, n, m), odds(b, size, bytes, n, m));

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

/** V[d] from two vectors. */
export function runThree<V>(
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
          runThree(b, meaning, { size, bytes: Q ? 16 : 8, U }, b.readV(Rn), b.readV(Rm), Rd),
      ),
    );
  if (scalar)
    found.push(
      a64(
        `${name.replace(' (vector)', '')} (scalar)`.replace(') (', ', '),
        `01 U 11110 size:2 1 Rm:5 ${opcode} 1 Rn:5 Rd:5` as '01 U 11110 size:2 1 Rm:5 00000 1 Rn:5 Rd:5',
        { shape: ['U', 'size'], possible: possibleIn(scalar), vectors: operands },
        (b, { U, size, Rn, Rm, Rd }) =>
          runThree(b, meaning, { size, bytes: 1 << size, U }, b.readV(Rn), b.readV(Rm), Rd),
      ),
    );
  return found;
}

/** SQRDMLAH, or SQRDMLSH where U is one. */
export const highAccumulate: Meaning = (b, { size, bytes, U, n, m, d }) =>
  keepQc(b, bytes, multiplyAccumulateHigh(b, size, U === 1, n, m, letV(b, d())));
export const halfOrWord = ({ size }: { size: number }) => size === 1 || size === 2;

const threeSameExtra = [
  a64(
    'SQRDMLAH, SQRDMLSH (vector)',
    '0 Q 101110 size:2 0 Rm:5 1000 S 1 Rn:5 Rd:5',
    { feature: 'FEAT_RDM', shape: ['Q', 'size', 'S'], possible: halfOrWord, vectors: operands },
    (b, { Q, size, S, Rn, Rm, Rd }) =>
      runThree(b, highAccumulate, { size, bytes: Q ? 16 : 8, U: S }, b.readV(Rn), b.readV(Rm), Rd),
  ),
  a64(
    'SQRDMLAH, SQRDMLSH (scalar)',
    '01111110 size:2 0 Rm:5 1000 S 1 Rn:5 Rd:5',
    { feature: 'FEAT_RDM', shape: ['size', 'S'], possible: halfOrWord, vectors: operands },
    (b, { size, S, Rn, Rm, Rd }) =>
      runThree(b, highAccumulate, { size, bytes: 1 << size, U: S }, b.readV(Rn), b.readV(Rm), Rd),
  ),
];

export const simdThreeSame: readonly A64Instruction[] = [...rows.flatMap(threeSame), ...threeSameExtra];
