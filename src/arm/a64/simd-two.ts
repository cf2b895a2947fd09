/**
 * Arm ARM DDI 0487, C4.1 "Advanced SIMD two-register miscellaneous" and its scalar form, as far as they are about integers.
 */
import type { Builder } from '../builder/builder.ts';
import { a64 } from './definition.ts';
import type { A64Instruction } from './instruction.ts';
import {
  addSaturated,
  evens,
  extend,
  lanes,
  letV,
  narrowSaturated,
  not,
  or,
  pairwiseLong,
  range,
  saturated,
  signs,
  smallest,
  splat,
  writeBytes,
  writeNarrow,
  xor,
  zeros,
} from './simd-pseudocode.ts';

interface Two<V> {
  readonly size: number;
  readonly bytes: number;
  readonly U: number;
  /** May be used more than once. */
  readonly x: V;
  readonly d: () => V;
}
type Meaning = <V>(b: Builder<V>, two: Two<V>) => V;

interface Row {
  readonly name: string;
  readonly opcode: string;
  /** Sizes that are allocated for U = 0 and U = 1. */
  readonly vector: readonly [readonly number[], readonly number[]];
  readonly scalar?: readonly [readonly number[], readonly number[]];
  readonly meaning: Meaning;
}

const all = [0, 1, 2, 3];
const narrow = [0, 1, 2];
const none: readonly number[] = [];
const both = (sizes: readonly number[]) => [sizes, sizes] as const;

/** The elements of each container of `container` bytes in reverse. */
function reversed<V>(b: Builder<V>, size: number, container: number, x: V): V {
  const flip = (container >> size) - 1;
  const bytes = range(16).map((i) => (((i >> size) ^ flip) << size) | (i & ((1 << size) - 1)));
  return b.shuffle(bytes, x, x);
}

/** CountLeadingZeroBits() of each element: the ones of what is left when the highest one has been copied to all below. */
function leadingZeros<V>(b: Builder<V>, size: number, value: V): V {
  let smeared = letV(b, value);
  for (let shift = 1; shift < 8 << size; shift *= 2)
    smeared = letV(b, or(b, smeared, lanes(b, size, 'shr_u', smeared, b.constant(32, BigInt(shift)))));
  let count = b.vector('i8x16.popcnt', not(b, smeared));
  for (let wide = 1; wide <= size; wide++) count = lanes(b, wide, 'extadd_pairwise_u', count);
  return count;
}

/** The bits of each byte in reverse, by halves. */
function reverseBits<V>(b: Builder<V>, x: V): V {
  const reverse = (nibble: number) => range(4).reduce((all, bit) => all | (((nibble >> bit) & 1) << (3 - bit)), 0);
  const table = (shift: number) =>
    b.vectorConstant(range(16).reduce((all, i) => all | (BigInt(reverse(i) << shift) << BigInt(8 * i)), 0n));
  const low = b.vector('v128.and', x, splat(b, 0, 15n));
  const high = lanes(b, 0, 'shr_u', x, b.constant(32, 4n));
  return or(b, b.vector('i8x16.swizzle', table(4), low), b.vector('i8x16.swizzle', table(0), high));
}

const comparison =
  (operations: readonly [string, string]): Meaning =>
  (b, { size, U, x }) =>
    lanes(b, size, operations[U], x, zeros(b));

const rows: readonly Row[] = [
  {
    name: 'REV64, REV32 (vector)',
    opcode: '00000',
    vector: [narrow, [0, 1]],
    meaning: (b, { size, U, x }) => reversed(b, size, U ? 4 : 8, x),
  },
  { name: 'REV16 (vector)', opcode: '00001', vector: [[0], none], meaning: (b, { x }) => reversed(b, 0, 2, x) },
  {
    name: 'SADDLP, UADDLP',
    opcode: '00010',
    vector: both(narrow),
    meaning: (b, { size, U, x }) => pairwiseLong(b, size, U === 1, x),
  },
  {
    name: 'SUQADD, USQADD',
    opcode: '00011',
    vector: both(all),
    scalar: both(all),
    meaning: (b, { size, bytes, U, x, d }) => {
      // With the accumulator moved by half of the range both operands are of one kind.
      const bias = splat(b, size, smallest(size));
      const { result, differs } = addSaturated(b, 'add', size, U === 0, letV(b, xor(b, d(), bias)), x);
      saturated(b, bytes, differs);
      return xor(b, result, bias);
    },
  },
  {
    name: 'CLS, CLZ (vector)',
    opcode: '00100',
    vector: both(narrow),
    meaning: (b, { size, U, x }) => {
      if (U) return leadingZeros(b, size, x);
      const zerosOfSigns = leadingZeros(b, size, xor(b, x, signs(b, size, x)));
      return lanes(b, size, 'sub', zerosOfSigns, splat(b, size, 1n));
    },
  },
  {
    name: 'CNT, NOT, RBIT (vector)',
    opcode: '00101',
    vector: [[0], [0, 1]],
    meaning: (b, { size, U, x }) => {
      if (size === 1) return reverseBits(b, x);
      return U ? not(b, x) : b.vector('i8x16.popcnt', x);
    },
  },
  {
    name: 'SADALP, UADALP',
    opcode: '00110',
    vector: both(narrow),
    meaning: (b, { size, U, x, d }) => lanes(b, size + 1, 'add', d(), pairwiseLong(b, size, U === 1, x)),
  },
  {
    name: 'SQABS, SQNEG',
    opcode: '00111',
    vector: both(all),
    scalar: both(all),
    meaning: (b, { size, bytes, U, x }) => {
      // Only the smallest number has no negative; one less than it is the largest.
      const isSmallest = letV(b, lanes(b, size, 'eq', x, splat(b, size, smallest(size))));
      saturated(b, bytes, isSmallest);
      return lanes(b, size, 'add', lanes(b, size, U ? 'neg' : 'abs', x), isSmallest);
    },
  },
  {
    name: 'CMGT, CMGE (zero)',
    opcode: '01000',
    vector: both(all),
    scalar: both([3]),
    meaning: comparison(['gt_s', 'ge_s']),
  },
  {
    name: 'CMEQ, CMLE (zero)',
    opcode: '01001',
    vector: both(all),
    scalar: both([3]),
    meaning: comparison(['eq', 'le_s']),
  },
  {
    name: 'CMLT (zero)',
    opcode: '01010',
    vector: [all, none],
    scalar: [[3], none],
    meaning: (b, { size, x }) => signs(b, size, x),
  },
  {
    name: 'ABS, NEG (vector)',
    opcode: '01011',
    vector: both(all),
    scalar: both([3]),
    meaning: (b, { size, U, x }) => lanes(b, size, U ? 'neg' : 'abs', x),
  },
];

const operands = { Rn: 'vector', Rd: 'vector' } as const;

function twoRegisters({ name, opcode, vector, scalar, meaning }: Row): A64Instruction[] {
  const definitions = [
    a64(
      name,
      `0 Q U 01110 size:2 10000 ${opcode} 10 Rn:5 Rd:5` as '0 Q U 01110 size:2 10000 00000 10 Rn:5 Rd:5',
      {
        shape: ['Q', 'U', 'size'],
        possible: ({ Q, U, size }) => vector[U].includes(size) && (size < 3 || Q === 1),
        vectors: operands,
      },
      (b, { Q, U, size, Rn, Rd }) => {
        const two = { size, bytes: Q ? 16 : 8, U, x: letV(b, b.readV(Rn)), d: () => b.readV(Rd) };
        writeBytes(b, two.bytes, Rd, meaning(b, two));
      },
    ),
  ];
  if (scalar)
    definitions.push(
      a64(
        `${name.replace(' (vector)', '')} (scalar)`.replace(') (', ', '),
        `01 U 11110 size:2 10000 ${opcode} 10 Rn:5 Rd:5` as '01 U 11110 size:2 10000 00000 10 Rn:5 Rd:5',
        { shape: ['U', 'size'], possible: ({ U, size }) => scalar[U].includes(size), vectors: operands },
        (b, { U, size, Rn, Rd }) => {
          const two = { size, bytes: 1 << size, U, x: letV(b, b.readV(Rn)), d: () => b.readV(Rd) };
          writeBytes(b, two.bytes, Rd, meaning(b, two));
        },
      ),
    );
  return definitions;
}

/** Elements of twice the size to `size`. */
const narrowing = [
  a64(
    'XTN, SQXTUN',
    '0 Q U 01110 size:2 10000 10010 10 Rn:5 Rd:5',
    { shape: ['Q', 'U', 'size'], possible: ({ size }) => size < 3, vectors: operands },
    (b, { Q, U, size, Rn, Rd }) => {
      const x = letV(b, b.readV(Rn));
      if (!U) return writeNarrow(b, Q, Rd, evens(b, size, 16, x, x));
      const { result, differs } = narrowSaturated(b, size, 's', 'u', x);
      saturated(b, 16, differs);
      writeNarrow(b, Q, Rd, result);
    },
  ),
  a64(
    'SQXTN, UQXTN',
    '0 Q U 01110 size:2 10000 10100 10 Rn:5 Rd:5',
    { shape: ['Q', 'U', 'size'], possible: ({ size }) => size < 3, vectors: operands },
    (b, { Q, U, size, Rn, Rd }) => {
      const kind = U ? 'u' : 's';
      const { result, differs } = narrowSaturated(b, size, kind, kind, letV(b, b.readV(Rn)));
      saturated(b, 16, differs);
      writeNarrow(b, Q, Rd, result);
    },
  ),
  a64(
    'SQXTUN (scalar)',
    '01111110 size:2 10000 10010 10 Rn:5 Rd:5',
    { shape: ['size'], possible: ({ size }) => size < 3, vectors: operands },
    (b, { size, Rn, Rd }) => {
      const { result, differs } = narrowSaturated(b, size, 's', 'u', letV(b, b.readV(Rn)));
      saturated(b, 2 << size, differs);
      writeBytes(b, 1 << size, Rd, result);
    },
  ),
  a64(
    'SQXTN, UQXTN (scalar)',
    '01 U 11110 size:2 10000 10100 10 Rn:5 Rd:5',
    { shape: ['U', 'size'], possible: ({ size }) => size < 3, vectors: operands },
    (b, { U, size, Rn, Rd }) => {
      const kind = U ? 'u' : 's';
      const { result, differs } = narrowSaturated(b, size, kind, kind, letV(b, b.readV(Rn)));
      saturated(b, 2 << size, differs);
      writeBytes(b, 1 << size, Rd, result);
    },
  ),
  a64(
    'SHLL',
    '0 Q 101110 size:2 10000 10011 10 Rn:5 Rd:5',
    { shape: ['Q', 'size'], possible: ({ size }) => size < 3, vectors: operands },
    (b, { Q, size, Rn, Rd }) => {
      const wide = extend(b, size, true, Q, b.readV(Rn));
      b.writeV(Rd, lanes(b, size + 1, 'shl', wide, b.constant(32, BigInt(8 << size))));
    },
  ),
];

export const simdTwo: readonly A64Instruction[] = [...rows.flatMap(twoRegisters), ...narrowing];
