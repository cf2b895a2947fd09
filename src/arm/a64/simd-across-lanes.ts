/** Arm ARM DDI 0487, C4.1 "Advanced SIMD across lanes" and "... scalar pairwise", as far as they are about integers. */
import type { Builder, Size } from '../builder/builder.ts';
import { a64 } from './definition.ts';
import { lanes, letV, lowBytes, pairwiseLong, range } from './simd-pseudocode.ts';

const operands = { Rn: 'vector', Rd: 'vector' } as const;

/** Combines all elements with each other, by halves: the result is in the lowest. Other elements must not disturb. */
function reduce<V>(b: Builder<V>, size: number, operation: string, value: V): V {
  let reduced = value;
  for (let distance = 8; distance >= 1 << size; distance >>= 1) {
    const x = letV(b, reduced);
    reduced = lanes(
      b,
      size,
      operation,
      x,
      b.shuffle(
        range(16).map((i) => (i + distance) & 15),
        x,
        x,
      ),
    );
  }
  return reduced;
}

/** Elements of 8, 16 or, in all 128 bits, 32 bits. */
const arranged = ({ Q, size }: { Q: number; size: number }): boolean => size < 2 || (size === 2 && Q === 1);

export const simdAcrossLanes = [
  a64(
    'SADDLV, UADDLV',
    '0 Q U 01110 size:2 11000 00011 10 Rn:5 Rd:5',
    { shape: ['Q', 'U', 'size'], possible: arranged, vectors: operands },
    (b, { Q, U, size, Rn, Rd }) => {
      const x = letV(b, lowBytes(b, Q ? 16 : 8, b.readV(Rn)));
      // The sum of 16 bytes is one of 32 bits, cut to 16.
      let sums = pairwiseLong(b, size, U === 1, x);
      if (size === 0) sums = lanes(b, 2, `extadd_pairwise_${U ? 'u' : 's'}`, sums);
      const sum = reduce(b, size === 2 ? 3 : 2, 'add', sums);
      const to = (size + 1) as Size;
      b.writeScalar(to, Rd, b.extractLane(to, 0, sum));
    },
  ),
  a64(
    'SMAXV, UMAXV, SMINV, UMINV',
    '0 Q U 01110 size:2 11000 min 1010 10 Rn:5 Rd:5',
    { shape: ['Q', 'U', 'size', 'min'], possible: arranged, vectors: operands },
    (b, { Q, U, size, min, Rn, Rd }) => {
      const x = letV(b, b.readV(Rn));
      // The lower half twice has the same largest and smallest elements as once.
      const value = Q
        ? x
        : b.shuffle(
            range(16).map((i) => i & 7),
            x,
            x,
          );
      const operation = `${min ? 'min' : 'max'}_${U ? 'u' : 's'}`;
      b.writeScalar(size as Size, Rd, b.extractLane(size as Size, 0, reduce(b, size, operation, value)));
    },
  ),
  a64(
    'ADDV',
    '0 Q 001110 size:2 11000 11011 10 Rn:5 Rd:5',
    { shape: ['Q', 'size'], possible: arranged, vectors: operands },
    (b, { Q, size, Rn, Rd }) => {
      const sum = reduce(b, size, 'add', lowBytes(b, Q ? 16 : 8, b.readV(Rn)));
      b.writeScalar(size as Size, Rd, b.extractLane(size as Size, 0, sum));
    },
  ),
  a64('ADDP (scalar)', '01011110 11 11000 11011 10 Rn:5 Rd:5', { vectors: operands }, (b, { Rn, Rd }) => {
    const x = letV(b, b.readV(Rn));
    b.writeScalar(3, Rd, b.binary('add', 64, b.extractLane(3, 0, x), b.extractLane(3, 1, x)));
  }),
];
